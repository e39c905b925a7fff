/** Runs kernels over ranges of tasks on all threads. See `protocol.ts` for how they share the work. */
import { startWorker, threadCount } from '#wasm-threads'
import type { Heap } from './heap.js'
import type { Kernel } from './linker.js'
import { CONTROL, CONTROL_BYTES, MAX_TASKS, SCRATCH_BYTES, SLOT, SLOT_COUNT, SLOT_WORDS, SPINS } from './protocol.js'

export class Pool {
  /** Threads that may work, the main one counted. */
  readonly threads: number
  /** Scratch memory of the main thread. */
  readonly scratch: number
  readonly #heap: Heap
  readonly #control: number
  #stops: (() => void)[] | undefined
  #epoch = 0

  constructor(heap: Heap, threads = threadCount()) {
    this.#heap = heap
    this.threads = heap.import.shared ? Math.min(threads, 64) : 1
    this.scratch = heap.allocate(SCRATCH_BYTES)
    this.#control = heap.allocate(CONTROL_BYTES) >>> 2
    heap.words.fill(0, this.#control, this.#control + CONTROL_BYTES / 4)
  }

  /** Runs `kernel` for tasks 0 to `count` in pieces of `chunk` or more; returns when all are done. */
  run(kernel: Kernel, args: number, count: number, chunk: number): void {
    if (this.threads === 1 || count <= chunk) {
      kernel.run(args, 0, count, this.scratch)
      return
    }
    if (this.#stops === undefined) this.#start()
    const piece = Math.max(chunk, Math.ceil(count / MAX_TASKS))
    const tasks = Math.ceil(count / piece)
    const words = this.#heap.words
    const control = this.#control
    this.#epoch++
    const slot = control + CONTROL.slots + (this.#epoch & (SLOT_COUNT - 1)) * SLOT_WORDS
    Atomics.store(words, slot + SLOT.epoch, this.#epoch)
    words[slot + SLOT.module] = kernel.module.id
    words[slot + SLOT.moduleAddress] = kernel.module.address
    words[slot + SLOT.moduleBytes] = kernel.module.bytes
    words[slot + SLOT.kernel] = kernel.index
    words[slot + SLOT.args] = args
    words[slot + SLOT.count] = count
    words[slot + SLOT.chunk] = piece
    Atomics.store(words, slot + SLOT.done, 0)
    Atomics.store(words, slot + SLOT.tasks, tasks)
    Atomics.store(words, control + CONTROL.work, this.#epoch << 16)
    Atomics.store(words, control + CONTROL.epoch, this.#epoch)
    if (Atomics.load(words, control + CONTROL.sleepers) > 0) Atomics.notify(words, control + CONTROL.epoch)
    for (;;) {
      const task = Atomics.add(words, control + CONTROL.work, 1) & 0xffff
      if (task >= tasks) break
      kernel.run(args, task * piece, Math.min((task + 1) * piece, count), this.scratch)
      Atomics.add(words, slot + SLOT.done, 1)
    }
    this.#await(words, slot + SLOT.done, tasks)
  }

  #await(words: Int32Array, word: number, tasks: number): void {
    for (let spins = 0; spins < SPINS; spins++) if (Atomics.load(words, word) === tasks) return
    for (;;) {
      const done = Atomics.load(words, word)
      if (done === tasks) return
      // A worker that finishes the last task wakes us; the timeout covers the finish just before the wait.
      Atomics.wait(words, word, done, 1)
    }
  }

  #start(): void {
    this.#stops = []
    for (let at = 1; at < this.threads; at++) {
      this.#stops.push(startWorker({ memory: this.#heap.memory, control: this.#control, scratch: this.#heap.allocate(SCRATCH_BYTES) }))
    }
  }

  dispose(): void {
    for (const stop of this.#stops ?? []) stop()
    this.#stops = []
  }
}
