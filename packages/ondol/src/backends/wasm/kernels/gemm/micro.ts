/** The innermost kernel: a register tile of C from a packed panel of A and a panel of B. */
import { type FunctionBuilder, type FunctionReference, i32, type Local, type ModuleBuilder, v128, type Value } from '../../assembler/index.js'
import type { Arithmetic } from './arithmetic.js'
import { TILE_COLUMNS } from './arithmetic.js'

/** (a, b, bStep, k, c, cRow, bias, mode) */
export type MicroKernel = FunctionReference<readonly ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], null>
/** (tile, c, cRow, rows, columns, bias, mode) */
export type EdgeKernel = FunctionReference<readonly ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], null>

/** Bits of `mode`: what happens to a tile before it is stored. */
export const ACCUMULATE = 1
export const RELU = 2

const TILE_ROW_BYTES = 4 * TILE_COLUMNS

/**
 * C tile (rows × 8) = A panel (k × rows) · B panel (k rows of 8, `bStep` bytes apart), plus what C holds
 * (ACCUMULATE), plus bias (if its address is not 0), through relu (RELU).
 */
export function defineMicroKernel(module: ModuleBuilder, arithmetic: Arithmetic): MicroKernel {
  const { rows, zero, multiplyAdd, add, relu } = arithmetic
  return module.function(null, ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], null, (f, a, b, bStep, k, c, cRow, bias, mode) => {
    const sums = Array.from({ length: rows }, () => [f.let(zero), f.let(zero)] as const)
    const left = f.local('v128')
    const right = f.local('v128')
    const element = f.local('v128')
    // Not unrolled: V8 allocates registers best for the plain loop (43 against 24 GFLOP/s when unrolled by four).
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

    f.if(i32.and(mode, ACCUMULATE), () => {
      const row = f.let(i32.add(c, 0))
      for (const [first, second] of sums) {
        f.set(first, add(first, v128.load(row)))
        f.set(second, add(second, v128.load(row, 16)))
        f.advance(row, cRow)
      }
    })
    f.if(i32.ne(bias, 0), () => {
      f.set(left, v128.load(bias))
      f.set(right, v128.load(bias, 16))
      for (const [first, second] of sums) {
        f.set(first, add(first, left))
        f.set(second, add(second, right))
      }
    })
    f.if(i32.and(mode, RELU), () => {
      for (const [first, second] of sums) {
        f.set(first, relu(first))
        f.set(second, relu(second))
      }
    })
    for (const [first, second] of sums) {
      f.emit(v128.store(c, first), v128.store(c, second, 16))
      f.advance(c, cRow)
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

function edgeElement(f: FunctionBuilder, { add, relu }: Arithmetic, tile: Local<'i32'>, c: Local<'i32'>, column: Local<'i32'>, bias: Local<'i32'>, mode: Local<'i32'>): void {
  const at = (base: Value<'i32'>): Value<'i32'> => i32.add(base, i32.shl(column, 2))
  const value = f.let(v128.load32Zero(at(tile)))
  f.if(i32.and(mode, ACCUMULATE), () => f.set(value, add(value, v128.load32Zero(at(c)))))
  f.if(i32.ne(bias, 0), () => f.set(value, add(value, v128.load32Zero(at(bias)))))
  f.if(i32.and(mode, RELU), () => f.set(value, relu(value)))
  f.emit(v128.store32Lane(at(c), value, 0))
}
