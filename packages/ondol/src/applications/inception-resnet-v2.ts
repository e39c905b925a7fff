/**
 * Inception-ResNet V2: inception blocks that learn what to add to their input (Szegedy et al. 2017,
 * https://arxiv.org/abs/1602.07261). Follows `keras/src/applications/inception_resnet_v2.py`.
 */
import { CustomScaleLayer } from '../layers/application-layers.js'
import * as layers from '../layers/index.js'
import type { KerasTensor } from '../ops/operation.js'
import { application, classifier, pooled } from './application.js'
import { chain, channelAxis, channelsOf } from './blocks.js'
import { preprocessAs } from './imagenet-utils.js'
import { kernelsFile } from './pretrained.js'

export { decodePredictions } from './imagenet-utils.js'

/** A convolution; one in steps of two has no padding. */
type Conv = readonly [filters: number, window: number | readonly [number, number], strides?: 1 | 2]

function conv(
  x: KerasTensor,
  [filters, window, strides = 1]: Conv,
  padding = strides === 1 ? 'same' : 'valid',
  name?: string,
): KerasTensor {
  return chain(
    x,
    layers.conv2d(filters, window, { strides, padding: padding as 'same' | 'valid', useBias: false, name }),
    layers.batchNormalization({ axis: channelAxis(), scale: false, name: name && `${name}_bn` }),
    layers.activation('relu', { name: name && `${name}_ac` }),
  )
}

const branch = (x: KerasTensor, ...convs: readonly Conv[]): KerasTensor => convs.reduce((y, next) => conv(y, next), x)
const join = (branches: readonly KerasTensor[], name: string): KerasTensor => layers.concatenate(branches, { axis: channelAxis(), name })
const halved = (x: KerasTensor): KerasTensor => layers.maxPooling2d(3, { strides: 2 })(x)

/** The branches of each kind of block. */
const BLOCKS: Readonly<Record<string, readonly (readonly Conv[])[]>> = {
  block35: [
    [[32, 1]],
    [[32, 1], [32, 3]],
    [[32, 1], [48, 3], [64, 3]],
  ],
  block17: [
    [[192, 1]],
    [[128, 1], [160, [1, 7]], [192, [7, 1]]],
  ],
  block8: [
    [[192, 1]],
    [[192, 1], [224, [1, 3]], [256, [3, 1]]],
  ],
} // biome-ignore format: one row a branch

/** x + scale · (its branches, mixed). */
function residual(x: KerasTensor, kind: string, index: number, scale: number, isActive = true): KerasTensor {
  const name = `${kind}_${index}`
  const mixed = join(
    (BLOCKS[kind] as readonly (readonly Conv[])[]).map((convs) => branch(x, ...convs)),
    `${name}_mixed`,
  )
  const change = layers.conv2d(channelsOf(x), 1, { padding: 'same', name: `${name}_conv` })(mixed)
  const sum: KerasTensor = new CustomScaleLayer(scale)([x, change])
  return isActive ? layers.activation('relu', { name: `${name}_ac` })(sum) : sum
}

function residuals(x: KerasTensor, kind: string, count: number, scale: number): KerasTensor {
  let y = x
  for (let i = 1; i <= count; i++) y = residual(y, kind, i, scale)
  return y
}

function features(images: KerasTensor): KerasTensor {
  let x = conv(conv(conv(images, [32, 3, 2]), [32, 3], 'valid'), [64, 3])
  x = halved(conv(conv(halved(x), [80, 1], 'valid'), [192, 3], 'valid'))
  const first = [branch(x, [96, 1]), branch(x, [48, 1], [64, 5]), branch(x, [64, 1], [96, 3], [96, 3])]
  const averaged = branch(layers.averagePooling2d(3, { strides: 1, padding: 'same' })(x), [64, 1])
  x = residuals(join([...first, averaged], 'mixed_5b'), 'block35', 10, 0.17)
  x = join([branch(x, [384, 3, 2]), branch(x, [256, 1], [256, 3], [384, 3, 2]), halved(x)], 'mixed_6a')
  x = residuals(x, 'block17', 20, 0.1)
  const halves = [branch(x, [256, 1], [384, 3, 2]), branch(x, [256, 1], [288, 3, 2]), branch(x, [256, 1], [288, 3], [320, 3, 2])]
  x = residuals(join([...halves, halved(x)], 'mixed_7a'), 'block8', 9, 0.2)
  return conv(residual(x, 'block8', 10, 1, false), [1536, 1], 'same', 'conv_7b')
}

/**
 * Inception-ResNet V2, 55.9 million weights: (batch, 299, 299, 3) → (batch, 1000).
 *
 * @example
 * const features = await applications.InceptionResNetV2({ includeTop: false, pooling: 'avg' })   // (batch, 1536)
 */
export const InceptionResNetV2 = application({
  where: 'InceptionResNetV2',
  name: 'inception_resnet_v2',
  size: 299,
  minSize: 75,
  features,
  classifier: classifier('avg_pool'),
  withoutTop: pooled(false),
  weights: ({ includeTop }) =>
    kernelsFile(
      'inception_resnet_v2',
      'inception_resnet_v2',
      ['e693bd0210a403b3192acc6073ad2e96', 'd19885ff4a710c122648d3b5c3b684e4'],
      includeTop,
    ),
})

/** Values of 0 … 255 to -1 … 1. */
export const preprocessInput = preprocessAs('tf')
