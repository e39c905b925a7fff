/**
 * Batches from anything that gives them one by one: datasets, loaders, iterables, generators. The next ones are
 * prepared while the model computes, a few and never more; whatever way a run ends, what was opened is closed.
 */
import { DataError, OndolError } from '../core/errors.js'
import { formatShape, type PartialShape, type Shape } from '../core/shape.js'
import { flatten, type Tree } from '../core/tree.js'
import { type Cursor, cursorOf, END, type End, isPromise, type MaybePromise } from '../data/cursor.js'
import { Dataset } from '../data/dataset.js'
import { DataLoader } from '../data/loader.js'
import { PyDataset } from '../data/py-dataset.js'
import { prefetched } from '../data/stages/ahead.js'
import { Tensor } from '../engine/index.js'
import { type Arrays, Converter, countSamples, type DataLike, type Expected } from './convert.js'
import { isRecord } from './outputs.js'
import { nextTurn } from './pace.js'
import type { Feed, Pass, Source } from './source.js'

/** One batch of an iterable: x alone, or [x], [x, y], [x, y, sampleWeight]. */
export type BatchLike = DataLike | readonly [x: DataLike, y?: DataLike | null, sampleWeight?: DataLike | null]
/** Batches one after the other; a function gives them anew for each epoch. */
export type BatchIterable = Iterable<BatchLike> | AsyncIterable<BatchLike> | (() => Iterable<BatchLike> | AsyncIterable<BatchLike>)

export function isBatchIterable(data: unknown): data is BatchIterable {
  if (typeof data === 'function') return !('dtype' in data)
  if (typeof data !== 'object' || data === null || Array.isArray(data) || ArrayBuffer.isView(data)) return false
  if (Symbol.iterator in data || Symbol.asyncIterator in data) return true
  if ('getItem' in data && typeof data.getItem === 'function') {
    throw new DataError({
      where: 'x',
      problem: 'a map-style dataset has items, not batches',
      expected: 'arrays, or something that gives batches',
      hint: 'wrap it: new data.DataLoader(dataset, { batchSize: 32 })',
    })
  }
  return false
}

/** Batches that are ready or under way beside the one in use. */
const AHEAD = 2
/** Milliseconds that an iterator has to close. One that waits for something lost must not hold up the run. */
const CLOSING_MS = 1000

export class IterableSource implements Source {
  /** Infinity for data without an end. */
  readonly steps: number | null
  #cursor: Cursor<BatchLike> | undefined
  /** Number of the next batch in its pass. */
  #batch = 0

  constructor(
    readonly batches: BatchIterable,
    readonly inputs: Expected,
    readonly outputs: Expected,
    /** Of a PyDataset's batches; other data has its own order. */
    readonly shuffle: boolean = false,
  ) {
    this.steps = countBatches(batches)
  }

  beginEpoch(): void | Promise<void> {
    if (this.batches instanceof PyDataset) return this.batches.onEpochBegin()
  }

  endEpoch(): void | Promise<void> {
    if (this.batches instanceof PyDataset) return this.batches.onEpochEnd()
  }

  async start(pass: Pass): Promise<void> {
    await this.close()
    const { cursor, skipped } = this.#open(pass)
    this.#cursor = prefetched(cursor, AHEAD, nextTurn)
    this.#batch = pass.skip
    for (let i = skipped; i < pass.skip; i++) await this.#cursor.next()
  }

  /** A pass, and how many batches it leaves out by itself. */
  #open(pass: Pass): { readonly cursor: Cursor<BatchLike>; readonly skipped: number } {
    const { batches } = this
    if (batches instanceof PyDataset) return { cursor: batches.open(pass, this.shuffle) as Cursor<BatchLike>, skipped: pass.skip }
    if (batches instanceof DataLoader) return { cursor: batches.open(pass) as Cursor<BatchLike>, skipped: pass.skip }
    if (batches instanceof Dataset) return { cursor: batches.open(pass) as Cursor<BatchLike>, skipped: 0 }
    return { cursor: cursorOf(typeof batches === 'function' ? batches() : batches, 'batches'), skipped: 0 }
  }

  next(): MaybePromise<Feed | undefined> {
    const step = this.#cursor?.next() ?? END
    return isPromise(step) ? step.then((settled) => this.#feed(settled)) : this.#feed(step)
  }

  #feed(batch: BatchLike | End): Feed | undefined {
    if (batch === END) return undefined
    const converter = new Converter()
    try {
      const arrays = this.#arrays(batch as BatchLike, converter)
      this.#checkInputs(arrays.x)
      countSamples(arrays)
      this.#batch++
      return { kind: 'batch', arrays, dispose: () => converter.dispose() }
    } catch (error) {
      converter.dispose()
      throw error instanceof OndolError ? error.within(`batch ${this.#batch}`) : error
    }
  }

  #arrays(batch: BatchLike, converter: Converter): Arrays {
    const parts = (Array.isArray(batch) ? batch : [batch]) as readonly (DataLike | null | undefined)[]
    if (parts.length < 1 || parts.length > 3 || parts[0] == null) {
      throw new DataError({
        where: 'data',
        problem: 'this is no batch',
        expected: 'x, [x], [x, y] or [x, y, sampleWeight]',
        received: parts.length === 1 ? String(parts[0]) : `a list of ${parts.length}`,
        hint: 'several inputs go into a list or record of their own: [[a, b], y]',
      })
    }
    const [x, y, sampleWeight] = parts as [DataLike, DataLike?, DataLike?]
    const optional = (data: DataLike | null | undefined, what: string): Tree<Tensor> | null =>
      data == null ? null : converter.convert(data, what, this.outputs)
    return { x: converter.convert(x, 'x', this.inputs), y: optional(y, 'y'), sampleWeight: optional(sampleWeight, 'sampleWeight') }
  }

  /** Every batch is looked at, not only the first, which the step was compiled for. */
  #checkInputs(x: Tree<Tensor>): void {
    const { symbols = [], names = [] } = this.inputs
    const arrays = isRecord(x) ? names.map((name) => x[name]) : flatten(x)
    if (arrays.length !== symbols.length) return
    symbols.forEach(({ shape }, i) => {
      // What is missing, or nested deeper, is the model's to tell.
      const array = arrays[i]
      if (array instanceof Tensor) checkShape(array.shape, shape, names[i] === undefined ? 'x' : `input '${names[i]}'`)
    })
  }

  /** Ends the pass, if there is one. */
  async close(): Promise<void> {
    const cursor = this.#cursor
    this.#cursor = undefined
    if (cursor !== undefined) await withinTime(cursor.close())
  }
}

function checkShape(received: Shape, shape: PartialShape, where: string): void {
  // One more or less axis of size 1 at the end is put right by the model.
  const trimmed = (sizes: PartialShape): PartialShape => (sizes.at(-1) === 1 ? sizes.slice(0, -1) : sizes)
  const [wanted, given] = received.length === shape.length ? [shape, received] : [trimmed(shape), trimmed(received)]
  if (wanted.length === given.length && wanted.every((size, axis) => axis === 0 || size === null || size === given[axis])) return
  throw new DataError({
    where,
    problem: 'the data does not have the shape of the input',
    expected: formatShape(shape),
    received: formatShape(received),
    ...(shape.length === received.length + 1 ? { hint: 'is this a single sample? Put batches together with .batch(n)' } : {}),
  })
}

function countBatches(batches: BatchIterable): number | null {
  if (typeof batches === 'function') return null
  const { cardinality, length, size } = batches as { readonly cardinality?: unknown; readonly length?: unknown; readonly size?: unknown }
  return ([cardinality, length, size].find((count) => typeof count === 'number') as number | undefined) ?? null
}

async function withinTime(closing: MaybePromise<void>): Promise<void> {
  if (!isPromise(closing)) return
  // Nobody hears of a failure that comes later.
  closing.catch(() => undefined)
  let timer: ReturnType<typeof setTimeout> | undefined
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLOSING_MS)
  })
  try {
    await Promise.race([closing, patience])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * The number of batches that a run takes.
 *
 * @throws DataError where neither the data nor the caller sets an end.
 */
export function requireEnd(source: Source, given: number | undefined, option: string): number | null {
  if (given !== undefined || source.steps !== Number.POSITIVE_INFINITY) return given ?? source.steps
  throw new DataError({
    where: option,
    problem: 'the data never ends',
    expected: 'a number of batches',
    hint: `pass ${option}, or take(n) of the dataset`,
  })
}
