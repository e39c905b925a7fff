/** Datasets whose items are had by number, as PyTorch has them: `length` and `getItem`. */
import { DataError, ValueError } from '../core/errors.js'
import { makeDefaultSeed } from '../ops/random.js'
import { requireCount } from './options.js'
import { type ElementContext, permutation } from './random.js'
import { type Rows, rowsOf, type Sliced } from './slices.js'

/**
 * Something with items by number.
 *
 * @example
 * const files: data.MapDataset<[data.HostArray, number]> = {
 *   length: paths.length,
 *   getItem: async (index, { random }) => [augment(await decode(paths[index]), random), labels[index]],
 * }
 */
export interface MapDataset<T> {
  readonly length: number
  /** Item `index`, 0 to length - 1. `random` follows from the loader's seed, the epoch and the index. */
  getItem(index: number, context: ElementContext): T | Promise<T>
}

/** Checks what a caller passes as a map-style dataset. */
export function requireMapDataset(value: unknown, where: string): void {
  const { length, getItem } = (value ?? {}) as Partial<MapDataset<unknown>>
  if (typeof length === 'number' && typeof getItem === 'function') return
  throw new ValueError({ where, problem: 'this is no map-style dataset', expected: 'an object with length and getItem(index)' })
}

/** Rows of arrays: item i is [first[i], second[i], …]. */
export class TensorDataset<S extends readonly unknown[]> implements MapDataset<Sliced<S>> {
  readonly #rows: Rows<Sliced<S>>

  constructor(...arrays: S) {
    this.#rows = rowsOf(arrays.map((array) => ({ array }))) as unknown as Rows<Sliced<S>>
    const { row } = this.#rows as unknown as Rows<readonly { readonly array: unknown }[]>
    const { count } = this.#rows
    this.#rows = { count, row: (index) => row(index).map(({ array }) => array) as unknown as Sliced<S> }
  }

  get length(): number {
    return this.#rows.count
  }

  getItem(index: number): Sliced<S> {
    return this.#rows.row(checked(index, this.length, 'TensorDataset'))
  }
}

/** The items of another dataset at `indices`. */
export class Subset<T> implements MapDataset<T> {
  constructor(
    readonly dataset: MapDataset<T>,
    readonly indices: ArrayLike<number>,
  ) {}

  get length(): number {
    return this.indices.length
  }

  getItem(index: number, context: ElementContext): T | Promise<T> {
    return this.dataset.getItem(this.indices[checked(index, this.length, 'Subset')] as number, context)
  }
}

/** The items of several datasets, one after the other. */
export class ConcatDataset<T> implements MapDataset<T> {
  readonly #ends: readonly number[]

  constructor(readonly datasets: readonly MapDataset<T>[]) {
    let end = 0
    this.#ends = datasets.map(({ length }) => (end += length))
  }

  get length(): number {
    return this.#ends.at(-1) ?? 0
  }

  getItem(index: number, context: ElementContext): T | Promise<T> {
    checked(index, this.length, 'ConcatDataset')
    const place = this.#ends.findIndex((end) => index < end)
    const dataset = this.datasets[place] as MapDataset<T>
    return dataset.getItem(index - (this.#ends[place] as number) + dataset.length, context)
  }
}

/** Items changed on their way out. */
export class MappedDataset<T, U> implements MapDataset<U> {
  constructor(
    readonly dataset: MapDataset<T>,
    readonly change: (item: T, context: ElementContext) => U | Promise<U>,
  ) {}

  get length(): number {
    return this.dataset.length
  }

  getItem(index: number, context: ElementContext): U | Promise<U> {
    const item = this.dataset.getItem(index, context)
    return item instanceof Promise ? item.then((settled) => this.change(settled, context)) : this.change(item, context)
  }
}

/**
 * Parts of a dataset in random order: `lengths` are counts, or shares that add up to 1.
 *
 * @example
 * const [train, test] = data.randomSplit(dataset, [0.8, 0.2], { seed: 1 })
 */
export function randomSplit<T>(
  dataset: MapDataset<T>,
  lengths: readonly number[],
  { seed = makeDefaultSeed() }: { readonly seed?: number } = {},
): Subset<T>[] {
  const total = lengths.reduce((sum, length) => sum + length, 0)
  const areShares = Math.abs(total - 1) < 1e-9 && lengths.every((length) => length <= 1)
  const counts = areShares ? shares(lengths, dataset.length) : lengths.map((length) => requireCount(length, 'randomSplit', 0))
  if (!areShares && total !== dataset.length) {
    throw new ValueError({
      where: 'randomSplit',
      problem: 'the lengths do not add up to the dataset',
      expected: `${dataset.length} in all, or shares that add up to 1`,
      received: lengths.join(' + '),
    })
  }
  const order = permutation(dataset.length, seed)
  let from = 0
  return counts.map((count) => new Subset(dataset, order.subarray(from, (from += count))))
}

/** Whole parts; what rounding leaves goes to the first ones, one each. */
function shares(fractions: readonly number[], total: number): number[] {
  const counts = fractions.map((fraction) => Math.floor(fraction * total))
  const left = total - counts.reduce((sum, count) => sum + count, 0)
  return counts.map((count, i) => count + (i < left ? 1 : 0))
}

function checked(index: number, length: number, where: string): number {
  if (Number.isInteger(index) && index >= 0 && index < length) return index
  throw new DataError({ where, problem: 'there is no such item', expected: `0 to ${length - 1}`, received: String(index) })
}
