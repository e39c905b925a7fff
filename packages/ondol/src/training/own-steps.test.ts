/** Steps, losses and metrics that a model overrides, alone and together. */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import type { Tree } from '../core/tree.js'
import { GradientTape, type Tensor, useBackend } from '../engine/index.js'
import * as layers from '../layers/index.js'
import * as metrics from '../metrics/index.js'
import { Model, Sequential } from '../models/index.js'
import * as ops from '../ops/index.js'
import { resetNames } from '../ops/naming.js'
import { setGlobalSeed } from '../ops/random.js'
import * as optimizers from '../optimizers/index.js'
import type { Batch, CompileOptions, LossInputs } from './index.js'

const { Input } = layers
beforeAll(() => useBackend(createHostBackend()))
beforeEach(() => {
  resetNames()
  setGlobalSeed(3)
})

const silent = { verbose: 0 } as const
const x = [[1], [2], [3], [4]]
/** Targets 2 x: with weight 1, the mean absolute error is 2.5, the mean squared error 7.5. */
const y = x.map(([value]) => [2 * (value as number)])
const items = () => [Input({ shape: [1] }), layers.dense(1, { useBias: false, kernelInitializer: 'ones' })]
const still = (): optimizers.SGD => new optimizers.SGD({ learningRate: 0 })

describe.each([false, true])('run eagerly: %s,', (runEagerly) => {
  const evaluated = async (model: Model, options: CompileOptions): Promise<[Record<string, number>, Record<string, number[]>]> => {
    model.compile({ optimizer: still(), runEagerly, ...options })
    const logs = await model.evaluate(x, y, { ...silent, batchSize: 2, returnDict: true })
    return [logs, (await model.fit(x, y, { ...silent, batchSize: 2, shuffle: false })).history]
  }

  it('computeMetrics alone is called by the steps as they are, and reports', async () => {
    class Own extends Sequential {
      readonly worst = new metrics.Mean({ name: 'worst' })
      override computeMetrics(inputs: LossInputs): Record<string, Tensor> {
        const results = super.computeMetrics(inputs)
        this.worst.updateState(ops.max(ops.subtract(inputs.y as Tensor, inputs.yPred as Tensor)))
        return { ...results, worst: this.worst.result(), twice: ops.multiply(results.mae as Tensor, 2) }
      }
    }
    const [logs, history] = await evaluated(new Own(items()), { loss: 'mse', metrics: ['mae'] })
    expect(logs).toEqual({ loss: 7.5, mae: 2.5, twice: 5, worst: 3 })
    expect(history).toEqual({ loss: [7.5], mae: [2.5], twice: [5], worst: [3] })
  })

  it('computeLoss with metrics of its own, seeing the losses of layers', async () => {
    class Own extends Sequential {
      readonly custom = new metrics.Mean({ name: 'custom' })
      readonly trainings: (boolean | undefined)[] = []
      override computeLoss(inputs: LossInputs): Tensor {
        this.trainings.push(inputs.training)
        const loss = super.computeLoss(inputs)
        this.custom.updateState(ops.multiply(loss, 4))
        return loss
      }
    }
    const regularized = new Own([
      Input({ shape: [1] }),
      layers.dense(1, { useBias: false, kernelInitializer: 'ones', kernelRegularizer: 'l1' }),
    ])
    const [logs, history] = await evaluated(regularized, { loss: 'mse' })
    expect(logs.loss).toBeCloseTo(7.51, 5)
    expect(logs.custom).toBeCloseTo(4 * 7.51, 4)
    expect(history.custom![0]).toBeCloseTo(4 * 7.51, 4)
    expect(new Set(regularized.trainings)).toEqual(new Set([false, true]))
  })

  it('computeLoss without a loss in compile', async () => {
    class Own extends Sequential {
      override computeLoss({ y: target, yPred }: LossInputs): Tensor {
        return ops.mean(ops.abs(ops.subtract(target as Tensor, yPred as Tensor)))
      }
    }
    expect((await evaluated(new Own(items()), { metrics: ['mae'] }))[0]).toEqual({ loss: 2.5, mae: 2.5 })
  })

  it('trainStep without compile’s loss, testStep as it is', async () => {
    class Own extends Sequential {
      override trainStep([input, target]: Batch): Record<string, Tensor> {
        using tape = new GradientTape()
        const loss = ops.mean(ops.square(ops.subtract(this(input as Tensor, { training: true }), target as Tensor)))
        const variables = this.trainableVariables
        this.optimizer?.apply(tape.gradient(loss, variables), variables)
        return { own: loss }
      }
    }
    const model = new Own(items())
    model.compile({ optimizer: new optimizers.SGD({ learningRate: 0.01 }), runEagerly, metrics: ['mae'] })
    const { history } = await model.fit(x, y, { ...silent, batchSize: 4, epochs: 2, validationData: [x, y] })
    expect(Object.keys(history)).toEqual(['own', 'val_loss', 'val_mae'])
    // Squared error 7.5; the gradient is -15, so the weight becomes 1.15.
    expect(history.own![0]).toBeCloseTo(7.5, 5)
    expect(history.val_mae![0]).toBeCloseTo(0.85 * 2.5, 5)
  })

  it('steps of all three kinds', async () => {
    class Own extends Sequential {
      override testStep([, target]: Batch): Record<string, Tensor> {
        return { largest: ops.max(target as Tensor) }
      }
      override predictStep([input]: Batch): Tree<Tensor> {
        return { doubled: ops.multiply(input as Tensor, 2), own: super.predictStep([input, null, null]) }
      }
    }
    const model = new Own(items())
    model.compile({ runEagerly })
    expect(await model.evaluate(x, y, silent)).toBe(8)
    const outputs = (await model.predict(x, { ...silent, batchSize: 3 })) as unknown as { doubled: Tensor; own: Tensor }
    expect(outputs.doubled.arraySync()).toEqual(y)
    expect(outputs.own.arraySync()).toEqual(x)
  })

  it('steps that report wrongly are told so', async () => {
    class Slow extends Sequential {
      override trainStep(): never {
        return Promise.resolve({}) as never
      }
    }
    class Bare extends Sequential {
      override trainStep([input]: Batch): never {
        return ops.mean(input as Tensor) as never
      }
    }
    const attempt = (model: Model): Promise<unknown> => {
      model.compile({ runEagerly })
      return model.fit(x, y, silent)
    }
    await expect(attempt(new Slow(items()))).rejects.toThrow(/slow.trainStep: a step cannot be asynchronous[\s\S]*leave out async/)
    await expect(attempt(new Bare(items()))).rejects.toThrow(/bare.trainStep[\s\S]*a record of scalar tensors[\s\S]*a tensor/)
  })

  it('two networks with two optimizers and a compile of their own', async () => {
    class Gan extends Model {
      #optimizers: [optimizers.Optimizer, optimizers.Optimizer] | undefined
      readonly criticLoss = new metrics.Mean({ name: 'critic_loss' })
      readonly makerLoss = new metrics.Mean({ name: 'maker_loss' })
      readonly critic = new Sequential([Input({ shape: [2] }), layers.dense(4, { activation: 'tanh' }), layers.dense(1)])
      readonly maker = new Sequential([Input({ shape: [3] }), layers.dense(2)])

      override compile(
        options: CompileOptions & { makerOptimizer?: optimizers.Optimizer; criticOptimizer?: optimizers.Optimizer } = {},
      ): void {
        const { makerOptimizer = new optimizers.Adam(), criticOptimizer = new optimizers.Adam(), ...rest } = options
        super.compile(rest)
        this.#optimizers = [makerOptimizer, criticOptimizer]
      }
      override get metrics(): metrics.Metric[] {
        return [this.criticLoss, this.makerLoss]
      }
      override trainStep([real]: Batch): Record<string, Tensor> {
        const [makerOptimizer, criticOptimizer] = this.#optimizers as [optimizers.Optimizer, optimizers.Optimizer]
        const noise = ops.ones([(real as Tensor).shape[0] as number, 3])
        const fake = this.maker(noise)
        const learn = (network: Sequential, optimizer: optimizers.Optimizer, loss: () => Tensor): Tensor => {
          using tape = new GradientTape()
          const value = loss()
          optimizer.apply(tape.gradient(value, network.trainableVariables), network.trainableVariables)
          return value
        }
        const critic = learn(this.critic, criticOptimizer, () =>
          ops.subtract(ops.mean(this.critic(fake)), ops.mean(this.critic(real as Tensor))),
        )
        const maker = learn(this.maker, makerOptimizer, () => ops.negative(ops.mean(this.critic(this.maker(noise)))))
        this.criticLoss.updateState(critic)
        this.makerLoss.updateState(maker)
        return this.getMetricsResult()
      }
    }
    const gan = new Gan()
    gan.compile({
      makerOptimizer: new optimizers.SGD({ learningRate: 0.05 }),
      criticOptimizer: new optimizers.SGD({ learningRate: 0.05 }),
      runEagerly,
    })
    const real = Array.from({ length: 12 }, (_, i) => [Math.sin(i), Math.cos(i)])
    const { history } = await gan.fit(real, null, { ...silent, batchSize: 4, epochs: 3 })
    expect(Object.keys(history)).toEqual(['critic_loss', 'maker_loss'])
    expect(history.critic_loss![2]).toBeLessThan(history.critic_loss![0]!)
  })

  it('models inside report for themselves', async () => {
    class Inner extends Sequential {
      readonly seen = new metrics.Mean({ name: 'inner' })
    }
    class Counting extends layers.Layer {
      readonly seen = { deep: [new metrics.Sum({ name: 'calls' })] }
      override call(input: Tensor): Tensor {
        this.seen.deep[0]?.updateState(ops.ones([1]))
        return input
      }
    }
    const inner = new Inner(items())
    inner.compile({ loss: 'mse', metrics: ['mae'] })
    const input = Input({ shape: [1] })
    const outer = new Model({ inputs: input, outputs: new Counting()(inner(input)) })
    const [logs] = await evaluated(outer, { loss: 'mse', metrics: ['mse'] })
    expect(logs).toEqual({ calls: 2, loss: 7.5, mse: 7.5 })
  })
})
