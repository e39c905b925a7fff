/**
 * The one WebAssembly memory and who has which part of it. Free blocks merge with their neighbours
 * and are found again by size class (powers of two); blocks start at multiples of 64.
 */
import { OutOfMemoryError } from '../../../core/errors.js'
import type { MemoryImport } from '../assembler/index.js'

const PAGE = 65536
const ALIGNMENT = 64
/** Kernels may read, never use, this much past the end of a block. */
const SLACK = 256
/** Below it nothing is allocated, so that no block has the address 0. */
const FLOOR = 1024
/** Address of 64 bytes that are always 0. */
export const ZEROS = 512
const GROWTH = 256 * PAGE

export class Heap {
  readonly memory: WebAssembly.Memory
  readonly import: MemoryImport
  /** All of memory; made anew when it grows. */
  bytes!: Uint8Array<ArrayBuffer>
  words!: Int32Array
  /** Bytes in blocks that are allocated. */
  used = 0
  /** First address never given out. */
  #top = FLOOR
  #end = 0
  /** Sizes of free blocks by start, and starts by end. */
  readonly #free = new Map<number, number>()
  readonly #freeEnds = new Map<number, number>()
  readonly #classes = Array.from({ length: 33 }, () => new Set<number>())

  constructor(shared: boolean, maximumPages = 65536) {
    const { memory, maximum } = createMemory(shared, maximumPages)
    this.memory = memory
    this.import = { shared, maximum }
    this.#refresh()
  }

  /** Start of a new block of at least `bytes`. */
  allocate(bytes: number): number {
    const size = blockSize(bytes)
    const address = this.#takeFree(size) ?? this.#takeTop(size, bytes)
    this.used += size
    return address
  }

  /** Gives back what `allocate(bytes)` returned. */
  free(address: number, bytes: number): void {
    let start = address
    let size = blockSize(bytes)
    this.used -= size
    const before = this.#freeEnds.get(start)
    if (before !== undefined) {
      start = before
      size += this.#remove(before)
    }
    if (this.#free.has(start + size)) size += this.#remove(start + size)
    if (start + size === this.#top) this.#top = start
    else this.#insert(start, size)
  }

  #takeFree(size: number): number | undefined {
    for (let at = classOf(size); at < 33; at++) {
      for (const start of this.#classes[at] as Set<number>) {
        const available = this.#free.get(start) as number
        if (available < size) continue
        this.#remove(start)
        if (available > size) this.#insert(start + size, available - size)
        return start
      }
    }
    return undefined
  }

  #takeTop(size: number, asked: number): number {
    const start = this.#top
    const missing = start + size + SLACK - this.#end
    if (missing > 0) this.#grow(missing, asked)
    this.#top = start + size
    return start
  }

  #grow(missing: number, asked: number): void {
    const limit = this.import.maximum * PAGE
    const wanted = Math.max(missing, Math.min(GROWTH, limit - this.#end))
    for (const bytes of [wanted, missing]) {
      if (this.#end + bytes > limit) continue
      try {
        this.memory.grow(Math.ceil(bytes / PAGE))
        this.#refresh()
        return
      } catch {
        // The engine refused; a smaller step may do.
      }
    }
    throw new OutOfMemoryError({
      where: 'wasm',
      problem: `no room for ${formatBytes(asked)}`,
      expected: `at most ${formatBytes(limit)} in all, the most that one WebAssembly memory holds here`,
      received: `${formatBytes(asked)} on top of ${formatBytes(this.used)} in use`,
      hint: "use a smaller batch or model, dispose of tensors that are not needed, or setBackend('native'), which has no such limit",
    })
  }

  #refresh(): void {
    const buffer = this.memory.buffer as ArrayBuffer
    this.#end = buffer.byteLength
    this.bytes = new Uint8Array(buffer)
    this.words = new Int32Array(buffer)
  }

  #insert(start: number, size: number): void {
    this.#free.set(start, size)
    this.#freeEnds.set(start + size, start)
    this.#classes[classOf(size)]?.add(start)
  }

  #remove(start: number): number {
    const size = this.#free.get(start) as number
    this.#free.delete(start)
    this.#freeEnds.delete(start + size)
    this.#classes[classOf(size)]?.delete(start)
    return size
  }
}

const classOf = (size: number): number => Math.floor(Math.log2(size))
const blockSize = (bytes: number): number => Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT)

/** A shared memory reserves addresses up to its maximum; where that is refused, a smaller one may be had. */
function createMemory(shared: boolean, maximumPages: number): { memory: WebAssembly.Memory; maximum: number } {
  let maximum = maximumPages
  for (;;) {
    try {
      return { memory: new WebAssembly.Memory({ initial: Math.min(16, maximum), maximum, shared }), maximum }
    } catch (error) {
      if (maximum <= 1024) throw new OutOfMemoryError({ where: 'wasm', problem: 'the JavaScript engine gives no memory', cause: error })
      maximum = Math.floor(maximum / 2)
    }
  }
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB'] as const
export function formatBytes(bytes: number): string {
  const unit = Math.min(3, Math.floor(Math.log2(Math.max(1, bytes)) / 10))
  const value = bytes / 1024 ** unit
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${UNITS[unit]}`
}
