/**
 * California housing: 20,640 districts in 1990, 8 features each (median income, house age, rooms, bedrooms, population,
 * people in a household, latitude, longitude), and their median house values in $ (Pace and Barry 1997). As
 * `keras.datasets.california_housing`.
 */
import { ValueError } from '../core/errors.js'
import { byName } from '../core/positional.js'
import type { Split } from './digits.js'
import { loadTable, type SplitOptions } from './housing.js'

export interface LoadDataOptions extends SplitOptions {
  /** `'large'` (default): all; `'small'`: 600 districts. */
  readonly version?: 'large' | 'small'
}

const FILE = {
  name: 'california_housing.npz',
  origins: ['https://storage.googleapis.com/tensorflow/tf-keras-datasets/california_housing.npz'],
  hash: '1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f',
  atMost: 4_000_000,
} as const

const SMALL = 600

/**
 * @returns `[[xTrain, yTrain], [xTest, yTest]]`, float32: x (16512, 8) and (4128, 8), y (16512) and (4128), in Keras's order.
 * @throws DataError naming every place that was tried.
 * @example
 * const [[xTrain, yTrain], [xTest, yTest]] = await datasets.californiaHousing.loadData('small')
 */
export function loadData(options?: LoadDataOptions): Promise<Split>
export function loadData(version: 'large' | 'small', options?: LoadDataOptions): Promise<Split>
export async function loadData(...args: readonly unknown[]): Promise<Split> {
  const options = byName<LoadDataOptions>(['version', 'path', 'testSplit', 'seed'], args)
  const { version = 'large' } = options
  const where = 'datasets.californiaHousing.loadData()'
  if (version !== 'large' && version !== 'small')
    throw new ValueError({ where, problem: 'unknown version', expected: "'large' or 'small'", received: `'${version}'` })
  return loadTable({ name: 'california-housing', where, isOneFile: true }, FILE, options, version === 'small' ? SMALL : undefined)
}
