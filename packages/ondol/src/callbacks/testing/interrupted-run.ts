// A program that trains with BackupAndRestore, to be killed and started again by a test. It tells on standard output
// what it does, and at the end, as JSON, all it has come to. Arguments: backend, folder, saveFreq, doubleCheckpoint.
import { platform } from '#platform'
import { setBackend } from '../../backends/load.js'
import type { Variable } from '../../engine/index.js'
import * as layers from '../../layers/index.js'
import { Model } from '../../models/index.js'
import * as random from '../../ops/random.js'
import { Adam } from '../../optimizers/index.js'
import { setRandomSeed } from '../../utils/index.js'
import * as callbacks from '../index.js'

const [backend, folder, saveFreq, isDouble] = process.argv.slice(2) as ['native' | 'wasm', string, string, string]
const say = (text: string): boolean => process.stdout.write(`${text}\n`)
const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

// Writing takes long enough to be killed in the middle of it.
const { writeParts } = platform
Object.assign(platform, {
  writeParts: async (path: string, write: Parameters<typeof writeParts>[1]) => {
    let parts = 0
    await writeParts(path, (sink) =>
      write({
        write: async (bytes) => {
          await sink.write(bytes)
          if (parts++ % 16 > 0) return
          say('writing')
          await pause(1)
        },
      }),
    )
    say('written')
  },
})

await setBackend(backend)
setRandomSeed(11)
const samples = 60
const points = await random.normal([samples, 6]).data()
const x = Array.from({ length: samples }, (_, i) => Array.from({ length: 6 }, (_, j) => points[6 * i + j] as number))
const y = x.map((row) => [row.reduce((sum, value, j) => sum + value * (j - 2), 0)])

const input = layers.Input({ shape: [6] })
const hidden = layers.dropout(0.3)(layers.batchNormalization()(layers.dense(8, { activation: 'tanh' })(input)))
const outputs = { sum: layers.dense(1, { name: 'sum' })(hidden), same: layers.dense(6, { name: 'same' })(hidden) }
const model = new Model({ inputs: input, outputs })
model.compile({
  optimizer: new Adam({ learningRate: 0.02, useEma: true }),
  loss: { sum: 'mse', same: 'mae' },
  metrics: { sum: ['mae'], same: ['mse'] },
})

/** Uses the global generator, and gives the killer time. */
class Noise extends callbacks.Callback {
  readonly numbers: number[] = []
  override async onEpochEnd(epoch: number): Promise<void> {
    this.numbers.push(await random.uniform([]).item())
    say(`epoch ${epoch}`)
  }
  override getState(): callbacks.CallbackState {
    return this.numbers
  }
  override setState(state: callbacks.CallbackState): void {
    this.numbers.splice(0, this.numbers.length, ...(state as number[]))
  }
}
class Slow extends callbacks.Callback {
  override get batchLogs(): 'never' {
    return 'never'
  }
  override async onTrainBatchEnd(batch: number): Promise<void> {
    say(`batch ${batch}`)
    await pause(0.2)
  }
}

const noise = new Noise()
const { history, epoch } = await model.fit(
  x,
  { sum: y, same: x },
  {
    epochs: 6,
    batchSize: 8,
    validationSplit: 0.2,
    verbose: 0,
    callbacks: [
      new callbacks.BackupAndRestore(`${folder}/backup`, {
        saveFreq: saveFreq === 'epoch' ? 'epoch' : Number(saveFreq),
        doubleCheckpoint: isDouble === 'double',
      }),
      new callbacks.LearningRateScheduler((_, rate) => rate * 0.9),
      new callbacks.ReduceLROnPlateau({ monitor: 'val_sum_mae', patience: 1, minDelta: 0.5, factor: 0.5, cooldown: 1 }),
      new callbacks.EarlyStopping({ monitor: 'val_sum_loss', patience: 4, restoreBestWeights: true }),
      new callbacks.SwapEMAWeights({ swapOnEpoch: true }),
      new callbacks.CSVLogger(`${folder}/log.csv`),
      noise,
      new Slow(),
    ],
  },
)

const bytesOf = async (variable: Variable): Promise<string> => {
  const { buffer, byteOffset, byteLength } = await variable.data()
  return Buffer.from(buffer, byteOffset, byteLength).toString('hex')
}
const all = (variables: readonly Variable[]): Promise<string[]> => Promise.all(variables.map(bytesOf))
const predictions = (await model.predict(x)) as Record<string, { array(): Promise<unknown> }>
const result = {
  history,
  epoch,
  numbers: noise.numbers,
  variables: await all(model.variables),
  optimizer: await all(model.optimizer?.variables ?? []),
  predictions: await Promise.all(Object.values(predictions).map((tensor) => tensor.array())),
  next: await random.uniform([3]).array(),
  log: new TextDecoder().decode(await platform.readFile(`${folder}/log.csv`)),
  left: await platform.listFolder(`${folder}/backup`),
}
say(`result ${JSON.stringify(result)}`)
process.exit(0)
