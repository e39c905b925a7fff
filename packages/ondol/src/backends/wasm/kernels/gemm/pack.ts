/** Packing: B into panels of eight columns, rows of A (given by pointers) into panels of a tile's height. */
import { type FunctionBuilder, i32, i32x4, type Local, type ModuleBuilder, select, type Value, v128 } from '../../assembler/index.js'
import { RecordLayout } from '../../runtime/record.js'
import { TILE_COLUMNS } from './arithmetic.js'
import { transpose4 } from './transpose.js'

/**
 * B as (outer × inner) rows of n columns; one of `row` and `column` (strides in bytes) is 4. Outer row o
 * starts `table[o]` bytes from `b`. Tasks are the panels, batch by batch; a panel takes `panelBytes`.
 */
export const PACK_B = new RecordLayout('b', 'row', 'column', 'batch', 'table', 'outer', 'inner', 'n', 'panels', 'packed', 'panelBytes')

const PANEL_ROW_BYTES = 4 * TILE_COLUMNS

export function definePackB(module: ModuleBuilder): void {
  module.function('packB', ['i32', 'i32', 'i32', 'i32'], null, (f, args, begin, end) => {
    const word = (name: Parameters<typeof PACK_B.load>[1]): Local<'i32'> => f.let(PACK_B.load(args, name))
    const [row, column, n, panels, inner, outer, table] = (['row', 'column', 'n', 'panels', 'inner', 'outer', 'table'] as const).map(
      word,
    ) as [Local<'i32'>, Local<'i32'>, Local<'i32'>, Local<'i32'>, Local<'i32'>, Local<'i32'>, Local<'i32'>]
    const task = f.local('i32')
    f.for(task, begin, end, 1, () => {
      const first = f.let(i32.mul(i32.remS(task, panels), TILE_COLUMNS))
      const matrix = f.let(i32.add(PACK_B.load(args, 'b'), i32.mul(i32.divS(task, panels), PACK_B.load(args, 'batch'))))
      const to = f.let(i32.add(PACK_B.load(args, 'packed'), i32.mul(task, PACK_B.load(args, 'panelBytes'))))
      const at = f.local('i32')
      f.for(at, 0, outer, 1, () => {
        const start = f.let(i32.add(matrix, i32.mul(first, column)))
        f.advance(start, i32.load(i32.add(table, i32.shl(at, 2))))
        f.if(
          i32.eq(column, 4),
          () => copyRows(f, start, row, inner, to),
          () => turnColumns(f, start, column, i32.sub(i32.sub(n, first), 1), inner, to),
        )
      })
    })
  })
}

/** Columns that do not exist hold whatever lies there: they are computed with, never stored. */
function copyRows(f: FunctionBuilder, from: Local<'i32'>, row: Local<'i32'>, count: Local<'i32'>, to: Local<'i32'>): void {
  const rest = f.let(i32.add(count, 0))
  f.while(i32.gtS(rest, 0), () => {
    f.emit(v128.store(to, v128.load(from)), v128.store(to, v128.load(from, 16), 16))
    f.advance(from, row)
    f.advance(to, PANEL_ROW_BYTES)
    f.advance(rest, -1)
  })
}

/** Here columns that do not exist repeat the last one. */
function turnColumns(
  f: FunctionBuilder,
  from: Local<'i32'>,
  column: Local<'i32'>,
  lastColumn: Value<'i32'>,
  count: Local<'i32'>,
  to: Local<'i32'>,
): void {
  const last = f.let(lastColumn)
  const pointers = Array.from({ length: TILE_COLUMNS }, (_, at) =>
    f.let(i32.add(from, i32.mul(column, select(i32.const(at), last, i32.ltS(i32.const(at), last))))),
  )
  const rest = f.let(i32.add(count, 0))
  const advance = (elements: number): void => {
    for (const pointer of pointers) f.advance(pointer, 4 * elements)
    f.advance(to, PANEL_ROW_BYTES * elements)
    f.advance(rest, -elements)
  }
  f.while(i32.geS(rest, 4), () => {
    for (const half of [0, 4]) {
      const turned = transpose4(
        f,
        pointers.slice(half, half + 4).map((pointer) => v128.load(pointer)),
      )
      for (const [at, vector] of turned.entries()) f.emit(v128.store(to, vector, PANEL_ROW_BYTES * at + 4 * half))
    }
    advance(4)
  })
  f.while(i32.gtS(rest, 0), () => {
    for (const [at, pointer] of pointers.entries()) f.emit(i32.store(to, i32.load(pointer), 4 * at))
    advance(1)
  })
}

/**
 * Copies `count` neighbours from each of four to six pointers (one a row of the tile) into a panel, element by element
 * of all rows; moves `to` and the pointers past them.
 */
export function interleaveRows(f: FunctionBuilder, pointers: readonly Local<'i32'>[], count: Value<'i32'>, to: Local<'i32'>): void {
  const rows = pointers.length
  const rest = f.let(count)
  const advance = (elements: number): void => {
    for (const pointer of pointers) f.advance(pointer, 4 * elements)
    f.advance(to, 4 * rows * elements)
    f.advance(rest, -elements)
  }
  f.while(i32.geS(rest, 4), () => {
    const turned = transpose4(
      f,
      pointers.slice(0, 4).map((pointer) => v128.load(pointer)),
    )
    for (const [at, vector] of turned.entries()) f.emit(v128.store(to, vector, 4 * rows * at))
    if (rows === 5) {
      const fifth = f.let(v128.load(pointers[4] as Local<'i32'>))
      for (const at of [0, 1, 2, 3]) f.emit(v128.store32Lane(to, fifth, at, 4 * rows * at + 16))
    }
    if (rows === 6) {
      const [fifth, sixth] = pointers.slice(4).map((pointer) => f.let(v128.load(pointer))) as [Local<'v128'>, Local<'v128'>]
      for (const [at, lanes] of [
        [0, 4, 1, 5],
        [2, 6, 3, 7],
      ].entries()) {
        const pair = f.let(i32x4.shuffle(fifth, sixth, lanes))
        f.emit(v128.store64Lane(to, pair, 0, 4 * rows * (2 * at) + 16), v128.store64Lane(to, pair, 1, 4 * rows * (2 * at + 1) + 16))
      }
    }
    advance(4)
  })
  f.while(i32.gtS(rest, 0), () => {
    for (const [at, pointer] of pointers.entries()) f.emit(i32.store(to, i32.load(pointer), 4 * at))
    advance(1)
  })
}

/** Copies a tile's height of neighbours. */
export function copyColumn(f: FunctionBuilder, rows: number, from: Local<'i32'>, to: Local<'i32'>): void {
  f.emit(v128.store(to, v128.load(from)))
  if (rows === 5) f.emit(i32.store(to, i32.load(from, 16), 16))
  if (rows === 6) f.emit(v128.store64Lane(to, v128.load64Zero(from, 16), 0, 16))
}
