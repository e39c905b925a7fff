/** Global heap collections (spec III.E): where strings of variable length lie. */
import { aligned, Encoder } from './encoder.js'

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
