/** The chunks of a dataset in the order of their index, whichever kind that is. */
import { CHUNK_TREE, leafChildren } from './btree1.js'
import { CHUNKS, FILTERED_CHUNKS, treeRecords } from './btree2.js'
import { type Cursor, damagedAt } from './cursor.js'
import { extensibleArrayEntries } from './extensible-array.js'
import type { FileBytes } from './file-bytes.js'
import { type Entries, fixedArrayEntries } from './fixed-array.js'
import type { ChunkedLayout } from './layout.js'

export interface StoredChunk {
  /** Position of its first element in the dataset. */
  readonly origin: readonly number[]
  readonly address: number
  /** Bytes as stored. */
  readonly size: number
  /** Filters that were left out, a bit for each. */
  readonly mask: number
}

export interface ChunkedData {
  readonly layout: ChunkedLayout
  readonly shape: readonly number[]
  readonly maxShape: readonly number[]
  /** Bytes of an unpacked chunk. */
  readonly chunkSize: number
  readonly filtered: boolean
}

/** Every chunk that is stored and lies in the dataset; none comes twice. */
export async function* storedChunks(file: FileBytes, data: ChunkedData): AsyncGenerator<StoredChunk> {
  const { index } = data.layout
  if (index.address === undefined) return
  switch (index.kind) {
    case 'single':
      yield { origin: data.shape.map(() => 0), address: index.address, size: index.size ?? data.chunkSize, mask: index.mask }
      return
    case 'implicit':
      yield* implicitChunks(file, index.address, data)
      return
    case 'btree1':
      yield* inDataset(treeChunks(file, index.address, data), data, file)
      return
    case 'btree2':
      yield* inDataset(recordChunks(file, index.address, data), data, file)
      return
    case 'fixedArray':
      yield* entryChunks(fixedArrayEntries(file, index.address), gridOf(data), data)
      return
    case 'extensibleArray':
      yield* entryChunks(extensibleArrayEntries(file, index.address), gridOf(data), data)
      return
    default:
      throw index satisfies never
  }
}

/** B-tree of version 1: the key says size, mask and position, the last in elements and with an axis more. */
async function* treeChunks(file: FileBytes, root: number, { shape }: ChunkedData): AsyncGenerator<StoredChunk> {
  const keySize = 8 + 8 * (shape.length + 1)
  for await (const { key, address } of leafChildren(file, root, CHUNK_TREE, keySize)) {
    const [size, mask] = [key.u32(), key.u32()]
    yield { origin: shape.map(() => key.uint(8)), address, size, mask }
  }
}

/** B-tree of version 2: positions count chunks. */
async function* recordChunks(
  file: FileBytes,
  root: number,
  { shape, layout, filtered, chunkSize }: ChunkedData,
): AsyncGenerator<StoredChunk> {
  for await (const record of treeRecords(file, root, filtered ? FILTERED_CHUNKS : CHUNKS)) {
    const address = addressOf(record)
    const size = filtered ? record.uint(record.remaining - 4 - 8 * shape.length) : chunkSize
    const mask = filtered ? record.u32() : 0
    const origin = shape.map((_, axis) => record.uint(8) * layout.chunkShape[axis]!)
    yield { origin, address, size, mask }
  }
}

/** The keys of trees ascend, so no chunk comes twice. */
async function* inDataset(
  chunks: AsyncIterable<StoredChunk>,
  { shape, layout }: ChunkedData,
  file: FileBytes,
): AsyncGenerator<StoredChunk> {
  let before: readonly number[] | undefined
  for await (const chunk of chunks) {
    const { origin, address } = chunk
    if (before !== undefined && !precedes(before, origin))
      throw damagedAt(file.base + address, `chunks [${before}] and [${origin}] are not in order`)
    if (origin.some((start, axis) => start % layout.chunkShape[axis]! !== 0))
      throw damagedAt(file.base + address, `no chunk begins at [${origin}]`)
    before = origin
    if (origin.every((start, axis) => start < shape[axis]!)) yield chunk
  }
}

const precedes = (a: readonly number[], b: readonly number[]): boolean => {
  const axis = a.findIndex((start, i) => start !== b[i])
  return axis >= 0 && a[axis]! < b[axis]!
}

/** How numbered chunks are laid out: the axis that can grow is the slowest, and every other has room for its largest size. */
interface Grid {
  readonly axes: readonly number[]
  readonly counts: readonly number[]
}

function gridOf({ maxShape, layout }: ChunkedData): Grid {
  const growing = maxShape.indexOf(Number.POSITIVE_INFINITY)
  const axes = maxShape.map((_, axis) => axis)
  if (growing > 0) axes.unshift(...axes.splice(growing, 1))
  return { axes, counts: axes.map((axis) => Math.ceil(maxShape[axis]! / layout.chunkShape[axis]!)) }
}

/** Position of chunk `index`, or undefined if the dataset does not reach that far. */
function originOf(index: number, { axes, counts }: Grid, { shape, layout }: ChunkedData): number[] | undefined {
  const origin = new Array<number>(shape.length)
  let rest = index
  for (let i = axes.length - 1; i >= 0; i--) {
    const axis = axes[i]!
    const position = i === 0 ? rest : rest % counts[i]!
    rest = i === 0 ? 0 : Math.floor(rest / counts[i]!)
    origin[axis] = position * layout.chunkShape[axis]!
    if (origin[axis]! >= shape[axis]!) return undefined
  }
  return origin
}

function* implicitChunks(file: FileBytes, start: number, data: ChunkedData): Generator<StoredChunk> {
  const grid = gridOf(data)
  const count = grid.counts.reduce((product, size) => product * size, 1)
  file.check(start, count * data.chunkSize)
  for (let i = 0; i < count; i++) {
    const origin = originOf(i, grid, data)
    if (origin !== undefined) yield { origin, address: start + i * data.chunkSize, size: data.chunkSize, mask: 0 }
  }
}

async function* entryChunks(blocks: AsyncIterable<Entries>, grid: Grid, data: ChunkedData): AsyncGenerator<StoredChunk> {
  for await (const { first, count, cursor, entrySize, filtered } of blocks) {
    if (filtered !== data.filtered) throw cursor.damaged('the index of chunks contradicts the filters')
    for (let i = first; i < first + count; i++) {
      const entry = cursor.part(entrySize)
      const address = entry.address()
      const origin = address === undefined ? undefined : originOf(i, grid, data)
      if (address === undefined || origin === undefined) continue
      const size = filtered ? entry.uint(entry.remaining - 4) : data.chunkSize
      yield { origin, address, size, mask: filtered ? entry.u32() : 0 }
    }
  }
}

function addressOf(record: Cursor): number {
  const address = record.address()
  if (address === undefined) throw record.damaged('a chunk is nowhere')
  return address
}
