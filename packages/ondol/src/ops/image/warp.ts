/** Moving pixels: `keras.ops.image` affineTransform, perspectiveTransform, elasticTransform. */
import { ShapeError } from '../../core/errors.js'
import { formatShape } from '../../core/shape.js'
import { lax, type Tensor } from '../../engine/index.js'
import type { DataFormat } from '../config.js'
import { asTensor, defineOp } from '../define.js'
import { part } from '../kinds.js'
import { solve } from '../linalg/index.js'
import { toFloat } from '../promotion.js'
import { normal, type Seed } from '../random.js'
import { smooth } from './filters.js'
import { channelsLast, onChannelsLast } from './layout.js'
import { type FillMode, type Interpolation, orderOf, requireFillMode, type Sampling, sampleGrid } from './sampling.js'

const { add, mul, div, withNumber } = lax

/** Images (batch, height, width, channels) at the places y and x, float (batch, height, width) each. */
function warp(images: Tensor, y: Tensor, x: Tensor, sampling: Sampling): Tensor {
  const [batch, height, width, channels] = images.shape as [number, number, number, number]
  const offset = withNumber(lax.iota([batch, height, width], 'int32', 0), mul, height * width)
  return sampleGrid(lax.reshape(images, [batch * height * width, channels]), [height, width], [y, x], sampling, offset)
}

/**
 * Each pixel (x, y) of the result is that of the images at ((a0·x + a1·y + a2) / k, (b0·x + b1·y + b2) / k), with
 * k = c0·x + c1·y + 1; `transform` is float (batch or 1, 8): a0, a1, a2, b0, b1, b2, c0, c1.
 */
function project(images: Tensor, transform: Tensor, sampling: Sampling): Tensor {
  const [batch, height, width] = images.shape as [number, number, number, number]
  const shape = [batch, height, width]
  const { dtype } = transform
  const row = transform.shape[0] === batch ? transform : lax.broadcastTo(transform, [batch, 8])
  const factor = (i: number): Tensor => lax.broadcast(lax.reshape(part(row, 1, i, i + 1), [batch]), shape, [0])
  const [x, y] = [lax.cast(lax.iota(shape, 'int32', 2), dtype), lax.cast(lax.iota(shape, 'int32', 1), dtype)]
  const plane = (i: number): Tensor => add(mul(factor(i), x), mul(factor(i + 1), y))
  const k = withNumber(plane(6), add, 1)
  return warp(images, div(add(plane(3), factor(5)), k), div(add(plane(0), factor(2)), k), sampling)
}

const misfit = (where: string, name: string, expected: string, received: Tensor): ShapeError =>
  new ShapeError({ where, problem: `${name} does not fit`, expected, received: formatShape(received.shape) })

export interface AffineTransformOptions {
  /** Default `'bilinear'`. */
  interpolation?: Interpolation
  /** What is outside of the images. Default `'constant'`. */
  fillMode?: FillMode
  /** Default 0. */
  fillValue?: number
  dataFormat?: DataFormat | null
}

/**
 * Images, each pixel (x, y) taken from ((a0·x + a1·y + a2) / k, (b0·x + b1·y + b2) / k), where k = c0·x + c1·y + 1.
 * `transform` is [a0, a1, a2, b0, b1, b2, c0, c1], one for all or one for each: (8,) or (batch, 8).
 *
 * @throws ShapeError, ValueError
 * @example
 * ops.image.affineTransform(images, [1, 0, 5, 0, 1, 0, 0, 0]) // five pixels to the left
 */
export const affineTransform = defineOp<[Tensor, Tensor], AffineTransformOptions, Tensor>({
  name: 'AffineTransform',
  module: 'image',
  tensors: 2,
  parameters: ['interpolation', 'fillMode', 'fillValue', 'dataFormat'],
  call: ([input, matrix], { interpolation = 'bilinear', fillMode = 'constant', fillValue = 0, dataFormat }) => {
    const where = 'affineTransform'
    const given = toFloat(matrix)
    const transform = given.rank === 1 ? lax.reshape(given, [1, given.size]) : given
    const sampling = { order: orderOf(interpolation, where), fillMode: requireFillMode(fillMode, where), fillValue }
    return onChannelsLast(asTensor(input), dataFormat, where, (images) => {
      const count = transform.shape[0]
      if (transform.rank !== 2 || transform.shape[1] !== 8 || (count !== 1 && count !== images.shape[0]))
        throw misfit(where, 'transform', `(8,) or (${images.shape[0]}, 8)`, given)
      return project(images, transform, sampling)
    })
  },
})

/** The transforms (batch, 8) that take pixels at `end` points (batch, 4, 2) from `start` points. */
export function homography(start: Tensor, end: Tensor): Tensor {
  const batch = start.shape[0] as number
  const column = (points: Tensor, i: number): Tensor => part(points, 2, i, i + 1)
  const [startX, startY, endX, endY] = [column(start, 0), column(start, 1), column(end, 0), column(end, 1)] as const
  const [zeros, ones] = [lax.zerosLike(endX), lax.fullLike(endX, 1)]
  const minus = (a: Tensor, b: Tensor): Tensor => lax.neg(mul(a, b))
  const rows = [
    lax.concat([endX, endY, ones, zeros, zeros, zeros, minus(startX, endX), minus(startX, endY)], 2),
    lax.concat([zeros, zeros, zeros, endX, endY, ones, minus(startY, endX), minus(startY, endY)], 2),
  ]
  const target = lax.concat([startX, startY], 1)
  return lax.reshape(solve(lax.concat(rows, 1), target), [batch, 8])
}

export interface PerspectiveTransformOptions {
  /** Default `'bilinear'`. */
  interpolation?: Interpolation
  /** What is outside of the images. Default 0. */
  fillValue?: number
  dataFormat?: DataFormat | null
}

/**
 * Images as seen from elsewhere: the four `startPoints` (x, y) come to lie at the `endPoints`; both (4, 2) or (batch, 4, 2).
 *
 * @throws ShapeError, ValueError
 * @example
 * const corners = [[0, 0], [3, 0], [0, 3], [3, 3]]
 * ops.image.perspectiveTransform(ops.ones([4, 4, 3]), corners, [[0, 1], [3, 0], [0, 3], [3, 3]])
 */
export const perspectiveTransform = defineOp<[Tensor, Tensor, Tensor], PerspectiveTransformOptions, Tensor>({
  name: 'PerspectiveTransform',
  module: 'image',
  tensors: 3,
  parameters: ['interpolation', 'fillValue', 'dataFormat'],
  call: ([input, startInput, endInput], { interpolation = 'bilinear', fillValue = 0, dataFormat }) => {
    const where = 'perspectiveTransform'
    const sampling = { order: orderOf(interpolation, where), fillMode: 'constant', fillValue } as const
    return onChannelsLast(asTensor(input), dataFormat, where, (images) => {
      const batch = images.shape[0] as number
      const points = [startInput, endInput].map((value, i) => {
        const given = lax.cast(toFloat(value), 'float32')
        const fits = (given.rank === 2 || (given.rank === 3 && [1, batch].includes(given.shape[0] as number))) && given.size % 8 === 0
        if (!fits || given.shape.at(-1) !== 2 || given.shape.at(-2) !== 4)
          throw misfit(where, i === 0 ? 'startPoints' : 'endPoints', `(4, 2) or (${batch}, 4, 2)`, given)
        return lax.reshape(given, [given.size / 8, 4, 2])
      })
      const [start, end] = points as [Tensor, Tensor]
      if (start.shape[0] !== end.shape[0]) throw misfit(where, 'endPoints', formatShape(start.shape), end)
      return project(images, homography(start, end), sampling)
    })
  },
})

export interface ElasticTransformOptions extends AffineTransformOptions {
  /** How far pixels move. Default 20. */
  alpha?: number | Tensor
  /** How wide the waves are, in pixels. Default 5. */
  sigma?: number
  seed?: Seed
}

/**
 * Images whose pixels have moved by smooth random waves: after Simard et al. (2003).
 *
 * @throws ShapeError, ValueError
 * @example
 * ops.image.elasticTransform(ops.ones([2, 8, 8, 3]), { alpha: 3, sigma: 1, seed: 7 })
 */
export const elasticTransform = defineOp<[Tensor], ElasticTransformOptions, Tensor>({
  name: 'ElasticTransform',
  module: 'image',
  tensors: 1,
  parameters: ['alpha', 'sigma', 'interpolation', 'fillMode', 'fillValue', 'seed', 'dataFormat'],
  call: ([input], options) => {
    const { alpha = 20, sigma = 5, interpolation = 'bilinear', fillMode = 'reflect', fillValue = 0, seed, dataFormat } = options
    const { shape } = channelsLast(asTensor(input), dataFormat, 'elasticTransform')
    const noise = normal([...shape.slice(0, 3), 2], { dtype: 'float32', seed })
    return displace(
      input,
      { noise, alpha, sigma, greatestSigma: sigma },
      { interpolation, fillMode, fillValue, dataFormat: dataFormat ?? null },
    )
  },
})

export interface Waves {
  /** Standard Gaussian, (batch, height, width, 2): down and to the right. */
  readonly noise: Tensor
  readonly alpha: number | Tensor
  readonly sigma: number | Tensor
  /** The size of the filter follows from it, and must not depend on values. */
  readonly greatestSigma: number
}

/** Images whose pixels have moved by smoothed noise. */
export function displace(input: Tensor, waves: Waves, options: AffineTransformOptions): Tensor {
  const { interpolation = 'bilinear', fillMode = 'reflect', fillValue = 0, dataFormat } = options
  const where = 'elasticTransform'
  const sampling = { order: orderOf(interpolation, where), fillMode: requireFillMode(fillMode, where), fillValue }
  const [alpha, given] = [waves.alpha, waves.sigma].map((value) => lax.cast(toFloat(value), 'float32')) as [Tensor, Tensor]
  // A width of 0 stands for no smoothing.
  const sigma = lax.max(given, lax.fullLike(given, 1e-6))
  const size = Math.trunc(6 * waves.greatestSigma) | 1
  return onChannelsLast(asTensor(input), dataFormat, where, (images) => {
    const shape = images.shape.slice(0, 3)
    const smoothed = smooth(waves.noise, [size, size], lax.broadcast(sigma, [2], []))
    const strength = lax.broadcast(mul(alpha, given), shape, [])
    const moved = (axis: number): Tensor => {
      const shift = lax.reshape(part(smoothed, 3, axis - 1, axis), shape)
      return add(lax.cast(lax.iota(shape, 'int32', axis), 'float32'), mul(strength, shift))
    }
    return warp(images, moved(1), moved(2), sampling)
  })
}
