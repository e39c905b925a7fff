/**
 * SVHN: 99,289 colour pictures of house numbers, 32x32, a digit in the middle of each, and 531,131 easier ones (Netzer and others
 * 2011, http://ufldl.stanford.edu/housenumbers, for non-commercial use). Keras has no such module; its shape is the same.
 */
import { DataError } from '../core/errors.js'
import { formatShape } from '../core/shape.js'
import { type Tensor, tensor } from '../engine/index.js'
import { requireDataFormat } from '../ops/config.js'
import type { Split } from './digits.js'
import { type Found, type PublishedFile, Search, type SourceOptions } from './files.js'
import { readMat } from './mat5.js'

/** `path`: a folder with the `.mat` files, or addresses of folders that have them. */
export interface LoadDataOptions extends SourceOptions {
  /** Add the easier pictures to those to train on. Default false. */
  readonly extra?: boolean
}

const ORIGIN = 'http://ufldl.stanford.edu/housenumbers'
const file = (part: string, hash: string, atMost: number): PublishedFile => ({
  name: `${part}_32x32.mat`,
  origins: [`${ORIGIN}/${part}_32x32.mat`],
  hash,
  atMost,
})

const TRAIN = file('train', 'e26dedcc434d2e4c54c9b2d4a06d8373', 200_000_000)
const TEST = file('test', 'eb5a983be6a315427106f1b164d9cef3', 80_000_000)
const EXTRA = file('extra', 'a93ce644f1a588dc4d68dda5feec44a7', 1_400_000_000)

const SIDE = 32
const PIXELS = SIDE * SIDE * 3

/**
 * Loads SVHN's cropped digits: from `path`, a folder in `ONDOL_DATASETS`, or the cache; else they are downloaded (246 MB, and 1.3 GB
 * with `extra`), checked and kept.
 *
 * @returns `[[xTrain, yTrain], [xTest, yTest]]`, all uint8: images (73257, 32, 32, 3) and (26032, 32, 32, 3), or channels first where
 * that is `config.imageDataFormat()`; labels (73257) and (26032), the digits 0 to 9.
 * @throws DataError naming every place that was tried.
 * @example
 * const [[xTrain, yTrain], [xTest, yTest]] = await datasets.svhn.loadData({ path: 'data/svhn' })
 */
export async function loadData(options: LoadDataOptions = {}): Promise<Split> {
  const search = new Search({ name: 'svhn', where: 'datasets.svhn.loadData()', cacheSubdir: 'datasets/svhn' }, options)
  const load = async (published: PublishedFile): Promise<Pictures> => {
    const found = (await search.local([published.name])) ?? (await search.published(published))
    if (found === undefined) throw search.failure(`${published.name} was not found`, [published])
    return picturesIn(found)
  }
  const train = [await load(TRAIN)]
  if (options.extra === true) train.push(await load(EXTRA))
  return [tensorsOf(train), tensorsOf([await load(TEST)])]
}

interface Pictures {
  readonly images: Uint8Array
  readonly labels: Uint8Array
}

async function picturesIn({ bytes, place }: Found): Promise<Pictures> {
  const arrays = await readMat(bytes, place)
  const [x, y] = [arrays.get('X'), arrays.get('y')]
  const fail = (problem: string): DataError =>
    new DataError({
      where: place,
      problem,
      expected: 'X, uint8 (32, 32, 3, n), and y with n labels from 1 to 10',
      received:
        [...arrays].map(([name, { data, shape }]) => `${name}: ${data.constructor.name} ${formatShape(shape)}`).join('; ') || 'no arrays',
    })
  if (x === undefined || y === undefined) throw fail('the file has no pictures of SVHN')
  const count = x.shape[3] ?? 1
  if (!(x.data instanceof Uint8Array) || x.data.length !== count * PIXELS || x.shape.slice(0, 3).join() !== '32,32,3')
    throw fail('the pictures have another shape')
  if (y.data.length !== count) throw fail('there are not as many labels as pictures')
  // The digit 0 has the label 10.
  const labels = Uint8Array.from(y.data, (label) => (label === 10 ? 0 : label))
  if (labels.some((label) => label > 9)) throw fail('a label is no digit')
  byPixels(x.data, count)
  return { images: x.data, labels }
}

/** Columns of planes as rows of pixels, picture by picture, in place. */
function byPixels(images: Uint8Array, count: number): void {
  const columns = new Uint8Array(PIXELS)
  const isFirst = requireDataFormat(undefined, 'datasets') === 'channels_first'
  const [rowStep, columnStep, channelStep] = isFirst ? [SIDE, 1, SIDE * SIDE] : [SIDE * 3, 3, 1]
  for (let picture = 0; picture < count; picture++) {
    const start = picture * PIXELS
    columns.set(images.subarray(start, start + PIXELS))
    for (let channel = 0, from = 0; channel < 3; channel++)
      for (let column = 0; column < SIDE; column++)
        for (let row = 0; row < SIDE; row++)
          images[start + row * rowStep + column * columnStep + channel * channelStep] = columns[from++] as number
  }
}

function tensorsOf(parts: readonly Pictures[]): [Tensor, Tensor] {
  const count = parts.reduce((sum, { labels }) => sum + labels.length, 0)
  const [only] = parts
  const images = parts.length === 1 && only !== undefined ? only.images : new Uint8Array(count * PIXELS)
  const labels = new Uint8Array(count)
  let row = 0
  for (const part of parts) {
    if (parts.length > 1) images.set(part.images, row * PIXELS)
    labels.set(part.labels, row)
    row += part.labels.length
  }
  const isFirst = requireDataFormat(undefined, 'datasets') === 'channels_first'
  return [tensor(images, isFirst ? [count, 3, SIDE, SIDE] : [count, SIDE, SIDE, 3], 'uint8'), tensor(labels, [count], 'uint8')]
}
