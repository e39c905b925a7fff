/** Averages, differences, correlations and counts. */
import { ShapeError, ValueError } from '../core/errors.js'
import { formatShape, normalizeAxes, normalizeAxis } from '../core/shape.js'
import { lax, type Tensor } from '../engine/index.js'
import { asTensor, defineOp, type TensorLike } from './define.js'
import { inFloat32, onTensor, part, precise, requireIntegers, valuesOf } from './kinds.js'
import { resultType, toDType, toFloat } from './promotion.js'
import { type Axes, countOf } from './reducing.js'
import { searchIn } from './search.js'

const { add, sub, mul, div, select, withNumber, fullLike, zerosLike } = lax

/** Mean over `axis`; with `weights` (of the shape of `x`, or one for each place along `axis`) the weighted mean. */
export const average = defineOp<[Tensor], { axis?: Axes; weights?: TensorLike | null }, Tensor>({
  name: 'Average',
  module: 'numpy',
  tensors: 1,
  parameters: ['axis', 'weights'],
  call: ([input], { axis, weights: given }) => {
    const weighted = given !== undefined && given !== null
    const dtype = resultType(weighted ? [input, given] : [input], 'float')
    return inFloat32([toDType(input, dtype)], (x) => {
      const axes = normalizeAxes(axis, x.rank, 'average')
      if (!weighted) return withNumber(lax.reduceSum(x, axes), mul, 1 / countOf(x, axes))
      const weights = weightsFor(toDType(given, x.dtype), x, axes)
      return div(lax.reduceSum(mul(x, weights), axes), lax.reduceSum(weights, axes))
    })
  },
})

function weightsFor(weights: Tensor, x: Tensor, axes: readonly number[]): Tensor {
  const isSame = weights.rank === x.rank && weights.shape.every((size, i) => size === x.shape[i])
  if (isSame) return weights
  const [axis] = axes
  if (weights.rank === 1 && axes.length === 1 && weights.size === x.shape[axis as number]) return lax.broadcast(weights, x.shape, axes)
  throw new ShapeError({
    where: 'average',
    problem: 'the weights do not fit',
    expected: `${formatShape(x.shape)}, or a list of the size of the one axis`,
    received: formatShape(weights.shape),
  })
}

const neighbours = (x: Tensor, axis: number): [before: Tensor, after: Tensor] => {
  const n = x.shape[axis] as number
  return [part(x, axis, 0, n - 1), part(x, axis, 1, n)]
}

/** Differences of neighbours along `axis`, taken `n` times; of booleans, whether they differ. */
export const diff = onTensor<{ n?: number; axis?: number }>('Diff', ['n', 'axis'], (x, { n = 1, axis = -1 }) => {
  if (!Number.isInteger(n) || n < 0)
    throw new ValueError({ where: 'diff', problem: 'n must be a whole number of at least 0', received: `${n}` })
  const along = normalizeAxis(axis, x.rank, 'diff')
  let result = x
  for (let i = 0; i < n && (result.shape[along] as number) > 0; i++) {
    const [before, after] = neighbours(result, along)
    result = x.dtype === 'bool' ? lax.ne(after, before) : sub(after, before)
  }
  return result
})

/** The integral along `axis` by trapezoids, `dx` apart or at the places `x` (of the shape of `y`, or a list). */
export const trapezoid = defineOp<[Tensor], { x?: TensorLike | null; dx?: TensorLike; axis?: number }, Tensor>({
  name: 'Trapezoid',
  module: 'numpy',
  tensors: 1,
  parameters: ['x', 'dx', 'axis'],
  call: ([input], { x: places, dx = 1, axis = -1 }) => {
    const operands = places === undefined || places === null ? [input, dx] : [input, places]
    return inFloat32([toDType(input, resultType(operands, 'float'))], (y) => {
      const along = normalizeAxis(axis, y.rank, 'trapezoid')
      const [before, after] = neighbours(y, along)
      const height = withNumber(add(before, after), mul, 0.5)
      const width = places === undefined || places === null ? toDType(dx, y.dtype) : widths(toDType(places, y.dtype), y, along)
      return lax.reduceSum(mul(height, lax.broadcastTo(width, height.shape)), [along])
    })
  },
})

function widths(x: Tensor, y: Tensor, axis: number): Tensor {
  if (x.rank !== 1) {
    const [before, after] = neighbours(x, x.rank === y.rank ? axis : x.rank - 1)
    return sub(after, before)
  }
  const [before, after] = neighbours(x, 0)
  const list = sub(after, before)
  return lax.broadcast(
    list,
    y.shape.map((size, i) => (i === axis ? list.size : size)),
    [axis],
  )
}

/** Correlations of the rows of a matrix with each other: (n, observations) → (n, n); of a list, 1. */
export const corrcoef = precise('Corrcoef', (given) => {
  if (given.rank > 2)
    throw new ShapeError({ where: 'corrcoef', problem: 'the input must be a list or a matrix', received: formatShape(given.shape) })
  const x = given.rank === 2 ? given : lax.reshape(given, [1, given.size])
  const [rows, n] = x.shape as [number, number]
  const mean = withNumber(lax.reduceSum(x, [1]), mul, 1 / n)
  const centred = sub(x, lax.broadcast(mean, x.shape, [0]))
  const products = lax.dot(centred, centred, { batchA: [], batchB: [], contractA: [1], contractB: [1] })
  const deviation = lax.sqrt(lax.reduceSum(mul(centred, centred), [1]))
  const scaled = div(products, mul(lax.broadcast(deviation, [rows, rows], [0]), lax.broadcast(deviation, [rows, rows], [1])))
  const result = lax.max(lax.min(scaled, fullLike(scaled, 1)), fullLike(scaled, -1))
  return given.rank === 2 ? result : lax.reshape(result, [])
})

/** Sums of products of two lists, one moved along the other: where they overlap wholly (`valid`), half (`same`) or at all (`full`). */
export const correlate = defineOp<[Tensor, Tensor], { mode?: 'valid' | 'same' | 'full' }, Tensor>({
  name: 'Correlate',
  module: 'numpy',
  tensors: 2,
  parameters: ['mode'],
  call: (operands, { mode = 'valid' }) => {
    const dtype = resultType(operands, 'float')
    const [x1, x2] = operands.map((x) => toDType(x, dtype)) as [Tensor, Tensor]
    if (x1.rank !== 1 || x2.rank !== 1 || x1.size === 0 || x2.size === 0) {
      throw new ShapeError({
        where: 'correlate',
        problem: 'the operands must be lists with elements',
        received: `${formatShape(x1.shape)} and ${formatShape(x2.shape)}`,
      })
    }
    const isSwapped = x1.size < x2.size
    const [long, short] = isSwapped ? [x2, x1] : [x1, x2]
    const [n, m] = [long.size, short.size]
    const low = { valid: 0, same: Math.floor(m / 2), full: m - 1 }[mode]
    if (low === undefined)
      throw new ValueError({ where: 'correlate', problem: 'unknown mode', expected: "'valid', 'same' or 'full'", received: String(mode) })
    const high = { valid: 0, same: m - 1 - low, full: m - 1 }[mode]
    const spec = { strides: [1], padding: [[low, high]] as const, dilation: [1], groups: 1, layout: 'channelsLast' } as const
    const sums = lax.reshape(lax.conv(lax.reshape(long, [1, n, 1]), lax.reshape(short, [m, 1, 1]), spec), [n + low + high - m + 1])
    return isSwapped ? lax.flip(sums, [0]) : sums
  },
})

/**
 * How often each whole number from 0 occurs (or the sum of its `weights`), at least `minlength` of them: (n,) → (max + 1,);
 * for each row of a matrix.
 *
 * @throws TracingError while a function is traced: the length depends on the values.
 */
export const bincount = defineOp<[Tensor], { weights?: TensorLike | null; minlength?: number }, Tensor>({
  name: 'Bincount',
  module: 'numpy',
  tensors: 1,
  parameters: ['weights', 'minlength'],
  call: ([input], { weights, minlength = 0 }) => {
    const x = asTensor(input, 'int32')
    requireIntegers(x, 'bincount')
    if (x.rank !== 1 && x.rank !== 2)
      throw new ShapeError({ where: 'bincount', problem: 'the input must be a list or a matrix', received: formatShape(x.shape) })
    const greatest = valuesOf(x, 'bincount', 'ops.oneHot and ops.sum count a known number of classes').reduce((a, b) => Math.max(a, b), -1)
    const length = Math.max(greatest + 1, minlength)
    const rows = x.rank === 2 ? (x.shape[0] as number) : 1
    const numbers = lax.cast(lax.reshape(x, [rows, x.size / Math.max(rows, 1)]), 'int32')
    const offset = withNumber(lax.iota(numbers.shape, 'int32', 0), mul, length)
    const index = lax.reshape(add(lax.max(numbers, zerosLike(numbers)), offset), [x.size])
    const amounts = weights === undefined || weights === null ? lax.full([x.size], 'int32', 1) : lax.reshape(asTensor(weights), [x.size])
    const counts = lax.scatterAdd(lax.full([rows * length], amounts.dtype, 0), index, amounts, 0)
    return x.rank === 2 ? lax.reshape(counts, [rows, length]) : counts
  },
})

/** How many elements lie in each of `bins` equal intervals of `range` (from the smallest to the greatest), and their edges. */
export const histogram = defineOp<[Tensor], { bins?: number; range?: readonly [number, number] | null }, [Tensor, Tensor]>({
  name: 'Histogram',
  module: 'numpy',
  tensors: 1,
  parameters: ['bins', 'range'],
  call: ([input], { bins = 10, range }) => {
    if (!Number.isInteger(bins) || bins < 1)
      throw new ValueError({ where: 'histogram', problem: 'bins must be a whole number of at least 1', received: `${bins}` })
    if (range && !(range[0] <= range[1]))
      throw new ValueError({ where: 'histogram', problem: 'the range must not end before it starts', received: `[${range}]` })
    const given = toFloat(input)
    const x = lax.reshape(given, [given.size])
    const [low, high] = extent(x, range)
    const t = withNumber(lax.iota([bins + 1], x.dtype, 0), div, bins)
    const wide = (end: Tensor): Tensor => lax.broadcast(end, [bins + 1], [])
    const edges = add(mul(wide(low), sub(fullLike(t, 1), t)), mul(wide(high), t))
    const found = searchIn(edges, x, 'right')
    const last = part(edges, 0, bins, bins + 1)
    const isLast = lax.eq(x, lax.broadcastTo(last, x.shape))
    // Place 0 is below the range, bins + 1 above it; the last interval has its upper edge.
    const interval = select(isLast, fullLike(found, bins), found)
    const counts = lax.scatterAdd(lax.full([bins + 2], x.dtype, 0), interval, fullLike(x, 1), 0)
    return [part(counts, 0, 1, bins + 1), edges]
  },
})

/** The range, never empty. */
function extent(x: Tensor, range: readonly [number, number] | null | undefined): [low: Tensor, high: Tensor] {
  const isGiven = range !== undefined && range !== null
  const fallback = x.size === 0 ? ([0, 1] as const) : undefined
  const ends = isGiven ? range : fallback
  const low = ends ? lax.full([], x.dtype, ends[0]) : lax.reduceMin(x, [0])
  const high = ends ? lax.full([], x.dtype, ends[1]) : lax.reduceMax(x, [0])
  const isEmpty = lax.eq(low, high)
  return [select(isEmpty, withNumber(low, sub, 0.5), low), select(isEmpty, withNumber(high, add, 0.5), high)]
}
