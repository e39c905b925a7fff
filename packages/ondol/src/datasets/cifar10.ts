/** CIFAR-10: 60,000 colour pictures, 32x32, in ten classes (Krizhevsky 2009). As `keras.datasets.cifar10`. */
import { ValueError } from '../core/errors.js'
import { loadCifar } from './cifar.js'
import type { Split } from './digits.js'
import type { SourceOptions } from './files.js'

/** What the labels 0 to 9 mean. */
export const classNames = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'] as const

/** `path`: `cifar-10-python.tar.gz`, `cifar-10-binary.tar.gz`, a folder with either or with what is in them, or addresses. */
export interface LoadDataOptions extends SourceOptions {
  /** Which of the five batches of 10,000 to train on; the others need not be there. Default: all. */
  readonly batches?: readonly number[]
}

const BATCHES = [1, 2, 3, 4, 5]

const FILES = {
  set: { name: 'cifar-10', where: 'datasets.cifar10.loadData()' },
  python: {
    name: 'cifar-10-python.tar.gz',
    origins: ['https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz'],
    hash: '6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce',
    atMost: 180_000_000,
  },
  folders: ['cifar-10-batches-py', 'cifar-10-batches-bin'],
  test: ['test_batch'],
  labels: 'labels',
  header: 1,
  label: 0,
  hint: 'batches: [1] loads the first of the five alone',
} as const

/**
 * Loads CIFAR-10: from `path`, a folder in `ONDOL_DATASETS`, or the cache; else it is downloaded (170 MB), checked and kept.
 *
 * @returns `[[xTrain, yTrain], [xTest, yTest]]`, all uint8: images (50000, 32, 32, 3) and (10000, 32, 32, 3), or channels first
 * where that is `config.imageDataFormat()`; labels (50000, 1) and (10000, 1).
 * @throws DataError naming every place that was tried, or the batch that is missing there.
 * @example
 * const [[xTrain, yTrain], [xTest, yTest]] = await datasets.cifar10.loadData()
 */
export async function loadData({ batches = BATCHES, ...options }: LoadDataOptions = {}): Promise<Split> {
  if (batches.length === 0 || !batches.every((batch) => BATCHES.includes(batch)))
    throw new ValueError({
      where: FILES.set.where,
      problem: 'batches are no part of the five',
      expected: 'some of 1, 2, 3, 4, 5',
      received: `batches: [${batches}]`,
    })
  return loadCifar({ ...FILES, train: batches.map((i) => `data_batch_${i}`) }, options)
}
