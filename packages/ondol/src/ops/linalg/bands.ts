/** The main diagonal of square matrices and its neighbours, as rows (batch, n). */
import { lax, type Tensor } from '../../engine/index.js'

/** Elements [i, i], [i + 1, i] and [i, i + 1] at i, 0 where there is none. */
export interface Bands {
  readonly diagonal: Tensor
  readonly below: Tensor
  readonly above: Tensor
}

/** Matrices with a row and a column of zeros at the end: steps and bands may go over the edge. */
export const framed = (x: Tensor): Tensor => lax.pad(x, lax.full([], x.dtype, 0), [0, 0, 0], [0, 1, 1])

/** The matrices row after row: (batch, elements). */
const elementsOf = (x: Tensor): Tensor => lax.reshape(x, [x.shape[0] as number, (x.shape[1] as number) * (x.shape[2] as number)])

/** Where the elements [row, column], [row + 1, column + 1], … are among them, for matrices with a frame. */
function places(x: Tensor, row: number, column: number): Tensor {
  const [, rows, columns] = x.shape as [number, number, number]
  const at = Int32Array.from({ length: rows - 1 }, (_, i) => (row + i) * columns + column + i)
  return lax.constant(at, [rows - 1], 'int32')
}

/** The bands of the framed matrices with which `x` (batch, n + 1, n + 1 or more) begins. */
export function bandsOf(x: Tensor): Bands {
  const band = (row: number, column: number): Tensor => lax.gather(elementsOf(x), places(x, row, column), 1)
  return { diagonal: band(0, 0), below: band(1, 0), above: band(0, 1) }
}

/** `x` with another band below the diagonal. */
export const withBelow = (x: Tensor, below: Tensor): Tensor =>
  lax.reshape(lax.scatterSet(elementsOf(x), places(x, 1, 0), below, 1), x.shape)

/** What comes after each element of (batch, n), 0 after the last. */
export const after = (x: Tensor): Tensor => lax.slice(lax.pad(x, lax.full([], x.dtype, 0), [0, 0], [0, 1]), [0, 1], x.shape)
/** What comes before each, 0 before the first. */
export const before = (x: Tensor): Tensor => lax.slice(lax.pad(x, lax.full([], x.dtype, 0), [0, 1], [0, 0]), [0, 0], x.shape)
