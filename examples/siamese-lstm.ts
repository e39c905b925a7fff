/**
 * One layer, two inputs: a siamese LSTM reads two sequences with the same weights and compares them.
 *
 * What to learn here:
 * - A layer called twice is still one layer: its weights are counted, trained and saved once (20,608 + 65 = 20,673).
 * - `summary` lists both inputs in the LSTM's row, and its two calls as `lstm[0][0]` and `lstm[1][0]`.
 * - The task (generated): in which of two noisy spectrograms does the tone rise faster?
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

/** Pairs of spectrograms of 10 frames and 128 bands, in each a tone that rises or falls, and whether the left one rises faster. */
function makePairs(count: number, seed: number, steps = 10): [left: Tensor, right: Tensor, risesFaster: Tensor] {
  const tones = random.uniform([2, count, 2], { seed }).dataSync()
  const noise = random.normal([2, count, steps, width], { seed: seed + 1 }).dataSync()
  const slopes: number[][] = [[], []]
  const side = (number: 0 | 1): Tensor => {
    const frames = Float32Array.from(noise.subarray(number * count * steps * width, (number + 1) * count * steps * width), (x) => 0.3 * x)
    for (let i = 0; i < count; i++) {
      const [start, slope] = [
        40 + 48 * (tones[(number * count + i) * 2] as number),
        8 * (tones[(number * count + i) * 2 + 1] as number) - 4,
      ]
      slopes[number]?.push(slope)
      for (let step = 0; step < steps; step++)
        for (let band = 0; band < width; band++)
          (frames[(i * steps + step) * width + band] as number) += Math.exp(-(((band - start - slope * step) / 4) ** 2))
    }
    return tensor(frames, [count, steps, width])
  }
  const [left, right] = [side(0), side(1)]
  const faster = Float32Array.from({ length: count }, (_, i) => Number((slopes[0]?.[i] as number) > (slopes[1]?.[i] as number)))
  return [left, right, tensor(faster, [count, 1])]
}
const [xLeft, xRight, y] = makePairs(isShort ? 600 : 4000, 1)
const [testLeft, testRight, testY] = makePairs(500, 3)

model.compile({ optimizer: 'adam', loss: 'binary_crossentropy', metrics: ['accuracy'] })
const { history } = await model.fit([xLeft, xRight], y, { epochs: isShort ? 3 : 15, batchSize: 64, verbose: 2 })
const { accuracy } = await model.evaluate({ left: testLeft, right: testRight }, testY, { returnDict: true, verbose: 0 })
console.log(`\nOn 500 new pairs: accuracy ${accuracy?.toFixed(3)} (by chance 0.5)`)

report({
  parameters: model.countParams(),
  calls: lstm.inboundNodes.length,
  firstLoss: history.loss?.[0] as number,
  lastLoss: history.loss?.at(-1) as number,
  testAccuracy: accuracy as number,
})
