/**
 * Extensible arrays (spec III.I): the chunk index of datasets that can grow along one axis. The index block holds the first
 * entries, then come data blocks that double in size, the later ones listed in secondary blocks.
 */
import type { Cursor } from './cursor.js'
import { type FileBytes, Walk } from './file-bytes.js'
import { type Entries, isSet } from './fixed-array.js'

export async function* extensibleArrayEntries(file: FileBytes, address: number): AsyncGenerator<Entries> {
  const { address: width, length } = file.widths
  const header = (await file.checked(address, 16 + 6 * length + width)).expectSignature('EAHD')
  header.expectVersion('an extensible array', 0)
  const filtered = header.u8() === 1
  const [entrySize, countBits, inIndex, smallestBlock, fewestPointers, pageBits] = Array.from({ length: 6 }, () => header.u8()) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  header.skip(4 * length)
  const used = header.length() // one more than the highest entry that was set
  header.length()
  const indexBlock = header.address()
  if (indexBlock === undefined) return
  const isPossible =
    entrySize >= width &&
    countBits <= 64 &&
    pageBits <= 31 &&
    isPowerOfTwo(smallestBlock) &&
    isPowerOfTwo(fewestPointers) &&
    fewestPointers > 1
  if (!isPossible || countBits < Math.log2(smallestBlock)) throw header.damaged('an extensible array has impossible sizes')

  const walk = new Walk(file)
  const checked = async (at: number, size: number, signature: string): Promise<Cursor> => {
    walk.claim(at, size)
    const cursor = (await file.checked(at, size)).expectSignature(signature)
    cursor.expectVersion('an extensible array block', 0)
    return cursor.skip(1 + width)
  }
  const prefix = 6 + width
  const offsetWidth = Math.ceil(countBits / 8)
  const perPage = 2 ** pageBits
  const pagesOf = (entries: number): number => (entries > perPage ? entries / perPage : 0)

  async function* dataBlock(
    at: number | undefined,
    first: number,
    count: number,
    number: number,
    written: Uint8Array,
  ): AsyncGenerator<Entries> {
    if (at === undefined) return
    const pages = pagesOf(count)
    const cursor = await checked(at, prefix + offsetWidth + (pages === 0 ? count * entrySize : 0) + 4, 'EADB')
    if (pages === 0) {
      yield { first, count, cursor: cursor.skip(offsetWidth), entrySize, filtered }
      return
    }
    const pageSize = perPage * entrySize + 4
    for (let page = 0; page < pages; page++) {
      if (!isSet(written, number * pages + page)) continue
      const pageAt = at + prefix + offsetWidth + 4 + page * pageSize
      walk.claim(pageAt, pageSize)
      yield { first: first + page * perPage, count: perPage, cursor: await file.checked(pageAt, pageSize), entrySize, filtered }
    }
  }

  // Secondary block s stands for 2^(s/2) data blocks of 2^((s+1)/2) times the smallest; the first few have their blocks listed in the index.
  const secondaries = 1 + countBits - Math.log2(smallestBlock)
  const direct = Math.min(2 * Math.log2(fewestPointers), secondaries)
  const directBlocks = 2 * (fewestPointers - 1)
  const index = await checked(indexBlock, prefix + inIndex * entrySize + (directBlocks + secondaries - direct) * width + 4, 'EAIB')
  yield { first: 0, count: inIndex, cursor: index.part(inIndex * entrySize), entrySize, filtered }
  let first = inIndex
  for (let s = 0; s < secondaries && first < used; s++) {
    const blocks = 2 ** (s >> 1)
    const count = smallestBlock * 2 ** ((s + 1) >> 1)
    if (s < direct) {
      for (let i = 0; i < blocks; i++, first += count) yield* dataBlock(index.address(), first, count, i, new Uint8Array())
      continue
    }
    const at = index.address()
    if (at === undefined) {
      first += blocks * count
      continue
    }
    const bitmapSize = Math.ceil(pagesOf(count) / 8)
    const secondary = (await checked(at, prefix + offsetWidth + blocks * (bitmapSize + width) + 4, 'EASB')).skip(offsetWidth)
    // There is room for whole bytes for each block, but the bits of all blocks follow each other.
    const written = secondary.take(blocks * bitmapSize)
    for (let i = 0; i < blocks; i++, first += count) yield* dataBlock(secondary.address(), first, count, i, written)
  }
}

const isPowerOfTwo = (value: number): boolean => value > 0 && Number.isInteger(Math.log2(value))
