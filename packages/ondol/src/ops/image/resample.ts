/**
 * Resampling: `keras.ops.image` resize and scaleAndTranslate. Along an axis it is a product with a matrix of weights, (input
 * size, output size), which follows from the sizes, so it is fast wherever matrices are, and its gradient comes for free.
 */
import { type DType, isFloat } from '../../core/dtype.js'
import { ShapeError, ValueError } from '../../core/errors.js'
import { formatShape, normalizeAxis, type Shape } from '../../core/shape.js'
import { lax, type Tensor } from '../../engine/index.js'
import type { DataFormat } from '../config.js'
import { asTensor, defineOp } from '../define.js'
import { integers, part } from '../kinds.js'
import { resultType, toDType, toFloat } from '../promotion.js'
import { saturateCast } from '../scatter.js'
import { alongAxis, imageAxes } from './layout.js'

const { add, sub, mul, div, select, withNumber } = lax

const from = (number: number, x: Tensor): Tensor => sub(lax.fullLike(x, number), x)

/** How much a place at a distance counts, in units of the input's grid. */
const triangle = (x: Tensor): Tensor => lax.max(lax.zerosLike(x), from(1, x))

/** Keys' cubic with a = -1/2. */
function cubic(x: Tensor): Tensor {
  const near = withNumber(mul(mul(withNumber(withNumber(x, mul, 1.5), sub, 2.5), x), x), add, 1)
  const far = withNumber(mul(withNumber(mul(withNumber(withNumber(x, mul, -0.5), add, 2.5), x), sub, 4), x), add, 2)
  const inside = select(withNumber(x, lax.ge, 1), far, near)
  return select(withNumber(x, lax.ge, 2), lax.zerosLike(x), inside)
}

const lanczos =
  (radius: number) =>
  (x: Tensor): Tensor => {
    const sine = (scale: number): Tensor => lax.sin(withNumber(x, mul, Math.PI * scale))
    const waves = withNumber(mul(sine(1), sine(1 / radius)), mul, radius)
    const isCentre = withNumber(x, lax.le, 1e-3)
    const squares = select(isCentre, lax.fullLike(x, 1), withNumber(mul(x, x), mul, Math.PI ** 2))
    const weights = select(isCentre, lax.fullLike(x, 1), div(waves, squares))
    return select(withNumber(x, lax.gt, radius), lax.zerosLike(x), weights)
  }

const KERNELS = { linear: triangle, cubic, lanczos3: lanczos(3), lanczos5: lanczos(5) } as const
const METHODS: Readonly<Record<string, keyof typeof KERNELS>> = {
  linear: 'linear',
  bilinear: 'linear',
  trilinear: 'linear',
  cubic: 'cubic',
  bicubic: 'cubic',
  tricubic: 'cubic',
  lanczos3: 'lanczos3',
  lanczos5: 'lanczos5',
}

/** Below this sum of weights a place has no neighbours: 1000 times the epsilon of float32. */
const NOTHING = 1000 * 2 ** -23

interface Resampling {
  /** Sizes of the axis before and after. */
  readonly from: number
  readonly to: number
  /** Scalars of one float dtype: place x of the input goes to x · scale + translation. */
  readonly scale: Tensor
  readonly translation: Tensor
  readonly kernel: (distance: Tensor) => Tensor
  readonly antialias: boolean
}

/** Weights (input size, output size): columns sum to 1, or are 0 where the sample is outside. */
function weightMatrix({ from: m, to: n, scale, translation, kernel, antialias }: Resampling): Tensor {
  const { dtype } = scale
  const inverse = div(lax.fullLike(scale, 1), scale)
  const spread = (scalar: Tensor, shape: Shape): Tensor => lax.broadcast(scalar, shape, [])
  const centres = withNumber(lax.cast(lax.iota([n], 'int32', 0), dtype), add, 0.5)
  const shift = spread(mul(translation, inverse), [n])
  const samples = withNumber(sub(mul(centres, spread(inverse, [n])), shift), sub, 0.5)
  const distances = lax.abs(sub(alongAxis(samples, [m, n], 1), lax.cast(lax.iota([m, n], 'int32', 0), dtype)))
  // Shrinking widens the kernel, so that every place of the input counts.
  const width = lax.max(inverse, lax.fullLike(inverse, 1))
  const weights = kernel(antialias ? div(distances, spread(width, [m, n])) : distances)
  const sums = lax.reduceSum(weights, [0])
  const isInside = lax.logicalAnd(withNumber(samples, lax.ge, -0.5), withNumber(samples, lax.le, m - 0.5))
  const counts = lax.logicalAnd(isInside, withNumber(lax.abs(sums), lax.gt, NOTHING))
  const safe = select(counts, sums, lax.fullLike(sums, 1))
  return select(alongAxis(counts, [m, n], 1), div(weights, alongAxis(safe, [m, n], 1)), lax.zerosLike(weights))
}

/** `x` with `axis` multiplied by a matrix (size, new size). The new axis comes last. */
const productAlong = (x: Tensor, axis: number, matrix: Tensor): Tensor =>
  lax.dot(x, matrix, { batchA: [], batchB: [], contractA: [axis], contractB: [0] })

/** Products along several axes; sums are in float32 at least. */
function resample(x: Tensor, steps: readonly (Resampling & { readonly axis: number })[]): Tensor {
  const wide = x.dtype === 'float64' ? x : lax.cast(x, 'float32')
  // Each product moves its axis to the end: which axis of the input is where.
  const order = x.shape.map((_, axis) => axis)
  let result = wide
  for (const { axis, ...step } of steps) {
    const at = order.indexOf(axis)
    result = productAlong(result, at, lax.cast(weightMatrix(step), wide.dtype))
    order.splice(at, 1)
    order.push(axis)
  }
  const back = lax.transpose(
    result,
    x.shape.map((_, axis) => order.indexOf(axis)),
  )
  return lax.cast(back, x.dtype)
}

function kernelOf(method: string, where: string): (x: Tensor) => Tensor {
  const kernel = Object.hasOwn(METHODS, method) ? METHODS[method] : undefined
  if (kernel !== undefined) return KERNELS[kernel]
  throw new ValueError({ where, problem: 'unknown method', expected: Object.keys(METHODS).join(', '), received: String(method) })
}

export interface ScaleAndTranslateOptions {
  /** Axes that are resampled, one for each scale and translation. */
  spatialDims: readonly number[]
  method: 'linear' | 'bilinear' | 'trilinear' | 'cubic' | 'bicubic' | 'tricubic' | 'lanczos3' | 'lanczos5'
  /** Whether shrinking averages over all places of the input. Default true. */
  antialias?: boolean
}

/**
 * Resamples to `outputShape` so that the place x of the input along `spatialDims[i]` goes to `x · scale[i] +
 * translation[i]`. Pixels are squares: the first covers [0, 1]. Integers become floats.
 *
 * @throws ShapeError when the shapes do not fit; ValueError when there is no such method.
 * @example
 * ops.image.scaleAndTranslate(ops.ones([4, 4]), [8, 8], [2, 2], [0, 0], [0, 1], 'linear')
 */
export const scaleAndTranslate = defineOp<
  [images: Tensor, outputShape: Tensor, scale: Tensor, translation: Tensor],
  ScaleAndTranslateOptions,
  Tensor
>({
  name: 'ScaleAndTranslate',
  module: 'image',
  // The shape stands among them, as in Keras.
  tensors: 4,
  parameters: ['spatialDims', 'method', 'antialias'],
  call: ([input, shape, scales, translations], { spatialDims, method, antialias = true }) => {
    const where = 'scaleAndTranslate'
    const images = toFloat(input)
    const outputShape = shape as unknown as Shape
    const dtype = resultType([scales, translations], 'float')
    const [scale, translation] = [toDType(scales, dtype), toDType(translations, dtype)]
    const axes = spatialDims.map((axis) => normalizeAxis(axis, images.rank, where))
    const agrees =
      Array.isArray(outputShape) &&
      outputShape.length === images.rank &&
      outputShape.every((size, axis) => axes.includes(axis) || size === images.shape[axis])
    if (!agrees || scale.size !== axes.length || translation.size !== axes.length) {
      throw new ShapeError({
        where,
        problem: 'the sizes do not fit',
        expected: `an outputShape that differs from ${formatShape(images.shape)} on the axes [${axes}] only, and ${axes.length} scales and translations`,
        received: `${JSON.stringify(outputShape)}, ${scale.size} scales and ${translation.size} translations`,
      })
    }
    const at = (list: Tensor, i: number): Tensor => lax.reshape(part(list, 0, i, i + 1), [])
    const kernel = kernelOf(method, where)
    return resample(
      images,
      axes.map((axis, i) => ({
        axis,
        from: images.shape[axis] as number,
        to: outputShape[axis] as number,
        scale: at(scale, i),
        translation: at(translation, i),
        kernel,
        antialias,
      })),
    )
  },
})

export interface ResizeOptions {
  /** [height, width]. */
  size: readonly [number, number]
  /** Default `'bilinear'`. */
  interpolation?: 'nearest' | 'bilinear' | 'bicubic' | 'lanczos3' | 'lanczos5'
  /** Whether shrinking averages over all pixels. Default false. */
  antialias?: boolean
  /** Cut the middle of the images in the proportions of `size` first, so that nothing is distorted. Default false. */
  cropToAspectRatio?: boolean
  /** Pad the images to the proportions of `size` first. Default false. */
  padToAspectRatio?: boolean
  /** How to pad. Only `'constant'`. */
  fillMode?: 'constant'
  /** What to pad with. Default 0. */
  fillValue?: number
  dataFormat?: DataFormat | null
}

/** Size of the part of an axis that has the proportions of the target, and where it begins; at most the axis. */
export function croppedTo(size: number, other: number, target: number, otherTarget: number): { start: number; size: number } {
  const wanted = Math.max(Math.min(size, Math.trunc((other * target) / otherTarget)), 1)
  return { start: Math.trunc((size - wanted) / 2), size: wanted }
}

function cropped(x: Tensor, axes: readonly [number, number], [height, width]: readonly [number, number]): Tensor {
  const [rows, columns] = axes.map((axis) => x.shape[axis] as number) as [number, number]
  const vertical = croppedTo(rows, columns, height, width)
  const horizontal = croppedTo(columns, rows, width, height)
  const tall = part(x, axes[0], vertical.start, vertical.start + vertical.size)
  return part(tall, axes[1], horizontal.start, horizontal.start + horizontal.size)
}

function padded(x: Tensor, axes: readonly [number, number], [height, width]: readonly [number, number], fillValue: number): Tensor {
  const [rows, columns] = axes.map((axis) => x.shape[axis] as number) as [number, number]
  const margin = (size: number, other: number, target: number, otherTarget: number): number =>
    Math.trunc((Math.max(size, Math.trunc((other * target) / otherTarget)) - size) / 2)
  const low = x.shape.map(() => 0)
  low[axes[0]] = margin(rows, columns, height, width)
  low[axes[1]] = margin(columns, rows, width, height)
  return lax.pad(x, lax.full([], x.dtype, fillValue), low, low)
}

/** The pixel under the middle of each new one. */
function nearest(x: Tensor, axis: number, size: number): Tensor {
  const count = x.shape[axis] as number
  if (count === size) return x
  // In single precision, as the reference does: which pixel a border falls to depends on it.
  const places = Array.from({ length: size }, (_, i) => Math.floor(Math.fround(Math.fround((i + 0.5) * count) / size)))
  return lax.gather(x, integers(places.map((place) => Math.min(place, count - 1))), axis)
}

function requireSize(size: readonly number[]): void {
  if (Array.isArray(size) && size.length === 2 && size.every((n) => Number.isInteger(n) && n > 0)) return
  throw new ValueError({
    where: 'resize',
    problem: 'size is no [height, width]',
    expected: 'two positive whole numbers',
    received: JSON.stringify(size),
  })
}

/**
 * Images of another size, dtype as it was: (…, height, width, channels) → (…, size[0], size[1], channels).
 *
 * @throws ShapeError when these are no images; ValueError when options do not fit.
 * @example
 * ops.image.resize(ops.ones([2, 4, 4, 3]), [8, 6], { interpolation: 'bicubic' })
 */
export const resize = defineOp<[Tensor], ResizeOptions, Tensor>({
  name: 'Resize',
  module: 'image',
  tensors: 1,
  parameters: ['size', 'interpolation', 'antialias', 'cropToAspectRatio', 'padToAspectRatio', 'fillMode', 'fillValue', 'dataFormat'],
  call: ([input], options) => {
    const { size, interpolation = 'bilinear', antialias = false, cropToAspectRatio = false, padToAspectRatio = false } = options
    const { fillMode = 'constant', fillValue = 0, dataFormat } = options
    const where = 'resize'
    requireSize(size)
    const images = asTensor(input)
    const { height, width } = imageAxes(images, dataFormat, where)
    const axes = [height, width] as const
    if (fillMode !== 'constant')
      throw new ValueError({ where, problem: 'unknown fillMode', expected: "'constant'", received: String(fillMode) })
    if (cropToAspectRatio && padToAspectRatio)
      throw new ValueError({
        where,
        problem: 'images can be cropped or padded, not both',
        received: 'cropToAspectRatio and padToAspectRatio',
      })
    const framed = cropToAspectRatio ? cropped(images, axes, size) : padToAspectRatio ? padded(images, axes, size, fillValue) : images
    if (interpolation === 'nearest') return axes.reduce((x, axis, i) => nearest(x, axis, size[i] as number), framed)
    const kernel = kernelOf(interpolation, where)
    const wide = isFloat(framed.dtype) ? framed : lax.cast(framed, 'float32')
    const dtype: DType = framed.dtype === 'float64' ? 'float64' : 'float32'
    const steps = axes.flatMap((axis, i) => {
      const [before, after] = [framed.shape[axis] as number, size[i] as number]
      const [scale, translation] = [lax.full([], dtype, after / before), lax.full([], dtype, 0)]
      return before === after ? [] : [{ axis, from: before, to: after, scale, translation, kernel, antialias }]
    })
    const resized = resample(wide, steps)
    return isFloat(images.dtype) ? resized : saturateCast(lax.unary.round(resized), images.dtype)
  },
})
