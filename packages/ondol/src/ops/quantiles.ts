/** Quantiles, percentiles and medians: places between sorted elements. */
import { ValueError } from '../core/errors.js'
import { normalizeAxes, type Shape, sizeOf } from '../core/shape.js'
import { lax, type Tensor } from '../engine/index.js'
import { defineOp, type Op } from './define.js'
import { inFloat32 } from './kinds.js'
import { toDType, toFloat } from './promotion.js'
import type { Axes } from './reducing.js'

/** Which number stands for a place between two elements. */
export type QuantileMethod = 'linear' | 'lower' | 'higher' | 'midpoint' | 'nearest'

export interface QuantileOptions {
  axis?: Axes
  method?: QuantileMethod
  keepdims?: boolean
}

const { select, withNumber, fullLike } = lax

/** Between two neighbours, `weight` of the way from the lower to the higher. */
const BETWEEN: Readonly<Record<QuantileMethod, (low: Tensor, high: Tensor, weight: Tensor) => Tensor>> = {
  // Equal neighbours are taken as they are: infinity times 0 is no number.
  linear: (low, high, weight) => {
    const mixed = lax.add(lax.mul(low, lax.sub(fullLike(weight, 1), weight)), lax.mul(high, weight))
    return select(lax.eq(low, high), low, mixed)
  },
  lower: (low) => low,
  higher: (_, high) => high,
  midpoint: (low, high) => withNumber(lax.add(low, high), lax.mul, 0.5),
  nearest: (low, high, weight) => select(lax.le(weight, fullLike(weight, 0.5)), low, high),
}

/** Sorted rows (r, n), the number of them that count (r,), places q (m,) → (r, m). */
function between(sorted: Tensor, counts: Tensor, q: Tensor, method: QuantileMethod): Tensor {
  const [rows, n] = sorted.shape as [number, number]
  const shape = [rows, q.size]
  const last = withNumber(lax.broadcast(counts, shape, [0]), lax.sub, 1)
  const place = lax.mul(lax.broadcast(q, shape, [1]), last)
  const low = lax.unary.floor(place)
  const start = withNumber(lax.iota(shape, 'int32', 0), lax.mul, n)
  const elements = lax.reshape(sorted, [rows * n])
  const at = (index: Tensor): Tensor => {
    const inside = lax.max(lax.min(index, last), lax.zerosLike(index))
    return lax.gather(elements, lax.add(lax.cast(inside, 'int32'), start), 0)
  }
  return BETWEEN[method](at(low), at(lax.unary.ceil(place)), lax.sub(place, low))
}

function quantileOf(
  input: Tensor,
  q: Tensor,
  { axis, method = 'linear', keepdims = false }: QuantileOptions,
  skipNaN: boolean,
  where: string,
): Tensor {
  if (!Object.hasOwn(BETWEEN, method)) {
    throw new ValueError({ where, problem: `unknown method '${method}'`, expected: Object.keys(BETWEEN).join(', ') })
  }
  const axes = normalizeAxes(axis, input.rank, where)
  const kept = input.shape.map((_, i) => i).filter((i) => !axes.includes(i))
  const outer = kept.map((i) => input.shape[i] as number)
  const n = sizeOf(axes.map((i) => input.shape[i] as number))
  if (n === 0) throw new ValueError({ where, problem: 'there is nothing to take quantiles of', received: input.toString() })
  const rows = lax.reshape(lax.transpose(input, [...kept, ...axes]), [sizeOf(outer), n])
  const places = lax.reshape(q, [q.size])
  const isNaN = lax.ne(rows, rows)
  // NaN sorts last.
  const sorted = lax.sort(rows, 1)[0]
  const counts = skipNaN ? lax.reduceSum(lax.cast(lax.logicalNot(isNaN), rows.dtype), [1]) : lax.full([sizeOf(outer)], rows.dtype, n)
  const found = between(sorted, counts, places, method)
  const spoilt = skipNaN ? lax.reduceMin(isNaN, [1]) : lax.reduceMax(isNaN, [1])
  const result = select(lax.broadcast(spoilt, found.shape, [0]), fullLike(found, Number.NaN), found)
  const shape: Shape = keepdims ? input.shape.map((size, i) => (axes.includes(i) ? 1 : size)) : outer
  return lax.reshape(lax.transpose(result, [1, 0]), [...q.shape, ...shape])
}

const quantiles = (name: string, where: string, scale: number, skipNaN: boolean): Op<[Tensor, Tensor], QuantileOptions, Tensor> =>
  defineOp<[Tensor, Tensor], QuantileOptions, Tensor>({
    name,
    module: 'numpy',
    tensors: 2,
    parameters: ['axis', 'method', 'keepdims'],
    call: ([input, q], options) => {
      const x = toFloat(input)
      return inFloat32([x], (wide) => quantileOf(wide, withNumber(toDType(q, wide.dtype), lax.mul, scale), options, skipNaN, where))
    },
  })

/** Quantiles q (0 to 1; a number or a list) over `axis`: the shape of q, then the axes that are left. NaN if there is one. */
export const quantile = quantiles('Quantile', 'quantile', 1, false)
/** As `quantile`, q in hundredths. */
export const percentile = quantiles('Percentile', 'percentile', 1 / 100, false)
/** As `quantile`, of the numbers: NaN is left out. */
export const nanquantile = quantiles('Nanquantile', 'nanquantile', 1, true)
/** As `percentile`, of the numbers: NaN is left out. */
export const nanpercentile = quantiles('Nanpercentile', 'nanpercentile', 1 / 100, true)

const medians = (name: string, where: string, skipNaN: boolean): Op<[Tensor], { axis?: Axes; keepdims?: boolean }, Tensor> =>
  defineOp<[Tensor], { axis?: Axes; keepdims?: boolean }, Tensor>({
    name,
    module: 'numpy',
    tensors: 1,
    parameters: ['axis', 'keepdims'],
    call: ([input], options) =>
      inFloat32([toFloat(input)], (x) => quantileOf(x, lax.full([], x.dtype, 0.5), { ...options, method: 'midpoint' }, skipNaN, where)),
  })
/** The middle element over `axis`, or the mean of the two in the middle. NaN if there is one. */
export const median = medians('Median', 'median', false)
/** As `median`, of the numbers: NaN is left out. */
export const nanmedian = medians('Nanmedian', 'nanmedian', true)
