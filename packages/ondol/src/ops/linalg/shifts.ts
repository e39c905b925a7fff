/** The shifts of Francis's steps: eigenvalues of the window's last two rows, r ± s · i, or the real one nearer the corner, twice. */
import { lax, type Tensor } from '../../engine/index.js'
import type { Bands } from './bands.js'
import type { Window } from './deflation.js'

/** A window that has not become smaller after so many steps gets shifts out of the blue: others may go round in circles. */
const PATIENCE = 10

/** The elements of [[a, b], [c, d]]: (batch) each. */
interface Block {
  readonly a: Tensor
  readonly b: Tensor
  readonly c: Tensor
  readonly d: Tensor
}

/** Element `k` (batch) of each row. */
function elementsAt(x: Tensor, k: Tensor): Tensor {
  const isHere = lax.eq(lax.iota(x.shape, 'int32', 1), lax.broadcast(k, x.shape, [0]))
  return lax.reduceSum(lax.select(isHere, x, lax.zerosLike(x)), [1])
}

function blockAt({ diagonal, below, above }: Bands, k: Tensor): Block {
  const next = lax.withNumber(k, lax.add, 1)
  return { a: elementsAt(diagonal, k), b: elementsAt(above, k), c: elementsAt(below, k), d: elementsAt(diagonal, next) }
}

/** x / size; where size is 0, x is too. */
const share = (x: Tensor, size: Tensor): Tensor => lax.div(x, lax.select(lax.eq(size, lax.zerosLike(size)), lax.fullLike(size, 1), size))

/** r and s of a block. */
function eigenvaluesOf({ a, b, c, d }: Block): [r: Tensor, s: Tensor] {
  const size = [b, c, d].reduce((sum, x) => lax.add(sum, lax.abs(x)), lax.abs(a))
  const [p, q, t, u] = [a, b, c, d].map((x) => share(x, size)) as [Tensor, Tensor, Tensor, Tensor]
  const middle = lax.withNumber(lax.add(p, u), lax.mul, 0.5)
  const det = lax.sub(lax.mul(lax.sub(p, middle), lax.sub(u, middle)), lax.mul(q, t))
  const isComplex = lax.ge(det, lax.zerosLike(det))
  const root = lax.sqrt(lax.abs(det))
  const nearer = lax.select(lax.lt(u, middle), lax.sub(middle, root), lax.add(middle, root))
  const s = lax.select(isComplex, root, lax.zerosLike(root))
  return [lax.mul(lax.select(isComplex, middle, nearer), size), lax.mul(s, size)]
}

/** The block that gives shifts out of the blue; the numbers are LAPACK's. */
function oddBlock({ below }: Bands, { last }: Window, { c, d }: Block): Block {
  const size = lax.add(lax.abs(c), lax.abs(elementsAt(below, lax.withNumber(last, lax.sub, 2))))
  const a = lax.add(lax.withNumber(size, lax.mul, 0.75), d)
  return { a, b: lax.withNumber(size, lax.mul, -0.4375), c: size, d: a }
}

/**
 * What the first column of (H - r)² + s² is in each window, but for a factor: three elements (batch, 3). `steps`: how many have
 * left the window as large as it is.
 */
export function shiftedColumn(bands: Bands, window: Window, steps: Tensor): Tensor {
  const corner = blockAt(bands, lax.withNumber(window.last, lax.sub, 1))
  const odd = oddBlock(bands, window, corner)
  const isStuck = lax.eq(lax.withNumber(steps, lax.mod, PATIENCE), lax.fullLike(steps, PATIENCE - 1))
  const of = (name: keyof Block): Tensor => lax.select(isStuck, odd[name], corner[name])
  const [r, s] = eigenvaluesOf({ a: of('a'), b: of('b'), c: of('c'), d: of('d') })
  const { a, b, c, d } = blockAt(bands, window.first)
  const under = elementsAt(bands.below, lax.withNumber(window.first, lax.add, 1))
  const [p, q] = [lax.sub(a, r), lax.sub(d, r)]
  const size = lax.add(lax.add(lax.abs(p), lax.abs(s)), lax.abs(c))
  const factor = share(c, size)
  const squares = lax.add(lax.mul(p, share(p, size)), lax.mul(s, share(s, size)))
  const elements = [lax.add(squares, lax.mul(factor, b)), lax.mul(factor, lax.add(p, q)), lax.mul(factor, under)]
  const columns = elements.map((x) => lax.reshape(x, [x.shape[0] as number, 1]))
  return lax.concat(columns, 1)
}
