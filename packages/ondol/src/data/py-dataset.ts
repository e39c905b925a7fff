/** Batches by number, as Keras's `PyDataset` gives them. Follows `keras/src/trainers/data_adapters/py_dataset_adapter.py`. */
import { ValueError } from '../core/errors.js'
import { makeDefaultSeed } from '../ops/random.js'
import { nextTurn } from '../training/pace.js'
import { type Cursor, cursorOf, type Pass, toldWith } from './cursor.js'
import { requireCount } from './options.js'
import { mixSeeds, permutation } from './random.js'
import { prefetched } from './stages/ahead.js'
import { mappedSideBySide } from './stages/each.js'
import { selected } from './stages/order.js'

export interface PyDatasetOptions {
  /** Batches that are prepared side by side. Default 1. */
  readonly workers?: number
  /** Batches that may be ready or under way at once. Default 10. */
  readonly maxQueueSize?: number
}

/**
 * Base class of datasets that make whole batches: override `length` and `getItem`. In `fit`, batches are prepared
 * while the model computes, in an order that `shuffle` makes new for each epoch.
 *
 * @example
 * class Files extends data.PyDataset<[data.HostArray, data.HostArray]> {
 *   override get length() { return Math.ceil(paths.length / 32) }
 *   override async getItem(batch: number) { return load(paths.slice(batch * 32, batch * 32 + 32)) }
 * }
 */
export abstract class PyDataset<B = unknown> implements AsyncIterable<B> {
  readonly workers: number
  readonly maxQueueSize: number

  constructor({ workers = 1, maxQueueSize = 10 }: PyDatasetOptions = {}) {
    this.workers = requireCount(workers, 'PyDataset workers', 0)
    this.maxQueueSize = requireCount(maxQueueSize, 'PyDataset maxQueueSize')
  }

  /** Batches in an epoch; Infinity if there is no end, and then `stepsPerEpoch` says it. */
  abstract get length(): number

  /** Batch number `index`: [x], [x, y] or [x, y, sampleWeight]. */
  abstract getItem(index: number): B | Promise<B>

  onEpochBegin(): void | Promise<void> {}
  onEpochEnd(): void | Promise<void> {}

  get cardinality(): number {
    return this.length
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<B> {
    for (let index = 0; index < this.length; index++) yield await this.getItem(index)
  }

  /** Starts a pass: in order, or with `shuffle` in the order that follows from (seed, epoch). */
  open(pass: Pass = { epoch: 0, seed: makeDefaultSeed() }, shuffle = false): Cursor<B> {
    const { length } = this
    if (!(length >= 0)) throw new ValueError({ where: 'PyDataset length', problem: 'not a number of batches', received: String(length) })
    const order = shuffle && Number.isFinite(length) ? permutation(length, mixSeeds(pass.seed, pass.epoch)) : counting(length)
    const { skip = 0 } = pass
    const numbers = selected(cursorOf<number>(order, 'PyDataset'), (index) => index >= skip)
    const inFlight = Math.max(1, Math.min(this.workers, this.maxQueueSize))
    const made = mappedSideBySide(numbers, (index) => toldWith<B>('getItem', index, () => this.getItem(index)), 'PyDataset', inFlight)
    return inFlight < this.maxQueueSize ? prefetched(made, this.maxQueueSize - inFlight, nextTurn) : made
  }
}

function* counting(length: number): Iterable<number> {
  for (let i = 0; i < length; i++) yield i
}
