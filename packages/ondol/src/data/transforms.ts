/**
 * Changes of single images before they are put into batches, as torchvision's: functions of an image (height, width,
 * channels) or (height, width), uint8 or float. Random ones take their numbers from the context that `map`
 * and `getItem` hand on, so an epoch is the same whoever computes it.
 */
import { allocate, isFloat, type TypedArray } from '../core/dtype.js'
import { DTypeError, ShapeError, ValueError } from '../core/errors.js'
import { formatShape } from '../core/shape.js'
import { makeDefaultSeed } from '../ops/random.js'
import { scaleBilinear } from './bilinear.js'
import { HostArray } from './host-array.js'
import { makeRandom, type Random, randomBelow } from './random.js'

/** What transforms need of an element's context. */
export interface TransformContext {
  readonly random: Random
}

/** An image changed; without a context, random numbers follow from `utils.setRandomSeed`. */
export type Transform = (image: HostArray, context?: TransformContext) => HostArray

/** Makes a transform; `new` may stand before it. */
interface Maker<A extends readonly unknown[]> {
  new (...args: A): Transform
  (...args: A): Transform
}

/** A constructor that returns a function gives that function. */
function maker<A extends readonly unknown[]>(make: (...args: A) => (image: HostArray, random: Random) => HostArray): Maker<A> {
  // biome-ignore lint/complexity/useArrowFunction: `new` cannot stand before an arrow function
  return function (...args: A): Transform {
    const change = make(...args)
    let own: Random | undefined
    return (image, context) => change(image, context?.random ?? (own ??= makeRandom(makeDefaultSeed())))
  } as unknown as Maker<A>
}

/** Height and width: one number for both, or two. */
type Size = number | readonly [height: number, width: number]
const pair = (size: Size, where: string): readonly [number, number] => {
  const both = typeof size === 'number' ? ([size, size] as const) : size
  if (both.every((one) => Number.isInteger(one) && one >= 0)) return both
  throw new ValueError({ where, problem: 'not a size', expected: 'whole numbers of at least 0', received: String(size) })
}

/** An image's measures: channels is 1 where there is no such axis. */
function measure({ shape }: HostArray, where: string): { height: number; width: number; channels: number } {
  const [height, width, channels = 1] = shape
  if (height !== undefined && width !== undefined && shape.length <= 3) return { height, width, channels }
  throw new ShapeError({
    where,
    problem: 'this is no image',
    expected: '(height, width) or (height, width, channels)',
    received: formatShape(shape),
  })
}

const resized = (image: HostArray, data: TypedArray, height: number, width: number): HostArray =>
  new HostArray(data, [height, width, ...image.shape.slice(2)], image.dtype)

/** One transform after the other. */
export const Compose = maker((transforms: readonly Transform[]) => (image, random) => {
  const context = { random }
  return transforms.reduce((changed, transform) => transform(changed, context), image)
})

/** uint8 0 to 255 as float32 0 to 1; the axes stay (height, width, channels). Floats are only cast. */
export const ToTensor = maker(() => (image) => {
  if (image.dtype !== 'uint8') return image.cast('float32')
  const { data } = image
  const scaled = new Float32Array(data.length)
  for (let i = 0; i < data.length; i++) scaled[i] = (data[i] as number) / 255
  return new HostArray(scaled, image.shape, 'float32')
})

/** (x - mean) / std, each one number or one for each channel. Floats only. */
export const Normalize = maker((mean: number | readonly number[], std: number | readonly number[]) => {
  const at = (values: number | readonly number[], channel: number): number =>
    typeof values === 'number' ? values : (values[channel] as number)
  return (image) => {
    if (image.dtype !== 'float32')
      throw new DTypeError({
        where: 'Normalize',
        problem: 'only floats can be normalised',
        expected: 'float32',
        received: image.dtype,
        hint: 'put ToTensor before it',
      })
    const channels = image.shape.at(-1) ?? 1
    for (const values of [mean, std]) {
      if (typeof values !== 'number' && values.length !== channels)
        throw new ShapeError({
          where: 'Normalize',
          problem: 'not one value for each channel',
          expected: `${channels}`,
          received: `${values.length}`,
        })
    }
    const { data } = image
    const normal = new Float32Array(data.length)
    for (let channel = 0; channel < channels; channel++) {
      const [shift, scale] = [at(mean, channel), 1 / at(std, channel)]
      for (let i = channel; i < data.length; i += channels) normal[i] = ((data[i] as number) - shift) * scale
    }
    return new HostArray(normal, image.shape, 'float32')
  }
})

/** The part of `image` (as if `fill` went on around it for ever) that begins at (top, left). */
function cut(image: HostArray, top: number, left: number, height: number, width: number, fill: number, where: string): HostArray {
  const from = measure(image, where)
  const { channels } = from
  const data = allocate(image.dtype, height * width * channels)
  const [firstColumn, endColumn] = [Math.max(0, left), Math.min(from.width, left + width)]
  const isInside = top >= 0 && left >= 0 && top + height <= from.height && left + width <= from.width
  if (fill !== 0 && !isInside) data.fill(fill)
  const count = (endColumn - firstColumn) * channels
  if (count > 0) {
    for (let row = Math.max(0, top); row < Math.min(from.height, top + height); row++) {
      image.copyTo(data, ((row - top) * width + firstColumn - left) * channels, (row * from.width + firstColumn) * channels, count)
    }
  }
  return resized(image, data, height, width)
}

export interface PadOptions {
  /** Value of added pixels. Default 0. */
  readonly fill?: number
}

/** `padding` pixels more on each side (or above and below, left and right). */
export const Pad = maker((padding: Size, { fill = 0 }: PadOptions = {}) => {
  const [rows, columns] = pair(padding, 'Pad')
  return (image) => {
    const { height, width } = measure(image, 'Pad')
    return cut(image, -rows, -columns, height + 2 * rows, width + 2 * columns, fill, 'Pad')
  }
})

/** The middle of the image; where it is smaller, with zeros around it. */
export const CenterCrop = maker((size: Size) => {
  const [rows, columns] = pair(size, 'CenterCrop')
  return (image) => {
    const { height, width } = measure(image, 'CenterCrop')
    return cut(image, Math.round((height - rows) / 2), Math.round((width - columns) / 2), rows, columns, 0, 'CenterCrop')
  }
})

/** Any part of that size, after `padding` on each side. */
export const RandomCrop = maker((size: Size, { padding = 0, fill = 0 }: PadOptions & { readonly padding?: Size } = {}) => {
  const [rows, columns] = pair(size, 'RandomCrop')
  const [above, beside] = pair(padding, 'RandomCrop padding')
  return (image, random) => {
    const { height, width } = measure(image, 'RandomCrop')
    const [freeRows, freeColumns] = [height + 2 * above - rows, width + 2 * beside - columns]
    if (freeRows < 0 || freeColumns < 0) {
      throw new ShapeError({
        where: 'RandomCrop',
        problem: 'the image is too small',
        expected: `at least ${rows} x ${columns} with its padding`,
        received: formatShape(image.shape),
      })
    }
    const top = randomBelow(freeRows + 1, random) - above
    const left = randomBelow(freeColumns + 1, random) - beside
    return cut(image, top, left, rows, columns, fill, 'RandomCrop')
  }
})

/** Left and right changed with probability `p`. */
export const RandomHorizontalFlip = maker((p: number | undefined = 0.5) => {
  requireProbability(p, 'RandomHorizontalFlip')
  return (image, random) => {
    if (random() >= p) return image
    const { height, width, channels } = measure(image, 'RandomHorizontalFlip')
    const { data } = image
    const flipped = allocate(image.dtype, data.length)
    // Long inner loops: there are few channels, and many lines.
    const line = width * channels
    for (let start = 0; start < flipped.length; start += line) {
      for (let channel = 0; channel < channels; channel++) {
        for (let at = start + channel, from = start + line - channels + channel; from >= start; at += channels, from -= channels)
          flipped[at] = data[from] as number
      }
    }
    return resized(image, flipped, height, width)
  }
})

/** Top and bottom changed with probability `p`. */
export const RandomVerticalFlip = maker((p: number | undefined = 0.5) => {
  requireProbability(p, 'RandomVerticalFlip')
  return (image, random) => {
    if (random() >= p) return image
    const { height, width, channels } = measure(image, 'RandomVerticalFlip')
    const flipped = allocate(image.dtype, image.size)
    const line = width * channels
    for (let row = 0; row < height; row++) image.copyTo(flipped, (height - 1 - row) * line, row * line, line)
    return resized(image, flipped, height, width)
  }
})

function requireProbability(p: number, where: string): void {
  if (!(p >= 0 && p <= 1))
    throw new ValueError({ where, problem: 'not a probability', expected: 'a number from 0 to 1', received: String(p) })
}

/** Bilinear, between centres of pixels, as `ops.image.resize` does; integers are rounded. */
export const Resize = maker((size: Size) => {
  const [rows, columns] = pair(size, 'Resize')
  return (image) => {
    const { height, width, channels } = measure(image, 'Resize')
    if (height === rows && width === columns) return image
    if (image.dtype !== 'uint8' && image.dtype !== 'float32')
      throw new DTypeError({
        where: 'Resize',
        problem: 'this dtype cannot be resized',
        expected: 'uint8 or float32',
        received: image.dtype,
      })
    const made = allocate(image.dtype, rows * columns * channels)
    const region = { stride: width * channels, top: 0, left: 0, height, width, channels }
    scaleBilinear(image.data, region, made, rows, columns, isFloat(image.dtype) ? 0 : 0.5)
    return resized(image, made, rows, columns)
  }
})

export {
  CenterCrop as centerCrop,
  Compose as compose,
  Normalize as normalize,
  Pad as pad,
  RandomCrop as randomCrop,
  RandomHorizontalFlip as randomHorizontalFlip,
  RandomVerticalFlip as randomVerticalFlip,
  Resize as resize,
  ToTensor as toTensor,
}
