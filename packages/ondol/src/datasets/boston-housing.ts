/**
 * Boston housing: 506 districts of Boston in the 1970s, 13 features each, and their median house values in 1000 $ (StatLib).
 * As `keras.datasets.boston_housing`. One of its features supposes that people prefer their own race as neighbours: use it
 * to show what data can be like, and `californiaHousing` for anything else.
 */
import { byName } from '../core/positional.js'
import type { Split } from './digits.js'
import { loadTable, type SplitOptions } from './housing.js'

export type LoadDataOptions = SplitOptions

const FILE = {
  name: 'boston_housing.npz',
  origins: ['https://storage.googleapis.com/tensorflow/tf-keras-datasets/boston_housing.npz'],
  hash: 'f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5',
  atMost: 100_000,
} as const

/**
 * @returns `[[xTrain, yTrain], [xTest, yTest]]`, float32: x (404, 13) and (102, 13), y (404) and (102), in Keras's order.
 * @throws DataError naming every place that was tried.
 * @example
 * const [[xTrain, yTrain], [xTest, yTest]] = await datasets.bostonHousing.loadData({ testSplit: 0.1 })
 */
export function loadData(options?: LoadDataOptions): Promise<Split>
export function loadData(path: LoadDataOptions['path'], options?: LoadDataOptions): Promise<Split>
export async function loadData(...args: readonly unknown[]): Promise<Split> {
  const set = { name: 'boston-housing', where: 'datasets.bostonHousing.loadData()', isOneFile: true }
  return loadTable(set, FILE, byName<LoadDataOptions>(['path', 'testSplit', 'seed'], args))
}
