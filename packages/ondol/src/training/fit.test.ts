import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { Callback, type Logs } from '../callbacks/index.js'
import type { Tree } from '../core/tree.js'
import { currentBackend, GradientTape, type Tensor, tensor, useBackend } from '../engine/index.js'
import * as layers from '../layers/index.js'
import * as metrics from '../metrics/index.js'
import { Model, Sequential } from '../models/index.js'
import * as ops from '../ops/index.js'
import { resetNames } from '../ops/naming.js'
import { setGlobalSeed } from '../ops/random.js'
import type { Batch } from './index.js'
import { expectClose } from './testing/vectors.js'

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
const labels = x.map(([first]) => ((first as number) > 0 ? 1 : 0))

const classifier = (): Sequential =>
  new Sequential([Input({ shape: [3] }), layers.dense(4, { activation: 'tanh' }), layers.dense(2, { activation: 'softmax' })])
/** y = 2 · x, from weight 0: every number can be checked by hand. */
const linear = (): Sequential => new Sequential([Input({ shape: [1] }), layers.dense(1, { useBias: false, kernelInitializer: 'zeros' })])

function twoHeads(): Model {
  const input = Input({ shape: [3], name: 'features' })
  const hidden = layers.dense(4, { activation: 'tanh' })(input)
  return new Model({
    inputs: input,
    outputs: [layers.dense(1, { name: 'price' })(hidden), layers.dense(2, { activation: 'softmax', name: 'kind' })(hidden)],
  })
}

describe('fit', () => {
  it('learns, and reports means over the epoch that respect the size of batches', async () => {
    const model = linear()
    model.compile({ optimizer: 'sgd', loss: 'mse' })
    model.optimizer!.learningRate = 0
    const { history, epoch } = await model.fit([[1], [1], [4]], [[0], [0], [4]], { ...silent, batchSize: 2, epochs: 2, shuffle: false })
    expectClose(history.loss!, [16 / 3, 16 / 3], 1e-6)
    expect(epoch).toEqual([0, 1])
  })

  it('is repeatable with a seed, and shuffles', async () => {
    const run = async (shuffle: boolean): Promise<number[]> => {
      setGlobalSeed(1)
      const model = classifier()
      model.compile({ optimizer: 'adam', loss: 'sparse_categorical_crossentropy' })
      return (await model.fit(x, labels, { ...silent, epochs: 2, batchSize: 8, shuffle })).history.loss!
    }
    expect(await run(true)).toEqual(await run(true))
    expect(await run(true)).not.toEqual(await run(false))
  })

  it('does the same eagerly, compiled, and in executions of several steps', async () => {
    const run = async (options: object): Promise<number[]> => {
      setGlobalSeed(1)
      const model = classifier()
      model.compile({ optimizer: 'adam', loss: 'sparse_categorical_crossentropy', metrics: ['accuracy'], ...options })
      const { history } = await model.fit(x, labels, { ...silent, epochs: 3, batchSize: 3 })
      return [...history.loss!, ...history.accuracy!]
    }
    const compiled = await run({})
    expectClose(await run({ runEagerly: true }), compiled, 1e-6)
    expectClose(await run({ stepsPerExecution: 4 }), compiled, 1e-6)
  })

  it('validates on the last part, and as often as asked', async () => {
    const model = linear()
    model.compile({ optimizer: 'sgd', loss: 'mae' })
    model.optimizer!.learningRate = 0
    const { history } = await model.fit([[1], [1], [1], [1]], [[1], [1], [1], [9]], {
      ...silent,
      epochs: 4,
      validationSplit: 0.25,
      validationFreq: 2,
    })
    expect(history).toEqual({ loss: [1, 1, 1, 1], val_loss: [9, 9] })
  })

  it('weighs samples and classes', async () => {
    const model = new Sequential([Input({ shape: [2] }), layers.softmax()])
    model.compile({ loss: 'sparse_categorical_crossentropy', weightedMetrics: ['accuracy'], optimizer: 'sgd' })
    const logs = await model.trainOnBatch(
      [
        [0, 0],
        [0, 0],
        [0, 0],
        [0, 0],
      ],
      [0, 1, 1, 1],
      { classWeight: { 1: 2 }, returnDict: true },
    )
    expectClose([logs.loss!, logs.accuracy!], [1.2130076, 1 / 7], 1e-6)
  })

  it('adds what regularizers and layers add', async () => {
    class Penalty extends layers.Layer {
      override call(input: Tensor): Tensor {
        this.addLoss(tensor(0.5))
        return input
      }
    }
    const model = new Sequential([
      Input({ shape: [1] }),
      layers.dense(1, { kernelInitializer: 'ones', kernelRegularizer: 'l2' }),
      new Penalty(),
    ])
    model.compile({ loss: 'mse' })
    expectClose([(await model.testOnBatch([[1]], [[1]])) as number], [0.51], 1e-6)
  })

  it('restarts arrays, but goes on where stepsPerEpoch stopped', async () => {
    const model = linear()
    model.compile({ optimizer: 'sgd', loss: 'mae' })
    model.optimizer!.learningRate = 0
    const { history } = await model.fit([[1], [1], [1], [1]], [[1], [2], [3], [4]], {
      ...silent,
      epochs: 2,
      batchSize: 1,
      stepsPerEpoch: 2,
      shuffle: false,
    })
    expect(history.loss).toEqual([1.5, 3.5])
  })

  it('compiles a model that waits for data once, and again when what is trainable changes', async () => {
    const backend = currentBackend()
    const compile = vi.spyOn(backend, 'compile')
    const isStep = (calls: typeof compile.mock.calls): number => calls.filter(([graph]) => graph.donations.length > 5).length
    const model = new Sequential([layers.dense(4), layers.dense(2, { activation: 'softmax' })])
    model.compile({ optimizer: 'sgd', loss: 'sparse_categorical_crossentropy' })
    for (let i = 0; i < 3; i++) await model.fit(x, labels, silent)
    expect(isStep(compile.mock.calls)).toBe(1)
    model.layers[0]!.trainable = false
    const frozen = await model.layers[0]!.weights[0]!.array()
    await model.fit(x, labels, silent)
    expect(await model.layers[0]!.weights[0]!.array()).toEqual(frozen)
    compile.mockRestore()
  })

  it('keeps memory flat', async () => {
    const model = classifier()
    model.compile({ optimizer: 'adam', loss: 'sparse_categorical_crossentropy', metrics: ['accuracy'] })
    const [data, targets] = [tensor(x), tensor(labels, [20], 'int32')]
    await model.fit(data, targets, { ...silent, epochs: 2, batchSize: 3 })
    const before = currentBackend().allocatedBytes
    await model.fit(data, targets, { ...silent, epochs: 30, batchSize: 3 })
    expect(currentBackend().allocatedBytes - before).toBeLessThan(2048)
  })

  it('trains in float16 with a scaled loss', async () => {
    const model = new Sequential(
      [Input({ shape: [3] }), layers.dense(2, { dtype: 'mixed_float16' }), layers.softmax({ dtype: 'float32' })],
      { dtype: 'mixed_float16' },
    )
    model.compile({ optimizer: 'sgd', loss: 'sparse_categorical_crossentropy' })
    expect(model.optimizer!.className).toBe('LossScaleOptimizer')
    const { history } = await model.fit(x, labels, { ...silent, epochs: 3 })
    expect(history.loss![2]).toBeLessThan(history.loss![0]!)
  })
})

describe('data', () => {
  it('comes as tensors, nested arrays, or typed arrays that take the shape of the input', async () => {
    const model = classifier()
    model.compile({ loss: 'sparse_categorical_crossentropy' })
    const flat = Float32Array.from(x.flat())
    const forms = [x, flat, tensor(x), { input_layer: x }, [tensor(x)]]
    const losses: unknown[] = []
    for (const form of forms) losses.push(await model.evaluate(form, Int32Array.from(labels), silent))
    expect(new Set(losses).size).toBe(1)
  })

  it('for several inputs comes as a list, a record, or lists of numbers', async () => {
    const inputs = ['p', 'q'].map((name) => Input({ shape: [1], name }))
    const model = new Model({ inputs, outputs: layers.subtract(inputs) })
    const [p, q] = [
      [[5], [6]],
      [[1], [1]],
    ]
    for (const data of [[p, q], { q, p }, [tensor(p!), tensor(q!)]]) {
      expect(((await model.predict(data as never, silent)) as Tensor).arraySync()).toEqual([[4], [5]])
    }
  })

  it('is put together again from batches', async () => {
    const model = new Sequential([Input({ shape: [1] }), layers.relu()])
    const numbers = Array.from({ length: 7 }, (_, i) => [i])
    const whole = (await model.predict(numbers, { ...silent, batchSize: 3 })) as Tensor
    expect(whole.arraySync()).toEqual(numbers)
  })
})

describe('batches from iterables', () => {
  function* batches(): Generator<readonly [number[][], number[]]> {
    for (let i = 0; i < 20; i += 10) yield [x.slice(i, i + 10), labels.slice(i, i + 10)]
  }

  it('may come from functions, arrays of batches, and asynchronous generators', async () => {
    const run = async (source: Parameters<Model['fit']>[0]): Promise<number[]> => {
      setGlobalSeed(1)
      const model = classifier()
      model.compile({ optimizer: 'adam', loss: 'sparse_categorical_crossentropy' })
      return (await model.fit(source, { ...silent, epochs: 2 })).history.loss!
    }
    async function* slowly(): AsyncGenerator<readonly [number[][], number[]]> {
      for (const batch of batches()) yield await Promise.resolve(batch)
    }
    const expected = await run(batches)
    expect(await run(new Set(batches()))).toEqual(expected)
    expect(await run(slowly)).toEqual(expected)
  })

  it('end with a warning where there should be more, and an error where there is nothing', async () => {
    const model = classifier()
    model.compile({ loss: 'sparse_categorical_crossentropy' })
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    await model.fit(batches, { ...silent, stepsPerEpoch: 5 })
    expect(warn.mock.calls.flat().join()).toMatch(/ended after 2 of 5 batches/)
    warn.mockRestore()
    await expect(model.fit(batches(), { ...silent, epochs: 2 })).rejects.toThrow(/gave no batches[\s\S]*pass a function/)
    await expect(model.fit(batches, labels, silent)).rejects.toThrow(/batches bring their targets/)
  })

  it('leave a usable model when they fail', async () => {
    const model = classifier()
    model.compile({ optimizer: 'adam', loss: 'sparse_categorical_crossentropy' })
    const failing = function* (): Generator<readonly [number[][], number[]]> {
      yield [x, labels]
      throw new Error('the disk is gone')
    }
    await expect(model.fit(failing, silent)).rejects.toThrow('the disk is gone')
    expect(await model.optimizer!.iterations.item()).toBe(1)
    expect(((await model.predict(x, silent)) as Tensor).shape).toEqual([20, 2])
  })
})

describe('several outputs', () => {
  const prices = labels.map((label) => [label * 2])

  it('take losses, weights and metrics by list or name', async () => {
    const byName = twoHeads()
    byName.compile({
      loss: { kind: 'sparse_categorical_crossentropy', price: 'mse' },
      lossWeights: { price: 0.5, kind: 2 },
      metrics: { kind: ['accuracy'], price: 'mae' },
    })
    const { history } = await byName.fit({ features: x }, { price: prices, kind: labels }, silent)
    expect(Object.keys(history)).toEqual(['kind_accuracy', 'kind_loss', 'loss', 'price_loss', 'price_mae'])
    expectClose([history.loss![0]!], [0.5 * history.price_loss![0]! + 2 * history.kind_loss![0]!], 1e-5)

    const byPlace = twoHeads()
    byPlace.compile({ loss: ['mse', null], metrics: [['mae'], null] })
    expect(Object.keys((await byPlace.fit(x, [prices, labels], silent)).history)).toEqual(['loss', 'price_mae'])
    const values = (await byPlace.evaluate(x, [prices, labels], silent)) as number[]
    expect(values).toHaveLength(2)
    const [price, kind] = (await byPlace.predict(x, silent)) as Tensor[]
    expect([price!.shape, kind!.shape]).toEqual([
      [20, 1],
      [20, 2],
    ])
  })

  it('are named by the keys of a record', async () => {
    const input = Input({ shape: [3] })
    const model = new Model({ inputs: { a: input }, outputs: { left: layers.dense(1)(input), right: layers.dense(1)(input) } })
    model.compile({ loss: { left: 'mse', right: 'mae' } })
    const { history } = await model.fit({ a: x }, { right: prices, left: prices }, silent)
    expect(Object.keys(history)).toEqual(['left_loss', 'loss', 'right_loss'])
    expect(Object.keys(await model.predict(x, silent))).toEqual(['left', 'right'])
  })

  it('say which key names no output', async () => {
    const model = twoHeads()
    model.compile({ loss: { prize: 'mse' } })
    await expect(model.fit(x, [prices, labels], silent)).rejects.toThrow(/loss: there is no output called 'prize'[\s\S]*'price', 'kind'/)
    model.compile({ loss: { price: 'mse' }, metrics: ['mae'] })
    await expect(model.fit(x, [prices, labels], silent)).rejects.toThrow(/one entry for each output/)
  })
})

describe('models of your own', () => {
  it('train in a step of their own', async () => {
    class Own extends Model {
      readonly dense = new layers.Dense(2)
      readonly seen = new metrics.Sum({ name: 'seen' })
      override call(input: Tensor): Tree<Tensor> {
        return this.dense(input)
      }
      override trainStep([input, target]: Batch): Record<string, Tensor> {
        using tape = new GradientTape()
        const error = ops.subtract(this(input as Tensor, { training: true }), target as Tensor)
        const loss = ops.mean(ops.square(error))
        const variables = this.trainableVariables
        this.optimizer?.apply(tape.gradient(loss, variables), variables)
        this.seen.updateState(ops.ones([error.shape[0] as number], 'float32'))
        return { myLoss: loss, seen: this.seen.result() }
      }
    }
    const model = new Own()
    model.compile({ optimizer: 'adam' })
    const { history } = await model.fit(x, wave(20, 2), { ...silent, epochs: 2, batchSize: 8, shuffle: false })
    expect(history.seen).toEqual([20, 20])
    expect(history.myLoss![1]).toBeLessThan(history.myLoss![0]!)
    expect(model.weights.map(({ path }) => path)).toEqual(['own/dense/kernel', 'own/dense/bias'])
  })

  it('compute a loss of their own', async () => {
    class Own extends Sequential {
      override computeLoss({ yPred }: { yPred: Tree<Tensor> }): Tensor {
        return ops.mean(yPred as Tensor)
      }
    }
    const model = new Own([Input({ shape: [1] }), layers.dense(1, { useBias: false, kernelInitializer: 'ones' })])
    model.compile({ loss: 'mse' })
    expect(await model.testOnBatch([[3]], [[0]])).toBe(3)
  })

  it('take losses and metrics as functions', async () => {
    const model = linear()
    model.compile({
      loss: (yTrue, yPred) => ops.abs(ops.subtract(yTrue, yPred)),
      metrics: [
        function worst(yTrue, yPred) {
          return ops.max(ops.subtract(yTrue, yPred), { axis: -1 })
        },
      ],
    })
    expect(await model.evaluate([[1], [1]], [[2], [4]], { ...silent, returnDict: true })).toEqual({ loss: 3, worst: 3 })
  })
})

describe('callbacks', () => {
  it('are called in order, with the numbers of the moment', async () => {
    const calls: string[] = []
    class Recorder extends Callback {
      override onTrainBegin(): void {
        calls.push('train begin')
      }
      override async onEpochBegin(epoch: number): Promise<void> {
        calls.push(`epoch ${epoch} begin`)
      }
      override onTrainBatchBegin(batch: number): void {
        calls.push(`batch ${batch} begin`)
      }
      override async onTrainBatchEnd(batch: number, logs: Logs): Promise<void> {
        calls.push(`batch ${batch} end ${logs.loss}`)
      }
      override onTestBegin(): void {
        calls.push('test begin')
      }
      override onTestBatchEnd(batch: number): void {
        calls.push(`test batch ${batch} end`)
      }
      override onTestEnd(logs: Logs): void {
        calls.push(`test end ${Object.keys(logs)}`)
      }
      override onEpochEnd(epoch: number, logs: Logs): void {
        calls.push(`epoch ${epoch} end ${Object.keys(logs)}`)
      }
      override onTrainEnd(): void {
        calls.push('train end')
      }
    }
    const model = linear()
    model.compile({ optimizer: 'sgd', loss: 'mae' })
    model.optimizer!.learningRate = 0
    await model.fit([[1], [1]], [[1], [3]], {
      ...silent,
      batchSize: 1,
      shuffle: false,
      validationData: [[[1]], [[1]]],
      callbacks: [new Recorder()],
    })
    expect(calls).toEqual([
      'train begin',
      'epoch 0 begin',
      'batch 0 begin',
      'batch 0 end 1',
      'batch 1 begin',
      'batch 1 end 2',
      'test begin',
      'test batch 0 end',
      'test end loss',
      'epoch 0 end loss,val_loss',
      'train end',
    ])
  })

  it('may see samples only, each with the numbers of its batch', async () => {
    const seen: [number, number][] = []
    class Sampler extends Callback {
      override get batchLogs(): 'sampled' {
        return 'sampled'
      }
      override onTrainBatchEnd(batch: number, logs: Logs): void {
        seen.push([batch, logs.loss as number])
      }
    }
    const model = linear()
    model.compile({ optimizer: 'sgd', loss: 'mae' })
    model.optimizer!.learningRate = 0
    const targets = Array.from({ length: 50 }, (_, i) => [i])
    await model.fit(wave(50, 1), targets, { ...silent, batchSize: 1, shuffle: false, callbacks: [new Sampler()] })
    expect(seen[0]).toEqual([0, 0])
    for (const [batch, loss] of seen) expect(loss).toBeCloseTo(batch / 2)
    class Failing extends Sampler {
      override onTrainBatchEnd(): void {
        throw new Error('no room')
      }
    }
    await expect(model.fit(wave(9, 1), wave(9, 1), { ...silent, batchSize: 1, callbacks: [new Failing()] })).rejects.toThrow('no room')
  })

  it('stop training', async () => {
    class Stop extends Callback {
      override onTrainBatchEnd(batch: number): void {
        if (batch === 1) this.model.stopTraining = true
      }
    }
    const model = linear()
    model.compile({ optimizer: 'sgd', loss: 'mae' })
    await model.fit(wave(10, 1), wave(10, 1), { ...silent, batchSize: 1, epochs: 5, callbacks: [new Stop()] })
    expect(await model.optimizer!.iterations.item()).toBe(2)
  })

  it('can be replaced by a signal', async () => {
    const abort = new AbortController()
    class Abort extends Callback {
      override onEpochEnd(): void {
        abort.abort(new Error('enough'))
      }
    }
    const model = linear()
    model.compile({ optimizer: 'sgd', loss: 'mae' })
    await expect(
      model.fit(
        x.map(([v]) => [v as number]),
        labels,
        { ...silent, epochs: 9, signal: abort.signal, callbacks: [new Abort()] },
      ),
    ).rejects.toThrow('enough')
    expect(await model.optimizer!.iterations.item()).toBe(1)
    await model.fit(wave(3, 1), wave(3, 1), silent)
  })
})

describe('errors', () => {
  it('name the output, the loss and both shapes', async () => {
    const model = classifier()
    model.compile({ loss: 'categorical_crossentropy' })
    await expect(model.fit(x, labels, silent)).rejects.toThrow(
      /categorical_crossentropy of output 'dense_1' \(targets \(20,\), predictions \(20, 2\)\)[\s\S]*sparse_categorical_crossentropy/,
    )
  })

  it('say what to do', async () => {
    const model = classifier()
    await expect(model.fit(x, labels)).rejects.toThrow(/not compiled[\s\S]*model.compile/)
    model.compile({ loss: 'sparse_categorical_crossentropy' })
    await expect(model.fit(x, labels.slice(1), silent)).rejects.toThrow(/same number of samples[\s\S]*x: 20; y: 19/)
    await expect(model.fit(x, null, silent)).rejects.toThrow(/no targets/)
    await expect(model.fit('abc' as never, labels, silent)).rejects.toThrow(/no data|not numbers/)
    await expect(model.predict([[1, 2, 3, 4]], silent)).rejects.toThrow(/input 'input_layer'[\s\S]*\(None, 3\)[\s\S]*\(1, 4\)/)
    const first = model.fit(x, labels, silent)
    await expect(model.fit(x, labels, silent)).rejects.toThrow(/busy/)
    await first
    expect(() => model.compile({ optimizer: 'adamm' })).toThrow(/did you mean 'Adam'/)
  })
})
