/**
 * Xception: separable convolutions with short cuts (Chollet 2017, https://arxiv.org/abs/1610.02357). Follows
 * `keras/src/applications/xception.py`.
 */
import * as layers from '../layers/index.js'
import type { KerasTensor } from '../ops/operation.js'
import { application, classifier, pooled } from './application.js'
import { type Block, chain, channelAxis } from './blocks.js'
import { preprocessAs } from './imagenet-utils.js'
import { kernelsFile } from './pretrained.js'

export { decodePredictions } from './imagenet-utils.js'

const norm = (name?: string): layers.BatchNormalization => layers.batchNormalization({ axis: channelAxis(-1), name })
const relu = (name: string): layers.Activation => layers.activation('relu', { name: `${name}_act` })
const conv = (name: string): readonly Block[] => [norm(`${name}_bn`), relu(name)]
const separable = (filters: number, name: string): readonly Block[] => [
  layers.separableConv2d(filters, 3, { padding: 'same', useBias: false, name }),
  norm(`${name}_bn`),
]

/** Half of each side, with a short cut that is a convolution. The first block gets what is active already. */
function halving(x: KerasTensor, index: number, widths: readonly [number, number]): KerasTensor {
  const shortcut = chain(x, layers.conv2d(widths[1], 1, { strides: 2, padding: 'same', useBias: false }), norm())
  const steps = widths.flatMap((filters, i) => {
    const name = `block${index}_sepconv${i + 1}`
    return [...(index === 2 && i === 0 ? [] : [relu(name)]), ...separable(filters, name)]
  })
  const pool = layers.maxPooling2d(3, { strides: 2, padding: 'same', name: `block${index}_pool` })
  return layers.add([chain(x, ...steps, pool), shortcut])
}

const residual = (x: KerasTensor, index: number): KerasTensor =>
  layers.add([chain(x, ...[1, 2, 3].map((i) => `block${index}_sepconv${i}`).flatMap((name) => [relu(name), ...separable(728, name)])), x])

function features(images: KerasTensor): KerasTensor {
  let x = chain(
    images,
    layers.conv2d(32, 3, { strides: 2, useBias: false, name: 'block1_conv1' }),
    ...conv('block1_conv1'),
    layers.conv2d(64, 3, { useBias: false, name: 'block1_conv2' }),
    ...conv('block1_conv2'),
  )
  for (const [i, width] of [128, 256, 728].entries()) x = halving(x, i + 2, [width, width])
  for (let i = 5; i <= 12; i++) x = residual(x, i)
  const last = [1536, 2048].flatMap((filters, i) => {
    const name = `block14_sepconv${i + 1}`
    return [...separable(filters, name), relu(name)]
  })
  return chain(halving(x, 13, [728, 1024]), ...last)
}

/**
 * Xception, 22.9 million weights: (batch, 299, 299, 3) → (batch, 1000).
 *
 * @example
 * const base = await applications.Xception({ includeTop: false, inputShape: [150, 150, 3] })
 * base.trainable = false
 * const images = Input({ shape: [150, 150, 3] })
 * const answer = layers.dense(1)(layers.globalAveragePooling2d()(base(images, { training: false })))
 */
export const Xception = application({
  where: 'Xception',
  name: 'xception',
  size: 299,
  minSize: 71,
  features,
  classifier: classifier('avg_pool'),
  withoutTop: pooled(false),
  weights: ({ includeTop }) =>
    kernelsFile('xception', 'xception', ['0a58e3b7378bc2990ea3b43d5981f1f6', 'b0042744bf5b25fce3cb969f33bebb97'], includeTop),
})

/** Values of 0 … 255 to -1 … 1. */
export const preprocessInput = preprocessAs('tf')
