/** The superblock (spec II.A): the first bytes of a file, and where its root group is. */
import type { ByteSource } from '../../../core/bytes.js'
import { SavingError } from '../../../core/errors.js'
import { Cursor, damagedAt } from './cursor.js'
import { Encoder } from './encoder.js'
import { FileBytes, verifyChecksum } from './file-bytes.js'
import { INTERNAL_K, LEAF_K, type SymbolTableAddresses } from './symbol-table.js'

const SIGNATURE = Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a)

export const SUPERBLOCK_SIZE = 96

/** Version 0, which every library reads. */
export function encodeSuperblock(fileSize: number, root: number, { tree, heap }: SymbolTableAddresses): Uint8Array {
  const out = new Encoder().raw(SIGNATURE).u8(0, 0, 0, 0, 0, 8, 8, 0).u16(LEAF_K).u16(INTERNAL_K).u32(0)
  out.u64(0).u64(undefined).u64(fileSize).u64(undefined)
  const IN_SYMBOL_TABLE = 1
  return out.u64(0).u64(root).u32(IN_SYMBOL_TABLE).u32(0).u64(tree).u64(heap).bytes
}

/** The bytes of the file by address, and the address of the root group's object header. */
export async function readSuperblock(source: ByteSource): Promise<{ file: FileBytes; root: number }> {
  const start = await findSignature(source)
  const bytes = new Uint8Array(Math.min(SUPERBLOCK_SIZE + 16, source.byteLength - start))
  await source.read(start, bytes)
  const narrow = new Cursor(bytes, start, { address: 8, length: 8 }).skip(SIGNATURE.length)
  const version = narrow.expectVersion('the superblock', 0, 1, 2, 3)
  if (version < 2) narrow.skip(4)
  const widths = { address: widthOf(narrow), length: widthOf(narrow) }
  // What comes next: version 0 and 1 say the shape of B-trees and flags, 2 and 3 flags.
  const fieldsAt = version === 0 ? 24 : version === 1 ? 28 : 12
  const cursor = new Cursor(bytes, start, widths).skip(fieldsAt)
  cursor.address()
  cursor.address()
  const end = cursor.address() // counted from the very beginning, user block and all
  const file = new FileBytes(source, start, widths)
  if (end === undefined || end > source.byteLength)
    throw new SavingError({
      where: `byte ${start}`,
      problem: 'the file is incomplete',
      expected: `${end ?? 'some'} bytes, says its beginning`,
      received: `${source.byteLength} bytes`,
      hint: 'it was not written or copied to its end: fetch or save it again',
    })
  // Versions 0 and 1: a driver block, then the root's symbol table entry, which begins with the offset of its name.
  if (version < 2) {
    cursor.address()
    cursor.address()
  }
  const root = cursor.address()
  if (root === undefined) throw cursor.damaged('there is no root group')
  if (version >= 2) verifyChecksum(new Cursor(bytes.subarray(0, cursor.offset + 4), start, widths))
  return { file, root }
}

/** At the beginning, or after a user block of 512, 1024, 2048 … bytes. */
async function findSignature(source: ByteSource): Promise<number> {
  const found = new Uint8Array(SIGNATURE.length)
  for (let start = 0; start + SIGNATURE.length <= source.byteLength; start = start === 0 ? 512 : 2 * start) {
    await source.read(start, found)
    if (found.every((byte, i) => byte === SIGNATURE[i])) return start
  }
  throw new SavingError({
    problem: 'this is not an HDF5 file',
    expected: 'the bytes 89 48 44 46 0d 0a 1a 0a at its beginning',
    received: `${source.byteLength} bytes`,
  })
}

function widthOf(cursor: Cursor): number {
  const width = cursor.u8()
  if (![2, 4, 8].includes(width))
    throw damagedAt(cursor.position + cursor.offset - 1, `addresses or lengths of ${width} bytes are not possible`)
  return width
}
