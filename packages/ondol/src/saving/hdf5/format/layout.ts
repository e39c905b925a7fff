/** Where the elements of a dataset are (spec IV.A.2.i): in its header, in one piece, or in chunks with some index. */
import { type Cursor, unsupported } from './cursor.js'
import type { Dataspace } from './dataspace.js'

export type Layout =
  | { readonly kind: 'compact'; readonly value: Cursor }
  | { readonly kind: 'contiguous'; readonly address: number | undefined; readonly size: number | undefined }
  | ChunkedLayout

export interface ChunkedLayout {
  readonly kind: 'chunked'
  readonly chunkShape: readonly number[]
  readonly index: ChunkIndex
}

/** How chunks are found; without an address none has been stored. */
export type ChunkIndex =
  | { readonly kind: 'btree1' | 'btree2' | 'implicit'; readonly address: number | undefined }
  | { readonly kind: 'fixedArray' | 'extensibleArray'; readonly address: number | undefined }
  | { readonly kind: 'single'; readonly address: number | undefined; readonly size: number | undefined; readonly mask: number }

const COMPACT = 0
const CONTIGUOUS = 1
const CHUNKED = 2

export function decodeLayout(cursor: Cursor, { shape }: Dataspace): Layout {
  const version = cursor.expectVersion('the layout message', 1, 2, 3, 4, 5)
  const rank = shape?.length ?? 0
  if (version < 3) return decodeOld(cursor, rank)
  const kind = cursor.u8()
  if (kind === COMPACT) return { kind: 'compact', value: cursor.part(cursor.u16()) }
  if (kind === CONTIGUOUS) return { kind: 'contiguous', address: cursor.address(), size: cursor.length() }
  if (kind !== CHUNKED) throw unsupported(cursor, kind === 3 ? 'a virtual dataset, made of others,' : `storage of kind ${kind}`)
  // Version 5 differs in the indexes only: sizes of filtered chunks have eight bytes there, whatever they need.
  if (version >= 4) return decodeChunked(cursor, rank)
  const axes = cursor.u8()
  const address = cursor.address()
  const sizes = Array.from({ length: axes }, () => cursor.u32())
  return { kind: 'chunked', chunkShape: chunkShapeOf(cursor, sizes, rank), index: { kind: 'btree1', address } }
}

/** Versions 1 and 2, of HDF5 before 1.6.3. */
function decodeOld(cursor: Cursor, rank: number): Layout {
  const axes = cursor.u8()
  const kind = cursor.u8()
  cursor.skip(5)
  if (kind === COMPACT) {
    cursor.skip(4 * axes)
    return { kind: 'compact', value: cursor.part(cursor.u32()) }
  }
  const address = cursor.address()
  // The size of contiguous storage is left to shape and type: these sizes may be cut to 32 bits.
  if (kind === CONTIGUOUS) return { kind: 'contiguous', address, size: undefined }
  if (kind !== CHUNKED) throw unsupported(cursor, `storage of kind ${kind}`)
  const sizes = Array.from({ length: axes }, () => cursor.u32())
  return { kind: 'chunked', chunkShape: chunkShapeOf(cursor, sizes, rank), index: { kind: 'btree1', address } }
}

function decodeChunked(cursor: Cursor, rank: number): Layout {
  const flags = cursor.u8()
  if (flags & 1) throw unsupported(cursor, 'storage with filters on all chunks but those at the edges')
  const axes = cursor.u8()
  const width = cursor.u8()
  const chunkShape = chunkShapeOf(
    cursor,
    Array.from({ length: axes }, () => cursor.uint(width)),
    rank,
  )
  return { kind: 'chunked', chunkShape, index: decodeIndex(cursor, (flags & 2) !== 0) }
}

function decodeIndex(cursor: Cursor, isSingleFiltered: boolean): ChunkIndex {
  const kind = cursor.u8()
  switch (kind) {
    case 1: {
      const size = isSingleFiltered ? cursor.length() : undefined
      const mask = isSingleFiltered ? cursor.u32() : 0
      return { kind: 'single', address: cursor.address(), size, mask }
    }
    case 2:
      return { kind: 'implicit', address: cursor.address() }
    // The sizes that follow are creation parameters: the index itself repeats them.
    case 3:
      return { kind: 'fixedArray', address: cursor.skip(1).address() }
    case 4:
      return { kind: 'extensibleArray', address: cursor.skip(5).address() }
    case 5:
      return { kind: 'btree2', address: cursor.skip(6).address() }
    default:
      throw unsupported(cursor, `a chunk index of kind ${kind}`)
  }
}

/** The last size is that of an element. */
function chunkShapeOf(cursor: Cursor, sizes: readonly number[], rank: number): readonly number[] {
  const shape = sizes.slice(0, -1)
  if (shape.length !== rank || rank === 0) throw cursor.damaged(`chunks have ${shape.length} axes, the dataset ${rank}`)
  if (shape.some((size) => size === 0)) throw cursor.damaged(`chunks of shape [${shape}] are empty`)
  return shape
}
