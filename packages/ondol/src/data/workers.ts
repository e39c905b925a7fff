/**
 * Functions of a module, run in threads: each thread imports the module and answers one message with one. What is
 * sent are plain records; arrays arrive in the function as `{ data, shape, dtype }`, and may be returned like that.
 */
import { platform } from '#platform'
import { BackendError, ValueError } from '../core/errors.js'
import type { Thread } from '../platform/platform.js'
import { isArrayLeaf } from './collate.js'
import { type Cursor, END, type Pass } from './cursor.js'
import { array, HostArray, isArrayRecord } from './host-array.js'
import { requireCount } from './options.js'
import { mixSeeds } from './random.js'
import { mappedSideBySide } from './stages/each.js'

export interface WorkerMapOptions {
  /** The function's name among the module's exports. Default `'default'`. */
  readonly export?: string
  /** Threads. Default 2. */
  readonly workers?: number
}

/** Milliseconds that threads wait for the next pass before they are let go. */
const IDLE_MS = 5000

/** What a thread runs: the same stream of random numbers as `makeRandom`, then one answer a message. */
const PROGRAM = `
const makeRandom = (seed) => {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
// A view on a part of a buffer would drag all of it along.
const compact = (value, transfer) => {
  if (ArrayBuffer.isView(value)) {
    if (value.byteLength === value.buffer.byteLength) return value
    const copy = value.slice()
    transfer.push(copy.buffer)
    return copy
  }
  if (Array.isArray(value)) return value.map((item) => compact(item, transfer))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, compact(item, transfer)]))
}
const loaded = new Map()
const find = async (module, name) => {
  if (!loaded.has(module)) loaded.set(module, import(module))
  const found = (await loaded.get(module))[name]
  if (typeof found !== 'function') throw new TypeError(module + ' exports no function called ' + name)
  return found
}
listen(async ({ id, module, name, value, index, seed }) => {
  try {
    const result = await (await find(module, name))(value, { index, random: makeRandom(seed) })
    const transfer = []
    post({ id, result: compact(result, transfer) }, transfer)
  } catch (error) {
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error))
    post({ id, error: { name, message, stack } })
  }
})
`

interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: { readonly name: string; readonly message: string; readonly stack?: string }
}
interface Waiting {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}
interface Member {
  readonly thread: Thread
  readonly waiting: Map<number, Waiting>
}

/** Threads that share the calls of one function. */
export class WorkerPool {
  readonly #members: Member[]
  readonly #module: string
  readonly #name: string
  #calls = 0

  constructor(module: URL, { export: name = 'default', workers = 2 }: WorkerMapOptions) {
    requireCount(workers, 'workers')
    this.#module = module.href
    this.#name = name
    this.#members = Array.from({ length: workers }, () => {
      const waiting = new Map<number, Waiting>()
      const fail = (error: unknown): void => {
        for (const { reject } of waiting.values()) reject(error)
        waiting.clear()
      }
      const thread = platform.startThread(
        PROGRAM,
        (message) => {
          const { id, result, error } = message as Answer
          const caller = waiting.get(id)
          waiting.delete(id)
          if (error === undefined) caller?.resolve(result)
          else caller?.reject(Object.assign(new Error(error.message), { name: error.name, stack: error.stack }))
        },
        (error) => fail(new BackendError({ where: 'worker', problem: 'a worker thread died', cause: error })),
      )
      return { thread, waiting }
    })
  }

  /** Calls the function in the thread with the least to do. */
  call(value: unknown, index: number, seed: number): Promise<unknown> {
    const member = this.#members.reduce((best, other) => (other.waiting.size < best.waiting.size ? other : best))
    const id = this.#calls++
    return new Promise((resolve, reject) => {
      member.waiting.set(id, { resolve, reject })
      const transfer: ArrayBuffer[] = []
      try {
        member.thread.post({ id, module: this.#module, name: this.#name, value: packed(value, transfer), index, seed }, transfer)
      } catch (error) {
        member.waiting.delete(id)
        reject(
          new ValueError({
            where: 'worker',
            problem: 'the element cannot be sent to a thread',
            expected: 'arrays, numbers, strings, and lists and records of these',
            cause: error,
          }),
        )
      }
    }).then(unpacked)
  }

  stop(): void {
    for (const { thread, waiting } of this.#members) {
      thread.stop()
      for (const { reject } of waiting.values()) reject(new BackendError({ where: 'worker', problem: 'the worker was stopped' }))
      waiting.clear()
    }
  }
}

const kept = new WeakMap<object, { readonly pool: WorkerPool; readonly timer: ReturnType<typeof setTimeout> }>()

/** The threads of one pass. */
export interface Lease {
  readonly pool: WorkerPool
  /** Leaves the threads, for a moment, to the next pass with the same options. */
  keep(): void
  /** Stops them, unless they were left. */
  stop(): void
}

/** Threads that the pass before left, or new ones; `options`, the very object, says whose they are. */
export function leaseThreads(module: URL, options: WorkerMapOptions): Lease {
  const reused = kept.get(options)
  if (reused !== undefined) {
    clearTimeout(reused.timer)
    kept.delete(options)
  }
  const pool = reused?.pool ?? new WorkerPool(module, options)
  let isOver = false
  const stop = (): void => {
    if (!isOver) pool.stop()
    isOver = true
  }
  const keep = (): void => {
    if (kept.has(options)) stop()
    if (isOver) return
    isOver = true
    const timer = setTimeout(() => {
      kept.delete(options)
      pool.stop()
    }, IDLE_MS)
    ;(timer as { unref?: () => void }).unref?.()
    kept.set(options, { pool, timer })
  }
  return { pool, keep, stop }
}

/** A pass that leaves its threads to the next one when it comes to its end, and stops them when it is broken off. */
export function withThreads<T>(cursor: Cursor<T>, lease: Lease): Cursor<T> {
  return {
    async next() {
      const step = await cursor.next()
      if (step === END) lease.keep()
      return step
    },
    close() {
      lease.stop()
      return cursor.close()
    },
  }
}

/** Elements changed in threads, two for each thread under way. */
export function workerMapped<T, U>(source: Cursor<T>, module: URL, options: WorkerMapOptions, pass: Pass): Cursor<U> {
  const lease = leaseThreads(module, options)
  const seed = mixSeeds(pass.seed, pass.epoch)
  const work = (element: T, index: number): Promise<U> => lease.pool.call(element, index, mixSeeds(seed, index)) as Promise<U>
  return withThreads(mappedSideBySide(source, work, 'Dataset.map', 2 * (options.workers ?? 2)), lease)
}

function packed(value: unknown, transfer: ArrayBuffer[]): unknown {
  if (isArrayLeaf(value)) {
    const { data, shape, dtype } = array(value)
    const copy = data.slice()
    transfer.push(copy.buffer as ArrayBuffer)
    return { data: copy, shape, dtype }
  }
  if (Array.isArray(value)) return value.map((item) => packed(item, transfer))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, packed(item, transfer)]))
}

function unpacked(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || value instanceof HostArray) return value
  if (Array.isArray(value)) return value.map(unpacked)
  if (isArrayRecord(value)) return array(value)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unpacked(item)]))
}
