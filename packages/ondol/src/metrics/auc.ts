/** The area under a curve of rates over thresholds. Follows `AUC` of `keras/src/metrics/confusion_metrics.py`. */
import { ShapeError, ValueError } from '../core/errors.js'
import { formatShape } from '../core/shape.js'
import type { Tensor, Variable } from '../engine/index.js'
import { epsilon } from '../ops/config.js'
import { asTensor, type TensorLike } from '../ops/define.js'
import * as ops from '../ops/index.js'
import { Metric, type MetricOptions } from './metric.js'
import { countOutcomes, evenThresholds, type Outcomes } from './outcomes.js'

const CURVES = ['ROC', 'PR', 'PRGAIN'] as const
const SUMMATIONS = ['interpolation', 'minoring', 'majoring'] as const

export interface AUCOptions extends MetricOptions {
  /** How many thresholds stand for the curve. Default 200. */
  readonly numThresholds?: number
  /** True against false positive rate, precision against recall, or their gains. Default `'ROC'`. */
  readonly curve?: 'ROC' | 'PR' | 'PRGAIN' | 'roc' | 'pr' | 'prgain'
  /** Heights between two thresholds: the middle, the lower or the upper one. Default `'interpolation'`. */
  readonly summationMethod?: (typeof SUMMATIONS)[number]
  /** Instead of `numThresholds`: numbers from 0 to 1; -ε and 1+ε are added. */
  readonly thresholds?: readonly number[] | null
  /** A curve for each label of (batch, labels), averaged. Default: all labels in one. */
  readonly multiLabel?: boolean
  /** How many labels there are, if that should be known before the first batch. */
  readonly numLabels?: number | null
  /** What each label counts. */
  readonly labelWeights?: readonly number[] | null
  /** The predictions are logits. Default false. */
  readonly fromLogits?: boolean
}

/**
 * The area under the ROC or precision-recall curve, as a sum over thresholds.
 *
 * @example
 * model.compile({ loss: 'binary_crossentropy', metrics: [new metrics.AUC({ curve: 'PR' })] })
 */
export class AUC extends Metric {
  readonly curve: (typeof CURVES)[number]
  readonly summationMethod: (typeof SUMMATIONS)[number]
  readonly multiLabel: boolean
  readonly numLabels: number | null
  readonly labelWeights: readonly number[] | null
  readonly fromLogits: boolean
  readonly thresholds: readonly number[]
  readonly #areGiven: boolean
  #counts: Readonly<Record<keyof Outcomes, Variable>> | undefined

  constructor({
    numThresholds = 200,
    curve = 'ROC',
    summationMethod = 'interpolation',
    thresholds = null,
    multiLabel = false,
    numLabels = null,
    labelWeights = null,
    fromLogits = false,
    ...rest
  }: AUCOptions = {}) {
    super({ name: 'auc', ...rest })
    this.curve = oneOf('curve', CURVES, curve.toUpperCase())
    this.summationMethod = oneOf('summationMethod', SUMMATIONS, summationMethod.toLowerCase())
    if (thresholds === null && !(Number.isInteger(numThresholds) && numThresholds > 1))
      throw invalid('numThresholds', 'a whole number of at least 2', numThresholds)
    if (numLabels !== null && !multiLabel) throw invalid('numLabels', 'multiLabel: true beside it', numLabels)
    const inner = thresholds === null ? evenThresholds(numThresholds).slice(1, -1) : [...thresholds].sort((a, b) => a - b)
    this.thresholds = [-epsilon(), ...inner, 1 + epsilon()]
    this.#areGiven = thresholds !== null
    this.multiLabel = multiLabel
    this.numLabels = numLabels
    this.labelWeights = labelWeights
    this.fromLogits = fromLogits
    if (!multiLabel || numLabels !== null) this.#build(numLabels)
  }

  override get className(): string {
    return 'AUC'
  }

  protected override get optionNames(): readonly string[] {
    return ['numThresholds', 'curve', 'summationMethod', 'thresholds', 'multiLabel', 'numLabels', 'labelWeights', 'fromLogits']
  }

  override get direction(): 'up' {
    return 'up'
  }

  #build(labels: number | null): Readonly<Record<keyof Outcomes, Variable>> {
    const shape = labels === null ? [this.thresholds.length] : [this.thresholds.length, labels]
    this.#counts = {
      truePositives: this.addVariable('true_positives', { shape }),
      falsePositives: this.addVariable('false_positives', { shape }),
      trueNegatives: this.addVariable('true_negatives', { shape }),
      falseNegatives: this.addVariable('false_negatives', { shape }),
    }
    return this.#counts
  }

  override updateState(yTrue: TensorLike, yPred?: TensorLike | null, sampleWeight?: TensorLike | null, mask?: Tensor | null): void {
    const { thresholds, dtype, multiLabel } = this
    const given = asTensor(yPred as TensorLike)
    if (multiLabel && given.rank !== 2) {
      throw new ShapeError({
        where: this.name,
        problem: 'several labels need a column each',
        expected: 'predictions (batch, labels)',
        received: formatShape(given.shape),
      })
    }
    const counts = this.#counts ?? this.#build(given.shape[1] as number)
    const labelWeights = multiLabel ? null : this.labelWeights
    const scores = this.fromLogits ? ops.sigmoid(given) : given
    const outcomes = countOutcomes(this.name, yTrue, scores, { thresholds, dtype, multiLabel, labelWeights, sampleWeight, mask })
    for (const [outcome, variable] of Object.entries(counts)) variable.assignAdd(outcomes[outcome as keyof Outcomes])
  }

  override result(): Tensor {
    if (this.#counts === undefined) return ops.zeros([], this.dtype)
    const counts = Object.fromEntries(Object.entries(this.#counts).map(([key, { value }]) => [key, value])) as unknown as Outcomes
    const parts = this.curve === 'PR' && this.summationMethod === 'interpolation' ? interpolatedPR(counts) : this.#riemann(counts)
    if (!this.multiLabel) return ops.sum(parts)
    const byLabel = ops.sum(parts, { axis: 0 })
    if (this.labelWeights === null) return ops.mean(byLabel)
    const weights = ops.convertToTensor(this.labelWeights, this.dtype)
    return ops.divideNoNan(ops.sum(ops.multiply(byLabel, weights)), ops.sum(weights))
  }

  #riemann(counts: Outcomes): Tensor {
    const { x, y } = POINTS[this.curve](counts)
    const [left, right] = [upper(y), lower(y)]
    const heights = {
      interpolation: () => ops.divide(ops.add(left, right), 2),
      minoring: () => ops.minimum(left, right),
      majoring: () => ops.maximum(left, right),
    }[this.summationMethod]()
    return ops.multiply(ops.subtract(upper(x), lower(x)), heights)
  }

  override getConfig(): Record<string, unknown> {
    return {
      ...super.getConfig(),
      num_thresholds: this.thresholds.length,
      curve: this.curve,
      summation_method: this.summationMethod,
      multi_label: this.multiLabel,
      num_labels: this.numLabels,
      label_weights: this.labelWeights,
      from_logits: this.fromLogits,
      ...(this.#areGiven && { thresholds: this.thresholds.slice(1, -1) }),
    }
  }
}

const share = (part: Tensor, rest: Tensor): Tensor => ops.divideNoNan(part, ops.add(part, rest))

/** The curve's points, from the lowest threshold (everything positive) to the highest. */
const POINTS: Readonly<Record<(typeof CURVES)[number], (counts: Outcomes) => { x: Tensor; y: Tensor }>> = {
  ROC: ({ truePositives, falsePositives, trueNegatives, falseNegatives }) => ({
    x: share(falsePositives, trueNegatives),
    y: share(truePositives, falseNegatives),
  }),
  PR: ({ truePositives, falsePositives, falseNegatives }) => ({
    x: share(truePositives, falseNegatives),
    y: share(truePositives, falsePositives),
  }),
  PRGAIN: ({ truePositives, falsePositives, trueNegatives, falseNegatives }) => {
    const scale = ops.divideNoNan(ops.add(truePositives, falseNegatives), ops.add(trueNegatives, falsePositives))
    const gain = (wrong: Tensor, without: number): Tensor =>
      ops.where(ops.equal(truePositives, 0), without, ops.subtract(1, ops.multiply(scale, ops.divideNoNan(wrong, truePositives))))
    return { x: ops.maximum(gain(falseNegatives, 0), 0), y: gain(falsePositives, 1) }
  },
}

/** All thresholds but the last, and all but the first. */
const rows = (x: Tensor, from: number): Tensor =>
  ops.slice(x, [from, ...x.shape.slice(1).map(() => 0)], [(x.shape[0] as number) - 1, ...x.shape.slice(1)])
const upper = (x: Tensor): Tensor => rows(x, 0)
const lower = (x: Tensor): Tensor => rows(x, 1)

/** Interpolates true and false positives, not their ratio (Davis and Goadrich 2006). */
function interpolatedPR({ truePositives, falsePositives, falseNegatives }: Outcomes): Tensor {
  const positives = ops.add(truePositives, falsePositives)
  const right = ops.subtract(upper(truePositives), lower(truePositives))
  const slope = ops.divideNoNan(right, ops.maximum(ops.subtract(upper(positives), lower(positives)), 0))
  const intercept = ops.subtract(lower(truePositives), ops.multiply(slope, lower(positives)))
  const areBothPositive = ops.logicalAnd(ops.greater(upper(positives), 0), ops.greater(lower(positives), 0))
  const ratio = ops.where(areBothPositive, ops.divideNoNan(upper(positives), ops.maximum(lower(positives), 0)), 1)
  const area = ops.multiply(slope, ops.add(right, ops.multiply(intercept, ops.log(ratio))))
  return ops.divideNoNan(area, ops.maximum(ops.add(lower(truePositives), lower(falseNegatives)), 0))
}

function oneOf<T extends string>(option: string, values: readonly T[], given: string): T {
  const found = values.find((value) => value === given)
  if (found === undefined) throw invalid(option, `one of ${values.join(', ')}`, given)
  return found
}

const invalid = (option: string, expected: string, received: unknown): ValueError =>
  new ValueError({ where: 'AUC', problem: `${option} does not fit`, expected, received: String(received) })
