/**
 * DenseNet: each block sees the features of all blocks before it (Huang et al. 2017, https://arxiv.org/abs/1608.06993).
 * Follows `keras/src/applications/densenet.py`. Channels come last.
 */
import * as layers from '../layers/index.js'
import type { KerasTensor } from '../ops/operation.js'
import { type Application, application, classifier, pooled } from './application.js'
import { chain, channelsOf } from './blocks.js'
import { preprocessAs } from './imagenet-utils.js'
import { type Hashes, kernelsFile } from './pretrained.js'
import { norm, relu } from './resnet.js'

export { decodePredictions } from './imagenet-utils.js'

const GROWTH = 32

function denseBlock(x: KerasTensor, count: number, stage: string): KerasTensor {
  let y = x
  for (let i = 1; i <= count; i++) {
    const name = `${stage}_block${i}`
    const more = chain(
      y,
      norm(`${name}_0_bn`),
      relu(`${name}_0_relu`),
      layers.conv2d(4 * GROWTH, 1, { useBias: false, name: `${name}_1_conv` }),
      norm(`${name}_1_bn`),
      relu(`${name}_1_relu`),
      layers.conv2d(GROWTH, 3, { padding: 'same', useBias: false, name: `${name}_2_conv` }),
    )
    y = layers.concatenate([y, more], { axis: 3, name: `${name}_concat` })
  }
  return y
}

/** Half the channels, and half of each side. */
const transition = (x: KerasTensor, name: string): KerasTensor =>
  chain(
    x,
    norm(`${name}_bn`),
    relu(`${name}_relu`),
    layers.conv2d(Math.floor(channelsOf(x) / 2), 1, { useBias: false, name: `${name}_conv` }),
    layers.averagePooling2d(2, { strides: 2, name: `${name}_pool` }),
  )

function densenet(depth: number, blocks: readonly number[], hashes: Hashes): Application {
  const name = `densenet${depth}`
  return application({
    where: `DenseNet${depth}`,
    name,
    size: 224,
    channelsLast: true,
    features(images) {
      const stem = chain(
        images,
        layers.zeroPadding2d(3),
        layers.conv2d(64, 7, { strides: 2, useBias: false, name: 'conv1_conv' }),
        norm('conv1_bn'),
        relu('conv1_relu'),
        layers.zeroPadding2d(1),
        layers.maxPooling2d(3, { strides: 2, name: 'pool1' }),
      )
      const dense = blocks.reduce((x, count, i) => denseBlock(i === 0 ? x : transition(x, `pool${i + 1}`), count, `conv${i + 2}`), stem)
      return chain(dense, norm('bn'), relu('relu'))
    },
    classifier: classifier('avg_pool'),
    withoutTop: pooled(true),
    weights: ({ includeTop }) => kernelsFile('densenet', name, hashes, includeTop),
  })
}

/**
 * DenseNet with 121 layers, 8.1 million weights: (batch, 224, 224, 3) → (batch, 1000).
 *
 * @example
 * const model = await applications.DenseNet121({ includeTop: false, pooling: 'avg' })   // (batch, …) → (batch, 1024)
 */
export const DenseNet121 = densenet(121, [6, 12, 24, 16], ['9d60b8095a5708f2dcce2bca79d332c7', '30ee3e1110167f948a6b9946edeeb738'])
/** DenseNet with 169 layers, 14.3 million weights. */
export const DenseNet169 = densenet(169, [6, 12, 32, 32], ['d699b8f76981ab1b30698df4c175e90b', 'b8c4d4c20dd625c148057b9ff1c1176b'])
/** DenseNet with 201 layers, 20.2 million weights. */
export const DenseNet201 = densenet(201, [6, 12, 48, 32], ['1ceb130c1ea1b78c3bf6114dbdfd8807', 'c13680b51ded0fb44dff2d8f86ac8bb1'])

/** Values of 0 … 255 to 0 … 1, each channel with ImageNet's mean and deviation. */
export const preprocessInput = preprocessAs('torch')
