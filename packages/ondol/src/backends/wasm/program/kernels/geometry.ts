/** Windows of convolutions and pools over three spatial axes, channels last: what all their kernels work on. */
import { rowMajorStrides, type Shape } from '../../../../core/shape.js'
import type { View } from '../../../../engine/plan.js'
import { type ConvSpec, layoutAxes } from '../../../../engine/primitives.js'
import { WINDOWS } from '../../kernels/gemm/windows.js'
import type { Pointer, Word } from '../../runtime/record.js'
import type { Builder } from '../builder.js'
import { copy, permute, scratchView } from './operands.js'

/** z, y, x; axes that a 1-D or 2-D tensor lacks have size 1. */
export type Triple = readonly [number, number, number]

/** Pads a list of up to three numbers in front. */
export const triple = (values: readonly number[], missing: number): Triple =>
  [...Array.from({ length: 3 - values.length }, () => missing), ...values] as unknown as Triple

export const product = ([z, y, x]: Triple): number => z * y * x
export const mapTriple = (change: (axis: number) => number): Triple => [change(0), change(1), change(2)]
export const at = (triple: Triple, axis: number): number => triple[axis] as number

/** A tensor as images of pixels of channels. */
export interface Images {
  readonly count: number
  readonly size: Triple
  readonly channels: number
}

type Layout = ConvSpec['layout']

/** Order of axes that makes a tensor of a layout channels-last. */
const toLast = (layout: Layout, rank: number): number[] => {
  const { channel, spatial } = layoutAxes(layout, rank)
  return [0, ...spatial, channel]
}

export function imagesOf(shape: Shape, layout: Layout): Images {
  const { channel, spatial } = layoutAxes(layout, shape.length)
  return {
    count: shape[0] as number,
    size: triple(
      spatial.map((axis) => shape[axis] as number),
      1,
    ),
    channels: shape[channel] as number,
  }
}

/** A channels-last view: the view itself, or a copy. */
export function channelsLast(builder: Builder, view: View, layout: Layout): View {
  if (layout === 'channelsLast') return view
  const turned = permute(view, toLast(layout, view.shape.length))
  const result = scratchView(builder, builder.dtypeOf(view.buffer), turned.shape)
  copy(builder, turned, result)
  return result
}

/** Has `compute` write a channels-last result, then brings it into the layout. */
export function intoLayout(builder: Builder, result: View, layout: Layout, compute: (target: View) => void): void {
  if (layout === 'channelsLast') {
    compute(result)
    return
  }
  const turned = permute(result, toLast(layout, result.shape.length))
  const target = scratchView(builder, builder.dtypeOf(result.buffer), turned.shape)
  compute(target)
  copy(builder, target, turned)
}

/** A tap: an element of the kernel, at a distance (in pixels) from the place. */
export interface Tap {
  /** Row-major place in the kernel's spatial axes. */
  readonly index: number
  readonly offset: Triple
}

export interface Sight {
  readonly x: Pointer
  readonly images: Images
  /** Channels that a tap sees, and bytes from pixel to pixel. */
  readonly channels: number
  readonly pixel: number
  readonly places: Triple
  readonly step: Triple
  readonly taps: readonly Tap[]
}

/** The record of `kernels/gemm/windows.ts`; `outside` is the address of what taps outside see, by default zeros. */
export function windowWords(builder: Builder, { x, images, channels, pixel, places, step, taps }: Sight, outside?: number): Word[] {
  const strides = rowMajorStrides(images.size)
  const table = taps.flatMap(({ offset }) => [
    ...offset,
    pixel * offset.reduce((sum, distance, axis) => sum + distance * (strides[axis] as number), 0),
  ])
  const low = mapTriple((axis) => -Math.min(...taps.map(({ offset }) => at(offset, axis))))
  const high = mapTriple((axis) => at(images.size, axis) - 1 - Math.max(...taps.map(({ offset }) => at(offset, axis))))
  return WINDOWS.pack({
    x,
    zeros: outside ?? builder.constant(4 * channels + 64),
    taps: builder.constant(4 * table.length, new Uint8Array(Int32Array.from(table).buffer)),
    tapCount: taps.length,
    channels,
    pixel,
    depth: images.size[0],
    height: images.size[1],
    width: images.size[2],
    planes: places[0],
    lines: places[1],
    points: places[2],
    stepZ: step[0],
    stepY: step[1],
    stepX: step[2],
    lowZ: Math.max(0, low[0]),
    highZ: high[0],
    lowY: Math.max(0, low[1]),
    highY: high[1],
    lowX: Math.max(0, low[2]),
    highX: high[2],
  })
}

/** All index triples below `sizes`, row-major. */
export function triplesBelow(sizes: Triple): Triple[] {
  return Array.from({ length: product(sizes) }, (_, index) => {
    const x = index % sizes[2]
    const y = Math.floor(index / sizes[2]) % sizes[1]
    return [Math.floor(index / (sizes[1] * sizes[2])), y, x]
  })
}
