/** Packs blocks of A where A is a matrix in memory, one of whose strides is one element. */
import { type FunctionBuilder, i32, type Local, select } from '../../assembler/index.js'
import { RecordLayout } from '../../runtime/record.js'
import { copyColumn, interleaveRows } from './pack.js'
import type { ASource, Block } from './source.js'

/** Strides in bytes. */
export const MATRIX_SOURCE = new RecordLayout('a', 'row', 'column', 'batch')

export const matrixSource: ASource = {
  bytes: MATRIX_SOURCE.bytes,
  packBlock(f, rows, args, block) {
    const matrix = f.let(i32.add(MATRIX_SOURCE.load(args, 'a'), i32.mul(block.batch, MATRIX_SOURCE.load(args, 'batch'))))
    const row = f.let(MATRIX_SOURCE.load(args, 'row'))
    const column = f.let(MATRIX_SOURCE.load(args, 'column'))
    f.advance(matrix, i32.add(i32.mul(block.firstRow, row), i32.mul(block.firstColumn, column)))
    const to = f.let(i32.add(block.to, 0))
    const done = f.local('i32')
    f.for(done, 0, block.rows, rows, () => {
      const start = f.let(i32.add(matrix, i32.mul(done, row)))
      f.if(
        i32.eq(column, 4),
        () => packRows(f, rows, start, row, i32.sub(i32.sub(block.rows, done), 1), block, to),
        () => packColumns(f, rows, start, column, block, to),
      )
    })
  },
}

/** Rows past the last repeat it. */
function packRows(
  f: FunctionBuilder,
  rows: number,
  start: Local<'i32'>,
  row: Local<'i32'>,
  lastRow: ReturnType<typeof i32.sub>,
  block: Block,
  to: Local<'i32'>,
): void {
  const last = f.let(lastRow)
  const pointers = Array.from({ length: rows }, (_, at) =>
    f.let(i32.add(start, i32.mul(row, select(i32.const(at), last, i32.ltS(i32.const(at), last))))),
  )
  interleaveRows(f, pointers, block.columns, to)
}

/** Rows past the last hold whatever lies there. */
function packColumns(f: FunctionBuilder, rows: number, start: Local<'i32'>, column: Local<'i32'>, block: Block, to: Local<'i32'>): void {
  const rest = f.let(i32.add(block.columns, 0))
  f.while(i32.gtS(rest, 0), () => {
    copyColumn(f, rows, start, to)
    f.advance(start, column)
    f.advance(to, 4 * rows)
    f.advance(rest, -1)
  })
}
