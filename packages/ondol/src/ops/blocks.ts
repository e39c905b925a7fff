/** Pixels between space and depth, and windows of images as columns: `keras.ops.nn` depthToSpace, spaceToDepth, unfold, fold. */
import { ShapeError } from '../core/errors.js'
import { formatShape } from '../core/shape.js'
import { lax, type Tensor } from '../engine/index.js'
import { type DataFormat, requireDataFormat } from './config.js'
import { asTensor, defineOp } from './define.js'

interface BlockOptions {
  blockSize: number
  dataFormat?: DataFormat | null
}

function requireImages(where: string, x: Tensor): Tensor {
  if (x.rank === 4) return x
  throw new ShapeError({ where, problem: 'images are needed', expected: 'four axes', received: formatShape(x.shape) })
}

function requireMultiple(where: string, what: string, size: number, of: number): void {
  if (size % of !== 0)
    throw new ShapeError({ where, problem: `${what} cannot be cut into blocks`, expected: `a multiple of ${of}`, received: `${size}` })
}

/** Channels become blocks of pixels: (batch, h, w, c·b²) → (batch, h·b, w·b, c). */
export const depthToSpace = defineOp<[Tensor], BlockOptions, Tensor>({
  name: 'DepthToSpace',
  module: 'nn',
  tensors: 1,
  parameters: ['blockSize', 'dataFormat'],
  call: ([input], { blockSize: b, dataFormat = 'channels_last' }) => {
    const x = requireImages('depthToSpace', asTensor(input))
    if (requireDataFormat(dataFormat, 'depthToSpace') === 'channels_last') {
      const [n, h, w, c] = x.shape as [number, number, number, number]
      requireMultiple('depthToSpace', 'the number of channels', c, b * b)
      const rest = c / (b * b)
      return lax.reshape(lax.transpose(lax.reshape(x, [n, h, w, b, b, rest]), [0, 1, 3, 2, 4, 5]), [n, h * b, w * b, rest])
    }
    const [n, c, h, w] = x.shape as [number, number, number, number]
    requireMultiple('depthToSpace', 'the number of channels', c, b * b)
    const rest = c / (b * b)
    return lax.reshape(lax.transpose(lax.reshape(x, [n, rest, b, b, h, w]), [0, 1, 4, 2, 5, 3]), [n, rest, h * b, w * b])
  },
})

/** Blocks of pixels become channels: (batch, h, w, c) → (batch, h / b, w / b, c·b²). */
export const spaceToDepth = defineOp<[Tensor], BlockOptions, Tensor>({
  name: 'SpaceToDepth',
  module: 'nn',
  tensors: 1,
  parameters: ['blockSize', 'dataFormat'],
  call: ([input], { blockSize: b, dataFormat = 'channels_last' }) => {
    const x = requireImages('spaceToDepth', asTensor(input))
    const isLast = requireDataFormat(dataFormat, 'spaceToDepth') === 'channels_last'
    const [n, h, w, c] = (isLast ? x.shape : [x.shape[0], x.shape[2], x.shape[3], x.shape[1]]) as [number, number, number, number]
    requireMultiple('spaceToDepth', 'the height', h, b)
    requireMultiple('spaceToDepth', 'the width', w, b)
    const [rows, columns] = [h / b, w / b]
    if (isLast)
      return lax.reshape(lax.transpose(lax.reshape(x, [n, rows, b, columns, b, c]), [0, 1, 3, 2, 4, 5]), [n, rows, columns, c * b * b])
    return lax.reshape(lax.transpose(lax.reshape(x, [n, c, rows, b, columns, b]), [0, 1, 3, 5, 2, 4]), [n, c * b * b, rows, columns])
  },
})

type Size = number | readonly [number, number] | readonly number[]
const pair = (value: Size): [number, number] => (typeof value === 'number' ? [value, value] : [value[0] as number, value[1] as number])

export interface UnfoldOptions {
  kernelSize: Size
  /** Default 1. */
  dilation?: Size
  /** Zeros around the image. Default 0. */
  padding?: Size
  /** Default 1. */
  stride?: Size
}

/** Along one axis: how many windows there are, and for each place in a window where it is: (kernel · count) places. */
function windows(
  size: number,
  kernel: number,
  dilation: number,
  padding: number,
  stride: number,
  where: string,
): { count: number; places: Int32Array; padded: number } {
  const padded = size + 2 * padding
  const count = Math.floor((padded - dilation * (kernel - 1) - 1) / stride) + 1
  if (count < 1)
    throw new ShapeError({
      where,
      problem: 'the window is larger than the image',
      expected: `at least ${dilation * (kernel - 1) + 1}`,
      received: `${padded}`,
    })
  return {
    count,
    padded,
    places: Int32Array.from({ length: kernel * count }, (_, i) => Math.floor(i / count) * dilation + (i % count) * stride),
  }
}

function grid(where: string, [h, w]: [number, number], { kernelSize, dilation = 1, padding = 0, stride = 1 }: UnfoldOptions) {
  const [k, d, p, s] = [pair(kernelSize), pair(dilation), pair(padding), pair(stride)]
  return { k, p, rows: windows(h, k[0], d[0], p[0], s[0], where), columns: windows(w, k[1], d[1], p[1], s[1], where) }
}

const constant = (places: Int32Array): Tensor => lax.constant(places, [places.length], 'int32')

/** Windows of images (batch, c, h, w) as columns: (batch, c · kernel, windows). */
export const unfold = defineOp<[Tensor], UnfoldOptions, Tensor>({
  name: 'Unfold',
  module: 'nn',
  tensors: 1,
  parameters: ['kernelSize', 'dilation', 'padding', 'stride'],
  call: ([input], options) => {
    const x = requireImages('unfold', asTensor(input))
    const [n, c, h, w] = x.shape as [number, number, number, number]
    const { k, p, rows, columns } = grid('unfold', [h, w], options)
    const padded = p[0] === 0 && p[1] === 0 ? x : lax.pad(x, lax.full([], x.dtype, 0), [0, 0, ...p], [0, 0, ...p])
    const taken = lax.gather(lax.gather(padded, constant(rows.places), 2), constant(columns.places), 3)
    const split = lax.reshape(taken, [n, c, k[0], rows.count, k[1], columns.count])
    return lax.reshape(lax.transpose(split, [0, 1, 2, 4, 3, 5]), [n, c * k[0] * k[1], rows.count * columns.count])
  },
})

/** The images whose windows the columns are, overlapping ones added: what `unfold` is the transpose of. */
export const fold = defineOp<[Tensor], UnfoldOptions & { outputSize: Size }, Tensor>({
  name: 'Fold',
  module: 'nn',
  tensors: 1,
  parameters: ['outputSize', 'kernelSize', 'dilation', 'padding', 'stride'],
  call: ([input], { outputSize, ...options }) => {
    const x = asTensor(input)
    const [h, w] = pair(outputSize)
    const { k, p, rows, columns } = grid('fold', [h, w], options)
    const [n, depth, count] = x.shape as [number, number, number]
    const c = depth / (k[0] * k[1])
    if (x.rank !== 3 || !Number.isInteger(c) || count !== rows.count * columns.count) {
      throw new ShapeError({
        where: 'fold',
        problem: 'the columns do not fit the images',
        expected: `(batch, a multiple of ${k[0] * k[1]}, ${rows.count * columns.count})`,
        received: formatShape(x.shape),
      })
    }
    const split = lax.transpose(lax.reshape(x, [n, c, k[0], k[1], rows.count, columns.count]), [0, 1, 2, 4, 3, 5])
    const flat = lax.reshape(split, [n, c, k[0] * rows.count, k[1] * columns.count])
    const wide = lax.scatterAdd(lax.full([n, c, flat.shape[2] as number, columns.padded], x.dtype, 0), constant(columns.places), flat, 3)
    const whole = lax.scatterAdd(lax.full([n, c, rows.padded, columns.padded], x.dtype, 0), constant(rows.places), wide, 2)
    return lax.slice(whole, [0, 0, p[0], p[1]], [n, c, h, w])
  },
})
