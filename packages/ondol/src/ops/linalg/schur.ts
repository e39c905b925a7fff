/**
 * The real Schur form, by Francis's steps with two shifts (Golub and Van Loan 7.5; LAPACK's `lahqr`): Hessenberg matrices become
 * triangular, but for blocks of 2 × 2 on the diagonal. Each matrix of a stack has a window of its own; those that are done
 * wait. Without `lahqr`'s search for a later start in the window.
 */
import { lax, type Tensor, whileLoop } from '../../engine/index.js'
import { bandsOf, framed } from './bands.js'
import { deflated, type Window } from './deflation.js'
import { placesOf, transposed } from './matrices.js'
import { reflection, unitSized } from './reflection.js'
import { shiftedColumn } from './shifts.js'

/** Steps for each row after which nothing more is to be had; most take two or three. */
const MOST_STEPS = 30

/**
 * One step: in row and column k of each window a reflection of three rows and columns, the first to make a unit vector of
 * `start` (batch, 3), the others to restore the form behind it.
 */
function chase(state: Tensor, { first, last }: Window, start: Tensor): Tensor {
  const [batch, size] = state.shape as [number, number]
  const isDone = lax.eq(last, lax.zerosLike(last))
  const begin = lax.reduceMin(lax.select(isDone, lax.fullLike(first, size), first), [0])
  const end = lax.reduceMax(last, [0])
  const overThree = (x: Tensor): Tensor => lax.broadcast(x, [batch, 3], [0])
  const [, chased] = whileLoop(
    (k) => lax.lt(k as Tensor, end),
    (...carries) => {
      const [k, now] = carries as [Tensor, Tensor]
      const here = lax.broadcast(k, [batch], [])
      const isStart = lax.eq(here, first)
      const isActive = lax.logicalAnd(lax.le(first, here), lax.lt(here, last))
      const three = lax.add(lax.iota([3], 'int32', 0), lax.broadcast(k, [3], []))
      const behind = lax.withNumber(k, lax.sub, 1)
      const rows = lax.gather(now, three, 1)
      const column = lax.reshape(lax.gather(rows, lax.reshape(behind, [1]), 2), [batch, 3])
      const given = lax.select(overThree(isStart), start, column)
      const isHead = lax.eq(lax.iota([batch, 3], 'int32', 1), lax.full([batch, 3], 'int32', 0))
      const { v, scaled } = reflection(unitSized(lax.select(overThree(isActive), given, lax.zerosLike(given))), isHead)
      const reflected = (x: Tensor, axis: 1 | 2): Tensor => {
        const wide = (y: Tensor, at: number): Tensor => lax.broadcast(y, x.shape, [0, at])
        const along = lax.reduceSum(lax.mul(x, wide(v, axis)), [axis])
        return lax.sub(x, lax.mul(wide(along, 3 - axis), wide(scaled, axis)))
      }
      // What the reflection makes 0 is 0 to the last digit.
      const isInside = lax.logicalAnd(isActive, lax.logicalNot(isStart))
      const isUnder = lax.logicalAnd(overThree(isInside), lax.logicalNot(isHead))
      const isZero = lax.logicalAnd(placesOf(rows.shape, lax.eq, behind), lax.broadcast(isUnder, rows.shape, [0, 1]))
      const left = lax.scatterSet(now, three, lax.select(isZero, lax.zerosLike(rows), reflected(rows, 1)), 1)
      return [lax.withNumber(k, lax.add, 1), lax.scatterSet(left, three, reflected(lax.gather(left, three, 2), 2), 2)]
    },
    [begin, state],
  )
  return chased as Tensor
}

/**
 * Z, orthogonal, and T = Zᵀ · A · Z in Schur form, of Q and H = Qᵀ · A · Q in Hessenberg form (batch, n, n), whose elements are
 * about 1 at most. T is NaN where there is no end to it.
 */
export function schur(q: Tensor, h: Tensor): [z: Tensor, t: Tensor] {
  const [batch, n] = h.shape as [number, number]
  const none = lax.full([batch], 'int32', 0)
  // Rows of H and of Zᵀ turn alike: they lie side by side.
  const begin = deflated(lax.concat([framed(h), framed(transposed(q))], 2))
  const [, , last, , end] = whileLoop(
    (count, _first, last) =>
      lax.logicalAnd(lax.withNumber(count as Tensor, lax.lt, MOST_STEPS * n), lax.reduceMax(lax.gt(last as Tensor, none), [0])),
    (...carries) => {
      const [count, first, last, steps, state] = carries as [Tensor, Tensor, Tensor, Tensor, Tensor]
      const window = { first, last }
      const next = deflated(chase(state, window, shiftedColumn(bandsOf(state), window, steps)))
      const isSame = lax.eq(next.window.last, last)
      const stepsNext = lax.select(isSame, lax.withNumber(steps, lax.add, 1), none)
      return [lax.withNumber(count, lax.add, 1), next.window.first, next.window.last, stepsNext, next.state]
    },
    [lax.full([], 'int32', 0), begin.window.first, begin.window.last, none, begin.state],
  ) as [Tensor, Tensor, Tensor, Tensor, Tensor]
  const block = (column: number): Tensor => lax.slice(end, [0, 0, column], [batch, n, n])
  const isFailed = lax.broadcast(lax.gt(last, none), h.shape, [0])
  return [transposed(block(n + 1)), lax.select(isFailed, lax.fullLike(h, Number.NaN), block(0))]
}
