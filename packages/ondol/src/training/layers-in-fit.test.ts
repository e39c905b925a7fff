/** What fit means to layers: frozen statistics, regularizers, states, masks, and numbers of half the width. */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { type Tensor, tensor, useBackend } from '../engine/index.js'
import * as layers from '../layers/index.js'
import * as losses from '../losses/index.js'
import { type Model, Sequential } from '../models/index.js'
import * as ops from '../ops/index.js'
import { resetNames } from '../ops/naming.js'
import { setGlobalSeed } from '../ops/random.js'
import * as optimizers from '../optimizers/index.js'
import { expectClose } from './testing/vectors.js'

const { Input } = layers
beforeAll(() => useBackend(createHostBackend()))
beforeEach(() => {
  resetNames()
  setGlobalSeed(3)
})

const silent = { verbose: 0 } as const
const numbers = (model: Model): number[][] => model.getWeights().map((value) => [...value.dataSync()])
const column = (...values: number[]): number[][] => values.map((value) => [value])

describe('batch normalization', () => {
  it('moves its statistics in training, by the momentum, and not in evaluation', async () => {
    const model = new Sequential([Input({ shape: [1] }), layers.batchNormalization({ momentum: 0.5 })])
    model.compile({ optimizer: new optimizers.SGD({ learningRate: 0 }), loss: 'mse' })
    await model.evaluate(column(1, 3), column(0, 0), silent)
    expect(numbers(model)).toEqual([[1], [0], [0], [1]])
    await model.fit(column(1, 3), column(0, 0), silent)
    expect(numbers(model)).toEqual([[1], [0], [1], [1]])
    await model.fit(column(1, 3), column(0, 0), silent)
    expect(numbers(model)).toEqual([[1], [0], [1.5], [1]])
  })

  it('infers and stays as it is where it is frozen', async () => {
    const norm = layers.batchNormalization({ epsilon: 0 })
    const model = new Sequential([Input({ shape: [1] }), norm, layers.dense(1, { kernelInitializer: 'ones' })])
    norm.trainable = false
    model.compile({ optimizer: 'sgd', loss: 'mae' })
    // With the statistics of the batch, the outputs would be -1 and 1, and the error 2.
    const { history } = await model.fit(column(5, 7), column(3, 5), silent)
    expect(history.loss).toEqual([2])
    expect(norm.getWeights().map((value) => [...value.dataSync()])).toEqual([[1], [0], [0], [1]])
  })
})

describe('losses of layers', () => {
  it('are added each step: activities by sample, weights once', async () => {
    const model = new Sequential([
      Input({ shape: [1] }),
      layers.dense(1, { kernelInitializer: 'ones', kernelRegularizer: 'l1', activityRegularizer: 'l2' }),
    ])
    model.compile({ optimizer: new optimizers.SGD({ learningRate: 0 }), loss: 'mse' })
    const { history } = await model.fit(column(1, 2, 3), column(1, 2, 3), { ...silent, batchSize: 2, shuffle: false })
    // Batches: 0.01 + 0.01 · (1 + 4) / 2 and 0.01 + 0.01 · 9, of two samples and one.
    expectClose(history.loss!, [(2 * 0.035 + 0.1) / 3], 1e-6)
  })
})

describe('states', () => {
  it('of recurrent layers go on from batch to batch', async () => {
    class Running extends layers.Layer {
      readonly total = this.addWeight({ name: 'total', shape: [1], initializer: 'zeros', trainable: false })
      override call(x: Tensor): Tensor {
        this.total.assignAdd(ops.sum(x, { axis: 0 }))
        return ops.add(x, this.total)
      }
    }
    const model = new Sequential([Input({ shape: [1] }), new Running()])
    const outputs = (await model.predict(column(1, 2, 3), { ...silent, batchSize: 1 })) as Tensor
    expect(outputs.arraySync()).toEqual(column(2, 5, 9))
  })
})

describe('masks', () => {
  it('leave out what is masked of loss and metrics, and meet sample weights', async () => {
    class WithoutNines extends layers.Layer {
      override call(x: Tensor): Tensor {
        return ops.multiply(x, 1)
      }
      override computeMask(x: Tensor): Tensor {
        return ops.any(ops.notEqual(x, 9), { axis: -1 })
      }
    }
    const model = new Sequential([Input({ shape: [3, 1] }), new WithoutNines()])
    model.compile({ optimizer: 'sgd', loss: 'mae', metrics: ['mae'], weightedMetrics: ['mse'] })
    const x = [
      [[1], [2], [9]],
      [[3], [9], [9]],
    ]
    const y = [
      [[0], [0], [5]],
      [[0], [7], [5]],
    ]
    const all = await model.evaluate(x, y, { ...silent, returnDict: true })
    expectClose([all.loss!, all.mae!, all.mse!], [2, 2, 14 / 3], 1e-6)
    const weighted = await model.evaluate(x, y, { ...silent, returnDict: true, sampleWeight: [1, 0] })
    // The divisor of the loss stays: 3 valid of 6 steps.
    expectClose([weighted.loss!, weighted.mae!, weighted.mse!], [1, 2, 2.5], 1e-6)
  })
})

describe('sample weights', () => {
  it('of one number a sample go to all its time steps, also where there are as many steps as samples', async () => {
    const model = new Sequential([Input({ shape: [2, 1] }), layers.activation('linear')])
    model.compile({ loss: 'mae', weightedMetrics: ['mae'] })
    const x = [
      [[1], [2]],
      [[3], [4]],
    ]
    const y = x.map((steps) => steps.map(() => [0]))
    const evaluate = async (sampleWeight: number[] | number[][]): Promise<number[]> =>
      (await model.evaluate(x, y, { ...silent, sampleWeight })) as number[]
    expectClose(await evaluate([1, 0]), [3 / 4, 1.5], 1e-6)
    expectClose(await evaluate([[1], [0]]), [3 / 4, 1.5], 1e-6)
    expectClose(
      await evaluate([
        [1, 0],
        [1, 0],
      ]),
      [1, 2],
      1e-6,
    )
  })
})

describe('half the width', () => {
  const halves = (policy: 'mixed_float16' | 'mixed_bfloat16'): Sequential =>
    new Sequential([Input({ shape: [1] }), layers.dense(1, { useBias: false, kernelInitializer: 'ones', dtype: policy })], {
      dtype: policy,
    })

  it('keeps weights and reports wide', async () => {
    const model = halves('mixed_bfloat16')
    model.compile({ optimizer: new optimizers.SGD({ learningRate: 0.5 }), loss: 'mse', metrics: ['mae'] })
    expect(model.optimizer!.className).toBe('SGD')
    const { history } = await model.fit(column(1, 1), column(3, 3), silent)
    expect(history).toEqual({ loss: [4], mae: [2] })
    expect(model.weights[0]!.dtype).toBe('float32')
    expectClose(numbers(model)[0]!, [3], 1e-2)
  })

  it('leaves out steps whose gradients are not finite, and halves the scale', async () => {
    const model = halves('mixed_float16')
    model.compile({ optimizer: new optimizers.SGD({ learningRate: 1e-6 }), loss: 'mse' })
    const optimizer = model.optimizer as optimizers.LossScaleOptimizer
    expect(optimizer).toBeInstanceOf(optimizers.LossScaleOptimizer)
    await model.fit(column(1000), column(0), silent)
    // The squared error times the scale of 32768 overflows in float16.
    expect(numbers(model)[0]).toEqual([1])
    expect(optimizer.scale.dataSync()[0]).toBe(16384)
    expect(optimizer.iterations.dataSync()[0]).toBe(0)
    await model.fit(column(1), column(0), silent)
    expect(optimizer.iterations.dataSync()[0]).toBe(1)
    expect(numbers(model)[0]![0]).toBeLessThan(1)
    const unscaled = halves('mixed_float16')
    unscaled.compile({ optimizer: 'sgd', loss: 'mse', autoScaleLoss: false })
    expect(unscaled.optimizer!.className).toBe('SGD')
  })
})

describe('optimizers', () => {
  it('gather gradients over batches, and end with their moving average', async () => {
    const run = async (options: object, epochs: number): Promise<number> => {
      const model = new Sequential([Input({ shape: [1] }), layers.dense(1, { useBias: false, kernelInitializer: 'zeros' })])
      model.compile({
        optimizer: new optimizers.SGD({ learningRate: 1, ...options }),
        loss: (_y: Tensor, yPred: Tensor) => ops.squeeze(yPred, -1),
      })
      await model.fit(column(1, 3), column(0, 0), { ...silent, batchSize: 1, epochs, shuffle: false })
      return numbers(model)[0]![0]!
    }
    expect(await run({ gradientAccumulationSteps: 2 }, 1)).toBe(-2)
    expect(await run({ clipvalue: 0.5 }, 1)).toBe(-1)
    // Values -1 and -4; the average starts with the first: 0.5 · -1 + 0.5 · -4.
    expect(await run({ useEma: true, emaMomentum: 0.5 }, 1)).toBe(-2.5)
  })
})

describe('losses without a reduction', () => {
  it('count as their sum', async () => {
    const model = new Sequential([Input({ shape: [1] }), layers.dense(1, { useBias: false, kernelInitializer: 'ones' })])
    model.compile({ loss: new losses.MeanSquaredError({ reduction: 'sum' }), optimizer: 'sgd' })
    expect(await model.evaluate(tensor(column(1, 2)), tensor(column(0, 0)), silent)).toBe(5)
  })
})
