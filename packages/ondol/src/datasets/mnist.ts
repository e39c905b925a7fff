/** MNIST: 70,000 grey pictures of digits, 28x28 (LeCun and Cortes, CC BY-SA 3.0). As `keras.datasets.mnist`. */
import { DataError } from '../core/errors.js'
import { byName } from '../core/positional.js'
import { formatShape } from '../core/shape.js'
import { IDX_NAMES, idxNames, loadIdxSet, type Part, pairOf, type Split } from './digits.js'
import { type Found, type PublishedFile, Search, type SourceOptions } from './files.js'
import { NpzFile } from './npz.js'

export type LoadDataOptions = SourceOptions

const FILE: PublishedFile = {
  name: 'mnist.npz',
  origins: ['https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz'],
  hash: '731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1',
  atMost: 12_000_000,
}

/** Of the same data as four files, where Keras's one cannot be had. */
const IDX_ORIGINS = ['https://ossci-datasets.s3.amazonaws.com/mnist', 'https://storage.googleapis.com/cvdf-datasets/mnist']
const IDX_HASHES = [
  'f68b3c2dcbeaaa9fbdd348bbdeb94873',
  'd53e105ee54ea40749a09fcbcd1e9432',
  '9fb629c4189551a2d022fa330f9573f3',
  'ec29112dd5afa0611ce80d1b7f02629c',
] as const

const IDX_FILES = IDX_NAMES.map(
  (name, i): PublishedFile => ({
    name: `${name}.gz`,
    origins: IDX_ORIGINS.map((origin) => `${origin}/${name}.gz`),
    hash: IDX_HASHES[i] as string,
    atMost: 12_000_000,
  }),
)

/**
 * Loads MNIST: `mnist.npz`, or the four IDX files, packed or not, from `path`, a folder in `ONDOL_DATASETS`, Keras's cache
 * or ours; else it is downloaded (11 MB), checked and kept.
 *
 * @returns `[[xTrain, yTrain], [xTest, yTest]]`, all uint8: images (60000, 28, 28) and (10000, 28, 28) with
 * values from 0 to 255, labels (60000) and (10000).
 * @throws DataError naming every place that was tried.
 * @example
 * const [[xTrain, yTrain], [xTest, yTest]] = await datasets.mnist.loadData()
 */
export function loadData(options?: LoadDataOptions): Promise<Split>
export function loadData(path: LoadDataOptions['path'], options?: LoadDataOptions): Promise<Split>
export async function loadData(...args: readonly unknown[]): Promise<Split> {
  const options = byName<LoadDataOptions>(['path'], args)
  const set = { name: 'mnist', where: 'datasets.mnist.loadData()', isOneFile: true }
  const search = new Search(set, options)
  const local = (await search.given()) ?? (await search.local([FILE.name]))
  if (local !== undefined) return fromArchive(local)
  const first = await search.local(idxNames(IDX_NAMES[0]))
  if (first !== undefined) return loadIdxSet(search, (name) => search.local(idxNames(name)), [FILE])
  const archive = await search.published(FILE)
  if (archive !== undefined) return fromArchive(archive)
  if (options.path !== undefined) throw search.failure(`neither mnist.npz nor ${IDX_NAMES[0]}.gz was found`, [FILE])
  const parts = new Search({ ...set, isOneFile: false, cacheSubdir: 'datasets/mnist' }, options)
  const start = await parts.published(IDX_FILES[0] as PublishedFile)
  if (start === undefined) throw search.failure('mnist.npz was not found', [FILE])
  return loadIdxSet(parts, (name) => parts.published(IDX_FILES.find((file) => file.name === `${name}.gz`) as PublishedFile), IDX_FILES)
}

async function fromArchive(found: Found): Promise<Split> {
  const archive = await NpzFile.open(found)
  const part = async (name: string, rank: number): Promise<Part> => {
    const { data, shape } = await archive.numbers(name, rank)
    const place = `${found.place} → ${name}`
    if (data instanceof Uint8Array) return { data, shape, place }
    throw new DataError({
      where: place,
      problem: 'these are no pixels or labels of MNIST',
      expected: 'uint8',
      received: `${data.constructor.name} ${formatShape(shape)}`,
    })
  }
  return [pairOf(await part('x_train', 3), await part('y_train', 1)), pairOf(await part('x_test', 3), await part('y_test', 1))]
}
