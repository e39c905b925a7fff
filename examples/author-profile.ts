/**
 * One input, three answers: age, income and gender of a person from what they write.
 *
 * What to learn here:
 * - A tower of `Conv1D` reads sequences of word numbers; three heads share it. 14,146,316 parameters.
 * - Each head has its own loss; `lossWeights` bring them to one scale: the squared error of an age in decades is about 3
 *   at first, the cross-entropy of a gender below 1.
 * - Losses, weights and targets go by name or in lists, with the same result.
 *
 * The people are generated: of the words of each post, some are used more by older, richer, or male writers.
 */
import { Input, layers, Model, random, type Tensor, tensor, utils } from 'ondol'
import { isShort, report } from './support/example.js'

utils.setRandomSeed(1)
const [vocabularySize, incomeGroups, length] = [50_000, 10, 300]

function makeModel(): Model {
  const posts = Input({ shape: [null], dtype: 'int32', name: 'posts' })
  let x = layers.embedding(vocabularySize, 256)(posts)
  x = layers.conv1d(128, 5, { activation: 'relu' })(x)
  x = layers.maxPooling1d(5)(x)
  x = layers.conv1d(256, 5, { activation: 'relu' })(x)
  x = layers.conv1d(256, 5, { activation: 'relu' })(x)
  x = layers.maxPooling1d(5)(x)
  x = layers.conv1d(256, 5, { activation: 'relu' })(x)
  x = layers.conv1d(256, 5, { activation: 'relu' })(x)
  x = layers.globalMaxPooling1d()(x)
  x = layers.dense(128, { activation: 'relu' })(x)
  const age = layers.dense(1, { name: 'age' })(x)
  const income = layers.dense(incomeGroups, { activation: 'softmax', name: 'income' })(x)
  const gender = layers.dense(1, { activation: 'sigmoid', name: 'gender' })(x)
  return new Model({ inputs: posts, outputs: [age, income, gender] })
}

/** People with an age of 1.8 to 7.8 decades, an income group, a gender, and a post in which six words of ten tell of them. */
function makePeople(count: number, seed: number): { posts: Tensor; age: Tensor; income: Tensor; gender: Tensor } {
  const traits = random.uniform([count, 3], { seed }).dataSync()
  const dice = random.uniform([count, length, 2], { seed: seed + 1 }).dataSync()
  const posts = new Int32Array(count * length)
  const [age, income, gender] = [new Float32Array(count), new Int32Array(count), new Float32Array(count)]
  for (let i = 0; i < count; i++) {
    const [a, b, c] = traits.subarray(3 * i, 3 * i + 3) as unknown as [number, number, number]
    age[i] = 1.8 + 6 * a
    income[i] = Math.floor(incomeGroups * b)
    gender[i] = c < 0.5 ? 0 : 1
    for (let j = 0; j < length; j++) {
      const [kind, word] = dice.subarray(2 * (i * length + j), 2 * (i * length + j) + 2) as unknown as [number, number]
      const group =
        kind < 0.1 ? Math.floor(10 * a) : kind < 0.5 ? 10 + (income[i] as number) : kind < 0.6 ? 20 + (gender[i] as number) : null
      posts[i * length + j] = group === null ? 1000 + Math.floor(word * (vocabularySize - 1000)) : 10 * group + Math.floor(10 * word)
    }
  }
  return {
    posts: tensor(posts, [count, length]),
    age: tensor(age),
    income: utils.toCategorical(tensor(income), incomeGroups),
    gender: tensor(gender),
  }
}
const people = makePeople(isShort ? 96 : 1600, 1)
const others = makePeople(isShort ? 32 : 400, 3)

const model = makeModel()
model.summary()
const weights = model.getWeights()
model.compile({
  optimizer: 'rmsprop',
  loss: { age: 'mse', income: 'categorical_crossentropy', gender: 'binary_crossentropy' },
  lossWeights: { age: 0.25, income: 1, gender: 10 },
  metrics: { age: 'mae', income: 'accuracy', gender: 'accuracy' },
})
const { posts, ...targets } = people
const options = { batchSize: 32, shuffle: false, verbose: 2 } as const
const byName = await model.fit(posts, targets, { ...options, epochs: isShort ? 2 : 8 })

// The first epoch once more, everything in lists.
const again = makeModel()
again.setWeights(weights)
again.compile({ optimizer: 'rmsprop', loss: ['mse', 'categorical_crossentropy', 'binary_crossentropy'], lossWeights: [0.25, 1, 10] })
const byList = await again.fit(posts, [people.age, people.income, people.gender], { ...options, epochs: 1 })
const difference = Math.abs((byName.history.loss?.[0] as number) - (byList.history.loss?.[0] as number))
console.log(`\nThe first epoch's loss in lists and by name differs by ${difference}`)

const { posts: otherPosts, ...otherTargets } = others
const found = await model.evaluate(otherPosts, otherTargets, { returnDict: true, verbose: 0 })
console.log(`On ${otherPosts.shape[0]} others:`, found)

report({
  parameters: model.countParams(),
  firstLoss: byName.history.loss?.[0] as number,
  lastLoss: byName.history.loss?.at(-1) as number,
  differenceInLists: difference,
  ageError: found.age_mae as number,
  incomeAccuracy: found.income_accuracy as number,
  genderAccuracy: found.gender_accuracy as number,
})
