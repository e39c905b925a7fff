/** Fractal heaps (spec III.G): where new-style groups keep many links, and objects many or large attributes. */
import { HUGE_OBJECTS, treeRecords } from './btree2.js'
import { checksum } from './checksum.js'
import { type Cursor, damagedAt, unsupported } from './cursor.js'
import { type FileBytes, verifyChecksum, Walk } from './file-bytes.js'

interface HeapShape {
  readonly idSize: number
  readonly checksummed: boolean
  readonly hugeTree: number | undefined
  /** Blocks in a row of the doubling table. */
  readonly width: number
  readonly firstBlock: number
  readonly largestDirect: number
  /** Bytes that an offset into the heap takes. */
  readonly offsetWidth: number
  /** Bytes that the length of an object takes. */
  readonly lengthWidth: number
  readonly root: number | undefined
  /** Rows of the root, 0 if it is a direct block. */
  readonly rootRows: number
}

const MANAGED = 0
const HUGE = 1
const TINY = 2

export class FractalHeap {
  readonly #file: FileBytes
  readonly #shape: HeapShape
  readonly #walk: Walk
  readonly #blocks = new Map<number, Promise<Cursor>>()
  #huge: Promise<ReadonlyMap<number, { address: number; size: number }>> | undefined
  /** Objects cannot overlap, so all together are no larger than the file. */
  #left: number

  private constructor(file: FileBytes, shape: HeapShape) {
    this.#file = file
    this.#shape = shape
    this.#walk = new Walk(file)
    this.#left = file.byteLength
  }

  static async open(file: FileBytes, address: number): Promise<FractalHeap> {
    const { address: width, length } = file.widths
    const header = (await file.checked(address, 26 + 3 * width + 12 * length)).expectSignature('FRHP')
    header.expectVersion('a fractal heap', 0)
    const idSize = header.u16()
    if (header.u16() !== 0) throw unsupported(header, 'a fractal heap with filters')
    const checksummed = (header.u8() & 2) !== 0
    const largestManaged = header.u32()
    header.length()
    const hugeTree = header.address()
    header.length()
    header.address()
    header.skip(8 * length)
    const tableWidth = header.u16()
    const [firstBlock, largestDirect] = [header.length(), header.length()]
    const heapBits = header.u16()
    header.u16()
    const root = header.address()
    const rootRows = header.u16()
    const isPossible = isPowerOfTwo(tableWidth) && isPowerOfTwo(firstBlock) && isPowerOfTwo(largestDirect) && firstBlock <= largestDirect
    if (!isPossible || heapBits === 0 || heapBits > 64 || rootRows > heapBits || idSize === 0)
      throw header.damaged('a fractal heap has impossible sizes')
    const lengthWidth = Math.min(Math.ceil(Math.log2(largestDirect) / 8), Math.floor(Math.log2(Math.max(largestManaged, 1)) / 8) + 1)
    return new FractalHeap(file, {
      idSize,
      checksummed,
      hugeTree,
      width: tableWidth,
      firstBlock,
      largestDirect,
      offsetWidth: Math.ceil(heapBits / 8),
      lengthWidth,
      root,
      rootRows,
    })
  }

  /** The object whose heap ID comes next in `record`. */
  async object(record: Cursor): Promise<Cursor> {
    const id = record.part(this.#shape.idSize)
    const first = id.u8()
    if (first >> 6 !== 0) throw unsupported(id, `version ${first >> 6} of heap IDs`)
    const object = await this.#find((first >> 4) & 3, first, id)
    this.#left -= object.bytes.byteLength
    if (this.#left < 0) throw id.damaged('the objects of a heap overlap')
    return object
  }

  async #find(kind: number, first: number, id: Cursor): Promise<Cursor> {
    const { offsetWidth, lengthWidth, idSize } = this.#shape
    switch (kind) {
      case MANAGED:
        return this.#managed(id.uint(offsetWidth), id.uint(lengthWidth), id)
      case HUGE: {
        const { address: width, length } = this.#file.widths
        if (idSize - 1 < width + length) return this.#hugeObject(id.uint(Math.min(idSize - 1, length)), id)
        const address = id.address()
        if (address === undefined) throw id.damaged('an object of a heap is nowhere')
        return this.#stored(address, id.length())
      }
      case TINY:
        // Short IDs have the size in their first byte, long ones in the next, too.
        return id.part(idSize <= 17 ? (first & 15) + 1 : (((first & 15) << 8) | id.u8()) + 1)
      default:
        throw unsupported(id, `heap objects of kind ${kind}`)
    }
  }

  /** Goes down the doubling table to the direct block that holds `offset`. */
  async #managed(offset: number, size: number, id: Cursor): Promise<Cursor> {
    const { root, rootRows, width, firstBlock, largestDirect, offsetWidth } = this.#shape
    let address = root
    let rows = rootRows
    let begin = 0
    let blockSize = rootRows === 0 ? firstBlock : Number.POSITIVE_INFINITY
    while (rows > 0) {
      const directRows = Math.log2(largestDirect / firstBlock) + 2
      const { row, size: childSize, start } = this.#rowOf(offset - begin)
      if (row >= rows || address === undefined) throw id.damaged(`nothing is at offset ${offset} of a heap`)
      const column = Math.floor((offset - begin - start) / childSize)
      const block = await this.#indirectBlock(address, rows)
      block.skip(5 + this.#file.widths.address + offsetWidth + (row * width + column) * this.#file.widths.address)
      address = block.address()
      begin += start + column * childSize
      blockSize = childSize
      rows = row < directRows ? 0 : Math.log2(childSize / (firstBlock * width)) + 1
      if (!Number.isInteger(rows)) throw id.damaged('a fractal heap has impossible sizes')
    }
    if (address === undefined || offset - begin + size > blockSize)
      throw id.damaged(`no object of ${size} bytes is at offset ${offset} of a heap`)
    const block = await this.#directBlock(address, blockSize)
    return block.skip(offset - begin).part(size)
  }

  /** The row of the doubling table with `offset`, the size of its blocks, and where it starts. */
  #rowOf(offset: number): { row: number; size: number; start: number } {
    const { width, firstBlock } = this.#shape
    let [row, size, start] = [0, firstBlock, 0]
    while (offset - start >= width * size) {
      start += width * size
      if (row++ > 0) size *= 2
    }
    return { row, size, start }
  }

  async #indirectBlock(address: number, rows: number): Promise<Cursor> {
    const addressWidth = this.#file.widths.address
    const size = 5 + addressWidth + this.#shape.offsetWidth + rows * this.#shape.width * addressWidth + 4
    return this.#block(address, size, (cursor) => {
      verifyChecksum(cursor)
      cursor.again().expectSignature('FHIB').expectVersion('a heap block', 0)
    })
  }

  async #directBlock(address: number, size: number): Promise<Cursor> {
    const { checksummed, offsetWidth } = this.#shape
    return this.#block(address, size, (cursor) => {
      cursor.again().expectSignature('FHDB').expectVersion('a heap block', 0)
      if (!checksummed) return
      const at = 5 + this.#file.widths.address + offsetWidth
      const stored = cursor.again().skip(at).u32()
      const zeroed = cursor.bytes.slice()
      zeroed.fill(0, at, at + 4)
      if (checksum(zeroed) !== stored) throw damagedAt(cursor.position, 'the checksum of a heap block is wrong')
    })
  }

  /** Blocks are read and verified once. */
  async #block(address: number, size: number, verify: (cursor: Cursor) => void): Promise<Cursor> {
    let block = this.#blocks.get(address)
    if (block === undefined) {
      this.#walk.claim(address, size)
      block = this.#file.cursor(address, size).then((cursor) => {
        verify(cursor)
        return cursor
      })
      this.#blocks.set(address, block)
    }
    const cursor = await block
    if (cursor.bytes.byteLength !== size) throw damagedAt(cursor.position, 'a heap block has two sizes')
    return cursor.again()
  }

  async #hugeObject(key: number, id: Cursor): Promise<Cursor> {
    this.#huge ??= this.#readHugeTree()
    const place = (await this.#huge).get(key)
    if (place === undefined) throw id.damaged(`a heap has no object ${key}`)
    return this.#stored(place.address, place.size)
  }

  async #stored(address: number, size: number): Promise<Cursor> {
    this.#walk.claim(address, size)
    return this.#file.cursor(address, size)
  }

  async #readHugeTree(): Promise<Map<number, { address: number; size: number }>> {
    const places = new Map<number, { address: number; size: number }>()
    if (this.#shape.hugeTree === undefined) return places
    for await (const record of treeRecords(this.#file, this.#shape.hugeTree, HUGE_OBJECTS)) {
      const address = record.address()
      if (address === undefined) throw record.damaged('an object of a heap is nowhere')
      const size = record.length()
      places.set(record.length(), { address, size })
    }
    return places
  }
}

const isPowerOfTwo = (value: number): boolean => value > 0 && Number.isInteger(Math.log2(value))
