/** What both versions of EfficientNet are made of. */
import * as initializers from '../initializers/index.js'
import * as layers from '../layers/index.js'
import { imageDataFormat } from '../ops/config.js'
import type { KerasTensor } from '../ops/operation.js'
import type { Settings } from './application.js'
import { predictions } from './application.js'
import { chain } from './blocks.js'

/** New for each layer: one that is shared gives the same numbers again. */
export const forConvolutions = (): initializers.Initializer =>
  new initializers.VarianceScaling({ scale: 2, mode: 'fan_out', distribution: 'truncated_normal' })
const forClasses = (): initializers.Initializer =>
  new initializers.VarianceScaling({ scale: 1 / 3, mode: 'fan_out', distribution: 'uniform' })

export const swish = (name: string): layers.Activation => layers.activation('swish', { name })

/** A convolution that is normalised afterwards. */
export const conv = (filters: number, window: number, name: string, strides = 1, padding: 'same' | 'valid' = 'same'): layers.Conv2D =>
  layers.conv2d(filters, window, { strides, padding, useBias: false, kernelInitializer: forConvolutions(), name })

/** Each channel times what all channels' means say. `name` is that of the block. */
export function weighed(x: KerasTensor, filters: number, squeezed: number, name: string): KerasTensor {
  const kernelInitializer = forConvolutions
  const weights = chain(
    x,
    layers.globalAveragePooling2d({ name: `${name}se_squeeze` }),
    layers.reshape(imageDataFormat() === 'channels_first' ? [filters, 1, 1] : [1, 1, filters], { name: `${name}se_reshape` }),
    layers.conv2d(squeezed, 1, { padding: 'same', activation: 'swish', kernelInitializer: kernelInitializer(), name: `${name}se_reduce` }),
    layers.conv2d(filters, 1, { padding: 'same', activation: 'sigmoid', kernelInitializer: kernelInitializer(), name: `${name}se_expand` }),
  )
  return layers.multiply([x, weights], { name: `${name}se_excite` })
}

/** `y` plus the input of the block; training drops whole samples of `y`. */
export function withShortcut(y: KerasTensor, x: KerasTensor, dropRate: number, name: string): KerasTensor {
  const dropped = dropRate > 0 ? layers.dropout(dropRate, { noiseShape: [null, 1, 1, 1], name: `${name}drop` })(y) : y
  return layers.add([dropped, x], { name: `${name}add` })
}

/** The classifier, with so much dropout before it. */
export const classifier =
  (dropRate: number, options: layers.DenseOptions = {}) =>
  (features: KerasTensor, settings: Settings): KerasTensor =>
    chain(
      features,
      layers.globalAveragePooling2d({ name: 'avg_pool' }),
      layers.dropout(dropRate, { name: 'top_dropout' }),
      predictions(settings, { kernelInitializer: forClasses(), ...options }),
    )
