/**
 * The bytes of a file by address, checked before anything is read or allocated. Small structures come through a few
 * cached pages, so that a file on disk is not read in crumbs.
 */
import type { ByteSource } from '../../../core/bytes.js'
import { checksum } from './checksum.js'
import { Cursor, damagedAt, type Widths } from './cursor.js'

const PAGE = 1 << 16
const MOST_PAGES = 16

export class FileBytes {
  readonly #pages = new Map<number, Uint8Array>()

  /** Addresses count from `base`, where the superblock is. */
  constructor(
    readonly source: ByteSource,
    readonly base: number,
    readonly widths: Widths,
  ) {}

  /** Bytes from the base to the end. */
  get byteLength(): number {
    return this.source.byteLength - this.base
  }

  /** The bytes of a structure. */
  async cursor(address: number, size: number): Promise<Cursor> {
    const position = this.check(address, size)
    const bytes = new Uint8Array(size)
    if (size >= PAGE) await this.source.read(position, bytes)
    else
      for (let done = 0; done < size; ) {
        const page = await this.#page(Math.floor((position + done) / PAGE))
        const part = page.subarray((position + done) % PAGE).subarray(0, size - done)
        bytes.set(part, done)
        done += part.byteLength
      }
    return new Cursor(bytes, position, this.widths)
  }

  /** A structure whose last four bytes are the checksum of the others. */
  async checked(address: number, size: number): Promise<Cursor> {
    const cursor = await this.cursor(address, size)
    verifyChecksum(cursor)
    return cursor.part(size - 4)
  }

  /** Up to `size` bytes, fewer at the end of the file: for structures that begin with their own size. */
  async beginning(address: number, size: number): Promise<Cursor> {
    this.check(address, 0)
    return this.cursor(address, Math.min(size, this.byteLength - address))
  }

  /** Fills `target` with what lies at `address`. */
  async read(address: number, target: Uint8Array): Promise<void> {
    await this.source.read(this.check(address, target.byteLength), target)
  }

  /** Throws unless the file has these bytes; returns where they are in the source. */
  check(address: number, size: number): number {
    if (address + size > this.byteLength)
      throw damagedAt(this.base + address, `${size} bytes should be here, but the file ends at byte ${this.source.byteLength}`)
    return this.base + address
  }

  async #page(index: number): Promise<Uint8Array> {
    let page = this.#pages.get(index)
    if (page === undefined) {
      page = new Uint8Array(Math.min(PAGE, this.source.byteLength - index * PAGE))
      await this.source.read(index * PAGE, page)
      const oldest = this.#pages.keys().next()
      if (this.#pages.size >= MOST_PAGES && !oldest.done) this.#pages.delete(oldest.value)
      this.#pages.set(index, page)
    }
    return page
  }
}

export function verifyChecksum(cursor: Cursor): void {
  const { bytes, position } = cursor
  const stored = new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.byteLength - 4, true)
  if (checksum(bytes.subarray(0, -4)) !== stored)
    throw damagedAt(position, `the checksum of the ${bytes.byteLength} bytes from here is wrong`)
}

/**
 * What one walk through linked structures has read. No structure may come twice, nor all together be larger than the
 * file: so every walk ends, however the links were bent.
 */
export class Walk {
  readonly #seen = new Set<number>()
  #left: number

  constructor(readonly file: FileBytes) {
    this.#left = file.byteLength
  }

  /** Announces that the structure at `address` is read. */
  claim(address: number, size: number): void {
    const position = this.file.check(address, size)
    this.#left -= size
    if (this.#seen.has(address) || this.#left < 0) throw damagedAt(position, 'structures overlap, or lead back to one that was read before')
    this.#seen.add(address)
  }
}
