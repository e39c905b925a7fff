/**
 * Balancing (Osborne; Parlett and Reinsch): a diagonal of powers of two after which the row and the column of each number are
 * about as large. All are moved at once, each half the way that would be best for it alone, so that no round makes the sum of
 * all sizes larger.
 */
import { lax, type Tensor, whileLoop } from '../../engine/index.js'
import { scaleByPower } from '../float-bits.js'
import { outerProduct } from './matrices.js'

const MOST_ROUNDS = 50
/** The best power is half of log2(row / column); a little less, lest it go to and fro. */
const SHARE = 0.49 / 2
/** Powers up to this one leave room for their products and squares. */
const LARGEST = 60

/** log2, and 0 for what is no size. */
function log2(x: Tensor): Tensor {
  const isSize = lax.logicalAnd(lax.gt(x, lax.zerosLike(x)), lax.withNumber(x, lax.lt, Number.POSITIVE_INFINITY))
  return lax.withNumber(lax.log(lax.select(isSize, x, lax.fullLike(x, 1))), lax.mul, 1 / Math.LN2)
}

const wholeNumber = (x: Tensor): Tensor => lax.cast(lax.unary.round(x), 'int32')

/** Each matrix divided by a power of two, so that its largest element is about 1, and the powers: (batch) int32. */
export function normalized(a: Tensor): [normalized: Tensor, powers: Tensor] {
  const powers = wholeNumber(log2(lax.reduceMax(lax.abs(a), [1, 2])))
  return [scaleByPower(a, lax.broadcast(lax.neg(powers), a.shape, [0])), powers]
}

/** D⁻¹ · A · D, and the diagonal of D: (batch, n). Counts what is in blocks on the diagonal, where `isInside` is 1 and not 0. */
export function balanced(a: Tensor, isInside: Tensor): [balanced: Tensor, scale: Tensor] {
  const none = lax.full(a.shape.slice(0, 2), 'int32', 0)
  const scaleOf = (powers: Tensor): Tensor => scaleByPower(lax.full(powers.shape, a.dtype, 1), powers)
  const apply = (powers: Tensor): Tensor => lax.mul(a, outerProduct(scaleOf(lax.neg(powers)), scaleOf(powers)))
  const better = (powers: Tensor): Tensor => {
    const sizes = lax.mul(lax.abs(apply(powers)), isInside)
    const [rows, columns] = [lax.reduceSum(sizes, [2]), lax.reduceSum(sizes, [1])]
    const isEmpty = lax.eq(lax.min(rows, columns), lax.zerosLike(rows))
    const moves = wholeNumber(lax.withNumber(lax.sub(log2(rows), log2(columns)), lax.mul, SHARE))
    const moved = lax.add(powers, lax.select(isEmpty, none, moves))
    return lax.max(lax.min(moved, lax.fullLike(moved, LARGEST)), lax.fullLike(moved, -LARGEST))
  }
  const [, , powers] = whileLoop(
    (count, before, now) =>
      lax.logicalAnd(lax.withNumber(count as Tensor, lax.lt, MOST_ROUNDS), lax.reduceMax(lax.ne(before as Tensor, now as Tensor), [0, 1])),
    (count, _, now) => [lax.withNumber(count as Tensor, lax.add, 1), now as Tensor, better(now as Tensor)],
    [lax.full([], 'int32', 0), none, better(none)],
  ) as [Tensor, Tensor, Tensor]
  return [apply(powers), scaleOf(powers)]
}
