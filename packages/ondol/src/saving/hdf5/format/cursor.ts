/**
 * Reads the fields of a structure one after the other; never past its end. Every error says at which byte of the file.
 */
import { SavingError } from '../../../core/errors.js'

/** How many bytes addresses and lengths take: the superblock says. */
export interface Widths {
  readonly address: number
  readonly length: number
}

export class Cursor {
  readonly #view: DataView
  #at = 0

  /** `position` is where `bytes` begin in the file. */
  constructor(
    readonly bytes: Uint8Array,
    readonly position: number,
    readonly widths: Widths,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get offset(): number {
    return this.#at
  }

  get remaining(): number {
    return this.bytes.byteLength - this.#at
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1))
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true)
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true)
  }

  /** An unsigned number of `width` bytes. */
  uint(width: number): number {
    const start = this.#take(width)
    let value = 0
    for (let i = width - 1; i >= 0; i--) value = value * 256 + this.bytes[start + i]!
    if (!Number.isSafeInteger(value))
      throw this.damaged(`${hex(this.bytes.subarray(start, start + width))} is not a possible size or address`)
    return value
  }

  /** An address, or undefined where all bits are set: there is nothing. */
  address(): number | undefined {
    if (this.#allSet(this.widths.address)) return undefined
    return this.uint(this.widths.address)
  }

  length(): number {
    return this.uint(this.widths.length)
  }

  /** A length, or Infinity where all bits are set. */
  unlimitedLength(): number {
    return this.#allSet(this.widths.length) ? Number.POSITIVE_INFINITY : this.length()
  }

  /** The next `count` bytes, not copied. */
  take(count: number): Uint8Array {
    const start = this.#take(count)
    return this.bytes.subarray(start, start + count)
  }

  skip(count: number): this {
    this.#take(count)
    return this
  }

  /** The next `count` bytes as a cursor of their own. */
  part(count: number): Cursor {
    const position = this.position + this.#at
    return new Cursor(this.take(count), position, this.widths)
  }

  /** A cursor at the beginning of the same bytes. */
  again(): Cursor {
    return new Cursor(this.bytes, this.position, this.widths)
  }

  /** A name of `size` bytes, UTF-8. */
  text(size: number): string {
    return utf8(this.take(size))
  }

  /** Text up to a zero byte; padded ones go on at the next multiple of 8 from where the text began. */
  cString(padded = false): string {
    const start = this.#at
    const end = this.bytes.indexOf(0, start)
    if (end < 0) throw this.damaged('a text has no end')
    this.#at = end + 1
    if (padded) this.skip((8 - ((this.#at - start) % 8)) % 8)
    return utf8(this.bytes.subarray(start, end))
  }

  expectSignature(signature: string): this {
    const found = this.take(signature.length)
    const text = String.fromCharCode(...found)
    if (text !== signature) throw this.damaged(`'${signature}' should be here, not ${hex(found)}`, -signature.length)
    return this
  }

  expectVersion(what: string, ...known: number[]): number {
    const version = this.u8()
    if (!known.includes(version)) throw unsupported(this, `version ${version} of ${what}`)
    return version
  }

  /** The error for a file that contradicts itself. */
  damaged(problem: string, offset = 0): SavingError {
    return damagedAt(this.position + this.#at + offset, problem)
  }

  #allSet(width: number): boolean {
    const start = this.#at
    for (let i = 0; i < width; i++) if (this.bytes[start + i] !== 255) return false
    this.#take(width)
    return true
  }

  #take(count: number): number {
    const start = this.#at
    if (count > this.remaining) throw this.damaged(`${count} bytes should follow, but the structure ends after ${this.remaining}`)
    this.#at += count
    return start
  }
}

/** The error for a file that contradicts itself, at a byte of it. */
export function damagedAt(position: number, problem: string): SavingError {
  return new SavingError({ where: `byte ${position}`, problem, hint: 'the file is damaged, incomplete, or not what it pretends to be' })
}

/** The error for what the format has and this reader has not. */
export function unsupported(cursor: Cursor, what: string): SavingError {
  return unsupportedAt(cursor.position + cursor.offset, what)
}

export function unsupportedAt(position: number, what: string): SavingError {
  return new SavingError({
    where: `byte ${position}`,
    problem: `${what} cannot be read`,
    hint: 'files as Keras and h5py write them by default can; write this one again with them',
  })
}

const decoder = new TextDecoder()

const utf8 = (bytes: Uint8Array): string => decoder.decode(bytes)

const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
