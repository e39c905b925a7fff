/**
 * NASNet-A: cells found by search (Zoph et al. 2018, https://arxiv.org/abs/1707.07012). Follows
 * `keras/src/applications/nasnet.py`. Channels come last.
 */
import * as layers from '../layers/index.js'
import type { KerasTensor } from '../ops/operation.js'
import { type Application, application, classifier, pooled } from './application.js'
import { chain, channelsOf, correctPad, sidesOf } from './blocks.js'
import { preprocessAs } from './imagenet-utils.js'
import { obtainInputShape } from './input-shape.js'
import { type Hashes, STORAGE } from './pretrained.js'

export { decodePredictions } from './imagenet-utils.js'

const norm = (name: string): layers.BatchNormalization => layers.batchNormalization({ axis: -1, momentum: 0.9997, epsilon: 1e-3, name })
const relu = (name?: string): layers.Activation => layers.activation('relu', { name })
const conv1x1 = (filters: number, name: string): layers.Conv2D =>
  layers.conv2d(filters, 1, { padding: 'same', useBias: false, kernelInitializer: 'he_normal', name })
const join = (branches: readonly KerasTensor[], name?: string): KerasTensor => layers.concatenate(branches, { axis: -1, name })
const sum = (a: KerasTensor, b: KerasTensor, name?: string): KerasTensor => layers.add([a, b], { name })
const averaged = (x: KerasTensor, name: string, strides = 1): KerasTensor =>
  layers.averagePooling2d(3, { strides, padding: strides === 1 ? 'same' : 'valid', name })(x)
const largest = (x: KerasTensor, name: string): KerasTensor => layers.maxPooling2d(3, { strides: 2, name })(x)

/** Two separable convolutions, the first in steps of `strides`. */
function separable(x: KerasTensor, filters: number, window: number, name: string, strides = 1): KerasTensor {
  const active = relu()(x)
  const isHalving = strides === 2
  return chain(
    active,
    ...(isHalving ? [layers.zeroPadding2d(correctPad(active, window), { name: `separable_conv_1_pad_${name}` })] : []),
    layers.separableConv2d(filters, window, {
      strides,
      padding: isHalving ? 'valid' : 'same',
      useBias: false,
      name: `separable_conv_1_${name}`,
    }),
    norm(`separable_conv_1_bn_${name}`),
    relu(),
    layers.separableConv2d(filters, window, { padding: 'same', useBias: false, name: `separable_conv_2_${name}` }),
    norm(`separable_conv_2_bn_${name}`),
  )
}

/** The output of the cell before the last, in the shape of the last one's. */
function adjusted(previous: KerasTensor | null, x: KerasTensor, filters: number, name: string): KerasTensor {
  if (previous === null) return x
  if (sidesOf(previous.shape)[1] !== sidesOf(x.shape)[1]) {
    const active = relu(`adjust_relu_1_${name}`)(previous)
    const thinned = (y: KerasTensor, i: number): KerasTensor =>
      chain(
        y,
        layers.averagePooling2d(1, { strides: 2, name: `adjust_avg_pool_${i}_${name}` }),
        conv1x1(Math.floor(filters / 2), `adjust_conv_${i}_${name}`),
      )
    const pad = [[0, 1], [0, 1]] as const // biome-ignore format: one row
    const crop = [[1, 0], [1, 0]] as const // biome-ignore format: one row
    const shifted = (y: KerasTensor): KerasTensor => chain(y, layers.zeroPadding2d(pad), layers.cropping2d(crop))
    return norm(`adjust_bn_${name}`)(join([thinned(active, 1), thinned(shifted(active), 2)]))
  }
  if (channelsOf(previous) === filters) return previous
  return chain(previous, relu(), conv1x1(filters, `adjust_conv_projection_${name}`), norm(`adjust_bn_${name}`))
}

type Cell = (x: KerasTensor, previous: KerasTensor | null, filters: number, name: string) => KerasTensor

const normalCell: Cell = (x, previous, filters, name) => {
  const p = adjusted(previous, x, filters, name)
  const h = chain(x, relu(), conv1x1(filters, `normal_conv_1_${name}`), norm(`normal_bn_1_${name}`))
  const x1 = sum(
    separable(h, filters, 5, `normal_left1_${name}`),
    separable(p, filters, 3, `normal_right1_${name}`),
    `normal_add_1_${name}`,
  )
  const x2 = sum(
    separable(p, filters, 5, `normal_left2_${name}`),
    separable(p, filters, 3, `normal_right2_${name}`),
    `normal_add_2_${name}`,
  )
  const x3 = sum(averaged(h, `normal_left3_${name}`), p, `normal_add_3_${name}`)
  const x4 = sum(averaged(p, `normal_left4_${name}`), averaged(p, `normal_right4_${name}`), `normal_add_4_${name}`)
  const x5 = sum(separable(h, filters, 3, `normal_left5_${name}`), h, `normal_add_5_${name}`)
  return join([p, x1, x2, x3, x4, x5], `normal_concat_${name}`)
}

/** Half of each side. */
const reductionCell: Cell = (x, previous, filters, name) => {
  const p = adjusted(previous, x, filters, name)
  const h = chain(x, relu(), conv1x1(filters, `reduction_conv_1_${name}`), norm(`reduction_bn_1_${name}`))
  const h3 = layers.zeroPadding2d(correctPad(h, 3), { name: `reduction_pad_1_${name}` })(h)
  const x1 = sum(
    separable(h, filters, 5, `reduction_left1_${name}`, 2),
    separable(p, filters, 7, `reduction_right1_${name}`, 2),
    `reduction_add_1_${name}`,
  )
  const x2 = sum(largest(h3, `reduction_left2_${name}`), separable(p, filters, 7, `reduction_right2_${name}`, 2), `reduction_add_2_${name}`)
  const x3 = sum(
    averaged(h3, `reduction_left3_${name}`, 2),
    separable(p, filters, 5, `reduction_right3_${name}`, 2),
    `reduction_add3_${name}`,
  )
  const x4 = sum(x2, averaged(x1, `reduction_left4_${name}`))
  const x5 = sum(separable(x1, filters, 3, `reduction_left4_${name}`), largest(h3, `reduction_right5_${name}`), `reduction_add4_${name}`)
  return join([x2, x3, x4, x5], `reduction_concat_${name}`)
}

interface Variant {
  readonly side: number
  /** Channels of what comes out. */
  readonly width: number
  readonly stemFilters: number
  /** Normal cells between two that halve. */
  readonly cells: number
  /** Whether the cell after one that halves sees the input of that, or what that saw before. */
  readonly seesReduction: boolean
  readonly hashes: Hashes
}

function features(images: KerasTensor, { width, stemFilters, cells, seesReduction }: Variant): KerasTensor {
  const filters = Math.floor(width / 24)
  const stem = layers.conv2d(stemFilters, 3, { strides: 2, useBias: false, name: 'stem_conv1', kernelInitializer: 'he_normal' })
  let x = chain(images, stem, norm('stem_bn1'))
  let previous: KerasTensor | null = null
  const apply = (cell: Cell, count: number, name: string, isSeen = true): void => {
    const y = cell(x, previous, count, name)
    if (isSeen) previous = x
    x = y
  }
  apply(reductionCell, Math.floor(filters / 4), 'stem_1')
  apply(reductionCell, Math.floor(filters / 2), 'stem_2')
  for (let stage = 0; stage < 3; stage++) {
    const count = filters * 2 ** stage
    if (stage > 0) apply(reductionCell, count, `reduce_${stage * cells}`, seesReduction)
    for (let i = 0; i < cells; i++) apply(normalCell, count, `${stage * cells + i + (stage > 0 ? 1 : 0)}`)
  }
  return relu()(x)
}

function nasnet(kind: 'Mobile' | 'Large', variant: Variant): Application {
  const where = `NASNet${kind}`
  const { side, hashes } = variant
  return application({
    where,
    name: `nasnet_${kind.toLowerCase()}`,
    size: side,
    channelsLast: true,
    // Cells put sizes next to each other that only fit if they are known.
    inputShape: ({ givenShape, includeTop, isPretrained }, minSize) =>
      obtainInputShape(givenShape ?? [side, side, 3], { where, size: side, minSize, includeTop, isPretrained }),
    features: (images) => features(images, variant),
    classifier: classifier(),
    withoutTop: pooled(false),
    weights: ({ includeTop }) => ({
      name: `nasnet_${kind.toLowerCase()}${includeTop ? '' : '_no_top'}.h5`,
      url: `${STORAGE}/nasnet/NASNet-${kind.toLowerCase()}${includeTop ? '' : '-no-top'}.h5`,
      hash: hashes[includeTop ? 0 : 1],
    }),
  })
}

/**
 * NASNet-A (4 at 1056), 5.3 million weights: (batch, 224, 224, 3) → (batch, 1000).
 *
 * @example
 * const model = applications.NASNetMobile({ weights: null, inputShape: [96, 96, 3], classes: 10 })
 */
export const NASNetMobile = nasnet('Mobile', {
  side: 224,
  width: 1056,
  stemFilters: 32,
  cells: 4,
  seesReduction: true,
  hashes: ['020fb642bf7360b370c678b08e0adf61', '1ed92395b5b598bdda52abe5c0dbfd63'],
})
/** NASNet-A (6 at 4032), 88.9 million weights: (batch, 331, 331, 3) → (batch, 1000). */
export const NASNetLarge = nasnet('Large', {
  side: 331,
  width: 4032,
  stemFilters: 96,
  cells: 6,
  seesReduction: false,
  hashes: ['11577c9a518f0070763c2b964a382f17', 'd81d89dc07e6e56530c4e77faddd61b5'],
})

/** Values of 0 … 255 to -1 … 1. */
export const preprocessInput = preprocessAs('tf')
