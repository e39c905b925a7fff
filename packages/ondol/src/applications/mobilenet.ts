/**
 * MobileNet: depthwise separable convolutions (Howard et al. 2017, https://arxiv.org/abs/1704.04861). Follows
 * `keras/src/applications/mobilenet.py`.
 */
import { formatPython, PythonFloat } from '../callbacks/python-format.js'
import { ValueError } from '../core/errors.js'
import type { PartialShape } from '../core/shape.js'
import * as layers from '../layers/index.js'
import type { KerasTensor } from '../ops/operation.js'
import { application, pooled, type Settings } from './application.js'
import { chain, channelAxis, sidesOf } from './blocks.js'
import { preprocessAs } from './imagenet-utils.js'
import { obtainInputShape } from './input-shape.js'
import { STORAGE } from './pretrained.js'

export { decodePredictions } from './imagenet-utils.js'

export interface MobileNetOptions {
  /** Multiplies the number of filters. Default 1. */
  readonly alpha?: number
  /** Depthwise kernels for each channel. Default 1. */
  readonly depthMultiplier?: number
  /** Share of features that training drops before the classifier. Default 0.001. */
  readonly dropout?: number
}

/** Sides of images for which there are weights. */
const SIZES = [128, 160, 192, 224]
/** Factors for which there are weights, as their files are named. */
const ALPHAS = new Map([[0.25, '2_5'], [0.5, '5_0'], [0.75, '7_5'], [1, '1_0']]) // biome-ignore format: one row

/** The side of a square for which there are weights, else 224. */
export function trainedSize(shape: PartialShape | null, sizes: readonly number[]): number {
  const [rows, columns] = shape === null ? [] : sidesOf(shape)
  return rows === columns && sizes.includes(rows as number) ? (rows as number) : 224
}

/** As `trainedSize`, with a word about weights that were made for another size. */
export function weightsSize(shape: PartialShape, sizes: readonly number[], where: string): number {
  const size = trainedSize(shape, sizes)
  if (sidesOf(shape)[0] !== size)
    console.warn(`ondol: ${where} gets the weights for images of 224x224: there are such for squares of ${sizes.join(', ')} only`)
  return size
}

/** @throws ValueError when there are no weights for this factor. */
export function requireAlpha(alpha: number, known: readonly number[], where: string): void {
  if (known.includes(alpha)) return
  const problem = 'there are no weights from ImageNet for this width'
  throw new ValueError({ where, problem, expected: `alpha: ${known.join(', ')}`, received: `alpha=${alpha}` })
}

/** Keras's name for a width and the rows of images. */
export const nameFor = (network: string, alpha: number, rows: number | null): string =>
  formatPython(`${network}_{alpha:.2f}_${rows ?? 'None'}`, { alpha: new PythonFloat(alpha) })

const norm = (name: string): layers.BatchNormalization => layers.batchNormalization({ axis: channelAxis(-1), name: `${name}_bn` })
const relu = (name: string): layers.ReLU => layers.relu({ maxValue: 6, name: `${name}_relu` })

function block(
  x: KerasTensor,
  { alpha, depthMultiplier }: Settings<MobileNetOptions>,
  [filters, strides]: readonly [number, number],
  i: number,
): KerasTensor {
  const [depthwise, pointwise] = [`conv_dw_${i}`, `conv_pw_${i}`]
  const isHalving = strides === 2
  const pad = [[0, 1], [0, 1]] as const // biome-ignore format: one row
  return chain(
    x,
    ...(isHalving ? [layers.zeroPadding2d(pad, { name: `conv_pad_${i}` })] : []),
    layers.depthwiseConv2d(3, { padding: isHalving ? 'valid' : 'same', depthMultiplier, strides, useBias: false, name: depthwise }),
    norm(depthwise),
    relu(depthwise),
    layers.conv2d(Math.trunc(filters * alpha), 1, { padding: 'same', useBias: false, name: pointwise }),
    norm(pointwise),
    relu(pointwise),
  )
}

/** Filters and steps of the blocks. */
const BLOCKS: readonly (readonly [number, number])[] = [
  [64, 1], [128, 2], [128, 1], [256, 2], [256, 1], [512, 2], [512, 1], [512, 1], [512, 1], [512, 1], [512, 1], [1024, 2], [1024, 1],
] // biome-ignore format: one row

/**
 * MobileNet, 4.3 million weights: (batch, 224, 224, 3) → (batch, 1000).
 *
 * @example
 * const tiny = applications.MobileNet({ alpha: 0.25, weights: null, inputShape: [96, 96, 1], classes: 2 })
 */
export const MobileNet = application<MobileNetOptions>({
  where: 'MobileNet',
  name: ({ alpha, inputShape, isPretrained }) =>
    nameFor('mobilenet', alpha, isPretrained ? trainedSize(inputShape, SIZES) : (sidesOf(inputShape)[0] as number | null)),
  size: 224,
  defaults: { alpha: 1, depthMultiplier: 1, dropout: 1e-3 },
  inputShape: ({ givenShape, includeTop, isPretrained }, minSize) =>
    obtainInputShape(givenShape, { where: 'MobileNet', size: trainedSize(givenShape, SIZES), minSize, includeTop, isPretrained }),
  checkPretrained({ alpha, depthMultiplier }) {
    const where = 'MobileNet'
    if (depthMultiplier !== 1)
      throw new ValueError({
        where,
        problem: 'the weights from ImageNet have one depthwise kernel for each channel',
        expected: 'depthMultiplier: 1',
        received: `depthMultiplier=${depthMultiplier}`,
      })
    requireAlpha(alpha, [...ALPHAS.keys()], where)
  },
  features(images, settings) {
    const stem = chain(
      images,
      layers.conv2d(Math.trunc(32 * settings.alpha), 3, { padding: 'same', useBias: false, strides: 2, name: 'conv1' }),
      norm('conv1'),
      relu('conv1'),
    )
    return BLOCKS.reduce((x, row, i) => block(x, settings, row, i + 1), stem)
  },
  classifier: (features, { dropout, classes, classifierActivation }) =>
    chain(
      features,
      layers.globalAveragePooling2d({ keepdims: true }),
      layers.dropout(dropout, { name: 'dropout' }),
      layers.conv2d(classes, 1, { padding: 'same', name: 'conv_preds' }),
      layers.reshape([classes], { name: 'reshape_2' }),
      layers.activation(classifierActivation, { name: 'predictions' }),
    ),
  withoutTop: pooled(false),
  weights({ alpha, inputShape, includeTop }) {
    const size = weightsSize(inputShape, SIZES, 'MobileNet')
    const name = `mobilenet_${ALPHAS.get(alpha)}_${size}_tf${includeTop ? '' : '_no_top'}.h5`
    return { name, url: `${STORAGE}/mobilenet/${name}` }
  },
})

/** Values of 0 … 255 to -1 … 1. */
export const preprocessInput = preprocessAs('tf')
