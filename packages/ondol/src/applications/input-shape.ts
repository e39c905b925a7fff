/** Which images a network takes. Follows `obtain_input_shape` in `keras/src/applications/imagenet_utils.py`. */
import { ValueError } from '../core/errors.js'
import { formatShape, type PartialShape } from '../core/shape.js'
import { imageDataFormat } from '../ops/config.js'
import { sidesOf } from './blocks.js'

export interface ShapeNeeds {
  /** Who asks, for errors. */
  readonly where: string
  /** Side of the images that it was made for. */
  readonly size: number
  readonly minSize: number
  /** Whether a classifier is on top, which needs sizes that are known. */
  readonly includeTop: boolean
  /** Whether it gets the weights from ImageNet, which know three channels. */
  readonly isPretrained: boolean
}

/** An image of these sides in the configured data format. */
export const imageShape = (side: number | null, channels: number | null, otherSide = side): PartialShape =>
  imageDataFormat() === 'channels_first' ? [channels, side, otherSide] : [side, otherSide, channels]

/** Channels of an image without its batch. */
export const channelsIn = (shape: PartialShape): number | null =>
  (imageDataFormat() === 'channels_first' ? shape[0] : shape.at(-1)) as number | null

/**
 * The shape of images: the given one, checked, or the default one; sides are free without a classifier.
 *
 * @throws ValueError for shapes that the network, or its weights, cannot take.
 */
export function obtainInputShape(given: PartialShape | null, { where, size, minSize, includeTop, isPretrained }: ShapeNeeds): PartialShape {
  const received = given === null ? 'null' : `inputShape=${formatShape(given)}`
  if (given !== null && given.length !== 3)
    throw new ValueError({
      where,
      problem: 'inputShape needs three sizes, without the batch',
      expected: formatShape(imageShape(size, 3)),
      received,
    })
  const channels = given === null ? 3 : channelsIn(given)
  if (given !== null && isPretrained && channels !== 3)
    throw new ValueError({ where, problem: 'the weights from ImageNet need images of 3 channels', expected: '3 channels', received })
  if (channels !== 1 && channels !== 3) console.warn(`ondol: ${where} usually gets images of 1 or 3 channels, here of ${channels}`)
  const usual = imageShape(size, channels)
  if (isPretrained && includeTop) {
    if (given === null || formatShape(given) === formatShape(usual)) return usual
    throw new ValueError({
      where,
      problem: 'the classifier from ImageNet was made for images of one size',
      expected: `inputShape=${formatShape(usual)}`,
      received,
      hint: 'leave inputShape out, or take includeTop: false',
    })
  }
  if (given === null) return includeTop ? usual : imageShape(null, 3)
  requireSides(given, minSize, where)
  if (includeTop && given.includes(null))
    throw new ValueError({
      where,
      problem: 'a network with a classifier needs a shape whose sizes are all known',
      expected: `for example ${formatShape(usual)}`,
      received,
      hint: 'give all sizes, or take includeTop: false',
    })
  return given
}

/** @throws ValueError when a side is known and less than `minSize`. */
export function requireSides(shape: PartialShape, minSize: number, where: string): void {
  if (sidesOf(shape).every((side) => side === null || side >= minSize)) return
  throw new ValueError({
    where,
    problem: `the images are too small: input size must be at least ${minSize}x${minSize}`,
    received: `inputShape=${formatShape(shape)}`,
  })
}
