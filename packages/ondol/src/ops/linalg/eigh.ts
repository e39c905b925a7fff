/** Eigenvalues and eigenvectors of symmetric matrices, by Jacobi's rotations. */
import { customGradient, lax, type Tensor } from '../../engine/index.js'
import { defineOp } from '../define.js'
import { rotation, sweep } from './jacobi.js'
import {
  asSquare,
  batchOf,
  diagonalMatrix,
  diagonalOf,
  flattened,
  part,
  product,
  restored,
  scaleColumns,
  scaleRows,
  symmetric,
  transposed,
  triangle,
  unitMatrices,
} from './matrices.js'

/** Off-diagonal parts below this share of the whole are rounding. */
const EPSILON: Readonly<Record<string, number>> = { float32: 2e-7, float64: 1e-15 }

function diagonalize(a: Tensor): [values: Tensor, vectors: Tensor] {
  const [batch, n] = a.shape as [number, number]
  const all = (x: Tensor): Tensor => lax.reduceSum(lax.mul(x, x), [1, 2])
  const limit = lax.withNumber(all(a), lax.mul, (EPSILON[a.dtype] ?? 1e-3) ** 2)
  const isDone = ([now]: Tensor[]): Tensor => {
    const off = part(now as Tensor, 'diagonal')
    return lax.reduceMin(lax.le(all(lax.sub(now as Tensor, off)), limit), [0])
  }
  const [rotated, vectors] = sweep(
    n,
    [a, unitMatrices(batch, n, a)],
    ([now, v], partners) => {
      const x = now as Tensor
      const own = diagonalOf(x)
      const other = lax.gather(own, partners, 1)
      const isPartner = lax.eq(lax.iota([n, n], 'int32', 1), lax.broadcast(partners, [n, n], [0]))
      const off = lax.reduceSum(lax.select(lax.broadcast(isPartner, x.shape, [1, 2]), x, lax.zerosLike(x)), [2])
      const index = lax.iota([n], 'int32', 0)
      const isAlone = lax.broadcast(lax.eq(index, partners), [batch, n], [1])
      const isFirst = lax.broadcast(lax.lt(index, partners), [batch, n], [1])
      const { cos, tan } = rotation(own, other, lax.select(isAlone, lax.zerosLike(off), off), isFirst)
      const sin = lax.mul(cos, tan)
      const columns = (m: Tensor): Tensor => lax.sub(scaleColumns(m, cos), scaleColumns(lax.gather(m, partners, 2), sin))
      const rows = (m: Tensor): Tensor => lax.sub(scaleRows(m, cos), scaleRows(lax.gather(m, partners, 1), sin))
      return [rows(columns(x)), columns(v as Tensor)]
    },
    isDone,
  ) as [Tensor, Tensor]
  const [values, places] = lax.sort(diagonalOf(rotated), 1)
  const isFrom = lax.eq(lax.iota([batch, n, n], 'int32', 1), lax.broadcast(places, [batch, n, n], [0, 2]))
  return [values, product(vectors, lax.cast(isFrom, a.dtype))]
}

/** The way back divides by the distances of eigenvalues: equal ones give no direction, so 0. */
const eighStack: (a: Tensor) => readonly Tensor[] = customGradient((a: Tensor) => {
  const [values, vectors] = diagonalize(a)
  return [
    [values, vectors] as const,
    (toValues: Tensor, toVectors: Tensor) => {
      const { shape } = vectors
      const distance = lax.sub(lax.broadcast(values, shape, [0, 2]), lax.broadcast(values, shape, [0, 1]))
      const isSame = lax.logicalOr(triangle(shape, 'diagonal'), lax.eq(distance, lax.zerosLike(distance)))
      const factor = lax.select(
        isSame,
        lax.zerosLike(distance),
        lax.div(lax.full(shape, a.dtype, 1), lax.select(isSame, lax.full(shape, a.dtype, 1), distance)),
      )
      const inner = lax.add(diagonalMatrix(toValues), lax.mul(product(transposed(vectors), toVectors), factor))
      return [symmetric(product(product(vectors, inner), transposed(vectors)))]
    },
  ]
})

/** Eigenvalues in rising order (…, n) and eigenvectors as columns (…, n, n) of symmetric matrices (…, n, n). */
export const eigh = defineOp<[Tensor], Record<never, never>, [Tensor, Tensor]>({
  name: 'Eigh',
  module: 'linalg',
  tensors: 1,
  parameters: [],
  call: ([input]) => {
    const a = asSquare('eigh', input)
    return eighStack(symmetric(flattened(a))).map((x) => restored(x, batchOf(a))) as [Tensor, Tensor]
  },
})
