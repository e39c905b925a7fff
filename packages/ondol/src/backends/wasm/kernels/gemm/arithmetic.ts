/** The two kinds of numbers that matrix products are made of, and the register tile that goes with each machine. */
import { f32x4, i32x4, type Value } from '../../assembler/index.js'
import type { Features } from '../../runtime/features.js'

type Vector = Value<'v128'>

export interface Arithmetic {
  readonly zero: Vector
  readonly add: (a: Vector, b: Vector) => Vector
  /** sum + a b */
  readonly multiplyAdd: (sum: Vector, a: Vector, b: Vector) => Vector
  /** max(x, 0), NaN kept. */
  readonly relu: (x: Vector) => Vector
  /** Rows of the register tile; its columns are always 8. */
  readonly rows: number
}

/**
 * Ten sums of five rows, two vectors of B, an element of A and a product leave room in sixteen registers;
 * fused multiply-add needs no register for the product, so that six rows fit.
 */
export const tileRows = (dtype: 'float32' | 'int32', features: Features): number => (dtype === 'int32' ? 4 : features.relaxed ? 6 : 5)

export const float32 = (features: Features): Arithmetic => ({
  zero: f32x4.splat(0),
  add: f32x4.add,
  multiplyAdd: features.relaxed ? (sum, a, b) => f32x4.relaxedMadd(a, b, sum) : (sum, a, b) => f32x4.add(sum, f32x4.mul(a, b)),
  relu: (x) => f32x4.pmax(x, 0),
  rows: tileRows('float32', features),
})

export const int32 = (features: Features): Arithmetic => ({
  zero: i32x4.splat(0),
  add: i32x4.add,
  multiplyAdd: (sum, a, b) => i32x4.add(sum, i32x4.mul(a, b)),
  relu: (x) => i32x4.maxS(x, i32x4.splat(0)),
  rows: tileRows('int32', features),
})

/** Columns of the register tile, and of a panel of packed B. */
export const TILE_COLUMNS = 8
