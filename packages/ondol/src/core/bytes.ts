/**
 * Where bytes come from and go to: memory, a file (`#platform`), a member of an archive. Readers ask for ranges and
 * writers append, so that neither ever has to hold a whole file.
 */
import { SavingError } from './errors.js'

/** Bytes that can be read in any order. */
export interface ByteSource {
  /** What to call it in messages: a path, or what the bytes are. */
  readonly name: string
  readonly byteLength: number
  /** Fills `target` from `position` on; the range lies within the source. */
  read(position: number, target: Uint8Array): Promise<void>
}

/** Takes bytes one after the other. The array may be used again once the promise is fulfilled. */
export interface ByteSink {
  write(bytes: Uint8Array): Promise<void>
}

/** Bytes in memory as a source. */
export function sourceOf(bytes: Uint8Array, name = 'bytes'): ByteSource {
  return {
    name,
    byteLength: bytes.byteLength,
    async read(position, target) {
      target.set(bytes.subarray(position, position + target.byteLength))
    },
  }
}

/** A range of a source as a source of its own, such as a stored member of an archive. */
export function rangeOf(source: ByteSource, start: number, byteLength: number, name = source.name): ByteSource {
  if (start < 0 || byteLength < 0 || start + byteLength > source.byteLength)
    throw new SavingError({
      where: name,
      problem: `bytes ${start} to ${start + byteLength} are not all there`,
      received: `${source.name}, ${source.byteLength} bytes`,
      hint: 'the file is damaged or was not written to its end',
    })
  return { name, byteLength, read: (position, target) => source.read(start + position, target) }
}

/** Collects what is written into one array; `byteLength` is the size where it is known beforehand. */
export class MemorySink implements ByteSink {
  #bytes: Uint8Array
  #length = 0

  constructor(byteLength = 0) {
    this.#bytes = new Uint8Array(byteLength)
  }

  async write(bytes: Uint8Array): Promise<void> {
    const end = this.#length + bytes.byteLength
    if (end > this.#bytes.byteLength) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#bytes.byteLength))
      larger.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = larger
    }
    this.#bytes.set(bytes, this.#length)
    this.#length = end
  }

  /** What was written so far. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }
}
