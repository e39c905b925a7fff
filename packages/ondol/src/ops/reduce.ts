/** Reductions: `keras.ops.numpy` sum, mean, max, …, and moments. */
import type { DType } from '../core/dtype.js'
import { normalizeAxes } from '../core/shape.js'
import { lax, type Tensor } from '../engine/index.js'
import { defineOp, type Op } from './define.js'
import { inFloat32, toBool } from './kinds.js'
import { toFloat } from './promotion.js'
import {
  type Axes,
  countOf,
  cumulative,
  indexOf,
  keepAxes,
  type ReduceOptions,
  reduction,
  reductionWith,
  requireElements,
  widen,
} from './reducing.js'

export type { Axes, ReduceOptions } from './reducing.js'

/** A reduction that starts from a value of yours. */
export interface ExtremeOptions extends ReduceOptions {
  /** Counts as one more element, so that there may be none otherwise. */
  initial?: number | null
}

/** Sum over `axis` (all without one); bool and uint8 add up as int32. */
export const sum = reduction('Sum', lax.reduceSum, widen)
/** Product over `axis`, computed in `dtype` if given. */
export const prod = reductionWith<ReduceOptions & { dtype?: DType | null }>(
  'Prod',
  ['dtype'],
  (x, axes) => lax.reduceProd(x, axes),
  (x, { dtype }) => (dtype === undefined || dtype === null ? widen(x) : lax.cast(x, dtype)),
)
const extreme = (
  name: string,
  where: string,
  reduce: (x: Tensor, axes: number[]) => Tensor,
  choose: (x: Tensor, y: Tensor) => Tensor,
): Op<[Tensor], ExtremeOptions, Tensor> =>
  reductionWith<ExtremeOptions>(name, ['initial'], (x, axes, { initial }) => {
    if (initial === undefined || initial === null) requireElements(x, axes, where)
    const found = reduce(x, axes)
    return initial === undefined || initial === null ? found : choose(lax.fullLike(found, initial), found)
  })
/** The greatest element over `axis`; NaN if there is one. */
export const max = extreme('Max', 'max', lax.reduceMax, lax.max)
/** The smallest element over `axis`; NaN if there is one. */
export const min = extreme('Min', 'min', lax.reduceMin, lax.min)
export const amax = max
export const amin = min
/** Greatest minus smallest over `axis`. */
export const ptp = reduction('Ptp', (x, axes) => {
  requireElements(x, axes, 'ptp')
  return lax.sub(lax.reduceMax(x, axes), lax.reduceMin(x, axes))
})
/** Whether one element over `axis` is not 0. */
export const any = reduction('Any', lax.reduceMax, (x) => lax.cast(x, 'bool'))
/** Whether all elements over `axis` are not 0. */
export const all = reduction('All', lax.reduceMin, (x) => lax.cast(x, 'bool'))
const average = (x: Tensor, axes: readonly number[]): Tensor => lax.withNumber(lax.reduceSum(x, axes), lax.mul, 1 / countOf(x, axes))
/** Mean over `axis`, of half floats in float32. */
export const mean = reduction('Mean', (x, axes) => inFloat32([x], (wide) => average(wide, axes)), toFloat)
/** Biased variance over `axis`. */
export const variance = reduction('Var', (x, axes) => inFloat32([x], (wide) => lax.moments(wide, axes)[1]), toFloat)
export { variance as var }
/** Standard deviation over `axis`, of the biased variance. */
export const std = reduction('Std', (x, axes) => inFloat32([x], (wide) => lax.sqrt(lax.moments(wide, axes)[1])), toFloat)

/** Mean and biased variance over `axes`. */
export const moments = defineOp<[Tensor], { axes: Axes; keepdims?: boolean }, [Tensor, Tensor]>({
  name: 'Moments',
  module: 'nn',
  tensors: 1,
  parameters: ['axes', 'keepdims'],
  call: ([input], { axes, keepdims = false }) => {
    const x = toFloat(input)
    const over = normalizeAxes(axes, x.rank, 'moments')
    const [mean, variance] = lax.moments(x, over)
    return keepdims ? [keepAxes(mean, x.shape, over), keepAxes(variance, x.shape, over)] : [mean, variance]
  },
})

/** log Σ exp(x), without overflow. */
export const logSumExp = reduction(
  'Logsumexp',
  (x, axes) => {
    requireElements(x, axes, 'logSumExp')
    const top = lax.reduceMax(x, axes)
    // Infinite maxima would give inf - inf.
    const isFinite = lax.lt(lax.abs(top), lax.fullLike(top, Number.POSITIVE_INFINITY))
    const shift = lax.select(isFinite, top, lax.zerosLike(top))
    const wide = lax.broadcastTo(keepAxes(shift, x.shape, axes), x.shape)
    return lax.add(lax.log(lax.reduceSum(lax.exp(lax.sub(x, wide)), axes)), shift)
  },
  toFloat,
  'math',
)
export const logsumexp = logSumExp

/** int32 index of the first greatest element along `axis` (of the flat tensor without one). */
export const argmax = indexOf('Argmax', lax.argMax)
/** int32 index of the first smallest element along `axis` (of the flat tensor without one). */
export const argmin = indexOf('Argmin', lax.argMin)

/** Running sums along `axis` (of the flat tensor without one). */
export const cumsum = cumulative('Cumsum', (x, axis) => lax.cumSum(x, axis))
/** Running products along `axis` (of the flat tensor without one). */
export const cumprod = cumulative('Cumprod', (x, axis) => lax.cumProd(x, axis))

/** How many elements over `axis` are not 0: int32. */
export const countNonzero = defineOp<[Tensor], { axis?: Axes }, Tensor>({
  name: 'CountNonzero',
  module: 'numpy',
  tensors: 1,
  parameters: ['axis'],
  call: ([input], { axis }) => {
    const x = lax.cast(toBool(input), 'int32')
    return lax.reduceSum(x, normalizeAxes(axis, x.rank, 'countNonzero'))
  },
})
