/**
 * Fashion-MNIST: 70,000 grey pictures of clothes, 28x28, in ten classes (Xiao, Rasul and Vollgraf 2017,
 * https://github.com/zalandoresearch/fashion-mnist, MIT licence). As `keras.datasets.fashion_mnist`.
 */
import { platform } from '#platform'
import { DataError } from '../core/errors.js'
import { formatShape } from '../core/shape.js'
import { type Tensor, tensor } from '../engine/tensor.js'
import { type Attempt, type FetchOptions, fetchCached, type RemoteFile } from './cache.js'
import { gunzip, isGzip } from './gzip.js'
import { parseIdx } from './idx.js'

/** What the labels 0 to 9 mean. */
export const classNames = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
] as const

export interface LoadDataOptions extends FetchOptions {
  /** A folder with the four IDX files, compressed or not; if given, no other place is tried. */
  readonly path?: string
}

/** Where Debian's package `dataset-fashion-mnist` puts the files. */
const DEBIAN_FOLDER = '/usr/share/datasets/fashion-mnist'
const MIRRORS = [
  'https://storage.googleapis.com/tensorflow/tf-keras-datasets',
  'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion',
  'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com',
]

const file = (name: string, bytes: number, sha256: string): RemoteFile => ({
  name: `fashion-mnist/${name}.gz`,
  urls: MIRRORS.map((mirror) => `${mirror}/${name}.gz`),
  bytes,
  sha256,
})

const FILES = {
  trainImages: file('train-images-idx3-ubyte', 47_040_016, 'c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888'),
  trainLabels: file('train-labels-idx1-ubyte', 60_008, 'bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9'),
  testImages: file('t10k-images-idx3-ubyte', 7_840_016, '5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b'),
  testLabels: file('t10k-labels-idx1-ubyte', 10_008, '0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34'),
}

/**
 * Loads Fashion-MNIST: from `options.path`; else from the folder in `ONDOL_DATASETS`, Debian's package,
 * the user's cache; else it is downloaded (30 MB), checked and kept in the cache.
 *
 * @returns `[[xTrain, yTrain], [xTest, yTest]]`, all uint8: images (60000, 28, 28) and (10000, 28, 28) with
 * values from 0 to 255, labels (60000) and (10000).
 * @throws DataError naming every place that was tried.
 * @example
 * const [[xTrain, yTrain], [xTest, yTest]] = await datasets.fashionMnist.loadData()
 */
export async function loadData(options: LoadDataOptions = {}): Promise<[[Tensor, Tensor], [Tensor, Tensor]]> {
  // One after the other: a missing network is told once, and progress lines do not mix.
  const train = await loadPair(FILES.trainImages, FILES.trainLabels, options)
  const test = await loadPair(FILES.testImages, FILES.testLabels, options)
  return [train, test]
}

async function loadPair(images: RemoteFile, labels: RemoteFile, options: LoadDataOptions): Promise<[Tensor, Tensor]> {
  const x = await load(images, 3, options)
  const y = await load(labels, 1, options)
  if (x.shape[0] !== y.shape[0]) {
    throw new DataError({
      where: images.name,
      problem: 'there are not as many labels as images',
      received: `images ${formatShape(x.shape)}, labels ${formatShape(y.shape)}`,
    })
  }
  return [tensor(x.data, x.shape, 'uint8'), tensor(y.data, y.shape, 'uint8')]
}

async function load(source: RemoteFile, rank: number, options: LoadDataOptions): Promise<{ data: Uint8Array; shape: readonly number[] }> {
  const { content, place } = await find(source, options)
  const { data, shape } = parseIdx(content, place)
  if (!(data instanceof Uint8Array) || shape.length !== rank) {
    throw new DataError({
      where: place,
      problem: 'this IDX file is not of the MNIST kind',
      expected: `uint8 of rank ${rank}`,
      received: `${data.constructor.name} ${formatShape(shape)}`,
    })
  }
  return { data, shape }
}

async function find(source: RemoteFile, options: LoadDataOptions): Promise<{ content: Uint8Array; place: string }> {
  const attempts: Attempt[] = []
  for (const folder of localFolders(options)) {
    for (const name of namesOf(source)) {
      const place = `${folder}/${name}`
      const bytes = await platform.readFile(place)
      // Files that people put there themselves may hold other pictures, but not many more.
      if (bytes !== undefined) return { content: isGzip(bytes) ? await gunzip(bytes, 1 << 28, place) : bytes, place }
      attempts.push({ place, reason: 'no such file' })
    }
  }
  if (options.path === undefined) {
    const content = await fetchCached(source, options)
    if (content instanceof Uint8Array) return { content, place: source.name }
    attempts.push(...content)
  }
  throw new DataError({
    where: 'datasets.fashionMnist.loadData()',
    problem: `${source.name.slice(source.name.indexOf('/') + 1)} was not found`,
    received: `tried\n${attempts.map(({ place, reason }) => `    ${place}: ${reason}`).join('\n')}`,
    hint: 'on Debian and Ubuntu: apt-get install dataset-fashion-mnist; elsewhere put the four files into a folder and pass { path } or set ONDOL_DATASETS',
  })
}

function localFolders({ path }: LoadDataOptions): string[] {
  if (path !== undefined) return [path]
  const folder = platform.environment('ONDOL_DATASETS')
  return [...(folder === undefined || folder === '' ? [] : [`${folder}/fashion-mnist`, folder]), DEBIAN_FOLDER]
}

/** A local file may be compressed or not. */
function namesOf({ name }: RemoteFile): string[] {
  const compressed = name.slice(name.indexOf('/') + 1)
  return [compressed, compressed.replace(/\.gz$/, '')]
}
