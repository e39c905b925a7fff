/** Diagonals, triangles, and products of whole tensors. */
import { ShapeError } from '../core/errors.js'
import { formatShape, normalizeAxis } from '../core/shape.js'
import { lax, type Tensor } from '../engine/index.js'
import { defineOp, type Op, type TensorLike } from './define.js'
import { onTensor, part } from './kinds.js'
import { broadcastTogether, resultType, toDType } from './promotion.js'
import { widen } from './reducing.js'

/** The elements on diagonal `offset` of the matrices on two axes; the diagonal is the last axis. */
function diagonalOf(x: Tensor, offset: number, axis1: number, axis2: number, where: string): Tensor {
  const [a, b] = [normalizeAxis(axis1, x.rank, where), normalizeAxis(axis2, x.rank, where)]
  if (x.rank < 2 || a === b)
    throw new ShapeError({ where, problem: 'a diagonal needs two axes', received: `${formatShape(x.shape)}, axes ${axis1} and ${axis2}` })
  const others = x.shape.map((_, i) => i).filter((i) => i !== a && i !== b)
  const [rows, columns] = [x.shape[a] as number, x.shape[b] as number]
  const length = Math.max(Math.min(rows + Math.min(offset, 0), columns - Math.max(offset, 0)), 0)
  const outer = others.map((i) => x.shape[i] as number)
  const flat = lax.reshape(lax.transpose(x, [...others, a, b]), [...outer, rows * columns])
  const first = length === 0 ? 0 : offset >= 0 ? offset : -offset * columns
  const zeros = outer.map(() => 0)
  return lax.slice(flat, [...zeros, first], [...outer, length], [...outer.map(() => 1), columns + 1])
}

interface DiagonalOptions {
  offset?: number
  axis1?: number
  axis2?: number
}
const DIAGONAL = ['offset', 'axis1', 'axis2'] as const

/** The diagonal `offset` (above the main one if positive) of matrices on axes `axis1` and `axis2`, as the last axis. */
export const diagonal = onTensor<DiagonalOptions>('Diagonal', DIAGONAL, (x, { offset = 0, axis1 = 0, axis2 = 1 }) =>
  diagonalOf(x, offset, axis1, axis2, 'diagonal'),
)
/** The sum of a diagonal. */
export const trace = onTensor<DiagonalOptions>('Trace', DIAGONAL, (x, { offset = 0, axis1 = 0, axis2 = 1 }) => {
  const elements = widen(diagonalOf(x, offset, axis1, axis2, 'trace'))
  return lax.reduceSum(elements, [elements.rank - 1])
})

/** A list on diagonal `k` of a square matrix of zeros. */
function matrixOf(x: Tensor, k: number): Tensor {
  const size = x.size + Math.abs(k)
  if (x.size === 0) return lax.full([size, size], x.dtype, 0)
  // Neighbours on a diagonal are a row and an element apart.
  const low = k >= 0 ? k : -k * size
  const high = size * size - low - x.size - (x.size - 1) * size
  return lax.reshape(lax.pad(lax.reshape(x, [x.size]), lax.full([], x.dtype, 0), [low], [high], [size]), [size, size])
}

/** Of a list the matrix with it on diagonal `k`: (n,) → (n + |k|, n + |k|); of a matrix its diagonal. */
export const diag = onTensor<{ k?: number }>('Diag', ['k'], (x, { k = 0 }) => {
  if (x.rank === 1) return matrixOf(x, k)
  if (x.rank === 2) return diagonalOf(x, k, 0, 1, 'diag')
  throw new ShapeError({
    where: 'diag',
    problem: 'the input must be a list or a matrix',
    received: formatShape(x.shape),
    hint: 'see ops.diagonal',
  })
})
/** The matrix with all elements, in order, on diagonal `k`. */
export const diagflat = onTensor<{ k?: number }>('Diagflat', ['k'], (x, { k = 0 }) => matrixOf(x, k))

const triangle = (name: string, where: string, keeps: (row: Tensor, column: Tensor) => Tensor): Op<[Tensor], { k?: number }, Tensor> =>
  onTensor<{ k?: number }>(name, ['k'], (x, { k = 0 }) => {
    if (x.rank < 2) throw new ShapeError({ where, problem: 'the input must have at least two axes', received: formatShape(x.shape) })
    const row = lax.withNumber(lax.iota(x.shape, 'int32', x.rank - 2), lax.add, k)
    return lax.select(keeps(row, lax.iota(x.shape, 'int32', x.rank - 1)), x, lax.zerosLike(x))
  })
/** Matrices (the last two axes) with 0 above diagonal `k`. */
export const tril = triangle('Tril', 'tril', lax.ge)
/** Matrices (the last two axes) with 0 below diagonal `k`. */
export const triu = triangle('Triu', 'triu', lax.le)

/** Powers of a list as the columns of a matrix, x^(N-1) … x⁰ or the other way: (n,) → (n, N). */
export const vander = onTensor<{ N?: number | null; increasing?: boolean }>(
  'Vander',
  ['N', 'increasing'],
  (x, { N, increasing = false }) => {
    if (x.rank !== 1) throw new ShapeError({ where: 'vander', problem: 'the input must be a list', received: formatShape(x.shape) })
    const [rows, columns] = [x.size, N ?? x.size]
    if (columns === 0) return lax.full([rows, 0], x.dtype, 0)
    const column = lax.reshape(x, [rows, 1])
    const factors = lax.concat([lax.fullLike(column, 1), lax.broadcastTo(column, [rows, columns - 1])], 1)
    const powers = lax.cumProd(factors, 1)
    return increasing ? powers : lax.flip(powers, [1])
  },
)

const product = (name: string, call: (a: Tensor, b: Tensor) => Tensor): Op<[Tensor, Tensor], Record<never, never>, Tensor> =>
  defineOp<[Tensor, Tensor], Record<never, never>, Tensor>({
    name,
    module: 'numpy',
    tensors: 2,
    parameters: [],
    call: (operands: readonly TensorLike[]) => {
      const dtype = resultType(operands)
      const [a, b] = operands.map((x) => toDType(x, dtype)) as [Tensor, Tensor]
      return call(a, b)
    },
  })

/** Sums of products over the last axes: (…, k) and (…, k); with a scalar, the product. */
export const inner = product('Inner', (a, b) => {
  if (a.rank === 0 || b.rank === 0) return lax.mul(...(broadcastTogether([a, b], 'inner') as [Tensor, Tensor]))
  if (a.shape.at(-1) !== b.shape.at(-1)) {
    throw new ShapeError({
      where: 'inner',
      problem: 'the last axes differ in size',
      received: `${formatShape(a.shape)} and ${formatShape(b.shape)}`,
    })
  }
  return lax.dot(a, b, { batchA: [], batchB: [], contractA: [a.rank - 1], contractB: [b.rank - 1] })
})
/** The sum of the products of all elements, taken in order. */
export const vdot = product('Vdot', (a, b) => {
  if (a.size !== b.size)
    throw new ShapeError({
      where: 'vdot',
      problem: 'the tensors differ in size',
      received: `${formatShape(a.shape)} and ${formatShape(b.shape)}`,
    })
  return lax.dot(lax.reshape(a, [a.size]), lax.reshape(b, [b.size]), { batchA: [], batchB: [], contractA: [0], contractB: [0] })
})
/** Every element of `x1` times the whole of `x2`: sizes multiply axis by axis. */
export const kron = product('Kron', (a, b) => {
  const rank = Math.max(a.rank, b.rank)
  const grown = (x: Tensor): number[] => [...new Array<number>(rank - x.rank).fill(1), ...x.shape]
  const [outer, within] = [grown(a), grown(b)]
  const left = outer.flatMap((size) => [size, 1])
  const right = within.flatMap((size) => [1, size])
  const shape = outer.flatMap((size, i) => [size, within[i] as number])
  const spread = (x: Tensor, from: readonly number[]): Tensor => lax.broadcastTo(lax.reshape(x, from), shape)
  return lax.reshape(
    lax.mul(spread(a, left), spread(b, right)),
    outer.map((size, i) => size * (within[i] as number)),
  )
})

interface CrossOptions {
  axisa?: number
  axisb?: number
  axisc?: number
  axis?: number | null
}
/** The vector product along one axis of size 3 (or 2, the third being 0; of two such, the third component alone). */
export const cross = defineOp<[Tensor, Tensor], CrossOptions, Tensor>({
  name: 'Cross',
  module: 'numpy',
  tensors: 2,
  parameters: ['axisa', 'axisb', 'axisc', 'axis'],
  call: (operands, { axis, axisa = axis ?? -1, axisb = axis ?? -1, axisc = axis ?? -1 }) => {
    const dtype = resultType(operands)
    const components = (given: TensorLike, at: number): Tensor[] => {
      const x = toDType(given, dtype)
      const along = normalizeAxis(at, x.rank, 'cross')
      const size = x.shape[along] as number
      if (size !== 2 && size !== 3)
        throw new ShapeError({
          where: 'cross',
          problem: 'vectors must have 2 or 3 components',
          received: `${formatShape(x.shape)}, axis ${at}`,
        })
      const rest = x.shape.filter((_, i) => i !== along)
      return Array.from({ length: size }, (_, i) => lax.reshape(part(x, along, i, i + 1), rest))
    }
    const [a, b] = [components(operands[0], axis ?? axisa), components(operands[1], axis ?? axisb)]
    const all = broadcastTogether([...a, ...b], 'cross')
    const zero = lax.zerosLike(all[0] as Tensor)
    const [[a0, a1, a2 = zero], [b0, b1, b2 = zero]] = [all.slice(0, a.length), all.slice(a.length)] as [Tensor[], Tensor[]]
    const minor = (p?: Tensor, q?: Tensor, r?: Tensor, s?: Tensor): Tensor =>
      lax.sub(lax.mul(p as Tensor, q as Tensor), lax.mul(r as Tensor, s as Tensor))
    const last = minor(a0, b1, a1, b0)
    if (a.length === 2 && b.length === 2) return last
    const at = normalizeAxis(axis ?? axisc, zero.rank + 1, 'cross')
    const shape = [...zero.shape.slice(0, at), 1, ...zero.shape.slice(at)]
    return lax.concat(
      [minor(a1, b2, a2, b1), minor(a2, b0, a0, b2), last].map((x) => lax.reshape(x, shape)),
      at,
    )
  },
})
