/** Learns to tell clothes apart from 60,000 real pictures, tests itself on 10,000 others, and shows a few answers. */
import { datasets, getBackend, Input, layers, ops, optimizers, Sequential, type Tensor } from 'ondol'
import { bar, beside, picture } from './support/text-picture.js'

const { classNames } = datasets.fashionMnist

/** (n, 28, 28) bytes → (n, 28, 28, 1) numbers from 0 to 1. */
const prepare = (images: Tensor): Tensor => ops.expandDims(ops.divide(ops.cast(images, 'float32'), 255), -1)

const [[trainImages, trainLabels], [testImages, testLabels]] = await datasets.fashionMnist.loadData()
const [xTrain, xTest] = [prepare(trainImages), prepare(testImages)]
const backend = getBackend()
console.log(`Fashion-MNIST: ${trainImages.shape[0]} pictures to learn from, ${testImages.shape[0]} to be tested on`)
console.log(`Backend: ${backend}\n`)

const model = new Sequential(
  [
    Input({ shape: [28, 28, 1] }),
    layers.conv2d(32, 3, { activation: 'relu' }),
    layers.batchNormalization(),
    layers.maxPooling2d(),
    layers.conv2d(64, 3, { activation: 'relu' }),
    layers.batchNormalization(),
    layers.maxPooling2d(),
    layers.flatten(),
    layers.dropout(0.25),
    layers.dense(128, { activation: 'relu' }),
    layers.dropout(0.25),
    layers.dense(10, { activation: 'softmax' }),
  ],
  { name: 'quickstart' },
)
const epochs = backend === 'native' ? 5 : 3
const batchSize = 128
const learningRate = new optimizers.schedules.CosineDecay({
  initialLearningRate: 0.002,
  decaySteps: Math.ceil((54_000 / batchSize) * epochs),
})
model.compile({ optimizer: new optimizers.Adam({ learningRate }), loss: 'sparse_categorical_crossentropy', metrics: ['accuracy'] })
model.summary()

const start = performance.now()
await model.fit(xTrain, trainLabels, { epochs, batchSize, validationSplit: 0.1 })
console.log(`\nTrained in ${((performance.now() - start) / 1000).toFixed(0)} s. On pictures it has never seen:`)
await model.evaluate(xTest, testLabels, { batchSize: 500 })

const probabilities = await ((await model.predict(xTest, { batchSize: 500, verbose: 0 })) as Tensor).data()
const pixels = await testImages.data()
const labels = await testLabels.data()
const probabilitiesOf = (index: number): number[] => Array.from(probabilities.subarray(index * 10, index * 10 + 10))
const answerOf = (index: number): number => {
  const shares = probabilitiesOf(index)
  return shares.indexOf(Math.max(...shares))
}

/** One picture beside the model's opinion of it. */
function show(index: number): void {
  const truth = labels[index] as number
  const answer = answerOf(index)
  const verdict = answer === truth ? `${classNames[truth]} ✓` : `${classNames[truth]}, taken for ${classNames[answer]} ✗`
  const opinions = probabilitiesOf(index).map((share, kind) => {
    const percent = share < 0.0005 ? '' : `${(share * 100).toFixed(1)} %`
    return `${classNames[kind]?.padEnd(11)} ${bar(share, 24)} ${percent}`
  })
  console.log(`\n${beside(picture(pixels.subarray(index * 784, index * 784 + 784), 28), ['', verdict, '', ...opinions])}`)
}

const firstMistake = Array.from(labels).findIndex((label, index) => label !== answerOf(index))
for (const index of [0, 1, 2]) show(index)
console.log(`\nIts first mistake is picture ${firstMistake}:`)
show(firstMistake)
