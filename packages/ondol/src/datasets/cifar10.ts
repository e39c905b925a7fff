/** CIFAR-10: 60,000 colour pictures, 32x32, in ten classes (Krizhevsky 2009). As `keras.datasets.cifar10`. */
import { loadCifar } from './cifar.js'
import type { Split } from './digits.js'
import type { SourceOptions } from './files.js'

/** What the labels 0 to 9 mean. */
export const classNames = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'] as const

/** `path`: `cifar-10-python.tar.gz`, `cifar-10-binary.tar.gz`, a folder with either or with what is in them, or addresses. */
export type LoadDataOptions = SourceOptions

const FILES = {
  set: { name: 'cifar-10', where: 'datasets.cifar10.loadData()' },
  python: {
    name: 'cifar-10-python.tar.gz',
    origins: ['https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz'],
    hash: '6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce',
    atMost: 180_000_000,
  },
  folders: ['cifar-10-batches-py', 'cifar-10-batches-bin'],
  train: [1, 2, 3, 4, 5].map((i) => `data_batch_${i}`),
  test: ['test_batch'],
  labels: 'labels',
  header: 1,
  label: 0,
} as const

/**
 * Loads CIFAR-10: from `path`, a folder in `ONDOL_DATASETS`, or the cache; else it is downloaded (170 MB), checked and kept.
 *
 * @returns `[[xTrain, yTrain], [xTest, yTest]]`, all uint8: images (50000, 32, 32, 3) and (10000, 32, 32, 3), or channels first
 * where that is `config.imageDataFormat()`; labels (50000, 1) and (10000, 1).
 * @throws DataError naming every place that was tried.
 * @example
 * const [[xTrain, yTrain], [xTest, yTest]] = await datasets.cifar10.loadData()
 */
export const loadData = (options: LoadDataOptions = {}): Promise<Split> => loadCifar(FILES, options)
