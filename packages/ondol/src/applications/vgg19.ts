/** VGG with 19 layers. Follows `keras/src/applications/vgg19.py`. */
import { preprocessAs } from './imagenet-utils.js'
import { vgg } from './vgg.js'

export { decodePredictions } from './imagenet-utils.js'

/**
 * VGG with 19 layers, 143.7 million weights: (batch, 224, 224, 3) → (batch, 1000).
 *
 * @example
 * const logits = await applications.VGG19({ classifierActivation: null })
 */
export const VGG19 = vgg('VGG19', [2, 2, 4, 4, 4], ['cbe5617147190e668d6c5d5026f83318', '253f8cb515780f3b799900260a226db6'])

/** RGB to BGR, with ImageNet's mean colour taken off. */
export const preprocessInput = preprocessAs('caffe')
