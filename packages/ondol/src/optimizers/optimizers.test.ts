import { beforeAll, describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import type { SerializedObject } from '../core/spelling.js'
import { jit, type Tensor, tensor, useBackend, Variable } from '../engine/index.js'
import { elements, readVectors, type VectorTensor } from '../testing/vectors.js'
import { asTensor, expectClose } from '../training/testing/vectors.js'
import * as optimizers from './index.js'

interface OptimizerVector {
  readonly title: string
  readonly serialized: SerializedObject
  readonly start: readonly VectorTensor[]
  readonly steps: readonly { readonly gradients: readonly VectorTensor[]; readonly values: readonly VectorTensor[] }[]
  readonly state: readonly { readonly path: string; readonly value: VectorTensor }[]
  readonly finalized: readonly VectorTensor[]
}

beforeAll(() => useBackend(createHostBackend()))

// 1 - 0.999 has a relative error of 1e-5 in float32, which a step of size 0.1 shows.
const expectValues = (variables: readonly Variable[], expected: readonly VectorTensor[]): void =>
  variables.forEach((variable, i) => expectClose(variable.dataSync(), elements(expected[i] as VectorTensor), 5e-6))

describe('optimizers do what Keras does', () => {
  for (const { title, serialized, start, steps, state, finalized } of readVectors<OptimizerVector[]>('optimizers')) {
    for (const mode of ['eagerly', 'compiled'] as const) {
      it(`${title} ${mode}`, () => {
        const optimizer = optimizers.deserialize(serialized)
        const variables = start.map((value, i) => new Variable(asTensor(value), { name: `v${i}` }))
        const apply = (...gradients: Tensor[]): void => optimizer.apply(gradients, variables)
        const step = mode === 'compiled' ? jit(apply) : apply
        for (const { gradients, values } of steps) {
          step(...gradients.map(asTensor))
          expectValues(variables, values)
        }
        expectValues(
          optimizer.variables,
          state.map(({ value }) => value),
        )
        // Keras numbers Variables without a name.
        const names = (list: readonly { readonly path: string }[]) =>
          list.map(({ path }) =>
            path
              .split('/')
              .at(-1)
              ?.replace(/^variable_\d+$/, 'variable'),
          )
        expect(names(optimizer.variables)).toEqual(names(state))
        optimizer.finalizeVariableValues(variables)
        expectValues(variables, finalized)
        expect(optimizers.serialize(optimizer).config).toEqual(serialized.config)
      })
    }
  }
})

describe('optimizers', () => {
  const step = (optimizer: optimizers.Optimizer, value: number[], gradient: number[]): number[] => {
    const variable = new Variable(tensor(value), { name: 'kernel' })
    for (let i = 0; i < 3; i++) optimizer.applyGradients([[tensor(gradient), variable]])
    return Array.from(variable.dataSync())
  }

  it('change their learning rate', () => {
    const optimizer = new optimizers.SGD({ learningRate: 0.5 })
    optimizer.learningRate = 0.25
    expect(optimizer.learningRate.dataSync()[0]).toBe(0.25)
    expectClose(step(optimizer, [1], [1]), [0.25], 1e-6)
    const scheduled = new optimizers.SGD({
      learningRate: new optimizers.schedules.ExponentialDecay({ initialLearningRate: 1, decaySteps: 1, decayRate: 0.5 }),
    })
    expectClose(step(scheduled, [1], [1]), [1 - 1 - 0.5 - 0.25], 1e-6)
    expect(() => {
      scheduled.learningRate = 1
    }).toThrow(/a schedule decides/)
  })

  it('leave excluded Variables out of the decay', () => {
    const optimizer = new optimizers.SGD({ learningRate: 1, weightDecay: 0.1 })
    optimizer.excludeFromWeightDecay({ names: ['kern'] })
    expectClose(step(optimizer, [1], [0]), [1], 0)
  })

  it('apply constraints', () => {
    const variable = new Variable(tensor([1, -1]), { name: 'kernel' })
    variable.constraint = (value) => tensor(Array.from(value.dataSync(), (x) => Math.max(x, 0)))
    new optimizers.SGD({ learningRate: 1 }).apply([tensor([0, 0])], [variable])
    expectClose(variable.dataSync(), [1, 0], 0)
  })

  it('skip steps that overflow and adapt the scale', () => {
    const variable = new Variable(tensor([1]), { name: 'kernel' })
    const optimizer = new optimizers.LossScaleOptimizer(new optimizers.SGD({ learningRate: 1 }), { initialScale: 4, dynamicGrowthSteps: 2 })
    optimizer.apply([tensor([Number.POSITIVE_INFINITY])], [variable])
    expectClose([...variable.dataSync(), ...optimizer.scale.dataSync()], [1, 2], 0)
    optimizer.apply([tensor([1])], [variable])
    optimizer.apply([tensor([1])], [variable])
    expectClose([...variable.dataSync(), ...optimizer.scale.dataSync(), ...optimizer.iterations.dataSync()], [0, 4, 2], 0)
  })

  it('say what is wrong', () => {
    expect(() => new optimizers.SGD({ clipnorm: 1, clipvalue: 1 })).toThrow(/clipped in one way only/)
    expect(() => optimizers.get('adan')).toThrow(/did you mean 'Adam'/)
    const optimizer = new optimizers.Adam()
    optimizer.build([new Variable(tensor([1]))])
    expect(() => optimizer.apply([tensor([1])], [new Variable(tensor([1]), { name: 'other' })])).toThrow(/was not built for other/)
    expect(() => optimizer.apply([null])).toThrow(/no Variable has a gradient/)
  })
})

describe('several optimizers in one', () => {
  const { Adam, MultiOptimizer, OptimizerMap, SGD } = optimizers
  const variables = (): Variable[] =>
    ['encoder/kernel', 'head/kernel'].map((path) => Object.assign(new Variable(tensor([1, 2]), { name: 'kernel' }), { path }))

  it('each updates its own weights, as alone', () => {
    const [encoder, head] = variables() as [Variable, Variable]
    const [aloneEncoder, aloneHead] = variables() as [Variable, Variable]
    const both = new MultiOptimizer(new OptimizerMap(new Adam({ learningRate: 0.1 }), { 'encoder/.*': new SGD({ learningRate: 0.5 }) }))
    const [sgd, adam] = [new SGD({ learningRate: 0.5 }), new Adam({ learningRate: 0.1 })]
    for (let i = 0; i < 3; i++) {
      const gradients = [tensor([0.5, -1]), tensor([0.25, 2])]
      both.apply(gradients, [encoder, head])
      sgd.apply([gradients[0] as Tensor], [aloneEncoder])
      adam.apply([gradients[1] as Tensor], [aloneHead])
    }
    expectClose(encoder.dataSync(), aloneEncoder.dataSync(), 0)
    expectClose(head.dataSync(), aloneHead.dataSync(), 0)
    expect(both.iterations.dataSync()[0]).toBe(3)
    expect(() => both.learningRate).toThrow(/a learning rate for each/)
  })

  it('go to a config and back', () => {
    const both = new MultiOptimizer(new OptimizerMap(new Adam(), { 'encoder/.*': new SGD({ learningRate: 0.5 }) }), { lossScaleFactor: 8 })
    const config = optimizers.serialize(both)
    const again = optimizers.deserialize(config)
    expect(again).toBeInstanceOf(MultiOptimizer)
    expect(optimizers.serialize(again)).toEqual(config)
  })

  it('refuse what cannot be one of several', () => {
    const map = new OptimizerMap(new Adam(), { 'a.*': new SGD(), '.*b': new SGD() })
    expect(() => map.get('ab')).toThrow(/belongs to several optimizers/)
    expect(map.get('c')).toBe(map.defaultOptimizer)
    expect(() => map.set('x', new optimizers.LossScaleOptimizer(new SGD()))).toThrow(/cannot be one of several/)
    expect(() => map.set('a.*', new SGD())).toThrow(/has an optimizer already/)
  })
})

describe('schedules', () => {
  const at = (schedule: optimizers.schedules.LearningRateSchedule, ...steps: number[]): number[] =>
    steps.map((n) => schedule(n).dataSync()[0] as number)
  const { CosineDecay, CosineDecayRestarts, ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay, PolynomialDecay } =
    optimizers.schedules

  it('take required arguments by position', () => {
    expectClose(at(new ExponentialDecay(0.1, 4, 0.5, { staircase: true }), 9), [0.025], 1e-7)
    expectClose(at(new PiecewiseConstantDecay([2], [1, 0.5]), 2, 3), [1, 0.5], 0)
    expectClose(at(new CosineDecay(1, 10, { alpha: 0.5 }), 10), [0.5], 1e-6)
    expect(() => new CosineDecay({ initialLearningRate: 1 } as never)).toThrow(/decaySteps is missing/)
    expect(new PolynomialDecay(1, 10).getConfig()).toEqual(new PolynomialDecay({ initialLearningRate: 1, decaySteps: 10 }).getConfig())
  })

  it('follow their formulae', () => {
    expectClose(
      at(new ExponentialDecay({ initialLearningRate: 0.1, decaySteps: 4, decayRate: 0.5, staircase: true }), 0, 3, 4, 9),
      [0.1, 0.1, 0.05, 0.025],
      1e-7,
    )
    expectClose(at(new InverseTimeDecay({ initialLearningRate: 1, decaySteps: 2, decayRate: 0.5 }), 0, 4), [1, 0.5], 1e-7)
    expectClose(at(new PiecewiseConstantDecay({ boundaries: [2, 4], values: [1, 0.5, 0.1] }), 0, 2, 3, 4, 5), [1, 1, 0.5, 0.5, 0.1], 1e-7)
    expectClose(
      at(new PolynomialDecay({ initialLearningRate: 1, decaySteps: 10, endLearningRate: 0, power: 2 }), 0, 5, 10, 20),
      [1, 0.25, 0, 0],
      1e-7,
    )
    expectClose(
      at(new CosineDecay({ initialLearningRate: 0, decaySteps: 10, warmupTarget: 1, warmupSteps: 4 }), 0, 2, 4, 9, 14),
      [0, 0.5, 1, 0.5, 0],
      1e-6,
    )
    expectClose(
      at(new CosineDecayRestarts({ initialLearningRate: 1, firstDecaySteps: 10, mMul: 0.5 }), 0, 5, 10, 20),
      [1, 0.5, 0.5, 0.25],
      1e-5,
    )
  })
})

it('a config tells the present learning rate, however it was set', () => {
  const optimizer = new optimizers.SGD({ learningRate: 0.25 })
  expect(optimizer.getConfig().learning_rate).toBe(0.25)
  optimizer.learningRate = 0.5
  expect(optimizer.getConfig().learning_rate).toBe(0.5)
  // As files and checkpoints set it.
  optimizer.variables.find(({ name }) => name === 'learning_rate')?.assign(tensor(0.125))
  expect(optimizer.getConfig().learning_rate).toBe(0.125)
})

it('optimizers take the learning rate by position too, and no option that there is not', () => {
  expect(new optimizers.SGD(0.5, { momentum: 0.9 }).getConfig()).toMatchObject({ learning_rate: 0.5, momentum: 0.9 })
  expect(new optimizers.Adam(0.25).getConfig()).toMatchObject({ learning_rate: 0.25, beta_1: 0.9 })
  expect(() => new optimizers.Adam({ learningrate: 0.1 } as never)).toThrow(/there is no option 'learningrate'[\s\S]*'learningRate'/)
  expect(() => new optimizers.SGD({ nesterof: true } as never)).toThrow(/there is no option 'nesterof'/)
})
