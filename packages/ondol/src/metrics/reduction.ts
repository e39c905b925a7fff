/** Sums and means over batches. Follows `keras/src/metrics/reduction_metrics.py`. */
import type { DType } from '../core/dtype.js'
import { ShapeError } from '../core/errors.js'
import { formatShape } from '../core/shape.js'
import type { Tensor } from '../engine/index.js'
import { applyMask, matchRanks } from '../losses/loss.js'
import { isLossFunction } from '../losses/registry.js'
import { asTensor, type TensorLike } from '../ops/define.js'
import * as ops from '../ops/index.js'
import { Metric, type MetricOptions } from './metric.js'

type Reduce = (x: Tensor, options: { axis: number[] }) => Tensor
const axesFrom = (first: number, rank: number): number[] => Array.from({ length: Math.max(rank - first, 0) }, (_, i) => first + i)

/** Values and weights, one a sample: inner axes are reduced, weights broadcast. */
function perSample(
  input: TensorLike,
  sampleWeight: TensorLike | null | undefined,
  reduce: Reduce,
  dtype: DType,
): { values: Tensor; weights: Tensor | null } {
  let values = ops.cast(asTensor(input), dtype)
  let weights: Tensor | null = null
  if (sampleWeight != null) {
    ;[values, weights] = matchRanks(values, ops.cast(asTensor(sampleWeight), dtype))
    const rank = weights.rank
    if (values.rank > rank) values = reduce(values, { axis: axesFrom(rank, values.rank) })
    const fits =
      weights.rank <= values.rank && weights.shape.every((size, axis) => size === 1 || size === values.shape[axis + values.rank - rank])
    if (!fits) {
      throw new ShapeError({
        where: 'sample weights',
        problem: 'the weights do not fit the values',
        expected: `a shape that broadcasts to ${formatShape(values.shape)}`,
        received: formatShape(weights.shape),
      })
    }
    weights = ops.broadcastTo(weights, values.shape)
    values = ops.multiply(values, weights)
    if (rank > 1) weights = reduce(weights, { axis: axesFrom(1, rank) })
  }
  if (values.rank > 1) values = reduce(values, { axis: axesFrom(1, values.rank) })
  return { values, weights }
}

/** The (weighted) sum of all values. */
export class Sum extends Metric {
  readonly #total = this.addVariable('total')

  constructor(options: MetricOptions = {}) {
    super({ name: 'sum', ...options })
  }

  override get className(): string {
    return 'Sum'
  }

  override updateState(values: TensorLike, sampleWeight?: TensorLike | null): void {
    const sample = perSample(values, sampleWeight, ops.sum as Reduce, this.dtype)
    this.#total.assignAdd(ops.sum(sample.values))
  }

  override result(): Tensor {
    return this.#total.value
  }
}

/** State of a running mean; what the sum and the count mean is for subclasses to say. */
abstract class RunningMean extends Metric {
  readonly #total = this.addVariable('total')
  readonly #count = this.addVariable('count')

  protected accumulate(input: TensorLike, sampleWeight?: TensorLike | null): void {
    const { values, weights } = perSample(input, sampleWeight, ops.mean as Reduce, this.dtype)
    this.#total.assignAdd(ops.sum(values))
    const count = weights !== null ? ops.sum(weights) : ops.full([], values.shape[0] ?? 1, this.dtype)
    this.#count.assignAdd(count)
  }

  override result(): Tensor {
    return ops.divideNoNan(this.#total.value, this.#count.value)
  }
}

/** The (weighted) mean of all values. */
export class Mean extends RunningMean {
  constructor(options: MetricOptions = {}) {
    super({ name: 'mean', ...options })
  }

  override get className(): string {
    return 'Mean'
  }

  override updateState(values: TensorLike, sampleWeight?: TensorLike | null): void {
    this.accumulate(values, sampleWeight)
  }
}

/** A metric as a function: (batch, …), (batch, …) → (batch, …). */
export type MetricFunction<P extends object = object> = (yTrue: TensorLike, yPred: TensorLike, options?: P) => Tensor

/** The running mean of a function of targets and predictions. */
export class MeanMetricWrapper<P extends object = object> extends RunningMean {
  constructor(
    readonly fn: MetricFunction<P>,
    options: MetricOptions = {},
    readonly parameters?: P,
  ) {
    super({ name: fn.name || 'metric', ...options })
  }

  override get className(): string {
    return 'MeanMetricWrapper'
  }

  /** Losses are better when lower. */
  override get direction(): 'up' | 'down' | undefined {
    return isLossFunction(this.fn) ? 'down' : undefined
  }

  override updateState(yTrue: TensorLike, yPred?: TensorLike | null, sampleWeight?: TensorLike | null, mask?: Tensor | null): void {
    const prediction = asTensor(yPred as TensorLike)
    const values = this.parameters === undefined ? this.fn(yTrue, prediction) : this.fn(yTrue, prediction, this.parameters)
    this.accumulate(values, applyMask(sampleWeight, mask, this.dtype, 'sum'))
  }
}

/** Square root of the running mean of the squared error. */
export class RootMeanSquaredError extends RunningMean {
  constructor(options: MetricOptions = {}) {
    super({ name: 'root_mean_squared_error', ...options })
  }

  override get className(): string {
    return 'RootMeanSquaredError'
  }

  override get direction(): 'down' {
    return 'down'
  }

  override updateState(yTrue: TensorLike, yPred?: TensorLike | null, sampleWeight?: TensorLike | null, mask?: Tensor | null): void {
    const [target, prediction] = matchRanks(ops.cast(asTensor(yTrue), this.dtype), ops.cast(asTensor(yPred as TensorLike), this.dtype))
    this.accumulate(ops.square(ops.subtract(prediction, target)), applyMask(sampleWeight, mask, this.dtype, 'sum'))
  }

  override result(): Tensor {
    return ops.sqrt(super.result())
  }
}
