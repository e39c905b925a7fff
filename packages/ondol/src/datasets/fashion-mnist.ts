/**
 * Fashion-MNIST: 70,000 grey pictures of clothes, 28x28, in ten classes (Xiao, Rasul and Vollgraf 2017,
 * https://github.com/zalandoresearch/fashion-mnist, MIT licence). As `keras.datasets.fashion_mnist`.
 */
import { IDX_NAMES, idxNames, loadIdxSet, type Split } from './digits.js'
import { type PublishedFile, Search, type SourceOptions } from './files.js'

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

/** `path`: a folder with the four IDX files, packed or not, or addresses of folders that have them. */
export type LoadDataOptions = SourceOptions

const MIRRORS = [
  'https://storage.googleapis.com/tensorflow/tf-keras-datasets',
  'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion',
  'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com',
]

const HASHES = [
  '8d4fb7e6c68d591d4c3dfef9ec88bf0d',
  '25c81989df183df01b3e8a0aad5dffbe',
  'bef4ecab320f06d8554ea6380940ec79',
  'bb300cfdad3c16e7a12a480ee83cd310',
] as const

const FILES = IDX_NAMES.map(
  (name, i): PublishedFile => ({
    name: `${name}.gz`,
    origins: MIRRORS.map((mirror) => `${mirror}/${name}.gz`),
    hash: HASHES[i] as string,
    atMost: 28_000_000,
  }),
)

/**
 * Loads Fashion-MNIST: from `options.path`; else from the folder in `ONDOL_DATASETS`, Debian's package, Keras's cache or
 * ours; else it is downloaded (30 MB), checked and kept in the cache.
 *
 * @returns `[[xTrain, yTrain], [xTest, yTest]]`, all uint8: images (60000, 28, 28) and (10000, 28, 28) with
 * values from 0 to 255, labels (60000) and (10000).
 * @throws DataError naming every place that was tried.
 * @example
 * const [[xTrain, yTrain], [xTest, yTest]] = await datasets.fashionMnist.loadData()
 */
export async function loadData(options: LoadDataOptions = {}): Promise<Split> {
  const search = new Search(
    {
      name: 'fashion-mnist',
      where: 'datasets.fashionMnist.loadData()',
      cacheSubdir: 'datasets/fashion-mnist',
      systemFolders: ['/usr/share/datasets/fashion-mnist'],
      hint: 'on Debian and Ubuntu: apt-get install dataset-fashion-mnist',
    },
    options,
  )
  const find = async (name: string) =>
    (await search.local(idxNames(name))) ?? (await search.published(FILES.find((file) => file.name === `${name}.gz`) as PublishedFile))
  return loadIdxSet(search, find, FILES)
}
