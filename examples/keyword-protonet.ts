/**
 * Few-shot keyword spotting: a network that compares (prototypical networks, Snell et al. 2017) learns spoken words from one
 * recording each.
 *
 * What to learn here:
 * - An encoder as a graph: dilated residual convolutions along time, of 15 or 26 layers (counted as by Tang and Lin 2018:
 *   first convolution, two for each block, last convolution if any, and the comparison in the place of a classifier).
 * - A subclassed model around it, whose `call` takes two tensors and gives loss and accuracy: the distances of what is asked
 *   to the mean of each word's examples.
 * - Training in episodes, each a small task of its own: a function with a `GradientTape`, compiled by `jit`. It is handed
 *   only the numbers of the recordings, and picks their spectrograms on the backend.
 * - Tested on speakers that it has never heard, and on words that it has never heard.
 *
 * Options: --data FOLDER with the recordings of the Free Spoken Digit Dataset (else 34 of them are used), --episodes N,
 * --layers 26.
 */
import { GradientTape, Input, jit, layers, Model, metrics, ops, optimizers, type Tensor, tensor, utils } from 'ondol'
import { isShort, option, report } from './support/example.js'
import { loadRecordings } from './support/spoken-digits.js'

utils.setRandomSeed(1)

/** (time, bands, 1) → a vector. `blocks` is the number of residual blocks in each of the three stages. */
function makeEncoder(shape: readonly number[], depth: 15 | 26, filters = [16, 24, 32, 48], dilations = [1, 2, 4]): Model {
  const inputs = Input({ shape })
  let x = layers.conv2d(filters[0] as number, [3, 1])(inputs)
  for (const [i, dilation] of dilations.entries()) {
    const count = filters[i + 1] as number
    for (let block = 0; block < (depth === 15 ? 2 : 4); block++) {
      const along = { padding: 'same', dilationRate: [dilation, 1] } as const
      let y = layers.relu()(layers.batchNormalization()(layers.conv2d(count, [9, 1], along)(x)))
      y = layers.batchNormalization()(layers.conv2d(count, [9, 1], along)(y))
      const shortcut = block > 0 ? x : layers.relu()(layers.batchNormalization()(layers.conv2d(count, 1)(x)))
      x = layers.relu()(layers.add([y, shortcut]))
    }
  }
  if (depth === 15) x = layers.relu()(layers.batchNormalization()(layers.conv2d(48, [3, 1])(x)))
  return new Model({ inputs, outputs: layers.flatten()(layers.averagePooling2d([2, 1])(x)), name: `res${depth}` })
}

/** (ways, shots, …) examples and (ways, queries, …) questions → loss and accuracy. */
class Prototypical extends Model {
  constructor(readonly encoder: Model) {
    super({ name: 'prototypical' })
  }

  override call(support: Tensor, query: Tensor): [loss: Tensor, accuracy: Tensor] {
    const [ways, shots, ...shape] = support.shape as [number, number, ...number[]]
    const queries = query.shape[1] as number
    const z = this.encoder(ops.concatenate([support.reshape([-1, ...shape]), query.reshape([-1, ...shape])], { axis: 0 })) as Tensor
    const [examples, asked] = ops.split(z, [ways * shots], { axis: 0 }) as [Tensor, Tensor]
    const prototypes = ops.mean(examples.reshape([ways, shots, -1]), { axis: 1 })
    // Divided as attention does, lest long vectors make the softmax all or nothing.
    const squares = ops.square(ops.subtract(asked.expandDims(1), prototypes.expandDims(0)))
    const distances = ops.divide(ops.sum(squares, { axis: 2 }), Math.sqrt(z.shape[1] as number))
    const truth = ops.repeat(ops.arange(ways), queries)
    const loss = ops.mean(ops.sparseCategoricalCrossentropy(truth, ops.negative(distances), { fromLogits: true }))
    const right = ops.equal(ops.argmin(distances, { axis: 1 }), ops.cast(truth, 'int32'))
    return [loss, ops.mean(ops.cast(right, 'float32'))]
  }
}

// Two speakers, and the words from 7 on, are kept for the test.
const { features, digits, speakers } = await loadRecordings()
const names = [...new Set(speakers)].sort()
const heldOut = names.slice(isShort || names.length < 4 ? -1 : -2)
const knownSpeakers = names.filter((name) => !heldOut.includes(name))
const [knownWords, newWords] = [[...new Set(digits)].filter((digit) => digit < 7), [...new Set(digits)].filter((digit) => digit >= 7)]
console.log(
  `${digits.length} recordings ${JSON.stringify(features.shape.slice(1))}; ${knownSpeakers.join(', ')} to learn from, ${heldOut.join(', ')} for the test`,
)

const random = (
  (state) => () =>
    (state = (state * 16807) % 2147483647) / 2147483647
)(42)
const draw = <T>(from: readonly T[], count: number): T[] => {
  const left = [...from]
  return Array.from({ length: count }, () => left.splice(Math.floor(random() * left.length), 1)[0] as T)
}

/** Numbers of recordings: for each of `ways` words one example by the first speaker, and questions by the second. */
function makeEpisode(
  [teacher, asker = teacher]: readonly string[],
  words: readonly number[],
  ways: number,
): [support: Tensor, query: Tensor] {
  const takesOf = (word: number, speaker: string | undefined): number[] =>
    [...digits.keys()].filter((i) => digits[i] === word && speakers[i] === speaker)
  const [examples, questions]: [number[][], number[][]] = [[], []]
  for (const word of draw(words, ways)) {
    const [example] = draw(takesOf(word, teacher), 1)
    examples.push([example as number])
    questions.push(
      draw(
        takesOf(word, asker).filter((take) => take !== example),
        queries,
      ),
    )
  }
  return [tensor(examples, undefined, 'int32'), tensor(questions, undefined, 'int32')]
}

const [ways, queries] = [5, isShort ? 1 : 3]
const depth = option('layers') === '26' ? 26 : 15
const model = new Prototypical(makeEncoder(features.shape.slice(1), depth))
const parameters = ([15, 26] as const).map((layers) => makeEncoder(features.shape.slice(1), layers).countParams())
console.log(`Encoders: ${parameters[0]?.toLocaleString('en')} parameters with 15 layers, ${parameters[1]?.toLocaleString('en')} with 26`)
const optimizer = new optimizers.Adam({ learningRate: 0.001 })
const [trainLoss, trainAccuracy] = [new metrics.Mean({ name: 'train_loss' }), new metrics.Mean({ name: 'train_accuracy' })]

const trainStep = jit((support: Tensor, query: Tensor) => {
  using tape = new GradientTape()
  const [loss, accuracy] = model(ops.take(features, support, { axis: 0 }), ops.take(features, query, { axis: 0 }), { training: true })
  const gradients = tape.gradient(loss, model.trainableVariables)
  optimizer.applyGradients(model.trainableVariables.map((variable, i) => [gradients[i] as Tensor, variable]))
  trainLoss(loss)
  trainAccuracy(accuracy)
})
const testStep = jit((support: Tensor, query: Tensor) =>
  model(ops.take(features, support, { axis: 0 }), ops.take(features, query, { axis: 0 }), { training: false }),
)

/** Mean accuracy over many episodes with speakers that it has never heard. */
async function accuracyOn(pair: () => readonly string[], words: readonly number[], ways: number): Promise<number> {
  let sum = 0
  const episodes = isShort ? 10 : 200
  for (let i = 0; i < episodes; i++) sum += (await testStep(...makeEpisode(pair(), words, ways))[1].item()) / episodes
  return sum
}

const episodes = Number(option('episodes') ?? (isShort ? 40 : 300))
const block = episodes / 10
const losses: number[] = []
for (let episode = 1; episode <= episodes; episode++) {
  trainStep(...makeEpisode([...draw(knownSpeakers, 1), ...draw(knownSpeakers, 1)], knownWords, ways))
  if (episode % block > 0) continue
  losses.push(await trainLoss.result().item())
  console.log(`episode ${episode}: loss ${losses.at(-1)?.toFixed(4)}, accuracy ${(await trainAccuracy.result().item()).toFixed(3)}`)
  trainLoss.resetState()
  trainAccuracy.resetState()
}

const oneVoice = (): string[] => Array<string>(2).fill(draw(heldOut, 1)[0] as string)
const ownVoice = await accuracyOn(oneVoice, knownWords, ways)
const otherVoice = await accuracyOn(() => draw(heldOut, Math.min(2, heldOut.length)), knownWords, ways)
const newWordsFound = await accuracyOn(oneVoice, newWords, newWords.length)
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
console.log(`\nOne example of each of ${ways} words by speakers never heard (by chance ${percent(1 / ways)}):`)
console.log(`  asked by the same speaker ${percent(ownVoice)}, by another one ${percent(otherVoice)}`)
console.log(`${newWords.length} words never heard either: ${percent(newWordsFound)} (by chance ${percent(1 / newWords.length)})`)

report({
  parameters,
  firstLoss: losses[0] as number,
  lastLoss: losses.at(-1) as number,
  ownVoice,
  otherVoice,
  newWords: newWordsFound,
})
