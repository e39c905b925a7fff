/**
 * What linear algebra is written with: stacks of matrices (batch, rows, columns), and steps over rows and columns.
 *
 * Factorizations are loops of element-wise operations and products over the primitives that every backend has, so
 * they run, compile and differentiate everywhere; a whole step of a loop is one or two passes over the matrices.
 */
import { ShapeError } from '../../core/errors.js'
import { formatShape, type Shape, sizeOf } from '../../core/shape.js'
import { lax, type Tensor } from '../../engine/index.js'
import type { TensorLike } from '../define.js'
import { toFloat } from '../promotion.js'

/** A float tensor of rank 2 or more. */
export function asMatrices(where: string, input: TensorLike): Tensor {
  const x = toFloat(input)
  if (x.rank >= 2) return x
  throw new ShapeError({ where, problem: 'matrices are needed', expected: '(…, rows, columns)', received: formatShape(x.shape) })
}

/** A float tensor of square matrices. */
export function asSquare(where: string, input: TensorLike): Tensor {
  const x = asMatrices(where, input)
  if (x.shape.at(-1) === x.shape.at(-2)) return x
  throw new ShapeError({ where, problem: 'the matrices must be square', expected: '(…, n, n)', received: formatShape(x.shape) })
}

/** All leading axes as one: (batch, rows, columns). */
export const flattened = (x: Tensor): Tensor => lax.reshape(x, [sizeOf(x.shape.slice(0, -2)), ...x.shape.slice(-2)])

/** Gives a result of a flattened stack its leading axes back. */
export const restored = (result: Tensor, batch: Shape): Tensor => lax.reshape(result, [...batch, ...result.shape.slice(1)])

export const batchOf = (x: Tensor): Shape => x.shape.slice(0, -2)

/** The last two axes exchanged. */
export function transposed(x: Tensor): Tensor {
  const { rank } = x
  return lax.transpose(x, [...Array.from({ length: rank - 2 }, (_, i) => i), rank - 1, rank - 2])
}

/** (batch, m, k) · (batch, k, n). */
export const product = (a: Tensor, b: Tensor): Tensor => lax.dot(a, b, { batchA: [0], batchB: [0], contractA: [2], contractB: [1] })

/** 1 where `condition`, of the shape and dtype of `like`. */
export const indicator = (condition: Tensor, like: Tensor): Tensor => lax.cast(condition, like.dtype)

/** The index along `axis`, everywhere in `shape`. */
export const indices = (shape: Shape, axis: number): Tensor => lax.iota(shape, 'int32', axis)

/** Whether row and column compare as told: `lower` includes the diagonal. */
export function triangle(shape: Shape, kind: 'lower' | 'upper' | 'strictlyLower' | 'strictlyUpper' | 'diagonal'): Tensor {
  const [row, column] = [indices(shape, shape.length - 2), indices(shape, shape.length - 1)]
  const compare = { lower: lax.ge, upper: lax.le, strictlyLower: lax.gt, strictlyUpper: lax.lt, diagonal: lax.eq }[kind]
  return compare(row, column)
}

/** `x` in that part, 0 elsewhere. */
export const part = (x: Tensor, kind: Parameters<typeof triangle>[1]): Tensor => lax.select(triangle(x.shape, kind), x, lax.zerosLike(x))

/** (batch, n, n) → (batch, n). */
export const diagonalOf = (x: Tensor): Tensor => lax.reduceSum(part(x, 'diagonal'), [x.rank - 1])

/** (batch, n) → (batch, n, n). */
export function diagonalMatrix(values: Tensor): Tensor {
  const [batch, n] = values.shape as [number, number]
  return part(lax.broadcast(values, [batch, n, n], [0, 2]), 'diagonal')
}

/** The unit matrix in every place of a stack. */
export const unitMatrices = (batch: number, n: number, like: Tensor): Tensor => indicator(triangle([batch, n, n], 'diagonal'), like)

/** Columns of all matrices scaled by (batch, columns). */
export const scaleColumns = (x: Tensor, factors: Tensor): Tensor => lax.mul(x, lax.broadcast(factors, x.shape, [0, 2]))
/** Rows of all matrices scaled by (batch, rows). */
export const scaleRows = (x: Tensor, factors: Tensor): Tensor => lax.mul(x, lax.broadcast(factors, x.shape, [0, 1]))

/** Row `k` (a scalar tensor) of each matrix: (batch, columns). */
export const rowAt = (x: Tensor, k: Tensor): Tensor =>
  lax.reshape(lax.gather(x, lax.reshape(k, [1]), 1), [x.shape[0] as number, x.shape[2] as number])
/** Column `k` of each matrix: (batch, rows). */
export const columnAt = (x: Tensor, k: Tensor): Tensor =>
  lax.reshape(lax.gather(x, lax.reshape(k, [1]), 2), [x.shape[0] as number, x.shape[1] as number])

/** A scalar tensor compared with the index along the last axis: true at, before or after `k`. */
export const placesOf = (shape: Shape, compare: (index: Tensor, k: Tensor) => Tensor, k: Tensor): Tensor =>
  compare(indices(shape, shape.length - 1), lax.broadcast(k, shape, []))

/** (batch, m) and (batch, n) → (batch, m, n), all products. */
export function outerProduct(a: Tensor, b: Tensor): Tensor {
  const shape = [a.shape[0] as number, a.shape[1] as number, b.shape[1] as number]
  return lax.mul(lax.broadcast(a, shape, [0, 1]), lax.broadcast(b, shape, [0, 2]))
}

/** Element `k` of each row: (batch, n) → (batch). */
export const elementAt = (x: Tensor, k: Tensor): Tensor => lax.reshape(lax.gather(x, lax.reshape(k, [1]), 1), [x.shape[0] as number])

/** Symmetric part. */
export const symmetric = (x: Tensor): Tensor => lax.withNumber(lax.add(x, transposed(x)), lax.mul, 0.5)
