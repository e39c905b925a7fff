/** Singular values and vectors, by rotations of columns (Hestenes), and what follows from them. */
import { GraphError } from '../../core/errors.js'
import { customGradient, lax, type Tensor } from '../../engine/index.js'
import { defineOp } from '../define.js'
import { toFloat } from '../promotion.js'
import { rotation, sweep } from './jacobi.js'
import {
  asMatrices,
  batchOf,
  diagonalMatrix,
  diagonalOf,
  flattened,
  part,
  product,
  restored,
  scaleColumns,
  scaleRows,
  transposed,
  triangle,
  unitMatrices,
} from './matrices.js'
import { epsilonOf } from './precision.js'
import { reflect } from './qr.js'
import { rightHandSide, solution } from './triangular.js'

interface Decomposition {
  /** (batch, m, k) */
  readonly u: Tensor
  /** (batch, k), falling */
  readonly s: Tensor
  /** (batch, n, k) */
  readonly v: Tensor
}

/** For at least as many rows as columns. */
function decomposeTall(a: Tensor): Decomposition {
  const [batch, , n] = a.shape as [number, number, number]
  const squares = (x: Tensor): Tensor => lax.reduceSum(lax.mul(x, x), [1])
  const isDone = ([x]: Tensor[]): Tensor => {
    const gram = product(transposed(x as Tensor), x as Tensor)
    const sizes = diagonalOf(gram)
    const off = lax.sub(gram, part(gram, 'diagonal'))
    const limit = lax.mul(lax.broadcast(sizes, gram.shape, [0, 1]), lax.broadcast(sizes, gram.shape, [0, 2]))
    const isSmall = lax.le(lax.mul(off, off), lax.withNumber(limit, lax.mul, (4 * epsilonOf(a)) ** 2))
    return lax.reduceMin(isSmall, [0, 1, 2])
  }
  const [rotated, v] = sweep(
    n,
    [a, unitMatrices(batch, n, a)],
    ([now, right], partners) => {
      const x = now as Tensor
      const pairs = lax.gather(x, partners, 2)
      const own = squares(x)
      const index = lax.iota([n], 'int32', 0)
      const isAlone = lax.broadcast(lax.eq(index, partners), [batch, n], [1])
      const isFirst = lax.broadcast(lax.lt(index, partners), [batch, n], [1])
      const off = lax.select(isAlone, lax.zerosLike(own), lax.reduceSum(lax.mul(x, pairs), [1]))
      const { cos, tan } = rotation(own, lax.gather(own, partners, 1), off, isFirst)
      const sin = lax.mul(cos, tan)
      const turned = (m: Tensor, others: Tensor): Tensor => lax.sub(scaleColumns(m, cos), scaleColumns(others, sin))
      return [turned(x, pairs), turned(right as Tensor, lax.gather(right as Tensor, partners, 2))]
    },
    isDone,
  ) as [Tensor, Tensor]
  const sizes = lax.sqrt(squares(rotated))
  const [s, places] = lax.sort(sizes, 1, true)
  const isFrom = lax.cast(lax.eq(lax.iota([batch, n, n], 'int32', 1), lax.broadcast(places, [batch, n, n], [0, 2])), a.dtype)
  return { u: orthonormal(product(rotated, isFrom), s), s, v: product(v, isFrom) }
}

/** Columns of length `s` as unit vectors; where there is no length, something orthogonal to the others. */
function orthonormal(columns: Tensor, s: Tensor): Tensor {
  const [, , n] = columns.shape as [number, number, number]
  const largest = lax.broadcast(lax.reduceMax(s, [1]), s.shape, [0])
  const isZero = lax.le(s, lax.withNumber(largest, lax.mul, epsilonOf(s)))
  const safe = lax.select(isZero, lax.full(s.shape, s.dtype, 1), s)
  const units = scaleColumns(columns, lax.select(isZero, lax.zerosLike(s), lax.div(lax.full(s.shape, s.dtype, 1), safe)))
  const basis = completed(units)
  const [batch, m] = columns.shape as [number, number]
  return lax.select(lax.broadcast(isZero, columns.shape, [0, 2]), lax.slice(basis, [0, 0, 0], [batch, m, n]), units)
}

/** An orthonormal basis (batch, m, m) that begins with the given columns, as far as these are not 0. */
function completed(units: Tensor): Tensor {
  const [batch, m, n] = units.shape as [number, number, number]
  const [q, r] = reflect(units)
  // Reflections give each column a sign, which R's diagonal tells.
  const diagonal = diagonalOf(lax.slice(r, [0, 0, 0], [batch, n, n]))
  const signs = lax.select(
    lax.lt(diagonal, lax.zerosLike(diagonal)),
    lax.full([batch, n], units.dtype, -1),
    lax.full([batch, n], units.dtype, 1),
  )
  const rest = lax.full([batch, m - n], units.dtype, 1)
  return scaleColumns(q, m === n ? signs : lax.concat([signs, rest], 1))
}

function decompose(a: Tensor): Decomposition {
  const [, m, n] = a.shape as [number, number, number]
  if (m >= n) return decomposeTall(a)
  const { u, s, v } = decomposeTall(transposed(a))
  return { u: v, s, v: u }
}

/** U, s, V with the way back (Townsend 2016). Equal singular values give no direction, so 0. */
export const svdStack: (a: Tensor) => readonly Tensor[] = customGradient((a: Tensor) => {
  const { u, s, v } = decompose(a)
  return [
    [u, s, v] as const,
    (toU: Tensor, toS: Tensor, toV: Tensor) => {
      const k = s.shape[1] as number
      const shape = [s.shape[0] as number, k, k]
      const squares = lax.mul(s, s)
      const distance = lax.sub(lax.broadcast(squares, shape, [0, 2]), lax.broadcast(squares, shape, [0, 1]))
      const one = lax.full(shape, a.dtype, 1)
      const isSame = lax.logicalOr(triangle(shape, 'diagonal'), lax.eq(distance, lax.zerosLike(distance)))
      const factor = lax.select(isSame, lax.zerosLike(distance), lax.div(one, lax.select(isSame, one, distance)))
      const isZero = lax.eq(s, lax.zerosLike(s))
      const inverse = lax.select(isZero, s, lax.div(lax.full(s.shape, a.dtype, 1), lax.select(isZero, lax.full(s.shape, a.dtype, 1), s)))
      const turned = (x: Tensor, g: Tensor): Tensor => {
        const inner = product(transposed(x), g)
        return lax.mul(factor, lax.sub(inner, transposed(inner)))
      }
      const beside = (x: Tensor, g: Tensor): Tensor => lax.sub(g, product(x, product(transposed(x), g)))
      const middle = lax.add(diagonalMatrix(toS), lax.add(scaleColumns(turned(u, toU), s), scaleRows(turned(v, toV), s)))
      const vt = transposed(v)
      const inside = product(product(u, middle), vt)
      const left = product(scaleColumns(beside(u, toU), inverse), vt)
      const right = product(u, transposed(scaleColumns(beside(v, toV), inverse)))
      return [lax.add(inside, lax.add(left, right))]
    },
  ]
})

/** Full bases have no unique way back. */
const withoutGradient = (x: Tensor): Tensor =>
  customGradient((inner: Tensor) => [
    completed(inner),
    () => {
      throw new GraphError({
        where: 'svd',
        problem: 'full matrices have no gradient: the vectors that complete a basis are arbitrary',
        hint: 'use fullMatrices: false',
      })
    },
  ])(x)

/**
 * x = U · diag(s) · Vᵀ: U (…, m, k), s (…, k) falling, Vᵀ (…, k, n) with k = min(m, n); with `fullMatrices` (the default) U and
 * Vᵀ are square. `computeUv: false` gives s alone.
 */
export const svd = defineOp<[Tensor], { fullMatrices?: boolean; computeUv?: boolean }, Tensor | readonly [Tensor, Tensor, Tensor]>({
  name: 'SVD',
  module: 'linalg',
  tensors: 1,
  parameters: ['fullMatrices', 'computeUv'],
  call: ([input], { fullMatrices = true, computeUv = true }) => {
    const a = asMatrices('svd', input)
    const [u, s, v] = svdStack(flattened(a)) as [Tensor, Tensor, Tensor]
    const batch = batchOf(a)
    if (!computeUv) return restored(s, batch)
    const whole = (x: Tensor): Tensor => (fullMatrices && x.shape[1] !== x.shape[2] ? withoutGradient(x) : x)
    return [restored(whole(u), batch), restored(s, batch), restored(transposed(whole(v)), batch)] as const
  },
})

/** s⁻¹ where s is above `rcond` times the largest, else 0. */
function cutInverse(s: Tensor, rcond: number): Tensor {
  const limit = lax.withNumber(lax.broadcast(lax.reduceMax(s, [1]), s.shape, [0]), lax.mul, rcond)
  const isKept = lax.gt(s, limit)
  const one = lax.full(s.shape, s.dtype, 1)
  return lax.select(isKept, lax.div(one, lax.select(isKept, s, one)), lax.zerosLike(s))
}

const usualCut = (a: Tensor): number => epsilonOf(a) * Math.max(a.shape.at(-1) as number, a.shape.at(-2) as number)

function pseudoInverse(a: Tensor, rcond: number): Tensor {
  const [u, s, v] = svdStack(a) as [Tensor, Tensor, Tensor]
  return product(scaleColumns(v, cutInverse(s, rcond)), transposed(u))
}

/** The pseudo-inverse (Moore and Penrose): (…, m, n) → (…, n, m). Singular values up to `rcond` times the largest count as 0. */
export const pinv = defineOp<[Tensor], { rcond?: number | null }, Tensor>({
  name: 'Pinv',
  module: 'linalg',
  tensors: 1,
  parameters: ['rcond'],
  call: ([input], { rcond }) => {
    const a = asMatrices('pinv', input)
    return restored(pseudoInverse(flattened(a), rcond ?? 10 * usualCut(a)), batchOf(a))
  },
})

/** x that makes |a · x - b| smallest, and is smallest itself: a (m, n), b (m) or (m, k). */
export const lstsq = defineOp<[Tensor, Tensor], { rcond?: number | null }, Tensor>({
  name: 'Lstsq',
  module: 'linalg',
  tensors: 2,
  parameters: ['rcond'],
  call: ([left, right], { rcond }) => {
    const a = asMatrices('lstsq', left)
    const { stack, isVector } = rightHandSide('lstsq', a, toFloat(right))
    return solution(product(pseudoInverse(flattened(a), rcond ?? usualCut(a)), stack), a, isVector)
  },
})

/** How many singular values are above `tol` (by default rounding, for the size of the matrix): (…, m, n) → (…) int32. */
export const matrixRank = defineOp<[Tensor], { tol?: number | null }, Tensor>({
  name: 'MatrixRank',
  module: 'linalg',
  tensors: 1,
  parameters: ['tol'],
  call: ([input], { tol }) => {
    const a = asMatrices('matrixRank', input)
    const s = (svdStack(flattened(a)) as Tensor[])[1] as Tensor
    const largest = lax.broadcast(lax.reduceMax(s, [1]), s.shape, [0])
    const limit = tol == null ? lax.withNumber(largest, lax.mul, usualCut(a)) : lax.full(s.shape, s.dtype, tol)
    return restored(lax.reduceSum(lax.cast(lax.gt(s, limit), 'int32'), [1]), batchOf(a))
  },
})
