/**
 * The records of a zip file, with the 64-bit forms that members, or archives, of 4 GiB and more need.
 * Follows PKWARE's APPNOTE 6.3.10, sections 4.3 and 4.5.
 */

/** What the central directory says of a member. */
export interface ZipEntry {
  readonly name: string
  /** Compressed with deflate; stored as it is otherwise. */
  readonly isDeflated: boolean
  readonly crc: number
  /** Bytes in the archive. */
  readonly storedLength: number
  /** Bytes of the member itself. */
  readonly byteLength: number
  /** Where its local header is. */
  readonly offset: number
}

export const SIGNATURES = {
  local: 0x04034b50,
  central: 0x02014b50,
  end: 0x06054b50,
  end64: 0x06064b50,
  locator64: 0x07064b50,
} as const

export const LENGTHS = { local: 30, central: 46, end: 22, end64: 56, locator64: 20 } as const

/** In the place of a 32-bit number: the number is in the 64-bit form. */
export const ESCAPE_32 = 0xffffffff
export const ESCAPE_16 = 0xffff
/** Names are UTF-8. */
export const UTF8_FLAG = 0x800
export const ENCRYPTED_FLAG = 0x1
export const DEFLATE = 8

/** 1980-01-01, as Python writes it: the same model gives the same bytes. */
const DATE = 0x21
/** A regular file, for its owner, as Python writes it. */
const ATTRIBUTES = 0o600 << 16
const UNIX = 3
const EXTRA_64 = 0x0001

const isLarge = (value: number): boolean => value >= ESCAPE_32

/** Numbers appended little-endian. */
class Record {
  readonly #view: DataView
  readonly bytes: Uint8Array
  #at = 0

  constructor(byteLength: number) {
    this.bytes = new Uint8Array(byteLength)
    this.#view = new DataView(this.bytes.buffer)
  }

  u16(...values: number[]): this {
    for (const value of values) {
      this.#view.setUint16(this.#at, value, true)
      this.#at += 2
    }
    return this
  }

  u32(...values: number[]): this {
    for (const value of values) {
      this.#view.setUint32(this.#at, value, true)
      this.#at += 4
    }
    return this
  }

  u64(...values: number[]): this {
    for (const value of values) {
      this.#view.setBigUint64(this.#at, BigInt(value), true)
      this.#at += 8
    }
    return this
  }

  raw(bytes: Uint8Array): this {
    this.bytes.set(bytes, this.#at)
    this.#at += bytes.length
    return this
  }
}

const flagsOf = (name: Uint8Array): number => (name.some((byte) => byte > 127) ? UTF8_FLAG : 0)
const narrow = (value: number): number => (isLarge(value) ? ESCAPE_32 : value)

/** The header before a stored member. */
export function localHeader({ name, crc, byteLength }: ZipEntry): Uint8Array {
  const encoded = new TextEncoder().encode(name)
  const extra = isLarge(byteLength) ? 20 : 0
  const record = new Record(LENGTHS.local + encoded.length + extra)
  record
    .u32(SIGNATURES.local)
    .u16(extra > 0 ? 45 : 20, flagsOf(encoded), 0, 0, DATE)
    .u32(crc, narrow(byteLength), narrow(byteLength))
    .u16(encoded.length, extra)
    .raw(encoded)
  if (extra > 0) record.u16(EXTRA_64, 16).u64(byteLength, byteLength)
  return record.bytes
}

/** The entry of a stored member in the central directory. */
export function centralHeader({ name, crc, byteLength, offset }: ZipEntry): Uint8Array {
  const encoded = new TextEncoder().encode(name)
  const large = [...(isLarge(byteLength) ? [byteLength, byteLength] : []), ...(isLarge(offset) ? [offset] : [])]
  const extra = large.length > 0 ? 4 + 8 * large.length : 0
  const version = extra > 0 ? 45 : 20
  const record = new Record(LENGTHS.central + encoded.length + extra)
  record
    .u32(SIGNATURES.central)
    .u16((UNIX << 8) | version, version, flagsOf(encoded), 0, 0, DATE)
    .u32(crc, narrow(byteLength), narrow(byteLength))
    .u16(encoded.length, extra, 0, 0, 0)
    .u32(ATTRIBUTES, narrow(offset))
    .raw(encoded)
  if (extra > 0) record.u16(EXTRA_64, extra - 4).u64(...large)
  return record.bytes
}

/** The end of the archive: where the central directory is. */
export function endRecords(count: number, size: number, offset: number): Uint8Array {
  const is64 = count >= ESCAPE_16 || isLarge(size) || isLarge(offset)
  const record = new Record(LENGTHS.end + (is64 ? LENGTHS.end64 + LENGTHS.locator64 : 0))
  if (is64) {
    record
      .u32(SIGNATURES.end64)
      .u64(LENGTHS.end64 - 12)
      .u16(45, 45)
      .u32(0, 0)
      .u64(count, count, size, offset)
    record
      .u32(SIGNATURES.locator64, 0)
      .u64(offset + size)
      .u32(1)
  }
  const shortCount = Math.min(count, ESCAPE_16)
  return record.u32(SIGNATURES.end).u16(0, 0, shortCount, shortCount).u32(narrow(size), narrow(offset)).u16(0).bytes
}

/** Numbers of the 64-bit extra field, in the order in which the 32-bit ones are escaped. */
export function extra64(extra: DataView): number[] {
  for (let at = 0; at + 4 <= extra.byteLength; ) {
    const [id, length] = [extra.getUint16(at, true), extra.getUint16(at + 2, true)]
    at += 4
    if (at + length > extra.byteLength) return []
    if (id === EXTRA_64) return Array.from({ length: Math.floor(length / 8) }, (_, i) => Number(extra.getBigUint64(at + 8 * i, true)))
    at += length
  }
  return []
}
