/** Picking and placing elements by index: `take`, `takeAlongAxis`, `oneHot`, `scatter`, `sort`, `topK`. */
import type { DType } from '../core/dtype.js'
import { ShapeError } from '../core/errors.js'
import { normalizeAxis, type Shape } from '../core/shape.js'
import { lax, type Tensor } from '../engine/index.js'
import { floatx } from './config.js'
import { asTensor, defineOp } from './define.js'

/** int32 indices; negative ones count from the end. */
function wrapIndices(indices: Tensor, size: number): Tensor {
  const whole = lax.cast(indices, 'int32')
  return lax.select(lax.lt(whole, lax.zerosLike(whole)), lax.withNumber(whole, lax.add, size), whole)
}

/** Elements of `x` at `indices` along `axis` (of the flat tensor without one). */
export const take = defineOp<[Tensor, Tensor], { axis?: number | null }, Tensor>({
  name: 'Take',
  module: 'numpy',
  tensors: 2,
  parameters: ['axis'],
  call: ([input, indices], { axis }) => {
    const given = asTensor(input)
    const x = axis === undefined || axis === null ? lax.reshape(given, [given.size]) : given
    const along = normalizeAxis(axis ?? 0, x.rank, 'take')
    return lax.gather(x, wrapIndices(asTensor(indices, 'int32'), x.shape[along] as number), along)
  },
})

/** For each place of `indices` the element of `x` at that index along `axis`. */
export const takeAlongAxis = defineOp<[Tensor, Tensor], { axis?: number | null }, Tensor>({
  name: 'TakeAlongAxis',
  module: 'numpy',
  tensors: 2,
  parameters: ['axis'],
  call: ([input, at], { axis }) => {
    const given = asTensor(input)
    const isFlat = axis === undefined || axis === null
    const x = isFlat ? lax.reshape(given, [given.size]) : given
    const along = normalizeAxis(axis ?? 0, x.rank, 'takeAlongAxis')
    const indices = wrapIndices(asTensor(at, 'int32'), x.shape[along] as number)
    if (indices.rank !== x.rank)
      throw new ShapeError({ where: 'takeAlongAxis', problem: 'x and indices differ in rank', received: `${x.rank} and ${indices.rank}` })
    const shape = x.shape.map((size, i) => (i === along ? size : Math.max(size, indices.shape[i] as number)))
    const wide = lax.broadcastTo(x, shape)
    const wanted = lax.broadcastTo(
      indices,
      shape.map((size, i) => (i === along ? (indices.shape[i] as number) : size)),
    )
    return lax.reshape(lax.gather(lax.reshape(wide, [wide.size]), flatPositions(wanted, shape, along), 0), wanted.shape)
  },
})

/** Indices along `axis` as places in the row-major order of a tensor of `shape`. */
function flatPositions(indices: Tensor, shape: Shape, axis: number): Tensor {
  let stride = 1
  let result: Tensor | undefined
  for (let i = shape.length - 1; i >= 0; i--) {
    const index = i === axis ? indices : lax.iota(indices.shape, 'int32', i)
    const term = stride === 1 ? index : lax.withNumber(index, lax.mul, stride)
    result = result === undefined ? term : lax.add(result, term)
    stride *= shape[i] as number
  }
  return result ?? lax.zerosLike(indices)
}

/** 1 at each index along a new axis of `numClasses`; all 0 for an index outside. */
export const oneHot = defineOp<[Tensor], { numClasses: number; axis?: number; dtype?: DType }, Tensor>({
  name: 'OneHot',
  module: 'nn',
  tensors: 1,
  parameters: ['numClasses', 'axis', 'dtype'],
  call: ([input], { numClasses, axis = -1, dtype = floatx() }) => {
    const x = lax.cast(asTensor(input), 'int32')
    const at = normalizeAxis(axis, x.rank + 1, 'oneHot')
    const shape = [...x.shape.slice(0, at), numClasses, ...x.shape.slice(at)]
    const wide = lax.broadcast(
      x,
      shape,
      x.shape.map((_, i) => (i < at ? i : i + 1)),
    )
    return lax.cast(lax.eq(wide, lax.iota(shape, 'int32', at)), dtype)
  },
})

/** Along `axis`: values (greatest first) and int32 indices of the `k` greatest. */
export const topK = defineOp<[Tensor], { k: number; sorted?: boolean }, [Tensor, Tensor]>({
  name: 'TopK',
  module: 'math',
  tensors: 1,
  parameters: ['k', 'sorted'],
  call: ([input], { k }) => {
    const x = asTensor(input)
    const [values, positions] = lax.sort(x, normalizeAxis(-1, x.rank, 'topK'), true)
    const start = x.shape.map(() => 0)
    const size = x.shape.map((n, i) => (i === x.rank - 1 ? Math.min(k, n) : n))
    return [lax.slice(values, start, size), lax.slice(positions, start, size)]
  },
})

/** Whether each target is among the `k` greatest predictions of its row: (batch,), (batch, classes) → (batch,) bool. */
export const inTopK = defineOp<[Tensor, Tensor], { k: number }, Tensor>({
  name: 'InTopK',
  module: 'math',
  tensors: 2,
  parameters: ['k'],
  call: ([targetsInput, input], { k }) => {
    const predictions = asTensor(input)
    const targets = lax.cast(asTensor(targetsInput), 'int32')
    const [rows, classes] = predictions.shape as [number, number]
    const flat = lax.add(targets, lax.withNumber(lax.iota([rows], 'int32', 0), lax.mul, classes))
    const score = lax.gather(lax.reshape(predictions, [rows * classes]), flat, 0)
    const better = lax.gt(predictions, lax.broadcast(score, predictions.shape, [0]))
    const rank = lax.reduceSum(lax.cast(better, 'int32'), [1])
    const isFinite = lax.lt(lax.abs(score), lax.fullLike(score, Number.POSITIVE_INFINITY))
    return lax.logicalAnd(isFinite, lax.lt(rank, lax.fullLike(rank, k)))
  },
})

/** Rising along `axis`; NaN comes last. */
export const sort = defineOp<[Tensor], { axis?: number }, Tensor>({
  name: 'Sort',
  module: 'numpy',
  tensors: 1,
  parameters: ['axis'],
  call: ([input], { axis = -1 }) => {
    const x = asTensor(input)
    return lax.sort(x, normalizeAxis(axis, x.rank, 'sort'))[0]
  },
})

/** int32 indices that sort along `axis`; equal ones stay in order. */
export const argsort = defineOp<[Tensor], { axis?: number }, Tensor>({
  name: 'Argsort',
  module: 'numpy',
  tensors: 1,
  parameters: ['axis'],
  call: ([input], { axis = -1 }) => {
    const x = asTensor(input)
    return lax.sort(x, normalizeAxis(axis, x.rank, 'argsort'))[1]
  },
})
