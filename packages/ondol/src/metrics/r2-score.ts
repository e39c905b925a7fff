/** The coefficient of determination. Follows `R2Score` of `keras/src/metrics/regression_metrics.py`. */
import { ShapeError, ValueError } from '../core/errors.js'
import { formatShape } from '../core/shape.js'
import type { Tensor, Variable } from '../engine/index.js'
import { applyMask, matchRanks } from '../losses/loss.js'
import { asTensor, type TensorLike } from '../ops/define.js'
import * as ops from '../ops/index.js'
import { Metric, type MetricOptions } from './metric.js'

const AGGREGATIONS = [null, 'uniform_average', 'variance_weighted_average'] as const

export interface R2ScoreOptions extends MetricOptions {
  /** A score for each output (`null`), their mean, or weighted by their variance. Default `'uniform_average'`. */
  readonly classAggregation?: (typeof AGGREGATIONS)[number]
  /** Number of predictors for the adjusted score; 0 for the plain one, the default. */
  readonly numRegressors?: number
}

interface Sums {
  readonly squares: Variable
  readonly sum: Variable
  readonly residual: Variable
  readonly count: Variable
}

/** 1 - residual / total sum of squares; targets and predictions (batch, outputs). */
export class R2Score extends Metric {
  readonly classAggregation: (typeof AGGREGATIONS)[number]
  readonly numRegressors: number
  readonly #samples = this.addVariable('num_samples')
  #sums: Sums | undefined

  constructor({ classAggregation = 'uniform_average', numRegressors = 0, name = 'r2_score', ...options }: R2ScoreOptions = {}) {
    super({ name, ...options })
    const where = 'R2Score'
    if (!AGGREGATIONS.includes(classAggregation)) {
      throw new ValueError({
        where,
        problem: 'unknown classAggregation',
        expected: "null, 'uniform_average' or 'variance_weighted_average'",
        received: String(classAggregation),
      })
    }
    if (!(numRegressors >= 0))
      throw new ValueError({ where, problem: 'numRegressors is no count', expected: '0 or more', received: String(numRegressors) })
    this.classAggregation = classAggregation
    this.numRegressors = numRegressors
  }

  override get className(): string {
    return 'R2Score'
  }

  protected override get optionNames(): readonly string[] {
    return ['classAggregation', 'numRegressors']
  }

  override get direction(): 'up' {
    return 'up'
  }

  #build(yTrue: Tensor, yPred: Tensor): Sums {
    if (yTrue.rank !== 2 || yPred.rank !== 2) {
      throw new ShapeError({
        where: this.name,
        problem: 'a score for each output needs a column for each output',
        expected: 'targets and predictions (batch, outputs)',
        received: `${formatShape(yTrue.shape)} and ${formatShape(yPred.shape)}`,
      })
    }
    const shape = [yPred.shape[1] as number]
    this.#sums = {
      squares: this.addVariable('squared_sum', { shape }),
      sum: this.addVariable('sum', { shape }),
      residual: this.addVariable('residual', { shape }),
      count: this.addVariable('count', { shape }),
    }
    return this.#sums
  }

  override updateState(yTrue: TensorLike, yPred?: TensorLike | null, sampleWeight?: TensorLike | null, mask?: Tensor | null): void {
    const [real, predicted] = matchRanks(ops.cast(asTensor(yTrue), this.dtype), ops.cast(asTensor(yPred as TensorLike), this.dtype))
    const sums = this.#sums ?? this.#build(real, predicted)
    const given = applyMask(sampleWeight, mask, this.dtype, 'sum')
    const column = given?.rank === 1 ? ops.expandDims(given, 1) : given
    const weights = column === null ? ops.onesLike(real) : ops.broadcastTo(column, real.shape)
    const total = (x: Tensor): Tensor => ops.sum(ops.multiply(x, weights), { axis: 0 })
    sums.sum.assignAdd(total(real))
    sums.squares.assignAdd(total(ops.square(real)))
    sums.residual.assignAdd(total(ops.square(ops.subtract(real, predicted))))
    sums.count.assignAdd(ops.sum(weights, { axis: 0 }))
    this.#samples.assignAdd(ops.full([], real.size, this.dtype))
  }

  override result(): Tensor {
    if (this.#sums === undefined) return ops.zeros([], this.dtype)
    const { squares, sum, residual, count } = this.#sums
    const total = ops.subtract(squares.value, ops.multiply(sum.value, ops.divide(sum.value, count.value)))
    const raw = ops.subtract(1, ops.divide(residual.value, total))
    const scores = ops.where(ops.isinf(raw), 0, raw)
    return this.#adjusted(this.#aggregated(scores, total))
  }

  #aggregated(scores: Tensor, total: Tensor): Tensor {
    if (this.classAggregation === null) return scores
    if (this.classAggregation === 'uniform_average') return ops.mean(scores)
    return ops.divide(ops.sum(ops.multiply(total, scores)), ops.sum(total))
  }

  /** With as many predictors as samples there is nothing to adjust by: the plain score stays. */
  #adjusted(score: Tensor): Tensor {
    if (this.numRegressors === 0) return score
    const freedom = ops.subtract(this.#samples.value, this.numRegressors + 1)
    const hasFreedom = ops.greater(freedom, 0)
    const spread = ops.divide(ops.multiply(ops.subtract(1, score), ops.subtract(this.#samples.value, 1)), ops.where(hasFreedom, freedom, 1))
    return ops.where(hasFreedom, ops.subtract(1, spread), score)
  }

  override getConfig(): Record<string, unknown> {
    return { ...super.getConfig(), class_aggregation: this.classAggregation, num_regressors: this.numRegressors }
  }
}
