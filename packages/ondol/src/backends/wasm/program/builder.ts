/** Collects the tasks of one plan: slots, records, scratch memory, and the loops to compile together. */
import { bytesOf, type DType } from '../../../core/dtype.js'
import type { BufferId, LoopStep, Plan, View } from '../../../engine/plan.js'
import { weightOf } from '../loops/emit.js'
import { bumpOf, type LoopLayout, type LoopNumbers, type LoopShape, layoutOf, noFloat64, shapeOf } from '../loops/shape.js'
import type { Kernel } from '../runtime/linker.js'
import { Float32Word, type Pointer, SelfOffset, type Word } from '../runtime/record.js'
import type { Runtime } from '../runtime/runtime.js'
import { ARENA_SLOT, type Control, type Patch, SCRATCH_SLOT, Sequence, type Task } from './sequence.js'

/** Work worth waking threads for, and the least piece worth handing out, in nanoseconds of one thread. */
const PARALLEL_WORK = 80_000
const PIECE_WORK = 25_000

/** How a kernel's tasks may be shared. */
export interface Share {
  readonly count: number
  /** Estimated nanoseconds for all tasks together. */
  readonly work: number
  /** Pieces begin at multiples of it. */
  readonly multiple?: number
}

interface PendingTask {
  readonly kernel: Kernel | LoopShape
  readonly words: readonly Word[]
  readonly share: Share
}

interface BuilderBuffer {
  readonly dtype: DType
  readonly pointer: Pointer
}

export class Builder {
  readonly runtime: Runtime
  readonly #buffers: BuilderBuffer[]
  readonly #pending: (PendingTask | Control)[] = []
  readonly #constants: { readonly slot: number; readonly bytes: number; readonly content: Uint8Array | null }[] = []
  readonly #inputSlots: number[]
  readonly #outputSlots: number[]
  #slots = 2
  #scratch = 0
  #scratchPeak = 0
  #scope = ''

  constructor(runtime: Runtime, plan: Plan) {
    this.runtime = runtime
    const slots: number[] = []
    this.#buffers = plan.buffers.map(({ dtype, role }, at) => {
      slots[at] = role.kind === 'temporary' ? ARENA_SLOT : this.#slots++
      if (role.kind === 'constant') {
        const { buffer, byteOffset, byteLength } = role.storage
        this.#constants.push({ slot: slots[at] as number, bytes: byteLength, content: new Uint8Array(buffer, byteOffset, byteLength) })
      }
      return { dtype, pointer: { slot: slots[at] as number, offset: role.kind === 'temporary' ? role.offset : 0 } }
    })
    this.#inputSlots = plan.inputs.map((buffer) => slots[buffer] as number)
    this.#outputSlots = plan.outputs.map((buffer) => slots[buffer] as number)
  }

  get scope(): string {
    return this.#scope
  }

  /** Scratch memory of the step before is free again. */
  beginStep(scope: string): void {
    this.#scope = scope
    this.#scratch = 0
  }

  /** Memory with undefined content until the end of the step. */
  scratch(bytes: number): Pointer {
    const offset = this.#scratch
    this.#scratch += Math.ceil(bytes / 64) * 64
    this.#scratchPeak = Math.max(this.#scratchPeak, this.#scratch)
    return { slot: SCRATCH_SLOT, offset }
  }

  /** Scratch memory for `size` elements, as a buffer that loops can use. */
  scratchBuffer(dtype: DType, size: number): BufferId {
    return this.#buffers.push({ dtype, pointer: this.scratch(size * bytesOf(dtype)) }) - 1
  }

  /** Memory that lives as long as the program; zeros unless there is content. */
  constant(bytes: number, content: Uint8Array | null = null): Pointer {
    const slot = this.#slots++
    this.#constants.push({ slot, bytes, content })
    return { slot, offset: 0 }
  }

  dtypeOf(buffer: BufferId): DType {
    return (this.#buffers[buffer] as BuilderBuffer).dtype
  }

  /** Address of an element of a buffer. */
  pointer(buffer: BufferId, element = 0): Pointer {
    const { dtype, pointer } = this.#buffers[buffer] as BuilderBuffer
    if (dtype === 'float64') throw noFloat64(this.#scope)
    return { slot: pointer.slot, offset: pointer.offset + element * bytesOf(dtype) }
  }

  start(view: View): Pointer {
    return this.pointer(view.buffer, view.offset)
  }

  /** Runs a kernel on a record. */
  task(kernel: Kernel, words: readonly Word[], share: Share): void {
    if (share.count > 0) this.#pending.push({ kernel, words, share })
  }

  control(control: Control): void {
    this.#pending.push(control)
  }

  loop(step: LoopStep): void {
    const { shape, numbers } = shapeOf(step, (buffer) => this.dtypeOf(buffer))
    const layout = layoutOf(shape)
    const words = this.#loopWords(shape, layout, numbers)
    const points = numbers.sizes.reduce((product, size) => product * size, 1)
    const cost = shape.body.reduce((sum, { op }) => sum + weightOf(op) * 0.15, 0.1) + 0.15 * shape.operands.length
    const strided = shape.operands.filter((operand) => operand.step === 'strided').length
    const isColumn = shape.vector === 0
    const share = { count: numbers.sizes[0] as number, work: points * (cost + strided), multiple: isColumn ? 64 : 1 }
    if (share.count > 0) this.#pending.push({ kernel: shape, words, share })
  }

  #loopWords(shape: LoopShape, layout: LoopLayout, numbers: LoopNumbers): Word[] {
    const words = new Array<Word>(layout.bytes / 4).fill(0)
    layout.sizes.forEach((offset, level) => {
      words[offset / 4] = numbers.sizes[level] as number
    })
    layout.operands.forEach(({ base, start, bumps, step }, at) => {
      const { buffer, offset, strides } = numbers.operands[at] as LoopNumbers['operands'][number]
      const pointer = buffer < 0 ? undefined : this.pointer(buffer)
      words[base / 4] = pointer === undefined ? offset : { slot: pointer.slot, offset: pointer.offset + offset }
      words[start / 4] = strides[0] as number
      bumps.forEach((bump, level) => {
        if (bump >= 0) words[bump / 4] = bumpOf(shape, numbers, at, level)
      })
      if (step >= 0) words[step / 4] = strides[shape.vector] as number
    })
    return words
  }

  /** Writes records and constants into the heap. The builder is done then. */
  finish(): Sequence {
    const { heap, pool } = this.runtime
    const loops = this.runtime.loops.get(
      this.#pending.flatMap((item) => ('kernel' in item && 'levels' in item.kernel ? [item.kernel] : [])),
    )
    const recordBytes = this.#pending.reduce((sum, item) => sum + ('words' in item ? recordSize(item.words) : 0), 0)
    const records = { address: heap.allocate(recordBytes), bytes: recordBytes }
    const blocks = [records]
    const patches: Patch[][] = Array.from({ length: this.#slots }, () => [])
    let address = records.address
    let nextLoop = 0
    const actions = this.#pending.map((item) => {
      if (!('words' in item)) return item
      const kernel = 'levels' in item.kernel ? (loops[nextLoop++] as Kernel) : item.kernel
      const task: Task = { kernel, args: address, count: item.share.count, chunk: chunkOf(item.share, pool.threads) }
      item.words.forEach((word, at) => {
        this.#writeWord(address, address / 4 + at, word, patches)
      })
      address += recordSize(item.words)
      return task
    })
    const { scratchBytes, inputSlots, outputSlots } = {
      scratchBytes: this.#scratchPeak,
      inputSlots: this.#inputSlots,
      outputSlots: this.#outputSlots,
    }
    const bindings = this.#constants.map(({ slot, bytes, content }) => {
      const block = { address: heap.allocate(bytes), bytes }
      blocks.push(block)
      if (content === null) heap.bytes.fill(0, block.address, block.address + bytes)
      else heap.bytes.set(content, block.address)
      return { slot, address: block.address }
    })
    const sequence = new Sequence(heap, pool, { actions, patches, inputSlots, outputSlots, scratchBytes, blocks })
    for (const { slot, address: bound } of bindings) sequence.bind(slot, bound)
    return sequence
  }

  #writeWord(record: number, index: number, word: Word, patches: Patch[][]): void {
    const { words } = this.runtime.heap
    if (typeof word === 'number') words[index] = word
    else if (word instanceof Float32Word) words[index] = bitsOf(word.value)
    else if (word instanceof SelfOffset) words[index] = record + word.bytes
    else patches[word.slot]?.push({ word: index, offset: word.offset })
  }
}

/** Records start at multiples of 16. */
const recordSize = (words: readonly Word[]): number => Math.ceil(words.length / 4) * 16

const bitsOf = (value: number): number => new Int32Array(Float32Array.of(value).buffer)[0] as number

function chunkOf({ count, work, multiple = 1 }: Share, threads: number): number {
  if (threads === 1 || work < PARALLEL_WORK || count <= multiple) return 0
  const pieces = Math.min(Math.ceil(work / PIECE_WORK), threads * 8, count)
  return Math.ceil(count / pieces / multiple) * multiple
}
