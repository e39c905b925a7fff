/** Finding: places in sorted lists, what is not 0, distinct elements, membership. */
import { ShapeError, ValueError } from '../core/errors.js'
import { formatShape, normalizeAxis, sizeOf } from '../core/shape.js'
import { lax, type Tensor } from '../engine/index.js'
import { asTensor, defineOp, type TensorLike } from './define.js'
import { integers, part, toBool, valuesOf } from './kinds.js'
import { resultType, toDType } from './promotion.js'

const { select, withNumber, fullLike, zerosLike } = lax
const isNaN = (x: Tensor): Tensor => lax.ne(x, x)
const flat = (x: Tensor): Tensor => lax.reshape(x, [x.size])

/** Where `values` belong in a `sorted` list: before (`left`) or after (`right`) what is equal. NaN comes last. */
export function searchIn(sorted: Tensor, values: Tensor, side: 'left' | 'right'): Tensor {
  const n = sorted.size
  let place = lax.full(values.shape, 'int32', 0)
  if (n === 0) return place
  // Binary search, all values at once: larger and larger digits of the place are settled first.
  for (let step = 2 ** Math.floor(Math.log2(n)); step >= 1; step /= 2) {
    const next = withNumber(place, lax.add, step)
    const isInside = lax.le(next, fullLike(next, n))
    const at = withNumber(lax.min(next, fullLike(next, n)), lax.sub, 1)
    const element = lax.gather(sorted, at, 0)
    const isBefore =
      side === 'left'
        ? lax.logicalOr(lax.lt(element, values), lax.logicalAnd(isNaN(values), lax.eq(element, element)))
        : lax.logicalOr(lax.le(element, values), isNaN(values))
    place = select(lax.logicalAnd(isInside, isBefore), next, place)
  }
  return place
}

/** int32 places in a sorted list (n,) where `values` keep it sorted: before what is equal (`left`) or after (`right`). */
export const searchsorted = defineOp<[Tensor, Tensor], { side?: 'left' | 'right' }, Tensor>({
  name: 'SearchSorted',
  module: 'numpy',
  tensors: 2,
  parameters: ['side'],
  call: ([sequence, given], { side = 'left' }) => {
    if (side !== 'left' && side !== 'right')
      throw new ValueError({ where: 'searchsorted', problem: 'unknown side', expected: "'left' or 'right'", received: String(side) })
    const dtype = resultType([sequence, given])
    const sorted = toDType(sequence, dtype)
    requireList(sorted, 'searchsorted')
    return searchIn(sorted, toDType(given, dtype), side)
  },
})

function requireList(x: Tensor, where: string): void {
  if (x.rank !== 1)
    throw new ShapeError({
      where,
      problem: 'the sequence must be a list',
      received: formatShape(x.shape),
      hint: 'ops.vectorizedMap applies it to each row',
    })
}

/** int32 index of the interval between `bins` (rising or falling) that each element lies in; 0 is before the first. */
export const digitize = defineOp<[Tensor, Tensor], Record<never, never>, Tensor>({
  name: 'Digitize',
  module: 'numpy',
  tensors: 2,
  parameters: [],
  call: ([input, edges]) => {
    const dtype = resultType([input, edges])
    const [x, bins] = [toDType(input, dtype), toDType(edges, dtype)]
    requireList(bins, 'digitize')
    const n = bins.size
    if (n === 0) return lax.full(x.shape, 'int32', 0)
    const rising = searchIn(bins, x, 'right')
    const backwards = searchIn(lax.flip(bins, [0]), x, 'left')
    const falling = lax.sub(fullLike(backwards, n), backwards)
    const isRising = lax.ge(part(bins, 0, n - 1, n), part(bins, 0, 0, 1))
    return select(lax.broadcastTo(isRising, x.shape), rising, falling)
  },
})

/**
 * Indices of what is not 0: for each axis a list of int32, in row-major order.
 *
 * @throws TracingError while a function is traced: how many there are depends on the values.
 */
export const nonzero = defineOp<[Tensor], Record<never, never>, Tensor[]>({
  name: 'Nonzero',
  module: 'numpy',
  tensors: 1,
  parameters: [],
  call: ([input]) => {
    const x = toBool(input)
    const found = valuesOf(x, 'nonzero', 'ops.where(condition, a, b) chooses without indices').flatMap((value, i) =>
      value === 0 ? [] : [i],
    )
    let stride = x.size
    return x.shape.map((size) => {
      const over = stride
      stride /= size
      const inner = stride
      return integers(found.map((i) => Math.floor((i % over) / inner)))
    })
  },
})

/** Whether each element of `x1` is among those of `x2` (`invert`: is not). NaN is among none. */
export const isin = defineOp<[Tensor, Tensor], { assumeUnique?: boolean; invert?: boolean }, Tensor>({
  name: 'IsIn',
  module: 'numpy',
  tensors: 2,
  parameters: ['assumeUnique', 'invert'],
  call: ([elements, among], { invert = false }) => {
    const dtype = resultType([elements, among])
    const [x, y] = [toDType(elements, dtype), flat(toDType(among, dtype))]
    if (y.size === 0) return lax.full(x.shape, 'bool', Number(invert))
    const sorted = lax.sort(y, 0)[0]
    const place = searchIn(sorted, x, 'left')
    const found = lax.eq(lax.gather(sorted, lax.min(place, fullLike(place, y.size - 1)), 0), x)
    return invert ? lax.logicalNot(found) : found
  },
})

interface UniqueOptions {
  sorted?: boolean
  returnIndex?: boolean
  returnInverse?: boolean
  returnCounts?: boolean
  axis?: number | null
  size?: number | null
  fillValue?: number | null
}

/** The order that sorts rows (n, k), the first column counting most. */
function sortedRows(rows: Tensor): Tensor {
  const [n, k] = rows.shape as [number, number]
  let order = lax.iota([n], 'int32', 0)
  // Stable sorts by one column after the other, from the last.
  for (let column = k - 1; column >= 0; column--) {
    const key = lax.gather(lax.reshape(part(rows, 1, column, column + 1), [n]), order, 0)
    order = lax.gather(order, lax.sort(key, 0)[1], 0)
  }
  return order
}

/** Which of n rows, in sorted order, differ from the one before. */
function startsOf(sorted: Tensor): Tensor {
  const [n, k] = sorted.shape as [number, number]
  const differs = lax.ne(part(sorted, 0, 1, n), part(sorted, 0, 0, n - 1))
  const changed = k === 0 ? lax.full([n - 1], 'bool', 0) : lax.reduceMax(differs, [1])
  return lax.concat([lax.full([1], 'bool', 1), changed], 0)
}

/**
 * Distinct elements in rising order (of `axis`: distinct slices), and on request the index of the first of each, for each
 * element the place of its like among them (`returnInverse`), and how often each occurs. Every NaN is distinct.
 *
 * With `size` there are so many: the rest is left out, or filled with `fillValue` (the first of them unless given); then
 * it works while a function is traced.
 *
 * @example
 * unique([2, 1, 2])                            // [1, 2]
 * unique([2, 1, 2], { returnCounts: true })    // [[1, 2], [1, 2]]
 */
export const unique = defineOp<[Tensor], UniqueOptions, Tensor | Tensor[]>({
  name: 'Unique',
  module: 'numpy',
  tensors: 1,
  parameters: ['sorted', 'returnIndex', 'returnInverse', 'returnCounts', 'axis', 'size', 'fillValue'],
  call: ([input], { returnIndex, returnInverse, returnCounts, axis, size, fillValue }) => {
    const x = asTensor(input)
    const isFlat = axis === undefined || axis === null
    const along = isFlat ? 0 : normalizeAxis(axis, x.rank, 'unique')
    const others = x.shape.map((_, i) => i).filter((i) => i !== along)
    const slices = isFlat ? flat(x) : lax.transpose(x, [along, ...others])
    const [n, ...inner] = slices.shape as [number, ...number[]]
    const rows = lax.reshape(slices, [n, sizeOf(inner)])
    const order = sortedRows(rows)
    const starts = n === 0 ? lax.full([0], 'bool', 0) : startsOf(lax.gather(rows, order, 0))
    const group = withNumber(lax.cumSum(lax.cast(starts, 'int32'), 0), lax.sub, 1)
    const length =
      size ?? valuesOf(lax.reduceSum(lax.cast(starts, 'int32'), [0]), 'unique', 'give size, the number of distinct elements')[0]
    const count = length as number
    // Rows past `count` go to a place that is cut off.
    const target = lax.min(group, fullLike(group, count))
    const place = (values: Tensor, where: Tensor, otherwise: number): Tensor =>
      part(lax.scatterSet(lax.full([count + 1], 'int32', otherwise), where, values, 0), 0, 0, count)
    const occurrences = part(lax.scatterAdd(lax.full([count + 1], 'int32', 0), target, fullLike(target, 1), 0), 0, 0, count)
    const firsts = place(order, select(starts, target, fullLike(target, count)), -1)
    const isFilled = lax.gt(occurrences, zerosLike(occurrences))
    const nearest = n === 0 ? firsts : select(isFilled, firsts, lax.broadcastTo(part(order, 0, 0, 1), firsts.shape))
    const found = lax.gather(slices, nearest, 0)
    const filled =
      fillValue === undefined || fillValue === null
        ? found
        : select(lax.broadcast(isFilled, found.shape, [0]), found, fullLike(found, fillValue))
    const back = x.shape.map((_, i) => (i < along ? i + 1 : i === along ? 0 : i))
    const values = isFlat ? filled : lax.transpose(filled, back)
    const inverse = lax.scatterSet(lax.full([n], 'int32', 0), order, group, 0)
    const results = [
      values,
      ...(returnIndex ? [nearest] : []),
      ...(returnInverse ? [isFlat ? lax.reshape(inverse, x.shape) : inverse] : []),
      ...(returnCounts ? [occurrences] : []),
    ]
    return results.length === 1 ? values : results
  },
}) as unknown as Unique

interface Unique {
  (x: TensorLike, options?: UniqueOptions & { returnIndex?: false; returnInverse?: false; returnCounts?: false }): Tensor
  (x: TensorLike, options: UniqueOptions): Tensor[]
  (
    x: TensorLike,
    sorted: boolean,
    returnIndex?: boolean,
    returnInverse?: boolean,
    returnCounts?: boolean,
    axis?: number | null,
    size?: number | null,
    fillValue?: number | null,
  ): Tensor | Tensor[]
}

/** int32 indices along `axis` (of the flat tensor with `null`): the one at `kth` is where sorting puts it, smaller ones before it. */
export const argpartition = defineOp<[Tensor], { kth: number; axis?: number | null }, Tensor>({
  name: 'Argpartition',
  module: 'numpy',
  tensors: 1,
  parameters: ['kth', 'axis'],
  call: ([input], { kth, axis = -1 }) => {
    const given = asTensor(input)
    const x = axis === null ? flat(given) : given
    const along = normalizeAxis(axis ?? 0, x.rank, 'argpartition')
    normalizeAxis(kth, x.shape[along] as number, 'argpartition: kth')
    // A whole sort is one partition, and fast enough.
    return lax.sort(x, along)[1]
  },
})

/** Indices of the flat tensor as indices along each axis of `shape`; outside ones count as the nearest inside. */
export const unravelIndex = defineOp<[Tensor], { shape: readonly number[] }, Tensor[]>({
  name: 'UnravelIndex',
  module: 'numpy',
  tensors: 1,
  parameters: ['shape'],
  call: ([given], { shape }) => {
    const indices = asTensor(given, 'int32')
    const total = sizeOf(shape)
    const limited = lax.max(lax.min(indices, fullLike(indices, total - 1)), fullLike(indices, -total))
    const flatIndex = select(lax.lt(limited, zerosLike(limited)), withNumber(limited, lax.add, total), limited)
    let stride = total
    return shape.map((size) => {
      stride /= size
      return withNumber(withNumber(flatIndex, lax.floorDiv, stride), lax.mod, size)
    })
  },
})
