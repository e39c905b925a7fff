/** Normalisations as functions: `keras.ops.nn` batchNormalization, layerNormalization, rmsNormalization, normalize. */
import { ShapeError, ValueError } from '../core/errors.js'
import { formatShape, normalizeAxes, normalizeAxis, type Shape } from '../core/shape.js'
import { lax, type Tensor } from '../engine/index.js'
import { epsilon as usualEpsilon } from './config.js'
import { defineOp, type TensorLike } from './define.js'
import { norm } from './linalg/norm.js'
import { toDType, toFloat } from './promotion.js'
import { keepAxes } from './reducing.js'

const { withNumber } = lax

/** Half floats are normalised in float32. */
const wide = (x: Tensor): Tensor => (x.dtype === 'float16' || x.dtype === 'bfloat16' ? lax.cast(x, 'float32') : x)

/** One number for each place along `axes`, over all of `shape`. */
function along(value: TensorLike, x: Tensor, axes: readonly number[], where: string, what: string): Tensor {
  const given = toDType(value, x.dtype)
  const sizes = axes.map((axis) => x.shape[axis] as number)
  const expected = x.shape.map((size, axis) => (axes.includes(axis) ? size : 1))
  if (`${given.shape}` === `${sizes}`) return lax.broadcastTo(lax.reshape(given, expected), x.shape)
  if (given.rank <= x.rank && given.shape.every((size, i) => size === 1 || size === x.shape[x.rank - given.rank + i]))
    return lax.broadcastTo(given, x.shape)
  throw new ShapeError({
    where,
    problem: `${what} does not fit the input`,
    expected: formatShape(sizes),
    received: formatShape(given.shape),
  })
}

export interface BatchNormalizationOptions {
  /** The axis of the features. */
  axis: number
  /** Added after scaling. */
  offset?: TensorLike | null
  scale?: TensorLike | null
  /** Default 0.001. */
  epsilon?: number
}

/** (x - mean) / √(variance + ε) · scale + offset, all of them with one number for each feature. */
export const batchNormalization = defineOp<[Tensor, Tensor, Tensor], BatchNormalizationOptions, Tensor>({
  name: 'BatchNorm',
  module: 'nn',
  tensors: 3,
  parameters: ['axis', 'offset', 'scale', 'epsilon'],
  call: ([input, mean, variance], { axis, offset, scale, epsilon = 1e-3 }) => {
    const x = toFloat(input)
    const where = 'batchNormalization'
    const axes = [normalizeAxis(axis, x.rank, where)]
    const one = (value: TensorLike, what: string): Tensor => along(value, x, axes, where, what)
    let factor = lax.unary.rsqrt(withNumber(toDType(variance, x.dtype), lax.add, epsilon))
    if (scale != null) factor = lax.mul(factor, toDType(scale, x.dtype))
    let shift = lax.neg(lax.mul(toDType(mean, x.dtype), factor))
    if (offset != null) shift = lax.add(shift, toDType(offset, x.dtype))
    return lax.add(lax.mul(x, one(factor, 'variance')), one(shift, 'mean'))
  },
})

export interface LayerNormalizationOptions {
  gamma?: TensorLike | null
  beta?: TensorLike | null
  /** One axis or several. Default -1. */
  axis?: number | readonly number[]
  /** Default `config.epsilon()`. */
  epsilon?: number | null
}

/** Each sample with mean 0 and variance 1 over `axis`, times gamma, plus beta (https://arxiv.org/abs/1607.06450). */
export const layerNormalization = defineOp<[Tensor], LayerNormalizationOptions, Tensor>({
  name: 'LayerNorm',
  module: 'nn',
  tensors: 1,
  parameters: ['gamma', 'beta', 'axis', 'epsilon'],
  call: ([input], { gamma, beta, axis = -1, epsilon }) => {
    const given = toFloat(input)
    const x = wide(given)
    const where = 'layerNormalization'
    const axes = [...normalizeAxes(axis, x.rank, where)].sort((a, b) => a - b)
    const spread = (reduced: Tensor): Tensor => lax.broadcastTo(keepAxes(reduced, x.shape, axes), x.shape)
    const [mean, variance] = lax.moments(x, axes)
    const centred = lax.sub(x, spread(mean))
    let y = lax.mul(centred, spread(lax.unary.rsqrt(withNumber(variance, lax.add, epsilon ?? usualEpsilon()))))
    if (gamma != null) y = lax.mul(y, along(gamma, x, axes, where, 'gamma'))
    if (beta != null) y = lax.add(y, along(beta, x, axes, where, 'beta'))
    return lax.cast(y, given.dtype)
  },
})

export interface RmsNormalizationOptions {
  scale?: TensorLike | null
  /** One axis or several. Default -1. */
  axis?: number | readonly number[]
  /** Default `config.epsilon()`. */
  epsilon?: number | null
}

/** x / √(mean(x²) + ε) over `axis`, times scale (https://arxiv.org/abs/1910.07467). */
export const rmsNormalization = defineOp<[Tensor], RmsNormalizationOptions, Tensor>({
  name: 'RMSNorm',
  module: 'nn',
  tensors: 1,
  parameters: ['scale', 'axis', 'epsilon'],
  call: ([input], { scale, axis = -1, epsilon }) => {
    const given = toFloat(input)
    const x = wide(given.rank === 0 ? lax.reshape(given, [1]) : given)
    const axes = [...normalizeAxes(axis, x.rank, 'rmsNormalization')].sort((a, b) => a - b)
    const count = axes.reduce((n, at) => n * (x.shape[at] as number), 1)
    const square = withNumber(lax.reduceSum(lax.mul(x, x), axes), lax.mul, 1 / count)
    const factor = lax.unary.rsqrt(withNumber(square, lax.add, epsilon ?? usualEpsilon()))
    const y = lax.mul(x, lax.broadcastTo(keepAxes(factor, x.shape, axes), x.shape))
    return lax.cast(scale == null ? y : lax.mul(y, along(scale, x, axes, 'rmsNormalization', 'scale')), given.dtype)
  },
})

export interface NormalizeOptions {
  /** Default -1. */
  axis?: number
  /** Of the norm, a whole number. Default 2. */
  order?: number
  /** Norms below count as this. Default `config.epsilon()`. */
  epsilon?: number | null
}

/** Vectors along `axis` divided by their norm. */
export const normalize = defineOp<[Tensor], NormalizeOptions, Tensor>({
  name: 'Normalize',
  module: 'nn',
  tensors: 1,
  parameters: ['axis', 'order', 'epsilon'],
  call: ([input], { axis = -1, order = 2, epsilon }) => {
    if (!(Number.isInteger(order) && order >= 1))
      throw new ValueError({
        where: 'normalize',
        problem: 'order is no norm',
        expected: 'a whole number of at least 1',
        received: String(order),
      })
    const given = toFloat(input)
    const x = given.rank === 0 ? lax.reshape(given, [1]) : given
    const least = epsilon ?? usualEpsilon()
    const at = normalizeAxis(axis, x.rank, 'normalize')
    const spread = (reduced: Tensor): Tensor => lax.broadcastTo(keepAxes(reduced, x.shape as Shape, [at]), x.shape)
    if (order !== 2) return lax.div(x, spread(lax.max(norm(x, { ord: order, axis: at }), lax.fullLike(lax.reduceSum(x, [at]), least))))
    const square = lax.reduceSum(lax.mul(x, x), [at])
    // The root of 0 has no gradient.
    return lax.mul(x, spread(lax.unary.rsqrt(lax.max(lax.fullLike(square, least * least), square))))
  },
})

/** Peak signal-to-noise ratio of two images, in decibels. */
export const psnr = defineOp<[Tensor, Tensor], { maxVal: number }, Tensor>({
  name: 'PSNR',
  module: 'nn',
  tensors: 2,
  parameters: ['maxVal'],
  call: ([first, second], { maxVal }) => {
    const [x, y] = [toFloat(first), toFloat(second)]
    if (`${x.shape}` !== `${y.shape}`)
      throw new ShapeError({
        where: 'psnr',
        problem: 'the images differ in shape',
        expected: formatShape(x.shape),
        received: formatShape(y.shape),
      })
    const difference = lax.sub(x, y)
    const mse = withNumber(lax.reduceSum(lax.mul(difference, difference), [...x.shape.keys()]), lax.mul, 1 / x.size)
    return withNumber(withNumber(lax.log(mse), lax.mul, -10 / Math.LN10), lax.add, 20 * Math.log10(maxVal))
  },
})
