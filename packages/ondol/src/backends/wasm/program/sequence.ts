/**
 * A plan made ready: tasks in order, each a kernel and the address of its record. Addresses in records come
 * from slots; binding a slot to another address rewrites just the words that depend on it, so a run or an
 * iteration of a scan allocates nothing and costs little.
 */
import type { Heap } from '../runtime/heap.js'
import type { Kernel } from '../runtime/linker.js'
import type { Pool } from '../runtime/pool.js'
import type { Pointer } from '../runtime/record.js'

export interface Task {
  readonly kernel: Kernel
  /** Address of the record. */
  readonly args: number
  readonly count: number
  /** Tasks that a thread takes at once; 0: all of them, on the calling thread. */
  readonly chunk: number
}

/** Something between tasks that is done in TypeScript: sub-plans. */
export interface Control {
  readonly run: () => void
  readonly dispose: () => void
}

export type Action = Task | Control

/** Words to rewrite when a slot is bound. */
export interface Patch {
  /** Index into the heap's words. */
  readonly word: number
  readonly offset: number
}

export const ARENA_SLOT = 0
export const SCRATCH_SLOT = 1

export interface SequenceParts {
  readonly actions: readonly Action[]
  readonly patches: readonly (readonly Patch[])[]
  readonly inputSlots: readonly number[]
  readonly outputSlots: readonly number[]
  readonly scratchBytes: number
  /** Heap blocks that live as long as the sequence. */
  readonly blocks: readonly { readonly address: number; readonly bytes: number }[]
}

export class Sequence {
  readonly scratchBytes: number
  readonly #heap: Heap
  readonly #pool: Pool
  readonly #parts: SequenceParts
  readonly #addresses: number[]
  /** Word and offset by turns, for each slot. */
  readonly #patches: readonly Float64Array[]

  constructor(heap: Heap, pool: Pool, parts: SequenceParts) {
    this.#heap = heap
    this.#pool = pool
    this.#parts = parts
    this.scratchBytes = parts.scratchBytes
    this.#addresses = parts.patches.map(() => -1)
    this.#patches = parts.patches.map((patches) => Float64Array.from(patches.flatMap(({ word, offset }) => [word, offset])))
  }

  bind(slot: number, address: number): void {
    if (this.#addresses[slot] === address) return
    this.#addresses[slot] = address
    const patches = this.#patches[slot] as Float64Array
    const words = this.#heap.words
    for (let at = 0; at < patches.length; at += 2) words[patches[at] as number] = address + (patches[at + 1] as number)
  }

  bindInput(index: number, address: number): void {
    this.bind(this.#parts.inputSlots[index] as number, address)
  }

  bindOutput(index: number, address: number): void {
    this.bind(this.#parts.outputSlots[index] as number, address)
  }

  /** Where a pointer points now. */
  addressOf({ slot, offset }: Pointer): number {
    return (this.#addresses[slot] as number) + offset
  }

  run(): void {
    const { actions } = this.#parts
    const pool = this.#pool
    for (let at = 0; at < actions.length; at++) {
      const action = actions[at] as Action
      if (!('kernel' in action)) action.run()
      else if (action.chunk === 0) action.kernel.run(action.args, 0, action.count, pool.scratch)
      else pool.run(action.kernel, action.args, action.count, action.chunk)
    }
  }

  dispose(): void {
    for (const action of this.#parts.actions) if (!('kernel' in action)) action.dispose()
    for (const { address, bytes } of this.#parts.blocks) this.#heap.free(address, bytes)
  }
}
