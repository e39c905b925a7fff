/** Batches of a map-style dataset, as PyTorch's `DataLoader` makes them. */

import { ValueError } from '../core/errors.js'
import { refuseUnknownOptions } from '../core/known-options.js'
import { makeDefaultSeed } from '../ops/random.js'
import { type Batched, collate } from './collate.js'
import { type Cursor, cursorOf, isPromise, iteratorOf, type MaybePromise, type Pass, toldWith } from './cursor.js'
import { type MapDataset, requireMapDataset } from './map-style.js'
import { requireCount } from './options.js'
import { mixSeeds, Place } from './random.js'
import { type BatchSampler, GroupedSampler, RandomSampler, type Sampler, SequentialSampler } from './samplers.js'
import { mappedSideBySide } from './stages/each.js'
import { selected } from './stages/order.js'
import { leaseThreads, type WorkerMapOptions, withThreads } from './workers.js'

/**
 * A dataset in a module: its exported function makes item `index`, in threads. It is called as
 * `(index, { index, random })`.
 */
export interface ModuleDataset {
  readonly length: number
  readonly module: URL
  /** The function's name. Default `'default'`. */
  readonly export?: string
}

export interface DataLoaderOptions<T, B = Batched<T>> {
  /** Items in a batch. Default 1. */
  readonly batchSize?: number
  /** A new random order for each epoch. Default false. */
  readonly shuffle?: boolean
  /** Which items, in what order; instead of `shuffle`. */
  readonly sampler?: Sampler
  /** Which items in each batch; instead of `batchSize`, `shuffle`, `sampler` and `dropLast`. */
  readonly batchSampler?: BatchSampler
  /**
   * Batches whose items are loaded side by side, for an asynchronous `getItem`; threads, for a dataset in a module.
   * Default 0: one batch at a time.
   */
  readonly numWorkers?: number
  /** Batches that each of `numWorkers` prepares ahead. Default 2. */
  readonly prefetchFactor?: number
  /** Items as a batch. Default: arrays get an axis in front, numbers become arrays. */
  readonly collateFn?: (items: readonly T[]) => B | Promise<B>
  /** Leave out a last short batch. Default false. */
  readonly dropLast?: boolean
  /** Of the orders. Default: from `utils.setRandomSeed`; in `fit`, from the seed of the run. */
  readonly seed?: number
}

const OPTIONS: readonly (keyof DataLoaderOptions<unknown>)[] = [
  'batchSize',
  'shuffle',
  'sampler',
  'batchSampler',
  'numWorkers',
  'prefetchFactor',
  'collateFn',
  'dropLast',
  'seed',
]

/**
 * Goes through a dataset in batches, each epoch anew.
 *
 * @example
 * const loader = new data.DataLoader(new data.TensorDataset(images, labels), { batchSize: 64, shuffle: true })
 * for await (const [x, y] of loader) console.log(x.shape, y.shape)
 * await model.fit(loader, { epochs: 3 })
 */
export class DataLoader<T, B = Batched<T>> implements AsyncIterable<B> {
  readonly #dataset: MapDataset<T> | ModuleDataset
  readonly #batches: BatchSampler
  readonly #collate: (items: readonly T[]) => B | Promise<B>
  readonly #depth: number
  readonly #seed: number | undefined
  readonly #threads: WorkerMapOptions
  #passes = 0
  #defaultSeed: number | undefined

  constructor(dataset: MapDataset<T> | ModuleDataset, options: DataLoaderOptions<T, B> = {}) {
    if (!('module' in dataset)) requireMapDataset(dataset, 'DataLoader')
    refuseUnknownOptions('DataLoader', options, OPTIONS)
    const { batchSize, shuffle, sampler, batchSampler, numWorkers = 0, prefetchFactor = 2, collateFn, dropLast, seed } = options
    const clashes = [
      ['sampler', sampler, { shuffle: shuffle || undefined }],
      ['batchSampler', batchSampler, { batchSize, shuffle: shuffle || undefined, sampler, dropLast: dropLast || undefined }],
    ] as const
    for (const [name, given, others] of clashes) {
      const clash = Object.entries(others).find(([, value]) => value !== undefined)?.[0]
      if (given !== undefined && clash !== undefined)
        throw new ValueError({ where: 'DataLoader', problem: `${name} decides already what ${clash} would`, hint: `leave out ${clash}` })
    }
    this.#dataset = dataset
    this.#batches =
      batchSampler ??
      new GroupedSampler(
        sampler ?? (shuffle ? new RandomSampler(dataset) : new SequentialSampler(dataset)),
        batchSize ?? 1,
        dropLast ?? false,
      )
    this.#collate = collateFn ?? ((items) => collate(items) as unknown as B)
    this.#depth = Math.max(
      1,
      requireCount(numWorkers, 'DataLoader numWorkers', 0) * requireCount(prefetchFactor, 'DataLoader prefetchFactor'),
    )
    this.#seed = seed
    this.#threads = {
      workers: Math.max(1, numWorkers),
      ...('module' in dataset && dataset.export !== undefined ? { export: dataset.export } : {}),
    }
  }

  /** Batches in an epoch. */
  get length(): number {
    return this.#batches.length
  }

  get cardinality(): number {
    return this.length
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<B> {
    return iteratorOf(this.open())
  }

  /** Starts epoch number `epoch` under `seed`, else the next one. */
  open(pass?: Pass): Cursor<B> {
    this.#defaultSeed ??= pass?.seed ?? this.#seed ?? makeDefaultSeed()
    const { epoch, seed, skip = 0 } = pass ?? { epoch: this.#passes++, seed: this.#defaultSeed }
    const mixed = mixSeeds(this.#seed ?? seed, epoch)
    const numbers = selected(cursorOf(this.#batches.batches(mixed), 'DataLoader'), (index) => index >= skip)
    const dataset = this.#dataset
    if (!('module' in dataset)) return this.#batchesOf(numbers, (index) => dataset.getItem(index, new Place(index, mixed)))
    const lease = leaseThreads(dataset.module, this.#threads)
    return withThreads(
      this.#batchesOf(numbers, (index) => lease.pool.call(index, index, mixSeeds(mixed, index)) as Promise<T>),
      lease,
    )
  }

  #batchesOf(numbers: Cursor<readonly number[]>, itemOf: (index: number) => MaybePromise<T>): Cursor<B> {
    return mappedSideBySide(numbers, (indices) => this.#load(indices, itemOf), 'DataLoader', this.#depth)
  }

  #load(indices: readonly number[], itemOf: (index: number) => MaybePromise<T>): MaybePromise<B> {
    const items: MaybePromise<T>[] = []
    let isLater = false
    for (const index of indices) {
      const item = toldWith<T>('getItem', index, () => itemOf(index))
      if (isPromise(item)) isLater = true
      items.push(item)
    }
    return isLater ? Promise.all(items).then((settled) => this.#collate(settled as T[])) : this.#collate(items as T[])
  }
}
