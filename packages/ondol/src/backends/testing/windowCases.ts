/** Random convolutions and poolings: 1 to 3 spatial axes, strides, paddings, dilations, groups, both layouts. */
import type { DType } from '../../core/dtype.js'
import type { Shape } from '../../core/shape.js'
import { type ConvSpec, convOutputShape, type PoolSpec, type PrimitiveAttributes, poolOutputShape } from '../../engine/primitives.js'
import { type HostArray, runPrimitive } from '../host/index.js'
import type { Case } from './builder.js'
import { type Draw, wholes } from './draw.js'

/** Puts batch, channels and spatial sizes in the layout's order. */
const imageShape = (layout: ConvSpec['layout'], batch: number, channels: number, spatial: Shape): number[] =>
  layout === 'channelsFirst' ? [batch, channels, ...spatial] : [batch, ...spatial, channels]

interface Convolution {
  readonly spec: ConvSpec
  readonly x: Shape
  readonly kernel: Shape
  readonly y: Shape
}

function drawConvolution(draw: Draw): Convolution {
  const rank = draw.of([2, 2, 1, 3])
  const each = (min: number, max: number): number[] => Array.from({ length: rank }, () => draw.int(min, max))
  const layout = draw.of(['channelsLast', 'channelsFirst'] as const)
  const groups = draw.of([1, 1, 1, 2, 3])
  const inputs = draw.of([1, 2, 3, 4, 8])
  const outputs = draw.of([1, 2, 3, 5, 16])
  const size = rank === 3 ? 4 : 7
  const spatial = each(1, size)
  const kernel = [...each(1, 3), inputs, outputs * groups]
  const spec: ConvSpec = {
    strides: each(1, 2),
    padding: Array.from({ length: rank }, () => [draw.int(-1, 2), draw.int(-1, 2)] as const),
    dilation: draw.once(3) ? each(1, 2) : each(1, 1),
    groups,
    layout,
  }
  const x = imageShape(layout, draw.once(16) ? 0 : draw.int(1, 2), inputs * groups, spatial)
  return { spec, x, kernel, y: convOutputShape(spec, x, kernel) }
}

export function convCase(draw: Draw, dtype: DType): Case<PrimitiveAttributes['conv']> {
  const { spec, x, kernel } = drawConvolution(draw)
  return { attributes: spec, inputs: [draw.array(dtype, x), draw.array(dtype, kernel)] }
}

export function convInputGradCase(draw: Draw, dtype: DType): Case<PrimitiveAttributes['convInputGrad']> {
  const { spec, x, kernel, y } = drawConvolution(draw)
  return { attributes: { ...spec, inputShape: x }, inputs: [draw.array(dtype, y), draw.array(dtype, kernel)] }
}

export function convKernelGradCase(draw: Draw, dtype: DType): Case<PrimitiveAttributes['convKernelGrad']> {
  const { spec, x, kernel, y } = drawConvolution(draw)
  return { attributes: { ...spec, kernelShape: kernel }, inputs: [draw.array(dtype, x), draw.array(dtype, y)] }
}

interface Pooling {
  readonly spec: PoolSpec
  readonly x: Shape
  readonly y: Shape
}

/** Paddings are smaller than windows, so that no window is all padding. */
function drawPooling(draw: Draw): Pooling {
  const rank = draw.of([2, 2, 1, 3])
  const each = (min: number, max: number): number[] => Array.from({ length: rank }, () => draw.int(min, max))
  const layout = draw.of(['channelsLast', 'channelsFirst'] as const)
  const window = each(1, 3)
  const padding = window.map((size) => [draw.int(0, size - 1), draw.int(0, size - 1)] as const)
  const spec: PoolSpec = { window, strides: draw.once(2) ? window : each(1, 3), padding, layout }
  const x = imageShape(layout, draw.once(16) ? 0 : draw.int(1, 3), draw.of([1, 3, 4, 16, 17]), each(1, rank === 3 ? 4 : 8))
  return { spec, x, y: poolOutputShape(spec, x) }
}

export function maxPoolCase(draw: Draw, dtype: DType): Case<PrimitiveAttributes['maxPool']> {
  const { spec, x } = drawPooling(draw)
  return { attributes: spec, inputs: [draw.once(2) ? draw.array(dtype, x) : draw.array(dtype, x, wholes(0, 3))] }
}

/** Positions as maxPool finds them: backends may store them narrow. */
const positionsOf = (draw: Draw, spec: PoolSpec, x: Shape): HostArray =>
  runPrimitive('maxPool', spec, [draw.array('float32', x, wholes(0, 5))])[1] as HostArray

export function maxPoolGradCase(draw: Draw, dtype: DType): Case<PrimitiveAttributes['maxPoolGrad']> {
  const { spec, x, y } = drawPooling(draw)
  return { attributes: { ...spec, inputShape: x }, inputs: [draw.array(dtype, y), positionsOf(draw, spec, x)] }
}

export function maxPoolGatherCase(draw: Draw, dtype: DType): Case<PrimitiveAttributes['maxPoolGather']> {
  const { spec, x } = drawPooling(draw)
  return { attributes: spec, inputs: [draw.array(dtype, x), positionsOf(draw, spec, x)] }
}

export function avgPoolCase(draw: Draw, dtype: DType): Case<PrimitiveAttributes['avgPool']> {
  const { spec, x } = drawPooling(draw)
  return { attributes: spec, inputs: [draw.array(dtype, x)] }
}

export function avgPoolGradCase(draw: Draw, dtype: DType): Case<PrimitiveAttributes['avgPoolGrad']> {
  const { spec, x, y } = drawPooling(draw)
  return { attributes: { ...spec, inputShape: x }, inputs: [draw.array(dtype, y)] }
}
