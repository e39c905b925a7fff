/** Eigenvectors of triangular matrices, by substitution from the last row up. Follows LAPACK's `trevc`. */
import { lax, type Tensor } from '../../engine/index.js'
import { foriLoop } from '../control.js'
import { complexProduct, each, type Pair, quotient, sizes } from './complex-matrices.js'
import { elementAt, outerProduct, placesOf, rowAt, scaleColumns, unitMatrices } from './matrices.js'
import { epsilonOf, tinyOf } from './precision.js'

/**
 * Columns X with (D + U) · X = X · D for the diagonal D of `values` (batch, n) and what is above it, U. Equal eigenvalues count as
 * a rounding apart, and columns are made smaller as they grow, so that their largest element stays about 1.
 */
export function triangularEigenvectors(values: Pair, upper: Pair): Pair {
  const [batch, n] = values.re.shape as [number, number]
  const units = unitMatrices(batch, n, values.re)
  const zeros = lax.zerosLike(values.re)
  const ones = lax.fullLike(zeros, 1)
  const rounding = lax.max(lax.withNumber(sizes(values), lax.mul, epsilonOf(zeros)), lax.fullLike(zeros, tinyOf(zeros)))
  return foriLoop<{ re: Tensor; im: Tensor }>(
    0,
    n,
    (step, x) => {
      const k = lax.sub(lax.full([], 'int32', n - 1), step)
      const row = each((part) => lax.reshape(rowAt(part, k), [batch, 1, n]), upper)
      const known = each((part) => lax.reshape(part, [batch, n]), complexProduct(row, x))
      const distance = each((part) => lax.sub(part, lax.broadcast(elementAt(part, k), [batch, n], [0])), values)
      const isNear = lax.lt(sizes(distance), rounding)
      const divisor = { re: lax.select(isNear, rounding, distance.re), im: lax.select(isNear, zeros, distance.im) }
      // Under the diagonal of X nothing is known: 0.
      const solved = quotient(known, divisor)
      const shrink = lax.div(ones, lax.max(sizes(solved), ones))
      const isRow = lax.cast(placesOf([batch, n], lax.eq, k), zeros.dtype)
      return each((part, own) => scaleColumns(lax.add(part, outerProduct(isRow, own)), shrink), x, solved)
    },
    { re: units, im: lax.zerosLike(units) },
  )
}
