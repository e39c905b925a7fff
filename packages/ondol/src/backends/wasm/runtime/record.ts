/** Argument records of kernels: named 32-bit words, written by TypeScript and read by emitted code. */
import { i32, type Local, type Value, v128 } from '../assembler/index.js'

/** An address known when a plan runs: that of a slot, plus bytes. */
export interface Pointer {
  readonly slot: number
  readonly offset: number
}

export class Float32Word {
  constructor(readonly value: number) {}
}

/** Address of the record itself, plus bytes: for records that hold another one at their end. */
export class SelfOffset {
  constructor(readonly bytes: number) {}
}

/** What a word can be given. Pointers are kept up to date as slots are bound. */
export type Word = number | Pointer | Float32Word | SelfOffset

export class RecordLayout<N extends string> {
  readonly names: readonly N[]
  readonly #offsets: ReadonlyMap<N, number>

  constructor(...names: readonly N[]) {
    this.names = names
    this.#offsets = new Map(names.map((name, at) => [name, 4 * at]))
  }

  get bytes(): number {
    return 4 * this.names.length
  }

  offsetOf(name: N): number {
    return this.#offsets.get(name) as number
  }

  /** Reads a word in emitted code. */
  load(args: Local<'i32'>, name: N): Value<'i32'> {
    return i32.load(args, this.offsetOf(name))
  }

  /** Reads a float32 word into all lanes. */
  splat(args: Local<'i32'>, name: N): Value<'v128'> {
    return v128.load32Splat(args, this.offsetOf(name))
  }

  /** The words in order. */
  pack(words: Readonly<Record<N, Word>>): Word[] {
    return this.names.map((name) => words[name])
  }
}
