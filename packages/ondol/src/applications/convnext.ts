/**
 * ConvNeXt: convolutions arranged like a transformer's layers (Liu et al. 2022, https://arxiv.org/abs/2201.03545). Follows
 * `keras/src/applications/convnext.py`. Channels come last.
 */
import { LayerScale } from '../layers/application-layers.js'
import * as layers from '../layers/index.js'
import { Sequential } from '../models/index.js'
import * as ops from '../ops/index.js'
import type { KerasTensor } from '../ops/operation.js'
import { type Application, application, pooled, type Settings } from './application.js'
import { chain } from './blocks.js'
import { preprocessAs } from './imagenet-utils.js'
import { channelsIn } from './input-shape.js'
import { type Hashes, STORAGE, weightsFile } from './pretrained.js'

export { decodePredictions } from './imagenet-utils.js'

export interface ConvNeXtOptions {
  /** Whether the network takes 0 … 255 and scales it itself. Default true. */
  readonly includePreprocessing?: boolean
}

const norm = (name?: string): layers.LayerNormalization => layers.layerNormalization({ epsilon: 1e-6, name })

function block(x: KerasTensor, width: number, name: string): KerasTensor {
  const change = chain(
    x,
    layers.conv2d(width, 7, { padding: 'same', groups: width, name: `${name}_depthwise_conv` }),
    norm(`${name}_layernorm`),
    layers.dense(4 * width, { name: `${name}_pointwise_conv_1` }),
    layers.activation('gelu', { name: `${name}_gelu` }),
    layers.dense(width, { name: `${name}_pointwise_conv_2` }),
    new LayerScale(1e-6, width, { name: `${name}_layer_scale` }),
    layers.activation('linear', { name: `${name}_identity` }),
  )
  return ops.add(x, change)
}

/** A fourth of each side first, then half of it before each stage. */
function smaller(width: number, stage: number, name: string): Sequential {
  if (stage === 0)
    return new Sequential([layers.conv2d(width, 4, { strides: 4, name: `${name}_stem_conv` }), norm(`${name}_stem_layernorm`)], {
      name: `${name}_stem`,
    })
  const i = stage - 1
  return new Sequential(
    [norm(`${name}_downsampling_layernorm_${i}`), layers.conv2d(width, 2, { strides: 2, name: `${name}_downsampling_conv_${i}` })],
    { name: `${name}_downsampling_block_${i}` },
  )
}

/** ImageNet's mean and variance of 0 … 255. */
const COLOURS = {
  mean: [0.485 * 255, 0.456 * 255, 0.406 * 255],
  variance: [(0.229 * 255) ** 2, (0.224 * 255) ** 2, (0.225 * 255) ** 2],
}

function features(
  images: KerasTensor,
  { includePreprocessing, inputShape }: Settings<ConvNeXtOptions>,
  name: string,
  depths: readonly number[],
  widths: readonly number[],
): KerasTensor {
  const isScaled = includePreprocessing && channelsIn(inputShape) === 3
  let x = isScaled ? layers.normalization({ ...COLOURS, name: `${name}_prestem_normalization` })(images) : images
  const parts = widths.map((width, stage) => smaller(width, stage, name))
  for (const [stage, width] of widths.entries()) {
    x = (parts[stage] as Sequential)(x)
    for (let i = 0; i < (depths[stage] as number); i++) x = block(x, width, `${name}_stage_${stage}_block_${i}`)
  }
  return x
}

function convnext(kind: string, depths: readonly number[], width: number, hashes: Hashes): Application<ConvNeXtOptions> {
  const widths = depths.map((_, stage) => width * 2 ** stage)
  const fileName = `convnext_${kind.toLowerCase()}`
  return application<ConvNeXtOptions>({
    where: `ConvNeXt${kind}`,
    name: fileName,
    size: 224,
    channelsLast: true,
    hasOneSource: true,
    defaults: { includePreprocessing: true },
    features: (images, settings, name) => features(images, settings, name, depths, widths),
    classifier: (x, { classes, classifierActivation }, name) =>
      chain(
        x,
        layers.globalAveragePooling2d({ name: `${name}_head_gap` }),
        norm(`${name}_head_layernorm`),
        layers.dense(classes, { activation: classifierActivation, name: `${name}_head_dense` }),
      ),
    withoutTop: (x, settings) => norm()(pooled(false)(x, settings)),
    weights: ({ includeTop }) => weightsFile(`${STORAGE}/convnext`, fileName, hashes, includeTop),
  })
}

/**
 * ConvNeXt Tiny, 28.6 million weights: (batch, 224, 224, 3) of 0 … 255 → (batch, 1000).
 *
 * @example
 * const model = await applications.ConvNeXtTiny({ includeTop: false, pooling: 'avg' })   // (batch, …) → (batch, 768)
 */
export const ConvNeXtTiny = convnext('Tiny', [3, 3, 9, 3], 96, [
  '8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff',
  'd547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1',
])
/** ConvNeXt Small, 50.2 million weights. */
export const ConvNeXtSmall = convnext('Small', [3, 3, 27, 3], 96, [
  'ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c',
  '6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab',
])
/** ConvNeXt Base, 88.6 million weights. */
export const ConvNeXtBase = convnext('Base', [3, 3, 27, 3], 128, [
  '52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6',
  '40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45',
])
/** ConvNeXt Large, 197.8 million weights. */
export const ConvNeXtLarge = convnext('Large', [3, 3, 27, 3], 192, [
  '070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6',
  '96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd',
])
/** ConvNeXt XLarge, 350.2 million weights. */
export const ConvNeXtXLarge = convnext('XLarge', [3, 3, 27, 3], 256, [
  'c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee',
  'de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05',
])

/** Gives images back as they are: the network scales them itself. */
export const preprocessInput = preprocessAs(null)
