/**
 * ResNet: blocks that learn what to add to their input (He et al. 2015, https://arxiv.org/abs/1512.03385). Follows
 * `keras/src/applications/resnet.py`; blocks that activate first are in resnet-v2.ts.
 */
import * as layers from '../layers/index.js'
import type { KerasTensor } from '../ops/operation.js'
import { type Application, application, classifier, pooled } from './application.js'
import { chain, channelAxis } from './blocks.js'
import { preprocessAs } from './imagenet-utils.js'
import { type Hashes, kernelsFile } from './pretrained.js'

export { decodePredictions } from './imagenet-utils.js'

/** What the versions differ in. */
export interface ResNetKind {
  readonly stack: (x: KerasTensor, filters: number, blocks: number, name: string, stage: number) => KerasTensor
  /** Whether activations come before convolutions. */
  readonly activatesFirst: boolean
}

export const norm = (name: string): layers.BatchNormalization => layers.batchNormalization({ axis: channelAxis(), epsilon: 1.001e-5, name })
export const relu = (name: string): layers.Activation => layers.activation('relu', { name })

/** A ResNet with so many blocks in its four stages. */
export function resnet(kind: ResNetKind, label: string, blocks: readonly number[], hashes: Hashes): Application {
  const fileName = label.toLowerCase()
  return application({
    where: label,
    name: fileName,
    size: 224,
    features(images) {
      const before = kind.activatesFirst ? [] : [norm('conv1_bn'), relu('conv1_relu')]
      const after = kind.activatesFirst ? [norm('post_bn'), relu('post_relu')] : []
      const stem = chain(
        images,
        layers.zeroPadding2d(3, { name: 'conv1_pad' }),
        layers.conv2d(64, 7, { strides: 2, name: 'conv1_conv' }),
        ...before,
        layers.zeroPadding2d(1, { name: 'pool1_pad' }),
        layers.maxPooling2d(3, { strides: 2, name: 'pool1_pool' }),
      )
      const stacked = blocks.reduce((x, count, stage) => kind.stack(x, 64 * 2 ** stage, count, `conv${stage + 2}`, stage), stem)
      return chain(stacked, ...after)
    },
    classifier: classifier('avg_pool'),
    withoutTop: pooled(true),
    weights: ({ includeTop }) => kernelsFile('resnet', fileName, hashes, includeTop),
  })
}

function block(x: KerasTensor, filters: number, strides: number, isFirst: boolean, name: string): KerasTensor {
  const shortcut = isFirst ? chain(x, layers.conv2d(4 * filters, 1, { strides, name: `${name}_0_conv` }), norm(`${name}_0_bn`)) : x
  const change = chain(
    x,
    layers.conv2d(filters, 1, { strides, name: `${name}_1_conv` }),
    norm(`${name}_1_bn`),
    relu(`${name}_1_relu`),
    layers.conv2d(filters, 3, { padding: 'same', name: `${name}_2_conv` }),
    norm(`${name}_2_bn`),
    relu(`${name}_2_relu`),
    layers.conv2d(4 * filters, 1, { name: `${name}_3_conv` }),
    norm(`${name}_3_bn`),
  )
  return chain(layers.add([shortcut, change], { name: `${name}_add` }), relu(`${name}_out`))
}

const V1: ResNetKind = {
  activatesFirst: false,
  stack(x, filters, blocks, name, stage) {
    let y = x
    for (let i = 1; i <= blocks; i++) y = block(y, filters, i === 1 && stage > 0 ? 2 : 1, i === 1, `${name}_block${i}`)
    return y
  },
}

/**
 * ResNet with 50 layers, 25.6 million weights: (batch, 224, 224, 3) → (batch, 1000).
 *
 * @throws ValueError for options that do not go together; DataError when the weights cannot be had.
 * @example
 * const model = await applications.ResNet50()
 * const images = applications.resnet.preprocessInput(photographs)   // RGB, 0 … 255
 * const [best] = await applications.resnet.decodePredictions(await model.predict(images), { top: 3 })
 */
export const ResNet50 = resnet(V1, 'ResNet50', [3, 4, 6, 3], ['2cb95161c43110f7111970584f804107', '4d473c1dd8becc155b73f8504c6f6626'])
/** ResNet with 101 layers, 44.7 million weights. */
export const ResNet101 = resnet(V1, 'ResNet101', [3, 4, 23, 3], ['f1aeb4b969a6efcfb50fad2f0c20cfc5', '88cf7a10940856eca736dc7b7e228a21'])
/** ResNet with 152 layers, 60.4 million weights. */
export const ResNet152 = resnet(V1, 'ResNet152', [3, 8, 36, 3], ['100835be76be38e30d865e96f2aaae62', 'ee4c566cf9a93f14d82f913c2dc6dd0c'])

/** RGB to BGR, with ImageNet's mean colour taken off. */
export const preprocessInput = preprocessAs('caffe')
