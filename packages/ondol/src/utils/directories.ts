/**
 * Files in folders as labelled datasets: one folder a class. Follows `keras/src/utils/{dataset,image_dataset,text_dataset,
 * audio_dataset}_utils.py`.
 */
import { platform } from '#platform'
import { DataError, ValueError } from '../core/errors.js'
import { scaleBilinear } from '../data/bilinear.js'
import { array, Dataset, HostArray } from '../data/index.js'
import { makeRandom, shuffleInPlace } from '../data/random.js'
import { isInteractiveLoggingEnabled, requireDataFormat } from '../ops/config.js'
import { resize } from '../ops/image/index.js'
import * as ops from '../ops/index.js'
import { makeDefaultSeed } from '../ops/random.js'
import { adapted } from './audio.js'
import { decodeImage, type Img, imgToArray, middlePart, modeOf, smartResize } from './images/index.js'
import { decodeWav } from './wav.js'

export interface DirectoryOptions {
  /** `'inferred'` (default): folders are classes. A list: the label of each file, in alphabetical order. null: no labels. */
  readonly labels?: 'inferred' | readonly number[] | null
  /** `'int'` (default), `'categorical'`, `'binary'`, or null for no labels. */
  readonly labelMode?: 'int' | 'categorical' | 'binary' | null
  /** Which folders, in which order. Default: all, in alphabetical order. */
  readonly classNames?: readonly string[] | null
  /** Default 32; null for samples one by one. */
  readonly batchSize?: number | null
  /** Default true. */
  readonly shuffle?: boolean
  readonly seed?: number | null
  /** Share that is kept for validation. */
  readonly validationSplit?: number | null
  /** Which part: `'training'`, `'validation'`, or `'both'` for both datasets. */
  readonly subset?: 'training' | 'validation' | 'both' | null
  readonly followLinks?: boolean
  readonly format?: string
  /** Say how many files there are. Default true. */
  readonly verbose?: boolean
}

/** A dataset that knows its classes. */
export type LabelledDataset = Dataset<unknown> & { readonly classNames: readonly string[] | null }
type One = LabelledDataset
type Both = [training: LabelledDataset, validation: LabelledDataset]

interface Sample {
  readonly path: string
  readonly label: number
}

async function fromDirectory(
  where: string,
  directory: string,
  endings: readonly string[],
  options: DirectoryOptions,
  load: (path: string) => Promise<unknown>,
): Promise<One | Both> {
  const { labels = 'inferred', batchSize = 32, shuffle = true, seed, validationSplit = null, subset = null, verbose = true } = options
  const labelMode = labels === null ? null : options.labelMode === undefined ? 'int' : options.labelMode
  const refuse = (problem: string, received: unknown): never => {
    throw new ValueError({ where, problem, received: JSON.stringify(received) })
  }
  if (labelMode !== null && !['int', 'categorical', 'binary'].includes(labelMode))
    refuse("labelMode must be 'int', 'categorical', 'binary' or null", labelMode)
  if ((validationSplit === null) !== (subset === null)) refuse('validationSplit and subset belong together', { validationSplit, subset })
  if (validationSplit !== null && !(validationSplit > 0 && validationSplit < 1))
    refuse('validationSplit must be between 0 and 1', validationSplit)
  if (subset !== null && !['training', 'validation', 'both'].includes(subset))
    refuse("subset must be 'training', 'validation' or 'both'", subset)
  if (validationSplit !== null && shuffle && (seed === undefined || seed === null))
    refuse('a split of shuffled files needs a seed, or the parts would overlap', { shuffle, seed })
  const isInferred = labels === 'inferred' && labelMode !== null
  const { samples, classNames } = await indexFolder(where, directory, endings, options, labelMode === null ? null : labels)
  if (labelMode === 'binary' && classNames?.length !== 2) refuse("labelMode 'binary' needs two classes", classNames)
  if (verbose && isInteractiveLoggingEnabled())
    platform.print(`Found ${samples.length} files${labelMode === null ? '' : ` belonging to ${classNames?.length} classes`}.\n`)
  const base = seed ?? makeDefaultSeed()
  if (shuffle) shuffleInPlace(samples, makeRandom(base))
  const count = Math.floor(validationSplit === null ? 0 : validationSplit * samples.length)
  const [training, validation] = [samples.slice(0, samples.length - count), samples.slice(samples.length - count)]
  const labelOf = (label: number): HostArray | number => {
    if (labelMode === 'binary') return new HostArray(Float32Array.of(label), [1], 'float32')
    if (labelMode === 'int') return new HostArray(Int32Array.of(label), [], 'int32')
    const size = (classNames as readonly string[]).length
    return new HostArray(
      Float32Array.from({ length: size }, (_, i) => (i === label ? 1 : 0)),
      [size],
      'float32',
    )
  }
  const make = (part: readonly Sample[], what: string, mixes: boolean): LabelledDataset => {
    if (part.length === 0)
      throw new DataError({
        where,
        problem: `there are no ${what}files in ${directory}`,
        expected: `files that end in ${endings.join(', ')}`,
      })
    const ordered = Dataset.from(part)
    const mixed = mixes ? ordered.shuffle(batchSize === null ? 1024 : batchSize * 8, { seed: base }) : ordered
    const loaded = mixed.map(async ({ path, label }) => (labelMode === null ? await load(path) : [await load(path), labelOf(label)]), {
      parallel: 4,
    })
    const batched = batchSize === null ? loaded : loaded.batch(batchSize)
    return Object.assign(batched as Dataset<unknown>, { classNames: isInferred || Array.isArray(labels) ? classNames : null })
  }
  if (subset === 'both') return [make(training, 'training ', shuffle), make(validation, 'validation ', false)]
  return make(subset === 'validation' ? validation : subset === 'training' ? training : samples, '', shuffle)
}

async function indexFolder(
  where: string,
  directory: string,
  endings: readonly string[],
  { classNames = null }: DirectoryOptions,
  labels: DirectoryOptions['labels'],
): Promise<{ samples: Sample[]; classNames: readonly string[] | null }> {
  const isLoadable = (path: string): boolean => endings.some((ending) => path.toLowerCase().endsWith(ending))
  const filesIn = async (folder: string): Promise<string[]> => (await walk(folder)).filter(isLoadable)
  if (labels !== 'inferred') {
    if (classNames !== null)
      throw new ValueError({ where, problem: "classNames are for labels: 'inferred'", received: classNames.join(', ') })
    const files = await filesIn(directory)
    if (labels === null || labels === undefined) return { samples: files.map((path) => ({ path, label: 0 })), classNames: null }
    if (labels.length !== files.length)
      throw new ValueError({
        where,
        problem: 'there are not as many labels as files',
        expected: `${files.length}`,
        received: `${labels.length}`,
      })
    const names = [...new Set(labels)].sort((a, b) => a - b).map(String)
    return { samples: files.map((path, i) => ({ path, label: labels[i] as number })), classNames: names }
  }
  const entries = [...(await platform.listFolder(directory))].sort()
  const isFolder = await Promise.all(
    entries.map(async (name) => !name.startsWith('.') && (await platform.isFolder(`${directory}/${name}`))),
  )
  const folders = entries.filter((_, i) => isFolder[i])
  const unknown = classNames?.find((name) => !folders.includes(name))
  if (unknown !== undefined)
    throw new ValueError({
      where,
      problem: `there is no folder '${unknown}'`,
      expected: folders.join(', '),
      received: classNames?.join(', ') ?? '',
    })
  const chosen = classNames ?? folders
  const perClass = await Promise.all(chosen.map((name) => filesIn(`${directory}/${name}`)))
  return { samples: perClass.flatMap((files, label) => files.map((path) => ({ path, label }))), classNames: chosen }
}

/** All files in a folder and those below, in alphabetical order. */
async function walk(folder: string): Promise<string[]> {
  const names = [...(await platform.listFolder(folder))].sort()
  const found = await Promise.all(
    names.map(async (name) => ((await platform.isFolder(`${folder}/${name}`)) ? walk(`${folder}/${name}`) : [`${folder}/${name}`])),
  )
  return found.flat()
}

async function read(path: string): Promise<Uint8Array> {
  const bytes = await platform.readFile(path)
  if (bytes === undefined) throw new DataError({ where: path, problem: 'the file is gone' })
  return bytes
}

export interface ImageDirectoryOptions extends DirectoryOptions {
  /** `'rgb'` (default), `'rgba'` or `'grayscale'`. */
  readonly colorMode?: string
  /** Default 256 by 256. */
  readonly imageSize?: readonly [height: number, width: number]
  /** Default `'bilinear'`. */
  readonly interpolation?: string
  /** Cut instead of distorting. Default false. */
  readonly cropToAspectRatio?: boolean
  /** Pad instead of distorting. Default false. */
  readonly padToAspectRatio?: boolean
  readonly dataFormat?: string | null
}

/**
 * Pictures (JPEG, PNG, BMP, GIF) in folders: float32 (batch, height, width, channels), 0 … 255, and their labels.
 *
 * @example
 * const [train, test] = await utils.imageDatasetFromDirectory('flowers', { validationSplit: 0.2, subset: 'both', seed: 1 })
 */
export async function imageDatasetFromDirectory(
  directory: string,
  options: ImageDirectoryOptions & { readonly subset: 'both' },
): Promise<Both>
export async function imageDatasetFromDirectory(directory: string, options?: ImageDirectoryOptions): Promise<One>
export async function imageDatasetFromDirectory(directory: string, options: ImageDirectoryOptions = {}): Promise<One | Both> {
  const where = 'imageDatasetFromDirectory'
  const {
    colorMode = 'rgb',
    imageSize = [256, 256],
    interpolation = 'bilinear',
    cropToAspectRatio = false,
    padToAspectRatio = false,
  } = options
  if (cropToAspectRatio && padToAspectRatio)
    throw new ValueError({ where, problem: 'cropToAspectRatio and padToAspectRatio exclude each other', received: 'both true' })
  const mode = modeOf(colorMode, where)
  const dataFormat = requireDataFormat(options.dataFormat, where)
  const [rows, columns] = imageSize
  /** Nearly everybody's case, without the backend. */
  const scaled = ({ data, width, height, channels }: Img): HostArray => {
    const part = cropToAspectRatio ? middlePart(height, width, imageSize) : { top: 0, left: 0, height, width }
    const made = new Float32Array(rows * columns * channels)
    scaleBilinear(data, { stride: width * channels, channels, ...part }, made, rows, columns)
    return new HostArray(made, [rows, columns, channels], 'float32')
  }
  const sized = (picture: Img): HostArray => {
    if (interpolation === 'bilinear' && !padToAspectRatio) return scaled(picture)
    const x = imgToArray(picture, { dataFormat: 'channels_last', dtype: 'float32' })
    return array(
      cropToAspectRatio
        ? smartResize(x, imageSize, { interpolation })
        : resize(x, imageSize, { interpolation: interpolation as 'bilinear', padToAspectRatio, dataFormat: 'channels_last' }),
    )
  }
  return fromDirectory(where, directory, ['.bmp', '.gif', '.jpeg', '.jpg', '.png'], options, async (path) => {
    const picture = (await decodeImage(await read(path), path)).convert(mode)
    const x = sized(picture)
    return dataFormat === 'channels_first' ? array(ops.transpose(x.toTensor(), [2, 0, 1])) : x
  })
}

export interface TextDirectoryOptions extends DirectoryOptions {
  /** Longer texts are cut. Default: no limit. */
  readonly maxLength?: number | null
}

/** Text files in folders: strings, and their labels. */
export async function textDatasetFromDirectory(
  directory: string,
  options: TextDirectoryOptions & { readonly subset: 'both' },
): Promise<Both>
export async function textDatasetFromDirectory(directory: string, options?: TextDirectoryOptions): Promise<One>
export async function textDatasetFromDirectory(directory: string, options: TextDirectoryOptions = {}): Promise<One | Both> {
  const { maxLength = null } = options
  // Keras counts bytes.
  return fromDirectory('textDatasetFromDirectory', directory, ['.txt'], options, async (path) => {
    const bytes = await read(path)
    return new TextDecoder().decode(maxLength === null ? bytes : bytes.subarray(0, maxLength))
  })
}

export interface AudioDirectoryOptions extends DirectoryOptions {
  /** Samples in a second; files with another rate are resampled. Default: files keep their own rate. */
  readonly samplingRate?: number | null
  /** Samples: more are cut, fewer padded with zeros. Default: all files have the same. */
  readonly outputSequenceLength?: number | null
}

/** WAV files in folders: float32 (batch, samples, channels) between -1 and 1, and their labels. */
export async function audioDatasetFromDirectory(
  directory: string,
  options: AudioDirectoryOptions & { readonly subset: 'both' },
): Promise<Both>
export async function audioDatasetFromDirectory(directory: string, options?: AudioDirectoryOptions): Promise<One>
export async function audioDatasetFromDirectory(directory: string, options: AudioDirectoryOptions = {}): Promise<One | Both> {
  const { samplingRate = null, outputSequenceLength = null } = options
  const where = 'audioDatasetFromDirectory'
  return fromDirectory(where, directory, ['.wav'], options, async (path) => {
    const audio = adapted(decodeWav(await read(path), path), { samplingRate })
    const length = outputSequenceLength ?? audio.samples.length / audio.channels
    const samples = new Float32Array(length * audio.channels)
    samples.set(audio.samples.subarray(0, samples.length))
    return new HostArray(samples, [length, audio.channels], 'float32')
  })
}
