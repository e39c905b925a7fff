/** VGG with 16 layers. Follows `keras/src/applications/vgg16.py`. */
import { preprocessAs } from './imagenet-utils.js'
import { vgg } from './vgg.js'

export { decodePredictions } from './imagenet-utils.js'

/**
 * VGG with 16 layers, 138.4 million weights: (batch, 224, 224, 3) → (batch, 1000).
 *
 * @example
 * const features = await applications.VGG16({ includeTop: false })     // (batch, 512) maps of a 32nd of each side
 */
export const VGG16 = vgg('VGG16', [2, 2, 3, 3, 3], ['64373286793e3c8b2b4e3219cbf3544b', '6d6bbae143d832006294945121d1f1fc'])

/** RGB to BGR, with ImageNet's mean colour taken off. */
export const preprocessInput = preprocessAs('caffe')
