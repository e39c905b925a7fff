/** The two kinds of numbers that matrix products are made of, and the register tile that goes with each machine. */
import { f32x4, i32x4, type Value } from '../../assembler/index.js'
import type { Features } from '../../runtime/features.js'

type Vector = Value<'v128'>

export interface Arithmetic {
  readonly zero: Vector
  readonly add: (a: Vector, b: Vector) => Vector
  /** sum + a b */
  readonly multiplyAdd: (sum: Vector, a: Vector, b: Vector) => Vector
  /** max(x, floor), NaN kept. */
  readonly clamp: (x: Vector, floor: Vector) => Vector
  /** What `clamp` leaves everything as it is with. */
  readonly lowest: Vector
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
  clamp: f32x4.pmax,
  lowest: f32x4.splat(Number.NEGATIVE_INFINITY),
  rows: tileRows('float32', features),
})

export const int32 = (features: Features): Arithmetic => ({
  zero: i32x4.splat(0),
  add: i32x4.add,
  multiplyAdd: (sum, a, b) => i32x4.add(sum, i32x4.mul(a, b)),
  clamp: i32x4.maxS,
  lowest: i32x4.splat(-2147483648),
  rows: tileRows('int32', features),
})

/** Columns of the register tile, and of a panel of packed B. */
export const TILE_COLUMNS = 8
