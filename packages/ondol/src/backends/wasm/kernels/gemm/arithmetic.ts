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
  readonly rows: 4 | 6
}

/**
 * Eight sums of four rows and two vectors of B leave room in sixteen registers; with fused multiply-add,
 * which needs no register for the product, six rows fit too.
 */
export const float32 = (features: Features): Arithmetic => ({
  zero: f32x4.splat(0),
  add: f32x4.add,
  multiplyAdd: features.relaxed ? (sum, a, b) => f32x4.relaxedMadd(a, b, sum) : (sum, a, b) => f32x4.add(sum, f32x4.mul(a, b)),
  relu: (x) => f32x4.pmax(x, 0),
  rows: features.relaxed ? 6 : 4,
})

export const int32 = (): Arithmetic => ({
  zero: i32x4.splat(0),
  add: i32x4.add,
  multiplyAdd: (sum, a, b) => i32x4.add(sum, i32x4.mul(a, b)),
  relu: (x) => i32x4.maxS(x, i32x4.splat(0)),
  rows: 4,
})

/** Columns of the register tile, and of a panel of packed B. */
export const TILE_COLUMNS = 8
