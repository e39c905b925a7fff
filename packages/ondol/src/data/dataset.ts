/**
 * Pipelines of elements, pulled one by one when somebody asks. Follows `tf.data.Dataset`; elements live in ordinary
 * memory (see host-array.ts), and everything random is a function of (seed, epoch), so that a pass can be resumed.
 */
import { DataError, ValueError } from '../core/errors.js'
import { makeDefaultSeed } from '../ops/random.js'
import { nextTurn } from '../training/pace.js'
import { type Batched, collate } from './collate.js'
import { after, type Cursor, cursorOf, drain, END, iteratorOf, type MaybePromise, type Pass } from './cursor.js'
import { requireCount } from './options.js'
import { type PaddingOptions, paddingOf } from './padding.js'
import { type ElementContext, makeRandom, mixSeeds, Place } from './random.js'
import { type Rows, rowsOf, type Sliceable, type Sliced } from './slices.js'
import { Cache, prefetched } from './stages/ahead.js'
import { filtered, flattened, interleaved, mapped, mappedSideBySide } from './stages/each.js'
import { grouped, ungrouped } from './stages/groups.js'
import { concatenated, repeated, selected, shuffled, taken, zipped } from './stages/order.js'
import { type WorkerMapOptions, workerMapped } from './workers.js'

export interface MapOptions {
  /** Elements that may be under way at once, for asynchronous functions. Their order stays. Default 1. */
  readonly parallel?: number
}

export interface ShuffleOptions {
  /** Default: from `utils.setRandomSeed`; in `fit`, from the seed of the run. */
  readonly seed?: number
  /** A new order for each pass. Default true. */
  readonly reshuffleEachIteration?: boolean
}

export interface BatchOptions {
  /** Leave out a last short batch. Default false. */
  readonly dropRemainder?: boolean
}

export interface WindowOptions extends BatchOptions {
  /** Elements from the start of a window to the next one's. Default: the window's size. */
  readonly shift?: number
  /** Elements from one to the next inside a window. Default 1. */
  readonly stride?: number
}

export interface InterleaveOptions {
  /** Inner datasets that take turns. Default 16. */
  readonly cycleLength?: number
  /** Elements of each in its turn. Default 1. */
  readonly blockLength?: number
}

type Iterables<T> = Iterable<T> | AsyncIterable<T>
type DatasetGroup = readonly Dataset<unknown>[] | { readonly [name: string]: Dataset<unknown> }
/** What each of several datasets gives, in their structure. */
type Zipped<S> = S extends Dataset<infer T> ? T : { -readonly [K in keyof S]: Zipped<S[K]> }

/**
 * A sequence of elements that can be gone through again and again; nothing is computed before.
 *
 * @example
 * const train = data.Dataset.fromTensorSlices([images, labels])
 *   .shuffle(60_000)
 *   .map(([image, label], { random }) => [augment(image, random), label])
 *   .batch(128)
 * await model.fit(train, { epochs: 5 })
 */
export class Dataset<T> implements AsyncIterable<T> {
  /** Elements in a pass: null if that is not known, Infinity if it never ends. */
  readonly cardinality: number | null
  readonly #open: (pass: Pass) => Cursor<T>
  #passes = 0
  #seed: number | undefined

  /** For stages of your own: `open` starts a pass. */
  constructor(open: (pass: Pass) => Cursor<T>, cardinality: number | null = null) {
    this.#open = open
    this.cardinality = cardinality
  }

  // ---- sources ----

  /** Rows along axis 0 of arrays, or of lists and records of arrays. Numbers in plain lists stay numbers. */
  static fromTensorSlices<S extends Sliceable>(arrays: S): Dataset<Sliced<S>> {
    return Dataset.#ofRows(rowsOf(arrays))
  }

  /** One element: `arrays` as they are. */
  static fromTensors<S>(arrays: S): Dataset<S> {
    return Dataset.#ofRows({ count: 1, row: () => arrays })
  }

  /** What `make` yields, sync or async; it is called anew for each pass. */
  static fromGenerator<T>(make: () => Iterables<T>, { cardinality = null }: { readonly cardinality?: number | null } = {}): Dataset<T> {
    return new Dataset(() => cursorOf(make(), 'Dataset.fromGenerator'), cardinality)
  }

  /** The items of something iterable, each an element as it is. What can be iterated once only gives one pass. */
  static from<T>(items: Iterables<T>): Dataset<T> {
    const { length } = items as { readonly length?: unknown }
    return new Dataset(() => cursorOf(items, 'Dataset.from'), typeof length === 'number' ? length : null)
  }

  /** 0 to stop - 1; or start, start + step, … below stop. */
  static range(stop: number): Dataset<number>
  static range(start: number, stop: number, step?: number): Dataset<number>
  static range(first: number, second?: number, step = 1): Dataset<number> {
    const [start, stop] = second === undefined ? [0, first] : [first, second]
    if (!(Number.isFinite(step) && step !== 0))
      throw new ValueError({ where: 'Dataset.range', problem: 'the step must be a number that is not 0', received: String(step) })
    return Dataset.#ofRows({ count: Math.max(0, Math.ceil((stop - start) / step)), row: (i) => start + i * step })
  }

  /** Elements of several datasets side by side until one ends: of a list, of a record, or one argument each. */
  static zip<const S extends DatasetGroup>(datasets: S): Dataset<Zipped<S>>
  static zip<const S extends readonly Dataset<unknown>[]>(...datasets: S): Dataset<Zipped<S>>
  static zip(first: DatasetGroup | Dataset<unknown>, ...others: readonly Dataset<unknown>[]): Dataset<unknown> {
    const datasets = first instanceof Dataset ? [first, ...others] : first
    const names = Array.isArray(datasets) ? undefined : Object.keys(datasets)
    const parts = Object.values(datasets) as Dataset<unknown>[]
    const open = (pass: Pass): Cursor<unknown> => {
      const lists = zipped(parts.map((part, i) => part.open({ ...pass, seed: mixSeeds(pass.seed, i) })))
      if (names === undefined) return lists
      return mapped(lists, (list) => Object.fromEntries(names.map((name, i) => [name, list[i]])), 'Dataset.zip')
    }
    const known = parts.map(({ cardinality }) => cardinality)
    const cardinality = known.includes(null) ? null : Math.min(...(known as number[]))
    return new Dataset(open, cardinality)
  }

  static #ofRows<T>({ count, row }: Rows<T>): Dataset<T> {
    const open = (): Cursor<T> => {
      let next = 0
      return { next: () => (next < count ? row(next++) : END), close: () => undefined }
    }
    return new Dataset(open, count)
  }

  // ---- one element at a time ----

  /**
   * Each element changed. The function may be asynchronous; with `parallel`, several elements are under way at
   * once. Its second argument has the element's `index` and `random` numbers of its own.
   *
   * Given the URL of a module, its exported function does the work in `workers` threads.
   *
   * @example
   * images.map(async (path) => decode(await readFile(path)), { parallel: 8 })
   * images.map(new URL('./augment.js', import.meta.url), { workers: 4 })
   */
  map<const U>(fn: (element: T, context: ElementContext) => U | Promise<U>, options?: MapOptions): Dataset<U>
  map<U = unknown>(module: URL, options?: WorkerMapOptions): Dataset<U>
  map<U>(how: URL | ((element: T, context: ElementContext) => U | Promise<U>), options: MapOptions & WorkerMapOptions = {}): Dataset<U> {
    if (how instanceof URL) {
      const own = { ...options }
      return this.#stage((source, pass) => workerMapped<T, U>(source, how, own, pass), this.cardinality)
    }
    const { parallel = 1 } = options
    requireCount(parallel, 'Dataset.map parallel')
    return this.#stage((source, pass) => {
      const seed = mixSeeds(pass.seed, pass.epoch)
      const work = (element: T, index: number): MaybePromise<U> => how(element, new Place(index, seed))
      return parallel > 1 ? mappedSideBySide(source, work, 'Dataset.map', parallel) : mapped(source, work, 'Dataset.map')
    }, this.cardinality)
  }

  /** The elements for which `keeps` is true. */
  filter(keeps: (element: T) => unknown): Dataset<T> {
    return this.#stage((source) => filtered(source, keeps, 'Dataset.filter'), null)
  }

  /** All elements of the datasets (or lists) that `fn` gives for elements, one after the other. */
  flatMap<const U>(fn: (element: T) => Dataset<U> | Iterables<U>): Dataset<U> {
    return this.#stage((source, pass) => flattened(source, inner(fn, pass), 'Dataset.flatMap'), null)
  }

  /** As `flatMap`, but taking turns between several of them. */
  interleave<const U>(
    fn: (element: T) => Dataset<U> | Iterables<U>,
    { cycleLength = 16, blockLength = 1 }: InterleaveOptions = {},
  ): Dataset<U> {
    requireCount(cycleLength, 'Dataset.interleave cycleLength')
    requireCount(blockLength, 'Dataset.interleave blockLength')
    return this.#stage((source, pass) => interleaved(source, inner(fn, pass), 'Dataset.interleave', cycleLength, blockLength), null)
  }

  /** [0, first], [1, second], … */
  enumerate(start = 0): Dataset<[index: number, element: T]> {
    return this.#stage(
      (source) => mapped<T, [number, T]>(source, (element, index) => [start + index, element], 'Dataset.enumerate'),
      this.cardinality,
    )
  }

  // ---- order ----

  /** In random order, as far as a buffer of `bufferSize` elements allows; a full shuffle takes all of them. */
  shuffle(bufferSize: number, { seed, reshuffleEachIteration = true }: ShuffleOptions = {}): Dataset<T> {
    requireCount(bufferSize, 'Dataset.shuffle bufferSize')
    return this.#stage((source, pass) => {
      const random = makeRandom(mixSeeds(seed ?? pass.seed, reshuffleEachIteration ? pass.epoch : 0))
      return shuffled(source, bufferSize, random)
    }, this.cardinality)
  }

  /** `count` passes one after the other; without a count, for ever. */
  repeat(count = Number.POSITIVE_INFINITY): Dataset<T> {
    if (count !== Number.POSITIVE_INFINITY) requireCount(count, 'Dataset.repeat', 0)
    const open = (pass: Pass): Cursor<T> =>
      repeated((round) => this.open(round === 0 ? pass : { ...pass, epoch: mixSeeds(pass.epoch, round) }), count)
    return new Dataset(
      open,
      this.cardinality === 0 || count === 0
        ? 0
        : this.cardinality === null
          ? count === Number.POSITIVE_INFINITY
            ? count
            : null
          : this.cardinality * count,
    )
  }

  /** The first `count` elements. */
  take(count: number): Dataset<T> {
    requireCount(count, 'Dataset.take', 0)
    return this.#stage(
      (source) => taken(source, count),
      counted(this.cardinality, (n) => Math.min(n, count)),
    )
  }

  /** All but the first `count` elements. */
  skip(count: number): Dataset<T> {
    requireCount(count, 'Dataset.skip', 0)
    return this.#stage(
      (source) => selected(source, (index) => index >= count),
      counted(this.cardinality, (n) => Math.max(0, n - count)),
    )
  }

  /** Every `count`th element, from element `index` on: one part of several that together are all. */
  shard(count: number, index: number): Dataset<T> {
    requireCount(count, 'Dataset.shard count')
    if (!(Number.isInteger(index) && index >= 0 && index < count)) {
      throw new ValueError({
        where: 'Dataset.shard',
        problem: 'there is no such part',
        expected: `0 to ${count - 1}`,
        received: String(index),
      })
    }
    return this.#stage(
      (source) => selected(source, (place) => place % count === index),
      counted(this.cardinality, (n) => (n === Number.POSITIVE_INFINITY ? n : Math.max(0, Math.ceil((n - index) / count)))),
    )
  }

  /** This dataset's elements, then the other's. */
  concatenate(other: Dataset<T>): Dataset<T> {
    const open = (pass: Pass): Cursor<T> =>
      concatenated([() => this.open(pass), () => other.open({ ...pass, seed: mixSeeds(pass.seed, 1) })])
    const [a, b] = [this.cardinality, other.cardinality]
    return new Dataset(open, a === null || b === null ? null : a + b)
  }

  /** Pairs of this dataset's elements and the other's. */
  zip<U>(other: Dataset<U>): Dataset<[T, U]> {
    return Dataset.zip([this, other])
  }

  // ---- groups ----

  /**
   * `size` elements as one, with an axis more in front.
   *
   * @throws DataError naming the element that does not go with the others.
   */
  batch(size: number, { dropRemainder = false }: BatchOptions = {}): Dataset<Batched<T>> {
    return this.#grouped('batch', size, { dropRemainder }, (group, first) => collate(group, first))
  }

  /**
   * As `batch`, for elements of different shapes: each is filled up to the greatest in its batch, or to
   * `paddedShapes`, with `paddingValues` (0).
   *
   * @example
   * sentences.paddedBatch(32, { paddedShapes: [[null], []], paddingValues: [-1, 0] })
   */
  paddedBatch(size: number, options: PaddingOptions & BatchOptions = {}): Dataset<Batched<T>> {
    const padding = paddingOf(options)
    return this.#grouped('paddedBatch', size, options, (group, first) => collate(group, first, padding))
  }

  /** Another name of `paddedBatch`. */
  padToBatch(size: number, options: PaddingOptions & BatchOptions = {}): Dataset<Batched<T>> {
    return this.paddedBatch(size, options)
  }

  /** Rows of each element along axis 0: the reverse of `batch`. */
  unbatch(): Dataset<Sliced<T>> {
    return this.#stage((source) => ungrouped(source, rowsOf), null)
  }

  /** Datasets of `size` elements each: `flatMap((window) => window.batch(size))` makes arrays of them. */
  window(size: number, { shift = size, stride = 1, dropRemainder = false }: WindowOptions = {}): Dataset<Dataset<T>> {
    requireCount(stride, 'Dataset.window stride')
    requireCount(shift, 'Dataset.window shift')
    return this.#grouped('window', size, { shift, stride, dropRemainder }, (group) => {
      const elements = [...group]
      return Dataset.#ofRows({ count: elements.length, row: (i) => elements[i] as T })
    })
  }

  #grouped<U>(name: string, size: number, options: WindowOptions, finish: (group: readonly T[], first: number) => U): Dataset<U> {
    requireCount(size, `Dataset.${name} size`)
    const { shift = size, stride = 1, dropRemainder = false } = options
    const span = (size - 1) * stride + 1
    const cardinality = counted(this.cardinality, (n) => {
      if (n === Number.POSITIVE_INFINITY) return n
      return dropRemainder ? Math.max(0, Math.floor((n - span) / shift) + 1) : Math.ceil(n / shift)
    })
    return this.#stage((source) => grouped(source, { size, shift, stride, dropRemainder }, finish), cardinality)
  }

  // ---- ahead ----

  /** Remembers all elements of the first complete pass; later ones come from memory. */
  cache(): Dataset<T> {
    const cache = new Cache<T>()
    return new Dataset((pass) => cache.open(() => this.open(pass)), this.cardinality)
  }

  /** Has up to `count` elements ready before they are asked for. */
  prefetch(count: number): Dataset<T> {
    requireCount(count, 'Dataset.prefetch', 0)
    return this.#stage((source) => (count === 0 ? source : prefetched(source, count, nextTurn)), this.cardinality)
  }

  // ---- ends ----

  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return iteratorOf(this.open())
  }

  /** Calls `fn` with each element, and waits for it. */
  async forEach(fn: (element: T, index: number) => unknown): Promise<void> {
    let index = 0
    await drain(this.open(), (element) => after(fn(element, index++) as MaybePromise<unknown>, () => true))
  }

  async reduce<A>(initial: A, fn: (accumulated: A, element: T) => A | Promise<A>): Promise<A> {
    let accumulated = initial
    await drain(this.open(), (element) =>
      after(fn(accumulated, element) as MaybePromise<A>, (next) => {
        accumulated = next
      }),
    )
    return accumulated
  }

  /** All elements in memory. */
  async toArray(): Promise<T[]> {
    if (this.cardinality === Number.POSITIVE_INFINITY) {
      throw new DataError({ where: 'Dataset.toArray', problem: 'this dataset never ends', hint: 'take(n) of it' })
    }
    const elements: T[] = []
    await drain(this.open(), (element) => {
      elements.push(element)
    })
    return elements
  }

  /** Starts a pass: number `epoch` under `seed`, else the next one under the dataset's own seed. */
  open(pass?: Pass): Cursor<T> {
    if (pass !== undefined) return this.#open(pass)
    this.#seed ??= makeDefaultSeed()
    return this.#open({ epoch: this.#passes++, seed: this.#seed })
  }

  /** A dataset whose passes are this one's with a stage behind. Stages that are random differ by their depth. */
  #stage<U>(behind: (source: Cursor<T>, pass: Pass) => Cursor<U>, cardinality: number | null): Dataset<U> {
    return new Dataset((pass) => behind(this.open({ ...pass, seed: mixSeeds(pass.seed, 0) }), pass), cardinality)
  }
}

const counted = (cardinality: number | null, change: (count: number) => number): number | null =>
  cardinality === null ? null : change(cardinality)

/** Passes over what `fn` gives, each with a seed of its own. */
const inner =
  <T, U>(fn: (element: T) => Dataset<U> | Iterables<U>, pass: Pass) =>
  (element: T, index: number): Cursor<U> => {
    const made = fn(element)
    return made instanceof Dataset ? made.open({ ...pass, seed: mixSeeds(pass.seed, index) }) : cursorOf(made, 'Dataset.flatMap')
  }
