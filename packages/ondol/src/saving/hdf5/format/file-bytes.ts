/**
 * The bytes of a file by address, checked before anything is read or allocated. Small structures come through a few
 * cached pages, so that a file on disk is not read in crumbs.
 */
import type { ByteSource } from '../../../core/bytes.js'
import { checksum } from './checksum.js'
import { Cursor, damagedAt, type Widths } from './cursor.js'
import { GlobalHeapReader } from './global-heap.js'

const PAGE = 1 << 16
const MOST_PAGES = 16

/** Who owns structures that any object may refer to. */
const EVERYBODY = -1

export class FileBytes {
  readonly #shared: Shared

  /** Addresses count from `base`, where the superblock is. `owner` is the object whose structures are read, by its address. */
  constructor(
    readonly source: ByteSource,
    readonly base: number,
    readonly widths: Widths,
    readonly owner = EVERYBODY,
    shared?: Shared,
  ) {
    this.#shared = shared ?? { pages: new Map(), claims: new Map(), unclaimed: this.byteLength, heap: new GlobalHeapReader(this) }
  }

  /** The same bytes, read for the object at `owner`. */
  ownedBy(owner: number): FileBytes {
    return new FileBytes(this.source, this.base, this.widths, owner, this.#shared)
  }

  /** Text of variable length, of all objects. */
  get globalHeap(): GlobalHeapReader {
    return this.#shared.heap
  }

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

  /**
   * Says that a structure of the owner is there. Two objects cannot own the same, and all together are no larger than the file: so
   * reading everything takes time in proportion to the file, however its objects were led to each other.
   */
  claim(address: number, size: number): void {
    const position = this.check(address, size)
    const { claims } = this.#shared
    const known = claims.get(address)
    if (known === undefined) {
      claims.set(address, { owner: this.owner, size })
      this.#shared.unclaimed -= size
    }
    if (this.#shared.unclaimed < 0 || (known !== undefined && (known.owner !== this.owner || known.size !== size)))
      throw damagedAt(position, 'structures overlap, or belong to two objects')
  }

  async #page(index: number): Promise<Uint8Array> {
    const { pages } = this.#shared
    let page = pages.get(index)
    if (page === undefined) {
      page = new Uint8Array(Math.min(PAGE, this.source.byteLength - index * PAGE))
      await this.source.read(index * PAGE, page)
      const oldest = pages.keys().next()
      if (pages.size >= MOST_PAGES && !oldest.done) pages.delete(oldest.value)
      pages.set(index, page)
    }
    return page
  }
}

/** What the views of all owners have in common. */
interface Shared {
  readonly pages: Map<number, Uint8Array>
  readonly claims: Map<number, { readonly owner: number; readonly size: number }>
  unclaimed: number
  readonly heap: GlobalHeapReader
}

export function verifyChecksum(cursor: Cursor): void {
  const { bytes, position } = cursor
  const stored = new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.byteLength - 4, true)
  if (checksum(bytes.subarray(0, -4)) !== stored)
    throw damagedAt(position, `the checksum of the ${bytes.byteLength} bytes from here is wrong`)
}

/** One walk through the linked structures of an object. None may come twice, so every walk ends. */
export class Walk {
  readonly #seen = new Set<number>()

  constructor(readonly file: FileBytes) {}

  /** Announces that the structure at `address` is read. */
  claim(address: number, size: number): void {
    this.file.claim(address, size)
    if (this.#seen.has(address)) throw damagedAt(this.file.base + address, 'structures lead back to one that was read before')
    this.#seen.add(address)
  }
}
