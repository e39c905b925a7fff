/** Convolution and pooling: `keras.ops.nn` conv, depthwiseConv, maxPool, averagePool. */
import { ShapeError, ValueError } from '../core/errors.js'
import { formatShape, type Shape } from '../core/shape.js'
import { type ConvSpec, lax, layoutAxes, type PoolSpec, type Tensor } from '../engine/index.js'
import { type DataFormat, requireDataFormat } from './config.js'
import { defineOp } from './define.js'
import { resultType, toDType, toFloat } from './promotion.js'

export type Padding = 'valid' | 'same'

/** One number for each spatial axis. */
export function perAxis(value: number | readonly number[], rank: number, name: string, where: string): number[] {
  const list = typeof value === 'number' ? new Array<number>(rank).fill(value) : [...value]
  if (list.length !== rank || !list.every((n) => Number.isInteger(n) && n > 0)) {
    throw new ValueError({
      where,
      problem: `${name} does not fit`,
      expected: `a positive whole number, or ${rank} of them`,
      received: `${name}=${JSON.stringify(value)}`,
    })
  }
  return list
}

/**
 * Padding before and after an axis. 'same' gives ceil(size / stride) places, the odd element at the end.
 */
export function paddingFor(padding: Padding, size: number, window: number, stride: number, where: string): [number, number] {
  const mode = String(padding).toLowerCase()
  if (mode === 'valid') return [0, 0]
  if (mode !== 'same') throw new ValueError({ where, problem: 'unknown padding', expected: "'valid' or 'same'", received: String(padding) })
  const total = Math.max((Math.ceil(size / stride) - 1) * stride + window - size, 0)
  return [Math.floor(total / 2), total - Math.floor(total / 2)]
}

const layoutOf = (format: DataFormat): ConvSpec['layout'] => (format === 'channels_last' ? 'channelsLast' : 'channelsFirst')

export interface ConvOptions {
  strides?: number | readonly number[]
  padding?: Padding
  dataFormat?: DataFormat | null
  dilationRate?: number | readonly number[]
}

/** The spec of a convolution of `input` with a kernel (...spatial, in / groups, out), checked. */
function convSpec(
  where: string,
  input: Shape,
  kernel: Shape,
  { strides = 1, padding = 'valid', dataFormat, dilationRate = 1 }: ConvOptions,
): ConvSpec {
  const spatialRank = input.length - 2
  if (spatialRank < 1 || spatialRank > 3 || kernel.length !== input.length) {
    throw new ShapeError({
      where,
      problem: 'ranks do not fit',
      expected: 'an input of 3 to 5 axes (batch, channels, 1 to 3 spatial) and a kernel of as many',
      received: `input ${formatShape(input)}, kernel ${formatShape(kernel)}`,
    })
  }
  const layout = layoutOf(requireDataFormat(dataFormat, where))
  const { channel, spatial } = layoutAxes(layout, input.length)
  const channels = input[channel] as number
  const [inChannels, outChannels] = kernel.slice(-2) as [number, number]
  const groups = channels / inChannels
  if (!Number.isInteger(groups) || outChannels % groups !== 0) {
    throw new ShapeError({
      where,
      problem: 'the kernel does not fit the number of channels',
      expected: `input channels (${channels}) a multiple of the kernel's (${inChannels}), and its outputs (${outChannels}) a multiple of that`,
      received: `input ${formatShape(input)}, kernel ${formatShape(kernel)}`,
      hint: `axis ${channel} is taken as channels, because dataFormat is '${layout === 'channelsLast' ? 'channels_last' : 'channels_first'}'`,
    })
  }
  const stride = perAxis(strides, spatialRank, 'strides', where)
  const dilation = perAxis(dilationRate, spatialRank, 'dilationRate', where)
  if (stride.some((s) => s > 1) && dilation.some((d) => d > 1)) {
    throw new ValueError({
      where,
      problem: 'strides and dilation cannot both be greater than 1',
      received: `strides=[${stride}], dilationRate=[${dilation}]`,
    })
  }
  const pads = spatial.map((axis, i) => {
    const window = ((kernel[i] as number) - 1) * (dilation[i] as number) + 1
    const pair = paddingFor(padding, input[axis] as number, window, stride[i] as number, where)
    if (window > (input[axis] as number) + pair[0] + pair[1]) {
      throw new ShapeError({
        where,
        problem: 'the kernel is larger than the input',
        expected: `at least ${window} places on axis ${axis}`,
        received: `input ${formatShape(input)}, kernel ${formatShape(kernel)}`,
        hint: "use padding: 'same' or a smaller kernel",
      })
    }
    return pair
  })
  return { strides: stride, padding: pads, dilation, groups, layout }
}

/** (batch, …spatial, in) ∗ (…spatial, in / groups, out) → (batch, …spatial, out). */
export const conv = defineOp<[Tensor, Tensor], ConvOptions, Tensor>({
  name: 'Conv',
  module: 'nn',
  tensors: 2,
  parameters: ['strides', 'padding', 'dataFormat', 'dilationRate'],
  call: ([inputs, kernel], options) => {
    const dtype = resultType([inputs, kernel], 'float')
    const [x, k] = [toDType(inputs, dtype), toDType(kernel, dtype)]
    return lax.conv(x, k, convSpec('conv', x.shape, k.shape, options))
  },
})

/** Each channel with kernels of its own: kernel (…spatial, in, multiplier) → in · multiplier channels. */
export const depthwiseConv = defineOp<[Tensor, Tensor], ConvOptions, Tensor>({
  name: 'DepthwiseConv',
  module: 'nn',
  tensors: 2,
  parameters: ['strides', 'padding', 'dataFormat', 'dilationRate'],
  call: ([inputs, kernel], options) => {
    const dtype = resultType([inputs, kernel], 'float')
    const [x, k] = [toDType(inputs, dtype), toDType(kernel, dtype)]
    const [channels, multiplier] = k.shape.slice(-2) as [number, number]
    const grouped = lax.reshape(k, [...k.shape.slice(0, -2), 1, channels * multiplier])
    return lax.conv(x, grouped, convSpec('depthwiseConv', x.shape, grouped.shape, options))
  },
})

export interface PoolOptions {
  poolSize: number | readonly number[]
  strides?: number | readonly number[] | null
  padding?: Padding
  dataFormat?: DataFormat | null
}

function poolSpec(where: string, input: Shape, { poolSize, strides, padding = 'valid', dataFormat }: PoolOptions): PoolSpec {
  const spatialRank = input.length - 2
  if (spatialRank < 1 || spatialRank > 3) {
    throw new ShapeError({
      where,
      problem: 'wrong rank',
      expected: '(batch, channels and 1 to 3 spatial axes)',
      received: formatShape(input),
    })
  }
  const layout = layoutOf(requireDataFormat(dataFormat, where))
  const window = perAxis(poolSize, spatialRank, 'poolSize', where)
  const stride = strides === undefined || strides === null ? window : perAxis(strides, spatialRank, 'strides', where)
  const { spatial } = layoutAxes(layout, input.length)
  const pads = spatial.map((axis, i) => {
    const pair = paddingFor(padding, input[axis] as number, window[i] as number, stride[i] as number, where)
    if ((window[i] as number) > (input[axis] as number) + pair[0] + pair[1]) {
      throw new ShapeError({
        where,
        problem: 'the window is larger than the input',
        expected: `at least ${window[i]} places on axis ${axis}`,
        received: formatShape(input),
      })
    }
    return pair
  })
  return { window, strides: stride, padding: pads, layout }
}

/** The greatest element of each window. */
export const maxPool = defineOp<[Tensor], PoolOptions, Tensor>({
  name: 'MaxPool',
  module: 'nn',
  tensors: 1,
  parameters: ['poolSize', 'strides', 'padding', 'dataFormat'],
  call: ([inputs], options) => {
    const x = toFloat(inputs)
    return lax.maxPool(x, poolSpec('maxPool', x.shape, options))[0]
  },
})

/** The mean of each window, padding not counted. */
export const averagePool = defineOp<[Tensor], PoolOptions, Tensor>({
  name: 'AveragePool',
  module: 'nn',
  tensors: 1,
  parameters: ['poolSize', 'strides', 'padding', 'dataFormat'],
  call: ([inputs], options) => {
    const x = toFloat(inputs)
    return lax.avgPool(x, poolSpec('averagePool', x.shape, options))
  },
})
