import { beforeAll, describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { type Tensor, tensor, useBackend } from '../engine/index.js'
import * as layers from '../layers/index.js'
import { Sequential } from '../models/index.js'
import {
  Callback,
  CallbackList,
  CSVLogger,
  History,
  LambdaCallback,
  type Logs,
  type PredictLogs,
  ProgbarLogger,
  type SaveFrequency,
} from './index.js'
import { SaveSchedule } from './save-frequency.js'

beforeAll(() => useBackend(createHostBackend()))

function makeModel(stepsPerExecution = 1): Sequential {
  const model = new Sequential([layers.Input({ shape: [1] }), layers.dense(1, { useBias: false, kernelInitializer: 'ones' })])
  model.compile({ optimizer: 'sgd', loss: 'mae', metrics: ['mse'], stepsPerExecution })
  model.optimizer!.learningRate = 0
  return model
}

const x = [[1], [2], [3], [4], [5]]
const y = [[0], [0], [0], [0], [0]]
const quiet = { verbose: 0, batchSize: 2 } as const

/** Writes down which hook is called with what. */
class Recorder extends Callback {
  readonly calls: string[] = []
  #note(hook: string, ...args: unknown[]): void {
    this.calls.push([hook, ...args.map((arg) => (typeof arg === 'object' ? Object.keys(arg as object).join('+') : String(arg)))].join(' '))
  }
  override onTrainBegin(logs: Logs): void {
    this.#note('trainBegin', logs)
  }
  override onTrainEnd(logs: Logs): void {
    this.#note('trainEnd', logs)
  }
  override onEpochBegin(epoch: number, logs: Logs): void {
    this.#note('epochBegin', epoch, logs)
  }
  override onEpochEnd(epoch: number, logs: Logs): void {
    this.#note('epochEnd', epoch, logs)
  }
  override onTrainBatchBegin(batch: number, logs: Logs): void {
    this.#note('batchBegin', batch, logs)
  }
  override onTrainBatchEnd(batch: number, logs: Logs): void {
    this.#note('batchEnd', batch, logs)
  }
  override onTestBegin(logs: Logs): void {
    this.#note('testBegin', logs)
  }
  override onTestEnd(logs: Logs): void {
    this.#note('testEnd', logs)
  }
  override onTestBatchBegin(batch: number, logs: Logs): void {
    this.#note('testBatchBegin', batch, logs)
  }
  override onTestBatchEnd(batch: number, logs: Logs): void {
    this.#note('testBatchEnd', batch, logs)
  }
  override onPredictBegin(logs: Logs): void {
    this.#note('predictBegin', logs)
  }
  override onPredictEnd(logs: Logs): void {
    this.#note('predictEnd', logs)
  }
  override onPredictBatchBegin(batch: number, logs: Logs): void {
    this.#note('predictBatchBegin', batch, logs)
  }
  override onPredictBatchEnd(batch: number, logs: PredictLogs): void {
    this.#note('predictBatchEnd', batch, logs)
  }
}

describe('hooks', () => {
  it("come in Keras's order, with what Keras gives them", async () => {
    const recorder = new Recorder()
    await makeModel().fit(x.slice(0, 3), y.slice(0, 3), {
      ...quiet,
      epochs: 2,
      validationData: [[[1]], [[0]]],
      validationFreq: 2,
      callbacks: [recorder],
    })
    expect(recorder.calls).toEqual([
      'trainBegin ',
      'epochBegin 0 ',
      'batchBegin 0 ',
      'batchEnd 0 loss+mse',
      'batchBegin 1 ',
      'batchEnd 1 loss+mse',
      'epochEnd 0 loss+mse',
      'epochBegin 1 ',
      'batchBegin 0 ',
      'batchEnd 0 loss+mse',
      'batchBegin 1 ',
      'batchEnd 1 loss+mse',
      'testBegin ',
      'testBatchBegin 0 ',
      'testBatchEnd 0 loss+mse',
      'testEnd loss+mse',
      'epochEnd 1 loss+mse+val_loss+val_mse',
      'trainEnd loss+mse+val_loss+val_mse',
    ])
  })

  it('come with evaluate and predict, whose batches tell their outputs', async () => {
    const recorder = new Recorder()
    const model = makeModel()
    await model.evaluate(x.slice(0, 3), y.slice(0, 3), { ...quiet, callbacks: [recorder] })
    expect(recorder.calls).toEqual([
      'testBegin ',
      'testBatchBegin 0 ',
      'testBatchEnd 0 loss+mse',
      'testBatchBegin 1 ',
      'testBatchEnd 1 loss+mse',
      'testEnd loss+mse',
    ])
    recorder.calls.length = 0
    const seen: unknown[] = []
    const looker = new LambdaCallback({ onPredictBatchEnd: async (_, { outputs }) => void seen.push(await (outputs as Tensor).array()) })
    await model.predict(x.slice(0, 3), { ...quiet, callbacks: [recorder, looker] })
    expect(recorder.calls).toEqual([
      'predictBegin ',
      'predictBatchBegin 0 ',
      'predictBatchEnd 0 outputs',
      'predictBatchBegin 1 ',
      'predictBatchEnd 1 outputs',
      'predictEnd ',
    ])
    expect(seen).toEqual([[[1], [2]], [[3]]])
  })

  it('give the first batch of an execution at its begin, the last at its end', async () => {
    const recorder = new Recorder()
    await makeModel(2).fit(x, y, { verbose: 0, batchSize: 1, callbacks: [recorder] })
    expect(recorder.calls.filter((call) => call.startsWith('batch')).map((call) => call.slice(0, 12))).toEqual([
      'batchBegin 0',
      'batchEnd 1 l',
      'batchBegin 2',
      'batchEnd 3 l',
      'batchBegin 4',
      'batchEnd 4 l',
    ])
  })

  it('give running means', async () => {
    const losses: number[] = []
    await makeModel().fit(x, y, {
      ...quiet,
      shuffle: false,
      callbacks: [new LambdaCallback({ onBatchEnd: (_, { loss }) => void losses.push(loss!) })],
    })
    expect(losses).toEqual([1.5, 2.5, 3])
  })

  it('are called with no logs, and nothing waits, where a callback wants none', async () => {
    class Count extends Callback {
      readonly seen: string[] = []
      override get batchLogs(): 'never' {
        return 'never'
      }
      override onBatchEnd(batch: number, logs: Logs): void {
        this.seen.push(`${batch} ${Object.keys(logs).length}`)
      }
    }
    const count = new Count()
    await makeModel().fit(x, y, { ...quiet, callbacks: [count] })
    expect(count.seen).toEqual(['0 0', '1 0', '2 0'])
    const [again, curious] = [new Count(), new Recorder()]
    await makeModel().fit(x, y, { ...quiet, callbacks: [again, curious] })
    expect(again.seen).toHaveLength(3)
  })

  it('are awaited, one callback after the other', async () => {
    const order: string[] = []
    const slow = (name: string): Callback =>
      new LambdaCallback({
        onEpochEnd: async () => {
          order.push(`${name} begins`)
          await new Promise((resolve) => setTimeout(resolve, 2))
          order.push(`${name} ends`)
        },
      })
    await makeModel().fit(x, y, { ...quiet, callbacks: [slow('a'), slow('b')] })
    expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends'])
  })

  it.each([
    'onTrainBegin',
    'onEpochBegin',
    'onTrainBatchBegin',
    'onTrainBatchEnd',
    'onTestBegin',
    'onTestBatchEnd',
    'onEpochEnd',
    'onTrainEnd',
  ] as const)('that throw in %s end fit with their error, and leave the model as it was', async (hook) => {
    const model = makeModel()
    const failing = new LambdaCallback({
      [hook]: () => {
        throw new RangeError('enough')
      },
    })
    const options = { ...quiet, validationData: [x, y] as const }
    await expect(model.fit(x, y, { ...options, callbacks: [failing] })).rejects.toThrow(new RangeError('enough'))
    const rejecting = new LambdaCallback({ [hook]: () => Promise.reject(new RangeError('enough')) })
    await expect(model.fit(x, y, { ...options, callbacks: [rejecting] })).rejects.toThrow(new RangeError('enough'))
    expect((await model.fit(x, y, options)).history).toMatchObject({ loss: [3], val_loss: [3] })
    expect(await ((await model.predict([[7]], { verbose: 0 })) as Tensor).array()).toEqual([[7]])
  })

  it('may evaluate the model, and predict', async () => {
    const model = makeModel()
    const seen: unknown[] = []
    const look = new LambdaCallback({
      onEpochEnd: async () => {
        seen.push(
          await model.evaluate([[4]], [[0]], { verbose: 0 }),
          await ((await model.predict([[6]], { verbose: 0 })) as Tensor).array(),
        )
      },
      onTrainBatchEnd: async () => void seen.push(await ((await model.predict([[8]], { verbose: 0 })) as Tensor).array()),
    })
    const { history } = await model.fit(x, y, { ...quiet, epochs: 2, validationData: [x, y], callbacks: [look] })
    expect(history).toEqual({ loss: [3, 3], mse: [11, 11], val_loss: [3, 3], val_mse: [11, 11] })
    expect(seen.slice(0, 5)).toEqual([[[8]], [[8]], [[8]], [4, 16], [[6]]])
  })

  it('may not begin what would disturb the run that called them', async () => {
    const model = makeModel()
    const refused = async (
      callback: Callback,
      run: () => Promise<unknown> = () => model.fit(x, y, { ...quiet, validationData: [x, y], callbacks: [callback] }),
    ) => {
      await expect(run()).rejects.toThrow(/busy/)
    }
    await refused(new LambdaCallback({ onEpochEnd: async () => void (await model.fit(x, y, quiet)) }))
    await refused(new LambdaCallback({ onTestBatchEnd: async () => void (await model.evaluate(x, y, quiet)) }))
    await refused(
      new LambdaCallback({ onEpochEnd: async () => void (await Promise.all([model.predict(x, quiet), model.predict(x, quiet)])) }),
    )
    const nested = new LambdaCallback({ onPredictBatchEnd: async () => void (await model.predict(x, quiet)) })
    await refused(nested, () => model.predict(x, { ...quiet, callbacks: [nested] }))
  })
})

describe('Callback', () => {
  it('forwards the hooks of training batches to their old names', () => {
    const calls: string[] = []
    class Old extends Callback {
      override onBatchBegin(batch: number): void {
        calls.push(`begin ${batch}`)
      }
      override onBatchEnd(batch: number, { loss }: Logs): void {
        calls.push(`end ${batch} ${loss}`)
      }
    }
    const old = new Old()
    old.onTrainBatchBegin(3, {})
    old.onTrainBatchEnd(3, { loss: 2 })
    expect(calls).toEqual(['begin 3', 'end 3 2'])
    const list = new CallbackList([old])
    expect([list.wants('onTrainBatchBegin'), list.wants('onTrainBatchEnd'), list.wants('onTestBatchEnd')]).toEqual([true, true, false])
  })

  it('knows its model and the parameters of the run', async () => {
    const callback = new Callback()
    const model = makeModel()
    await model.fit(x, y, { ...quiet, epochs: 3, callbacks: [callback] })
    expect(callback.model).toBe(model)
    expect(callback.params).toEqual({ verbose: 0, epochs: 3, steps: 3 })
    await model.fit(
      function* () {
        yield [x, y]
      } as never,
      null,
      { verbose: 0, callbacks: [callback] },
    )
    expect(callback.params.steps).toBe(1)
  })
})

describe('LambdaCallback', () => {
  it('knows hooks from typing errors', () => {
    expect(() => new LambdaCallback({ onEpochEnds: () => undefined } as never)).toThrow(
      /no hook 'onEpochEnds'[\s\S]*did you mean 'onEpochEnd'/,
    )
    expect(new LambdaCallback({ onEpochEnd: undefined }).onEpochEnd).toBe(Callback.prototype.onEpochEnd)
  })
})

describe('History', () => {
  it("is fit's result, the model's, and knows the run", async () => {
    const model = makeModel()
    const history = await model.fit(x, y, { ...quiet, epochs: 2 })
    expect(model.history).toBe(history)
    expect([history.epoch, history.params]).toEqual([[0, 1], { verbose: 0, epochs: 2, steps: 3 }])
  })

  it('can be given; used again, it begins again', async () => {
    const own = new History()
    const model = makeModel()
    for (const epochs of [2, 1]) expect(await model.fit(x, y, { ...quiet, epochs, callbacks: [own] })).toBe(own)
    expect([own.epoch, own.history.loss]).toEqual([[0], [3]])
  })

  it('keeps what callbacks before it add to the logs', async () => {
    const adding = new LambdaCallback({ onEpochEnd: (epoch, logs) => void (logs.extra = 10 * epoch) })
    const { history } = await makeModel().fit(x, y, { ...quiet, epochs: 2, callbacks: [adding] })
    expect(Object.keys(history)).toEqual(['loss', 'mse', 'extra'])
    expect(history.extra).toEqual([0, 10])
  })
})

describe('CallbackList by hand', () => {
  it('drives callbacks through a loop of your own, and reads tensors for them', async () => {
    const model = makeModel()
    const recorder = new Recorder()
    const list = new CallbackList([[recorder]], { model, addHistory: true, epochs: 1 })
    await list.onTrainBegin()
    await list.onEpochBegin(0)
    await list.onTrainBatchBegin(0)
    await list.onTrainBatchEnd(0, { loss: tensor(0.5) })
    await list.onEpochEnd(0, { mae: tensor([0.25]).size, loss: tensor(0.5) })
    await list.onTrainEnd()
    expect(recorder.calls).toEqual(['trainBegin ', 'epochBegin 0 ', 'batchBegin 0 ', 'batchEnd 0 loss', 'epochEnd 0 loss+mae', 'trainEnd '])
    expect(list.history?.history).toEqual({ loss: [0.5], mae: [1] })
    expect(model.history).toBe(list.history)
    expect(recorder.params).toEqual({ verbose: 0, epochs: 1, steps: null })
  })

  it('adds what is asked for, unless it is there', () => {
    const [history, bar] = [new History(), new ProgbarLogger()]
    const classes = (list: CallbackList): string[] => list.callbacks.map(({ constructor }) => constructor.name)
    expect(classes(new CallbackList())).toEqual([])
    expect(classes(new CallbackList(null, { addHistory: true, addProgbar: true }))).toEqual(['History', 'ProgbarLogger'])
    expect(new CallbackList([bar, history], { addHistory: true, addProgbar: true }).callbacks).toEqual([bar, history])
    const list = new CallbackList(new Recorder())
    list.append(history)
    expect(classes(list)).toEqual(['Recorder', 'History'])
  })

  it('may stand in another list', async () => {
    const recorder = new Recorder()
    await makeModel().fit(x, y, { ...quiet, callbacks: [new CallbackList([recorder])] })
    expect(recorder.calls.filter((call) => call.startsWith('batchEnd'))).toEqual([
      'batchEnd 0 loss+mse',
      'batchEnd 1 loss+mse',
      'batchEnd 2 loss+mse',
    ])
  })

  it('calls the callback that attends to the others last', () => {
    const told: string[] = []
    class Last extends Callback {
      override attend(others: readonly Callback[]): void {
        told.push(others.map(({ constructor }) => constructor.name).join())
      }
    }
    const list = new CallbackList([new Last(), new Recorder()], { addHistory: true })
    list.append(new CSVLogger('log.csv'))
    expect(list.callbacks.map(({ constructor }) => constructor.name)).toEqual(['Recorder', 'History', 'CSVLogger', 'Last'])
    expect(told.at(-1)).toBe('Recorder,History,CSVLogger')
  })

  it('refuses ends without begin', () => {
    expect(() => new CallbackList().onTrainEnd()).toThrow(/onTrainEnd: nothing has begun that could end[\s\S]*call onTrainBegin before/)
  })
})

describe('SaveSchedule', () => {
  const due = (frequency: SaveFrequency | false, batches: readonly number[]): number[] => {
    const schedule = new SaveSchedule('test', frequency)
    return batches.filter((batch) => schedule.isDue(batch))
  }

  it('counts batches over epochs and executions', () => {
    expect(due(2, [0, 1, 2, 0, 1, 2])).toEqual([1, 0, 2])
    // Executions of three batches; the counter starts again when it is passed.
    expect(due(4, [2, 5, 8, 2, 5])).toEqual([5, 2])
    expect(due(1, [0, 0, 0])).toEqual([0, 0, 0])
    expect(due('epoch', [0, 1])).toEqual([])
    expect(due(false, [0, 1])).toEqual([])
  })

  it.each([0, -1, 1.5, 'batch', true])('refuses %s', (frequency) => {
    expect(() => new SaveSchedule('ModelCheckpoint', frequency as never)).toThrow(/ModelCheckpoint: unrecognized saveFreq/)
  })
})
