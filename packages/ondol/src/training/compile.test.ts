/** What compile's options belong to, and what it is reported as. Names and values are those of the real Keras. */
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { flatten, type Tree } from '../core/tree.js'
import { type Tensor, tensor, useBackend } from '../engine/index.js'
import * as layers from '../layers/index.js'
import * as losses from '../losses/index.js'
import * as metrics from '../metrics/index.js'
import { Model, Sequential } from '../models/index.js'
import * as ops from '../ops/index.js'
import { resetNames } from '../ops/naming.js'
import { setGlobalSeed } from '../ops/random.js'
import type { CompileOptions, DataLike } from './index.js'
import { expectClose } from './testing/vectors.js'

const { Input } = layers
beforeAll(() => useBackend(createHostBackend()))
beforeEach(() => {
  resetNames()
  setGlobalSeed(7)
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
})

const x = tensorOf(4, 3)
const y = tensorOf(4, 1)
function tensorOf(...shape: [number, number]): number[][] {
  return Array.from({ length: shape[0] }, () => new Array<number>(shape[1]).fill(1))
}

type Heads = Record<'a' | 'b' | 'c', ReturnType<typeof Input>>
function graph(outputs: (heads: Heads) => Tree<ReturnType<typeof Input>>): Model {
  const input = Input({ shape: [3] })
  const heads = Object.fromEntries(['a', 'b', 'c'].map((name) => [name, layers.dense(1, { name, kernelInitializer: 'ones' })(input)]))
  return new Model({ inputs: input, outputs: outputs(heads as Heads) })
}

/** A model of one's own: its outputs have no names. */
class Own extends Model {
  readonly first = new layers.Dense(1, { kernelInitializer: 'ones' })
  readonly second = new layers.Dense(1, { kernelInitializer: 'zeros' })
  constructor(readonly arrange: (a: Tensor, b: Tensor) => Tree<Tensor>) {
    super()
  }
  override call(input: Tensor): Tree<Tensor> {
    return this.arrange(this.first(input), this.second(input))
  }
}

async function reported(model: Model, options: CompileOptions, targets: DataLike): Promise<string[]> {
  model.compile(options)
  return Object.keys((await model.fit(x, targets, { verbose: 0 })).history)
}

describe('what is reported', () => {
  it('is named by the keys of a record of outputs', async () => {
    const make = (): Model => graph(({ a, b }) => ({ p: a, q: b }))
    const both = { p: y, q: y }
    expect(await reported(make(), { loss: 'mse', metrics: { p: 'mae', q: ['mae'] } }, both)).toEqual([
      'loss',
      'p_loss',
      'p_mae',
      'q_loss',
      'q_mae',
    ])
    expect(await reported(make(), { loss: { p: 'mse' }, metrics: { p: ['mae', 'mae'] } }, both)).toEqual(['loss', 'p_mae', 'p_mae_1'])
    expect(await reported(make(), { loss: { p: 'mse' } }, { p: y })).toEqual(['loss'])
  })

  it('is named by the layers that give a list of outputs', async () => {
    const make = (): Model => graph(({ a, b }) => [a, b])
    expect(await reported(make(), { loss: { a: 'mse', b: null } }, [y, y])).toEqual(['loss'])
    expect(await reported(make(), { loss: 'mse', metrics: ['mae', 'mse'] }, [y, y])).toEqual(['a_loss', 'a_mae', 'b_loss', 'b_mse', 'loss'])
    expect(
      await reported(make(), { loss: 'mse', metrics: { b: 'mae' }, weightedMetrics: { b: ['mae', 'mae'], a: 'acc' } }, [y, y]),
    ).toEqual(['a_acc', 'a_loss', 'b_loss', 'b_mae', 'b_weighted_mae', 'b_weighted_mae_1', 'loss'])
    expect(await reported(make(), { loss: ['mse', 'mse'], lossWeights: [1, 2] }, { b: y, a: y })).toEqual(['a_loss', 'b_loss', 'loss'])
    expect(await reported(make(), { loss: ['mse', null], metrics: [null, 'mae'] }, [y, y])).toEqual(['b_mae', 'loss'])
  })

  it('says the way to a loss of nested outputs', async () => {
    const make = (): Model => graph(({ a, b, c }) => ({ x: [a, b], y: c }))
    const targets = { x: [y, y], y }
    expect(await reported(make(), { loss: 'mse', metrics: { x: ['mae', ['mse', 'mae']], y: 'mae' } }, targets)).toEqual([
      'a_mae',
      'b_mae',
      'b_mse',
      'c_mae',
      'loss',
      'x/a_loss',
      'x/b_loss',
      'y_loss',
    ])
    expect(await reported(make(), { loss: { x: ['mse', 'mae'] }, metrics: { x: ['mae', null], y: null } }, targets)).toEqual([
      'a_mae',
      'loss',
      'x/a_loss',
      'x/b_loss',
    ])
    const lists = graph(({ a, b, c }) => [a, [b, c]])
    expect(await reported(lists, { loss: ['mse', ['mae', 'mse']], lossWeights: [1, [2, 3]] }, [y, [y, y]])).toEqual([
      '1/b_loss',
      '1/c_loss',
      'a_loss',
      'loss',
    ])
  })

  it('is named by losses and metrics alone where outputs have no names', async () => {
    const list = (a: Tensor, b: Tensor): Tensor[] => [a, b]
    expect(await reported(new Own(list), { loss: 'mse', metrics: [['mae'], ['mae']] }, [y, y])).toEqual([
      'loss',
      'mae',
      'mae_1',
      'mse_loss',
      'mse_loss_1',
    ])
    expect(await reported(new Own(list), { loss: [new losses.MeanSquaredError(), 'mae'] }, [y, y])).toEqual([
      'loss',
      'mae_loss',
      'mean_squared_error_loss',
    ])
    const record = (a: Tensor, b: Tensor): Tree<Tensor> => ({ v: a, u: b })
    expect(await reported(new Own(record), { loss: 'mse', metrics: { u: 'mae', v: 'mae' } }, { u: y, v: y })).toEqual([
      'loss',
      'u_loss',
      'u_mae',
      'v_loss',
      'v_mae',
    ])
    const singles: [(a: Tensor) => Tree<Tensor>, DataLike][] = [
      [(a) => a, y],
      [(a) => [a], [y]],
      [(a) => ({ k: a }), { k: y }],
      [(a) => ({ k: a }), y],
    ]
    for (const [arrange, targets] of singles)
      expect(await reported(new Own(arrange), { loss: 'mse', metrics: ['mae'] }, targets)).toEqual(['loss', 'mae'])
  })

  it('has names of its own for what comes twice', async () => {
    const model = new Sequential([Input({ shape: [3] }), layers.dense(1)])
    model.compile({
      loss: 'mse',
      metrics: ['mae', 'mae', 'mse', new metrics.MeanAbsoluteError()],
      weightedMetrics: ['mae', 'mse', 'mae', new metrics.MeanAbsoluteError({ name: 'z' })],
    })
    const logs = await model.evaluate(x, y, { verbose: 0, returnDict: true })
    expect(Object.keys(logs)).toEqual([
      'loss',
      'mae',
      'mae_1',
      'mean_absolute_error',
      'mse',
      'weighted_mae',
      'weighted_mae_1',
      'weighted_mse',
      'z',
    ])
    const list = (await model.evaluate(x, y, { verbose: 0 })) as number[]
    expect(model.metricsNames).toEqual([
      'loss',
      'mae',
      'mse',
      'mean_absolute_error',
      'z',
      'mae_1',
      'weighted_mae',
      'weighted_mae_1',
      'weighted_mse',
    ])
    expect(list).toEqual(model.metricsNames.map((name) => logs[name]))
  })

  it('lists total, single losses, and the rest by the alphabet for several outputs', async () => {
    const model = graph(({ a, b }) => [a, b])
    model.compile({ loss: 'mse', metrics: [['mse', 'mae'], 'mae'] })
    await model.evaluate(x, [y, y], { verbose: 0 })
    expect(model.metricsNames).toEqual(['loss', 'a_loss', 'b_loss', 'a_mae', 'a_mse', 'b_mae'])
  })

  it('takes names of functions, and results of metrics that are records', async () => {
    function distance(yTrue: Tensor, yPred: Tensor): Tensor {
      return ops.mean(ops.abs(ops.subtract(yTrue, yPred)), { axis: -1 })
    }
    class Extremes extends metrics.Metric {
      readonly low = this.addVariable('low')
      readonly high = this.addVariable('high')
      override updateState(_yTrue: unknown, yPred?: unknown): void {
        this.low.assign(ops.minimum(this.low.value, ops.min(yPred as Tensor)))
        this.high.assign(ops.maximum(this.high.value, ops.max(yPred as Tensor)))
      }
      override result(): Record<string, Tensor> {
        return { lowest: this.low.value, highest: this.high.value }
      }
    }
    const model = new Sequential([Input({ shape: [3] }), layers.dense(1, { kernelInitializer: 'ones' })])
    model.compile({ loss: distance, metrics: [distance, new Extremes(), losses.meanSquaredError] })
    expect(await model.evaluate(x, y, { verbose: 0, returnDict: true })).toEqual({
      distance: 2,
      highest: 3,
      loss: 2,
      lowest: 0,
      mean_squared_error: 4,
    })
  })

  it('is a loss of 0 where there is nothing but metrics; but that cannot be trained', async () => {
    const model = new Sequential([Input({ shape: [3] }), layers.dense(1, { kernelInitializer: 'ones' })])
    model.compile({ metrics: ['mae'] })
    expect(await model.evaluate(x, y, { verbose: 0 })).toEqual([0, 2])
    await expect(model.fit(x, y, { verbose: 0 })).rejects.toThrow(/nothing to make small[\s\S]*a loss in compile/)
  })

  it('is the loss of layers alone, without targets', async () => {
    class Penalty extends layers.Layer {
      override call(input: Tensor): Tensor {
        this.addLoss(ops.sum(input))
        return input
      }
    }
    const model = new Sequential([Input({ shape: [3] }), new Penalty()])
    model.compile({ optimizer: 'sgd' })
    expect(await model.evaluate(x, null, { verbose: 0 })).toBe(12)
    expect((await model.fit(x, null, { verbose: 0 })).history).toEqual({ loss: [12] })
  })
})

describe('the total loss', () => {
  const pair = (): Model => graph(({ a, b }) => [a, b])
  const evaluate = async (options: CompileOptions, targets: DataLike, sampleWeight?: DataLike): Promise<number> => {
    const model = pair()
    model.compile(options)
    return (await model.evaluate(x, targets, { verbose: 0, returnDict: true, sampleWeight: sampleWeight ?? null })).loss as number
  }

  it('weighs losses in every form', async () => {
    // Both outputs are 3, both targets 1: squared error 4, absolute error 2.
    expect(await evaluate({ loss: ['mse', 'mae'] }, [y, y])).toBe(6)
    expect(await evaluate({ loss: ['mse', 'mae'], lossWeights: [0.5, 2] }, [y, y])).toBe(6)
    expect(await evaluate({ loss: { b: 'mae', a: 'mse' }, lossWeights: { b: 3, a: 1 } }, { b: y, a: y })).toBe(10)
    expect(await evaluate({ loss: 'mse', lossWeights: 0.5 }, [y, y])).toBe(4)
    expect(await evaluate({ loss: ['mse', null], lossWeights: [0.5, 1] }, y)).toBe(2)
    expect(await evaluate({ loss: [null, 'mae'] }, [null, y])).toBe(2)
  })

  it('weighs samples for all outputs, by place, or by name', async () => {
    const half = [1, 1, 0, 0]
    expect(await evaluate({ loss: 'mse' }, [y, y], half)).toBe(4)
    expect(await evaluate({ loss: 'mse' }, [y, y], { b: half })).toBe(6)
    expect(await evaluate({ loss: 'mse' }, [y, y], [tensor(half), tensor([1, 1, 1, 1])])).toBe(6)
  })

  it('takes targets by name among others, and says which one is missing', async () => {
    expect(await evaluate({ loss: 'mse' }, { z: y, b: y, a: y })).toBe(8)
    await expect(evaluate({ loss: 'mse' }, { a: y, z: y })).rejects.toThrow(/output 'b'[\s\S]*a key 'b' in y[\s\S]*keys a, z/)
  })

  it('has the same value in every structure', async () => {
    // keras/src/trainers/compile_utils_test.py: test_struct_loss, test_list_loss_dict_data.
    const truth = {
      c: [
        [0.1, 0.2],
        [0.3, 0.4],
        [0.5, 0.6],
      ],
      d: [
        [0.7, 0.8],
        [0.9, 1.0],
        [1.1, 1.2],
      ],
    }
    const guess = {
      c: [
        [1.2, 1.1],
        [1.0, 0.9],
        [0.8, 0.7],
      ],
      d: [
        [0.6, 0.5],
        [0.4, 0.3],
        [0.2, 0.1],
      ],
    }
    const names = ['c', 'd', 'b'] as const
    const inputs = Object.fromEntries(names.map((name) => [name, Input({ shape: [2], name })]))
    const { c, d, b } = Object.fromEntries(names.map((name) => [name, layers.activation('linear', { name: `${name}_out` })(inputs[name]!)]))
    const model = new Model({ inputs, outputs: { a: { c: c!, d: d! }, b: b! } })
    model.compile({ loss: { a: { c: 'mse', d: 'mae' } } })
    const data = { ...guess, b: guess.d }
    expectClose([(await model.evaluate(data, { a: truth, b: truth.d }, { verbose: 0, returnDict: true })).loss!], [1.07666], 1e-4)
    const flat = new Model({ inputs: [inputs.d!, inputs.c!], outputs: [d!, c!] })
    flat.compile({ loss: ['mse', 'mae'] })
    const values = await flat.evaluate([guess.d, guess.c], { c_out: truth.c, d_out: truth.d }, { verbose: 0, returnDict: true })
    expectClose([values.loss!], [1.07666], 1e-4)
  })
})

describe('errors', () => {
  const attempt = (model: Model, options: CompileOptions, targets: DataLike | null): Promise<unknown> => {
    model.compile(options)
    return model.fit(x, targets, { verbose: 0 })
  }

  it('list the outputs for a key that names none', async () => {
    const nested = graph(({ a, b, c }) => ({ x: [a, b], y: c }))
    const targets = { x: [y, y], y }
    await expect(attempt(nested, { loss: { zz: 'mse' } }, targets)).rejects.toThrow(/no output called 'zz'[\s\S]*'a', 'b', 'y'/)
    await expect(attempt(nested, { loss: 'mse', metrics: { y: { d: 'mae' } } }, targets)).rejects.toThrow(
      /metrics: there is no output called 'd'/,
    )
    await expect(attempt(nested, { loss: 'mse', lossWeights: { q: 2 } }, targets)).rejects.toThrow(
      /lossWeights: there is no output called 'q'/,
    )
    const single = new Sequential([Input({ shape: [3] }), layers.dense(1, { name: 'o' })])
    await expect(attempt(single, { loss: { zz: 'mse' } }, y)).rejects.toThrow(/no output called 'zz'[\s\S]*'o'/)
    await attempt(single, { loss: { o: 'mse' }, metrics: { o: ['mae'] } }, { o: y, other: y })
    expect(single.metricsNames).toEqual(['loss', 'mae'])
  })

  it('count where lists do not fit', async () => {
    const model = graph(({ a, b }) => [a, b])
    await expect(attempt(model, { loss: 'mse', metrics: ['mae'] }, [y, y])).rejects.toThrow(/metrics: [\s\S]*2: a, b[\s\S]*1/)
    await expect(attempt(model, { loss: 'mse', metrics: 'mae' }, [y, y])).rejects.toThrow(/metrics: the model has 2 outputs/)
    await expect(attempt(model, { loss: ['mse', 'mse', 'mse'] }, [y, y])).rejects.toThrow(/loss: [\s\S]*2: a, b[\s\S]*3/)
    await expect(attempt(model, { loss: 'mse', lossWeights: [1, 2, 3] }, [y, y])).rejects.toThrow(/lossWeights/)
    await expect(attempt(model, { loss: 'mse' }, y)).rejects.toThrow(/targets \(y\)[\s\S]*2: a, b[\s\S]*1/)
    await expect(attempt(model, { loss: 'mse' }, [y, y, y])).rejects.toThrow(/targets \(y\)/)
  })

  it('say that targets are missing', async () => {
    const model = new Sequential([Input({ shape: [3] }), layers.dense(1, { name: 'o' })])
    await expect(attempt(model, { loss: 'mse' }, null)).rejects.toThrow(/loss of output 'o': there are no targets[\s\S]*pass y to fit/)
    await expect(attempt(model, { loss: (_y: Tensor, p: Tensor) => p, metrics: ['mae'] }, null)).rejects.toThrow(/no targets/)
  })

  it('name output, loss or metric and both shapes before anything runs', async () => {
    const model = graph(({ a, b }) => [a, layers.concatenate([b, b])])
    const wide = tensorOf(4, 5)
    await expect(attempt(model, { loss: ['mse', 'mse'] }, [y, wide])).rejects.toThrow(
      /mse|mean_squared_error of output 'concatenate' \(targets \(4, 5\), predictions \(4, 2\)\)/,
    )
    await expect(attempt(model, { loss: ['mse', null], metrics: [null, 'mae'] }, [y, wide])).rejects.toThrow(
      /metric concatenate_mae of output 'concatenate' \(targets \(4, 5\), predictions \(4, 2\)\)/,
    )
    // As many samples as columns: broadcasting would hide it.
    const square = new Sequential([Input({ shape: [3] }), layers.dense(4)])
    await expect(attempt(square, { loss: 'mse' }, [1, 2, 3, 4])).rejects.toThrow(/targets \(4,\), predictions \(4, 4\)/)
    expect(flatten(model.getWeights() as Tree<Tensor>)).toHaveLength(4)
  })
})
