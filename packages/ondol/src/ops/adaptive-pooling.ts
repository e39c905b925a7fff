/** Pooling to a given size: `keras.ops.nn` adaptiveAveragePool and adaptiveMaxPool. */
import { ShapeError } from '../core/errors.js'
import { formatShape } from '../core/shape.js'
import { lax, layoutAxes, type Tensor } from '../engine/index.js'
import { type DataFormat, requireDataFormat } from './config.js'
import { perAxis } from './convolution.js'
import { defineOp } from './define.js'
import { toFloat } from './promotion.js'

export interface AdaptivePoolOptions {
  /** Of each spatial axis, or one number for all. */
  outputSize: number | readonly number[]
  dataFormat?: DataFormat | null
}

/** Window i of `count` over `size` places: they have (nearly) the same length and may overlap. */
const windowOf = (i: number, size: number, count: number): [start: number, end: number] => [
  Math.floor((i * size) / count),
  Math.ceil(((i + 1) * size) / count),
]

type PoolAxis = (x: Tensor, axis: number, count: number) => Tensor

function pooled(where: string, input: Tensor, { outputSize, dataFormat }: AdaptivePoolOptions, pool: PoolAxis): Tensor {
  const x = toFloat(input)
  if (x.rank < 3 || x.rank > 5)
    throw new ShapeError({
      where,
      problem: 'wrong rank',
      expected: '(batch, channels and 1 to 3 spatial axes)',
      received: formatShape(x.shape),
    })
  const layout = requireDataFormat(dataFormat, where) === 'channels_last' ? 'channelsLast' : 'channelsFirst'
  const { spatial } = layoutAxes(layout, x.rank)
  const sizes = perAxis(outputSize, x.rank - 2, 'outputSize', where)
  return spatial.reduce((y, axis, i) => pool(y, axis, sizes[i] as number), x)
}

/** Means as a product with a matrix of shares. */
const averageAxis: PoolAxis = (x, axis, count) => {
  const size = x.shape[axis] as number
  const shares = new Float32Array(size * count)
  for (let i = 0; i < count; i++) {
    const [start, end] = windowOf(i, size, count)
    for (let at = start; at < end; at++) shares[at * count + i] = 1 / (end - start)
  }
  const matrix = lax.cast(lax.constant(shares, [size, count], 'float32'), x.dtype)
  const y = lax.dot(x, matrix, { batchA: [], batchB: [], contractA: [axis], contractB: [0] })
  // The new axis came last.
  const order = [...x.shape.keys()].filter((at) => at !== axis).map((_, i) => i)
  return lax.transpose(y, [...order.slice(0, axis), x.rank - 1, ...order.slice(axis)])
}

/** Windows of one length: a shorter one has its last place again. */
const maxAxis: PoolAxis = (x, axis, count) => {
  const size = x.shape[axis] as number
  const spans = Array.from({ length: count }, (_, i) => windowOf(i, size, count))
  const length = Math.max(...spans.map(([start, end]) => end - start))
  const places = Int32Array.from({ length: count * length }, (_, i) => {
    const [start, end] = spans[Math.floor(i / length)] as [number, number]
    return Math.min(start + (i % length), end - 1)
  })
  const taken = lax.gather(x, lax.constant(places, [places.length], 'int32'), axis)
  const split = lax.reshape(taken, [...x.shape.slice(0, axis), count, length, ...x.shape.slice(axis + 1)])
  return lax.reduceMax(split, [axis + 1])
}

/** Means of windows that divide each spatial axis into `outputSize` parts. */
export const adaptiveAveragePool = defineOp<[Tensor], AdaptivePoolOptions, Tensor>({
  name: 'AdaptiveAveragePool',
  module: 'nn',
  tensors: 1,
  parameters: ['outputSize', 'dataFormat'],
  call: ([inputs], options) => pooled('adaptiveAveragePool', inputs, options, averageAxis),
})

/** The greatest elements of windows that divide each spatial axis into `outputSize` parts. */
export const adaptiveMaxPool = defineOp<[Tensor], AdaptivePoolOptions, Tensor>({
  name: 'AdaptiveMaxPool',
  module: 'nn',
  tensors: 1,
  parameters: ['outputSize', 'dataFormat'],
  call: ([inputs], options) => pooled('adaptiveMaxPool', inputs, options, maxAxis),
})
