/** Reductions: `keras.ops.numpy` sum, mean, max, …, and moments. */
import { type DType, isFloat } from '../core/dtype.js'
import { ShapeError } from '../core/errors.js'
import { normalizeAxes, normalizeAxis, type Shape } from '../core/shape.js'
import { lax, type Tensor } from '../engine/index.js'
import { asTensor, defineOp, type Op } from './define.js'
import { toFloat } from './promotion.js'

/** One axis, several, or all (`null`). */
export type Axes = number | readonly number[] | null

export interface ReduceOptions {
  axis?: Axes
  keepdims?: boolean
}

/** Puts reduced axes back as size 1. */
export function keepAxes(x: Tensor, shape: Shape, axes: readonly number[]): Tensor {
  return lax.reshape(
    x,
    shape.map((size, axis) => (axes.includes(axis) ? 1 : size)),
  )
}

const reduction = (
  name: string,
  call: (x: Tensor, axes: number[]) => Tensor,
  prepare: (x: Tensor) => Tensor = asTensor,
): Op<[Tensor], ReduceOptions, Tensor> =>
  defineOp<[Tensor], ReduceOptions, Tensor>({
    name,
    module: 'numpy',
    tensors: 1,
    parameters: ['axis', 'keepdims'],
    call: ([input], { axis, keepdims = false }) => {
      const x = prepare(asTensor(input))
      const axes = normalizeAxes(axis, x.rank, name)
      const result = call(x, axes)
      return keepdims ? keepAxes(result, x.shape, axes) : result
    },
  })

/** bool and uint8 add up as int32. */
const widen = (x: Tensor): Tensor => (x.dtype === 'bool' || x.dtype === 'uint8' ? lax.cast(x, 'int32') : x)
const count = (x: Tensor, axes: readonly number[]): number => axes.reduce((n, axis) => n * (x.shape[axis] as number), 1)
const requireElements = (x: Tensor, axes: readonly number[], name: string): void => {
  if (count(x, axes) === 0) throw new ShapeError({ where: name, problem: 'there is nothing to reduce', received: x.toString() })
}

export const sum = reduction('Sum', lax.reduceSum, widen)
export const prod = reduction('Prod', lax.reduceProd, widen)
export const max = reduction('Max', (x, axes) => {
  requireElements(x, axes, 'max')
  return lax.reduceMax(x, axes)
})
export const min = reduction('Min', (x, axes) => {
  requireElements(x, axes, 'min')
  return lax.reduceMin(x, axes)
})
export const amax = max
export const amin = min
export const any = reduction('Any', lax.reduceMax, (x) => lax.cast(x, 'bool'))
export const all = reduction('All', lax.reduceMin, (x) => lax.cast(x, 'bool'))
const average = (x: Tensor, axes: readonly number[]): Tensor => lax.withNumber(lax.reduceSum(x, axes), lax.mul, 1 / count(x, axes))
/** Half floats are averaged in float32. */
const inFloat32 = (x: Tensor, call: (x: Tensor) => Tensor): Tensor => {
  const isHalf = x.dtype === 'float16' || x.dtype === 'bfloat16'
  return isHalf ? lax.cast(call(lax.cast(x, 'float32')), x.dtype) : call(x)
}
export const mean = reduction('Mean', (x, axes) => inFloat32(x, (wide) => average(wide, axes)), toFloat)
/** Biased variance. */
export const variance = reduction('Var', (x, axes) => inFloat32(x, (wide) => lax.moments(wide, axes)[1]), toFloat)
export const std = reduction('Std', (x, axes) => inFloat32(x, (wide) => lax.sqrt(lax.moments(wide, axes)[1])), toFloat)

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
  'LogSumExp',
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
)
export const logsumexp = logSumExp

const indexOf = (
  name: string,
  call: (x: Tensor, axis: number) => Tensor,
): Op<[Tensor], { axis?: number | null; keepdims?: boolean }, Tensor> =>
  defineOp<[Tensor], { axis?: number | null; keepdims?: boolean }, Tensor>({
    name,
    module: 'numpy',
    tensors: 1,
    parameters: ['axis', 'keepdims'],
    call: ([input], { axis, keepdims = false }) => {
      const given = asTensor(input)
      const isFlat = axis === undefined || axis === null
      const x = isFlat ? lax.reshape(given, [given.size]) : given
      const along = isFlat ? 0 : normalizeAxis(axis, given.rank, name)
      if (x.shape[along] === 0) throw new ShapeError({ where: name, problem: 'there is nothing to compare', received: given.toString() })
      const result = call(x, along)
      if (!keepdims) return result
      return lax.reshape(
        result,
        given.shape.map((size, at) => (isFlat || at === along ? 1 : size)),
      )
    },
  })

/** int32 index of the first greatest element along `axis` (of the flat tensor without one). */
export const argmax = indexOf('Argmax', lax.argMax)
export const argmin = indexOf('Argmin', lax.argMin)

const cumulative = (
  name: string,
  call: (x: Tensor, axis: number) => Tensor,
): Op<[Tensor], { axis?: number | null; dtype?: DType }, Tensor> =>
  defineOp<[Tensor], { axis?: number | null; dtype?: DType }, Tensor>({
    name,
    module: 'numpy',
    tensors: 1,
    parameters: ['axis', 'dtype'],
    call: ([input], { axis, dtype }) => {
      const given = asTensor(input)
      const x = dtype === undefined ? (isFloat(given.dtype) ? given : widen(given)) : lax.cast(given, dtype)
      if (axis === undefined || axis === null) return call(lax.reshape(x, [x.size]), 0)
      return call(x, normalizeAxis(axis, x.rank, name))
    },
  })
export const cumsum = cumulative('Cumsum', (x, axis) => lax.cumSum(x, axis))
export const cumprod = cumulative('Cumprod', (x, axis) => lax.cumProd(x, axis))
