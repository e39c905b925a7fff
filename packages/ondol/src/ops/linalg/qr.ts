/** Orthogonal factorization by reflections (Householder). */
import { ValueError } from '../../core/errors.js'
import { lax, type Tensor } from '../../engine/index.js'
import { foriLoop } from '../control.js'
import { defineOp } from '../define.js'
import { asMatrices, batchOf, columnAt, flattened, outerProduct, part, placesOf, product, restored, unitMatrices } from './matrices.js'
import { reflection } from './reflection.js'

/** Q (batch, m, m) and R (batch, m, n). Signs as LAPACK's: R's diagonal is against the sign of what it was. */
export function reflect(a: Tensor): [q: Tensor, r: Tensor] {
  const [batch, m, n] = a.shape as [number, number, number]
  const steps = Math.min(m - 1, n)
  const row = (x: Tensor): Tensor => lax.reshape(x, [batch, 1, m])
  const [q, r] = foriLoop<[Tensor, Tensor]>(
    0,
    Math.max(steps, 0),
    (k, [left, rest]) => {
      const column = columnAt(rest, k)
      const tail = lax.select(placesOf([batch, m], lax.ge, k), column, lax.zerosLike(column))
      const { v, scaled } = reflection(tail, placesOf([batch, m], lax.eq, k))
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
