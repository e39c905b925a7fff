/**
 * Rotations of pairs of rows or columns (Jacobi): in each round every index has one partner, so a round is one
 * pass over the matrices, and n - 1 rounds (a sweep) pair everybody with everybody.
 */
import { lax, type Tensor, whileLoop } from '../../engine/index.js'
import { scan } from '../control.js'

/** Sweeps after which nothing more is to be had: float32 needs about eight. */
const MOST_SWEEPS = 30

/** Who is paired with whom, as in a tournament: (rounds, n); who has nobody is paired with itself. */
function tournament(n: number): Int32Array {
  const seats = n % 2 === 0 ? n : n + 1
  const rounds = seats - 1
  const partners = new Int32Array(Math.max(rounds, 0) * n)
  for (let round = 0; round < rounds; round++) {
    for (let seat = 0; seat < seats / 2; seat++) {
      // Seat 0 stays, the others go round.
      const at = (place: number): number => (place === 0 ? 0 : 1 + ((place - 1 + round) % (seats - 1)))
      const [a, b] = [at(seat), at(seats - 1 - seat)]
      if (a < n) partners[round * n + a] = b < n ? b : a
      if (b < n) partners[round * n + b] = a < n ? a : b
    }
  }
  return partners
}

/** What one round does with the state, given the partner of each index (n) int32. */
export type Round = (state: Tensor[], partners: Tensor) => Tensor[]

/** Repeats sweeps of rounds until `isDone` (a bool scalar) or as often as can help. */
export function sweep(n: number, start: readonly Tensor[], round: Round, isDone: (state: Tensor[]) => Tensor): Tensor[] {
  if (n < 2) return [...start]
  const table = tournament(n)
  const partners = lax.constant(table, [table.length / n, n], 'int32')
  const [, ...state] = whileLoop(
    (count, ...now) => lax.logicalAnd(lax.withNumber(count as Tensor, lax.lt, MOST_SWEEPS), lax.logicalNot(isDone(now))),
    (count, ...now) => {
      const [next] = scan<Tensor[], Tensor, Tensor[]>((before, pairs) => [round(before, pairs), []], now, partners)
      return [lax.withNumber(count as Tensor, lax.add, 1), ...next]
    },
    [lax.full([], 'int32', 0), ...start],
  )
  return state
}

/**
 * Cosine and tangent of the rotation that makes `off` vanish, for each index i with partner j: `own` and `other` are
 * the diagonal's values of i and j. Index i becomes cos · (i - tan · j).
 */
export function rotation(own: Tensor, other: Tensor, off: Tensor, isFirst: Tensor): { cos: Tensor; tan: Tensor } {
  const isFlat = lax.eq(off, lax.zerosLike(off))
  const one = lax.full(off.shape, off.dtype, 1)
  const theta = lax.div(lax.sub(other, own), lax.withNumber(lax.select(isFlat, one, off), lax.mul, 2))
  const size = lax.abs(theta)
  // Of two equal values the first turns one way, the second the other.
  const turn = lax.select(isFirst, one, lax.neg(one))
  const direction = lax.select(lax.eq(theta, lax.zerosLike(theta)), turn, lax.sign(theta))
  const t = lax.div(direction, lax.add(size, lax.sqrt(lax.withNumber(lax.mul(theta, theta), lax.add, 1))))
  const tan = lax.select(isFlat, lax.zerosLike(t), t)
  return { cos: lax.unary.rsqrt(lax.withNumber(lax.mul(tan, tan), lax.add, 1)), tan }
}
