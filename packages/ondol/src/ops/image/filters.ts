/** Filters: `keras.ops.image` gaussianBlur, sobelEdges, ssim. */
import { isFloat } from '../../core/dtype.js'
import { ShapeError, ValueError } from '../../core/errors.js'
import { formatShape } from '../../core/shape.js'
import { type ConvSpec, lax, type Tensor } from '../../engine/index.js'
import type { DataFormat } from '../config.js'
import { perAxis } from '../convolution.js'
import { asTensor, defineOp, type TensorLike } from '../define.js'
import { inFloat32, part } from '../kinds.js'
import { resultType, toDType, toFloat } from '../promotion.js'
import { saturateCast } from '../scatter.js'
import type { ImageOptions } from './color.js'
import { channelsLast, onChannelsLast } from './layout.js'

const { add, sub, mul, div, withNumber } = lax

/** Weights of a Gaussian over `size` places, which sum to 1. `sigma` is a scalar. */
function gaussian(size: number, sigma: Tensor): Tensor {
  const places = withNumber(lax.cast(lax.iota([size], 'int32', 0), sigma.dtype), sub, (size - 1) / 2)
  const distances = div(places, lax.broadcast(sigma, [size], []))
  const weights = lax.exp(withNumber(mul(distances, distances), mul, -0.5))
  return div(weights, lax.broadcast(lax.reduceSum(weights, [0]), [size], []))
}

/** Images (batch, height, width, channels), each channel with the same weights along one axis: one-dimensional, so cheap. */
function filterAlong(x: Tensor, axis: 1 | 2, weights: Tensor, padding: 'same' | 'valid'): Tensor {
  const size = weights.size
  const channels = x.shape[3] as number
  const total = padding === 'same' ? size - 1 : 0
  const ends: [number, number] = [Math.floor(total / 2), total - Math.floor(total / 2)]
  const spec: ConvSpec = {
    strides: [1, 1],
    padding: axis === 1 ? [ends, [0, 0]] : [[0, 0], ends],
    dilation: [1, 1],
    groups: channels,
    layout: 'channelsLast',
  }
  return lax.conv(x, lax.broadcast(weights, axis === 1 ? [size, 1, 1, channels] : [1, size, 1, channels], [axis - 1]), spec)
}

/** Images smoothed by Gaussians of [width, height] `kernelSize` and `sigma`, a float (2,). */
export function smooth(images: Tensor, kernelSize: readonly number[], sigma: TensorLike): Tensor {
  const sigmas = toDType(sigma, images.dtype)
  const weights = kernelSize.map((size, i) => gaussian(size, lax.reshape(part(sigmas, 0, i, i + 1), [])))
  return filterAlong(filterAlong(images, 2, weights[0] as Tensor, 'same'), 1, weights[1] as Tensor, 'same')
}

export interface GaussianBlurOptions {
  /** Odd numbers of pixels, [width, height]. Default [3, 3]. */
  kernelSize?: number | readonly [number, number]
  /** Standard deviations, [horizontal, vertical]. Default [1, 1]. */
  sigma?: readonly [number, number] | Tensor
  dataFormat?: DataFormat | null
}

/**
 * Images smoothed by a Gaussian, with zeros outside; dtype as it was.
 *
 * @throws ShapeError, ValueError
 * @example
 * ops.image.gaussianBlur(ops.ones([2, 8, 8, 3]), { kernelSize: [5, 5], sigma: [1.5, 1.5] })
 */
export const gaussianBlur = defineOp<[Tensor], GaussianBlurOptions, Tensor>({
  name: 'GaussianBlur',
  module: 'image',
  tensors: 1,
  parameters: ['kernelSize', 'sigma', 'dataFormat'],
  call: ([input], { kernelSize = 3, sigma = [1, 1], dataFormat }) => {
    const given = asTensor(input)
    const size = perAxis(kernelSize, 2, 'kernelSize', 'gaussianBlur')
    const blur = (images: Tensor): Tensor => inFloat32([images], (wide) => smooth(wide, size, sigma))
    const blurred = onChannelsLast(toFloat(given), dataFormat, 'gaussianBlur', blur)
    return isFloat(given.dtype) ? blurred : saturateCast(lax.unary.round(blurred), given.dtype)
  },
})

/** Sobel's kernels (3, 3), vertical then horizontal: element (row, column) holds both. */
const SOBEL = [
  [
    [-1, -1],
    [-2, 0],
    [-1, 1],
  ],
  [
    [0, -2],
    [0, 0],
    [0, 2],
  ],
  [
    [1, -1],
    [2, 0],
    [1, 1],
  ],
] as const

/**
 * How much images change downwards and to the right, with zeros outside: (…, height, width, channels) → (…, height, width,
 * channels, 2), and with the channels first (…, channels, height, width, 2).
 *
 * @throws ShapeError
 * @example
 * ops.image.sobelEdges(ops.ones([2, 8, 8, 3])).shape // [2, 8, 8, 3, 2]
 */
export const sobelEdges = defineOp<[Tensor], ImageOptions, Tensor>({
  name: 'SobelEdges',
  module: 'image',
  tensors: 1,
  parameters: ['dataFormat'],
  call: ([input], { dataFormat }) =>
    onChannelsLast(toFloat(input), dataFormat, 'sobelEdges', (images) => {
      const channels = images.shape[3] as number
      const values = SOBEL.flat().flatMap((pair) => Array.from({ length: channels }, () => pair).flat())
      const kernel = lax.cast(lax.constant(Float32Array.from(values), [3, 3, 1, 2 * channels], 'float32'), images.dtype)
      const padding = [
        [1, 1],
        [1, 1],
      ] as const
      const edges = lax.conv(images, kernel, { strides: [1, 1], padding, dilation: [1, 1], groups: channels, layout: 'channelsLast' })
      return lax.reshape(edges, [...images.shape, 2])
    }),
})

export interface SsimOptions {
  /** The greatest value that pixels can have. Default 1. */
  maxVal?: number
  /** Size of the windows that are compared. Default 11. */
  filterSize?: number
  /** Width of their Gaussian. Default 1.5. */
  filterSigma?: number
  /** Default 0.01. */
  k1?: number
  /** Default 0.03. */
  k2?: number
  dataFormat?: DataFormat | null
}

/**
 * Structural similarity (Wang et al. 2004), 1 for equal images: two of (batch, height, width, channels) → (batch,), or of one
 * image each → ().
 *
 * @throws ShapeError when the shapes differ, or images are smaller than the windows.
 * @example
 * ops.image.ssim(ops.ones([2, 16, 16, 3]), ops.ones([2, 16, 16, 3])) // [1, 1]
 */
export const ssim = defineOp<[Tensor, Tensor], SsimOptions, Tensor>({
  name: 'SSIM',
  module: 'image',
  tensors: 2,
  parameters: ['maxVal', 'filterSize', 'filterSigma', 'k1', 'k2', 'dataFormat'],
  call: ([first, second], options) => {
    const { maxVal = 1, filterSize = 11, filterSigma = 1.5, k1 = 0.01, k2 = 0.03, dataFormat } = options
    const where = 'ssim'
    const [a, b] = [asTensor(first), asTensor(second)]
    if (!Number.isInteger(filterSize) || filterSize < 1)
      throw new ValueError({ where, problem: 'filterSize is no size', expected: 'a positive whole number', received: String(filterSize) })
    if (`${a.shape}` !== `${b.shape}`)
      throw new ShapeError({
        where,
        problem: 'the images differ in shape',
        received: `${formatShape(a.shape)} and ${formatShape(b.shape)}`,
      })
    const dtype = resultType([a], 'float')
    const similarity = (x: Tensor, y: Tensor): Tensor => {
      const [, height, width, channels] = x.shape as [number, number, number, number]
      if (Math.min(height, width) < filterSize)
        throw new ShapeError({
          where,
          problem: 'the images are smaller than a window',
          expected: `at least ${filterSize} pixels high and wide`,
          received: formatShape(a.shape),
          hint: 'use a smaller filterSize',
        })
      const weights = gaussian(filterSize, lax.full([], x.dtype, filterSigma))
      // All the means that are needed in one go.
      const parts = lax.concat([x, y, mul(x, x), mul(y, y), mul(x, y)], 3)
      const means = filterAlong(filterAlong(parts, 2, weights, 'valid'), 1, weights, 'valid')
      const mean = (i: number): Tensor => part(means, 3, i * channels, (i + 1) * channels)
      const [meanX, meanY] = [mean(0), mean(1)]
      const [squareX, squareY, both] = [mul(meanX, meanX), mul(meanY, meanY), mul(meanX, meanY)]
      const [c1, c2] = [(k1 * maxVal) ** 2, (k2 * maxVal) ** 2]
      const likeness = (twice: Tensor, sum: Tensor, c: number): Tensor =>
        div(withNumber(withNumber(twice, mul, 2), add, c), withNumber(sum, add, c))
      const luminance = likeness(both, add(squareX, squareY), c1)
      const structure = likeness(sub(mean(4), both), add(sub(mean(2), squareX), sub(mean(3), squareY)), c2)
      const map = mul(luminance, structure)
      return withNumber(lax.reduceSum(map, [1, 2, 3]), mul, (x.shape[0] as number) / map.size)
    }
    const [x, y] = [a, b].map((images) => channelsLast(toDType(images, dtype), dataFormat, where)) as [Tensor, Tensor]
    const values = lax.cast(inFloat32([x, y], similarity), a.dtype)
    return a.rank === 4 ? values : lax.reshape(values, [])
  },
})
