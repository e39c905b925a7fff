/** Where a matrix product takes A from: the matrix itself, or the windows of a convolution's input. */
import type { FunctionBuilder, Local } from '../../assembler/index.js'

/** A block of A to pack: panels of a tile's height, each `columns` long, one after the other. */
export interface Block {
  readonly batch: Local<'i32'>
  readonly firstRow: Local<'i32'>
  readonly rows: Local<'i32'>
  readonly firstColumn: Local<'i32'>
  readonly columns: Local<'i32'>
  /** Address of the first panel. */
  readonly to: Local<'i32'>
  /** Memory of this thread for tables of a block, `TABLE_BYTES` of it. */
  readonly table: Local<'i32'>
}

export interface ASource {
  /** Size of its record. */
  readonly bytes: number
  /** Emits code that packs a block; `args` is the source's own record. */
  readonly packBlock: (f: FunctionBuilder, rows: number, args: Local<'i32'>, block: Block) => void
}

/** Most rows and columns of a block of A. */
export const MAX_BLOCK_ROWS = 192
export const MAX_BLOCK_COLUMNS = 512
export const TABLE_BYTES = 32 * (MAX_BLOCK_COLUMNS + 8)
