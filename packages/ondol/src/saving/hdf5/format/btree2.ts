/** B-trees of version 2 (spec III.A.2): records of links, attributes, huge objects and chunks. */
import type { Cursor } from './cursor.js'
import { type FileBytes, Walk } from './file-bytes.js'

export const HUGE_OBJECTS = 1
export const LINK_NAMES = 5
export const ATTRIBUTE_NAMES = 8
export const CHUNKS = 10
export const FILTERED_CHUNKS = 11

interface Node {
  readonly address: number
  readonly records: number
  readonly depth: number
}

/** Signature, version, type, checksum. */
const NODE_OVERHEAD = 10

/** The deepest tree that can be: each level has at least twice the records of the one below. */
const MOST_LEVELS = 48

/** All records, in order. */
export async function* treeRecords(file: FileBytes, address: number, type: number): AsyncGenerator<Cursor> {
  const { address: width, length } = file.widths
  const header = (await file.checked(address, 22 + width + length)).expectSignature('BTHD')
  header.expectVersion('a B-tree header', 0)
  if (header.u8() !== type) throw header.damaged('a B-tree is of the wrong kind', -1)
  const [nodeSize, recordSize, depth] = [header.u32(), header.u16(), header.u16()]
  const root = header.skip(2).address()
  const rootRecords = header.u16()
  if (root === undefined) return
  if (depth > MOST_LEVELS || recordSize === 0 || nodeSize < NODE_OVERHEAD + recordSize)
    throw header.damaged('a B-tree has impossible sizes')

  const shape = pointerShape(nodeSize, recordSize, width, depth)
  const walk = new Walk(file)
  const waiting: (Node | Cursor)[] = [{ address: root, records: rootRecords, depth }]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (!('depth' in next)) {
      yield next
      continue
    }
    const isLeaf = next.depth === 0
    const pointer = shape[next.depth]!
    const size = NODE_OVERHEAD + next.records * recordSize + (isLeaf ? 0 : (next.records + 1) * pointer.size)
    if (size > nodeSize) throw header.damaged(`a B-tree node with ${next.records} records is larger than ${nodeSize} bytes`)
    walk.claim(next.address, size)
    const cursor = (await file.checked(next.address, size)).expectSignature(isLeaf ? 'BTLF' : 'BTIN')
    cursor.expectVersion('a B-tree node', 0)
    if (cursor.u8() !== type) throw cursor.damaged('a B-tree node is of the wrong kind', -1)
    const records = Array.from({ length: next.records }, () => cursor.part(recordSize))
    const ordered: (Node | Cursor)[] = []
    for (let i = 0; i <= records.length; i++) {
      if (!isLeaf) ordered.push(childOf(cursor, pointer, width, next.depth - 1))
      if (i < records.length) ordered.push(records[i]!)
    }
    waiting.push(...ordered.reverse())
  }
}

interface PointerShape {
  readonly size: number
  readonly countWidth: number
}

function childOf(cursor: Cursor, { size, countWidth }: PointerShape, width: number, depth: number): Node {
  const address = cursor.address()
  if (address === undefined) throw cursor.damaged('a B-tree has a child that is nowhere')
  const records = cursor.uint(countWidth)
  cursor.skip(size - width - countWidth)
  return { address, records, depth }
}

/** How child pointers look at each depth: their counts take as many bytes as the largest count needs. */
function pointerShape(nodeSize: number, recordSize: number, width: number, depth: number): PointerShape[] {
  const largestLeaf = Math.floor((nodeSize - NODE_OVERHEAD) / recordSize)
  const countWidth = bytesFor(largestLeaf)
  const shapes: PointerShape[] = [{ size: 0, countWidth }]
  let total = largestLeaf
  for (let level = 1; level <= depth; level++) {
    const totalWidth = level === 1 ? 0 : bytesFor(total)
    const size = width + countWidth + totalWidth
    const largest = Math.floor((nodeSize - NODE_OVERHEAD - size) / (recordSize + size))
    shapes.push({ size, countWidth })
    total = (largest + 1) * total + largest
  }
  return shapes
}

const bytesFor = (count: number): number => Math.floor(Math.log2(Math.max(count, 1)) / 8) + 1
