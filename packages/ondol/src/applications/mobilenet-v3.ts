/**
 * MobileNet V3: blocks found by search, some of which weigh their channels (Howard et al. 2019,
 * https://arxiv.org/abs/1905.02244). Follows `keras/src/applications/mobilenet_v3.py`.
 */
import { pythonFloat } from '../callbacks/python-format.js'
import type { PartialShape } from '../core/shape.js'
import * as layers from '../layers/index.js'
import * as ops from '../ops/index.js'
import type { KerasTensor } from '../ops/operation.js'
import { type Application, application, pooled, type Settings } from './application.js'
import { type Block, chain, channelAxis, channelsOf, correctPad, makeDivisible, sidesOf } from './blocks.js'
import { preprocessAs } from './imagenet-utils.js'
import { imageShape, requireSides } from './input-shape.js'
import { requireAlpha, weightsSize } from './mobilenet.js'
import { requireSameSides } from './mobilenet-v2.js'
import { type Hashes, STORAGE } from './pretrained.js'

export { decodePredictions } from './imagenet-utils.js'

export interface MobileNetV3Options {
  /** Multiplies the number of filters. Default 1. */
  readonly alpha?: number
  /** Without what is slow elsewhere: weighing of channels, hard-swish and 5x5 windows. Default false. */
  readonly minimalistic?: boolean
  /** Share of features that training drops before the classifier. Default 0.2. */
  readonly dropoutRate?: number
  /** Whether the network takes 0 … 255 and scales it itself. Default true. */
  readonly includePreprocessing?: boolean
}

/**
 * A block: how much wider inside (there against the input), filters, window (5: 3 in minimalistic ones), steps, whether
 * it weighs its channels, and whether it activates with relu always.
 */
type Row = readonly [expansion: number, filters: number, window: number, strides: number, weighs: boolean, isRelu: boolean]

interface Variant {
  readonly rows: readonly Row[]
  /** Width of the layer before the classes. */
  readonly width: number
  readonly hashes: Readonly<Record<string, Hashes>>
}

const SMALL: Variant = {
  width: 1024,
  rows: [
    [1, 16, 3, 2, true, true],
    [72 / 16, 24, 3, 2, false, true],
    [88 / 24, 24, 3, 1, false, true],
    [4, 40, 5, 2, true, false],
    [6, 40, 5, 1, true, false],
    [6, 40, 5, 1, true, false],
    [3, 48, 5, 1, true, false],
    [3, 48, 5, 1, true, false],
    [6, 96, 5, 2, true, false],
    [6, 96, 5, 1, true, false],
    [6, 96, 5, 1, true, false],
  ],
  hashes: {
    'small_224_0.75_float': ['cb65d4e5be93758266aa0a7f2c6708b7', 'ebdb5cc8e0b497cd13a7c275d475c819'],
    'small_224_1.0_float': ['8768d4c2e7dee89b9d02b2d03d65d862', 'd3e8ec802a04aa4fc771ee12a9a9b836'],
    'small_minimalistic_224_1.0_float': ['99cd97fb2fcdad2bf028eb838de69e37', 'cde8136e733e811080d9fcd8a252f7e4'],
  },
}

const LARGE: Variant = {
  width: 1280,
  rows: [
    [1, 16, 3, 1, false, true],
    [4, 24, 3, 2, false, true],
    [3, 24, 3, 1, false, true],
    [3, 40, 5, 2, true, true],
    [3, 40, 5, 1, true, true],
    [3, 40, 5, 1, true, true],
    [6, 80, 3, 2, false, false],
    [2.5, 80, 3, 1, false, false],
    [2.3, 80, 3, 1, false, false],
    [2.3, 80, 3, 1, false, false],
    [6, 112, 3, 1, true, false],
    [6, 112, 3, 1, true, false],
    [6, 160, 5, 2, true, false],
    [6, 160, 5, 1, true, false],
    [6, 160, 5, 1, true, false],
  ],
  hashes: {
    'large_224_0.75_float': ['765b44a33ad4005b3ac83185abf1d0eb', '40af19a13ebea4e2ee0c676887f69a2e'],
    'large_224_1.0_float': ['59e551e166be033d707958cf9e29a6a7', '07fb09a5933dd0c8eaafa16978110389'],
    'large_minimalistic_224_1.0_float': ['675e7b876c45c57e9e63e6d90a36599c', 'ec5221f64a2f6d1ef965a614bdae7973'],
  },
}

const relu: Block = (x) => layers.relu()(x)
const hardSwish: Block = (x) => layers.activation('hard_swish')(x)
const hardSigmoid: Block = (x) => {
  const clip = layers.relu({ maxValue: 6 })
  return ops.multiply(clip(ops.add(x, 3)), 1 / 6)
}

const norm = (name: string): layers.BatchNormalization =>
  layers.batchNormalization({ axis: channelAxis(-1), epsilon: 1e-3, momentum: 0.999, name })
const conv1x1 = (filters: number, name: string, useBias = false): layers.Conv2D =>
  layers.conv2d(filters, 1, { padding: 'same', useBias, name })

/** Each channel times what all channels' means say. */
function weighed(x: KerasTensor, filters: number, name: string): KerasTensor {
  const weights = chain(
    x,
    layers.globalAveragePooling2d({ keepdims: true, name: `${name}_avg_pool` }),
    conv1x1(makeDivisible(filters * 0.25), `${name}_conv`, true),
    layers.relu({ name: `${name}_relu` }),
    conv1x1(filters, `${name}_conv_1`, true),
    hardSigmoid,
  )
  return layers.multiply([x, weights], { name: `${name}_mul` })
}

function block(x: KerasTensor, [expansion, filters, window, strides, weighs]: Row, active: Block, i: number): KerasTensor {
  const name = i === 0 ? 'expanded_conv' : `expanded_conv_${i}`
  const outside = channelsOf(x)
  const inside = makeDivisible(outside * expansion)
  const expanded = i === 0 ? x : chain(x, conv1x1(inside, `${name}_expand`), norm(`${name}_expand_bn`), active)
  const padding = strides === 2 ? 'valid' : 'same'
  const filtered = chain(
    expanded,
    ...(strides === 2 ? [layers.zeroPadding2d(correctPad(expanded, window), { name: `${name}_depthwise_pad` })] : []),
    layers.depthwiseConv2d(window, { strides, padding, useBias: false, name: `${name}_depthwise` }),
    norm(`${name}_depthwise_bn`),
    active,
  )
  const scaled = weighs ? weighed(filtered, inside, `${name}_squeeze_excite`) : filtered
  const y = chain(scaled, conv1x1(filters, `${name}_project`), norm(`${name}_project_bn`))
  return strides === 1 && outside === filters ? layers.add([x, y], { name: `${name}_add` }) : y
}

/** In minimalistic networks without what is slow. */
const simplified = ([expansion, filters, window, strides, weighs]: Row, alpha: number, minimalistic: boolean): Row => [
  expansion,
  makeDivisible(filters * alpha),
  minimalistic ? 3 : window,
  strides,
  weighs && !minimalistic,
  false,
]

/** Free sides without a shape; that of the tensor with one. */
function shapeOf({ givenShape, inputTensor }: Pick<Settings, 'givenShape' | 'inputTensor'>, minSize: number, where: string): PartialShape {
  requireSameSides(givenShape, inputTensor, where)
  const [rows = null, columns = null] = inputTensor === null ? [] : sidesOf(inputTensor.shape)
  const shape = givenShape ?? imageShape(rows, 3, columns)
  if (!sidesOf(shape).includes(null)) requireSides(shape, minSize, where)
  return shape
}

function mobilenetV3(size: 'Small' | 'Large', { rows, width, hashes }: Variant): Application<MobileNetV3Options> {
  const where = `MobileNetV3${size}`
  const activationOf = ({ minimalistic }: Settings<MobileNetV3Options>): Block => (minimalistic ? relu : hardSwish)
  return application<MobileNetV3Options>({
    where,
    name: where,
    size: 224,
    defaults: { alpha: 1, minimalistic: false, dropoutRate: 0.2, includePreprocessing: true },
    inputShape: (settings, minSize) => shapeOf(settings, minSize, where),
    checkPretrained: ({ alpha, minimalistic }) => requireAlpha(alpha, minimalistic ? [1] : [0.75, 1], where),
    features(images, settings) {
      const { alpha, minimalistic, includePreprocessing } = settings
      const active = activationOf(settings)
      const scaled = includePreprocessing ? layers.rescaling(1 / 127.5, { offset: -1 })(images) : images
      const conv = layers.conv2d(16, 3, { strides: 2, padding: 'same', useBias: false, name: 'conv' })
      const x = rows.reduce(
        (y, row, i) => block(y, simplified(row, alpha, minimalistic as boolean), row[5] ? relu : active, i),
        chain(scaled, conv, norm('conv_bn'), active),
      )
      return chain(x, conv1x1(makeDivisible(channelsOf(x) * 6), 'conv_1'), norm('conv_1_bn'), active)
    },
    classifier(features, settings) {
      const { alpha, dropoutRate, classes, classifierActivation } = settings
      return chain(
        features,
        layers.globalAveragePooling2d({ keepdims: true }),
        conv1x1(alpha > 1 ? makeDivisible(width * alpha) : width, 'conv_2', true),
        activationOf(settings),
        ...(dropoutRate > 0 ? [layers.dropout(dropoutRate)] : []),
        conv1x1(classes, 'logits', true),
        layers.flatten(),
        layers.activation(classifierActivation, { name: 'predictions' }),
      )
    },
    withoutTop: pooled(true),
    weights({ alpha, minimalistic, inputShape, includeTop }) {
      weightsSize(inputShape, [224], where)
      const model = `${size.toLowerCase()}${minimalistic ? '_minimalistic' : ''}_224_${pythonFloat(alpha)}_float`
      const name = `weights_mobilenet_v3_${model}${includeTop ? '' : '_no_top_v2'}.h5`
      return { name, url: `${STORAGE}/mobilenet_v3/${name}`, hash: (hashes[model] as Hashes)[includeTop ? 0 : 1] }
    },
  })
}

/**
 * MobileNet V3, the small one, 2.6 million weights: (batch, rows, columns, 3) of 0 … 255 → (batch, 1000).
 *
 * @example
 * const model = await applications.MobileNetV3Small({ inputShape: [224, 224, 3] })
 */
export const MobileNetV3Small = mobilenetV3('Small', SMALL)
/** MobileNet V3, the large one, 5.5 million weights. */
export const MobileNetV3Large = mobilenetV3('Large', LARGE)

/** Gives images back as they are: the network scales them itself. */
export const preprocessInput = preprocessAs(null)
