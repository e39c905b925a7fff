/** Pictures between files, `Img`s and tensors. Follows `keras/src/utils/image_utils.py`. */
import { platform } from '#platform'
import type { DType } from '../../core/dtype.js'
import { DataError, ShapeError, ValueError } from '../../core/errors.js'
import { formatShape } from '../../core/shape.js'
import { lax, type Tensor, tensor } from '../../engine/index.js'
import { floatx, requireDataFormat } from '../../ops/config.js'
import { asTensor, type TensorLike } from '../../ops/define.js'
import { resize } from '../../ops/image/index.js'
import * as ops from '../../ops/index.js'
import { decodeBmp, isBmp } from './bmp.js'
import { decodeGif, isGif } from './gif.js'
import { type ImageMode, Img } from './image.js'
import { decodeJpeg, isJpeg } from './jpeg/index.js'
import { decodePng, encodePng, isPng } from './png.js'
import { type Box, resampled } from './resample.js'

export { type ImageMode, Img } from './image.js'

export interface LoadImgOptions {
  /** `'rgb'` (default), `'rgba'` or `'grayscale'`. */
  readonly colorMode?: string
  /** Height and width; default: as the file has it. */
  readonly targetSize?: readonly [height: number, width: number] | null
  /** `'nearest'` (default), `'bilinear'`, `'bicubic'`, `'hamming'`, `'box'` or `'lanczos'`. */
  readonly interpolation?: string
  /** Cut to the shape of `targetSize` instead of distorting. Default false. */
  readonly keepAspectRatio?: boolean
}

const MODES: Readonly<Record<string, ImageMode>> = { grayscale: 'L', rgb: 'RGB', rgba: 'RGBA' }

/** The mode by its name in options. @throws ValueError when there is none. */
export function modeOf(colorMode: string, where: string): ImageMode {
  const mode = MODES[colorMode]
  if (mode !== undefined) return mode
  throw new ValueError({ where, problem: 'unknown colour mode', expected: "'grayscale', 'rgb' or 'rgba'", received: `'${colorMode}'` })
}

/** A picture from the bytes of a JPEG, PNG, BMP or GIF file (its first picture). @throws DataError for other formats, and damaged files. */
export async function decodeImage(bytes: Uint8Array, where = 'decodeImage'): Promise<Img> {
  if (isPng(bytes)) return decodePng(bytes, where)
  if (isJpeg(bytes)) return decodeJpeg(bytes, where)
  if (isGif(bytes)) return decodeGif(bytes, where)
  if (isBmp(bytes)) return decodeBmp(bytes, where)
  const format = FORMATS.find(({ start }) => start.every((byte, i) => bytes[i] === byte))?.name ?? 'no known'
  throw new DataError({
    where,
    problem: `a picture of ${format} format cannot be read`,
    expected: 'JPEG, PNG, BMP or GIF',
    hint: 'convert it to PNG first, or decode it with a library of your choice and pass the pixels as an array',
  })
}

/** Formats that are known by their first bytes, to be named in errors. */
const FORMATS = [
  { name: 'WebP', start: [0x52, 0x49, 0x46, 0x46] },
  { name: 'TIFF', start: [0x49, 0x49, 0x2a] },
  { name: 'TIFF', start: [0x4d, 0x4d, 0, 0x2a] },
]

/**
 * A picture from a file (or its bytes).
 *
 * @example
 * const picture = await utils.loadImg('cat.png', { targetSize: [224, 224] })
 * const x = utils.imgToArray(picture)      // (224, 224, 3), 0 … 255
 */
export async function loadImg(path: string | Uint8Array, options: LoadImgOptions = {}): Promise<Img> {
  const { colorMode = 'rgb', targetSize = null, interpolation = 'nearest', keepAspectRatio = false } = options
  const mode = modeOf(colorMode, 'loadImg')
  const bytes = typeof path === 'string' ? await platform.readFile(path) : path
  if (bytes === undefined) throw new DataError({ where: 'loadImg', problem: 'there is no such file', received: String(path) })
  const image = (await decodeImage(bytes, typeof path === 'string' ? path : 'loadImg')).convert(mode)
  if (targetSize === null || (targetSize[0] === image.height && targetSize[1] === image.width)) return image
  const [height, width] = targetSize
  return resampled(image, width, height, interpolation, keepAspectRatio ? middleOf(image, width, height) : undefined)
}

/** The largest part in the middle that has the shape of the target. */
function middleOf(image: Img, width: number, height: number): Box {
  const cropHeight = Math.min(image.height, Math.floor((image.width * height) / width))
  const cropWidth = Math.min(image.width, Math.floor((image.height * width) / height))
  const [left, top] = [Math.floor((image.width - cropWidth) / 2), Math.floor((image.height - cropHeight) / 2)]
  return [left, top, left + cropWidth, top + cropHeight]
}

export interface ImgArrayOptions {
  readonly dataFormat?: string | null
  /** Default `floatx()`. */
  readonly dtype?: DType | null
}

/** The pixels as a tensor: (height, width, channels), or channels first. */
export function imgToArray(img: Img, { dataFormat, dtype }: ImgArrayOptions = {}): Tensor {
  const x = lax.cast(tensor(img.data, [img.height, img.width, img.channels]), dtype ?? floatx())
  return requireDataFormat(dataFormat, 'imgToArray') === 'channels_first' ? ops.transpose(x, [2, 0, 1]) : x
}

export interface ArrayImgOptions extends ImgArrayOptions {
  /** Stretch what is in `x` to 0 … 255. Default true. */
  readonly scale?: boolean
}

/** A picture from (height, width, channels), or channels first. */
export function arrayToImg(x: TensorLike, { dataFormat, scale = true, dtype }: ArrayImgOptions = {}): Img {
  const given = lax.cast(asTensor(x), dtype ?? floatx())
  if (given.rank !== 3)
    throw new ShapeError({
      where: 'arrayToImg',
      problem: 'a picture has three axes',
      expected: '(height, width, channels)',
      received: formatShape(given.shape),
    })
  const last = requireDataFormat(dataFormat, 'arrayToImg') === 'channels_first' ? ops.transpose(given, [1, 2, 0]) : given
  const [height, width, channels] = last.shape as [number, number, number]
  const mode = ({ 1: 'L', 3: 'RGB', 4: 'RGBA' } as const)[channels as 1 | 3 | 4]
  if (mode === undefined)
    throw new ShapeError({ where: 'arrayToImg', problem: 'a picture has 1, 3 or 4 channels', received: formatShape(given.shape) })
  const values = Float32Array.from(last.dataSync())
  if (scale) {
    const low = values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY)
    const high = Math.fround(values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY) - low)
    for (let i = 0; i < values.length; i++) {
      const value = Math.fround((values[i] as number) - low)
      values[i] = (high === 0 ? value : Math.fround(value / high)) * 255
    }
  }
  return new Img(width, height, mode, Uint8Array.from(values))
}

export interface SaveImgOptions extends ArrayImgOptions {
  /** Only `'png'`. Default: what the path ends in. */
  readonly fileFormat?: string | null
}

/** Writes (height, width, channels) to a PNG file. */
export async function saveImg(path: string, x: TensorLike | Img, { fileFormat, ...options }: SaveImgOptions = {}): Promise<void> {
  const format = fileFormat ?? /\.([^./\\]+)$/.exec(path)?.[1] ?? ''
  if (format.toLowerCase() !== 'png')
    throw new ValueError({ where: 'saveImg', problem: 'pictures are written as PNG', expected: 'a path that ends in .png', received: path })
  await platform.writeFile(path, await encodePng(x instanceof Img ? x : arrayToImg(x, options)))
}

/** The largest part in the middle that has the shape of `size`. */
export function middlePart(
  height: number,
  width: number,
  [targetHeight, targetWidth]: readonly [height: number, width: number],
): { readonly top: number; readonly left: number; readonly height: number; readonly width: number } {
  const partHeight = Math.max(1, Math.min(height, Math.trunc((width * targetHeight) / targetWidth)))
  const partWidth = Math.max(1, Math.min(width, Math.trunc((height * targetWidth) / targetHeight)))
  return { top: Math.trunc((height - partHeight) / 2), left: Math.trunc((width - partWidth) / 2), height: partHeight, width: partWidth }
}

export interface SmartResizeOptions {
  readonly interpolation?: string
  readonly dataFormat?: string | null
}

/** Cuts the largest part in the middle that has the shape of `size`, and resizes it: no distortion. */
export function smartResize(
  x: TensorLike,
  size: readonly [height: number, width: number],
  { interpolation = 'bilinear', dataFormat = 'channels_last' }: SmartResizeOptions = {},
): Tensor {
  const images = asTensor(x)
  if (images.rank !== 3 && images.rank !== 4)
    throw new ShapeError({
      where: 'smartResize',
      problem: 'images have three axes, batches of them four',
      received: formatShape(images.shape),
    })
  const format = requireDataFormat(dataFormat, 'smartResize')
  const rows = images.rank - (format === 'channels_last' ? 3 : 2)
  const [height, width] = [images.shape[rows] as number, images.shape[rows + 1] as number]
  const part = middlePart(height, width, size)
  const start = images.shape.map(() => 0)
  start[rows] = part.top
  start[rows + 1] = part.left
  const extent = images.shape.map((length, axis) => (axis === rows ? part.height : axis === rows + 1 ? part.width : length))
  return resize(lax.slice(images, start, extent), size, { interpolation: interpolation as 'bilinear', dataFormat: format })
}
