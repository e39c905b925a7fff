/** Tensors out of nothing: constants, ranges, grids. All take their parameters by position or in a trailing record. */
import { type DType, isFloat, promote } from '../core/dtype.js'
import { ShapeError, ValueError } from '../core/errors.js'
import { broadcastShapes, normalizeAxis, type Shape, sizeOf } from '../core/shape.js'
import { lax, type Tensor } from '../engine/index.js'
import { floatx } from './config.js'
import { type AnyTensor, asTensor, defineOp, type Op, type TensorLike } from './define.js'
import { creation, onTensor } from './kinds.js'
import { resultType, toDType } from './promotion.js'

type Typed = { dtype?: DType }
type DTypeOrOptions = DType | Typed | null

/** `shape`, all 0. */
export const zeros = creation<[shape: Shape, dtype?: DTypeOrOptions], { shape: Shape; dtype?: DType | null }>(
  'Zeros',
  ['shape', 'dtype'],
  ({ shape, dtype }) => lax.full([...shape], dtype ?? floatx(), 0),
)
/** `shape`, all 1. */
export const ones = creation<[shape: Shape, dtype?: DTypeOrOptions], { shape: Shape; dtype?: DType | null }>(
  'Ones',
  ['shape', 'dtype'],
  ({ shape, dtype }) => lax.full([...shape], dtype ?? floatx(), 1),
)
/** `shape`, all 0: memory is never handed out with old values in it. */
export const empty = zeros
/** `shape`, every element `fillValue` (a number, or a tensor that broadcasts to the shape). */
export const full = creation<
  [shape: Shape, fillValue: TensorLike, dtype?: DTypeOrOptions],
  { shape: Shape; fillValue: TensorLike; dtype?: DType | null }
>('Full', ['shape', 'fillValue', 'dtype'], ({ shape, fillValue, dtype }) => lax.broadcastTo(toDType(fillValue, dtype ?? floatx()), shape))

const filled = (name: string, value: number): Op<[Tensor], { dtype?: DType | null }, Tensor> =>
  onTensor<{ dtype?: DType | null }>(name, ['dtype'], (x, { dtype }) => lax.full(x.shape, dtype ?? x.dtype, value))
/** 0 in the shape (and dtype, unless given) of a tensor. */
export const zerosLike = filled('ZerosLike', 0)
/** 1 in the shape (and dtype, unless given) of a tensor. */
export const onesLike = filled('OnesLike', 1)
/** As `zerosLike`. */
export const emptyLike = filled('EmptyLike', 0)
/** One value in the shape (and dtype, unless given) of a tensor. */
export const fullLike = onTensor<{ fillValue: TensorLike; dtype?: DType | null }>(
  'FullLike',
  ['fillValue', 'dtype'],
  (x, { fillValue, dtype }) => lax.broadcastTo(toDType(fillValue, dtype ?? x.dtype), x.shape),
)

interface Matrix {
  N: number
  M?: number | null
  k?: number
  dtype?: DType | null
}
type MatrixArguments = [N: number, M?: number | null | Partial<Matrix>, k?: number | Partial<Matrix>, dtype?: DTypeOrOptions]

const compared = (name: string, compare: (row: Tensor, column: Tensor) => Tensor): ((...args: MatrixArguments) => Tensor) =>
  creation<MatrixArguments, Matrix>(name, ['N', 'M', 'k', 'dtype'], ({ N, M, k = 0, dtype }) => {
    const shape = [N, M ?? N]
    const row = lax.withNumber(lax.iota(shape, 'int32', 0), lax.add, k)
    return lax.cast(compare(row, lax.iota(shape, 'int32', 1)), dtype ?? floatx())
  })
/** (N, M): 1 on diagonal `k` (above the main one if positive), 0 elsewhere. */
export const eye = compared('Eye', lax.eq)
/** (N, M): 1 on and below diagonal `k`, 0 above. */
export const tri = compared('Tri', lax.ge)
/** (n, n): 1 on the diagonal. */
export const identity = creation<[n: number, dtype?: DTypeOrOptions], { n: number; dtype?: DType | null }>(
  'Identity',
  ['n', 'dtype'],
  ({ n, dtype }) => eye(n, n, 0, dtype),
)

interface Range {
  start: number
  stop?: number | null
  step?: number | null
  dtype?: DType | null
}
/**
 * start, start + step, … up to but not including stop; with one number, 0 … stop. int32 if all three are whole.
 *
 * @example
 * arange(3)          // [0, 1, 2]
 * arange(1, 2, 0.25) // [1, 1.25, 1.5, 1.75]
 */
export const arange = creation<
  [start: number, stop?: number | null | Partial<Range>, step?: number | null | Partial<Range>, dtype?: DTypeOrOptions],
  Range
>('Arange', ['start', 'stop', 'step', 'dtype'], ({ start, stop, step: given, dtype }) => {
  const step = given ?? 1
  if (step === 0) throw new ValueError({ where: 'arange', problem: 'the step must not be 0' })
  const [from, to] = stop === undefined || stop === null ? [0, start] : [start, stop]
  const type = dtype ?? ([from, to, step].every(Number.isInteger) ? 'int32' : floatx())
  const counter = lax.iota([Math.max(0, Math.ceil((to - from) / step))], type, 0)
  return lax.withNumber(step === 1 ? counter : lax.withNumber(counter, lax.mul, step), lax.add, from)
})

/** A tensor of anything tensor-like: numbers, arrays, Variables. */
export const convertToTensor = (value: TensorLike, dtype?: DTypeOrOptions): Tensor => {
  const type = typeof dtype === 'object' && dtype !== null ? dtype.dtype : dtype
  return type === undefined || type === null ? asTensor(value) : toDType(value, type)
}
export const array = convertToTensor

interface Spacing {
  num?: number
  endpoint?: boolean
  dtype?: DType | null
  axis?: number
}

/** Where each of `num` places lies between start (0) and stop (1). */
const fractions = (num: number, endpoint: boolean): Float64Array => {
  const intervals = endpoint ? num - 1 : num
  return Float64Array.from({ length: num }, (_, i) => (intervals === 0 ? 0 : i / intervals))
}

interface Curve {
  /** In numbers: exact, rounded once. */
  readonly number: (start: number, stop: number, fraction: number) => number
  readonly tensor: (start: Tensor, stop: Tensor, fraction: Tensor) => Tensor
}

/** `num` places on a curve from start to stop, along a new axis. */
function spaced(where: string, ends: readonly TensorLike[], { num = 50, endpoint = true, dtype, axis = 0 }: Spacing, curve: Curve): Tensor {
  if (!Number.isInteger(num) || num < 0)
    throw new ValueError({ where, problem: 'num must be a whole number of at least 0', received: `${num}` })
  const natural = resultType(ends, 'float')
  const type = dtype ?? natural
  const places = fractions(num, endpoint)
  const [from, to] = ends
  if (typeof from === 'number' && typeof to === 'number') {
    const numbers = places.map((place) => curve.number(from, to, place))
    const rounded = isFloat(type) ? numbers : numbers.map(Math.floor)
    return toDType(Array.from(rounded), type)
  }
  const work = isFloat(type) ? promote([type, natural]) : natural
  const [start, stop] = ends.map((end) => toDType(end, work)) as [Tensor, Tensor]
  const shape = broadcastShapes(start.shape, stop.shape, where)
  const at = normalizeAxis(axis, shape.length + 1, where)
  const result = [...shape.slice(0, at), num, ...shape.slice(at)]
  const others = shape.map((_, i) => (i < at ? i : i + 1))
  const wide = (x: Tensor): Tensor => lax.broadcast(lax.broadcastTo(x, shape), result, others)
  const fraction = lax.broadcast(toDType(Array.from(places), work), result, [at])
  const values = curve.tensor(wide(start), wide(stop), fraction)
  return lax.cast(isFloat(type) ? values : lax.unary.floor(values), type)
}

/** start · (1 - t) + stop · t: exact at both ends. */
const line: Curve = {
  number: (start, stop, t) => (t === 1 ? stop : start + (stop - start) * t),
  tensor: (start, stop, t) => lax.add(lax.mul(start, lax.sub(lax.fullLike(t, 1), t)), lax.mul(stop, t)),
}

const SPACING = ['num', 'endpoint', 'dtype', 'axis'] as const

/**
 * `num` numbers evenly spaced from start to stop (which is left out unless `endpoint`), along a new axis. With
 * `retstep`, [numbers, distance].
 *
 * @example
 * linspace(0, 1, 5)                          // [0, 0.25, 0.5, 0.75, 1]
 * linspace(0, 1, { num: 4, endpoint: false }) // [0, 0.25, 0.5, 0.75]
 */
export const linspace = defineOp<[Tensor, Tensor], Spacing & { retstep?: boolean }, Tensor | [Tensor, Tensor]>({
  name: 'Linspace',
  module: 'numpy',
  tensors: 2,
  parameters: ['num', 'endpoint', 'retstep', 'dtype', 'axis'],
  call: ([start, stop], { retstep = false, ...spacing }) => {
    const values = spaced('linspace', [start, stop], spacing, line)
    if (!retstep) return values
    const { num = 50, endpoint = true } = spacing
    const work = resultType([start, stop], 'float')
    const [from, to] = [toDType(start, work), toDType(stop, work)]
    const shape = broadcastShapes(from.shape, to.shape, 'linspace')
    const distance = lax.sub(lax.broadcastTo(to, shape), lax.broadcastTo(from, shape))
    const intervals = endpoint ? num - 1 : num
    return [values, lax.withNumber(distance, lax.mul, intervals > 0 ? 1 / intervals : Number.NaN)]
  },
}) as unknown as Linspace

interface Linspace {
  (start: TensorLike, stop: TensorLike, options: Spacing & { retstep: true }): [samples: Tensor, step: Tensor]
  (
    start: TensorLike,
    stop: TensorLike,
    num?: number | (Spacing & { retstep?: boolean }),
    endpoint?: boolean | Spacing,
    retstep?: false | Spacing,
    dtype?: DType | null | Spacing,
    axis?: number,
  ): Tensor
}

/** `num` powers of `base`, the exponents evenly spaced from start to stop. */
export const logspace = defineOp<[Tensor, Tensor], Spacing & { base?: number }, Tensor>({
  name: 'Logspace',
  module: 'numpy',
  tensors: 2,
  parameters: ['num', 'endpoint', 'base', 'dtype', 'axis'],
  call: ([start, stop], { base = 10, ...spacing }) =>
    spaced('logspace', [start, stop], spacing, {
      number: (from, to, t) => base ** line.number(from, to, t),
      tensor: (from, to, t) => {
        const exponents = line.tensor(from, to, t)
        return lax.pow(lax.fullLike(exponents, base), exponents)
      },
    }),
})

/** `num` numbers from start to stop, each the same factor larger than the one before; both ends positive or both negative. */
export const geomspace = defineOp<[Tensor, Tensor], Spacing, Tensor>({
  name: 'Geomspace',
  module: 'numpy',
  tensors: 2,
  parameters: [...SPACING],
  call: ([start, stop], spacing) =>
    spaced('geomspace', [start, stop], spacing, {
      number: (from, to, t) => (t === 0 ? from : t === 1 ? to : from * (to / from) ** t),
      tensor: (from, to, t) => lax.mul(from, lax.pow(lax.div(to, from), t)),
    }),
})

const gridded = defineOp<[Tensor[]], { indexing?: 'xy' | 'ij' }, Tensor[]>({
  name: 'Meshgrid',
  module: 'numpy',
  tensors: 1,
  parameters: ['indexing'],
  call: ([axes], { indexing = 'xy' }) => {
    if (indexing !== 'xy' && indexing !== 'ij')
      throw new ValueError({ where: 'meshgrid', problem: 'unknown indexing', expected: "'xy' or 'ij'", received: String(indexing) })
    const lists = axes.map((given) => {
      const x = asTensor(given)
      if (x.rank > 1) throw new ShapeError({ where: 'meshgrid', problem: 'axes must be lists or scalars', received: x.toString() })
      return lax.reshape(x, [sizeOf(x.shape)])
    })
    const swap = indexing === 'xy' && lists.length > 1
    const place = (i: number): number => (swap && i < 2 ? 1 - i : i)
    const shape = lists.map((_, i) => (lists[place(i)] as Tensor).size)
    return lists.map((list, i) => lax.broadcast(list, shape, [place(i)]))
  },
})

type Indexing = { indexing?: 'xy' | 'ij' }

/**
 * Coordinates of a grid: for n lists n tensors, each constant along all axes but its own. `indexing: 'xy'` (default)
 * puts the first list on axis 1.
 *
 * @example
 * const [x, y] = meshgrid([1, 2, 3], [10, 20]) // both (2, 3)
 */
export function meshgrid(...args: [...lists: TensorLike[], options: Indexing] | TensorLike[]): Tensor[]
export function meshgrid(...args: [...lists: AnyTensor[], options: Indexing] | AnyTensor[]): AnyTensor[]
export function meshgrid(...args: unknown[]): AnyTensor[] {
  const last = args.at(-1)
  const isOptions = typeof last === 'object' && last !== null && Object.getPrototypeOf(last) === Object.prototype
  const lists = (isOptions ? args.slice(0, -1) : args) as Tensor[]
  return gridded(lists, (isOptions ? last : {}) as Indexing)
}
