/** The innermost kernels: a register tile of C from a packed panel of A and a panel of B, and its way into C. */
import {
  type FunctionBuilder,
  type FunctionReference,
  i32,
  type Local,
  type ModuleBuilder,
  select,
  type Value,
  v128,
} from '../../assembler/index.js'
import { ZEROS } from '../../runtime/heap.js'
import type { Arithmetic } from './arithmetic.js'
import { TILE_COLUMNS } from './arithmetic.js'

/** (a, b, bStep, k, c, cRow) */
export type MicroKernel = FunctionReference<readonly ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'], null>
/** (tile, c, cRow, bias, mode) */
export type FinishKernel = FunctionReference<readonly ['i32', 'i32', 'i32', 'i32', 'i32'], null>
/** (tile, c, cRow, rows, columns, bias, mode) */
export type EdgeKernel = FunctionReference<readonly ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], null>

/** Bits of `mode`: what happens to a tile on its way to C. Besides, bias is added if its address is not 0. */
export const ACCUMULATE = 1
export const RELU = 2

export const TILE_ROW_BYTES = 4 * TILE_COLUMNS

/**
 * Tile (rows × 8) = A panel (k × rows) · B panel (k rows of 8, `bStep` bytes apart).
 *
 * What is missing here is missing for V8's register allocator: unrolling the loop, or doing anything with the sums
 * but storing them, costs nearly half of 43 GFLOP/s. So what else is to be done is done to the stored tile.
 */
export function defineMicroKernel(module: ModuleBuilder, { rows, zero, multiplyAdd }: Arithmetic): MicroKernel {
  return module.function(null, ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'], null, (f, a, b, bStep, k, c, cRow) => {
    const sums = Array.from({ length: rows }, () => [f.let(zero), f.let(zero)] as const)
    const left = f.local('v128')
    const right = f.local('v128')
    const element = f.local('v128')
    f.while(i32.gtS(k, 0), () => {
      f.set(left, v128.load(b))
      f.set(right, v128.load(b, 16))
      sums.forEach(([first, second], row) => {
        f.set(element, v128.load32Splat(a, 4 * row))
        f.set(first, multiplyAdd(first, element, left))
        f.set(second, multiplyAdd(second, element, right))
      })
      f.advance(a, 4 * rows)
      f.advance(b, bStep)
      f.advance(k, -1)
    })
    for (const [first, second] of sums) {
      f.emit(v128.store(c, first), v128.store(c, second, 16))
      f.advance(c, cRow)
    }
  })
}

/** Moves a whole tile to C: plus what C holds, plus bias, through relu, as asked. */
export function defineFinishKernel(module: ModuleBuilder, { rows, zero, lowest, add, clamp }: Arithmetic): FinishKernel {
  return module.function(null, ['i32', 'i32', 'i32', 'i32', 'i32'], null, (f, tile, c, cRow, bias, mode) => {
    const accumulates = i32.and(mode, ACCUMULATE)
    const addend = f.let(select<'i32'>(c, i32.const(ZEROS), accumulates))
    const addendRow = f.let(select<'i32'>(cRow, i32.const(0), accumulates))
    const floor = f.let(select<'v128'>(zero, lowest, i32.and(mode, RELU)))
    f.set(bias, select<'i32'>(bias, i32.const(ZEROS), bias))
    const biases = [f.let(v128.load(bias)), f.let(v128.load(bias, 16))] as const
    for (let row = 0; row < rows; row++) {
      biases.forEach((half, column) => {
        const sum = add(v128.load(tile, TILE_ROW_BYTES * row + 16 * column), v128.load(addend, 16 * column))
        f.emit(v128.store(c, clamp(add(sum, half), floor), 16 * column))
      })
      f.advance(c, cRow)
      f.advance(addend, addendRow)
    }
  })
}

/** Moves the part of a tile that lies inside C, as the micro kernel would have. */
export function defineEdgeKernel(module: ModuleBuilder, arithmetic: Arithmetic): EdgeKernel {
  return module.function(null, ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], null, (f, tile, c, cRow, rows, columns, bias, mode) => {
    const column = f.local('i32')
    f.while(i32.gtS(rows, 0), () => {
      f.for(column, 0, columns, 1, () => edgeElement(f, arithmetic, tile, c, column, bias, mode))
      f.advance(tile, TILE_ROW_BYTES)
      f.advance(c, cRow)
      f.advance(rows, -1)
    })
  })
}

function edgeElement(
  f: FunctionBuilder,
  { add, clamp, zero }: Arithmetic,
  tile: Local<'i32'>,
  c: Local<'i32'>,
  column: Local<'i32'>,
  bias: Local<'i32'>,
  mode: Local<'i32'>,
): void {
  const at = (base: Value<'i32'>): Value<'i32'> => i32.add(base, i32.shl(column, 2))
  const value = f.let(v128.load32Zero(at(tile)))
  f.if(i32.and(mode, ACCUMULATE), () => f.set(value, add(value, v128.load32Zero(at(c)))))
  f.if(i32.ne(bias, 0), () => f.set(value, add(value, v128.load32Zero(at(bias)))))
  f.if(i32.and(mode, RELU), () => f.set(value, clamp(value, zero)))
  f.emit(v128.store32Lane(at(c), value, 0))
}
