/** Little-endian bytes put together field by field, as every structure of the format is written. */

const utf8 = new TextEncoder()

export class Encoder {
  #view = new DataView(new ArrayBuffer(64))
  #length = 0

  get length(): number {
    return this.#length
  }

  /** What was put so far; it shares memory with the encoder. */
  get bytes(): Uint8Array {
    return new Uint8Array(this.#view.buffer, 0, this.#length)
  }

  u8(...values: number[]): this {
    const at = this.#grow(values.length)
    for (let i = 0; i < values.length; i++) this.#view.setUint8(at + i, values[i]!)
    return this
  }

  u16(value: number): this {
    const at = this.#grow(2)
    this.#view.setUint16(at, value, true)
    return this
  }

  u32(value: number): this {
    const at = this.#grow(4)
    this.#view.setUint32(at, value, true)
    return this
  }

  /** A size or address, an integer up to 2^53; undefined is the undefined address. */
  u64(value: number | undefined): this {
    const at = this.#grow(8)
    this.#view.setUint32(at, value === undefined ? 0xffffffff : value >>> 0, true)
    this.#view.setUint32(at + 4, value === undefined ? 0xffffffff : Math.floor(value / 2 ** 32), true)
    return this
  }

  raw(bytes: Uint8Array): this {
    const at = this.#grow(bytes.byteLength)
    new Uint8Array(this.#view.buffer).set(bytes, at)
    return this
  }

  ascii(text: string): this {
    return this.raw(utf8.encode(text))
  }

  /** Zeros up to the next multiple of `unit`. */
  align(unit = 8): this {
    this.#grow((unit - (this.#length % unit)) % unit)
    return this
  }

  zeros(count: number): this {
    this.#grow(count)
    return this
  }

  #grow(count: number): number {
    const start = this.#length
    this.#length += count
    if (this.#length > this.#view.byteLength) {
      const larger = new Uint8Array(Math.max(this.#length, 2 * this.#view.byteLength))
      larger.set(new Uint8Array(this.#view.buffer, 0, start))
      this.#view = new DataView(larger.buffer)
    }
    return start
  }
}

/** `size` rounded up to a multiple of 8: everything in a file starts at one. */
export const aligned = (size: number): number => Math.ceil(size / 8) * 8

/** The order in which the library sorts names. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}
