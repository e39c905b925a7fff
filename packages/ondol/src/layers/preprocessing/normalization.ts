/** Features shifted and scaled to mean 0 and variance 1. Follows `keras/src/layers/preprocessing/normalization.py`. */
import { ShapeError, ValueError } from '../../core/errors.js'
import { formatShape, type PartialShape, sizeOf } from '../../core/shape.js'
import { lax, type Tensor, tensor, type Variable } from '../../engine/index.js'
import { epsilon } from '../../ops/config.js'
import * as ops from '../../ops/index.js'
import type { ConfigTable } from '../config-table.js'
import { Layer, type LayerOptions } from '../layer.js'
import { type AdaptData, adaptTo, tensorOf } from './batches.js'

type Numbers = number | readonly Numbers[]

export interface NormalizationOptions extends LayerOptions {
  /** Axes whose positions have statistics of their own; null: one mean for all. Default -1. */
  readonly axis?: number | readonly number[] | null | undefined
  /** Instead of `adapt`; together with `variance`. */
  readonly mean?: Numbers | null | undefined
  readonly variance?: Numbers | null | undefined
  /** From normalised values back to the original ones. Default false. */
  readonly invert?: boolean | undefined
}

/** Running mean and variance of what was seen, as tensors of the kept axes' shape. */
interface Statistics {
  mean: Tensor
  variance: Tensor
  count: number
}

/**
 * x → (x - mean) / √variance, of any shape.
 *
 * @example
 * const normalize = layers.normalization()
 * await normalize.adapt(features)     // (samples, features)
 * normalize(features)                 // mean 0, variance 1 in each column
 */
export class Normalization extends Layer {
  static override readonly className: string = 'Normalization'
  static override readonly configTable: ConfigTable = { axis: 'value', invert: 'value', mean: 'value', variance: 'value' }
  readonly axis: readonly number[]
  readonly mean: Numbers | null
  readonly variance: Numbers | null
  readonly invert: boolean
  adaptMean: Variable | undefined
  adaptVariance: Variable | undefined
  count: Variable | undefined
  #shape: PartialShape = []

  constructor({ axis = -1, mean = null, variance = null, invert = false, ...options }: NormalizationOptions = {}) {
    super(options)
    this.axis = axis === null ? [] : typeof axis === 'number' ? [axis] : [...axis]
    this.mean = mean
    this.variance = variance
    this.invert = invert
    this.supportsMasking = true
    if ((mean === null) !== (variance === null))
      throw new ValueError({
        where: this.name,
        problem: 'mean and variance belong together',
        received: `mean=${mean}, variance=${variance}`,
      })
    if (mean === null) return
    const [first, second] = [tensor(mean as number), tensor(variance as number)]
    if (`${first.shape}` !== `${second.shape}`)
      throw new ShapeError({
        where: this.name,
        problem: 'mean and variance must have the same shape',
        received: `${formatShape(first.shape)} and ${formatShape(second.shape)}`,
      })
    if (first.rank > this.axis.length)
      throw new ShapeError({
        where: this.name,
        problem: 'the mean has more axes than are kept',
        expected: `at most ${this.axis.length}`,
        received: formatShape(first.shape),
      })
  }

  override build(shape: PartialShape): void {
    this.#shape = shape
    for (const axis of this.axis)
      if (axis < -shape.length || axis >= shape.length)
        throw new ShapeError({ problem: `axis ${axis} does not exist`, received: formatShape(shape) })
    for (const axis of this.#kept())
      if (shape[axis] === null)
        throw new ShapeError({ problem: `the size of axis ${axis} must be known`, received: formatShape(shape), hint: 'give it in Input' })
    if (this.mean !== null) return
    const kept = this.#kept().map((axis) => shape[axis] as number)
    const weight = (name: string, initializer: string): Variable => this.addWeight({ name, shape: kept, initializer, trainable: false })
    this.adaptMean = weight('mean', 'zeros')
    this.adaptVariance = weight('variance', 'ones')
    this.count = this.addWeight({ name: 'count', dtype: 'int32', initializer: 'zeros', trainable: false })
  }

  #kept(): number[] {
    return this.axis.map((axis) => (axis < 0 ? axis + this.#shape.length : axis)).sort((a, b) => a - b)
  }

  /** Learns mean and variance from an array, or from batches one after the other. */
  adapt(data: AdaptData): Promise<void> {
    const seen: Statistics[] = []
    const see = (array: unknown): void => {
      const x = tensorOf(array, this.name)
      this.#check(x)
      seen.push(merged(seen.pop(), this.#measure(x)))
    }
    return adaptTo(data, null, this.name, {
      whole: see,
      batch: see,
      finish: () => {
        const { mean, variance } = seen[0] as Statistics
        if (this.adaptMean === undefined) return
        this.adaptMean.assign(lax.cast(mean, this.adaptMean.dtype))
        this.adaptVariance?.assign(lax.cast(variance, this.adaptMean.dtype))
      },
    })
  }

  #check(x: Tensor): void {
    if (!this.built) {
      this.build([null, ...x.shape.slice(1)].map((size, i) => (this.axis.includes(i) ? (x.shape[i] as number) : size)))
      return
    }
    for (const axis of this.#kept())
      if (x.shape[axis] !== this.#shape[axis])
        throw new ShapeError({
          where: this.name,
          problem: 'the data to adapt to has another shape than the layer was built for',
          expected: formatShape(this.#shape),
          received: formatShape(x.shape),
        })
  }

  #measure(x: Tensor): Statistics {
    const kept = this.#kept()
    const reduced = [...x.shape.keys()].filter((axis) => !kept.includes(axis))
    const values = lax.cast(x, 'float32')
    const count = sizeOf(reduced.map((axis) => x.shape[axis] as number))
    if (reduced.length === 0) return { mean: values, variance: lax.zerosLike(values), count: 1 }
    return { mean: ops.mean(values, { axis: reduced }), variance: ops.var(values, { axis: reduced }), count }
  }

  override call(inputs: Tensor): Tensor {
    const dtype = this.computeDtype
    const kept = this.#kept()
    const shape = inputs.shape.map((size, axis) => (kept.includes(axis) ? size : 1))
    const spread = (learnt: Variable | undefined, given: Numbers | null): Tensor => {
      if (learnt !== undefined) return lax.cast(lax.reshape(learnt.value, shape), dtype)
      const numbers = lax.cast(tensor(given as number, undefined, 'float32'), dtype)
      const last = numbers.shape.map((size, i) => [kept.at(i - numbers.rank) as number, size] as const)
      const expanded = shape.map((_, axis) => last.find(([at]) => at === axis)?.[1] ?? 1)
      return ops.broadcastTo(lax.reshape(numbers, expanded), shape)
    }
    const mean = spread(this.adaptMean, this.mean)
    const deviation = ops.maximum(ops.sqrt(spread(this.adaptVariance, this.variance)), epsilon())
    const x = lax.cast(inputs, dtype)
    return this.invert ? ops.add(mean, ops.multiply(x, deviation)) : ops.divide(ops.subtract(x, mean), deviation)
  }
}

/** Statistics of two sets together (Chan, Golub & LeVeque). */
function merged(before: Statistics | undefined, batch: Statistics): Statistics {
  if (before === undefined) return batch
  const count = before.count + batch.count
  const weight = batch.count / count
  const mix = (old: Tensor, fresh: Tensor): Tensor => ops.add(ops.multiply(old, 1 - weight), ops.multiply(fresh, weight))
  const mean = mix(before.mean, batch.mean)
  const spread = (part: Statistics): Tensor => ops.add(part.variance, ops.square(ops.subtract(part.mean, mean)))
  return { mean, variance: mix(spread(before), spread(batch)), count }
}

export const normalization = (...args: ConstructorParameters<typeof Normalization>): Normalization => new Normalization(...args)
