/** The length and the phase of complex columns, as LAPACK's `geev` gives them to eigenvectors. */
import { lax, type Tensor } from '../../engine/index.js'
import { conjugate, each, multiplied, type Pair, sizes, squares } from './complex-matrices.js'
import { indices } from './matrices.js'

/** Where the largest element of each column is, the first of equal ones: bool like the columns. */
export function isLargest(columns: Pair): Tensor {
  const { shape } = columns.re
  return lax.eq(indices(shape, 1), lax.broadcast(lax.argMax(squares(columns), 1), shape, [0, 2]))
}

/** Columns (batch, m, n) of Euclidean length 1 whose largest element is real, and positive. */
export function unitColumns(columns: Pair): Pair {
  const { shape } = columns.re
  const overColumn = (x: Tensor): Tensor => lax.broadcast(x, shape, [0, 2])
  const size = overColumn(lax.reduceMax(sizes(columns), [1]))
  const scaled = each((part) => lax.div(part, size), columns)
  const isHere = isLargest(scaled)
  const zeros = lax.zerosLike(size)
  const largest = each((part) => overColumn(lax.reduceSum(lax.select(isHere, part, zeros), [1])), scaled)
  const length = lax.sqrt(lax.mul(squares(largest), overColumn(lax.reduceSum(squares(scaled), [1]))))
  const { re, im } = each((part) => lax.div(part, length), multiplied(scaled, conjugate(largest)))
  return { re, im: lax.select(isHere, zeros, im) }
}
