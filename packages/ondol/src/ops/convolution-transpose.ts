/** Transposed and separable convolutions: `keras.ops.nn` convTranspose and separableConv. */
import { ShapeError, ValueError } from '../core/errors.js'
import { formatShape } from '../core/shape.js'
import { lax, layoutAxes, type Tensor } from '../engine/index.js'
import { requireDataFormat } from './config.js'
import { type ConvOptions, conv, depthwiseConv, perAxis } from './convolution.js'
import { defineOp } from './define.js'
import { resultType, toDType } from './promotion.js'

export interface ConvTransposeOptions extends ConvOptions {
  /** How much longer the output is than it has to be, less than the stride. Default: by `padding`. */
  outputPadding?: number | readonly number[] | null
}

/** Size and padding along one axis: `low` and `high` are those of the convolution whose transpose this is. */
function axisOf(
  where: string,
  { size, kernel, stride, padding, extra }: { size: number; kernel: number; stride: number; padding: string; extra: number | undefined },
): { output: number; low: number; high: number } {
  const mode = padding.toLowerCase()
  if (mode !== 'valid' && mode !== 'same')
    throw new ValueError({ where, problem: 'unknown padding', expected: "'valid' or 'same'", received: padding })
  let left: number
  let right: number
  if (mode === 'valid') {
    left = kernel - 1
    right = kernel - 1 + (extra ?? Math.max(kernel, stride) - kernel)
  } else {
    const total = extra === undefined ? stride + kernel - 2 : kernel + (kernel % 2) - 2 + extra
    left = Math.min(Math.floor(total / 2) + (total % 2), kernel - 1)
    right = total - left
  }
  return { output: (size - 1) * stride + 1 + left + right - (kernel - 1), low: kernel - 1 - left, high: kernel - 1 - right }
}

/**
 * The way back of a convolution, used forwards: (batch, …spatial, in) and a kernel (…spatial, out, in) →
 * (batch, …larger, out).
 */
export const convTranspose = defineOp<[Tensor, Tensor], ConvTransposeOptions, Tensor>({
  name: 'ConvTranspose',
  module: 'nn',
  tensors: 2,
  parameters: ['strides', 'padding', 'outputPadding', 'dataFormat', 'dilationRate'],
  call: ([inputs, given], { strides = 1, padding = 'valid', outputPadding, dataFormat, dilationRate = 1 }) => {
    const where = 'convTranspose'
    const dtype = resultType([inputs, given], 'float')
    const [x, kernel] = [toDType(inputs, dtype), toDType(given, dtype)]
    const spatialRank = x.rank - 2
    const layout = requireDataFormat(dataFormat, where) === 'channels_last' ? 'channelsLast' : 'channelsFirst'
    const { channel, spatial } = layoutAxes(layout, x.rank)
    if (spatialRank < 1 || spatialRank > 3 || kernel.rank !== x.rank || kernel.shape.at(-1) !== x.shape[channel]) {
      throw new ShapeError({
        where,
        problem: 'input and kernel do not fit',
        expected: `a kernel (…spatial, outputs, ${x.shape[channel]}) of as many axes as the input`,
        received: `input ${formatShape(x.shape)}, kernel ${formatShape(kernel.shape)}`,
      })
    }
    const stride = perAxis(strides, spatialRank, 'strides', where)
    const dilation = perAxis(dilationRate, spatialRank, 'dilationRate', where)
    const extra = outputPadding == null ? [] : typeof outputPadding === 'number' ? spatial.map(() => outputPadding) : outputPadding
    const axes = spatial.map((axis, i) =>
      axisOf(where, {
        size: x.shape[axis] as number,
        kernel: ((kernel.shape[i] as number) - 1) * (dilation[i] as number) + 1,
        stride: stride[i] as number,
        padding,
        extra: extra[i],
      }),
    )
    // Output beyond what the convolution reaches is 0: it is added afterwards.
    const beyond = axes.map(({ high }) => Math.max(-high, 0))
    const sizes = axes.map(({ output }, i) => output - (beyond[i] as number))
    const shape = x.shape.map((size, axis) => {
      if (axis === channel) return kernel.shape.at(-2) as number
      return spatial.includes(axis) ? (sizes[spatial.indexOf(axis)] as number) : size
    })
    const spec = {
      strides: stride,
      padding: axes.map(({ low, high }) => [low, Math.max(high, 0)] as [number, number]),
      dilation,
      groups: 1,
      layout,
    } as const
    const y = lax.convInputGrad(x, kernel, spec, shape)
    if (beyond.every((n) => n === 0)) return y
    const high = y.shape.map((_, axis) => (spatial.includes(axis) ? (beyond[spatial.indexOf(axis)] as number) : 0))
    return lax.pad(
      y,
      lax.full([], dtype, 0),
      y.shape.map(() => 0),
      high,
    )
  },
})

/** A depthwise convolution and one of single points: kernels (…spatial, in, multiplier) and (1, …, in · multiplier, out). */
export const separableConv = defineOp<[Tensor, Tensor, Tensor], ConvOptions, Tensor>({
  name: 'SeparableConv',
  module: 'nn',
  tensors: 3,
  parameters: ['strides', 'padding', 'dataFormat', 'dilationRate'],
  call: ([inputs, depthwise, pointwise], { dataFormat, ...options }) => {
    const format = dataFormat === undefined ? {} : { dataFormat }
    return conv(depthwiseConv(inputs, depthwise, { ...options, ...format }), pointwise, { ...format, padding: 'valid' })
  },
})
