/** Images as networks were trained on them, and classes by name. Follows `keras/src/applications/imagenet_utils.py`. */
import { platform } from '#platform'
import { type DType, isFloat } from '../core/dtype.js'
import { DataError, ShapeError, ValueError } from '../core/errors.js'
import { byName } from '../core/positional.js'
import { formatShape } from '../core/shape.js'
import { type Tensor, tensor } from '../engine/index.js'
import { type DataFormat, floatx, requireDataFormat } from '../ops/config.js'
import { type AnyTensor, asTensor, type Result, type TensorLike } from '../ops/define.js'
import * as ops from '../ops/index.js'
import { isSymbolic, type KerasTensor } from '../ops/operation.js'
import { getFile } from '../utils/get-file.js'

/** `caffe`: BGR, centred. `tf`: -1 … 1. `torch`: 0 … 1, each channel with mean 0 and deviation 1 on ImageNet. */
export type PreprocessingMode = 'caffe' | 'tf' | 'torch'

export interface PreprocessOptions {
  /** Default `config.imageDataFormat()`. */
  readonly dataFormat?: DataFormat | null | undefined
}

/** Images (batch, rows, columns, 3), or one without the batch, with values from 0 to 255, RGB. */
export interface PreprocessInput<O = PreprocessOptions> {
  (images: KerasTensor, options?: DataFormat | null | O): KerasTensor
  (images: TensorLike, options?: DataFormat | null | O): Tensor
}

const COLOURS = {
  caffe: { mean: [103.939, 116.779, 123.68], deviation: undefined },
  torch: { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] },
} as const

/** Images on the scale of `mode`; whole numbers become `floatx()`. */
function preprocess(images: AnyTensor, mode: PreprocessingMode, format: DataFormat): AnyTensor {
  const x = isFloat(images.dtype) ? images : ops.cast(images, floatx())
  if (mode === 'tf') return ops.subtract(ops.divide(x, 127.5), 1)
  const axis = format === 'channels_first' ? -3 : -1
  const { mean, deviation } = COLOURS[mode]
  // A number for each channel, along the channels' axis.
  const numbers = (values: readonly number[]): Tensor => tensor(values, axis === -3 ? [3, 1, 1] : [3], x.dtype as DType)
  const scaled = mode === 'torch' ? ops.divide(x, 255) : ops.flip(x, axis)
  const centred = ops.subtract(scaled, numbers(mean))
  return deviation === undefined ? centred : ops.divide(centred, numbers(deviation))
}

function requireImages({ shape }: AnyTensor, format: DataFormat, where: string): void {
  const channels = shape.at(format === 'channels_first' ? -3 : -1)
  if ((shape.length === 3 || shape.length === 4) && channels === 3) return
  throw new ShapeError({
    where,
    problem: 'these are no images of three channels',
    expected: `(batch, ${format === 'channels_first' ? '3, rows, columns' : 'rows, columns, 3'}), or one image without the batch`,
    received: formatShape(shape),
  })
}

function preprocessImages(images: AnyTensor | TensorLike, mode: PreprocessingMode, dataFormat: string | null | undefined): AnyTensor {
  const where = 'preprocessInput'
  const format = requireDataFormat(dataFormat, where)
  const x = isSymbolic(images) ? images : asTensor(images as TensorLike)
  if (mode !== 'tf') requireImages(x, format, where)
  return preprocess(x, mode, format)
}

/** `preprocessInput` for a family of networks; null gives images back, for those that scale them themselves. */
export const preprocessAs = (mode: PreprocessingMode | null): PreprocessInput =>
  ((images: AnyTensor | TensorLike, options?: DataFormat | null | PreprocessOptions) => {
    const { dataFormat } = typeof options === 'object' && options !== null ? options : { dataFormat: options }
    if (mode !== null) return preprocessImages(images, mode, dataFormat)
    requireDataFormat(dataFormat, 'preprocessInput')
    return isSymbolic(images) ? images : asTensor(images as TensorLike)
  }) as PreprocessInput

/**
 * Images as some networks were trained on them: `mode` says which. Each family has a `preprocessInput` of its own.
 *
 * @throws ValueError for an unknown mode or data format; ShapeError when there are not three channels.
 * @example
 * const x = applications.imagenetUtils.preprocessInput(images, { mode: 'torch' })
 */
export const preprocessInput = ((images: AnyTensor | TensorLike, ...args: readonly unknown[]) => {
  const given = args.map((arg) => arg ?? undefined)
  const { dataFormat, mode = 'caffe' } = byName<PreprocessOptions & { mode?: PreprocessingMode }>(['dataFormat', 'mode'], given)
  if (mode !== 'caffe' && mode !== 'tf' && mode !== 'torch')
    throw new ValueError({
      where: 'preprocessInput',
      problem: 'unknown mode',
      expected: "'caffe', 'tf' or 'torch'",
      received: String(mode),
    })
  return preprocessImages(images, mode, dataFormat)
}) as <X extends AnyTensor | TensorLike>(
  images: X,
  ...options: readonly (DataFormat | PreprocessingMode | null | (PreprocessOptions & { readonly mode?: PreprocessingMode }))[]
) => Result<X>

/** A class of ImageNet, its name, and how probable the network takes it to be. */
export type Prediction = readonly [className: string, description: string, score: number]

export interface DecodeOptions {
  /** How many of the best are given. Default 5. */
  readonly top?: number | undefined
  /** Keras's file of the names, `imagenet_class_index.json`. Default: from the cache, or the network. */
  readonly path?: string | undefined
}

type ClassIndex = Readonly<Record<string, readonly [string, string]>>

const CLASSES = 1000
const CLASS_INDEX = {
  name: 'imagenet_class_index.json',
  url: 'https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json',
  hash: 'c2c37ea517e94d9795004a39431a14cb',
} as const

const indices = new Map<string, Promise<ClassIndex>>()

/**
 * The best classes of each image: predictions (batch, 1000) of a network trained on ImageNet, the best first. The names
 * (35 KB) are got from the network once, checked and kept in the cache.
 *
 * @throws ShapeError for other shapes; DataError when the names cannot be had.
 * @example
 * const [best] = await decodePredictions(await model.predict(images), { top: 3 })
 * // [['n02123045', 'tabby', 0.71], ['n02124075', 'Egyptian_cat', 0.16], ['n02123159', 'tiger_cat', 0.09]]
 */
export async function decodePredictions(predictions: TensorLike, ...options: readonly (number | DecodeOptions)[]): Promise<Prediction[][]> {
  const where = 'decodePredictions'
  const { top = 5, path } = byName<DecodeOptions>(['top'], options)
  const scores = asTensor(predictions)
  if (scores.rank !== 2 || scores.shape[1] !== CLASSES)
    throw new ShapeError({
      where,
      problem: 'these are no predictions of a network that was trained on ImageNet',
      expected: `(samples, ${CLASSES})`,
      received: formatShape(scores.shape),
    })
  if (!Number.isInteger(top) || top < 1)
    throw new ValueError({ where, problem: 'top must be a whole number of at least 1', received: `top=${String(top)}` })
  const index = await classIndex(path)
  const values = await scores.data()
  return Array.from({ length: scores.shape[0] as number }, (_, row) => {
    const own = Array.from(values.subarray(row * CLASSES, (row + 1) * CLASSES), Number)
    return bestOf(own, top).map((i) => [...(index[i] as readonly [string, string]), own[i] as number] as const)
  })
}

/** Places of the largest, largest first; of equal ones the later first, and NaN before all, as NumPy sorts. */
function bestOf(values: readonly number[], count: number): number[] {
  const rank = (i: number): number => (Number.isNaN(values[i]) ? Number.POSITIVE_INFINITY : (values[i] as number))
  return values
    .map((_, i) => i)
    .sort((a, b) => (rank(a) === rank(b) ? b - a : rank(b) - rank(a)))
    .slice(0, count)
}

/** Read once for each place; what failed is tried again. */
function classIndex(path = ''): Promise<ClassIndex> {
  const known = indices.get(path)
  if (known !== undefined) return known
  const reading = readClassIndex(path)
  indices.set(path, reading)
  reading.catch(() => indices.delete(path))
  return reading
}

async function readClassIndex(path: string): Promise<ClassIndex> {
  const { name, url, hash } = CLASS_INDEX
  const isRemote = path === '' && platform.cacheFolder() === undefined
  const place = path !== '' ? path : isRemote ? url : await getFile(name, url, { cacheSubdir: 'models', fileHash: hash })
  const bytes = isRemote ? new Uint8Array(await (await fetch(url)).arrayBuffer()) : await platform.readFile(place)
  if (bytes === undefined) throw new DataError({ where: place, problem: 'there is no such file', hint: `it is at ${url}`, expected: name })
  const index = JSON.parse(new TextDecoder().decode(bytes)) as ClassIndex
  const isWhole = Array.from({ length: CLASSES }, (_, i) => index[i]).every((entry) => Array.isArray(entry) && entry.length === 2)
  if (isWhole) return index
  throw new DataError({
    where: place,
    problem: 'this file does not name the classes of ImageNet',
    expected: '{"0": [class, name], …, "999": …}',
  })
}
