/** CIFAR-100: 60,000 colour pictures, 32x32, in 100 classes of 20 kinds (Krizhevsky 2009). As `keras.datasets.cifar100`. */
import { ValueError } from '../core/errors.js'
import { byName } from '../core/positional.js'
import { loadCifar } from './cifar.js'
import type { Split } from './digits.js'
import type { SourceOptions } from './files.js'

/** `path`: `cifar-100-python.tar.gz`, `cifar-100-binary.tar.gz`, a folder with either or with what is in them, or addresses. */
export interface LoadDataOptions extends SourceOptions {
  /** `'fine'` (default): 100 classes; `'coarse'`: 20 kinds. */
  readonly labelMode?: 'fine' | 'coarse'
}

/** What the labels 0 to 99 mean. */
export const fineNames: readonly string[] = (
  'apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle caterpillar cattle ' +
  'chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house ' +
  'kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid ' +
  'otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew ' +
  'skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout ' +
  'tulip turtle wardrobe whale willow_tree wolf woman worm'
).split(' ')

/** What the labels 0 to 19 mean. */
export const coarseNames: readonly string[] = (
  'aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices household_furniture insects ' +
  'large_carnivores large_man-made_outdoor_things large_natural_outdoor_scenes large_omnivores_and_herbivores medium_mammals ' +
  'non-insect_invertebrates people reptiles small_mammals trees vehicles_1 vehicles_2'
).split(' ')

const FILES = {
  set: { name: 'cifar-100', where: 'datasets.cifar100.loadData()' },
  python: {
    name: 'cifar-100-python.tar.gz',
    origins: ['https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz'],
    hash: '85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7',
    atMost: 180_000_000,
  },
  folders: ['cifar-100-python', 'cifar-100-binary'],
  train: ['train'],
  test: ['test'],
  header: 2,
} as const

/**
 * Loads CIFAR-100: from `path`, a folder in `ONDOL_DATASETS`, or the cache; else it is downloaded (170 MB), checked and kept.
 *
 * @returns `[[xTrain, yTrain], [xTest, yTest]]`, all uint8: images (50000, 32, 32, 3) and (10000, 32, 32, 3), or channels first
 * where that is `config.imageDataFormat()`; labels (50000, 1) and (10000, 1).
 * @throws DataError naming every place that was tried.
 * @example
 * const [[xTrain, yTrain], [xTest, yTest]] = await datasets.cifar100.loadData('coarse')
 */
export function loadData(options?: LoadDataOptions): Promise<Split>
export function loadData(labelMode: 'fine' | 'coarse', options?: LoadDataOptions): Promise<Split>
export async function loadData(...args: readonly unknown[]): Promise<Split> {
  const options = byName<LoadDataOptions>(['labelMode'], args)
  const { labelMode = 'fine' } = options
  if (labelMode !== 'fine' && labelMode !== 'coarse')
    throw new ValueError({
      where: FILES.set.where,
      problem: 'unknown labelMode',
      expected: "'fine' or 'coarse'",
      received: `'${labelMode}'`,
    })
  return loadCifar({ ...FILES, labels: `${labelMode}_labels`, label: labelMode === 'coarse' ? 0 : 1 }, options)
}
