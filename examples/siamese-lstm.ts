/**
 * One layer, two inputs: a siamese LSTM reads two sequences with the same weights and compares them.
 *
 * What to learn here:
 * - A layer called twice is still one layer: its weights are counted, trained and saved once (20,608 + 65 = 20,673).
 * - `summary` lists both inputs in the LSTM's row, and its two calls as `lstm[0][0]` and `lstm[1][0]`.
 * - The task (generated): are these two noisy recordings of the same wave, or of two?
 */
import { Input, layers, Model, random, type Tensor, tensor, utils } from 'ondol'
import { isShort, report } from './support/example.js'

utils.setRandomSeed(1)
const width = 128
const left = Input({ shape: [null, width], name: 'left' })
const right = Input({ shape: [null, width], name: 'right' })
const lstm = layers.lstm(32)
const [encodedLeft, encodedRight] = [lstm(left), lstm(right)]
const merged = layers.concatenate([encodedLeft, encodedRight], { axis: -1 })
const model = new Model({ inputs: [left, right], outputs: layers.dense(1, { activation: 'sigmoid' })(merged) })
model.summary()

/** Pairs of `steps` frames of 128: waves of up or down, with noise; half of the pairs go the same way. */
function makePairs(count: number, seed: number, steps = 6): [left: Tensor, right: Tensor, areAlike: Tensor] {
  const noise = random.normal([2, count, steps, width], { seed }).dataSync()
  const ways = random.uniform([2, count], { seed: seed + 1 }).dataSync()
  const side = (number: 0 | 1): Tensor => {
    const frames = new Float32Array(count * steps * width)
    for (let i = 0; i < frames.length; i++) {
      const [sample, step, place] = [Math.floor(i / steps / width), Math.floor(i / width) % steps, i % width]
      const way = (ways[number * count + sample] as number) < 0.5 ? 1 : -1
      frames[i] = Math.sin((place + 10 * way * step) / 10) + 0.5 * (noise[number * frames.length + i] as number)
    }
    return tensor(frames, [count, steps, width])
  }
  const alike = Float32Array.from({ length: count }, (_, i) => Number((ways[i] as number) < 0.5 === (ways[count + i] as number) < 0.5))
  return [side(0), side(1), tensor(alike, [count, 1])]
}
const [xLeft, xRight, y] = makePairs(isShort ? 600 : 3000, 1)
const [testLeft, testRight, testY] = makePairs(500, 3)

model.compile({ optimizer: 'adam', loss: 'binary_crossentropy', metrics: ['accuracy'] })
const { history } = await model.fit([xLeft, xRight], y, { epochs: isShort ? 2 : 30, batchSize: 64, verbose: 2 })
const { accuracy } = await model.evaluate({ left: testLeft, right: testRight }, testY, { returnDict: true, verbose: 0 })
console.log(`\nOn 500 new pairs: accuracy ${accuracy?.toFixed(3)} (by chance 0.5)`)

report({
  parameters: model.countParams(),
  calls: lstm.inboundNodes.length,
  firstLoss: history.loss?.[0] as number,
  lastLoss: history.loss?.at(-1) as number,
  testAccuracy: accuracy as number,
})
