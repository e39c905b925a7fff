/**
 * A first network for texts: is a review praise or complaint?
 *
 * What to learn here:
 * - `TextVectorization` turns sentences into vectors with a 1 for each word that occurs: 10,000 places, most of them 0.
 * - A `Sequential` model is a list of layers; `summary` counts its parameters (160,016 + 272 + 17 = 160,305).
 * - `fit` reports how it does on data it does not learn from; when that gets worse, it only learns by heart.
 */
import { layers, losses, metrics, optimizers, Sequential, type Tensor, utils } from 'ondol'
import { isShort, report } from './support/example.js'
import { labelsOf, loadReviews, textsOf } from './support/reviews.js'

utils.setRandomSeed(1)
const { train, test } = loadReviews()

// Words are counted on the training texts only: the test must not leak into what is learnt.
const vectorize = layers.textVectorization({ maxTokens: 10_000, outputMode: 'multi_hot', padToMaxTokens: true })
await vectorize.adapt(textsOf(train))
const [xTrain, xTest] = [vectorize(textsOf(train)), vectorize(textsOf(test))] as [Tensor, Tensor]
const [yTrain, yTest] = [labelsOf(train), labelsOf(test)]

const model = new Sequential([
  layers.dense(16, { activation: 'relu', inputShape: [10_000] }),
  layers.dense(16, { activation: 'relu' }),
  layers.dense(1, { activation: 'sigmoid' }),
])
model.summary()

// Names would do: 'rmsprop', 'binary_crossentropy', ['accuracy']. Objects take options.
model.compile({
  optimizer: new optimizers.RMSprop({ learningRate: 0.001 }),
  loss: new losses.BinaryCrossentropy(),
  metrics: [new metrics.BinaryAccuracy({ name: 'accuracy' })],
})
const { history } = await model.fit(xTrain, yTrain, { epochs: isShort ? 3 : 12, batchSize: 64, validationSplit: 0.2, verbose: 2 })

const { loss, accuracy } = await model.evaluate(xTest, yTest, { returnDict: true, verbose: 0 })
console.log(`\nOn ${test.length} sentences that it has never seen: loss ${loss?.toFixed(3)}, accuracy ${accuracy?.toFixed(3)}`)

const own = ['The waiter was friendly and the soup was delicious.', 'It broke after two days, what a waste of money.']
const praise = (await model.predict(vectorize(own) as Tensor, { verbose: 0 })) as Tensor
for (const [i, share] of (await praise.data()).entries()) console.log(`${(100 * share).toFixed(0).padStart(3)} % praise: ${own[i]}`)

report({
  parameters: model.countParams(),
  firstLoss: history.loss?.[0] as number,
  lastLoss: history.loss?.at(-1) as number,
  testAccuracy: accuracy as number,
})
