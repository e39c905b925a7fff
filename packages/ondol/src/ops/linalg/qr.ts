/** Orthogonal factorization by reflections (Householder). */
import { ValueError } from '../../core/errors.js'
import { lax, type Tensor } from '../../engine/index.js'
import { foriLoop } from '../control.js'
import { defineOp } from '../define.js'
import {
  asMatrices,
  batchOf,
  columnAt,
  elementAt,
  flattened,
  outerProduct,
  part,
  placesOf,
  product,
  restored,
  unitMatrices,
} from './matrices.js'

/** Q (batch, m, m) and R (batch, m, n). Signs as LAPACK's: R's diagonal is against the sign of what it was. */
export function reflect(a: Tensor): [q: Tensor, r: Tensor] {
  const [batch, m, n] = a.shape as [number, number, number]
  const steps = Math.min(m - 1, n)
  const one = lax.full([batch], a.dtype, 1)
  const row = (x: Tensor): Tensor => lax.reshape(x, [batch, 1, m])
  const [q, r] = foriLoop<[Tensor, Tensor]>(
    0,
    Math.max(steps, 0),
    (k, [left, rest]) => {
      const column = columnAt(rest, k)
      const tail = lax.select(placesOf([batch, m], lax.ge, k), column, lax.zerosLike(column))
      const below = lax.select(placesOf([batch, m], lax.gt, k), column, lax.zerosLike(column))
      const head = elementAt(column, k)
      const rest2 = lax.reduceSum(lax.mul(below, below), [1])
      // A column that is done already is not reflected (and gives no 0 / 0 in the gradient).
      const isDone = lax.eq(rest2, lax.zerosLike(rest2))
      const length = lax.sqrt(lax.select(isDone, one, lax.add(rest2, lax.mul(head, head))))
      const isNegative = lax.lt(head, lax.zerosLike(head))
      const target = lax.select(isNegative, length, lax.neg(length))
      const isHere = lax.cast(placesOf([batch, m], lax.eq, k), a.dtype)
      const v = lax.sub(tail, lax.mul(isHere, lax.broadcast(target, [batch, m], [0])))
      // |v|² = 2 · length · (length + |head|).
      const square = lax.withNumber(lax.mul(length, lax.add(length, lax.abs(head))), lax.mul, 2)
      const factor = lax.select(isDone, lax.zerosLike(square), lax.div(lax.full([batch], a.dtype, 2), square))
      const scaled = lax.mul(v, lax.broadcast(factor, v.shape, [0]))
      const alongRows = lax.reshape(product(row(v), rest), [batch, n])
      const alongColumns = lax.reshape(product(left, lax.reshape(v, [batch, m, 1])), [batch, m])
      return [lax.sub(left, outerProduct(alongColumns, scaled)), lax.sub(rest, outerProduct(scaled, alongRows))]
    },
    [unitMatrices(batch, m, a), a],
  )
  return [q, part(r, 'upper')]
}

/** Orthogonal Q and upper triangular R with x = Q · R: `'reduced'` (…, m, k), (…, k, n) with k = min(m, n), or `'complete'`. */
export const qr = defineOp<[Tensor], { mode?: 'reduced' | 'complete' }, [Tensor, Tensor]>({
  name: 'Qr',
  module: 'linalg',
  tensors: 1,
  parameters: ['mode'],
  call: ([input], { mode = 'reduced' }) => {
    const a = asMatrices('qr', input)
    if (mode !== 'reduced' && mode !== 'complete')
      throw new ValueError({ where: 'qr', problem: 'unknown mode', expected: "'reduced' or 'complete'", received: String(mode) })
    const [q, r] = reflect(flattened(a))
    const [batch, m, n] = r.shape as [number, number, number]
    const k = mode === 'complete' ? m : Math.min(m, n)
    const cut = (x: Tensor, rows: number, columns: number): Tensor => restored(lax.slice(x, [0, 0, 0], [batch, rows, columns]), batchOf(a))
    return [cut(q, m, k), cut(r, k, n)]
  },
})
