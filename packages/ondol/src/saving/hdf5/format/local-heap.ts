/** Local heaps (spec III.D): the names of an old-style group. */
import { type Cursor, damagedAt } from './cursor.js'
import type { FileBytes } from './file-bytes.js'

export class LocalHeap {
  readonly #data: Cursor
  /** A name is some bytes of the heap and its own: all together cannot be longer than the heap. */
  #left: number

  private constructor(data: Cursor) {
    this.#data = data
    this.#left = data.bytes.byteLength
  }

  static async read(file: FileBytes, address: number): Promise<LocalHeap> {
    const { address: addressWidth, length } = file.widths
    const header = (await file.cursor(address, 8 + 2 * length + addressWidth)).expectSignature('HEAP')
    header.expectVersion('a local heap', 0)
    const size = header.skip(3).length()
    header.length()
    const data = header.address()
    if (data === undefined) throw header.damaged('a local heap has no data')
    file.claim(data, size)
    return new LocalHeap(await file.cursor(data, size))
  }

  name(offset: number): string {
    if (offset > this.#data.bytes.byteLength)
      throw damagedAt(this.#data.position, `no name can begin at ${offset} in a heap of ${this.#data.bytes.byteLength} bytes`)
    const cursor = this.#data.again().skip(offset)
    const name = cursor.cString()
    this.#left -= cursor.offset - offset
    if (this.#left < 0) throw cursor.damaged('the names of a group overlap')
    return name
  }
}
