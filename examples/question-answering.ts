/**
 * Two inputs: a text and a question about it go through an LSTM each, and together they give the answer.
 *
 * What to learn here:
 * - Inputs of unknown length (`null`), each with its own layers, joined by `layers.concatenate`.
 * - Data for several inputs are a list in their order, or a record by their names; results are the same.
 * - 2 x 640,000 + 2 x 12,416 + 32,500 = 1,337,332 parameters.
 * - Random answers cannot be understood, only learnt by heart. So after that a task follows that can be learnt: the
 *   question names a word, and the answer is the word after it in the text.
 */
import { Input, layers, Model, random, type Tensor, tensor, utils } from 'ondol'
import { isShort, report } from './support/example.js'

utils.setRandomSeed(1)
const [textVocabulary, questionVocabulary, answerVocabulary] = [10_000, 10_000, 500]

function makeModel(): Model {
  const text = Input({ shape: [null], dtype: 'int32', name: 'text' })
  const encodedText = layers.lstm(32)(layers.embedding(textVocabulary, 64)(text))
  const question = Input({ shape: [null], dtype: 'int32', name: 'question' })
  const encodedQuestion = layers.lstm(32)(layers.embedding(questionVocabulary, 64)(question))
  const both = layers.concatenate([encodedText, encodedQuestion], { axis: -1 })
  const answer = layers.dense(answerVocabulary, { activation: 'softmax', name: 'answer' })(both)
  const model: Model = new Model({ inputs: [text, question], outputs: answer })
  model.compile({ optimizer: 'rmsprop', loss: 'categorical_crossentropy', metrics: ['acc'] })
  return model
}

// 1,000 made-up samples of 100 words, as the tutorials have it.
const [samples, length] = [isShort ? 256 : 1000, isShort ? 20 : 100]
const texts = random.randint([samples, length], 1, textVocabulary, { seed: 1 })
const questions = random.randint([samples, length], 1, questionVocabulary, { seed: 2 })
const answers = utils.toCategorical(random.randint([samples], 0, answerVocabulary, { seed: 3 }), answerVocabulary)

const model = makeModel()
model.summary()
const options = { epochs: isShort ? 2 : 10, batchSize: 128, verbose: 2, shuffle: false } as const
const weights = model.getWeights()
const byList = await model.fit([texts, questions], answers, options)

// The same weights and data once more, by name this time.
const again = makeModel()
again.setWeights(weights)
const byName = await again.fit({ text: texts, question: questions }, answers, options)
const difference = Math.abs((byList.history.loss?.at(-1) as number) - (byName.history.loss?.at(-1) as number))
console.log(`\nLoss fed as a list and by name differs by ${difference}`)

/** Texts of words 1 to 20; the question is one of the words, the answer what stands after it. (Generated.) */
function makeStories(count: number, seed: number): [Tensor, Tensor, Tensor] {
  const [width, words] = [4, 20]
  const numbers = random.randint([count, width + 1], 0, 1 << 20, { seed }).dataSync()
  const [story, asked, next] = [new Int32Array(count * width), new Int32Array(count), new Int32Array(count)]
  for (let i = 0; i < count; i++) {
    const free = Array.from({ length: words }, (_, word) => word + 1)
    const row = Array.from({ length: width }, (_, j) => free.splice((numbers[i * (width + 1) + j] as number) % free.length, 1)[0] as number)
    const place = (numbers[i * (width + 1) + width] as number) % (width - 1)
    story.set(row, i * width)
    asked[i] = row[place] as number
    next[i] = row[place + 1] as number
  }
  return [tensor(story, [count, width]), tensor(asked, [count, 1]), utils.toCategorical(tensor(next), answerVocabulary)]
}
const [xText, xQuestion, y] = makeStories(isShort ? 1000 : 40_000, 5)
const [testText, testQuestion, testY] = makeStories(2000, 6)
const reader = makeModel()
reader.compile({ optimizer: 'adam', loss: 'categorical_crossentropy', metrics: ['acc'] })
const learnt = await reader.fit({ text: xText, question: xQuestion }, y, { epochs: isShort ? 1 : 15, batchSize: 128, verbose: 2 })
const { acc } = await reader.evaluate({ text: testText, question: testQuestion }, testY, { returnDict: true, verbose: 0 })
console.log(`\nAnswers to 2,000 new questions: ${(100 * (acc as number)).toFixed(1)} % right (guessing a word of the text: 25 %)`)

report({
  parameters: model.countParams(),
  firstLoss: byList.history.loss?.[0] as number,
  lastLoss: byList.history.loss?.at(-1) as number,
  differenceByName: difference,
  storyLosses: [learnt.history.loss?.[0] as number, learnt.history.loss?.at(-1) as number],
  storyAccuracy: acc as number,
})
