/** Writing into tensors at places that are computed: `scatter`, `scatterUpdate`, sums over segments. */
import { ShapeError, ValueError } from '../core/errors.js'
import { formatShape, type Shape, sizeOf } from '../core/shape.js'
import { lax, type Tensor } from '../engine/index.js'
import { asTensor, defineOp, type TensorLike } from './define.js'
import { resultType, toDType } from './promotion.js'

/** (…, k) indices into the first k axes of `shape` → places in its row-major order, as whole numbers (count). */
function flatPlaces(where: string, indices: Tensor, shape: Shape): Tensor {
  const depth = indices.shape.at(-1)
  if (depth === undefined || depth > shape.length) {
    throw new ShapeError({
      where,
      problem: 'the indices do not fit',
      expected: `(…, k) with k up to ${shape.length}`,
      received: formatShape(indices.shape),
    })
  }
  const count = sizeOf(indices.shape.slice(0, -1))
  const rows = lax.reshape(lax.cast(indices, 'int32'), [count, depth])
  let place = lax.full([count], 'int32', 0)
  for (let axis = 0; axis < depth; axis++) {
    const size = shape[axis] as number
    const column = lax.reshape(lax.slice(rows, [0, axis], [count, 1]), [count])
    const wrapped = lax.select(lax.withNumber(column, lax.lt, 0), lax.withNumber(column, lax.add, size), column)
    place = lax.add(lax.withNumber(place, lax.mul, size), wrapped)
  }
  return place
}

interface Rows {
  readonly places: Tensor
  /** (count, inner) */
  readonly updates: Tensor
  /** How many rows, and how long, the tensor has that is written to. */
  readonly rows: number
  readonly inner: number
}

function rowsOf(where: string, indices: TensorLike, updates: Tensor, shape: Shape): Rows {
  const at = asTensor(indices, 'int32')
  const depth = at.shape.at(-1) ?? 0
  const places = flatPlaces(where, at, shape)
  const rest = shape.slice(depth)
  const expected = [...at.shape.slice(0, -1), ...rest]
  if (`${updates.shape}` !== `${expected}` && updates.rank !== 0) {
    throw new ShapeError({
      where,
      problem: 'the updates do not fit the indices',
      expected: formatShape(expected),
      received: formatShape(updates.shape),
    })
  }
  const inner = sizeOf(rest)
  const wide = updates.rank === 0 ? lax.broadcastTo(updates, expected) : updates
  return { places, updates: lax.reshape(wide, [places.size, inner]), rows: sizeOf(shape.slice(0, depth)), inner }
}

/** A tensor of `shape`: 0, and at each index the sum of its values. indices (…, k), values (…, rest of the axes). */
export const scatter = defineOp<[Tensor, Tensor], { shape: readonly number[] }, Tensor>({
  name: 'Scatter',
  module: 'core',
  tensors: 2,
  parameters: ['shape'],
  call: ([indices, given], { shape }) => {
    const values = asTensor(given)
    const { places, updates, rows, inner } = rowsOf('scatter', indices, values, shape)
    return lax.reshape(lax.scatterAdd(lax.full([rows, inner], values.dtype, 0), places, updates, 0), shape)
  },
})

/** For each row of the result the combination of the updates that go there; `empty` where there is none. */
function combined({ places, updates, rows, inner }: Rows, how: 'max' | 'min' | 'prod'): Tensor {
  const shape = [rows, places.size, inner]
  const isHere = lax.eq(lax.broadcast(places, shape, [1]), lax.iota(shape, 'int32', 0))
  const reduce = { max: lax.reduceMax, min: lax.reduceMin, prod: lax.reduceProd }[how]
  // What an empty reduction gives is what does not matter in a full one.
  const neutral = reduce(lax.full([0], updates.dtype, 0), [0])
  return reduce(lax.select(isHere, lax.broadcast(updates, shape, [1, 2]), lax.broadcast(neutral, shape, [])), [1])
}

export interface ScatterUpdateOptions {
  /** How updates meet what is there: they replace it (the last one wins), or `'add'`, `'max'`, `'min'`, `'mul'`. */
  reduction?: 'add' | 'max' | 'min' | 'mul' | null
}

/** `inputs` with `updates` written at `indices` (…, k). */
export const scatterUpdate = defineOp<[Tensor, Tensor, Tensor], ScatterUpdateOptions, Tensor>({
  name: 'ScatterUpdate',
  module: 'core',
  tensors: 3,
  parameters: ['reduction'],
  call: ([inputs, indices, given], { reduction = null }) => {
    const x = asTensor(inputs)
    const where = 'scatterUpdate'
    const target = rowsOf(where, indices, lax.cast(asTensor(given), x.dtype), x.shape)
    const table = lax.reshape(x, [target.rows, target.inner])
    const write = (): Tensor => {
      switch (reduction) {
        case null:
          return lax.scatterSet(table, target.places, target.updates, 0)
        case 'add':
          return lax.scatterAdd(table, target.places, target.updates, 0)
        case 'max':
          return lax.max(table, combined(target, 'max'))
        case 'min':
          return lax.min(table, combined(target, 'min'))
        case 'mul':
          return lax.mul(table, combined(target, 'prod'))
        default:
          throw new ValueError({
            where,
            problem: 'unknown reduction',
            expected: "null, 'add', 'max', 'min' or 'mul'",
            received: String(reduction),
          })
      }
    }
    return lax.reshape(write(), x.shape)
  },
})

export interface SegmentOptions {
  /** How many segments there are; by default as many as the greatest id needs, which must be known then. */
  numSegments?: number | null
  /** The ids rise. Changes nothing here. */
  sorted?: boolean
}

type Reduction = 'sum' | 'max' | 'min' | 'prod'

const segment = (name: string, how: Reduction) =>
  defineOp<[Tensor, Tensor], SegmentOptions, Tensor>({
    name,
    module: 'math',
    tensors: 2,
    parameters: ['numSegments', 'sorted'],
    call: ([given, ids], { numSegments }) => {
      const data = asTensor(given)
      const places = lax.cast(asTensor(ids, 'int32'), 'int32')
      if (places.rank !== 1 || places.size !== data.shape[0]) {
        throw new ShapeError({
          where: `segment${how}`,
          problem: 'there must be one id for each row',
          expected: `(${data.shape[0]},)`,
          received: formatShape(places.shape),
        })
      }
      const count = numSegments ?? Math.max(-1, ...Array.from(places.dataSync(), Number)) + 1
      const inner = sizeOf(data.shape.slice(1))
      const updates = lax.reshape(data, [places.size, inner])
      const shape = [count, ...data.shape.slice(1)]
      if (how !== 'sum') return lax.reshape(combined({ places, updates, rows: count, inner }, how), shape)
      // Ids outside go to a row of their own, which is left out.
      const isInside = lax.logicalAnd(lax.withNumber(places, lax.ge, 0), lax.withNumber(places, lax.lt, count))
      const safe = lax.select(isInside, places, lax.fullLike(places, count))
      const sums = lax.scatterAdd(lax.full([count + 1, inner], data.dtype, 0), safe, updates, 0)
      return lax.reshape(lax.slice(sums, [0, 0], [count, inner]), shape)
    },
  })

/** Sums of rows with the same id: data (n, …), segmentIds (n) → (segments, …); 0 where there is none. */
export const segmentSum = segment('SegmentSum', 'sum')
/** As `segmentSum`, the greatest elements; -∞ (or the smallest number) where there is none. */
export const segmentMax = segment('SegmentMax', 'max')
/** As `segmentSum`, the smallest elements. */
export const segmentMin = segment('SegmentMin', 'min')
/** As `segmentSum`, products; 1 where there is none. */
export const segmentProd = segment('SegmentProd', 'prod')

/** x in `dtype`, with numbers that it cannot hold replaced by the nearest that it can. */
export const saturateCast = defineOp<[Tensor], { dtype: Tensor['dtype'] }, Tensor>({
  name: 'SaturateCast',
  module: 'core',
  tensors: 1,
  parameters: ['dtype'],
  call: ([input], { dtype }) => {
    const x = asTensor(input)
    const [low, high] = LIMITS[dtype] ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
    if (x.dtype === 'bool' || !Number.isFinite(high)) return lax.cast(x, dtype)
    const wide = x.dtype === 'int32' || x.dtype === 'uint8' ? resultType([x]) : x.dtype
    const [own, top] = LIMITS[wide] ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
    const [least, most] = [Math.max(low, own), Math.min(high, top)]
    // The greatest int32 is no float32: 2147483520 is the next below.
    const upper = dtype === 'int32' && wide === 'float32' ? 2147483520 : most
    const clipped = lax.min(lax.max(toDType(x, wide), lax.full(x.shape, wide, least)), lax.full(x.shape, wide, upper))
    return lax.cast(clipped, dtype)
  },
})

const LIMITS: Readonly<Record<string, readonly [number, number]>> = {
  uint8: [0, 255],
  int32: [-2147483648, 2147483647],
  bool: [0, 1],
  float16: [-65504, 65504],
}
