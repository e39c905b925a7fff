/**
 * EfficientNet: depth, width and size of images grow together (Tan and Le 2019, https://arxiv.org/abs/1905.11946). Follows
 * `keras/src/applications/efficientnet.py`.
 */
import * as layers from '../layers/index.js'
import type { KerasTensor } from '../ops/operation.js'
import { type Application, application, pooled, type Settings } from './application.js'
import { chain, channelAxis, correctPad, makeDivisible } from './blocks.js'
import { classifier, conv, forConvolutions, swish, weighed, withShortcut } from './efficientnet-blocks.js'
import { preprocessAs } from './imagenet-utils.js'
import { type Hashes, weightsFile } from './pretrained.js'

export { decodePredictions } from './imagenet-utils.js'

/** Blocks of one kind: window, number, filters in and out, how much wider inside, steps of the first. */
const STAGES = [
  [3, 1, 32, 16, 1, 1],
  [3, 2, 16, 24, 6, 2],
  [5, 2, 24, 40, 6, 2],
  [3, 3, 40, 80, 6, 2],
  [5, 3, 80, 112, 6, 1],
  [5, 4, 112, 192, 6, 2],
  [3, 1, 192, 320, 6, 1],
] as const

/** Share of samples whose last block training would drop; earlier ones less. */
const DROP_CONNECT = 0.2
const STDDEV = [0.229, 0.224, 0.225]

interface Block {
  readonly window: number
  readonly filtersIn: number
  readonly filtersOut: number
  readonly expansion: number
  readonly strides: number
  readonly dropRate: number
  readonly name: string
}

const norm = (name: string): layers.BatchNormalization => layers.batchNormalization({ axis: channelAxis(), name })

function block(x: KerasTensor, { window, filtersIn, filtersOut, expansion, strides, dropRate, name }: Block): KerasTensor {
  const inside = filtersIn * expansion
  const expanded =
    expansion === 1 ? x : chain(x, conv(inside, 1, `${name}expand_conv`), norm(`${name}expand_bn`), swish(`${name}expand_activation`))
  const isHalving = strides === 2
  const filtered = chain(
    expanded,
    ...(isHalving ? [layers.zeroPadding2d(correctPad(expanded, window), { name: `${name}dwconv_pad` })] : []),
    layers.depthwiseConv2d(window, {
      strides,
      padding: isHalving ? 'valid' : 'same',
      useBias: false,
      depthwiseInitializer: forConvolutions(),
      name: `${name}dwconv`,
    }),
    norm(`${name}bn`),
    swish(`${name}activation`),
  )
  const scaled = weighed(filtered, inside, Math.max(1, Math.trunc(filtersIn * 0.25)), name)
  const y = chain(scaled, conv(filtersOut, 1, `${name}project_conv`), norm(`${name}project_bn`))
  return strides === 1 && filtersIn === filtersOut ? withShortcut(y, x, dropRate, name) : y
}

/** All blocks of a network of this width and depth, in order. */
function blocksOf(width: number, depth: number): Block[] {
  const repeats = STAGES.map(([, count]) => Math.ceil(depth * count))
  const total = repeats.reduce((sum, count) => sum + count)
  let index = 0
  return STAGES.flatMap(([window, , filtersIn, filtersOut, expansion, strides], stage) =>
    Array.from({ length: repeats[stage] as number }, (_, i) => ({
      window,
      filtersIn: makeDivisible((i === 0 ? filtersIn : filtersOut) * width),
      filtersOut: makeDivisible(filtersOut * width),
      expansion,
      strides: i === 0 ? strides : 1,
      dropRate: (DROP_CONNECT * index++) / total,
      name: `block${stage + 1}${String.fromCharCode(97 + i)}_`,
    })),
  )
}

/** Images of 0 … 255 scaled. */
const scaled = (images: KerasTensor, { isPretrained }: Settings): KerasTensor =>
  chain(
    images,
    layers.rescaling(1 / 255),
    layers.normalization({ axis: channelAxis() }),
    // The weights were made with images divided by the variance: the normalisation divides by its root only.
    ...(isPretrained ? [layers.rescaling(STDDEV.map((deviation) => 1 / Math.sqrt(deviation)))] : []),
  )

function efficientnet(variant: string, width: number, depth: number, size: number, dropout: number, hashes: Hashes): Application {
  const name = `efficientnet${variant.toLowerCase()}`
  return application({
    where: `EfficientNet${variant}`,
    name,
    size,
    features(images, settings) {
      const x = scaled(images, settings)
      const stem = chain(
        x,
        layers.zeroPadding2d(correctPad(x, 3), { name: 'stem_conv_pad' }),
        conv(makeDivisible(32 * width), 3, 'stem_conv', 2, 'valid'),
        norm('stem_bn'),
        swish('stem_activation'),
      )
      const last = blocksOf(width, depth).reduce(block, stem)
      return chain(last, conv(makeDivisible(1280 * width), 1, 'top_conv'), norm('top_bn'), swish('top_activation'))
    },
    classifier: classifier(dropout),
    withoutTop: pooled(true),
    weights: ({ includeTop }) => weightsFile('https://storage.googleapis.com/keras-applications', name, hashes, includeTop),
  })
}

/**
 * EfficientNet B0, 5.3 million weights: (batch, 224, 224, 3) of 0 … 255 → (batch, 1000).
 *
 * @example
 * const base = await applications.EfficientNetB0({ includeTop: false, pooling: 'avg' })   // (batch, …) → (batch, 1280)
 */
export const EfficientNetB0 = efficientnet('B0', 1, 1, 224, 0.2, ['902e53a9f72be733fc0bcb005b3ebbac', '50bc09e76180e00e4465e1a485ddc09d'])
/** EfficientNet B1, 7.9 million weights, images of 240x240. */
export const EfficientNetB1 = efficientnet('B1', 1, 1.1, 240, 0.2, ['1d254153d4ab51201f1646940f018540', '74c4e6b3e1f6a1eea24c589628592432'])
/** EfficientNet B2, 9.2 million weights, images of 260x260. */
export const EfficientNetB2 = efficientnet('B2', 1.1, 1.2, 260, 0.3, [
  'b15cce36ff4dcbd00b6dd88e7857a6ad',
  '111f8e2ac8aa800a7a99e3239f7bfb39',
])
/** EfficientNet B3, 12.3 million weights, images of 300x300. */
export const EfficientNetB3 = efficientnet('B3', 1.2, 1.4, 300, 0.3, [
  'ffd1fdc53d0ce67064dc6a9c7960ede0',
  'af6d107764bb5b1abb91932881670226',
])
/** EfficientNet B4, 19.5 million weights, images of 380x380. */
export const EfficientNetB4 = efficientnet('B4', 1.4, 1.8, 380, 0.4, [
  '18c95ad55216b8f92d7e70b3a046e2fc',
  'ebc24e6d6c33eaebbd558eafbeedf1ba',
])
/** EfficientNet B5, 30.6 million weights, images of 456x456. */
export const EfficientNetB5 = efficientnet('B5', 1.6, 2.2, 456, 0.4, [
  'ace28f2a6363774853a83a0b21b9421a',
  '38879255a25d3c92d5e44e04ae6cec6f',
])
/** EfficientNet B6, 43.3 million weights, images of 528x528. */
export const EfficientNetB6 = efficientnet('B6', 1.8, 2.6, 528, 0.5, [
  '165f6e37dce68623721b423839de8be5',
  '9ecce42647a20130c1f39a5d4cb75743',
])
/** EfficientNet B7, 66.7 million weights, images of 600x600. */
export const EfficientNetB7 = efficientnet('B7', 2, 3.1, 600, 0.5, ['8c03f828fec3ef71311cd463b6759d99', 'cbcfe4450ddf6f3ad90b1b398090fe4a'])

/** Gives images back as they are: the network scales them itself. */
export const preprocessInput = preprocessAs(null)
