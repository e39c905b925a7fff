/** What the networks are written with: layers one after the other, and the sizes that Keras's networks agree on. */

import { imageDataFormat } from '../ops/config.js'
import type { KerasTensor } from '../ops/operation.js'

/** A part of a network: a layer, or a function that applies some. */
export type Block = (x: KerasTensor) => KerasTensor

/** `x` through one block after the other. */
export const chain = (x: KerasTensor, ...blocks: readonly Block[]): KerasTensor => blocks.reduce((y, block) => block(y), x)

/** The axis of the channels; where they come last, some of Keras's networks count it from the end. */
export const channelAxis = (last: 3 | -1 = 3): 1 | 3 | -1 => (imageDataFormat() === 'channels_first' ? 1 : last)

/** How many channels `x` has. */
export const channelsOf = ({ shape }: KerasTensor): number => shape.at(channelAxis(-1)) as number

/** Rows and columns of an image without its batch; null where they are not known. */
export const sidesOf = (shape: readonly (number | null)[]): (number | null)[] =>
  imageDataFormat() === 'channels_first' ? shape.slice(-2) : shape.slice(-3, -1)

/** Zeros around `x`, such that a convolution over steps of two keeps the middle of an even side where TensorFlow's does. */
export function correctPad({ shape }: KerasTensor, kernelSize: number): [[number, number], [number, number]] {
  const [rows, columns] = sidesOf(shape) as [number | null, number | null]
  const half = Math.floor(kernelSize / 2)
  const around = (size: number): [number, number] => [half - (1 - (size % 2)), half]
  return rows === null ? [around(0), around(0)] : [around(rows), around(columns as number)]
}

/** The multiple of `divisor` next to `count`, which is not more than a tenth below. */
export function makeDivisible(count: number, divisor = 8): number {
  const rounded = roundTo(count, divisor)
  return rounded < 0.9 * count ? rounded + divisor : rounded
}

/** The multiple of `divisor` next to `count`, at least one. */
export const roundTo = (count: number, divisor: number): number =>
  Math.max(divisor, Math.floor(Math.trunc(count + divisor / 2) / divisor) * divisor)
