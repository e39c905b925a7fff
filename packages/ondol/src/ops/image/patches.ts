/** Patches of images and volumes: `keras.ops.image` extractPatches, extractPatches3d, reconstructPatches. */
import { ShapeError, ValueError } from '../../core/errors.js'
import { formatShape, type Shape } from '../../core/shape.js'
import { type ConvSpec, lax, layoutAxes, type Tensor } from '../../engine/index.js'
import { type DataFormat, requireDataFormat } from '../config.js'
import { type Padding, paddingFor, perAxis } from '../convolution.js'
import { asTensor, defineOp } from '../define.js'

type Sizes = number | readonly number[]

export interface ExtractPatchesOptions {
  /** Of a patch: one number for all axes, two for images, three for volumes. */
  size: Sizes
  /** How far patches are apart. Default: their size. */
  strides?: Sizes | null
  /** How far the pixels of a patch are apart. Default 1. */
  dilationRate?: Sizes
  /** `'same'` adds zeros so that patches cover everything. Default `'valid'`. */
  padding?: Padding
  dataFormat?: DataFormat | null
}

const layoutOf = (dataFormat: DataFormat | null | undefined, where: string): ConvSpec['layout'] =>
  requireDataFormat(dataFormat, where) === 'channels_last' ? 'channelsLast' : 'channelsFirst'

/** Adds a batch of one where there is none, and takes it off again. */
function inBatch(x: Tensor, rank: number, where: string, f: (batch: Tensor) => Tensor): Tensor {
  if (x.rank === rank + 2) return f(x)
  if (x.rank !== rank + 1)
    throw new ShapeError({
      where,
      problem: 'the rank does not fit',
      expected: `${rank + 1} or, for a batch, ${rank + 2} axes`,
      received: formatShape(x.shape),
    })
  const result = f(lax.reshape(x, [1, ...x.shape]))
  return lax.reshape(result, result.shape.slice(1))
}

/** A slice for each place of a patch: no product, unlike a convolution with the identity. */
function extract(x: Tensor, rank: number, where: string, options: ExtractPatchesOptions): Tensor {
  const { size, strides, dilationRate = 1, padding = 'valid', dataFormat } = options
  const window = perAxis(size, rank, 'size', where)
  const stride = strides == null ? window : perAxis(strides, rank, 'strides', where)
  const dilation = perAxis(dilationRate, rank, 'dilationRate', where)
  if (stride.some((s) => s > 1) && dilation.some((d) => d > 1))
    throw new ValueError({
      where,
      problem: 'strides and dilation cannot both be greater than 1',
      received: `strides=[${stride}], dilationRate=[${dilation}]`,
      hint: strides == null ? 'strides are the size unless given: use strides: 1' : 'leave one of them at 1',
    })
  return inBatch(x, rank, where, (batch) => {
    const { spatial, channel } = layoutAxes(layoutOf(dataFormat, where), rank + 2)
    const [low, high] = [batch.shape.map(() => 0), batch.shape.map(() => 0)]
    const reach = window.map((n, i) => (n - 1) * (dilation[i] as number) + 1)
    spatial.forEach((axis, i) => {
      ;[low[axis], high[axis]] = paddingFor(padding, batch.shape[axis] as number, reach[i] as number, stride[i] as number, where)
    })
    const padded = lax.pad(batch, lax.full([], batch.dtype, 0), low, high)
    const count = spatial.map((axis, i) => Math.floor(((padded.shape[axis] as number) - (reach[i] as number)) / (stride[i] as number)) + 1)
    if (count.some((n) => n < 1))
      throw new ShapeError({
        where,
        problem: 'a patch is larger than the input',
        expected: `at least [${reach}]`,
        received: formatShape(x.shape),
      })
    const places = window.reduce<number[][]>((all, n) => all.flatMap((place) => Array.from({ length: n }, (_, i) => [...place, i])), [[]])
    const step = padded.shape.map(() => 1)
    const shape = [...padded.shape]
    spatial.forEach((axis, i) => {
      step[axis] = stride[i] as number
      shape[axis] = count[i] as number
    })
    const slices = places.map((place) => {
      const start = padded.shape.map(() => 0)
      spatial.forEach((axis, i) => {
        start[axis] = (place[i] as number) * (dilation[i] as number)
      })
      return lax.slice(padded, start, shape, step)
    })
    return lax.concat(slices, channel)
  })
}

/**
 * Patches of images, each flattened: (…, height, width, channels) → (…, rows, columns, size · size · channels). With three
 * sizes, of volumes.
 *
 * @throws ShapeError, ValueError
 * @example
 * ops.image.extractPatches(ops.ones([2, 8, 8, 3]), 4).shape // [2, 2, 2, 48]
 */
export const extractPatches = defineOp<[Tensor], ExtractPatchesOptions, Tensor>({
  name: 'ExtractPatches',
  module: 'image',
  tensors: 1,
  parameters: ['size', 'strides', 'dilationRate', 'padding', 'dataFormat'],
  call: ([x], options) => extract(asTensor(x), Array.isArray(options.size) && options.size.length === 3 ? 3 : 2, 'extractPatches', options),
})

/**
 * Patches of volumes, each flattened: (…, depth, height, width, channels) → (…, planes, rows, columns, size³ · channels).
 *
 * @throws ShapeError, ValueError
 * @example
 * ops.image.extractPatches3d(ops.ones([1, 4, 4, 4, 2]), 2).shape // [1, 2, 2, 2, 16]
 */
export const extractPatches3d = defineOp<[Tensor], ExtractPatchesOptions, Tensor>({
  name: 'ExtractPatches3D',
  module: 'image',
  tensors: 1,
  parameters: ['size', 'strides', 'dilationRate', 'padding', 'dataFormat'],
  call: ([x], options) => extract(asTensor(x), 3, 'extractPatches3d', options),
})

export interface ReconstructPatchesOptions {
  /** Of a patch, as it was extracted. */
  size: Sizes
  /** Height and width of the images, or depth, height and width of the volumes. */
  outputSize: readonly number[]
  /** Must be the size: patches may not overlap. */
  strides?: Sizes | null
  /** As it was extracted. Default `'valid'`. */
  padding?: Padding
  dataFormat?: DataFormat | null
}

/**
 * What `extractPatches` came from, where patches do not overlap: (…, rows, columns, size · size · channels) → (…, height,
 * width, channels), and for volumes with one axis more.
 *
 * @throws ShapeError, ValueError
 * @example
 * ops.image.reconstructPatches(ops.ones([2, 2, 2, 48]), 4, [8, 8]).shape // [2, 8, 8, 3]
 */
export const reconstructPatches = defineOp<[Tensor], ReconstructPatchesOptions, Tensor>({
  name: 'ReconstructPatches',
  module: 'image',
  tensors: 1,
  parameters: ['size', 'outputSize', 'strides', 'padding', 'dataFormat'],
  call: ([input], { size, outputSize, strides, padding = 'valid', dataFormat }) => {
    const where = 'reconstructPatches'
    const rank = Array.isArray(size) && size.length === 3 ? 3 : 2
    const window = perAxis(size, rank, 'size', where)
    const output = perAxis(outputSize, rank, 'outputSize', where)
    const stride = strides == null ? window : perAxis(strides, rank, 'strides', where)
    if (`${stride}` !== `${window}`)
      throw new ValueError({
        where,
        problem: 'patches may not overlap or leave gaps',
        expected: `strides=[${window}]`,
        received: `[${stride}]`,
      })
    const layout = layoutOf(dataFormat, where)
    return inBatch(asTensor(input), rank, where, (batch) => {
      const { spatial, channel } = layoutAxes(layout, rank + 2)
      const grid = spatial.map((axis) => batch.shape[axis] as number)
      const margins = output.map((n, i) => paddingFor(padding, n, window[i] as number, window[i] as number, where))
      const covers = grid.every((n, i) => n * (window[i] as number) === (output[i] as number) + sum(margins[i] as [number, number]))
      const channels = (batch.shape[channel] as number) / window.reduce((a, b) => a * b, 1)
      if (!covers || !Number.isInteger(channels)) {
        throw new ShapeError({
          where,
          problem: 'the patches do not make up the output',
          expected: `patches of [${window}] pixels that cover [${output}], with padding '${padding}'`,
          received: formatShape(batch.shape),
        })
      }
      return assemble(batch, { layout, grid, window, channels, start: margins.map(([low]) => low), output })
    })
  },
})

const sum = ([a, b]: readonly [number, number]): number => a + b

interface Assembly {
  readonly layout: ConvSpec['layout']
  readonly grid: readonly number[]
  readonly window: readonly number[]
  readonly channels: number
  /** Where the output begins in what the patches cover. */
  readonly start: readonly number[]
  readonly output: readonly number[]
}

function assemble(batch: Tensor, { layout, grid, window, channels, start, output }: Assembly): Tensor {
  const rank = grid.length
  const count = batch.shape[0] as number
  const whole: Shape = grid.map((n, i) => n * (window[i] as number))
  const axes = Array.from({ length: rank }, (_, i) => i)
  if (layout === 'channelsLast') {
    // (batch, …grid, …window, channels): each axis of the grid goes before its axis of the window.
    const apart = lax.reshape(batch, [count, ...grid, ...window, channels])
    const joined = lax.transpose(apart, [0, ...axes.flatMap((i) => [i + 1, i + 1 + rank]), 2 * rank + 1])
    return lax.slice(lax.reshape(joined, [count, ...whole, channels]), [0, ...start, 0], [count, ...output, channels])
  }
  const apart = lax.reshape(batch, [count, ...window, channels, ...grid])
  const joined = lax.transpose(apart, [0, rank + 1, ...axes.flatMap((i) => [i + rank + 2, i + 1])])
  return lax.slice(lax.reshape(joined, [count, channels, ...whole]), [0, 0, ...start], [count, channels, ...output])
}
