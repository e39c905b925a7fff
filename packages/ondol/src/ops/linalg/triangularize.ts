/** From the real Schur form to the complex one: a unitary turn of each block of 2 × 2 makes it triangular, all at once. */
import { lax, type Tensor } from '../../engine/index.js'
import { after, type Bands, bandsOf, before, framed } from './bands.js'
import type { Pair } from './complex-matrices.js'
import { diagonalMatrix, indices, part, product, scaleColumns, scaleRows, transposed } from './matrices.js'

export interface Triangular {
  /** What is on the diagonal: (batch, n). Of two conjugate ones the one above the real axis comes first. */
  readonly values: Pair
  /** What is above the diagonal: (batch, n, n). */
  readonly upper: Pair
  /** W · x for the unitary W with T · W = W · (values + upper). */
  readonly turned: (x: Pair) => Pair
}

/** At the first row of each block [[a, b], [c, d]], c ≠ 0: its eigenvalues and the unit vector (x + y · i, z) of the first one. */
interface Block {
  readonly isFirst: Tensor
  /** r + s · i, and r' - s · i. */
  readonly r: Tensor
  readonly other: Tensor
  readonly s: Tensor
  readonly x: Tensor
  readonly y: Tensor
  readonly z: Tensor
}

function solveBlocks({ diagonal: a, below: c, above: b }: Bands): Block {
  const d = after(a)
  const zero = lax.zerosLike(a)
  const one = lax.fullLike(a, 1)
  const isFirst = lax.ne(c, zero)
  const half = lax.withNumber(lax.sub(a, d), lax.mul, 0.5)
  // Squares of shares of the largest: none vanishes that counts.
  const size = lax.select(isFirst, lax.max(lax.abs(half), lax.max(lax.abs(b), lax.abs(c))), one)
  const [p, q, t] = [half, b, c].map((part) => lax.div(part, size)) as [Tensor, Tensor, Tensor]
  const inside = lax.add(lax.mul(p, p), lax.mul(q, t))
  const root = lax.sqrt(lax.abs(inside))
  const isReal = lax.ge(inside, zero)
  // Of two real ones the first is farther from d: a sum in which nothing cancels.
  const sum = lax.select(lax.lt(p, zero), lax.sub(p, root), lax.add(p, root))
  const x = lax.select(isReal, sum, p)
  const y = lax.select(isReal, zero, root)
  const r = lax.add(d, lax.mul(x, size))
  const isNone = lax.eq(x, zero)
  const rest = lax.select(isNone, zero, lax.mul(lax.div(q, lax.select(isNone, one, x)), c))
  const length = lax.sqrt(lax.add(lax.mul(t, t), lax.add(lax.mul(x, x), lax.mul(y, y))))
  const unit = (part: Tensor): Tensor => lax.select(isFirst, lax.div(part, length), zero)
  return { isFirst, r, other: lax.select(isReal, lax.sub(d, rest), r), s: lax.mul(y, size), x: unit(x), y: unit(y), z: unit(t) }
}

/** (batch, n) → (batch, n, n), element i at [i + 1, i]. */
function belowMatrix(values: Tensor): Tensor {
  const shape = [...values.shape, values.shape[1] as number]
  const isBelow = lax.eq(indices(shape, 1), lax.withNumber(indices(shape, 2), lax.add, 1))
  return lax.select(isBelow, lax.broadcast(values, shape, [0, 2]), lax.full(shape, values.dtype, 0))
}

export function triangularize(t: Tensor): Triangular {
  const bands = bandsOf(framed(t))
  const { isFirst, r, other, s, x, y, z } = solveBlocks(bands)
  const isSecond = before(isFirst)
  const placed = (first: Tensor, second: Tensor, alone: Tensor): Tensor =>
    lax.select(isFirst, first, lax.select(isSecond, before(second), alone))
  const zero = lax.zerosLike(r)
  const values = { re: placed(r, other, bands.diagonal), im: placed(s, lax.neg(s), zero) }
  // W is [[x + y · i, -z], [z, x - y · i]] in each block, 1 beside.
  const cross = belowMatrix(z)
  const re = lax.add(diagonalMatrix(placed(x, x, lax.fullLike(x, 1))), lax.sub(cross, transposed(cross)))
  const im = placed(y, lax.neg(y), zero)
  const [ahead, aside] = [product(t, re), scaleColumns(t, im)]
  const back = transposed(re)
  const upper = {
    re: part(lax.add(product(back, ahead), scaleRows(aside, im)), 'strictlyUpper'),
    im: part(lax.sub(product(back, aside), scaleRows(ahead, im)), 'strictlyUpper'),
  }
  const turned = (v: Pair): Pair => ({
    re: lax.sub(product(re, v.re), scaleRows(v.im, im)),
    im: lax.add(product(re, v.im), scaleRows(v.re, im)),
  })
  return { values, upper, turned }
}
