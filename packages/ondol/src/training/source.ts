/**
 * Where batches come from: arrays in memory, or anything that can be iterated. Arrays stay whole on the
 * backend; which rows are a batch is found inside the compiled step, by a cursor that lives there too, so a
 * step takes nothing from this side but the command to run.
 */
import { DataError, ValueError } from '../core/errors.js'
import type { Tree } from '../core/tree.js'
import { type Tensor, tensor } from '../engine/index.js'
import { type Arrays, Converter, countSamples, type DataLike, type Expected } from './convert.js'

/** What one step is given: whole arrays of which it takes the next `size` rows, or a batch as it is. */
export type Feed =
  | { readonly kind: 'rows'; readonly arrays: Arrays; readonly order: Tensor | null; readonly size: number }
  | { readonly kind: 'batch'; readonly arrays: Arrays; readonly dispose: () => void }

/** One pass over the data. Its order follows from `seed` and `epoch` alone, so that it can be taken up again. */
export interface Pass {
  /** The epoch in which it begins. */
  readonly epoch: number
  /** Of the whole run. */
  readonly seed: number
  /** Batches at the beginning that are left out: they were done before. */
  readonly skip: number
}

export interface Source {
  /** Batches in a pass; null as long as that is not known. */
  readonly steps: number | null
  start(pass: Pass): void | Promise<void>
  /** The next batch; undefined when there are no more. */
  next(): Feed | undefined | Promise<Feed | undefined>
  /** Lets go of an iterator that was not finished. */
  close(): void | Promise<void>
}

/** One batch of an iterable: x alone, or [x], [x, y], [x, y, sampleWeight]. */
export type BatchLike = DataLike | readonly [x: DataLike, y?: DataLike | null, sampleWeight?: DataLike | null]
/** Batches one after the other; a function gives them anew for each epoch. */
export type BatchIterable = Iterable<BatchLike> | AsyncIterable<BatchLike> | (() => Iterable<BatchLike> | AsyncIterable<BatchLike>)

export function isBatchIterable(data: unknown): data is BatchIterable {
  if (typeof data === 'function') return !('dtype' in data)
  if (typeof data !== 'object' || data === null || Array.isArray(data) || ArrayBuffer.isView(data)) return false
  return Symbol.iterator in data || Symbol.asyncIterator in data
}

export class ArraySource implements Source {
  readonly steps: number
  readonly #samples: number
  readonly #full: Feed
  readonly #last: Feed | undefined
  #order: Tensor | null = null
  #position = 0

  constructor(
    readonly arrays: Arrays,
    readonly batchSize: number,
    readonly shuffle: boolean | 'batch',
  ) {
    if (!(Number.isInteger(batchSize) && batchSize > 0))
      throw new ValueError({
        where: 'batchSize',
        problem: 'not a number of samples',
        expected: 'a whole number of at least 1',
        received: String(batchSize),
      })
    this.#samples = countSamples(arrays)
    if (this.#samples === 0) throw new DataError({ where: 'x', problem: 'there are no samples', received: '0 along axis 0' })
    this.steps = Math.ceil(this.#samples / batchSize)
    const source = this
    const feed = (size: number): Feed =>
      this.steps === 1
        ? { kind: 'batch', arrays, dispose: () => undefined }
        : {
            kind: 'rows',
            arrays,
            size,
            get order() {
              return source.#order
            },
          }
    this.#full = feed(batchSize)
    const rest = this.#samples % batchSize
    this.#last = rest === 0 ? undefined : feed(rest)
  }

  start({ epoch, seed, skip }: Pass): void {
    this.#position = skip
    if (!this.shuffle || this.steps === 1) return
    this.#order?.dispose()
    this.#order = tensor(orderOf(this.#samples, this.shuffle === 'batch' ? this.batchSize : 1, seed, epoch), [this.#samples], 'int32')
  }

  next(): Feed | undefined {
    if (this.#position >= this.steps) return undefined
    this.#position++
    return this.#position === this.steps ? (this.#last ?? this.#full) : this.#full
  }

  close(): void {
    this.#order?.dispose()
    this.#order = null
  }
}

/** 0 to n - 1 with its blocks of `block` in the order of that epoch; a shorter block at the end stays there. */
function orderOf(n: number, block: number, seed: number, epoch: number): Int32Array {
  const blocks = permutation(Math.floor(n / block), seed ^ Math.imul(epoch + 1, 0x9e3779b1))
  const whole = blocks.length * block
  return Int32Array.from({ length: n }, (_, i) => (i < whole ? (blocks[Math.floor(i / block)] as number) * block + (i % block) : i))
}

/** 0 to n - 1 in a random order (Fisher and Yates; mulberry32). */
function permutation(n: number, seed: number): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i)
  let state = seed | 0
  const random = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const kept = order[i] as number
    order[i] = order[j] as number
    order[j] = kept
  }
  return order
}

export class IterableSource implements Source {
  steps: number | null
  #iterator: Iterator<BatchLike> | AsyncIterator<BatchLike> | undefined

  constructor(
    readonly batches: BatchIterable,
    readonly inputs: Expected,
    readonly outputs: Expected,
  ) {
    const { length, size } = batches as { readonly length?: unknown; readonly size?: unknown }
    this.steps = typeof batches === 'function' ? null : typeof length === 'number' ? length : typeof size === 'number' ? size : null
  }

  async start({ skip }: Pass): Promise<void> {
    const { batches } = this
    const iterable = typeof batches === 'function' ? batches() : batches
    this.#iterator = Symbol.asyncIterator in iterable ? iterable[Symbol.asyncIterator]() : iterable[Symbol.iterator]()
    for (let i = 0; i < skip; i++) await this.#iterator.next()
  }

  next(): Feed | undefined | Promise<Feed | undefined> {
    const result = this.#iterator?.next()
    return result instanceof Promise ? result.then((settled) => this.#feed(settled)) : this.#feed(result)
  }

  #feed(result: IteratorResult<BatchLike> | undefined): Feed | undefined {
    if (result === undefined || result.done === true) {
      this.#iterator = undefined
      return undefined
    }
    const [x, y, sampleWeight] = (Array.isArray(result.value) ? result.value : [result.value]) as [
      DataLike,
      (DataLike | null)?,
      (DataLike | null)?,
    ]
    const converter = new Converter()
    const optional = (data: DataLike | null | undefined, what: string): Tree<Tensor> | null =>
      data == null ? null : converter.convert(data, `batch.${what}`, this.outputs)
    const arrays = {
      x: converter.convert(x, 'batch.x', this.inputs),
      y: optional(y, 'y'),
      sampleWeight: optional(sampleWeight, 'sampleWeight'),
    }
    return { kind: 'batch', arrays, dispose: () => converter.dispose() }
  }

  async close(): Promise<void> {
    await this.#iterator?.return?.()
    this.#iterator = undefined
  }
}
