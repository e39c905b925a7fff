/** Which items, in what order: PyTorch's samplers. Orders are functions of (seed, epoch). */
import { ValueError } from '../core/errors.js'
import { requireCount } from './options.js'
import { makeRandom, mixSeeds, permutation, randomBelow, shuffleInPlace } from './random.js'

/** Item numbers of one epoch. `seed` is the loader's, already mixed with the epoch. */
export interface Sampler {
  readonly length: number
  indices(seed: number): Iterable<number>
}

/** Lists of item numbers, one a batch. */
export interface BatchSampler {
  readonly length: number
  batches(seed: number): Iterable<readonly number[]>
}

type Sized = { readonly length: number }

/** 0, 1, 2, … */
export class SequentialSampler implements Sampler {
  readonly length: number

  constructor(dataset: Sized) {
    this.length = dataset.length
  }

  *indices(): Iterable<number> {
    for (let i = 0; i < this.length; i++) yield i
  }
}

export interface RandomSamplerOptions {
  /** Draw each item anew from all of them. Default false: each comes once. */
  readonly replacement?: boolean
  /** Items an epoch. Default: all. */
  readonly numSamples?: number
}

/** All items in a random order, or draws. */
export class RandomSampler implements Sampler {
  readonly length: number
  readonly #items: number
  readonly #replacement: boolean

  constructor(dataset: Sized, { replacement = false, numSamples = dataset.length }: RandomSamplerOptions = {}) {
    this.length = requireCount(numSamples, 'RandomSampler numSamples')
    this.#items = dataset.length
    this.#replacement = replacement
  }

  *indices(seed: number): Iterable<number> {
    if (this.#replacement) {
      const random = makeRandom(seed)
      for (let i = 0; i < this.length; i++) yield randomBelow(this.#items, random)
      return
    }
    for (let done = 0; done < this.length; done += this.#items) {
      yield* permutation(this.#items, mixSeeds(seed, done)).subarray(0, this.length - done)
    }
  }
}

/** Given items in a random order. */
export class SubsetRandomSampler implements Sampler {
  constructor(readonly items: readonly number[]) {}

  get length(): number {
    return this.items.length
  }

  indices(seed: number): Iterable<number> {
    return shuffleInPlace([...this.items], makeRandom(seed))
  }
}

/** Items drawn with chances in proportion to `weights`: for classes of unequal size. */
export class WeightedRandomSampler implements Sampler {
  readonly #cumulative: Float64Array
  readonly #replacement: boolean

  constructor(
    readonly weights: ArrayLike<number>,
    readonly length: number,
    { replacement = true }: { readonly replacement?: boolean } = {},
  ) {
    requireCount(length, 'WeightedRandomSampler length')
    let total = 0
    this.#cumulative = Float64Array.from(weights, (weight, i) => {
      if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY))
        throw new ValueError({
          where: `WeightedRandomSampler weights[${i}]`,
          problem: 'a weight must be a number of at least 0',
          received: String(weight),
        })
      return (total += weight)
    })
    this.#replacement = replacement
    const possible = Array.from(weights).filter((weight) => weight > 0).length
    if (possible === 0 || (!replacement && possible < length)) {
      throw new ValueError({
        where: 'WeightedRandomSampler',
        problem: 'there are not enough items with a chance',
        expected: `at least ${replacement ? 1 : length}`,
        received: String(possible),
      })
    }
  }

  *indices(seed: number): Iterable<number> {
    const random = makeRandom(seed)
    if (!this.#replacement) {
      // Efraimidis and Spirakis: the greatest of u^(1/w).
      const keys = Float64Array.from(this.weights, (weight) => (weight === 0 ? Number.NEGATIVE_INFINITY : Math.log(1 - random()) / weight))
      const order = Array.from(keys.keys()).sort((a, b) => (keys[b] as number) - (keys[a] as number))
      yield* order.slice(0, this.length)
      return
    }
    const total = this.#cumulative.at(-1) as number
    for (let i = 0; i < this.length; i++) yield firstAbove(this.#cumulative, random() * total)
  }
}

/** Place of the first number above `value` in a rising list. */
function firstAbove(rising: Float64Array, value: number): number {
  let [low, high] = [0, rising.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((rising[middle] as number) > value) high = middle
    else low = middle + 1
  }
  return low
}

/** The items of a sampler, `batchSize` at a time. */
export class GroupedSampler implements BatchSampler {
  constructor(
    readonly sampler: Sampler,
    readonly batchSize: number,
    readonly dropLast: boolean,
  ) {
    requireCount(batchSize, 'DataLoader batchSize')
  }

  get length(): number {
    const batches = this.sampler.length / this.batchSize
    return this.dropLast ? Math.floor(batches) : Math.ceil(batches)
  }

  *batches(seed: number): Iterable<readonly number[]> {
    let batch: number[] = []
    for (const index of this.sampler.indices(seed)) {
      batch.push(index)
      if (batch.length < this.batchSize) continue
      yield batch
      batch = []
    }
    if (batch.length > 0 && !this.dropLast) yield batch
  }
}
