/** How runs go on, end, are taken up again, and leave the model behind. */
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { Callback, type FitPosition, type Logs } from '../callbacks/callback.js'
import type { Tree } from '../core/tree.js'
import { currentBackend, type Tensor, tensor, useBackend } from '../engine/index.js'
import * as layers from '../layers/index.js'
import { type Model, Sequential } from '../models/index.js'
import * as ops from '../ops/index.js'
import { resetNames } from '../ops/naming.js'
import { setGlobalSeed } from '../ops/random.js'
import * as optimizers from '../optimizers/index.js'
import { Collector } from './collector.js'
import type { FitOptions } from './index.js'

const { Input } = layers
beforeAll(() => useBackend(createHostBackend()))
beforeEach(() => {
  resetNames()
  setGlobalSeed(7)
})

const silent = { verbose: 0 } as const
const wave = (count: number, size: number): number[][] =>
  Array.from({ length: count }, (_, i) => Array.from({ length: size }, (_, j) => Math.sin(i * 3.7 + j * 1.3)))
const x = wave(20, 3)
const y = wave(20, 1)
const numbers = (values: readonly Tensor[]): number[][] => values.map((value) => [...value.dataSync()])

/** Weight 1, learning rate 1: after a step with x = 1 and an absolute error, the weight is lower by 1. */
function counter(): Sequential {
  const model = new Sequential([Input({ shape: [1] }), layers.dense(1, { useBias: false, kernelInitializer: 'zeros' })])
  model.compile({ optimizer: new optimizers.SGD({ learningRate: 1 }), loss: (_y: Tensor, yPred: Tensor) => ops.squeeze(yPred, -1) })
  return model
}
const stepsOf = (model: Model): number => Math.abs((model.getWeights()[0] as Tensor).dataSync()[0]!)
const ones = (count: number): number[][] => Array.from({ length: count }, () => [1])

class Watch extends Callback {
  readonly begun: number[] = []
  readonly ended: number[] = []
  override onTrainBatchBegin(batch: number): void {
    this.begun.push(batch)
  }
  override onTrainBatchEnd(batch: number): void {
    this.ended.push(batch)
  }
  override onTestBatchBegin(batch: number): void {
    this.begun.push(batch)
  }
  override onPredictBatchBegin(batch: number): void {
    this.begun.push(batch)
  }
}

describe('epochs', () => {
  // keras/src/trainers/trainer_test.py: test_steps_per_epoch, with 10 batches in the data.
  it.each([
    [10, [10, 10, 10, 10]],
    [5, [5, 5, 5, 5]],
    [9, [9, 1, 9, 1]],
    [11, [10, 10, 10, 10]],
  ])('of %i steps take %j batches', async (stepsPerEpoch, expected) => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const model = counter()
    const watch = new Watch()
    await model.fit(ones(20), ones(20), { ...silent, batchSize: 2, epochs: 4, stepsPerEpoch, callbacks: [watch] })
    expect(watch.ended).toEqual(expected.flatMap((count) => Array.from({ length: count }, (_, i) => i)))
    expect(stepsOf(model)).toBe(watch.ended.length)
    expect(warn).toHaveBeenCalledTimes(stepsPerEpoch === 9 || stepsPerEpoch === 11 ? 1 : 0)
    warn.mockRestore()
  })

  it('set the size of batches by their number', async () => {
    const watch = new Watch()
    await counter().fit(ones(10), ones(10), { ...silent, stepsPerEpoch: 4, callbacks: [watch] })
    expect(watch.ended).toEqual([0, 1, 2, 3])
  })

  it('begin where they are told', async () => {
    const { history, epoch } = await counter().fit(ones(2), ones(2), { ...silent, initialEpoch: 3, epochs: 5 })
    expect(epoch).toEqual([3, 4])
    expect(history.loss).toHaveLength(2)
    const none = await counter().fit(ones(2), ones(2), { ...silent, initialEpoch: 5, epochs: 5 })
    expect(none.epoch).toEqual([])
  })

  it('draw executions of several steps from the same batches', async () => {
    const run = async (stepsPerExecution: number): Promise<[number[], number[], number[][]]> => {
      setGlobalSeed(1)
      const model = new Sequential([Input({ shape: [3] }), layers.dense(2, { activation: 'tanh' }), layers.dense(1)])
      model.compile({ optimizer: 'adam', loss: 'mse', stepsPerExecution })
      const watch = new Watch()
      await model.fit(x, y, { ...silent, batchSize: 3, epochs: 2, callbacks: [watch] })
      const seen = [...watch.begun]
      watch.begun.length = 0
      await model.evaluate(x, y, { ...silent, batchSize: 3, callbacks: [watch] })
      const tested = [...watch.begun]
      watch.begun.length = 0
      const outputs = (await model.predict(x, { ...silent, batchSize: 3, callbacks: [watch] })) as Tensor
      expect(watch.begun).toEqual(tested)
      return [seen, tested, [...numbers(model.getWeights()), ...numbers([outputs])]]
    }
    const [, , single] = await run(1)
    const [seen, tested, three] = await run(3)
    expect(seen).toEqual([0, 3, 6, 0, 3, 6])
    expect(tested).toEqual([0, 3, 6])
    const [all, , hundred] = await run(100)
    expect(all).toEqual([0, 0])
    for (const other of [three, hundred]) other.flat().forEach((value, i) => void expect(value).toBeCloseTo(single.flat()[i]!, 5))
  })

  it('end when a callback says so, also those of evaluate and predict', async () => {
    class Stop extends Callback {
      count = 0
      constructor(readonly flag: 'stopTraining' | 'stopEvaluating' | 'stopPredicting') {
        super()
      }
      #tick(): void {
        if (++this.count === 5) (this.model as unknown as Record<string, boolean>)[this.flag] = true
      }
      override onTrainBatchEnd(): void {
        this.#tick()
      }
      override onTestBatchEnd(): void {
        this.#tick()
      }
      override onPredictBatchEnd(): void {
        this.#tick()
      }
    }
    const endless = function* (): Generator<readonly [number[][], number[][]]> {
      while (true) yield [ones(2), ones(2)]
    }
    const model = counter()
    const stops = (['stopTraining', 'stopEvaluating', 'stopPredicting'] as const).map((flag) => new Stop(flag))
    await model.fit(endless, { ...silent, epochs: 3, callbacks: stops[0]! })
    await model.evaluate(endless, null, { ...silent, callbacks: stops[1]! })
    const outputs = (await model.predict(endless, { ...silent, callbacks: stops[2]! })) as Tensor
    expect(stops.map(({ count }) => count)).toEqual([5, 5, 5])
    expect(stepsOf(model)).toBe(5)
    expect(outputs.shape).toEqual([10, 1])
  })

  it('end before the next one, after validation and the hook of the epoch', async () => {
    const calls: string[] = []
    class Stop extends Callback {
      override onEpochBegin(): void {
        this.model.stopTraining = true
      }
      override onTestEnd(): void {
        calls.push('tested')
      }
      override onEpochEnd(epoch: number): void {
        calls.push(`epoch ${epoch}`)
      }
      override onTrainEnd(): void {
        calls.push('end')
      }
    }
    const model = counter()
    await model.fit(ones(4), ones(4), { ...silent, batchSize: 1, epochs: 9, validationData: [ones(1), ones(1)], callbacks: [new Stop()] })
    expect(calls).toEqual(['tested', 'epoch 0', 'end'])
    expect(stepsOf(model)).toBe(1)
  })

  it('validate when due, in so many steps', async () => {
    const watch = new Watch()
    const options: FitOptions = { ...silent, epochs: 4, validationFreq: [2, 3], validationData: [ones(9), ones(9)], callbacks: watch }
    const { history } = await counter().fit(ones(1), ones(1), { ...options, validationSteps: 2, validationBatchSize: 3 })
    expect(history.val_loss).toHaveLength(2)
    expect(watch.begun).toEqual([0, 0, 0, 1, 0, 0, 1, 0])
  })

  it('refuse counts that are none', async () => {
    const model = counter()
    for (const options of [
      { epochs: -1 },
      { epochs: 1.5 },
      { stepsPerEpoch: 0 },
      { validationFreq: 0 },
      { batchSize: 0 },
      { initialEpoch: -2 },
    ])
      await expect(model.fit(ones(2), ones(2), { ...silent, ...options })).rejects.toThrow(new RegExp(Object.keys(options)[0]!))
    await expect(model.fit(ones(2), ones(2), { ...silent, epoch: 3 } as never)).rejects.toThrow(
      /fit: there is no option 'epoch'[\s\S]*did you mean 'epochs'/,
    )
    expect(() => model.compile({ optimiser: 'adam' } as never)).toThrow(/compile: there is no option 'optimiser'[\s\S]*'optimizer'/)
    await expect(model.fit(ones(4), ones(4), { ...silent, validationSplit: 1 })).rejects.toThrow(/validationSplit[\s\S]*between 0 and 1/)
  })
})

describe('single batches', () => {
  it('are reported alone, unless they are to be added', async () => {
    const model = new Sequential([Input({ shape: [4] }), layers.dense(3, { useBias: false, kernelInitializer: 'ones' })])
    model.compile({ optimizer: 'sgd', loss: 'mse', metrics: ['mse'] })
    const data = Array.from({ length: 100 }, () => [1, 1, 1, 1])
    const targets = Array.from({ length: 100 }, () => [0, 0, 0])
    const weights = targets.map((_, i) => i / 50)
    const near = async (got: Promise<unknown>, expected: number): Promise<void> =>
      expect((await (got as Promise<number[]>))[0]).toBeCloseTo(expected, 2)
    // keras/src/trainers/trainer_test.py: test_on_batch_methods.
    await near(model.trainOnBatch(data, targets), 16)
    await near(model.trainOnBatch(data, targets), 15.158)
    await near(model.testOnBatch(data, targets), 14.36)
    await near(model.testOnBatch(data, targets), 14.36)
    expect(((await model.predictOnBatch(data)) as Tensor).dataSync()[0]).toBeCloseTo(3.789511, 4)
    await near(model.trainOnBatch(data, targets, { sampleWeight: weights }), 14.217)
    await near(model.testOnBatch(data, targets, { sampleWeight: weights }), 13.476)
    await near(model.trainOnBatch(data, targets, { classWeight: { 1: 0.3, 0: 0.2 } }), 2.722)
    const once = ((await model.testOnBatch(data, targets)) as number[])[0]!
    await model.trainOnBatch(data, targets)
    const added = ((await model.testOnBatch(data, targets, { resetMetrics: false })) as number[])[0]!
    expect(added).toBeLessThan(once)
    expect(added).toBeGreaterThan(((await model.testOnBatch(data, targets)) as number[])[0]!)
  })
})

describe('a run that fails', () => {
  const fails = async (options: FitOptions, data: Parameters<Model['fit']>[0] = ones(6), message = 'broken'): Promise<Sequential> => {
    const model = counter()
    const targets = Array.isArray(data) ? ones(6) : null
    await expect(model.fit(data, targets, { ...silent, batchSize: 1, ...options })).rejects.toThrow(message)
    return model
  }
  const stillWorks = async (model: Sequential, steps: number): Promise<void> => {
    expect(stepsOf(model)).toBe(steps)
    expect(model.fitPosition).toBeNull()
    expect(((await model.predict(ones(3), silent)) as Tensor).shape).toEqual([3, 1])
    await model.fit(ones(6), ones(6), { ...silent, batchSize: 1 })
    expect(stepsOf(model)).toBe(steps + 6)
  }

  it('in a callback keeps the weights of the last step', async () => {
    class Failing extends Callback {
      override async onTrainBatchEnd(batch: number): Promise<void> {
        if (batch === 3) throw new Error('broken')
      }
    }
    await stillWorks(await fails({ callbacks: [new Failing()] }), 4)
    class AtTheEnd extends Callback {
      override onEpochEnd(): void {
        throw new Error('broken')
      }
    }
    await stillWorks(await fails({ callbacks: [new AtTheEnd()], epochs: 2 }), 6)
  })

  it('in its data keeps the weights of the last step', async () => {
    const broken = function* (): Generator<readonly [number[][], number[][]]> {
      yield [ones(1), ones(1)]
      yield [ones(1), ones(1)]
      throw new Error('broken')
    }
    await stillWorks(await fails({}, broken), 2)
    const wrong = function* (): Generator<readonly [number[][], number[][]]> {
      yield [ones(1), ones(1)]
      yield [[[1, 2]], ones(1)]
    }
    await stillWorks(await fails({}, wrong, 'does not have the shape of the input'), 1)
  })

  it('in its loss, or in the backend, does so too', async () => {
    const model = counter()
    const { optimizer } = model
    model.compile({
      optimizer: optimizer!,
      loss: () => {
        throw new Error('broken')
      },
    })
    await expect(model.fit(ones(2), ones(2), silent)).rejects.toThrow('broken')
    model.compile({ optimizer: optimizer!, loss: (_y: Tensor, yPred: Tensor) => ops.squeeze(yPred, -1) })
    await stillWorks(model, 0)
    const compile = vi.spyOn(currentBackend(), 'compile').mockImplementationOnce(() => {
      throw new Error('no memory')
    })
    await expect(counter().fit(ones(2), ones(2), silent)).rejects.toThrow('no memory')
    compile.mockRestore()
  })

  it('because it is interrupted does so too, in the middle of an epoch', async () => {
    const abort = new AbortController()
    class Abort extends Callback {
      override onTrainBatchEnd(batch: number): void {
        if (batch === 1) abort.abort(new Error('broken'))
      }
    }
    await stillWorks(await fails({ signal: abort.signal, callbacks: [new Abort()] }), 2)
    await expect(counter().fit(ones(1), ones(1), { ...silent, signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before')
    const early = AbortSignal.abort(new Error('before'))
    await expect(counter().predict(ones(1), { ...silent, signal: early })).rejects.toThrow('before')
    await expect(counter().evaluate(ones(1), ones(1), { ...silent, signal: early })).rejects.toThrow('before')
  })

  it('because it is interrupted waits for no data', async () => {
    const abort = new AbortController()
    async function* stuck(): AsyncGenerator<readonly [number[][], number[][]]> {
      yield [ones(1), ones(1)]
      setTimeout(() => abort.abort(new Error('broken')), 20)
      await new Promise(() => undefined)
    }
    await stillWorks(await fails({ signal: abort.signal }, stuck), 1)
  })

  it('because another one is under way disturbs nobody', async () => {
    const model = counter()
    const first = model.fit(ones(6), ones(6), { ...silent, batchSize: 1 })
    for (const second of [
      model.fit(ones(1), ones(1)),
      model.predict(ones(1)),
      model.evaluate(ones(1), ones(1)),
      model.trainOnBatch(ones(1), ones(1)),
    ])
      await expect(second).rejects.toThrow(/busy with another run[\s\S]*await the one before/)
    await first
    await stillWorks(model, 6)
  })
})

describe('a run that is taken up', () => {
  const build = (stepsPerExecution: number): Sequential => {
    resetNames()
    setGlobalSeed(5)
    const model = new Sequential([
      Input({ shape: [3] }),
      layers.dense(4, { activation: 'tanh' }),
      layers.dropout(0.3, { seed: 3 }),
      layers.dense(1),
    ])
    model.compile({ optimizer: 'adam', loss: 'mse', metrics: ['mae'], stepsPerExecution })
    return model
  }
  const stateOf = (model: Model): Tensor[] =>
    [...model.variables, ...model.optimizer!.variables, ...model.metricsVariables].map((variable) =>
      tensor(variable.dataSync(), variable.shape, variable.dtype),
    )

  /** Takes down everything after so many batches of epoch 1, and where that is. */
  class TakeDown extends Callback {
    state: Tensor[] = []
    position: FitPosition | null | undefined
    constructor(readonly batch: number | 'epoch') {
      super()
    }
    #save(): void {
      this.position = this.model.fitPosition
      this.state = stateOf(this.model as Model)
    }
    override onTrainBatchEnd(batch: number): void {
      const { epoch } = this.model.fitPosition as FitPosition
      if (epoch === 1 && batch + 1 === this.batch) this.#save()
    }
    override onEpochEnd(epoch: number): void {
      if (this.batch === 'epoch' && epoch === 1) this.#save()
    }
  }
  class PutBack extends Callback {
    constructor(readonly from: TakeDown) {
      super()
    }
    override onTrainBegin(): void {
      const model = this.model as Model
      const variables = [...model.variables, ...model.optimizer!.variables, ...model.metricsVariables]
      variables.forEach((variable, i) => void variable.assign(this.from.state[i] as Tensor))
      model.fitPosition = this.from.position as FitPosition
    }
  }

  const cases: [string, FitOptions, number[]][] = [
    ['shuffled arrays', { shuffle: true }, [2, 5]],
    ['arrays in order', { shuffle: false }, [3]],
    ['shuffled batches', { shuffle: 'batch' }, [1]],
    ['epochs that are parts of a pass', { stepsPerEpoch: 2 }, [1, 2]],
    ['executions of several steps', { batchSize: 3 }, [4, 6]],
  ]
  it.each(cases)('ends with the same bits: %s', async (_, options, batches) => {
    for (const batch of [...batches, 'epoch'] as const) {
      const settings = { ...silent, batchSize: 4, epochs: 4, ...options }
      const taken = new TakeDown(batch)
      const stepsPerExecution = options.batchSize === 3 ? 2 : 1
      const whole = build(stepsPerExecution)
      const expected = await whole.fit(x, y, { ...settings, callbacks: [taken] })
      setGlobalSeed(99)
      const again = build(stepsPerExecution)
      // Metrics, and the optimizer's state, come with the first batch.
      await again.trainOnBatch(x.slice(0, 4), y.slice(0, 4))
      const got = await again.fit(x, y, { ...settings, callbacks: [new PutBack(taken)] })
      expect(taken.position).toMatchObject(batch === 'epoch' ? { epoch: 2, batch: 0 } : { epoch: 1, batch })
      expect(numbers(again.getWeights())).toEqual(numbers(whole.getWeights()))
      const first = batch === 'epoch' ? 2 : 1
      expect(got.history).toEqual(Object.fromEntries(Object.entries(expected.history).map(([key, values]) => [key, values.slice(first)])))
    }
  })

  it('needs a position', async () => {
    const model = counter()
    expect(() => {
      model.fitPosition = { epoch: -1, batch: 0, shuffleSeed: 1 }
    }).toThrow(/fitPosition[\s\S]*epoch, batch, shuffleSeed/)
  })
})

describe('compiled steps', () => {
  it('serve data of all sizes', async () => {
    const compile = vi.spyOn(currentBackend(), 'compile')
    const model = new Sequential([Input({ shape: [3] }), layers.dense(2), layers.dense(1)])
    model.compile({ optimizer: 'adam', loss: 'mse' })
    const large = (): number => compile.mock.calls.filter(([graph]) => graph.nodes.some(({ primitive }) => primitive === 'dot')).length
    for (const count of [32, 48, 64])
      await model.fit(wave(count, 3), wave(count, 1), { ...silent, batchSize: 8, validationData: [wave(count / 2, 3), wave(count / 2, 1)] })
    expect(large()).toBe(2)
    for (const count of [32, 40, 56]) await model.predict(wave(count, 3), { ...silent, batchSize: 8 })
    expect(large()).toBe(3)
    compile.mockRestore()
  })

  it('put large outputs together part by part', () => {
    const rows = 50
    const collector = new Collector(rows, 64)
    const twice = new Collector(null, 64)
    for (let from = 0; from < rows; from += 7) {
      const batch = (): Tree<Tensor> => {
        const values = Array.from({ length: Math.min(7, rows - from) }, (_, i) => [from + i, -(from + i)])
        return { a: tensor(values), b: [tensor(values.map(([v]) => v as number))] }
      }
      collector.add(batch())
      twice.add(batch())
    }
    const expected = Array.from({ length: rows }, (_, i) => i)
    for (const { a, b } of [collector.finish(), twice.finish()] as unknown as { a: Tensor; b: [Tensor] }[]) {
      expect(a.arraySync()).toEqual(expected.map((i) => [i, i === 0 ? -0 : -i]))
      expect(b[0].arraySync()).toEqual(expected)
    }
  })

  it('hold for what is trainable now, and say when that has changed', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const model = new Sequential([Input({ shape: [3] }), layers.dense(2, { name: 'early' }), layers.dense(1, { name: 'late' })])
    model.compile({ optimizer: 'sgd', loss: 'mse' })
    await model.fit(x, y, silent)
    model.layers[0]!.trainable = false
    const frozen = numbers(model.layers[0]!.getWeights())
    await model.fit(x, y, silent)
    await model.fit(x, y, silent)
    expect(numbers(model.layers[0]!.getWeights())).toEqual(frozen)
    expect(warn.mock.calls.map(([text]) => String(text))).toEqual([
      expect.stringMatching(/changed since the model was compiled, in 'early'/),
    ])
    model.compile({ optimizer: 'sgd', loss: 'mse' })
    model.layers[0]!.trainable = true
    await expect(model.fit(x, y, silent)).resolves.toBeDefined()
    expect(numbers(model.layers[0]!.getWeights())).not.toEqual(frozen)
    expect(warn).toHaveBeenCalledTimes(2)
    warn.mockRestore()
  })
})

describe('logs', () => {
  it('have the keys of Keras in every hook', async () => {
    const keys: Record<string, string[]> = {}
    const note = (hook: string, logs: object): void => {
      keys[hook] = Object.keys(logs)
    }
    class Notes extends Callback {
      override onTrainBegin(logs: Logs): void {
        note('train begin', logs)
      }
      override onTrainBatchEnd(_batch: number, logs: Logs): void {
        note('batch end', logs)
      }
      override onTestEnd(logs: Logs): void {
        note('test end', logs)
      }
      override onEpochEnd(_epoch: number, logs: Logs): void {
        note('epoch end', logs)
      }
      override onTrainEnd(logs: Logs): void {
        note('train end', logs)
      }
      override onPredictBatchEnd(_batch: number, logs: object): void {
        note('predict batch end', logs)
      }
    }
    const model = new Sequential([Input({ shape: [3] }), layers.dense(1)])
    model.compile({ loss: 'mse', metrics: ['mean_absolute_error'] })
    const callbacks = [new Notes()]
    await model.fit(x, y, { ...silent, batchSize: 4, validationData: [x, y], callbacks })
    await model.predict(x, { ...silent, callbacks })
    const [step, whole] = [
      ['loss', 'mean_absolute_error'],
      ['loss', 'mean_absolute_error', 'val_loss', 'val_mean_absolute_error'],
    ]
    expect(keys).toEqual({
      'train begin': [],
      'batch end': step,
      'test end': step,
      'epoch end': whole,
      'train end': whole,
      'predict batch end': ['outputs'],
    })
  })
})
