/**
 * Where batches come from: arrays in memory, or (iterable-source.ts) anything that gives batches. Arrays stay
 * whole on the backend; which rows are a batch is found inside the compiled step, by a cursor that lives there
 * too, so a step takes nothing from this side but the command to run.
 */
import { DataError, ValueError } from '../core/errors.js'
import { permutation } from '../data/random.js'
import { type Tensor, tensor } from '../engine/index.js'
import { type Arrays, countSamples } from './convert.js'

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
  /** Told when an epoch begins, before its pass is started or gone on with; and when it is over. */
  beginEpoch?(): void | Promise<void>
  endEpoch?(): void | Promise<void>
  start(pass: Pass): void | Promise<void>
  /** The next batch; undefined when there are no more. */
  next(): Feed | undefined | Promise<Feed | undefined>
  /** Lets go of an iterator that was not finished. */
  close(): void | Promise<void>
}

export class ArraySource implements Source {
  readonly steps: number
  readonly samples: number
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
    this.samples = countSamples(arrays)
    if (this.samples === 0) throw new DataError({ where: 'x', problem: 'there are no samples', received: '0 along axis 0' })
    this.steps = Math.ceil(this.samples / batchSize)
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
    const rest = this.samples % batchSize
    this.#last = rest === 0 ? undefined : feed(rest)
  }

  start({ epoch, seed, skip }: Pass): void {
    this.#position = skip
    if (!this.shuffle || this.steps === 1) return
    this.#order?.dispose()
    this.#order = tensor(orderOf(this.samples, this.shuffle === 'batch' ? this.batchSize : 1, seed, epoch), [this.samples], 'int32')
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

export { type BatchIterable, type BatchLike, IterableSource, isBatchIterable } from './iterable-source.js'
