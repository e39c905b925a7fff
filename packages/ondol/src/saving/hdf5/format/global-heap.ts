/** Global heap collections (spec III.E): where strings of variable length lie. */
import type { Cursor } from './cursor.js'
import { aligned, Encoder } from './encoder.js'
import type { FileBytes } from './file-bytes.js'

/** The library refuses smaller collections. */
const SMALLEST_COLLECTION = 4096
const COLLECTION_HEADER = 16
const OBJECT_HEADER = 16

/** Collections that are being filled. `allocate` reserves a place in the file for bytes that are asked for later. */
export class GlobalHeapWriter {
  readonly #allocate: (size: number, encode: () => Uint8Array) => number
  #objects: Uint8Array[] = []
  #address = 0
  #free = 0

  constructor(allocate: (size: number, encode: () => Uint8Array) => number) {
    this.#allocate = allocate
  }

  /** Keeps `bytes`; what comes back is how an element of variable length names them. */
  put(bytes: Uint8Array): Uint8Array {
    const reference = new Encoder().u32(bytes.byteLength)
    if (bytes.byteLength === 0) return reference.u64(0).u32(0).bytes
    const needed = OBJECT_HEADER + aligned(bytes.byteLength)
    if (needed > this.#free || this.#objects.length === 0xffff) this.#open(needed)
    this.#free -= needed
    this.#objects.push(bytes)
    return reference.u64(this.#address).u32(this.#objects.length).bytes
  }

  #open(needed: number): void {
    const size = Math.max(SMALLEST_COLLECTION, COLLECTION_HEADER + needed)
    const objects: Uint8Array[] = []
    this.#objects = objects
    this.#free = size - COLLECTION_HEADER
    this.#address = this.#allocate(size, () => encodeCollection(objects, size))
  }
}

function encodeCollection(objects: readonly Uint8Array[], size: number): Uint8Array {
  const out = new Encoder().ascii('GCOL').u8(1, 0, 0, 0).u64(size)
  for (const [i, bytes] of objects.entries())
    out
      .u16(i + 1)
      .u16(1)
      .u32(0)
      .u64(bytes.byteLength)
      .raw(bytes)
      .align()
  // What is left is object 0, if a header fits.
  const free = size - out.length
  if (free >= OBJECT_HEADER) out.u16(0).u16(0).u32(0).u64(free)
  return out.zeros(size - out.length).bytes
}

/** Looks up texts; each collection is read once. */
export class GlobalHeapReader {
  readonly #file: FileBytes
  readonly #collections = new Map<number, Collection>()

  constructor(file: FileBytes) {
    this.#file = file
  }

  /**
   * The text that the next element of variable length in `elements` names. `known` holds those that were decoded before: a long text
   * that is named often is one string.
   */
  async text(elements: Cursor, known: Map<string, string>): Promise<string> {
    const size = elements.u32()
    const address = elements.address()
    const index = elements.u32()
    if (size === 0 || address === undefined || address === 0) return ''
    const { bytes, starts, sizes } = this.#collections.get(address) ?? (await this.#collection(address))
    const [start, stored] = [starts[index], sizes[index]]
    if (start === undefined || stored === undefined) throw elements.damaged(`there is no object ${index} in the collection at ${address}`)
    if (size > stored) throw elements.damaged(`a text of ${size} bytes is said to lie in ${stored}`)
    const key = `${address} ${index} ${size}`
    const text = known.get(key) ?? utf8.decode(bytes.subarray(start, start + size))
    known.set(key, text)
    return text
  }

  async #collection(address: number): Promise<Collection> {
    const { length: width } = this.#file.widths
    const header = (await this.#file.cursor(address, 8 + width)).expectSignature('GCOL')
    header.expectVersion('a global heap', 1)
    const size = header.skip(3).length()
    this.#file.claim(address, size)
    const cursor = (await this.#file.cursor(address, size)).skip(8 + width)
    const [starts, sizes]: [number[], number[]] = [[], []]
    while (cursor.remaining >= 8 + width) {
      const index = cursor.u16()
      const bytes = cursor.skip(6).length()
      if (index === 0) break // free space
      if (starts[index] !== undefined) throw cursor.damaged(`object ${index} of a global heap comes twice`)
      starts[index] = cursor.offset
      sizes[index] = bytes
      cursor.skip(bytes)
      cursor.skip(Math.min((8 - (bytes % 8)) % 8, cursor.remaining))
    }
    const collection = { bytes: cursor.bytes, starts, sizes }
    this.#collections.set(address, collection)
    return collection
  }
}

/** By the numbers of its objects: where they start, and how long they are. */
interface Collection {
  readonly bytes: Uint8Array
  readonly starts: readonly number[]
  readonly sizes: readonly number[]
}

const utf8 = new TextDecoder()
