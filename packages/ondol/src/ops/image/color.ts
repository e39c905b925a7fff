/** Colour spaces: `keras.ops.image` rgbToGrayscale, rgbToHsv, hsvToRgb. */
import { lax, type Tensor } from '../../engine/index.js'
import type { DataFormat } from '../config.js'
import { asTensor, defineOp } from '../define.js'
import { part } from '../kinds.js'
import { resultType } from '../promotion.js'
import { imageAxes, requireChannels, requireFloatImages } from './layout.js'

const { add, sub, mul, div, select, withNumber } = lax

export interface ImageOptions {
  /** Default `config.imageDataFormat()`. */
  dataFormat?: DataFormat | null
}

/** Weights of red, green and blue in a grey, after ITU-R BT.601. */
const LUMA = [0.2989, 0.587, 0.114] as const

const planes = (x: Tensor, axis: number): [Tensor, Tensor, Tensor] => [part(x, axis, 0, 1), part(x, axis, 1, 2), part(x, axis, 2, 3)]

/** Grey images, with one channel: (…, height, width, 3) → (…, height, width, 1), dtype as it was. One channel stays as it is. */
export const rgbToGrayscale = defineOp<[Tensor], ImageOptions, Tensor>({
  name: 'RGBToGrayscale',
  module: 'image',
  tensors: 1,
  parameters: ['dataFormat'],
  call: ([input], { dataFormat }) => {
    const images = asTensor(input)
    const { channel } = imageAxes(images, dataFormat, 'rgbToGrayscale')
    if (requireChannels(images, channel, [1, 3], 'rgbToGrayscale') === 1) return images
    const wide = lax.cast(images, resultType([images], 'float'))
    const grey = planes(wide, channel)
      .map((plane, i) => withNumber(plane, mul, LUMA[i] as number))
      .reduce(add)
    return lax.cast(grey, images.dtype)
  },
})

/** Machine epsilon: what is smaller counts as black. */
const EPSILON: Readonly<Record<string, number>> = { float16: 2 ** -10, bfloat16: 2 ** -7, float32: 2 ** -23, float64: 2 ** -52 }

const positive = (x: Tensor): Tensor => withNumber(x, lax.gt, 0)
const or = (condition: Tensor, x: Tensor, otherwise: number): Tensor => select(condition, x, lax.fullLike(x, otherwise))

/** Hue, saturation and value, each in [0, 1], of red, green and blue in [0, 1]: (…, height, width, 3) → the same shape. */
export const rgbToHsv = defineOp<[Tensor], ImageOptions, Tensor>({
  name: 'RGBToHSV',
  module: 'image',
  tensors: 1,
  parameters: ['dataFormat'],
  call: ([input], { dataFormat }) => {
    const given = asTensor(input)
    const { channel } = imageAxes(given, dataFormat, 'rgbToHsv')
    requireFloatImages(given, 'rgbToHsv')
    requireChannels(given, channel, [3], 'rgbToHsv')
    const isBlack = withNumber(lax.abs(given), lax.lt, EPSILON[given.dtype] as number)
    const [r, g, b] = planes(select(isBlack, lax.zerosLike(given), given), channel)
    const value = lax.max(lax.max(r, g), b)
    const range = sub(value, lax.min(lax.min(r, g), b))
    const hasValue = positive(value)
    const hasRange = positive(range)
    const saturation = or(hasValue, div(range, or(hasValue, value, 1)), 0)
    const sixth = div(lax.fullLike(range, 1), withNumber(or(hasRange, range, 1), mul, 6))
    const from = (x: Tensor, y: Tensor, sector: number): Tensor => withNumber(mul(sixth, sub(x, y)), add, sector / 6)
    const greenOrBlue = select(lax.eq(value, g), from(b, r, 2), from(r, g, 4))
    const hue = select(lax.eq(value, r), mul(sixth, sub(g, b)), greenOrBlue)
    const turn = lax.cast(withNumber(hue, lax.lt, 0), hue.dtype)
    return lax.concat([add(or(hasRange, hue, 0), turn), saturation, value], channel)
  },
})

const between0And1 = (x: Tensor): Tensor => lax.min(lax.max(x, lax.zerosLike(x)), lax.fullLike(x, 1))
const from2 = (x: Tensor): Tensor => sub(lax.fullLike(x, 2), x)

/** What `rgbToHsv` came from. */
export const hsvToRgb = defineOp<[Tensor], ImageOptions, Tensor>({
  name: 'HSVToRGB',
  module: 'image',
  tensors: 1,
  parameters: ['dataFormat'],
  call: ([input], { dataFormat }) => {
    const images = asTensor(input)
    const { channel } = imageAxes(images, dataFormat, 'hsvToRgb')
    requireFloatImages(images, 'hsvToRgb')
    requireChannels(images, channel, [3], 'hsvToRgb')
    const [hue, saturation, value] = planes(images, channel)
    const sector = withNumber(withNumber(hue, lax.mod, 1), mul, 6)
    const distance = (x: Tensor, to: number): Tensor => lax.abs(withNumber(x, sub, to))
    const shares = [withNumber(distance(sector, 3), sub, 1), from2(distance(sector, 2)), from2(distance(sector, 4))]
    const white = sub(lax.fullLike(saturation, 1), saturation)
    return lax.concat(
      shares.map((share) => mul(value, add(white, mul(saturation, between0And1(share))))),
      channel,
    )
  },
})
