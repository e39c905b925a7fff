/** The filter pipeline (spec IV.A.2.l), undone: gzip, shuffle, fletcher32. Others are refused by name. */
import { inflate } from '../../../core/inflate.js'
import { type Cursor, damagedAt, unsupported } from './cursor.js'

/** What a chunk went through when it was written, in that order. */
export type Filters = readonly Filter[]

interface Filter {
  readonly id: number
  readonly parameters: readonly number[]
}

const DEFLATE = 1
const SHUFFLE = 2
const FLETCHER32 = 3

const OTHERS: Readonly<Record<number, string>> = {
  4: 'szip',
  5: 'nbit',
  6: 'scaleoffset',
  32000: 'lzf',
  32001: 'blosc',
  32004: 'lz4',
  32008: 'bitshuffle',
  32013: 'zfp',
  32015: 'zstd',
  32026: 'blosc2',
}

export function decodeFilters(cursor: Cursor): Filters {
  const version = cursor.expectVersion('the filter message', 1, 2)
  const count = cursor.u8()
  if (version === 1) cursor.skip(6)
  return Array.from({ length: count }, () => {
    const id = cursor.u16()
    const nameSize = version === 1 || id >= 256 ? cursor.u16() : 0
    cursor.skip(2) // whether it may be left out: the mask of each chunk says so
    const values = cursor.u16()
    const name = cursor.take(version === 1 ? Math.ceil(nameSize / 8) * 8 : nameSize)
    const parameters = Array.from({ length: values }, () => cursor.u32())
    if (version === 1 && values % 2 === 1) cursor.skip(4)
    if (id === DEFLATE || id === SHUFFLE || id === FLETCHER32) return { id, parameters }
    const known = OTHERS[id] ?? String.fromCharCode(...name).replace(/\0.*/s, '')
    throw unsupported(cursor, `data packed with the filter ${id}${known === '' ? '' : ` (${known})`}`)
  })
}

/** The `size` bytes of a chunk as they were before they were filtered; `position` is where `stored` lies in the file. */
export async function unfilter(stored: Uint8Array, size: number, mask: number, filters: Filters, position: number): Promise<Uint8Array> {
  let bytes = stored
  const fail = (problem: string): Error => damagedAt(position, problem)
  for (let i = filters.length - 1; i >= 0; i--) {
    if (mask & (1 << i)) continue
    const { id, parameters } = filters[i]!
    if (id === FLETCHER32) bytes = withoutFletcher32(bytes, position)
    // Only a checksum, outermost when written, can make the packed bytes longer than the chunk.
    else if (id === DEFLATE) bytes = await inflate(bytes, { format: 'deflate', limit: size + 4 * filters.length, fail })
    else bytes = unshuffle(bytes, parameters[0] ?? 1)
  }
  if (bytes.byteLength !== size) throw damagedAt(position, `a chunk has ${bytes.byteLength} bytes instead of ${size}`)
  return bytes
}

/** Puts the bytes of each element together again: they were written first bytes first. */
function unshuffle(bytes: Uint8Array, itemSize: number): Uint8Array {
  const count = Math.floor(bytes.byteLength / itemSize)
  if (itemSize <= 1 || count <= 1) return bytes
  const out = new Uint8Array(bytes.byteLength)
  for (let byte = 0; byte < itemSize; byte++)
    for (let i = 0, from = byte * count, to = byte; i < count; i++, to += itemSize) out[to] = bytes[from + i]!
  out.set(bytes.subarray(count * itemSize), count * itemSize)
  return out
}

function withoutFletcher32(bytes: Uint8Array, position: number): Uint8Array {
  const size = bytes.byteLength - 4
  if (size < 0) throw damagedAt(position, 'a chunk is too short for its checksum')
  const data = bytes.subarray(0, size)
  const stored = new DataView(bytes.buffer, bytes.byteOffset + size, 4).getUint32(0, true)
  const expected = fletcher32(data)
  // HDF5 before 1.6.3 wrote the bytes of each half the other way round.
  const swapped = ((expected & 0x00ff00ff) << 8) | ((expected >>> 8) & 0x00ff00ff)
  if (stored !== expected && stored !== swapped >>> 0) throw damagedAt(position, 'the checksum of a chunk is wrong')
  return data
}

/** Over big-endian 16-bit words, as the library computes it. */
function fletcher32(bytes: Uint8Array): number {
  let [sum1, sum2] = [0, 0]
  const even = bytes.byteLength & ~1
  for (let i = 0; i < even; ) {
    // 360 words cannot overflow 32 bits.
    for (const end = Math.min(even, i + 720); i < end; i += 2) {
      sum1 += (bytes[i]! << 8) | bytes[i + 1]!
      sum2 += sum1
    }
    sum1 = (sum1 & 0xffff) + (sum1 >>> 16)
    sum2 = (sum2 & 0xffff) + (sum2 >>> 16)
  }
  if (even < bytes.byteLength) {
    sum1 += bytes[even]! << 8
    sum2 += sum1
  }
  for (let fold = 0; fold < 2; fold++) {
    sum1 = (sum1 & 0xffff) + (sum1 >>> 16)
    sum2 = (sum2 & 0xffff) + (sum2 >>> 16)
  }
  return ((sum2 << 16) | sum1) >>> 0
}
