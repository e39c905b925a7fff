/** Data in two parts. Follows `keras/src/utils/dataset_utils.py`. */
import { roundHalfEven } from '../core/dtype.js'
import { ValueError } from '../core/errors.js'
import { makeDefaultSeed } from '../ops/random.js'
import { Dataset } from './dataset.js'
import { makeRandom, shuffleInPlace } from './random.js'
import { rowsOf, type Sliceable, type Sliced } from './slices.js'

export interface SplitOptions {
  /** Of the left part: a share between 0 and 1, or a count. Default: what the right part leaves. */
  readonly leftSize?: number | null
  /** Part of the second dataset: a fraction, or a number of elements. Default: the rest. */
  readonly rightSize?: number | null
  /** Mix before splitting. Default false. */
  readonly shuffle?: boolean
  /** Makes the shuffle repeatable. */
  readonly seed?: number | null
}

/**
 * A dataset, or arrays, as two datasets: the first elements and the last. A dataset is read once, into memory; if its
 * elements are batches, whole batches go left and right.
 *
 * @example
 * const [train, test] = await utils.splitDataset([images, labels], { leftSize: 0.8, shuffle: true, seed: 1 })
 */
export function splitDataset<T>(source: Dataset<T>, options: SplitOptions): Promise<[left: Dataset<T>, right: Dataset<T>]>
export function splitDataset<S extends Sliceable>(
  source: S,
  options: SplitOptions,
): Promise<[left: Dataset<Sliced<S>>, right: Dataset<Sliced<S>>]>
export async function splitDataset(source: unknown, options: SplitOptions): Promise<[Dataset<unknown>, Dataset<unknown>]> {
  const { leftSize = null, rightSize = null, shuffle = false, seed } = options
  const elements = source instanceof Dataset ? await source.toArray() : rowsAsList(source)
  const [left, right] = sizes(leftSize, rightSize, elements.length)
  if (shuffle) shuffleInPlace(elements, makeRandom(seed ?? makeDefaultSeed()))
  return [Dataset.from(elements.slice(0, left)), Dataset.from(elements.slice(elements.length - right))]
}

function rowsAsList(source: unknown): unknown[] {
  const { count, row } = rowsOf(source)
  return Array.from({ length: count }, (_, i) => row(i) as unknown)
}

function sizes(left: number | null, right: number | null, total: number): [left: number, right: number] {
  const requireThat = (isTrue: boolean, problem: string): void => {
    if (isTrue) return
    throw new ValueError({ where: 'splitDataset', problem, received: `leftSize ${left}, rightSize ${right} of ${total} elements` })
  }
  requireThat(left !== null || right !== null, 'give leftSize, rightSize, or both')
  const count = (size: number | null): number | null => {
    if (size === null) return null
    const isShare = size > 0 && size < 1
    requireThat(
      isShare || (Number.isInteger(size) && size > 0 && size < total),
      'a size is a share between 0 and 1, or a count that leaves something',
    )
    return isShare ? roundHalfEven(size * total) : size
  }
  const [leftCount, rightCount] = [count(left), count(right)]
  const both: [number, number] = [leftCount ?? total - (rightCount as number), rightCount ?? total - (leftCount as number)]
  requireThat(both[0] + both[1] <= total, 'the parts are more than there is')
  requireThat(both[0] > 0 && both[1] > 0, 'one part would be empty')
  return both
}
