// When Keras calls the hooks of callbacks, with what, and what its own callbacks say.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { callbacks, Input, layers, metrics, Sequential, type Tensor, tensor, utils } from '../index.js'

beforeEach(() => utils.clearSession())
afterEach(() => vi.restoreAllMocks())

const silent = { verbose: 0 } as const
const x = Array.from({ length: 6 }, (_, i) => [(2 * i) / 10, (2 * i + 1) / 10])
const y = x.map(([a, b]) => [(a as number) + (b as number)])

function model(options: object = {}): Sequential {
  const own = new Sequential([Input({ shape: [2] }), layers.dense(1)])
  own.compile({ optimizer: 'sgd', loss: 'mse', ...options })
  return own
}

const HOOKS = ['Train', 'Test', 'Predict'].flatMap((phase) => [
  `on${phase}Begin`,
  `on${phase}BatchBegin`,
  `on${phase}BatchEnd`,
  `on${phase}End`,
])

/** Writes down every call: hook, number, keys of the logs. */
class Recorder extends callbacks.Callback {
  readonly calls: string[] = []
  constructor() {
    super()
    for (const hook of [...HOOKS, 'onEpochBegin', 'onEpochEnd']) {
      const record = (...args: unknown[]): void => {
        const logs = args.at(-1)
        const keys = typeof logs === 'object' && logs !== null ? Object.keys(logs) : []
        this.calls.push([hook, ...args.filter((value) => typeof value === 'number'), ...keys].join(' '))
      }
      Object.defineProperty(this, hook, { value: record })
    }
  }
}

const printed = (): { readonly text: string } => {
  const found = { text: '' }
  vi.spyOn(process.stdout, 'write').mockImplementation((part) => {
    found.text += String(part)
    return true
  })
  return found
}

describe('hooks', () => {
  it('of fit with validation come in the order of Keras', async () => {
    const recorder = new Recorder()
    await model({ metrics: ['mae'] }).fit(x, y, { ...silent, batchSize: 3, validationData: [x, y], callbacks: [recorder] })
    expect(recorder.calls).toEqual([
      'onTrainBegin',
      'onEpochBegin 0',
      'onTrainBatchBegin 0',
      'onTrainBatchEnd 0 loss mae',
      'onTrainBatchBegin 1',
      'onTrainBatchEnd 1 loss mae',
      'onTestBegin',
      'onTestBatchBegin 0',
      'onTestBatchEnd 0 loss mae',
      'onTestBatchBegin 1',
      'onTestBatchEnd 1 loss mae',
      'onTestEnd loss mae',
      'onEpochEnd 0 loss mae val_loss val_mae',
      'onTrainEnd loss mae val_loss val_mae',
    ])
  })

  it('of evaluate and predict come in the order of Keras', async () => {
    const [own, recorder] = [model({ metrics: ['mae'] }), new Recorder()]
    await own.evaluate(x, y, { ...silent, batchSize: 3, callbacks: [recorder] })
    await own.predict(x, { ...silent, batchSize: 6, callbacks: [recorder] })
    expect(recorder.calls).toEqual([
      'onTestBegin',
      'onTestBatchBegin 0',
      'onTestBatchEnd 0 loss mae',
      'onTestBatchBegin 1',
      'onTestBatchEnd 1 loss mae',
      'onTestEnd loss mae',
      'onPredictBegin',
      'onPredictBatchBegin 0',
      'onPredictBatchEnd 0 outputs',
      'onPredictEnd',
    ])
  })

  it('of executions of several steps tell the first and the last', async () => {
    const recorder = new Recorder()
    await model({ stepsPerExecution: 2 }).fit(x, y, { ...silent, batchSize: 1, callbacks: [recorder] })
    expect(recorder.calls.filter((call) => call.includes('Batch'))).toEqual([
      'onTrainBatchBegin 0',
      'onTrainBatchEnd 1 loss',
      'onTrainBatchBegin 2',
      'onTrainBatchEnd 3 loss',
      'onTrainBatchBegin 4',
      'onTrainBatchEnd 5 loss',
    ])
  })

  it('are given the outputs of predict', async () => {
    let shape: readonly number[] = []
    const look = new callbacks.LambdaCallback({
      onPredictBatchEnd: (_: number, { outputs }: { outputs: unknown }) => {
        shape = (outputs as Tensor).shape
      },
    } as never)
    await model().predict(x, { ...silent, callbacks: [look] })
    expect(shape).toEqual([6, 1])
  })

  it('have aliases for training batches, and may be asynchronous', async () => {
    const seen: string[] = []
    class Old extends callbacks.Callback {
      override onBatchBegin(batch: number): void {
        seen.push(`begin ${batch}`)
      }
      override async onBatchEnd(batch: number): Promise<void> {
        await Promise.resolve()
        seen.push(`end ${batch}`)
      }
    }
    await model().fit(x, y, { ...silent, batchSize: 3, callbacks: [new Old()] })
    expect(seen).toEqual(['begin 0', 'end 0', 'begin 1', 'end 1'])
  })

  it('know the model and the parameters of the run', async () => {
    const seen: unknown[] = []
    class Look extends callbacks.Callback {
      override onTrainBegin(): void {
        seen.push(this.params, this.model)
      }
    }
    const own = model()
    await own.fit(x, y, { ...silent, batchSize: 4, epochs: 2, callbacks: [new Look()] })
    expect(seen[0]).toEqual({ verbose: 0, epochs: 2, steps: 2 })
    expect(seen[1]).toBe(own)
  })

  it('of the user come before History, which sees what they add', async () => {
    class Add extends callbacks.Callback {
      override onEpochEnd(epoch: number, logs: callbacks.Logs): void {
        logs.extra = epoch
      }
    }
    const { history } = await model().fit(x, y, { ...silent, epochs: 2, callbacks: [new Add()] })
    expect(history.extra).toEqual([0, 1])
  })

  it('sort what is reported: everything measured, then what callbacks add', async () => {
    const own = model({ metrics: ['mae', 'mse'], weightedMetrics: ['mae'] })
    const rate = new callbacks.LearningRateScheduler((_, current) => current)
    const { history } = await own.fit(x, y, { ...silent, sampleWeight: [1, 1, 1, 1, 1, 1], validationData: [x, y], callbacks: [rate] })
    const measured = ['loss', 'mae', 'mse', 'val_loss', 'val_mae', 'val_mse', 'val_weighted_mae', 'weighted_mae']
    expect(Object.keys(history)).toEqual([...measured, 'learning_rate'])
  })

  it('end training when they set stopTraining, after the batch', async () => {
    const recorder = new Recorder()
    const stop = new callbacks.LambdaCallback({ onTrainBatchEnd: () => void (own.stopTraining = true) })
    const own = model()
    await own.fit(x, y, { ...silent, batchSize: 2, epochs: 3, callbacks: [recorder, stop] })
    expect(recorder.calls.filter((call) => /Epoch|TrainEnd|BatchEnd/.test(call))).toEqual([
      'onEpochBegin 0',
      'onTrainBatchEnd 0 loss',
      'onEpochEnd 0 loss',
      'onTrainEnd loss',
    ])
  })
})

/** A model whose loss in each epoch is given. */
async function scripted(
  losses: readonly number[],
  own: callbacks.Callback,
  options: object = {},
): Promise<{ model: Sequential; epochs: number }> {
  const line = new Sequential([Input({ shape: [1] }), layers.dense(1, { useBias: false, kernelInitializer: 'zeros' })])
  line.compile({ optimizer: 'sgd', loss: 'mae', metrics: ['mae'], ...options })
  line.optimizer!.learningRate = 2 ** -60
  const script = new callbacks.LambdaCallback({ onEpochBegin: (epoch) => line.setWeights([tensor([[losses[epoch] as number]])]) })
  const { epoch } = await line.fit([[1]], [[0]], { ...silent, epochs: losses.length, callbacks: [script, own] })
  return { model: line, epochs: epoch.length }
}

describe('EarlyStopping', () => {
  it.each([
    ['counts from the last improvement', { patience: 2 }, [3, 2, 2.5, 1.5, 1.6, 1.7, 1], 6],
    ['stops at patience', { patience: 1 }, [1, 2, 0.5], 2],
    ['never stops in the first epoch', { patience: 0 }, [1, 2, 0.5], 2],
    ['wants more than minDelta', { patience: 1, minDelta: 0.5 }, [3, 2.8, 2], 2],
    ['takes minDelta as a size, whatever its sign', { patience: 1, minDelta: -0.5 }, [3, 2.8, 2], 2],
    ['waits for what beats the baseline', { patience: 2, baseline: 1 }, [3, 2, 2.5, 0.5], 3],
    ['begins where it is told', { patience: 1, startFromEpoch: 2 }, [1, 2, 3, 4, 5], 4],
    ['follows a maximum', { patience: 1, mode: 'max' as const }, [1, 2, 3, 2.9, 5], 4],
  ])('%s', async (_, options, losses, epochs) => {
    expect((await scripted(losses, new callbacks.EarlyStopping({ monitor: 'loss', ...options }))).epochs).toBe(epochs)
  })

  it('restores the best weights, stopped or not, and says so', async () => {
    const output = printed()
    const stopped = await scripted(
      [2, 1, 3],
      new callbacks.EarlyStopping({ monitor: 'loss', patience: 1, restoreBestWeights: true, verbose: 1 }),
    )
    expect(stopped.model.weights[0]!.dataSync()[0]).toBeCloseTo(1)
    expect(output.text).toContain('Epoch 3: early stopping\nRestoring model weights from the end of the best epoch: 2.')
    const ended = await scripted([2, 1, 3], new callbacks.EarlyStopping({ monitor: 'loss', patience: 9, restoreBestWeights: true }))
    expect(ended.model.weights[0]!.dataSync()[0]).toBeCloseTo(1)
  })

  it('warns of what is not reported', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    await scripted([1], new callbacks.EarlyStopping({ monitor: 'val_acc', mode: 'max' }))
    expect(warn.mock.calls.flat().join()).toMatch(/val_acc[\s\S]*not (available|reported)[\s\S]*loss, ?mae/)
  })

  it('asks metrics which way is better, and the user where they do not know', async () => {
    class Mine extends metrics.Metric {
      override readonly updateState = (): void => undefined
      override result(): Tensor {
        return tensor(0)
      }
    }
    const early = new callbacks.EarlyStopping({ monitor: 'mine' })
    await expect(scripted([1, 2], early, { metrics: [new Mine({ name: 'mine' })] })).rejects.toThrow(/mode/)
  })
})

describe('learning rates', () => {
  it('ReduceLROnPlateau reduces, cools down, stops at the least, and says so', async () => {
    const output = printed()
    const own = model()
    own.optimizer!.learningRate = 0.5
    const plateau = new callbacks.ReduceLROnPlateau({
      monitor: 'loss',
      patience: 1,
      factor: 0.5,
      minDelta: 100,
      verbose: 1,
      cooldown: 1,
      minLr: 0.2,
    })
    const { history } = await own.fit(x, y, { ...silent, epochs: 6, callbacks: [plateau] })
    expect(output.text).toContain('Epoch 2: ReduceLROnPlateau reducing learning rate to 0.25.')
    const rates = history.learning_rate as number[]
    expect(rates.map((rate) => Math.round(rate * 1000) / 1000)).toEqual([0.5, 0.5, 0.25, 0.2, 0.2, 0.2])
  })

  it('LearningRateScheduler gives each epoch its rate, and says so', async () => {
    const output = printed()
    const own = model()
    own.optimizer!.learningRate = 0.125
    const { history } = await own.fit(x, y, {
      ...silent,
      epochs: 2,
      callbacks: [new callbacks.LearningRateScheduler((_, rate) => rate / 2, { verbose: 1 })],
    })
    expect(history.learning_rate).toEqual([0.0625, 0.03125])
    expect(output.text).toContain('Epoch 1: LearningRateScheduler setting learning rate to 0.0625.')
    const wrong = new callbacks.LearningRateScheduler(() => 'fast' as never)
    await expect(own.fit(x, y, { ...silent, callbacks: [wrong] })).rejects.toThrow(/number/)
  })
})

describe('TerminateOnNaN', () => {
  it('stops at the batch, and says so', async () => {
    const output = printed()
    const own = model()
    await own.fit(x, [[1], [1], [Number.NaN], [1], [1], [1]], {
      ...silent,
      batchSize: 2,
      shuffle: false,
      callbacks: [new callbacks.TerminateOnNaN()],
    })
    expect(output.text).toContain('Batch 1: Invalid loss, terminating training')
    expect(await own.optimizer!.iterations.item()).toBe(2)
  })
})
