/**
 * MobileNet V2: blocks that widen, filter and narrow again (Sandler et al. 2018, https://arxiv.org/abs/1801.04381). Follows
 * `keras/src/applications/mobilenet_v2.py`.
 */
import { pythonFloat } from '../callbacks/python-format.js'
import { ValueError } from '../core/errors.js'
import { formatShape, type PartialShape } from '../core/shape.js'
import * as layers from '../layers/index.js'
import type { KerasTensor } from '../ops/operation.js'
import { application, classifier, pooled, type Settings } from './application.js'
import { chain, channelAxis, channelsOf, correctPad, makeDivisible, sidesOf } from './blocks.js'
import { preprocessAs } from './imagenet-utils.js'
import { obtainInputShape } from './input-shape.js'
import { nameFor, requireAlpha, trainedSize, weightsSize } from './mobilenet.js'
import { STORAGE } from './pretrained.js'

export { decodePredictions } from './imagenet-utils.js'

export interface MobileNetV2Options {
  /** Multiplies the number of filters. Default 1. */
  readonly alpha?: number
}

/** Sides of images, and factors, for which there are weights. */
const SIZES = [96, 128, 160, 192, 224]
const ALPHAS = [0.35, 0.5, 0.75, 1, 1.3, 1.4]

/** @throws ValueError when `shape` has other columns than the tensor that comes in. */
export function requireSameSides(shape: PartialShape | null, tensor: KerasTensor | null, where: string): void {
  if (shape === null || tensor === null || sidesOf(tensor.shape)[1] === sidesOf(shape)[1]) return
  throw new ValueError({
    where,
    problem: 'inputShape and inputTensor differ',
    expected: `inputShape=${formatShape(tensor.shape.slice(1))}`,
    received: `inputShape=${formatShape(shape)}`,
    hint: 'leave inputShape out',
  })
}

const norm = (name: string): layers.BatchNormalization =>
  layers.batchNormalization({ axis: channelAxis(-1), epsilon: 1e-3, momentum: 0.999, name })
const relu = (name: string): layers.ReLU => layers.relu({ maxValue: 6, name })

function block(x: KerasTensor, filters: number, strides: number, i: number): KerasTensor {
  const name = i === 0 ? 'expanded_conv' : `block_${i}`
  const inside = channelsOf(x)
  const expanded =
    i === 0
      ? x
      : chain(
          x,
          layers.conv2d(6 * inside, 1, { padding: 'same', useBias: false, name: `${name}_expand` }),
          norm(`${name}_expand_BN`),
          relu(`${name}_expand_relu`),
        )
  const padding = strides === 2 ? 'valid' : 'same'
  const y = chain(
    expanded,
    ...(strides === 2 ? [layers.zeroPadding2d(correctPad(expanded, 3), { name: `${name}_pad` })] : []),
    layers.depthwiseConv2d(3, { strides, useBias: false, padding, name: `${name}_depthwise` }),
    norm(`${name}_depthwise_BN`),
    relu(`${name}_depthwise_relu`),
    layers.conv2d(filters, 1, { padding: 'same', useBias: false, name: `${name}_project` }),
    norm(`${name}_project_BN`),
  )
  return inside === filters && strides === 1 ? layers.add([x, y], { name: `${name}_add` }) : y
}

/** Filters, number and first step of the blocks. */
const STAGES = [[16, 1, 1], [24, 2, 2], [32, 3, 2], [64, 4, 2], [96, 3, 1], [160, 3, 2], [320, 1, 1]] as const // biome-ignore format: one row

function features(images: KerasTensor, { alpha }: Settings<MobileNetV2Options>): KerasTensor {
  let x = chain(
    images,
    layers.conv2d(makeDivisible(32 * alpha), 3, { strides: 2, padding: 'same', useBias: false, name: 'Conv1' }),
    norm('bn_Conv1'),
    relu('Conv1_relu'),
  )
  let index = 0
  for (const [filters, count, strides] of STAGES)
    for (let i = 0; i < count; i++) x = block(x, makeDivisible(Math.trunc(filters * alpha)), i === 0 ? strides : 1, index++)
  // Wider networks have a wider end, narrower ones none that is narrower.
  return chain(
    x,
    layers.conv2d(alpha > 1 ? makeDivisible(1280 * alpha) : 1280, 1, { useBias: false, name: 'Conv_1' }),
    norm('Conv_1_bn'),
    relu('out_relu'),
  )
}

/**
 * MobileNet V2, 3.5 million weights: (batch, 224, 224, 3) → (batch, 1000).
 *
 * @example
 * const model = await applications.MobileNetV2({ inputShape: [96, 96, 3], alpha: 0.35 })
 */
export const MobileNetV2 = application<MobileNetV2Options>({
  where: 'MobileNetV2',
  name: ({ alpha, inputShape, isPretrained }) =>
    nameFor('mobilenetv2', alpha, isPretrained ? trainedSize(inputShape, SIZES) : (sidesOf(inputShape)[0] as number | null)),
  size: 224,
  defaults: { alpha: 1 },
  inputShape({ givenShape, inputTensor, includeTop, isPretrained }, minSize) {
    const where = 'MobileNetV2'
    requireSameSides(givenShape, inputTensor, where)
    const size = trainedSize(givenShape ?? inputTensor?.shape ?? null, SIZES)
    return obtainInputShape(givenShape, { where, size, minSize, includeTop, isPretrained })
  },
  checkPretrained: ({ alpha }) => requireAlpha(alpha, ALPHAS, 'MobileNetV2'),
  features,
  classifier: classifier(),
  withoutTop: pooled(false),
  weights({ alpha, inputShape, includeTop }) {
    const size = weightsSize(inputShape, SIZES, 'MobileNetV2')
    const name = `mobilenet_v2_weights_tf_dim_ordering_tf_kernels_${pythonFloat(alpha)}_${size}${includeTop ? '' : '_no_top'}.h5`
    return { name, url: `${STORAGE}/mobilenet_v2/${name}` }
  },
})

/** Values of 0 … 255 to -1 … 1. */
export const preprocessInput = preprocessAs('tf')
