/** F-scores: the harmonic mean of precision and recall. Follows `keras/src/metrics/f_score_metrics.py`. */
import { ShapeError, ValueError } from '../core/errors.js'
import { formatShape } from '../core/shape.js'
import type { Tensor, Variable } from '../engine/index.js'
import { applyMask } from '../losses/loss.js'
import { epsilon } from '../ops/config.js'
import { asTensor, type TensorLike } from '../ops/define.js'
import * as ops from '../ops/index.js'
import { Metric, type MetricOptions } from './metric.js'

const AVERAGES = [null, 'micro', 'macro', 'weighted'] as const

export interface F1ScoreOptions extends MetricOptions {
  /**
   * One score for each class (`null`, the default), their mean (`'macro'`), weighted by how often a class comes
   * (`'weighted'`), or one score over all answers (`'micro'`).
   */
  readonly average?: (typeof AVERAGES)[number]
  /** Above it a class is predicted; `null`, the default: the class of the highest score. */
  readonly threshold?: number | null
}

export interface FBetaScoreOptions extends F1ScoreOptions {
  /** How many times as much recall counts as precision. Default 1. */
  readonly beta?: number
}

type Count = 'true_positives' | 'false_positives' | 'false_negatives' | 'intermediate_weights'

/**
 * (1 + β²) · precision · recall / (β² · precision + recall); targets and predictions (batch, classes).
 *
 * @example
 * const score = new metrics.FBetaScore({ average: 'macro', beta: 2, threshold: 0.5 })
 */
export class FBetaScore extends Metric {
  readonly average: (typeof AVERAGES)[number]
  readonly beta: number
  readonly threshold: number | null
  #counts: Readonly<Record<Count, Variable>> | undefined

  constructor({ average = null, beta = 1, threshold = null, name = 'fbeta_score', ...options }: FBetaScoreOptions = {}) {
    super({ name, ...options })
    if (!AVERAGES.includes(average)) throw invalid(name, 'average', "null, 'micro', 'macro' or 'weighted'", average)
    if (!(beta > 0)) throw invalid(name, 'beta', 'a number above 0', beta)
    if (threshold !== null && !(threshold > 0 && threshold <= 1)) throw invalid(name, 'threshold', 'a number above 0, up to 1', threshold)
    this.average = average
    this.beta = beta
    this.threshold = threshold
  }

  override get className(): string {
    return 'FBetaScore'
  }

  protected override get optionNames(): readonly string[] {
    return ['average', 'beta', 'threshold']
  }

  override get direction(): 'up' {
    return 'up'
  }

  #build(yTrue: Tensor, yPred: Tensor): Readonly<Record<Count, Variable>> {
    if (yTrue.rank !== 2 || yPred.rank !== 2) {
      throw new ShapeError({
        where: this.name,
        problem: 'a score for each class needs a column for each class',
        expected: 'targets and predictions (batch, classes)',
        received: `${formatShape(yTrue.shape)} and ${formatShape(yPred.shape)}`,
      })
    }
    const shape = this.average === 'micro' ? [] : [yPred.shape[1] as number]
    this.#counts = {
      true_positives: this.addVariable('true_positives', { shape }),
      false_positives: this.addVariable('false_positives', { shape }),
      false_negatives: this.addVariable('false_negatives', { shape }),
      intermediate_weights: this.addVariable('intermediate_weights', { shape }),
    }
    return this.#counts
  }

  override updateState(yTrue: TensorLike, yPred?: TensorLike | null, sampleWeight?: TensorLike | null, mask?: Tensor | null): void {
    const real = ops.cast(asTensor(yTrue), this.dtype)
    const scores = ops.cast(asTensor(yPred as TensorLike), this.dtype)
    const counts = this.#counts ?? this.#build(real, scores)
    const isPredicted =
      this.threshold === null
        ? ops.logicalAnd(ops.equal(scores, ops.max(scores, { axis: -1, keepdims: true })), ops.greater(ops.abs(scores), 1e-9))
        : ops.greater(scores, this.threshold)
    const predicted = ops.cast(isPredicted, this.dtype)
    const weights = applyMask(sampleWeight, mask, this.dtype, 'sum')
    const total = (x: Tensor): Tensor => {
      const weighted = weights === null ? x : ops.multiply(x, weights.rank === 1 ? ops.expandDims(weights, 1) : weights)
      return this.average === 'micro' ? ops.sum(weighted) : ops.sum(weighted, { axis: 0 })
    }
    counts.true_positives.assignAdd(total(ops.multiply(predicted, real)))
    counts.false_positives.assignAdd(total(ops.multiply(predicted, ops.subtract(1, real))))
    counts.false_negatives.assignAdd(total(ops.multiply(ops.subtract(1, predicted), real)))
    counts.intermediate_weights.assignAdd(total(real))
  }

  override result(): Tensor {
    if (this.#counts === undefined) return ops.zeros([], this.dtype)
    const { true_positives: right, false_positives, false_negatives, intermediate_weights } = this.#counts
    const share = (wrong: Variable): Tensor => ops.divide(right.value, ops.add(ops.add(right.value, wrong.value), epsilon()))
    const [precision, recall] = [share(false_positives), share(false_negatives)]
    const square = this.beta ** 2
    const mean = ops.divide(ops.multiply(precision, recall), ops.add(ops.add(ops.multiply(precision, square), recall), epsilon()))
    const score = ops.multiply(mean, 1 + square)
    if (this.average === null) return score
    if (this.average !== 'weighted') return ops.mean(score)
    const weights = intermediate_weights.value
    return ops.sum(ops.multiply(score, ops.divide(weights, ops.add(ops.sum(weights), epsilon()))))
  }

  override getConfig(): Record<string, unknown> {
    return { ...super.getConfig(), average: this.average, beta: this.beta, threshold: this.threshold }
  }
}

/** The F-score with β = 1: precision and recall count the same. */
export class F1Score extends FBetaScore {
  constructor({ name = 'f1_score', ...options }: F1ScoreOptions = {}) {
    super({ name, ...options })
  }

  override get className(): string {
    return 'F1Score'
  }

  protected override get optionNames(): readonly string[] {
    return ['average', 'threshold']
  }

  override getConfig(): Record<string, unknown> {
    const { beta: _, ...config } = super.getConfig()
    return config
  }
}

const invalid = (where: string, option: string, expected: string, received: unknown): ValueError =>
  new ValueError({ where, problem: `${option} does not fit`, expected, received: String(received) })
