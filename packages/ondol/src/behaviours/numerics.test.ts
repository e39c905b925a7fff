// Defaults and formulae that users of Keras rely on; families with many cases have vectors of their own.
import { beforeEach, describe, expect, it } from 'vitest'
import {
  activations,
  config,
  Input,
  initializers,
  layers,
  losses,
  metrics,
  ops,
  optimizers,
  Sequential,
  tensor,
  utils,
  Variable,
} from '../index.js'

beforeEach(() => utils.clearSession())

const { schedules } = optimizers
const close = (actual: Iterable<number>, expected: readonly number[], digits = 5): void =>
  expect([...actual]).toEqual(expected.map((value) => expect.closeTo(value, digits)))

describe('defaults', () => {
  it('of the configuration', () => {
    expect([config.floatx(), config.epsilon()]).toEqual(['float32', 1e-7])
  })

  it('of weights', () => {
    const dense = layers.dense(64)
    dense.build([null, 32])
    const limit = Math.sqrt(6 / (32 + 64))
    const kernel = dense.weights[0]!.dataSync()
    expect(Math.max(...kernel)).toBeLessThanOrEqual(limit)
    expect(Math.max(...kernel)).toBeGreaterThan(limit * 0.95)
    expect([...dense.weights[1]!.dataSync()]).toEqual(new Array(64).fill(0))

    const embedding = layers.embedding(100, 20)
    embedding.build()
    const table = embedding.weights[0]!.dataSync()
    expect(Math.max(...table)).toBeLessThanOrEqual(0.05)
    expect(Math.max(...table)).toBeGreaterThan(0.045)

    const norm = layers.batchNormalization()
    norm.build([null, 1])
    expect(norm.weights.map((weight) => weight.dataSync()[0])).toEqual([1, 0, 0, 1])

    const lstm = layers.lstm(2)
    lstm.build([null, 3, 4])
    expect([...lstm.weights[2]!.dataSync()]).toEqual([0, 0, 1, 1, 0, 0, 0, 0])
    const recurrent = ops.reshape(lstm.weights[1]!.value, [2, 8])
    expect(ops.matmul(recurrent, ops.transpose(recurrent)).dataSync()[0]).toBeCloseTo(1, 4)
  })

  it('of random initializers', () => {
    const spread = (initializer: (shape: number[]) => { dataSync(): Iterable<number> }): [number, number] => {
      const values = [...initializer([400, 100]).dataSync()]
      return [Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length), Math.max(...values.map(Math.abs))]
    }
    const [he] = spread(new initializers.HeNormal({ seed: 1 }))
    expect(he).toBeCloseTo(Math.sqrt(2 / 400), 3)
    const [lecun, most] = spread(new initializers.LecunNormal({ seed: 1 }))
    expect(lecun).toBeCloseTo(Math.sqrt(1 / 400), 3)
    expect(most).toBeLessThanOrEqual((2 * Math.sqrt(1 / 400)) / 0.87962566 + 1e-6)
    expect(spread(new initializers.RandomNormal({ seed: 1 }))[0]).toBeCloseTo(0.05, 3)
  })

  it('of learning rates', async () => {
    const rate = (name: string): Promise<number> => optimizers.get(name).learningRate.item()
    expect(await rate('sgd')).toBeCloseTo(0.01)
    for (const name of ['adam', 'adamw', 'rmsprop']) expect(await rate(name)).toBeCloseTo(0.001)
  })

  it('of activations', () => {
    close(activations.gelu(tensor([1])).dataSync(), [0.841345])
    close(ops.gelu(tensor([1])).dataSync(), [0.841192])
    close(activations.leakyRelu(tensor([-1])).dataSync(), [-0.2])
    close(
      layers
        .leakyRelu()(tensor([-1]))
        .dataSync(),
      [-0.3],
    )
    close(activations.hardSigmoid(tensor([1])).dataSync(), [4 / 6])
    close(activations.selu(tensor([1, -1])).dataSync(), [1.0507, -1.11133])
  })
})

describe('BatchNormalization', () => {
  it('moves towards the biased variance of the batch', () => {
    const norm = layers.batchNormalization({ momentum: 0.5 })
    norm(tensor([[1], [3], [5]]), { training: true })
    close(
      norm.weights.slice(2).map((weight) => weight.dataSync()[0] as number),
      [1.5, 0.5 + 0.5 * (8 / 3)],
    )
  })
})

describe('padding', () => {
  const ones = (size: number, options: object, n: number): Iterable<number> =>
    layers
      .conv1d(1, size, { useBias: false, kernelInitializer: 'ones', ...options })(
        tensor(
          Array.from({ length: n }, (_, i) => i + 1),
          [1, n, 1],
        ),
      )
      .dataSync()

  it.each([
    [5, 3, 2, [3, 9, 9]],
    [6, 3, 2, [6, 12, 11]],
    [4, 2, 1, [3, 5, 7, 4]],
    [7, 4, 3, [6, 18, 13]],
  ])('same: %i values, kernel %i, stride %i', (n, size, strides, expected) => {
    expect([...ones(size, { strides, padding: 'same' }, n)]).toEqual(expected)
  })

  it('causal is on the left', () => {
    expect([...ones(2, { padding: 'causal' }, 3)]).toEqual([1, 3, 5])
  })

  it('does not count in an average', () => {
    const pool = layers.averagePooling1d(2, { strides: 1, padding: 'same' })
    expect([...pool(tensor([1, 2, 3], [1, 3, 1])).dataSync()]).toEqual([1.5, 2.5, 3])
  })
})

describe('optimizers after three steps on v = [1, 2], g = [0.5, -1], rate 0.1', () => {
  const rate = { learningRate: 0.1 }
  it.each<[string, () => optimizers.Optimizer, [number, number]]>([
    ['SGD', () => new optimizers.SGD(rate), [0.85, 2.3]],
    ['SGD with momentum', () => new optimizers.SGD({ ...rate, momentum: 0.9 }), [0.7195, 2.561]],
    ['SGD, Nesterov', () => new optimizers.SGD({ ...rate, momentum: 0.9, nesterov: true }), [0.59755, 2.8049]],
    ['SGD with weight decay', () => new optimizers.SGD({ ...rate, weightDecay: 0.01 }), [0.8471529, 2.293706]],
    ['SGD, clipnorm', () => new optimizers.SGD({ ...rate, clipnorm: 0.5 }), [0.932918, 2.134164]],
    ['SGD, clipvalue', () => new optimizers.SGD({ ...rate, clipvalue: 0.3 }), [0.91, 2.09]],
    ['Adam', () => new optimizers.Adam(rate), [0.7000035, 2.299997]],
    ['AdamW', () => new optimizers.AdamW(rate), [0.6989239, 2.297478]],
    ['RMSprop', () => new optimizers.RMSprop(rate), [0.2622628, 2.737738]],
    ['RMSprop, centered, momentum', () => new optimizers.RMSprop({ ...rate, momentum: 0.9, centered: true }), [-0.6126366, 3.612639]],
  ])('%s', (_, make, expected) => {
    const optimizer = make()
    const variable = new Variable(tensor([1, 2]))
    for (let i = 0; i < 3; i++) optimizer.apply([tensor([0.5, -1])], [variable])
    close(variable.dataSync(), expected)
  })
})

describe('schedules', () => {
  it.each<[string, (step: number) => { dataSync(): Iterable<number> }, number, number]>([
    ['exponential', new schedules.ExponentialDecay({ initialLearningRate: 1, decaySteps: 10, decayRate: 0.5 }), 15, 0.5 ** 1.5],
    ['staircase', new schedules.ExponentialDecay({ initialLearningRate: 1, decaySteps: 10, decayRate: 0.5, staircase: true }), 15, 0.5],
    ['cosine', new schedules.CosineDecay({ initialLearningRate: 1, decaySteps: 10 }), 5, 0.5],
    ['warm-up', new schedules.CosineDecay({ initialLearningRate: 0, decaySteps: 10, warmupTarget: 1, warmupSteps: 4 }), 2, 0.5],
    ['polynomial', new schedules.PolynomialDecay({ initialLearningRate: 1, decaySteps: 10, endLearningRate: 0 }), 5, 0.5],
    ['polynomial, its end', new schedules.PolynomialDecay({ initialLearningRate: 1, decaySteps: 10 }), 99, 0.0001],
    ['piecewise, up to the boundary', new schedules.PiecewiseConstantDecay({ boundaries: [5], values: [1, 2] }), 5, 1],
    ['piecewise, after it', new schedules.PiecewiseConstantDecay({ boundaries: [5], values: [1, 2] }), 6, 2],
    ['inverse time', new schedules.InverseTimeDecay({ initialLearningRate: 1, decaySteps: 10, decayRate: 1 }), 10, 0.5],
  ])('%s', (_, schedule, step, expected) => close(schedule(step).dataSync(), [expected], 6))
})

describe('losses of y = [[0, 1], [0, 0]], p = [[0.6, 0.4], [0.4, 0.6]]', () => {
  const y = tensor([
    [0, 1],
    [0, 0],
  ])
  const p = tensor([
    [0.6, 0.4],
    [0.4, 0.6],
  ])
  it.each<[string, number]>([
    ['BinaryCrossentropy', 0.8149245],
    ['CategoricalCrossentropy', 0.4581454],
    ['Huber', 0.155],
    ['LogCosh', 0.1470898],
    ['KLDivergence', 0.4581431],
    ['Poisson', 0.7290726],
    ['CosineSimilarity', -0.2773501],
    ['Hinge', 1.3],
    ['SquaredHinge', 1.86],
    ['CategoricalHinge', 1.4],
    ['MeanSquaredLogarithmicError', 0.1705593],
  ])('%s', (name, expected) => close(losses.get(name)(y, p).dataSync(), [expected]))

  it.each<[string, number[]]>([
    ['sum_over_batch_size', [0.57]],
    ['sum', [1.14]],
    ['mean', [0.57]],
    ['mean_with_sample_weight', [0.285]],
    ['none', [0.36, 0.78]],
  ])('mean squared error with weights [1, 3], reduction %s', (reduction, expected) => {
    const loss = new losses.MeanSquaredError({ reduction: reduction as never })
    close(ops.reshape(loss(y, p, [1, 3]), [-1]).dataSync(), expected)
  })

  it('as metrics are weighted means over all batches', () => {
    const metric = new metrics.MeanSquaredError()
    metric.updateState(y, p, tensor([1, 3]))
    close(metric.result().dataSync(), [0.285])
    close(new metrics.CosineSimilarity()(y, p).dataSync(), [0.2773501])
  })
})

describe('dropout', () => {
  it('keeps the mean, and repeats with the seed', () => {
    const run = (): number[] => {
      utils.setRandomSeed(3)
      return [
        ...layers
          .dropout(0.25)(ops.ones([4000]), { training: true })
          .dataSync(),
      ]
    }
    const values = run()
    expect(new Set(values.map((value) => Math.round(value * 1e5) / 1e5))).toEqual(new Set([0, 1.33333]))
    expect(values.reduce((sum, value) => sum + value, 0) / 4000).toBeCloseTo(1, 1)
    expect(run()).toEqual(values)
  })
})

describe('activity regularizers', () => {
  it('are divided by the size of the batch', () => {
    const model = new Sequential([Input({ shape: [1] }), layers.dense(1, { kernelInitializer: 'ones', activityRegularizer: 'l2' })])
    model(tensor([[2], [4]]))
    close(
      model.losses.map((loss) => loss.dataSync()[0] as number),
      [(0.01 * (4 + 16)) / 2],
    )
  })
})
