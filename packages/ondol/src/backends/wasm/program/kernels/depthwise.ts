/** Convolutions of each channel by itself (one output a group): no products of matrices, but tasks over places. */

import type { View } from '../../../../engine/plan.js'
import { depthwise } from '../../kernels/depthwise.js'
import { PLACES } from '../../kernels/places.js'
import type { Pointer } from '../../runtime/record.js'
import type { Builder } from '../builder.js'
import { product, type Sight, windowWords } from './geometry.js'
import { denseView, scratchView, sumParts } from './operands.js'

interface DepthwiseTask {
  readonly sight: Sight
  readonly y: Pointer
  readonly weights: Pointer
  readonly bias?: Pointer | undefined
  readonly relu?: boolean
}

function addDepthwise(
  builder: Builder,
  name: 'forward' | 'inputGrad' | 'kernelGrad',
  { sight, y, weights, bias, relu }: DepthwiseTask,
  parts = 1,
): void {
  const { images, places, channels, taps } = sight
  const placesPerImage = product(places)
  const all = images.count * placesPerImage
  const words = PLACES.pack({
    y,
    side: weights,
    bias: bias ?? 0,
    relu: relu === true ? 1 : 0,
    placesPerImage,
    imageBytes: 4 * product(images.size) * channels,
    places: all,
    partLength: Math.ceil(all / parts),
    partBytes: 4 * taps.length * channels,
  })
  const count = name === 'forward' ? all : name === 'inputGrad' ? images.count : parts
  const share = { count, work: all * taps.length * (3 + channels * 0.3) }
  builder.task(builder.runtime.kernels.get(depthwise, name), [...words, ...windowWords(builder, sight, 0)], share)
}

export const addDepthwiseForward = (builder: Builder, task: DepthwiseTask): void => addDepthwise(builder, 'forward', task)

/** Writes the whole windowed side. */
export const addDepthwiseInputGrad = (builder: Builder, task: DepthwiseTask): void => addDepthwise(builder, 'inputGrad', task)

const PART_PLACES = 1024
const MOST_PARTS = 32

export function addDepthwiseKernelGrad(builder: Builder, sight: Sight, y: Pointer, result: View): void {
  const size = sight.taps.length * sight.channels
  const places = sight.images.count * product(sight.places)
  const wanted = Math.max(1, Math.min(MOST_PARTS, Math.ceil(places / PART_PLACES)))
  // Every part holds at least one place, so that none is summed without having been written.
  const parts = Math.max(1, Math.ceil(places / Math.max(1, Math.ceil(places / wanted))))
  const target = parts === 1 ? result : scratchView(builder, 'float32', [parts, size])
  addDepthwise(builder, 'kernelGrad', { sight, y, weights: builder.start(target) }, parts)
  if (parts > 1) sumParts(builder, target, denseView(result.buffer, [size], result.offset))
}
