/** Triangular systems, and the factorization of positive definite matrices. */
import { ShapeError } from '../../core/errors.js'
import { formatShape } from '../../core/shape.js'
import { customGradient, lax, type Tensor } from '../../engine/index.js'
import { foriLoop } from '../control.js'
import { defineOp } from '../define.js'
import { toFloat } from '../promotion.js'
import {
  asSquare,
  batchOf,
  columnAt,
  diagonalMatrix,
  diagonalOf,
  elementAt,
  flattened,
  outerProduct,
  part,
  placesOf,
  product,
  restored,
  rowAt,
  symmetric,
  transposed,
  unitMatrices,
} from './matrices.js'

/** X of A · X = B for triangular A (batch, n, n) and B (batch, n, m), row by row. */
function substitute(a: Tensor, b: Tensor, lower: boolean): Tensor {
  const [batch, n] = a.shape as [number, number]
  const m = b.shape[2] as number
  const pivots = diagonalOf(a)
  return foriLoop<Tensor>(
    0,
    n,
    (step, x) => {
      const k = lower ? step : lax.sub(lax.full([], 'int32', n - 1), step)
      // Rows that are not solved yet are 0 in x.
      const known = lax.reshape(product(lax.reshape(rowAt(a, k), [batch, 1, n]), x), [batch, m])
      const pivot = lax.broadcast(elementAt(pivots, k), [batch, m], [0])
      const row = lax.div(lax.sub(rowAt(b, k), known), pivot)
      const isRow = lax.cast(placesOf([batch, n], lax.eq, k), a.dtype)
      return lax.add(x, outerProduct(isRow, row))
    },
    lax.zerosLike(b),
  )
}

/** `substitute` with its gradient: another triangular system. */
export const solveTriangularStack = (lower: boolean): ((a: Tensor, b: Tensor) => Tensor) =>
  customGradient((a: Tensor, b: Tensor) => {
    const used = part(a, lower ? 'lower' : 'upper')
    const x = substitute(used, b, lower)
    return [
      x,
      (g: Tensor) => {
        const toB = solveTriangularStack(!lower)(transposed(used), g)
        return [part(lax.neg(product(toB, transposed(x))), lower ? 'lower' : 'upper'), toB]
      },
    ]
  })

/** Right-hand sides as a stack of matrices; vectors (…, n) get a column. */
export function rightHandSide(where: string, a: Tensor, b: Tensor): { stack: Tensor; isVector: boolean } {
  const isVector = b.rank === a.rank - 1
  const matrix = isVector ? lax.reshape(b, [...b.shape, 1]) : b
  const fits = matrix.rank === a.rank && matrix.shape.at(-2) === a.shape.at(-2) && `${batchOf(matrix)}` === `${batchOf(a)}`
  if (fits) return { stack: flattened(matrix), isVector }
  throw new ShapeError({
    where,
    problem: 'the right-hand side does not fit the matrices',
    expected: `${formatShape([...batchOf(a), a.shape.at(-2) as number])} or ${formatShape([...batchOf(a), a.shape.at(-2) as number])} with columns`,
    received: formatShape(b.shape),
  })
}

/** x as right-hand sides were: with its leading axes, without the column of a vector. */
export function solution(x: Tensor, like: Tensor, isVector: boolean): Tensor {
  const whole = restored(x, batchOf(like))
  return isVector ? lax.reshape(whole, whole.shape.slice(0, -1)) : whole
}

/** x of a · x = b for triangular matrices a (…, n, n); b (…, n) or (…, n, m). Only one triangle of a is looked at. */
export const solveTriangular = defineOp<[Tensor, Tensor], { lower?: boolean }, Tensor>({
  name: 'SolveTriangular',
  module: 'linalg',
  tensors: 2,
  parameters: ['lower'],
  call: ([left, right], { lower = false }) => {
    const a = asSquare('solveTriangular', left)
    const { stack, isVector } = rightHandSide('solveTriangular', a, toFloat(right))
    return solution(solveTriangularStack(lower)(flattened(a), stack), a, isVector)
  },
})

/** L of A = L · Lᵀ (batch, n, n), column by column; NaN where A is not positive definite. */
function factorize(a: Tensor): Tensor {
  const [batch, n] = a.shape as [number, number]
  const [, factor] = foriLoop<[Tensor, Tensor]>(
    0,
    n,
    (k, [rest, done]) => {
      const column = columnAt(rest, k)
      const pivot = lax.sqrt(elementAt(column, k))
      const scaled = lax.div(column, lax.broadcast(pivot, column.shape, [0]))
      const lower = lax.select(placesOf([batch, n], lax.ge, k), scaled, lax.zerosLike(scaled))
      const isColumn = lax.cast(placesOf([batch, n], lax.eq, k), a.dtype)
      return [lax.sub(rest, outerProduct(lower, lower)), lax.add(done, outerProduct(lower, isColumn))]
    },
    [a, lax.zerosLike(a)],
  )
  return factor
}

/** The factor with its gradient (Murray 2016). */
export const choleskyStack: (a: Tensor) => Tensor = customGradient((a: Tensor) => {
  const l = factorize(a)
  return [
    l,
    (g: Tensor) => {
      // The diagonal counts half: it is on both sides of the symmetric change.
      const inner = part(product(transposed(l), g), 'lower')
      const halved = lax.sub(inner, diagonalMatrix(lax.withNumber(diagonalOf(inner), lax.mul, 0.5)))
      const left = solveTriangularStack(false)(transposed(l), halved)
      const both = transposed(solveTriangularStack(false)(transposed(l), transposed(left)))
      return [symmetric(both)]
    },
  ]
})

/** Lower (or upper) triangular factor of symmetric positive definite matrices (…, n, n): x = L · Lᵀ. NaN where there is none. */
export const cholesky = defineOp<[Tensor], { upper?: boolean }, Tensor>({
  name: 'Cholesky',
  module: 'linalg',
  tensors: 1,
  parameters: ['upper'],
  call: ([input], { upper = false }) => {
    const a = asSquare('cholesky', input)
    const factor = restored(choleskyStack(symmetric(flattened(a))), batchOf(a))
    return upper ? transposed(factor) : factor
  },
})

/** The inverse of the matrices whose triangular factor x is: (L · Lᵀ)⁻¹. */
export const choleskyInverse = defineOp<[Tensor], { upper?: boolean }, Tensor>({
  name: 'CholeskyInverse',
  module: 'linalg',
  tensors: 1,
  parameters: ['upper'],
  call: ([input], { upper = false }) => {
    const x = asSquare('choleskyInverse', input)
    const stack = flattened(x)
    const l = upper ? transposed(stack) : stack
    const [batch, n] = l.shape as [number, number]
    const inverse = solveTriangularStack(true)(l, unitMatrices(batch, n, l))
    return restored(product(transposed(inverse), inverse), batchOf(x))
  },
})
