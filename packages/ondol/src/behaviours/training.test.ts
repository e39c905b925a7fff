// What Keras does in compile, fit, evaluate and predict; its golden runs are in training/traces.test.ts.
import { beforeEach, describe, expect, it, vi } from 'vitest'
import {
  callbacks,
  GradientTape,
  Input,
  layers,
  losses,
  Model,
  metrics,
  ops,
  random,
  Sequential,
  type Tensor,
  tensor,
  utils,
} from '../index.js'

beforeEach(() => utils.clearSession())

const silent = { verbose: 0 } as const
const x = Array.from({ length: 6 }, (_, i) => [(2 * i) / 10, (2 * i + 1) / 10])
const y = x.map(([a, b]) => [(a as number) + (b as number)])
const values = (count: number, of: (i: number) => number): number[][] => Array.from({ length: count }, (_, i) => [of(i)])

/** y = 2 x from weight 0, without learning: every number can be worked out. */
function still(loss: 'mse' | 'mae' = 'mae', options: object = {}): Sequential {
  const model = new Sequential([Input({ shape: [1] }), layers.dense(1, { useBias: false, kernelInitializer: 'zeros' })])
  model.compile({ optimizer: 'sgd', loss, ...options })
  model.optimizer!.learningRate = 0
  return model
}

/** Outputs called b and a, in this order. */
function forked(options: object = {}): Model {
  const input = Input({ shape: [2], name: 'features' })
  const model = new Model({ inputs: input, outputs: [layers.dense(1, { name: 'b' })(input), layers.dense(1, { name: 'a' })(input)] })
  model.compile({ optimizer: 'sgd', loss: 'mse', ...options })
  return model
}

describe('compile', () => {
  it('has the defaults of Keras: rmsprop, no loss, one step an execution', () => {
    const model = still()
    model.compile()
    expect(model.optimizer!.className).toBe('RMSprop')
    expect(model.compiled).toBe(true)
  })

  it.each([
    ['one column', [[1], [0]], [[0.6], [0.7]], 0.8573992252349854, 0.5],
    [
      'class numbers',
      [1, 0],
      [
        [0.1, 0.9],
        [0.3, 0.7],
      ],
      0.6546666622161865,
      0.5,
    ],
    [
      'class numbers in a column',
      [[1], [0]],
      [
        [0.1, 0.9],
        [0.3, 0.7],
      ],
      0.6546666622161865,
      0.5,
    ],
    [
      'one-hot',
      [
        [0, 1],
        [1, 0],
      ],
      [
        [0.1, 0.9],
        [0.3, 0.7],
      ],
      0.6546666622161865,
      0.5,
    ],
  ])('chooses the accuracy and the crossentropy that fit %s', async (_, targets, predictions, loss, accuracy) => {
    const model = new Sequential([Input({ shape: [predictions[0]!.length] }), layers.activation('linear')])
    model.compile({ loss: 'crossentropy', metrics: ['acc'] })
    const found = await model.evaluate(predictions, targets, { ...silent, returnDict: true })
    expect(found).toEqual({ acc: accuracy, loss: expect.closeTo(loss, 5) })
  })

  it('chooses the accuracy by shapes, not by the loss', async () => {
    const model = new Sequential([Input({ shape: [3] }), layers.activation('linear')])
    model.compile({ loss: 'mse', metrics: ['accuracy'] })
    const found = await model.evaluate(
      [
        [1, 2, 3],
        [3, 2, 1],
      ],
      [
        [0, 0, 1],
        [0, 0, 1],
      ],
      { ...silent, returnDict: true },
    )
    expect(found.accuracy).toBe(0.5)
  })

  it('numbers metrics of one name, and calls a weighted one weighted', async () => {
    const model = still('mse', { metrics: ['mae', 'mae'], weightedMetrics: ['mae'] })
    const { history } = await model.fit(
      values(6, (i) => i),
      values(6, () => 0),
      { ...silent, sampleWeight: [0, 1, 2, 3, 4, 5] },
    )
    expect(Object.keys(history)).toEqual(['loss', 'mae', 'mae_1', 'weighted_mae'])
  })

  it('prefixes losses and metrics with the output, if there are several', async () => {
    const model = forked({ metrics: [['mse', 'mae'], ['mae']] })
    const { history } = await model.fit(x, [y, y], silent)
    expect(Object.keys(history)).toEqual(['a_loss', 'a_mae', 'b_loss', 'b_mae', 'b_mse', 'loss'])
  })

  it('does not prefix those of a single output, named or not', async () => {
    const input = Input({ shape: [2] })
    const model = new Model({ inputs: input, outputs: layers.dense(1, { name: 'b' })(input) })
    model.compile({ loss: { b: 'mse' }, metrics: { b: 'mae' }, lossWeights: 3 })
    const { history } = await model.fit(x, y, silent)
    expect(Object.keys(history)).toEqual(['loss', 'mae'])
  })

  it('weighs the loss of a single output with a number', async () => {
    const plain = (await still('mse').evaluate([[0]], [[2]], silent)) as number
    expect(plain).toBe(4)
    expect(await still('mse', { lossWeights: 3 }).evaluate([[0]], [[2]], silent)).toBe(12)
  })

  it('lets outputs go without a loss, and says which key names none', async () => {
    const { history } = await forked({ loss: [null, 'mse'] }).fit(x, [y, y], silent)
    expect(history.loss).toHaveLength(1)
    await expect(forked({ loss: { zz: 'mse' } }).fit(x, [y, y], silent)).rejects.toThrow(/'zz'[\s\S]*'b', 'a'/)
    await expect(forked({ lossWeights: { zz: 1 } }).fit(x, [y, y], silent)).rejects.toThrow(/'zz'[\s\S]*'b', 'a'/)
    await expect(forked({ metrics: { zz: 'mae' } }).fit(x, [y, y], silent)).rejects.toThrow(/'zz'[\s\S]*'b', 'a'/)
  })

  it('takes losses and targets in nested structures', async () => {
    const input = Input({ shape: [2] })
    const outputs = { p: layers.dense(1)(input), q: { r: layers.dense(1)(input) } }
    const model = new Model({ inputs: input, outputs })
    model.compile({ loss: { p: 'mse', q: { r: 'mae' } } } as never)
    const { history } = await model.fit(x, { p: y, q: { r: y } }, silent)
    expect(Object.keys(history)).toContain('loss')
    expect(Object.keys(history)).toHaveLength(3)
  })

  it('wraps the optimizer for float16, unless told not to', () => {
    const model = new Sequential([Input({ shape: [2] }), layers.dense(1)], { dtype: 'mixed_float16' })
    model.compile({ optimizer: 'adam', loss: 'mse' })
    expect(model.optimizer!.className).toBe('LossScaleOptimizer')
    model.compile({ optimizer: 'adam', loss: 'mse', autoScaleLoss: false })
    expect(model.optimizer!.className).toBe('Adam')
  })

  it('adds the total loss up from weighted losses, regularizers and added losses', async () => {
    const input = Input({ shape: [1] })
    const kernel = { kernelInitializer: 'ones', useBias: false } as const
    const outputs = [
      layers.dense(1, { ...kernel, name: 'p', kernelRegularizer: 'l2' })(input),
      layers.dense(1, { ...kernel, name: 'q', activityRegularizer: 'l1' })(input),
    ]
    const model = new Model({ inputs: input, outputs })
    model.compile({ loss: ['mse', 'mae'], lossWeights: [0.5, 2] })
    const found = await model.evaluate(
      [[1], [3]],
      [
        [[0], [0]],
        [[0], [0]],
      ],
      { ...silent, returnDict: true },
    )
    // 0.5 · 5 + 2 · 2 + 0.01 · 1² + 0.01 · (1 + 3) / 2
    expect(found.loss).toBeCloseTo(2.5 + 4 + 0.01 + 0.02, 5)
    expect([found.p_loss, found.q_loss]).toEqual([5, 2])
  })
})

describe('fit', () => {
  it('reports means over the epoch in which the last short batch weighs what it holds', async () => {
    const { history } = await still().fit(
      values(5, () => 0),
      values(5, (i) => i),
      { ...silent, batchSize: 2, shuffle: false },
    )
    expect(history.loss).toEqual([2])
  })

  it('takes batches of 32 if not told', async () => {
    let batches = 0
    const count = new callbacks.LambdaCallback({ onTrainBatchEnd: () => void batches++ })
    await still().fit(
      values(65, () => 1),
      values(65, () => 1),
      { ...silent, callbacks: [count] },
    )
    expect(batches).toBe(3)
  })

  it('validates on the last part of the arrays, before shuffling', async () => {
    const { history } = await still().fit(
      values(7, () => 1),
      values(7, (i) => (i < 4 ? 1 : 5)),
      { ...silent, validationSplit: 0.4 },
    )
    // floor(7 · (1 - 0.4)) = 4 to train on
    expect([history.loss, history.val_loss]).toEqual([[1], [5]])
  })

  it('splits arrays only', async () => {
    function* batches(): Generator<readonly [number[][], number[][]]> {
      yield [[[1]], [[1]]]
    }
    await expect(still().fit(batches, { ...silent, validationSplit: 0.5 })).rejects.toThrow(/validationSplit/)
  })

  it('shuffles by the seed, each epoch anew', async () => {
    const orders = async (seed: number): Promise<number[][]> => {
      utils.setRandomSeed(seed)
      const model = still()
      const seen: number[][] = []
      let last = 0
      let count = 0
      const spy = new callbacks.LambdaCallback({
        onEpochBegin: () => {
          seen.push([])
          last = 0
          count = 0
        },
        onTrainBatchEnd: (_, logs) => {
          const sum = (logs.loss as number) * ++count
          seen.at(-1)!.push(Math.round(sum - last))
          last = sum
        },
      })
      await model.fit(
        values(9, () => 0),
        values(9, (i) => i),
        { ...silent, batchSize: 1, epochs: 2, callbacks: [spy] },
      )
      return seen
    }
    const first = await orders(1)
    expect(first[0]!.toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    expect(first[0]).not.toEqual(first[1])
    expect(await orders(1)).toEqual(first)
    expect(await orders(2)).not.toEqual(first)
  })

  it('counts epochs from initialEpoch to epochs', async () => {
    const history = await still().fit([[1]], [[1]], { ...silent, initialEpoch: 3, epochs: 5 })
    expect(history.epoch).toEqual([3, 4])
    expect(history.history.loss).toHaveLength(2)
  })

  it('gives its history, which the model keeps', async () => {
    const model = still()
    const history = await model.fit([[1]], [[1]], { ...silent, epochs: 2 })
    expect(model.history).toBe(history)
    expect(history.params).toEqual({ verbose: 0, epochs: 2, steps: 1 })
  })

  it('weighs by classes as Keras does', async () => {
    const model = new Sequential([Input({ shape: [2] }), layers.softmax()])
    model.compile({ loss: 'sparse_categorical_crossentropy', weightedMetrics: ['accuracy'], optimizer: 'sgd' })
    const { history } = await model.fit(
      [
        [0, 0],
        [0, 0],
        [0, 0],
        [0, 0],
      ],
      [0, 1, 1, 1],
      { ...silent, classWeight: { 0: 1, 1: 2 } },
    )
    expect(history).toEqual({ accuracy: [expect.closeTo(1 / 7, 6)], loss: [expect.closeTo(1.2130076, 6)] })
  })

  it('keeps weights out of plain metrics, and in weighted ones', async () => {
    const model = still('mae', { metrics: ['mae'], weightedMetrics: ['mse'] })
    const { history } = await model.fit(
      values(2, () => 0),
      [[1], [3]],
      { ...silent, sampleWeight: [1, 0] },
    )
    expect(history).toEqual({ loss: [0.5], mae: [2], mse: [1] })
  })

  it('warns when a generator runs out, and does not report epochs without data', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    function* batches(): Generator<readonly [number[][], number[][]]> {
      for (let i = 0; i < 3; i++) yield [[[1]], [[1]]]
    }
    const model = still()
    const { history } = await model.fit(batches(), { ...silent, stepsPerEpoch: 2, epochs: 2 })
    expect(history.loss).toEqual([1, 1])
    expect(warn.mock.calls.flat().join()).toMatch(/ran out of data/)
    warn.mockRestore()
    await expect(model.fit(batches(), { ...silent, epochs: 2 })).rejects.toThrow(/no batches[\s\S]*function/)
  })

  it('refuses targets beside batches', async () => {
    await expect(still().fit([[[[1]], [[1]]]].values(), [[1]], silent)).rejects.toThrow(/batches bring their targets/)
  })

  it('trains again after trainable is changed, with what is trainable now', async () => {
    const model = new Sequential([Input({ shape: [2] }), layers.dense(2), layers.dense(1)])
    model.compile({ optimizer: 'sgd', loss: 'mse' })
    await model.fit(x, y, silent)
    model.layers[0]!.trainable = false
    model.compile({ optimizer: 'sgd', loss: 'mse' })
    const before = await Promise.all(model.weights.map((weight) => weight.array()))
    await model.fit(x, y, silent)
    const after = await Promise.all(model.weights.map((weight) => weight.array()))
    expect(after.slice(0, 2)).toEqual(before.slice(0, 2))
    expect(after.slice(2)).not.toEqual(before.slice(2))
  })
})

describe('evaluate and predict', () => {
  it('gives a number, a list in the order of metrics, or a record', async () => {
    expect(await still('mae').evaluate([[0]], [[2]], silent)).toBe(2)
    const model = still('mae', { metrics: ['mse', 'mae'] })
    expect(await model.evaluate([[0]], [[3]], silent)).toEqual([3, 9, 3])
    expect(await model.evaluate([[0]], [[3]], { ...silent, returnDict: true })).toEqual({ loss: 3, mae: 3, mse: 9 })
  })

  it('lists the loss, those of the outputs, then their metrics by name', async () => {
    const model = forked({ metrics: [['mse', 'mae'], ['mae']] })
    const record = await model.evaluate(x, [y, y], { ...silent, returnDict: true })
    const names = ['loss', 'b_loss', 'a_loss', 'a_mae', 'b_mae', 'b_mse']
    expect(await model.evaluate(x, [y, y], silent)).toEqual(names.map((name) => record[name]))
  })

  it('starts the metrics again for each run, and for each batch on its own', async () => {
    const model = still('mae')
    expect(await model.testOnBatch([[0]], [[2]])).toBe(2)
    expect(await model.testOnBatch([[0]], [[4]])).toBe(4)
    expect(await model.evaluate([[0]], [[8]], silent)).toBe(8)
  })

  it('puts the batches of nested outputs together', async () => {
    const input = Input({ shape: [1] })
    const model = new Model({ inputs: input, outputs: { p: layers.relu()(input), q: [layers.relu()(input)] } })
    const { p, q } = (await model.predict(
      values(5, (i) => i),
      { ...silent, batchSize: 2 },
    )) as { p: Tensor; q: Tensor[] }
    expect([p.shape, q[0]!.arraySync()]).toEqual([
      [5, 1],
      [[0], [1], [2], [3], [4]],
    ])
  })

  it('predicts without compile', async () => {
    const model = new Sequential([Input({ shape: [1] }), layers.relu()])
    expect(((await model.predictOnBatch([[-1], [2]])) as Tensor).arraySync()).toEqual([[0], [2]])
  })
})

describe('steps of your own', () => {
  it('may override computeLoss and computeMetrics', async () => {
    class Own extends Sequential {
      readonly biggest = new metrics.Mean({ name: 'biggest' })
      override computeLoss({ yPred }: Parameters<Sequential['computeLoss']>[0]): Tensor {
        return ops.mean(yPred as Tensor)
      }
      override computeMetrics({ yPred }: Parameters<Sequential['computeMetrics']>[0]): Record<string, Tensor> {
        this.biggest.updateState(ops.max(yPred as Tensor))
        return { biggest: this.biggest.result() }
      }
    }
    const model = new Own([Input({ shape: [1] }), layers.activation('linear')])
    model.compile({ optimizer: 'sgd', loss: 'mse' })
    const logs = await model.testOnBatch([[3], [5]], [[0], [0]], { returnDict: true })
    expect(logs).toMatchObject({ biggest: 5 })
  })

  it('may override testStep and predictStep', async () => {
    class Own extends Sequential {
      override testStep(): Record<string, Tensor> {
        return { fixed: tensor(7) }
      }
      override predictStep([input]: Parameters<Sequential['predictStep']>[0]): Tensor {
        return ops.add(input as Tensor, 1)
      }
    }
    const model = new Own([Input({ shape: [1] }), layers.relu()])
    model.compile({ loss: 'mse' })
    expect(await model.evaluate([[1]], [[1]], { ...silent, returnDict: true })).toEqual({ fixed: 7 })
    expect(((await model.predict([[-5]], silent)) as Tensor).arraySync()).toEqual([[-4]])
  })

  it('report added losses after a call', () => {
    const layer = layers.dense(1, { kernelInitializer: 'ones', kernelRegularizer: 'l1' })
    const model = new Sequential([Input({ shape: [2] }), layer])
    expect(model.losses.map((loss) => loss.dataSync()[0])).toEqual([expect.closeTo(0.02, 6)])
  })

  it('resolve training as: explicit, outer call, default', () => {
    const seen: unknown[] = []
    class Inner extends layers.Layer {
      override call(input: Tensor, { training }: { training?: boolean | null } = {}): Tensor {
        seen.push(training)
        return input
      }
    }
    class Outer extends layers.Layer {
      readonly inner = new Inner()
      override call(input: Tensor): Tensor {
        this.inner(input)
        return this.inner(input, { training: false })
      }
    }
    const outer = new Outer()
    outer(tensor([[1]]), { training: true })
    expect(seen.slice(-2)).toEqual([true, false])
    new Inner()(tensor([[1]]))
    expect(seen.at(-1)).toBe(false)
  })

  it('compile with everything inside, and do the same eagerly', async () => {
    class Own extends Sequential {
      override trainStep([input, target]: Parameters<Sequential['trainStep']>[0]): Record<string, Tensor> {
        using tape = new GradientTape()
        const loss = ops.add(
          new losses.MeanSquaredError()(target as Tensor, this.callOn([input], { training: true }) as Tensor),
          ops.mean(ops.square(random.normal([4], { seed: 3 }))),
        )
        this.optimizer!.apply(tape.gradient(loss, this.trainableVariables), this.trainableVariables)
        return { loss }
      }
    }
    const run = async (runEagerly: boolean): Promise<number[]> => {
      utils.clearSession()
      utils.setRandomSeed(5)
      const model = new Own([Input({ shape: [2] }), layers.dense(3), layers.dropout(0.5), layers.dense(1)])
      model.compile({ optimizer: 'adam', runEagerly })
      return (await model.fit(x, y, { ...silent, epochs: 3, batchSize: 2, shuffle: false })).history.loss!
    }
    const [compiled, eager] = [await run(false), await run(true)]
    compiled.forEach((value, i) => expect(value).toBeCloseTo(eager[i] as number, 5))
  })
})
