/** Counts, precision and recall at thresholds. Follows `keras/src/metrics/confusion_metrics.py`. */
import type { Tensor, Variable } from '../engine/index.js'
import type { TensorLike } from '../ops/define.js'
import * as ops from '../ops/index.js'
import { Metric, type MetricOptions } from './metric.js'
import { countOutcomes, LOWEST, type Outcomes, thresholdsOf } from './outcomes.js'

export interface ThresholdsOptions extends MetricOptions {
  /** One threshold or several, from 0 to 1; one value comes out for each. Default 0.5. */
  readonly thresholds?: number | readonly number[] | null
}

/** The only value, or all of them. */
const oneOrAll = (values: Tensor): Tensor => (values.size === 1 ? ops.reshape(values, []) : values)

/** Counts one of the four outcomes. */
abstract class OutcomeCount extends Metric {
  readonly thresholds: readonly number[]
  readonly #given: number | readonly number[] | null
  readonly #accumulator: Variable

  constructor(
    className: string,
    name: string,
    readonly outcome: keyof Outcomes,
    { thresholds = null, ...options }: ThresholdsOptions,
  ) {
    super({ name, ...options })
    this.#given = thresholds
    this.thresholds = thresholdsOf(className, thresholds, 0.5)
    this.#accumulator = this.addVariable('accumulator', { shape: [this.thresholds.length] })
  }

  protected override get optionNames(): readonly string[] {
    return ['thresholds']
  }

  override updateState(yTrue: TensorLike, yPred?: TensorLike | null, sampleWeight?: TensorLike | null, mask?: Tensor | null): void {
    const { thresholds, dtype } = this
    const outcomes = countOutcomes(this.name, yTrue, yPred as TensorLike, { thresholds, dtype, sampleWeight, mask })
    this.#accumulator.assignAdd(outcomes[this.outcome])
  }

  override result(): Tensor {
    return oneOrAll(this.#accumulator.value)
  }

  override getConfig(): Record<string, unknown> {
    return { ...super.getConfig(), thresholds: this.#given }
  }
}

/** The (weighted) number of positive predictions that are wrong. */
export class FalsePositives extends OutcomeCount {
  constructor(options: ThresholdsOptions = {}) {
    super('FalsePositives', 'false_positives', 'falsePositives', options)
  }

  override get className(): string {
    return 'FalsePositives'
  }
}

/** The (weighted) number of negative predictions that are wrong. */
export class FalseNegatives extends OutcomeCount {
  constructor(options: ThresholdsOptions = {}) {
    super('FalseNegatives', 'false_negatives', 'falseNegatives', options)
  }

  override get className(): string {
    return 'FalseNegatives'
  }
}

/** The (weighted) number of negative predictions that are right. */
export class TrueNegatives extends OutcomeCount {
  constructor(options: ThresholdsOptions = {}) {
    super('TrueNegatives', 'true_negatives', 'trueNegatives', options)
  }

  override get className(): string {
    return 'TrueNegatives'
  }
}

/** The (weighted) number of positive predictions that are right. */
export class TruePositives extends OutcomeCount {
  constructor(options: ThresholdsOptions = {}) {
    super('TruePositives', 'true_positives', 'truePositives', options)
  }

  override get className(): string {
    return 'TruePositives'
  }
}

export interface PrecisionOptions extends ThresholdsOptions {
  /** Count only the best `topK` scores of each sample as positive. */
  readonly topK?: number | null
  /** Look at this class of the last axis only. */
  readonly classId?: number | null
}

/** The share of right ones: among positive predictions, or among what should be positive. */
abstract class RightShare extends Metric {
  readonly thresholds: readonly number[]
  readonly topK: number | null
  readonly classId: number | null
  readonly #given: number | readonly number[] | null
  readonly #truePositives: Variable
  readonly #wrong: Variable

  constructor(
    className: string,
    name: string,
    readonly wrong: 'falsePositives' | 'falseNegatives',
    { thresholds = null, topK = null, classId = null, ...options }: PrecisionOptions,
  ) {
    super({ name, ...options })
    this.#given = thresholds
    this.thresholds = thresholdsOf(className, thresholds, topK === null ? 0.5 : LOWEST)
    this.topK = topK
    this.classId = classId
    const shape = [this.thresholds.length]
    this.#truePositives = this.addVariable('true_positives', { shape })
    this.#wrong = this.addVariable(wrong === 'falsePositives' ? 'false_positives' : 'false_negatives', { shape })
  }

  protected override get optionNames(): readonly string[] {
    return ['thresholds', 'topK', 'classId']
  }

  override get direction(): 'up' {
    return 'up'
  }

  override updateState(yTrue: TensorLike, yPred?: TensorLike | null, sampleWeight?: TensorLike | null, mask?: Tensor | null): void {
    const { thresholds, topK, classId, dtype } = this
    const outcomes = countOutcomes(this.name, yTrue, yPred as TensorLike, { thresholds, topK, classId, dtype, sampleWeight, mask })
    this.#truePositives.assignAdd(outcomes.truePositives)
    this.#wrong.assignAdd(outcomes[this.wrong])
  }

  override result(): Tensor {
    const right = this.#truePositives.value
    return oneOrAll(ops.divideNoNan(right, ops.add(right, this.#wrong.value)))
  }

  override getConfig(): Record<string, unknown> {
    return { ...super.getConfig(), thresholds: this.#given, top_k: this.topK, class_id: this.classId }
  }
}

/**
 * True positives among all positive predictions.
 *
 * @example
 * const precision = new metrics.Precision({ thresholds: 0.7 })
 */
export class Precision extends RightShare {
  constructor(options: PrecisionOptions = {}) {
    super('Precision', 'precision', 'falsePositives', options)
  }

  override get className(): string {
    return 'Precision'
  }
}

/** True positives among all that should be positive. */
export class Recall extends RightShare {
  constructor(options: PrecisionOptions = {}) {
    super('Recall', 'recall', 'falseNegatives', options)
  }

  override get className(): string {
    return 'Recall'
  }
}
