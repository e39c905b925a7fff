/**
 * EfficientNet V2: smaller, and faster to train (Tan and Le 2021, https://arxiv.org/abs/2104.00298). Follows
 * `keras/src/applications/efficientnet_v2.py`.
 */
import { Constant } from '../initializers/index.js'
import * as layers from '../layers/index.js'
import type { KerasTensor } from '../ops/operation.js'
import { type Application, application, pooled, type Settings } from './application.js'
import { chain, channelAxis, roundTo } from './blocks.js'
import { classifier, conv, forConvolutions, swish, weighed, withShortcut } from './efficientnet-blocks.js'
import { preprocessAs } from './imagenet-utils.js'
import { channelsIn } from './input-shape.js'
import { type Hashes, STORAGE, weightsFile } from './pretrained.js'

export { decodePredictions } from './imagenet-utils.js'

export interface EfficientNetV2Options {
  /** Whether the network takes 0 … 255 and scales it itself. Default true. */
  readonly includePreprocessing?: boolean
}

/**
 * Blocks of one kind, all with windows of 3x3: number, filters, how much wider inside, steps of the first, and whether
 * filtering and widening are one convolution; those that are not weigh their channels.
 */
type Stage = readonly [count: number, filters: number, expansion: number, strides: number, isFused: boolean]

interface Variant {
  readonly stem: number
  readonly stages: readonly Stage[]
}

const B: Variant = {
  stem: 32,
  stages: [[1, 16, 1, 1, true], [2, 32, 4, 2, true], [2, 48, 4, 2, true], [3, 96, 4, 2, false], [5, 112, 6, 1, false], [8, 192, 6, 2, false]],
} // biome-ignore format: one row a variant
const S: Variant = {
  stem: 24,
  stages: [[2, 24, 1, 1, true], [4, 48, 4, 2, true], [4, 64, 4, 2, true], [6, 128, 4, 2, false], [9, 160, 6, 1, false], [15, 256, 6, 2, false]],
} // biome-ignore format: one row a variant
const M: Variant = {
  stem: 24,
  stages: [
    [3, 24, 1, 1, true], [5, 48, 4, 2, true], [5, 80, 4, 2, true], [7, 160, 4, 2, false], [14, 176, 6, 1, false], [18, 304, 6, 2, false],
    [5, 512, 6, 1, false],
  ],
} // biome-ignore format: one row a variant
const L: Variant = {
  stem: 32,
  stages: [
    [4, 32, 1, 1, true], [7, 64, 4, 2, true], [7, 96, 4, 2, true], [10, 192, 4, 2, false], [19, 224, 6, 1, false], [25, 384, 6, 2, false],
    [7, 640, 6, 1, false],
  ],
} // biome-ignore format: one row a variant

/** Share of samples whose last block training would drop; earlier ones less. */
const DROP_CONNECT = 0.2

interface Block {
  readonly filtersIn: number
  readonly filtersOut: number
  readonly expansion: number
  readonly strides: number
  readonly isFused: boolean
  readonly dropRate: number
  readonly name: string
}

const norm = (name: string): layers.BatchNormalization => layers.batchNormalization({ axis: channelAxis(), momentum: 0.9, name })

/** Widens by one convolution that filters at the same time. */
function fused(x: KerasTensor, { filtersIn, filtersOut, expansion, strides, name }: Block): KerasTensor {
  const [project, normProject] = [`${name}project_conv`, norm(`${name}project_bn`)]
  if (expansion === 1) return chain(x, conv(filtersOut, 3, project, strides), normProject, swish(`${name}project_activation`))
  const widened = conv(filtersIn * expansion, 3, `${name}expand_conv`, strides)
  return chain(x, widened, norm(`${name}expand_bn`), swish(`${name}expand_activation`), conv(filtersOut, 1, project), normProject)
}

/** Widens, filters each channel by itself, weighs the channels. */
function separate(x: KerasTensor, { filtersIn, filtersOut, expansion, strides, name }: Block): KerasTensor {
  const inside = filtersIn * expansion
  const filtered = chain(
    x,
    conv(inside, 1, `${name}expand_conv`),
    norm(`${name}expand_bn`),
    swish(`${name}expand_activation`),
    layers.depthwiseConv2d(3, {
      strides,
      padding: 'same',
      useBias: false,
      depthwiseInitializer: forConvolutions(),
      name: `${name}dwconv2`,
    }),
    norm(`${name}bn`),
    swish(`${name}activation`),
  )
  const scaled = weighed(filtered, inside, Math.max(1, Math.trunc(filtersIn * 0.25)), name)
  return chain(scaled, conv(filtersOut, 1, `${name}project_conv`), norm(`${name}project_bn`))
}

function block(x: KerasTensor, settings: Block): KerasTensor {
  const { filtersIn, filtersOut, strides, isFused, dropRate, name } = settings
  const y = isFused ? fused(x, settings) : separate(x, settings)
  return strides === 1 && filtersIn === filtersOut ? withShortcut(y, x, dropRate, name) : y
}

/** All blocks of a network of this width and depth, in order. */
function blocksOf({ stem, stages }: Variant, width: number, depth: number): Block[] {
  // Keras counts the blocks before they are made more.
  const total = stages.reduce((sum, [count]) => sum + count, 0)
  let index = 0
  return stages.flatMap(([count, filters, expansion, strides, isFused], stage) => {
    const before = stages[stage - 1]?.[1] ?? stem
    return Array.from({ length: Math.ceil(depth * count) }, (_, i) => ({
      filtersIn: roundTo((i === 0 ? before : filters) * width, 8),
      filtersOut: roundTo(filters * width, 8),
      expansion,
      strides: i === 0 ? strides : 1,
      isFused,
      dropRate: (DROP_CONNECT * index++) / total,
      name: `block${stage + 1}${String.fromCharCode(97 + i)}_`,
    }))
  })
}

/** Images of 0 … 255 scaled; the B networks know ImageNet's colours. */
function scaled(images: KerasTensor, variant: Variant, { includePreprocessing, inputShape }: Settings<EfficientNetV2Options>): KerasTensor {
  if (!includePreprocessing) return images
  if (variant !== B || channelsIn(inputShape) !== 3) return layers.rescaling(1 / 128, { offset: -1 })(images)
  const colours = { mean: [0.485, 0.456, 0.406], variance: [0.229 ** 2, 0.224 ** 2, 0.225 ** 2] }
  return chain(images, layers.rescaling(1 / 255), layers.normalization({ ...colours, axis: channelAxis() }))
}

function efficientnetV2(
  label: string,
  variant: Variant,
  width: number,
  depth: number,
  size: number,
  hashes: Hashes,
): Application<EfficientNetV2Options> {
  const name = `efficientnetv2-${label.toLowerCase()}`
  return application<EfficientNetV2Options>({
    where: `EfficientNetV2${label}`,
    name,
    size,
    defaults: { includePreprocessing: true },
    features(images, settings) {
      const stem = chain(
        scaled(images, variant, settings),
        conv(roundTo(variant.stem * width, 8), 3, 'stem_conv', 2),
        norm('stem_bn'),
        swish('stem_activation'),
      )
      const last = blocksOf(variant, width, depth).reduce(block, stem)
      return chain(last, conv(roundTo(1280 * width, 8), 1, 'top_conv'), norm('top_bn'), swish('top_activation'))
    },
    classifier: classifier(0.2, { biasInitializer: new Constant(0) }),
    withoutTop: pooled(true),
    weights: ({ includeTop }) => weightsFile(`${STORAGE}/efficientnet_v2`, name, hashes, includeTop),
  })
}

/**
 * EfficientNet V2 B0, 7.2 million weights: (batch, 224, 224, 3) of 0 … 255 → (batch, 1000).
 *
 * @example
 * const model = applications.EfficientNetV2B0({ weights: null, includePreprocessing: false, inputShape: [64, 64, 1] })
 */
export const EfficientNetV2B0 = efficientnetV2('B0', B, 1, 1, 224, ['21ecbf6da12460d5c40bb2f29ceb2188', '893217f2bb855e2983157299931e43ff'])
/** EfficientNet V2 B1, 8.2 million weights, images of 240x240. */
export const EfficientNetV2B1 = efficientnetV2('B1', B, 1, 1.1, 240, [
  '069f0534ff22adf035c89e2d9547a9dc',
  '0e80663031ca32d657f9caa404b6ec37',
])
/** EfficientNet V2 B2, 10.2 million weights, images of 260x260. */
export const EfficientNetV2B2 = efficientnetV2('B2', B, 1.1, 1.2, 260, [
  '424e49f28180edbde1e94797771950a7',
  '1dfe2e7a5d45b6632553a8961ea609eb',
])
/** EfficientNet V2 B3, 14.5 million weights, images of 300x300. */
export const EfficientNetV2B3 = efficientnetV2('B3', B, 1.2, 1.4, 300, [
  '1f1fc43bd98a6e4fd8fdfd551e02c7a0',
  'f6abf7b5849ac99a89b50dd3fd532856',
])
/** EfficientNet V2 S, 21.6 million weights, images of 384x384. */
export const EfficientNetV2S = efficientnetV2('S', S, 1, 1, 384, ['e1d88a8495beba45748fedd0cecbe016', 'af0682fb74e8c54910f2d4393339c070'])
/** EfficientNet V2 M, 54.4 million weights, images of 480x480. */
export const EfficientNetV2M = efficientnetV2('M', M, 1, 1, 480, ['a3bf6aa3276309f4fc6a34aa114c95cd', '1b8dc055df72dde80d614482840fe342'])
/** EfficientNet V2 L, 119.0 million weights, images of 480x480. */
export const EfficientNetV2L = efficientnetV2('L', L, 1, 1, 480, ['27e6d408b53c7ebc868fefa357689935', 'b0b66b5c863aef5b46e8608fe1711615'])

/** Gives images back as they are: the network scales them itself. */
export const preprocessInput = preprocessAs(null)
