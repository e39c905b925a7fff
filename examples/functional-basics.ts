/**
 * Models as graphs: layers are called on symbolic tensors, and a model is cut out between two of them.
 *
 * What to learn here:
 * - `Input` is a tensor without values. A layer called on it gives another one, which knows where it comes from.
 * - `new Model({ inputs, outputs })` follows that history: 2,080 + 1,056 + 330 = 3,466 parameters.
 * - An output that does not come from the inputs is refused, with the reason.
 * - Another model cut out of the same graph shares its weights: here the hidden layer's view of the data.
 */
import { GraphError, Input, layers, Model, ops, random, type Tensor, utils } from 'ondol'
import { isShort, report } from './support/example.js'

utils.setRandomSeed(1)
const inputs = Input({ shape: [64] })
const hidden = layers.dense(32, { activation: 'relu' })(layers.dense(32, { activation: 'relu' })(inputs))
const outputs = layers.dense(10, { activation: 'softmax' })(hidden)
const model = new Model({ inputs, outputs })
model.summary()

// What a tensor of a graph knows.
console.log(`inputs ${JSON.stringify(inputs.shape)} → outputs ${JSON.stringify(outputs.shape)}, ${outputs.dtype}`)

// A model from somewhere else to the same outputs cannot be: nothing leads there.
let message = ''
try {
  new Model({ inputs: Input({ shape: [128], name: 'unrelated' }), outputs })
} catch (error) {
  if (!(error instanceof GraphError)) throw error
  message = error.message
  console.log(`\nA model from an unrelated input is refused:\n\n  ${message.replaceAll('\n', '\n  ')}\n`)
}

// 64 random numbers belong to the class of the teacher that answers loudest: something that can be learnt.
const teacher = random.normal([64, 10], { seed: 7 })
const samples = (count: number, seed: number): [Tensor, Tensor] => {
  const x = random.normal([count, 64], { seed })
  return [x, ops.argmax(ops.matmul(x, teacher), { axis: -1 })]
}
const [xTrain, yTrain] = samples(isShort ? 4000 : 40_000, 1)
const [xTest, yTest] = samples(2000, 2)

model.compile({ optimizer: 'adam', loss: 'sparse_categorical_crossentropy', metrics: ['accuracy'] })
const { history } = await model.fit(xTrain, yTrain, { epochs: isShort ? 5 : 10, batchSize: 128, verbose: 2 })
const { accuracy } = await model.evaluate(xTest, yTest, { returnDict: true, verbose: 0 })
console.log(`\nOn ${yTest.shape[0]} new samples: accuracy ${accuracy?.toFixed(3)}, by chance 0.1`)

// Same graph, other end: no new weights, no copy.
const features = new Model({ inputs, outputs: hidden })
const seen = (await features.predict(xTest, { verbose: 0 })) as Tensor
console.log(`What the last hidden layer makes of them: ${JSON.stringify(seen.shape)}`)

report({
  parameters: model.countParams(),
  refused: message.includes('unrelated') ? 1 : 0,
  firstLoss: history.loss?.[0] as number,
  lastLoss: history.loss?.at(-1) as number,
  testAccuracy: accuracy as number,
  featureWidth: seen.shape[1] as number,
})
