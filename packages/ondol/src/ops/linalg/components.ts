/**
 * Block triangular forms: rows and columns are put in an order in which as much as can be is 0 below blocks on the diagonal.
 * Blocks are the strongly connected components of the graph with an edge from i to j where [i, j] is not 0. Goes farther than
 * the permutation in LAPACK's `gebal`, which finds blocks of one row.
 */
import { lax, type Tensor } from '../../engine/index.js'
import { indicator, product, transposed, triangle } from './matrices.js'

export interface Components {
  /** P, orthogonal: Pᵀ · A · P is block triangular. */
  readonly order: Tensor
  /** 1 inside of the blocks of Pᵀ · A · P, else 0. */
  readonly isInside: Tensor
}

export function componentsOf(a: Tensor): Components {
  const { shape } = a
  const [batch, n] = shape as [number, number]
  const isEdge = lax.logicalOr(lax.ne(a, lax.zerosLike(a)), triangle(shape, 'diagonal'))
  let reach = indicator(isEdge, a)
  for (let length = 1; length < n; length *= 2) reach = indicator(lax.gt(product(reach, reach), lax.zerosLike(a)), a)
  const isTogether = lax.mul(reach, transposed(reach))
  // Whoever reaches others, but not they it, reaches more than they do. A component is known by its first row.
  const component = lax.argMax(isTogether, 2)
  const others = lax.cast(lax.reduceSum(reach, [2]), 'int32')
  const [, places] = lax.sort(lax.sub(component, lax.withNumber(others, lax.mul, n)), 1)
  const order = indicator(lax.eq(lax.iota([batch, n, n], 'int32', 1), lax.broadcast(places, [batch, n, n], [0, 2])), a)
  return { order, isInside: product(transposed(order), product(isTogether, order)) }
}
