/**
 * Depthwise separable convolutions: a convnet with few parameters (Chollet 2016).
 *
 * What to learn here:
 * - `SeparableConv2D` looks at each channel by itself, then mixes the channels: 3x3 over 64 → 128 channels takes
 *   64 * 9 + 64 * 128 + 128 = 8,896 parameters, where `Conv2D` takes 73,856.
 * - 155, 2,400, 4,736, 8,896, 9,408, 8,896, 4,128, 330: 38,949 in all. The same net of plain convolutions is counted
 *   beside it.
 * - Global pooling instead of `Flatten` ends the convolutions.
 */
import { Input, initializers, layers, Sequential, utils } from 'ondol'
import { loadClothes } from './support/clothes.js'
import { isShort, report } from './support/example.js'

utils.setRandomSeed(1)
const classes = 10

/** A convnet of 3x3 windows; `conv` makes the layers. */
function makeModel(conv: (filters: number) => layers.Layer): Sequential {
  return new Sequential([
    Input({ shape: [64, 64, 3] }),
    conv(32),
    conv(64),
    layers.maxPooling2d(2),
    conv(64),
    conv(128),
    layers.maxPooling2d(2),
    conv(64),
    conv(128),
    layers.globalAveragePooling2d(),
    layers.dense(32, { activation: 'relu' }),
    layers.dense(classes, { activation: 'softmax' }),
  ])
}
// The default initializer counts all channels as inputs of a depthwise kernel, though each place of it sees 9 numbers: after
// six such layers nothing would be left of the picture.
const start = {
  depthwiseInitializer: initializers.randomNormal({ stddev: Math.sqrt(1 / 9) }),
  pointwiseInitializer: 'heNormal',
} as const
const model = makeModel((filters) => layers.separableConv2d(filters, 3, { activation: 'relu', ...start }))
model.summary()
const plain = makeModel((filters) => layers.conv2d(filters, 3, { activation: 'relu' }))
console.log(`With plain convolutions it would be ${plain.countParams().toLocaleString('en')} parameters.\n`)

// Real pictures, drawn larger and in three equal channels, as a photo would come.
const { train, test } = await loadClothes({ size: 64, channels: 3, ...(isShort ? { train: 160, test: 50 } : { train: 1600, test: 400 }) })
model.compile({ optimizer: 'rmsprop', loss: 'sparse_categorical_crossentropy', metrics: ['accuracy'] })
const { history } = await model.fit(train.x, train.y, { epochs: isShort ? 3 : 6, batchSize: isShort ? 16 : 32, verbose: 2 })
const { accuracy } = await model.evaluate(test.x, test.y, { returnDict: true, verbose: 0 })
console.log(`\nOn ${test.x.shape[0]} pictures that it has never seen: accuracy ${accuracy?.toFixed(3)}`)

report({
  parameters: model.countParams(),
  plainParameters: plain.countParams(),
  byLayer: model.layers.map((layer) => layer.countParams()).filter((count) => count > 0),
  firstLoss: history.loss?.[0] as number,
  lastLoss: history.loss?.at(-1) as number,
  testAccuracy: accuracy as number,
})
