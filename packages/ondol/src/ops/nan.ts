/** Reductions that leave NaN out: each puts what does not count in its place. */
import { isFloat } from '../core/dtype.js'
import { lax, type Tensor } from '../engine/index.js'
import { inFloat32 } from './kinds.js'
import { toFloat } from './promotion.js'
import { cumulative, indexOf, keepAxes, reduction, widen } from './reducing.js'

const isNaN = (x: Tensor): Tensor => lax.ne(x, x)
const { select, fullLike, zerosLike } = lax
/** `x` with `value` for NaN. */
const filled = (x: Tensor, value: number): Tensor => (isFloat(x.dtype) ? select(isNaN(x), fullLike(x, value), x) : x)
/** How many numbers there are, in the dtype of `x`. */
const countNumbers = (x: Tensor, axes: readonly number[]): Tensor => lax.reduceSum(lax.cast(lax.eq(x, x), x.dtype), axes)
const everyNaN = (x: Tensor, axes: readonly number[]): Tensor => lax.reduceMin(isNaN(x), axes)

/** Sum over `axis`; NaN counts as 0. */
export const nansum = reduction('Nansum', (x, axes) => lax.reduceSum(filled(x, 0), axes), widen)
/** Product over `axis`; NaN counts as 1. */
export const nanprod = reduction('Nanprod', (x, axes) => lax.reduceProd(filled(x, 1), axes), widen)

const extreme = (reduce: (x: Tensor, axes: readonly number[]) => Tensor, neutral: number) => (x: Tensor, axes: readonly number[]) => {
  if (!isFloat(x.dtype)) return reduce(x, axes)
  const found = reduce(filled(x, neutral), axes)
  return select(everyNaN(x, axes), fullLike(found, Number.NaN), found)
}
/** The greatest number over `axis`; NaN where there is none. */
export const nanmax = reduction('Nanmax', extreme(lax.reduceMax, Number.NEGATIVE_INFINITY))
/** The smallest number over `axis`; NaN where there is none. */
export const nanmin = reduction('Nanmin', extreme(lax.reduceMin, Number.POSITIVE_INFINITY))

const meanOf = (x: Tensor, axes: readonly number[]): Tensor => lax.div(lax.reduceSum(filled(x, 0), axes), countNumbers(x, axes))
const varianceOf = (x: Tensor, axes: readonly number[]): Tensor => {
  const mean = lax.broadcastTo(keepAxes(meanOf(x, axes), x.shape, axes), x.shape)
  const distance = select(isNaN(x), zerosLike(x), lax.sub(x, mean))
  return lax.div(lax.reduceSum(lax.mul(distance, distance), axes), countNumbers(x, axes))
}
/** Mean of the numbers over `axis`; NaN where there is none. */
export const nanmean = reduction('Nanmean', (x, axes) => inFloat32([x], (wide) => meanOf(wide, axes)), toFloat)
/** Biased variance of the numbers over `axis`; NaN where there is none. */
export const nanvar = reduction('Nanvar', (x, axes) => inFloat32([x], (wide) => varianceOf(wide, axes)), toFloat)
/** Standard deviation of the numbers over `axis`; NaN where there is none. */
export const nanstd = reduction('Nanstd', (x, axes) => inFloat32([x], (wide) => lax.sqrt(varianceOf(wide, axes))), toFloat)

const indexOfNumber =
  (call: (x: Tensor, axis: number) => Tensor, neutral: number) =>
  (x: Tensor, axis: number): Tensor => {
    const found = call(filled(x, neutral), axis)
    return isFloat(x.dtype) ? select(everyNaN(x, [axis]), fullLike(found, -1), found) : found
  }
/** int32 index of the greatest number along `axis` (of the flat tensor without one); -1 where there is none. */
export const nanargmax = indexOf('Nanargmax', indexOfNumber(lax.argMax, Number.NEGATIVE_INFINITY))
/** int32 index of the smallest number along `axis` (of the flat tensor without one); -1 where there is none. */
export const nanargmin = indexOf('Nanargmin', indexOfNumber(lax.argMin, Number.POSITIVE_INFINITY))

/** Running sums along `axis` (of the flat tensor without one); NaN counts as 0. */
export const nancumsum = cumulative(
  'Nancumsum',
  (x, axis) => lax.cumSum(x, axis),
  (x) => filled(x, 0),
)
/** Running products along `axis` (of the flat tensor without one); NaN counts as 1. */
export const nancumprod = cumulative(
  'Nancumprod',
  (x, axis) => lax.cumProd(x, axis),
  (x) => filled(x, 1),
)
