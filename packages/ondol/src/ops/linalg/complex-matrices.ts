/** Stacks of complex matrices, as pairs of real ones. */
import { lax, type Tensor } from '../../engine/index.js'
import { solveStack } from './lu.js'
import { product, transposed } from './matrices.js'

export interface Pair {
  readonly re: Tensor
  readonly im: Tensor
}

/** The same with both parts. */
export const each = (f: (...parts: Tensor[]) => Tensor, ...pairs: Pair[]): Pair => ({
  re: f(...pairs.map(({ re }) => re)),
  im: f(...pairs.map(({ im }) => im)),
})

const bilinear = (x: Pair, y: Pair, times: (a: Tensor, b: Tensor) => Tensor): Pair => ({
  re: lax.sub(times(x.re, y.re), times(x.im, y.im)),
  im: lax.add(times(x.re, y.im), times(x.im, y.re)),
})

export const multiplied = (x: Pair, y: Pair): Pair => bilinear(x, y, lax.mul)
/** (batch, m, k) · (batch, k, n). */
export const complexProduct = (x: Pair, y: Pair): Pair => bilinear(x, y, product)

export const conjugate = ({ re, im }: Pair): Pair => ({ re, im: lax.neg(im) })
/** The conjugate transpose. */
export const adjoint = ({ re, im }: Pair): Pair => ({ re: transposed(re), im: lax.neg(transposed(im)) })

/** |x|² */
export const squares = ({ re, im }: Pair): Tensor => lax.add(lax.mul(re, re), lax.mul(im, im))
/** The larger of |re| and |im|: as good as |x| where a factor does not matter. */
export const sizes = ({ re, im }: Pair): Tensor => lax.max(lax.abs(re), lax.abs(im))

/** x / y, where y is not 0; nothing is squared that could vanish. */
export function quotient(x: Pair, y: Pair): Pair {
  const size = sizes(y)
  const [above, below] = [x, y].map((pair) => each((part) => lax.div(part, size), pair)) as [Pair, Pair]
  const square = squares(below)
  return each((part) => lax.div(part, square), multiplied(above, conjugate(below)))
}

/** X of A · X = B, from real matrices of twice the size. */
export function complexSolve(a: Pair, b: Pair): Pair {
  const whole = lax.concat([lax.concat([a.re, lax.neg(a.im)], 2), lax.concat([a.im, a.re], 2)], 1)
  const x = solveStack(whole, lax.concat([b.re, b.im], 1))
  const [batch, n, m] = b.re.shape as [number, number, number]
  const half = (row: number): Tensor => lax.slice(x, [0, row, 0], [batch, n, m])
  return { re: half(0), im: half(n) }
}
