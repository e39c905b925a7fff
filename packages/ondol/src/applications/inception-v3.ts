/**
 * Inception V3: branches of different windows side by side (Szegedy et al. 2016, https://arxiv.org/abs/1512.00567).
 * Follows `keras/src/applications/inception_v3.py`.
 */
import * as layers from '../layers/index.js'
import type { KerasTensor } from '../ops/operation.js'
import { application, classifier, pooled } from './application.js'
import { chain, channelAxis } from './blocks.js'
import { preprocessAs } from './imagenet-utils.js'
import { kernelsFile } from './pretrained.js'

export { decodePredictions } from './imagenet-utils.js'

/** A convolution; one in steps of two has no padding. */
type Conv = readonly [filters: number, rows: number, columns: number, strides?: 1 | 2]

const conv = (x: KerasTensor, [filters, rows, columns, strides = 1]: Conv, padding: 'same' | 'valid' = strides === 1 ? 'same' : 'valid') =>
  chain(
    x,
    layers.conv2d(filters, [rows, columns], { strides, padding, useBias: false }),
    layers.batchNormalization({ axis: channelAxis(), scale: false }),
    layers.activation('relu'),
  )

const branch = (x: KerasTensor, ...convs: readonly Conv[]): KerasTensor => convs.reduce((y, next) => conv(y, next), x)
const join = (branches: readonly KerasTensor[], name?: string): KerasTensor => layers.concatenate(branches, { axis: channelAxis(), name })
const halved = (x: KerasTensor): KerasTensor => layers.maxPooling2d(3, { strides: 2 })(x)
const averaged = (x: KerasTensor, filters: number): KerasTensor =>
  branch(layers.averagePooling2d(3, { strides: 1, padding: 'same' })(x), [filters, 1, 1])

const stem = (x: KerasTensor): KerasTensor => {
  const narrow = conv(conv(conv(x, [32, 3, 3, 2]), [32, 3, 3], 'valid'), [64, 3, 3])
  return halved(conv(conv(halved(narrow), [80, 1, 1], 'valid'), [192, 3, 3], 'valid'))
}

/** Blocks with these names; `filters` is what each kind varies. */
const small = (x: KerasTensor, filters: number, name: string): KerasTensor =>
  join(
    [branch(x, [64, 1, 1]), branch(x, [48, 1, 1], [64, 5, 5]), branch(x, [64, 1, 1], [96, 3, 3], [96, 3, 3]), averaged(x, filters)],
    name,
  )

const long = (x: KerasTensor, filters: number, name: string): KerasTensor =>
  join(
    [
      branch(x, [192, 1, 1]),
      branch(x, [filters, 1, 1], [filters, 1, 7], [192, 7, 1]),
      branch(x, [filters, 1, 1], [filters, 7, 1], [filters, 1, 7], [filters, 7, 1], [192, 1, 7]),
      averaged(x, 192),
    ],
    name,
  )

function wide(x: KerasTensor, index: number): KerasTensor {
  const single = branch(x, [320, 1, 1])
  const crossed = (y: KerasTensor, name?: string): KerasTensor => join([branch(y, [384, 1, 3]), branch(y, [384, 3, 1])], name)
  const once = crossed(branch(x, [384, 1, 1]), `mixed9_${index}`)
  const twice = crossed(branch(x, [448, 1, 1], [384, 3, 3]))
  return join([single, once, twice, averaged(x, 192)], `mixed${9 + index}`)
}

function features(images: KerasTensor): KerasTensor {
  let x = stem(images)
  for (const [i, filters] of [32, 64, 64].entries()) x = small(x, filters, `mixed${i}`)
  x = join([branch(x, [384, 3, 3, 2]), branch(x, [64, 1, 1], [96, 3, 3], [96, 3, 3, 2]), halved(x)], 'mixed3')
  for (const [i, filters] of [128, 160, 160, 192].entries()) x = long(x, filters, `mixed${4 + i}`)
  x = join([branch(x, [192, 1, 1], [320, 3, 3, 2]), branch(x, [192, 1, 1], [192, 1, 7], [192, 7, 1], [192, 3, 3, 2]), halved(x)], 'mixed8')
  return wide(wide(x, 0), 1)
}

/**
 * Inception V3, 23.9 million weights: (batch, 299, 299, 3) → (batch, 1000).
 *
 * @example
 * const model = applications.InceptionV3({ weights: null, classes: 10 })
 */
export const InceptionV3 = application({
  where: 'InceptionV3',
  name: 'inception_v3',
  size: 299,
  minSize: 75,
  features,
  classifier: classifier('avg_pool'),
  withoutTop: pooled(false),
  weights: ({ includeTop }) =>
    kernelsFile('inception_v3', 'inception_v3', ['9a0d58056eeedaa3f26cb7ebd46da564', 'bcbd6486424b2319ff4ef7d526e38f63'], includeTop),
})

/** Values of 0 … 255 to -1 … 1. */
export const preprocessInput = preprocessAs('tf')
