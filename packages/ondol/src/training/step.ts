/**
 * One step of training, testing or predicting as a compiled function: the model's step (forward, loss, gradients,
 * update, metrics) on one batch, or on several one after the other.
 *
 * Rows of whole arrays are fetched by a small program of their own into Variables that the step reads. So the step
 * is compiled once for a batch's shapes, whatever the number of samples, and it takes nothing from this side but
 * the command to run.
 */
import { ValueError } from '../core/errors.js'
import { mapTree, structureKey, type Tree } from '../core/tree.js'
import { type Jitted, jit, lax, Tensor, Variable } from '../engine/index.js'
import * as ops from '../ops/index.js'
import { isRecord } from './outputs.js'
import type { Feed } from './source.js'

/** What a step of the model's is given: x, targets and weights of one batch. */
export type Batch = readonly [x: Tree<Tensor>, y: Tree<Tensor> | null, sampleWeight: Tree<Tensor> | null]

export interface StepOptions {
  readonly name: string
  /** Run operation by operation instead. */
  readonly runEagerly: boolean
}

type RowsFeed = Extract<Feed, { kind: 'rows' }>
/** A batch as Variables. */
type Slots = Tree<Variable | null>

/** Runs after which the programs that fetch rows are made anew. */
const FETCHES = 256

/** `body` is called with the batches of one execution. `settings` are constants of the compiled function. */
export class CompiledStep<S extends Tree<unknown>, R> {
  readonly #body: (batches: readonly Batch[], settings: S) => R
  readonly #options: StepOptions
  /** Where in the arrays the next batch begins. */
  readonly #cursor = new Variable(() => ops.zeros([], 'int32'), { name: 'cursor', trainable: false, autocast: false })
  readonly #onBatches: Jitted<[batches: readonly Batch[], settings: S], R>
  readonly #fetch: Jitted<[feeds: readonly unknown[], slots: readonly Slots[]], void>
  /** By the shapes of the batches. */
  readonly #onSlots = new Map<string, { readonly slots: readonly Slots[]; readonly run: Jitted<[settings: S], R> }>()
  #fetches = 0
  #prepared: { readonly feeds: readonly Feed[]; readonly settings: S; readonly fetch: () => void; readonly run: () => R }[] = []

  constructor(body: (batches: readonly Batch[], settings: S) => R, options: StepOptions) {
    this.#body = body
    this.#options = options
    this.#onBatches = compiledUnless(options.runEagerly, body, options.name)
    this.#fetch = jit((feeds, slots) => this.#fillSlots(feeds as readonly RowsFeed[], slots), { name: `${options.name}.fetch` })
  }

  /** Begins with this row, in whatever order the source has by now. */
  rewind(row: number): void {
    this.letGo()
    this.#cursor.assignOwned(ops.full([], row, 'int32'))
  }

  /** Forgets the arrays of the last run. */
  letGo(): void {
    this.#fetches += this.#prepared.length
    this.#prepared = []
    // Each number of samples has a small program of its own; those of long ago give way.
    if (this.#fetches < FETCHES) return
    this.#fetches = 0
    this.#fetch.dispose()
  }

  /** Queues the batches, one after the other. */
  run(feeds: readonly Feed[], settings: S): R {
    if (feeds.every((feed) => feed.kind === 'rows')) return this.#runRows(feeds, settings)
    try {
      return this.#onBatches(
        feeds.map(({ arrays: { x, y, sampleWeight } }) => [x, y, sampleWeight]),
        settings,
      )
    } finally {
      for (const feed of feeds) if (feed.kind === 'batch') feed.dispose()
    }
  }

  /** Rows are always taken from the same arrays: nothing has to be looked up from the second step on. */
  #runRows(feeds: readonly RowsFeed[], settings: S): R {
    let known = this.#prepared.find(
      (entry) => entry.settings === settings && entry.feeds.length === feeds.length && entry.feeds.every((feed, i) => feed === feeds[i]),
    )
    if (known === undefined) {
      const { slots, run } = this.#slotsFor(feeds)
      const plain = feeds.map(({ arrays, order, size }) => ({ arrays, order, size }))
      this.#prepared.push((known = { feeds, settings, fetch: this.#fetch.prepare(plain, slots), run: run.prepare(settings) }))
    }
    known.fetch()
    return known.run()
  }

  #slotsFor(feeds: readonly RowsFeed[]): { readonly slots: readonly Slots[]; readonly run: Jitted<[settings: S], R> } {
    const trees = feeds.map(({ arrays: { x, y, sampleWeight }, size }) => ({ tree: [x, y, sampleWeight] as Tree<Tensor | null>, size }))
    let key = ''
    for (const { tree, size } of trees) {
      key += `${structureKey(tree)}${size}`
      mapTree(tree, (leaf) => {
        key += leaf === null ? '|null' : `|${leaf.dtype}${leaf.shape.slice(1)}`
      })
    }
    let known = this.#onSlots.get(key)
    if (known === undefined) {
      const slots = trees.map(({ tree, size }) => mapTree(tree, (leaf) => (leaf === null ? null : slotFor(leaf, size))))
      const { runEagerly, name } = this.#options
      const onSlots = (settings: S): R => this.#body(slots.map(valuesOf), settings)
      this.#onSlots.set(key, (known = { slots, run: compiledUnless(runEagerly, onSlots, name) }))
    }
    return known
  }

  #fillSlots(feeds: readonly RowsFeed[], slots: readonly Slots[]): void {
    feeds.forEach(({ arrays: { x, y, sampleWeight }, order, size }, i) => {
      const start = this.#cursor.value
      const places = lax.add(lax.iota([size], 'int32', 0), lax.broadcast(start, [size], []))
      const rows = order === null ? places : lax.gather(order, places, 0)
      this.#cursor.assign(ops.add(start, size))
      const targets: (Variable | null)[] = []
      mapTree(slots[i] as Slots, (slot) => targets.push(slot))
      let next = 0
      mapTree([x, y, sampleWeight] as Tree<Tensor | null>, (leaf) => {
        const slot = targets[next++]
        if (leaf !== null) slot?.assign(lax.gather(leaf, rows, 0))
      })
    })
  }

  dispose(): void {
    this.#prepared = []
    this.#onBatches.dispose()
    this.#fetch.dispose()
    for (const { slots, run } of this.#onSlots.values()) {
      run.dispose()
      mapTree(slots as Tree<Variable | null>, (slot) => slot?.dispose())
    }
    this.#onSlots.clear()
  }
}

const slotFor = ({ shape, dtype }: Tensor, size: number): Variable =>
  new Variable(() => ops.zeros([size, ...shape.slice(1)], dtype), { name: 'batch', trainable: false, autocast: false })

const valuesOf = (slots: Slots): Batch => mapTree(slots, (slot) => slot?.value ?? null) as unknown as Batch

/** `body` compiled, or as it is in the form of a compiled function. */
export function compiledUnless<A extends readonly unknown[], R>(runEagerly: boolean, body: (...args: A) => R, name: string): Jitted<A, R> {
  // Metrics and optimizers make their state in the first step, and keep it.
  if (!runEagerly) return jit(body, { name, verifiesState: false })
  return Object.assign((...args: A) => body(...args), {
    prepare:
      (...args: A) =>
      () =>
        body(...args),
    inspect: () => '',
    dispose: () => undefined,
  })
}

/** Tensors of one number each as one vector, to be read at once. */
export const packed = (values: readonly Tensor[]): Tensor =>
  values.length === 0
    ? ops.zeros([0], 'float32')
    : lax.concat(
        values.map((value) => ops.reshape(ops.cast(ops.mean(value), 'float32'), [1])),
        0,
      )

/** @throws ValueError where a step does not give values by name. */
export function requireReport(report: unknown, where: string): Record<string, Tensor> {
  const isAsync = report instanceof Promise
  if (isAsync) report.catch(() => undefined)
  else if (isRecord(report) && Object.values(report).every((value) => value instanceof Tensor || typeof value === 'number')) {
    return mapTree(report as Record<string, Tensor | number>, (value) =>
      value instanceof Tensor ? value : ops.full([], value, 'float32'),
    ) as Record<string, Tensor>
  }
  throw new ValueError({
    where,
    problem: isAsync ? 'a step cannot be asynchronous' : 'a step gives what is reported by name',
    expected: 'a record of scalar tensors, such as this.getMetricsResult()',
    received: isAsync ? 'a promise' : report instanceof Tensor ? 'a tensor' : String(report),
    ...(isAsync && { hint: 'leave out async and await: it is recorded and compiled; look at values in callbacks' }),
  })
}
