/**
 * Words as vectors that are learnt: the same reviews through an `Embedding`.
 *
 * What to learn here:
 * - A text is a row of word numbers, cut or padded to 20 with `padSequences`.
 * - `Embedding` looks up a vector of 8 numbers for each word; these 80,000 numbers are trained like any weights.
 * - `Flatten` puts the 20 vectors in one row of 160, and one `Dense` decides: 80,000 + 0 + 161 = 80,161 parameters.
 */
import { layers, ops, Sequential, type Tensor, utils } from 'ondol'
import { isShort, report } from './support/example.js'
import { labelsOf, loadReviews, textsOf } from './support/reviews.js'

utils.setRandomSeed(1)
const [vocabularySize, maxlen] = [10_000, 20]
const { train, test } = loadReviews()

const vectorize = layers.textVectorization({ maxTokens: vocabularySize })
await vectorize.adapt(textsOf(train))

/** Word numbers of each text, without the padding to the longest. */
const numbersOf = async (texts: readonly string[]): Promise<number[][]> => {
  const rows = (await (vectorize(texts) as Tensor).array()) as number[][]
  return rows.map((row) => row.filter((word) => word !== 0))
}
const xTrain = utils.padSequences(await numbersOf(textsOf(train)), { maxlen })
const xTest = utils.padSequences(await numbersOf(textsOf(test)), { maxlen })

const model = new Sequential([
  layers.embedding(vocabularySize, 8, { inputShape: [maxlen] }),
  layers.flatten(),
  layers.dense(1, { activation: 'sigmoid' }),
])
model.compile({ optimizer: 'rmsprop', loss: 'binary_crossentropy', metrics: ['acc'] })
model.summary()

const epochs = isShort ? 6 : 20
const { history } = await model.fit(xTrain, labelsOf(train), { epochs, batchSize: 32, validationSplit: 0.2, verbose: 2 })
const { loss, acc } = await model.evaluate(xTest, labelsOf(test), { returnDict: true, verbose: 0 })
console.log(`\nOn ${test.length} sentences that it has never seen: loss ${loss?.toFixed(3)}, accuracy ${acc?.toFixed(3)}`)

// What the embedding has learnt: words near each other are used alike, here above all in praise or in complaint.
const vectors = ops.cast(model.layers[0]?.weights[0]?.value as Tensor, 'float32')
const vocabulary = vectorize.getVocabulary()
for (const word of ['great', 'bad']) {
  const near = ops.topK(ops.matmul(utils.normalize(vectors), utils.normalize(vectors).at([vocabulary.indexOf(word)])), 6)[1]
  console.log(`Near '${word}': ${Array.from(await near.data(), (i) => vocabulary[i]).join(', ')}`)
}

report({
  parameters: model.countParams(),
  firstLoss: history.loss?.[0] as number,
  lastLoss: history.loss?.at(-1) as number,
  testAccuracy: acc as number,
})
