/**
 * A graph that forks: an Inception module looks at an image in four ways at once (Szegedy et al. 2014).
 *
 * What to learn here:
 * - Four branches of different depth from one input, each halving height and width, joined along the channels.
 * - `summary` of a graph has a column that says what is connected to what: 447,872 parameters.
 * - `plotModel` draws it (SVG, no program needed).
 * - The module inside a model: a batch of real images goes through, and it learns.
 */
import { mkdir } from 'node:fs/promises'
import { Input, type KerasTensor, layers, Model, Sequential, utils } from 'ondol'
import { loadClothes } from './support/clothes.js'
import { isShort, report } from './support/example.js'

utils.setRandomSeed(1)

/** (height, width, channels) → (height / 2, width / 2, 4 * filters). */
function inception(x: KerasTensor, filters = 128): KerasTensor {
  const relu = { activation: 'relu' } as const
  const halve = { ...relu, strides: 2, padding: 'same' } as const
  const a = layers.conv2d(filters, 1, { ...relu, strides: 2 })(x)
  const b = layers.conv2d(filters, 3, halve)(layers.conv2d(filters, 1, relu)(x))
  const pooled = layers.averagePooling2d(3, { strides: 2, padding: 'same' })(x)
  const c = layers.conv2d(filters, 3, { ...relu, padding: 'same' })(pooled)
  let d = layers.conv2d(filters, 1, relu)(x)
  d = layers.conv2d(filters, 3, { ...relu, padding: 'same' })(d)
  d = layers.conv2d(filters, 3, halve)(d)
  return layers.concatenate([a, b, c, d], { axis: -1 })
}

const image = Input({ shape: [224, 224, 3] })
const module = new Model({ inputs: image, outputs: inception(image), name: 'inception' })
module.summary()
await mkdir('build', { recursive: true })
await utils.plotModel(module, { toFile: 'build/inception.svg', showShapes: true })
console.log('Drawn to build/inception.svg')

// A small one at work: 32 channels a branch, on pictures of clothes.
const { train, test } = await loadClothes(isShort ? { train: 1000, test: 200 } : { train: 10_000, test: 2000 })
const pixels = Input({ shape: [28, 28, 1] })
const classifier = new Sequential([
  new Model({ inputs: pixels, outputs: inception(pixels, isShort ? 16 : 32) }),
  layers.globalAveragePooling2d(),
  layers.dense(10, { activation: 'softmax' }),
])
classifier.compile({ optimizer: 'adam', loss: 'sparse_categorical_crossentropy', metrics: ['accuracy'] })
const { history } = await classifier.fit(train.x, train.y, { epochs: isShort ? 3 : 5, batchSize: isShort ? 16 : 64, verbose: 2 })
const { accuracy } = await classifier.evaluate(test.x, test.y, { returnDict: true, verbose: 0 })
console.log(`\nOn ${test.x.shape[0]} pictures that it has never seen: accuracy ${accuracy?.toFixed(3)}`)

report({
  parameters: module.countParams(),
  outputShape: ((module.output as KerasTensor).shape as number[]).slice(1),
  branches: module.getLayer('concatenate').inboundNodes[0]?.inputs.length as number,
  firstLoss: history.loss?.[0] as number,
  lastLoss: history.loss?.at(-1) as number,
  testAccuracy: accuracy as number,
})
