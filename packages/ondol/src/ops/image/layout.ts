/** Where height, width and channels are in an image, or a batch of images. */

import { isFloat } from '../../core/dtype.js'
import { DTypeError, ShapeError } from '../../core/errors.js'
import { formatShape } from '../../core/shape.js'
import { lax, type Tensor } from '../../engine/index.js'
import { type DataFormat, requireDataFormat } from '../config.js'

export interface ImageAxes {
  readonly height: number
  readonly width: number
  readonly channel: number
  readonly isBatch: boolean
}

/** Axes of one image (rank 3) or a batch of images (rank 4). */
export function imageAxes(x: { readonly shape: readonly unknown[] }, dataFormat: DataFormat | null | undefined, where: string): ImageAxes {
  const rank = x.shape.length
  const format = requireDataFormat(dataFormat, where)
  if (rank !== 3 && rank !== 4) {
    throw new ShapeError({
      where,
      problem: 'these are no images',
      expected:
        format === 'channels_last'
          ? '(height, width, channels) or (batch, height, width, channels)'
          : '(channels, height, width) or (batch, channels, height, width)',
      received: `(${x.shape.join(', ')})`,
    })
  }
  const first = rank - 3
  const isBatch = rank === 4
  return format === 'channels_last'
    ? { height: first, width: first + 1, channel: first + 2, isBatch }
    : { height: first + 1, width: first + 2, channel: first, isBatch }
}

export function requireFloatImages(x: Tensor, where: string): void {
  if (isFloat(x.dtype)) return
  throw new DTypeError({
    where,
    problem: 'the images must be of a float dtype',
    received: x.dtype,
    hint: "ops.cast(images, 'float32') first",
  })
}

/** A batch of images with the channels last, of images in any layout. */
export function channelsLast(x: Tensor, dataFormat: DataFormat | null | undefined, where: string): Tensor {
  const { isBatch } = imageAxes(x, dataFormat, where)
  const batch = isBatch ? x : lax.reshape(x, [1, ...x.shape])
  return requireDataFormat(dataFormat, where) === 'channels_first' ? lax.transpose(batch, [0, 2, 3, 1]) : batch
}

/** Runs `f` on a batch with the channels last, and gives its result back in the layout of `x`. */
export function onChannelsLast(x: Tensor, dataFormat: DataFormat | null | undefined, where: string, f: (images: Tensor) => Tensor): Tensor {
  const result = f(channelsLast(x, dataFormat, where))
  // What `f` adds behind the channels stays behind.
  const order = [0, 3, 1, 2, ...result.shape.slice(4).map((_, i) => i + 4)]
  const back = requireDataFormat(dataFormat, where) === 'channels_first' ? lax.transpose(result, order) : result
  return x.rank === 4 ? back : lax.reshape(back, back.shape.slice(1))
}

/** `values` of a list along one axis of `shape`. */
export const alongAxis = (list: Tensor, shape: readonly number[], axis: number): Tensor => lax.broadcast(list, shape, [axis])

export function requireChannels(x: Tensor, axis: number, allowed: readonly number[], where: string): number {
  const count = x.shape[axis] as number
  if (allowed.includes(count)) return count
  throw new ShapeError({
    where,
    problem: 'the number of channels does not fit',
    expected: `${allowed.join(' or ')} on axis ${axis}`,
    received: formatShape(x.shape),
  })
}
