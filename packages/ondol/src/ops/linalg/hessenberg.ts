/** Reduction to Hessenberg form: 0 below the first diagonal under the main one, by reflections. */
import { lax, type Tensor } from '../../engine/index.js'
import { foriLoop } from '../control.js'
import { columnAt, indices, outerProduct, placesOf, product, unitMatrices } from './matrices.js'
import { reflection, unitSized } from './reflection.js'

/** Q, orthogonal, and H = Qᵀ · A · Q of stacks (batch, n, n). */
export function hessenberg(a: Tensor): [q: Tensor, h: Tensor] {
  const [batch, n] = a.shape as [number, number]
  const row = (v: Tensor): Tensor => lax.reshape(v, [batch, 1, n])
  const column = (v: Tensor): Tensor => lax.reshape(v, [batch, n, 1])
  const fromRight = (x: Tensor, v: Tensor, scaled: Tensor): Tensor =>
    lax.sub(x, outerProduct(lax.reshape(product(x, column(v)), [batch, n]), scaled))
  const [q, h] = foriLoop<[Tensor, Tensor]>(
    1,
    n - 1,
    (k, [left, x]) => {
      const before = columnAt(x, lax.withNumber(k, lax.sub, 1))
      const tail = lax.select(placesOf([batch, n], lax.ge, k), before, lax.zerosLike(before))
      const { v, scaled } = reflection(unitSized(tail), placesOf([batch, n], lax.eq, k))
      const reflected = lax.sub(x, outerProduct(scaled, lax.reshape(product(row(v), x), [batch, n])))
      return [fromRight(left, v, scaled), fromRight(reflected, v, scaled)]
    },
    [unitMatrices(batch, n, a), a],
  )
  const isKept = lax.le(indices(h.shape, 1), lax.withNumber(indices(h.shape, 2), lax.add, 1))
  return [q, lax.select(isKept, h, lax.zerosLike(h))]
}
