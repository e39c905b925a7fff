/**
 * The best of one rate where another reaches a value, over many thresholds. Follows `SensitivitySpecificityBase` of
 * `keras/src/metrics/confusion_metrics.py`.
 */
import { ValueError } from '../core/errors.js'
import { byName } from '../core/positional.js'
import type { Tensor, Variable } from '../engine/index.js'
import type { TensorLike } from '../ops/define.js'
import * as ops from '../ops/index.js'
import { Metric, type MetricOptions } from './metric.js'
import { countOutcomes, evenThresholds, type Outcomes } from './outcomes.js'

/** Rates of the four counts. */
const share = (part: Tensor, rest: Tensor): Tensor => ops.divideNoNan(part, ops.add(part, rest))
const RATES = {
  sensitivity: ({ truePositives, falseNegatives }: Outcomes) => share(truePositives, falseNegatives),
  recall: ({ truePositives, falseNegatives }: Outcomes) => share(truePositives, falseNegatives),
  specificity: ({ trueNegatives, falsePositives }: Outcomes) => share(trueNegatives, falsePositives),
  precision: ({ truePositives, falsePositives }: Outcomes) => share(truePositives, falsePositives),
} as const
type Rate = keyof typeof RATES

export interface TradeOffOptions extends MetricOptions {
  /** How many thresholds are tried. Default 200. */
  readonly numThresholds?: number
  /** Look at this class of the last axis only. */
  readonly classId?: number | null
}

type Required<R extends Rate> = { readonly [K in R]: number }

/** Constructor of a metric that holds `R` at a value. */
export interface TradeOffClass<R extends Rate> {
  new (value: number, options?: TradeOffOptions): Metric
  new (options: TradeOffOptions & Required<R>): Metric
}

function tradeOff<R extends Rate>(className: string, name: string, held: R, wanted: Rate): TradeOffClass<R> {
  return class extends Metric {
    readonly value: number
    readonly numThresholds: number
    readonly classId: number | null
    readonly #thresholds: readonly number[]
    readonly #counts: Readonly<Record<keyof Outcomes, Variable>>

    constructor(...args: readonly unknown[]) {
      const all = byName<TradeOffOptions & Required<R>>([held], args)
      const { numThresholds = 200, classId = null, [held]: value, ...options } = all as TradeOffOptions & Record<R, number>
      super({ name, ...(options as MetricOptions) })
      if (!(value >= 0 && value <= 1)) throw outOfRange(className, held, 'a number from 0 to 1', value)
      if (!(Number.isInteger(numThresholds) && numThresholds > 0))
        throw outOfRange(className, 'numThresholds', 'a whole number of at least 1', numThresholds)
      this.value = value
      this.numThresholds = numThresholds
      this.classId = classId
      this.#thresholds = numThresholds === 1 ? [0.5] : evenThresholds(numThresholds)
      const shape = [this.#thresholds.length]
      this.#counts = {
        truePositives: this.addVariable('true_positives', { shape }),
        falsePositives: this.addVariable('false_positives', { shape }),
        trueNegatives: this.addVariable('true_negatives', { shape }),
        falseNegatives: this.addVariable('false_negatives', { shape }),
      }
    }

    override get className(): string {
      return className
    }

    protected override get optionNames(): readonly string[] {
      return [held, 'numThresholds', 'classId']
    }

    override get direction(): 'up' {
      return 'up'
    }

    override updateState(yTrue: TensorLike, yPred?: TensorLike | null, sampleWeight?: TensorLike | null, mask?: Tensor | null): void {
      const { classId, dtype } = this
      const options = { thresholds: this.#thresholds, classId, dtype, sampleWeight, mask }
      const outcomes = countOutcomes(this.name, yTrue, yPred as TensorLike, options)
      for (const [outcome, variable] of Object.entries(this.#counts)) variable.assignAdd(outcomes[outcome as keyof Outcomes])
    }

    override result(): Tensor {
      const counts = Object.fromEntries(Object.entries(this.#counts).map(([key, { value }]) => [key, value])) as unknown as Outcomes
      const isEnough = ops.greaterEqual(RATES[held](counts), this.value)
      return ops.max(ops.where(isEnough, RATES[wanted](counts), 0))
    }

    override getConfig(): Record<string, unknown> {
      return { ...super.getConfig(), class_id: this.classId, num_thresholds: this.numThresholds, [held]: this.value }
    }
  } as unknown as TradeOffClass<R>
}

const outOfRange = (where: string, option: string, expected: string, received: unknown): ValueError =>
  new ValueError({ where, problem: `${option} is out of range`, expected, received: String(received) })

/** The best sensitivity (true positive rate) where the specificity is at least the value given. */
export const SensitivityAtSpecificity = tradeOff('SensitivityAtSpecificity', 'sensitivity_at_specificity', 'specificity', 'sensitivity')
/** The best specificity (true negative rate) where the sensitivity is at least the value given. */
export const SpecificityAtSensitivity = tradeOff('SpecificityAtSensitivity', 'specificity_at_sensitivity', 'sensitivity', 'specificity')
/** The best precision where the recall is at least the value given. */
export const PrecisionAtRecall = tradeOff('PrecisionAtRecall', 'precision_at_recall', 'recall', 'precision')
/** The best recall where the precision is at least the value given. */
export const RecallAtPrecision = tradeOff('RecallAtPrecision', 'recall_at_precision', 'precision', 'recall')
