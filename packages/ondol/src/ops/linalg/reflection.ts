/** Reflections (Householder): what factorizations make zeros with. */
import { lax, type Tensor } from '../../engine/index.js'

/**
 * The reflection I - v · scaledᵀ that makes 0 of all elements of x (batch, m) but the one told by `isHead`. Its sign is against
 * that element's, as LAPACK's; what is done already is left alone.
 */
export function reflection(x: Tensor, isHead: Tensor): { readonly v: Tensor; readonly scaled: Tensor } {
  const batch = [x.shape[0] as number]
  const wide = (values: Tensor): Tensor => lax.broadcast(values, x.shape, [0])
  const zeros = lax.zerosLike(x)
  const head = lax.reduceSum(lax.select(isHead, x, zeros), [1])
  const others = lax.select(isHead, zeros, x)
  const squares = lax.add(lax.reduceSum(lax.mul(others, others), [1]), lax.mul(head, head))
  const isZero = (values: Tensor): Tensor => lax.eq(values, lax.zerosLike(values))
  // What is not reflected gives no 0 / 0 in the gradient.
  const isDone = lax.logicalOr(isZero(lax.reduceMax(lax.abs(others), [1])), isZero(squares))
  const length = lax.sqrt(lax.select(isDone, lax.full(batch, x.dtype, 1), squares))
  const isNegative = lax.lt(head, lax.zerosLike(head))
  const target = lax.select(isNegative, length, lax.neg(length))
  const v = lax.sub(x, lax.select(isHead, wide(target), zeros))
  // |v|² = 2 · length · (length + |head|).
  const square = lax.withNumber(lax.mul(length, lax.add(length, lax.abs(head))), lax.mul, 2)
  const factor = lax.select(isDone, lax.zerosLike(square), lax.div(lax.full(batch, x.dtype, 2), square))
  return { v, scaled: lax.mul(v, wide(factor)) }
}

/** Vectors (batch, m) divided by their largest element, so that squares of small ones are not lost. */
export function unitSized(x: Tensor): Tensor {
  const size = lax.reduceMax(lax.abs(x), [1])
  const safe = lax.select(lax.eq(size, lax.zerosLike(size)), lax.fullLike(size, 1), size)
  return lax.div(x, lax.broadcast(safe, x.shape, [0]))
}
