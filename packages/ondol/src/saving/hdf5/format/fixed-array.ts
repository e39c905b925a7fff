/** Fixed arrays (spec III.H): the chunk index of datasets that cannot grow. */
import type { Cursor } from './cursor.js'
import { type FileBytes, Walk } from './file-bytes.js'

/** Entries that lie together; `first` is the number of the first. */
export interface Entries {
  readonly first: number
  readonly count: number
  readonly cursor: Cursor
  /** Set for entries of filtered chunks, which say their size. */
  readonly entrySize: number
  readonly filtered: boolean
}

export async function* fixedArrayEntries(file: FileBytes, address: number): AsyncGenerator<Entries> {
  const { address: width, length } = file.widths
  const header = (await file.checked(address, 12 + length + width)).expectSignature('FAHD')
  header.expectVersion('a fixed array', 0)
  const filtered = header.u8() === 1
  const [entrySize, pageBits] = [header.u8(), header.u8()]
  const count = header.length()
  const block = header.address()
  if (block === undefined) return
  if (pageBits > 31 || entrySize < width) throw header.damaged('a fixed array has impossible sizes')
  const perPage = 2 ** pageBits
  const pages = count > perPage ? Math.ceil(count / perPage) : 0
  const prefix = 6 + width + Math.ceil(pages / 8)
  const walk = new Walk(file)
  const checked = async (at: number, size: number): Promise<Cursor> => {
    walk.claim(at, size)
    return file.checked(at, size)
  }
  const start = (await checked(block, prefix + (pages === 0 ? count * entrySize : 0) + 4)).expectSignature('FADB')
  start.expectVersion('a fixed array block', 0)
  start.skip(1 + width)
  if (pages === 0) {
    yield { first: 0, count, cursor: start, entrySize, filtered }
    return
  }
  const written = start.take(Math.ceil(pages / 8))
  for (let page = 0, at = block + prefix + 4; page < pages; page++) {
    const first = page * perPage
    const here = Math.min(perPage, count - first)
    const size = here * entrySize + 4
    if (isSet(written, page)) yield { first, count: here, cursor: await checked(at, size), entrySize, filtered }
    at += size
  }
}

/** Bits are counted from the highest of the first byte. */
export const isSet = (bits: Uint8Array, index: number): boolean => ((bits[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0
