/**
 * One step of training, testing or predicting as a compiled function: fetching rows, the model's step
 * (forward, loss, gradients, update, metrics), and the cursor, in one program a batch signature.
 */
import { mapTree, type Tree } from '../core/tree.js'
import { type Jitted, jit, lax, type Tensor, Variable } from '../engine/index.js'
import * as ops from '../ops/index.js'
import type { Arrays } from './convert.js'
import type { Feed } from './source.js'

/** What a step of the model's is given: x, targets and weights of one batch. */
export type Batch = readonly [x: Tree<Tensor>, y: Tree<Tensor> | null, sampleWeight: Tree<Tensor> | null]

export interface StepOptions {
  readonly name: string
  /** Run operation by operation instead. */
  readonly runEagerly: boolean
}

/**
 * `body` is called with one batch; what it returns for the last batch of an execution is the result. Other
 * `settings` are constants of the compiled function.
 */
export class CompiledStep<S extends Tree<unknown>, R> {
  /** Where in the arrays the next batch begins. */
  readonly #cursor = new Variable(() => ops.zeros([], 'int32'), { name: 'cursor', trainable: false, autocast: false })
  readonly #run: Jitted<[feeds: readonly unknown[], settings: S], R | undefined>

  readonly #prepared: { readonly feeds: readonly Feed[]; readonly settings: S; readonly run: () => R | undefined }[] = []

  constructor(body: (batch: Batch, settings: S) => R, { name, runEagerly }: StepOptions) {
    const whole = (feeds: readonly unknown[], settings: S): R | undefined => {
      let result: R | undefined
      for (const feed of feeds) {
        const { x, y, sampleWeight } = this.#fetch(feed as Feed)
        result = body([x, y, sampleWeight], settings)
      }
      return result
    }
    this.#run = compiledUnless(runEagerly, whole, name)
  }

  /** Begins with the first row again, in whatever order the source has by now. */
  rewind(): void {
    this.#prepared.length = 0
    this.#cursor.assign(ops.zeros([], 'int32'))
  }

  /** Queues the batches, one after the other, and gives what the last one's step returned. */
  run(feeds: readonly Feed[], settings: S): R | undefined {
    if (feeds.every(({ kind }) => kind === 'rows')) return this.#runRows(feeds, settings)
    try {
      return this.#run(feeds.map(plainFeed), settings)
    } finally {
      for (const feed of feeds) if (feed.kind === 'batch') feed.dispose()
    }
  }

  /** Rows are always taken from the same arrays: nothing has to be looked up from the second step on. */
  #runRows(feeds: readonly Feed[], settings: S): R | undefined {
    let known = this.#prepared.find(
      (entry) => entry.settings === settings && entry.feeds.length === feeds.length && entry.feeds.every((feed, i) => feed === feeds[i]),
    )
    if (known === undefined) this.#prepared.push((known = { feeds, settings, run: this.#run.prepare(feeds.map(plainFeed), settings) }))
    return known.run()
  }

  dispose(): void {
    this.#prepared.length = 0
    this.#run.dispose()
  }

  #fetch(feed: Feed): Arrays {
    if (feed.kind === 'batch') return feed.arrays
    const { arrays, order, size } = feed
    const start = this.#cursor.value
    const places = lax.add(lax.iota([size], 'int32', 0), lax.broadcast(start, [size], []))
    const rows = order === null ? places : lax.gather(order, places, 0)
    this.#cursor.assign(ops.add(start, size))
    const take = (tree: Tree<Tensor> | null): Tree<Tensor> | null =>
      tree === null ? null : mapTree(tree, (leaf) => lax.gather(leaf, rows, 0))
    return { x: take(arrays.x) as Tree<Tensor>, y: take(arrays.y), sampleWeight: take(arrays.sampleWeight) }
  }
}

/** `body` compiled, or as it is in the form of a compiled function. */
export function compiledUnless<A extends readonly unknown[], R>(runEagerly: boolean, body: (...args: A) => R, name: string): Jitted<A, R> {
  if (!runEagerly) return jit(body, { name })
  return Object.assign((...args: A) => body(...args), {
    prepare:
      (...args: A) =>
      () =>
        body(...args),
    inspect: () => '',
    dispose: () => undefined,
  })
}

/** A feed as an argument of a compiled function: tensors and constants only. */
const plainFeed = (feed: Feed): unknown =>
  feed.kind === 'batch'
    ? { kind: feed.kind, arrays: feed.arrays }
    : { kind: feed.kind, arrays: feed.arrays, order: feed.order, size: feed.size }

/** Tensors of one number each as one vector, to be read at once. */
export const packed = (values: readonly Tensor[]): Tensor =>
  values.length === 0
    ? ops.zeros([0], 'float32')
    : lax.concat(
        values.map((value) => ops.reshape(ops.cast(ops.mean(value), 'float32'), [1])),
        0,
      )
