/**
 * What happens while a model learns: smaller steps when it stands still, an end in time, the best state kept.
 *
 * What to learn here:
 * - `ReduceLROnPlateau` divides the learning rate when the validation stops getting better; `EarlyStopping` ends training
 *   and goes back to the best weights; `ModelCheckpoint` has saved them.
 * - A callback of one's own overrides the hooks it needs, and may use the model.
 * - A saved model is loaded again and is as good.
 */
import { mkdir } from 'node:fs/promises'
import { callbacks, Input, layers, loadModel, type Model, Sequential, type Tensor, utils } from 'ondol'
import { loadClothes } from './support/clothes.js'
import { isShort, report } from './support/example.js'

utils.setRandomSeed(1)

/** Keeps a diary: the learning rate of each epoch, batches, and how far the weights of a layer have moved. */
class Diary extends callbacks.Callback {
  readonly rates: number[] = []
  batches = 0
  began = 0

  constructor(readonly write: (line: string) => void) {
    super()
  }

  /** Counting needs no logs, so training need not wait for them. */
  override get batchLogs(): 'never' {
    return 'never'
  }

  override onTrainBegin(): void {
    this.write(`${this.params.epochs} epochs of ${this.params.steps} steps at most`)
  }

  override onEpochBegin(): void {
    this.began = performance.now()
  }

  override onBatchEnd(): void {
    this.batches++
  }

  override onEpochEnd(epoch: number, logs: callbacks.Logs): void {
    const rate = this.model.optimizer?.learningRate as Tensor
    this.rates.push(Number(rate.dataSync()[0]))
    const seconds = ((performance.now() - this.began) / 1000).toFixed(0)
    this.write(
      `epoch ${epoch + 1}: ${seconds} s, rate ${this.rates.at(-1)?.toPrecision(1)}, acc ${logs.acc?.toFixed(4)}, val_acc ${logs.val_acc?.toFixed(4)}`,
    )
  }

  override onTrainEnd(): void {
    this.write(`${this.batches} batches in all`)
  }
}

const relu = { activation: 'relu', padding: 'same' } as const
const model = new Sequential([
  Input({ shape: [28, 28, 1] }),
  layers.conv2d(32, 3, relu),
  layers.batchNormalization(),
  layers.maxPooling2d(),
  layers.conv2d(64, 3, relu),
  layers.batchNormalization(),
  layers.maxPooling2d(),
  layers.conv2d(128, 3, relu),
  layers.batchNormalization(),
  layers.flatten(),
  layers.dropout(0.4),
  layers.dense(128, { activation: 'relu' }),
  layers.dropout(0.4),
  layers.dense(10, { activation: 'softmax' }),
])
model.compile({ optimizer: 'adam', loss: 'sparse_categorical_crossentropy', metrics: ['acc'] })

const { train, test } = await loadClothes(isShort ? { train: 1000, test: 300 } : {})
await mkdir('build/examples', { recursive: true })
const bestFile = 'build/examples/learning-rate.keras'
const diary = new Diary(console.log)
const { history } = await model.fit(train.x, train.y, {
  epochs: isShort ? 4 : 10,
  batchSize: 128,
  validationSplit: 0.1,
  verbose: 0,
  callbacks: [
    new callbacks.ReduceLROnPlateau({
      monitor: 'val_acc',
      factor: 0.1,
      patience: 1,
      minDelta: isShort ? 1 : 0.001,
      verbose: 1,
    }),
    new callbacks.EarlyStopping({ monitor: 'val_acc', patience: 3, restoreBestWeights: true, verbose: 1 }),
    new callbacks.ModelCheckpoint(bestFile, { monitor: 'val_acc', saveBestOnly: true }),
    diary,
  ],
})

const { acc } = await model.evaluate(test.x, test.y, { returnDict: true, verbose: 0, batchSize: 500 })
const saved = (await loadModel(bestFile)) as Model
const again = await saved.evaluate(test.x, test.y, { returnDict: true, verbose: 0, batchSize: 500 })
console.log(`\nOn ${test.y.shape[0]} pictures that it has never seen: ${acc?.toFixed(4)}; the saved model: ${again.acc?.toFixed(4)}`)

report({
  epochs: diary.rates.length,
  batches: diary.batches,
  firstRate: diary.rates[0] as number,
  lastRate: diary.rates.at(-1) as number,
  bestValidation: Math.max(...(history.val_acc as number[])),
  testAccuracy: acc as number,
  savedAccuracy: again.acc as number,
})
