/** Factorization by elimination with pivots, and what follows from it: systems, inverses, determinants. */
import { ValueError } from '../../core/errors.js'
import { customGradient, lax, type Tensor } from '../../engine/index.js'
import { foriLoop } from '../control.js'
import { defineOp } from '../define.js'
import { toFloat } from '../promotion.js'
import {
  asMatrices,
  asSquare,
  batchOf,
  columnAt,
  diagonalOf,
  elementAt,
  flattened,
  indicator,
  outerProduct,
  part,
  placesOf,
  product,
  restored,
  rowAt,
  transposed,
  unitMatrices,
} from './matrices.js'
import { rightHandSide, solution, solveTriangularStack } from './triangular.js'

interface Factors {
  /** U, and below the diagonal L without its ones: (batch, m, n). */
  readonly lu: Tensor
  /** At each step the row that was exchanged with this one: (batch, min(m, n)) int32. */
  readonly pivots: Tensor
  /** The row that each row came from: (batch, m) int32. */
  readonly order: Tensor
}

/** Row `place` (batch) of each matrix, by a sum over all rows of which one counts. */
const chosenRow = (x: Tensor, isChosen: Tensor): Tensor => {
  const [batch, m, n] = x.shape as [number, number, number]
  return lax.reshape(product(lax.reshape(isChosen, [batch, 1, m]), x), [batch, n])
}

function eliminate(a: Tensor): Factors {
  const [batch, m, n] = a.shape as [number, number, number]
  const steps = Math.min(m, n)
  const start = [a, lax.zerosLike(lax.full([batch, steps], 'int32', 0)), lax.iota([batch, m], 'int32', 1)] as [Tensor, Tensor, Tensor]
  const [lu, pivots, order] = foriLoop<[Tensor, Tensor, Tensor]>(
    0,
    steps,
    (k, [rest, chosen, rows]) => {
      const sizes = lax.abs(columnAt(rest, k))
      const isOpen = placesOf([batch, m], lax.ge, k)
      const place = lax.argMax(lax.select(isOpen, sizes, lax.full([batch, m], a.dtype, -1)), 1)
      const isPivot = lax.eq(lax.iota([batch, m], 'int32', 1), lax.broadcast(place, [batch, m], [0]))
      const isHere = placesOf([batch, m], lax.eq, k)
      const change = indicator(isHere, a)
      const back = indicator(isPivot, a)
      const pivotRow = chosenRow(rest, back)
      const thisRow = rowAt(rest, k)
      const difference = lax.sub(pivotRow, thisRow)
      const swapped = lax.sub(lax.add(rest, outerProduct(change, difference)), outerProduct(back, difference))
      const column = columnAt(swapped, k)
      const pivot = elementAt(column, k)
      const isSingular = lax.eq(pivot, lax.zerosLike(pivot))
      const divisor = lax.select(isSingular, lax.full([batch], a.dtype, 1), pivot)
      const isBelow = placesOf([batch, m], lax.gt, k)
      const factors = lax.select(isBelow, lax.div(column, lax.broadcast(divisor, column.shape, [0])), lax.zerosLike(column))
      const isRight = placesOf([batch, n], lax.gt, k)
      const pivotRest = lax.select(isRight, pivotRow, lax.zerosLike(pivotRow))
      const isColumn = indicator(placesOf([batch, n], lax.eq, k), a)
      const kept = lax.sub(factors, lax.select(isBelow, column, lax.zerosLike(column)))
      const next = lax.add(lax.sub(swapped, outerProduct(factors, pivotRest)), outerProduct(kept, isColumn))
      const isStep = placesOf([batch, steps], lax.eq, k)
      const orderHere = elementAt(rows, k)
      const orderThere = lax.reduceSum(lax.select(isPivot, rows, lax.zerosLike(rows)), [1])
      const wide = (x: Tensor): Tensor => lax.broadcast(x, [batch, m], [0])
      const reordered = lax.select(isHere, wide(orderThere), lax.select(isPivot, wide(orderHere), rows))
      return [next, lax.select(isStep, lax.broadcast(place, [batch, steps], [0]), chosen), reordered]
    },
    start,
  )
  return { lu, pivots, order }
}

/** P · L · U factorization: U with L (without its ones) below the diagonal, and the pivots as LAPACK counts them from 0. */
export const luFactor = defineOp<[Tensor], Record<never, never>, [Tensor, Tensor]>({
  name: 'LuFactor',
  module: 'linalg',
  tensors: 1,
  parameters: [],
  call: ([input]) => {
    const a = asMatrices('luFactor', input)
    const { lu, pivots } = eliminate(flattened(a))
    return [restored(lu, batchOf(a)), restored(pivots, batchOf(a))]
  },
})

/** Rows in the order that the pivots gave them. */
function permuted(b: Tensor, order: Tensor): Tensor {
  const [batch, n] = b.shape as [number, number]
  const isFrom = lax.eq(lax.broadcast(order, [batch, n, n], [0, 1]), lax.iota([batch, n, n], 'int32', 2))
  return product(indicator(isFrom, b), b)
}

/** X of A · X = B; the way back solves with Aᵀ. */
export const solveStack: (a: Tensor, b: Tensor) => Tensor = customGradient((a: Tensor, b: Tensor) => {
  const { lu, order } = eliminate(a)
  const [batch, n] = a.shape as [number, number]
  const lower = lax.add(part(lu, 'strictlyLower'), unitMatrices(batch, n, a))
  const x = solveTriangularStack(false)(lu, solveTriangularStack(true)(lower, permuted(b, order)))
  return [
    x,
    (g: Tensor) => {
      const toB = solveStack(transposed(a), g)
      return [lax.neg(product(toB, transposed(x))), toB]
    },
  ]
})

/** x of a · x = b: a (…, n, n), b (…, n) or (…, n, m). Singular matrices give infinities or NaN. */
export const solve = defineOp<[Tensor, Tensor], Record<never, never>, Tensor>({
  name: 'Solve',
  module: 'linalg',
  tensors: 2,
  parameters: [],
  call: ([left, right]) => {
    const a = asSquare('solve', left)
    const { stack, isVector } = rightHandSide('solve', a, toFloat(right))
    return solution(solveStack(flattened(a), stack), a, isVector)
  },
})

const inverseStack = (a: Tensor): Tensor => solveStack(a, unitMatrices(a.shape[0] as number, a.shape[1] as number, a))

/** The inverse of square matrices (…, n, n). */
export const inv = defineOp<[Tensor], Record<never, never>, Tensor>({
  name: 'Inv',
  module: 'linalg',
  tensors: 1,
  parameters: [],
  call: ([input]) => {
    const a = asSquare('inv', input)
    return restored(inverseStack(flattened(a)), batchOf(a))
  },
})

/** The sign that exchanging rows gives a determinant: (batch). */
function signOf(pivots: Tensor): Tensor {
  const isExchange = lax.ne(pivots, lax.iota(pivots.shape, 'int32', 1))
  const exchanges = lax.reduceSum(lax.cast(isExchange, 'int32'), [1])
  return lax.withNumber(lax.withNumber(lax.withNumber(exchanges, lax.mod, 2), lax.mul, -2), lax.add, 1)
}

/** Determinants (batch); the way back is det · A⁻ᵀ. */
const determinants: (a: Tensor) => Tensor = customGradient((a: Tensor) => {
  const { lu, pivots } = eliminate(a)
  const value = lax.mul(lax.cast(signOf(pivots), a.dtype), lax.reduceProd(diagonalOf(lu), [1]))
  return [value, (g: Tensor) => [lax.mul(transposed(inverseStack(a)), lax.broadcast(lax.mul(g, value), a.shape, [0]))]]
})

/** The determinant of square matrices: (…, n, n) → (…). */
export const det = defineOp<[Tensor], Record<never, never>, Tensor>({
  name: 'Det',
  module: 'linalg',
  tensors: 1,
  parameters: [],
  call: ([input]) => {
    const a = asSquare('det', input)
    return restored(determinants(flattened(a)), batchOf(a))
  },
})

/** Signs and logarithms of the sizes of determinants (batch); the way back of the logarithm is A⁻ᵀ. */
const signsAndLogs: (a: Tensor) => readonly Tensor[] = customGradient((a: Tensor) => {
  const { lu, pivots } = eliminate(a)
  const diagonal = diagonalOf(lu)
  const sign = lax.mul(lax.cast(signOf(pivots), a.dtype), lax.reduceProd(lax.sign(diagonal), [1]))
  const log = lax.reduceSum(lax.log(lax.abs(diagonal)), [1])
  return [[sign, log] as const, (_: Tensor, g: Tensor) => [lax.mul(transposed(inverseStack(a)), lax.broadcast(g, a.shape, [0]))]]
})

/** The sign of the determinant and the logarithm of its size: (…, n, n) → (…), (…). */
export const slogdet = defineOp<[Tensor], Record<never, never>, [Tensor, Tensor]>({
  name: 'Slogdet',
  module: 'numpy',
  tensors: 1,
  parameters: [],
  call: ([input]) => {
    const a = asSquare('slogdet', input)
    return signsAndLogs(flattened(a)).map((x) => restored(x, batchOf(a))) as [Tensor, Tensor]
  },
})

/** The logarithm of the determinant of positive definite matrices. */
export const logdet = defineOp<[Tensor], Record<never, never>, Tensor>({
  name: 'Logdet',
  module: 'math',
  tensors: 1,
  parameters: [],
  call: ([input]) => {
    const a = asSquare('logdet', input)
    return restored(signsAndLogs(flattened(a))[1] as Tensor, batchOf(a))
  },
})

/** x · x · … (n times); the inverse's power for negative n. */
export const matrixPower = defineOp<[Tensor], { n: number }, Tensor>({
  name: 'MatrixPower',
  module: 'linalg',
  tensors: 1,
  parameters: ['n'],
  call: ([input], { n }) => {
    const a = asSquare('matrixPower', input)
    if (!Number.isInteger(n))
      throw new ValueError({ where: 'matrixPower', problem: 'the exponent is no whole number', received: String(n) })
    const stack = flattened(a)
    let base = n < 0 ? inverseStack(stack) : stack
    let result: Tensor | undefined
    for (let left = Math.abs(n); left > 0; left = Math.floor(left / 2)) {
      if (left % 2 === 1) result = result === undefined ? base : product(result, base)
      if (left > 1) base = product(base, base)
    }
    return restored(result ?? unitMatrices(stack.shape[0] as number, stack.shape[1] as number, stack), batchOf(a))
  },
})
