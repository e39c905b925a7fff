/** The superblock (spec II.A): the first bytes of a file, and where its root group is. */
import { Encoder } from './encoder.js'
import { INTERNAL_K, LEAF_K, type SymbolTableAddresses } from './symbol-table.js'

export const SIGNATURE = Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a)

export const SUPERBLOCK_SIZE = 96

/** Version 0, which every library reads. */
export function encodeSuperblock(fileSize: number, root: number, { tree, heap }: SymbolTableAddresses): Uint8Array {
  const out = new Encoder().raw(SIGNATURE).u8(0, 0, 0, 0, 0, 8, 8, 0).u16(LEAF_K).u16(INTERNAL_K).u32(0)
  out.u64(0).u64(undefined).u64(fileSize).u64(undefined)
  const IN_SYMBOL_TABLE = 1
  return out.u64(0).u64(root).u32(IN_SYMBOL_TABLE).u32(0).u64(tree).u64(heap).bytes
}
