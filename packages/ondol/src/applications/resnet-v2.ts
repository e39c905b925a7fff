/**
 * ResNet whose blocks normalise and activate first (He et al. 2016, https://arxiv.org/abs/1603.05027). Follows
 * `keras/src/applications/resnet_v2.py`.
 */
import * as layers from '../layers/index.js'
import type { KerasTensor } from '../ops/operation.js'
import { chain } from './blocks.js'
import { preprocessAs } from './imagenet-utils.js'
import { norm, type ResNetKind, relu, resnet } from './resnet.js'

export { decodePredictions } from './imagenet-utils.js'

function block(x: KerasTensor, filters: number, strides: number, isFirst: boolean, name: string): KerasTensor {
  const active = chain(x, norm(`${name}_preact_bn`), relu(`${name}_preact_relu`))
  const thin = (): KerasTensor => (strides > 1 ? layers.maxPooling2d(1, { strides })(x) : x)
  const shortcut = isFirst ? layers.conv2d(4 * filters, 1, { strides, name: `${name}_0_conv` })(active) : thin()
  const change = chain(
    active,
    layers.conv2d(filters, 1, { useBias: false, name: `${name}_1_conv` }),
    norm(`${name}_1_bn`),
    relu(`${name}_1_relu`),
    layers.zeroPadding2d(1, { name: `${name}_2_pad` }),
    layers.conv2d(filters, 3, { strides, useBias: false, name: `${name}_2_conv` }),
    norm(`${name}_2_bn`),
    relu(`${name}_2_relu`),
    layers.conv2d(4 * filters, 1, { name: `${name}_3_conv` }),
  )
  return layers.add([shortcut, change], { name: `${name}_out` })
}

const V2: ResNetKind = {
  activatesFirst: true,
  stack(x, filters, blocks, name, stage) {
    let y = x
    for (let i = 1; i <= blocks; i++) y = block(y, filters, i === blocks && stage < 3 ? 2 : 1, i === 1, `${name}_block${i}`)
    return y
  },
}

/**
 * ResNet V2 with 50 layers, 25.6 million weights: (batch, 224, 224, 3) → (batch, 1000).
 *
 * @example
 * const features = applications.ResNet50V2({ includeTop: false, weights: null, inputShape: [64, 64, 3] })
 */
export const ResNet50V2 = resnet(V2, 'ResNet50V2', [3, 4, 6, 3], ['3ef43a0b657b3be2300d5770ece849e0', 'fac2f116257151a9d068a22e544a4917'])
/** ResNet V2 with 101 layers, 44.7 million weights. */
export const ResNet101V2 = resnet(
  V2,
  'ResNet101V2',
  [3, 4, 23, 3],
  ['6343647c601c52e1368623803854d971', 'c0ed64b8031c3730f411d2eb4eea35b5'],
)
/** ResNet V2 with 152 layers, 60.4 million weights. */
export const ResNet152V2 = resnet(
  V2,
  'ResNet152V2',
  [3, 8, 36, 3],
  ['a49b44d1979771252814e80f8ec446f9', 'ed17cf2e0169df9d443503ef94b23b33'],
)

/** Values of 0 … 255 to -1 … 1. */
export const preprocessInput = preprocessAs('tf')
