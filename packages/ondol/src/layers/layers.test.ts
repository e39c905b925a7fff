/** What is particular to layers of the first hour; every-layer.test.ts has what all have in common. */
import { describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { ShapeError, ValueError } from '../core/errors.js'
import { jit, type Tensor, tensor, useBackend } from '../engine/index.js'
import * as ops from '../ops/index.js'
import { KerasTensor } from '../ops/operation.js'
import * as layers from './index.js'

useBackend(createHostBackend())

describe('Input', () => {
  it('is a symbolic tensor with a layer behind it', () => {
    const x = layers.Input({ shape: [null, 3], dtype: 'int32', name: 'words' })
    expect([x.shape, x.dtype, x.name]).toEqual([[null, null, 3], 'int32', 'words'])
    const layer = x.history?.operation as layers.InputLayer
    expect(layer.getConfig()).toEqual({
      batch_shape: [null, null, 3],
      dtype: 'int32',
      sparse: false,
      ragged: false,
      name: 'words',
      optional: false,
    })
    expect(layers.InputLayer.fromConfig(layer.getConfig()).getConfig()).toEqual(layer.getConfig())
    expect(layers.Input({ shape: [2], batchSize: 4 }).shape).toEqual([4, 2])
    expect(layers.Input({ batchShape: [4, 2] }).shape).toEqual([4, 2])
  })

  it('wants one shape', () => {
    expect(() => layers.Input({})).toThrow(/an input needs a shape/)
    expect(() => layers.Input({ shape: [1], batchShape: [2, 1] })).toThrow(/batchShape already says/)
    expect(() => layers.Input({ shape: [1.5] })).toThrow(ValueError)
  })
})

describe('Dense', () => {
  it('says that it works on the last axis', () => {
    const dense = layers.dense(4, { name: 'd' })
    dense(ops.ones([2, 6, 5, 4]))
    expect(() => dense(ops.ones([2, 4, 6, 5]))).toThrow(/d: input 0 does not fit[\s\S]*size 4 on axis -1[\s\S]*works on the last axis/)
    expect(() => dense(ops.ones([4]))).toThrow(/batch axis/)
    expect(() => layers.dense(-1)).toThrow(/units must be a positive whole number/)
    expect(() => layers.dense(2)(new KerasTensor([null, null]))).toThrow(/number of features must be known/)
  })
})

describe('Conv2D', () => {
  it('refuses what cannot be', () => {
    expect(() => layers.conv2d(3, 3, { groups: 2 })).toThrow(/multiple of groups/)
    expect(() => layers.conv2d(4, 3, { strides: 2, dilationRate: 2 })).toThrow(/cannot both be greater than 1/)
    expect(() => layers.conv2d(4, 3, { padding: 'causal' })).toThrow(/unknown padding/)
    expect(() => layers.conv2d(4, 3)(ops.ones([2, 8, 8]))).toThrow(/channel axis: ops.expandDims/)
    expect(() => layers.conv2d(4, 9, { name: 'c' })(ops.ones([2, 4, 4, 1]))).toThrow(/c[\s\S]*kernel is larger than the input/)
  })
})

describe('Dropout', () => {
  it('does nothing but in training, and there keeps the mean', () => {
    const layer = layers.dropout(0.25, { seed: 5 })
    const x = ops.ones([100, 100])
    expect(layer(x)).toBe(x)
    const y = layer(x, { training: true })
    const values = [...new Set(y.dataSync())].sort()
    expect(values).toEqual([0, Math.fround(1 / 0.75)])
    expect(ops.mean(y).dataSync()[0]).toBeCloseTo(1, 1)
    expect(layer(x, { training: true }).dataSync()).not.toEqual(y.dataSync())
    expect(layers.dropout(0.25, { seed: 5 })(x, { training: true }).dataSync()).toEqual(y.dataSync())
  })

  it('drops whole axes by a noise shape, anew at each compiled step', () => {
    const layer = layers.dropout(0.5, { noiseShape: [null, 1], seed: 1 })
    const step = jit((x: Tensor) => layer(x, { training: true }))
    const rows = (y: Tensor): number[][] => y.arraySync() as number[][]
    const first = rows(step(ops.ones([20, 3])))
    for (const row of first) expect(new Set(row).size).toBe(1)
    expect(rows(step(ops.ones([20, 3])))).not.toEqual(first)
    expect(() => layers.dropout(1.5)).toThrow(/rate must be between 0 and 1/)
  })
})

describe('BatchNormalization', () => {
  it('runs on moving averages when frozen', () => {
    const layer = layers.batchNormalization()
    const x = tensor([
      [1, 2],
      [3, 6],
    ])
    layer(x, { training: true })
    expect(layer.movingMean.dataSync()).toEqual(Float32Array.of(0.02, 0.04).map(Math.fround))
    expect(layer.movingVariance.dataSync()[0]).toBeCloseTo(0.99 + 0.01, 6)
    const before = layer.movingMean.dataSync()
    layer.trainable = false
    expect(layer(x, { training: true }).dataSync()).toEqual(layer(x).dataSync())
    expect(layer.movingMean.dataSync()).toEqual(before)
  })

  it('keeps statistics in float32 under mixed precision', () => {
    const layer = layers.batchNormalization({ dtype: 'mixed_float16' })
    // Squares of these overflow float16.
    const y = layer(tensor([[300], [500]]), { training: true })
    expect([...y.dataSync()]).toEqual([-1, 1])
  })

  it('takes synchronized for what it is on one device, and refuses wrong masks', () => {
    expect(layers.batchNormalization({ synchronized: true }).getConfig()).toMatchObject({ synchronized: true })
    expect(() => layers.batchNormalization()(ops.ones([2, 3, 4]), { mask: ops.ones([2], 'bool') })).toThrow(/one axis less/)
    expect(() => layers.batchNormalization({ axis: 4 })(ops.ones([2, 3]))).toThrow(ShapeError)
  })
})

describe('Embedding', () => {
  it('starts with given weights, and masks zeros', () => {
    const table = [
      [1, 2],
      [3, 4],
      [5, 6],
    ]
    const layer = layers.embedding(3, 2, { weights: tensor(table), maskZero: true })
    const y = layer(tensor([[2, 0]], undefined, 'int32'))
    expect(y.arraySync()).toEqual([
      [
        [5, 6],
        [1, 2],
      ],
    ])
    expect(layers.maskOf(y)?.arraySync()).toEqual([[true, false]])
    expect(
      layers
        .embedding(3, 2, { weights: [tensor(table)] })
        .getWeights()[0]
        ?.arraySync(),
    ).toEqual(table)
    expect(layers.embedding(3, 2, { weights: table }).getWeights()[0]?.arraySync()).toEqual(table)
  })
})

describe('merging', () => {
  it('has functions on tensors', () => {
    const [a, b] = [tensor([[1, 2]]), tensor([[3, 5]])]
    const rows = [
      layers.add([a, b]),
      layers.subtract([a, b]),
      layers.multiply([a, b]),
      layers.average([a, b]),
      layers.maximum([a, b]),
      layers.minimum([a, b]),
    ]
    expect(rows.map((row) => row.arraySync())).toEqual([[[4, 7]], [[-2, -3]], [[3, 10]], [[2, 3.5]], [[3, 5]], [[1, 2]]])
    expect(layers.concatenate([a, b], { axis: 0 }).shape).toEqual([2, 2])
    expect(layers.dot([a, b]).arraySync()).toEqual([[13]])
    const symbol = layers.concatenate([layers.Input({ shape: [2] }), layers.Input({ shape: [3] })])
    expect(symbol.shape).toEqual([null, 5])
    expect(symbol.history?.operation.name).toMatch(/^concatenate/)
  })

  it('lets only unmasked inputs count where Keras does', () => {
    const [a, b] = [tensor([[[1], [2]]]), tensor([[[3], [5]]])]
    layers.setMask(a, tensor([[true, false]]))
    layers.setMask(b, tensor([[false, false]]))
    const y = new layers.Multiply()([a, b])
    expect(y.arraySync()).toEqual([[[1], [0]]])
    expect(layers.maskOf(y)?.arraySync()).toEqual([[true, false]])
    expect(new layers.Maximum()([a, b]).arraySync()).toEqual([[[1], [2]]])
  })

  it('explains shapes that do not fit', () => {
    expect(() => layers.add([ops.ones([2, 4]), ops.ones([2, 5])])).toThrow(/shapes that do not fit each other[\s\S]*\(2, 4\), \(2, 5\)/)
    const image = layers.Input({ shape: [16, 224, 224] })
    const excited = layers.dense(16)(layers.reshape([16, 1, 1])(layers.globalAveragePooling2d({ dataFormat: 'channels_first' })(image)))
    expect(() => layers.multiply([image, excited])).toThrow(
      /\(None, 16, 224, 224\), \(None, 16, 1, 16\)[\s\S]*Dense works on the last axis[\s\S]*permute\(\[2, 3, 1\]\)/,
    )
    expect(() => layers.add([ops.ones([2, 4]), ops.ones([3, 4])])).toThrow(/differ in batch size/)
    expect(() => layers.concatenate([ops.ones([2, 3, 4]), ops.ones([2, 2, 5])])).toThrow(
      /cannot be concatenated[\s\S]*equal sizes on all axes but -1/,
    )
    expect(() => new layers.Add()(ops.ones([2, 4]))).toThrow(/takes a list of tensors/)
    expect(() => layers.subtract([ops.ones([1])])).toThrow(/exactly two inputs/)
    expect(() => layers.dot([ops.ones([2, 4]), ops.ones([2, 5])])).toThrow(/axes to sum over differ/)
  })
})

describe('LSTM', () => {
  const x = ops.multiply(ops.reshape(ops.arange(2 * 5 * 3), [2, 5, 3]), 0.1)

  it('starts from given states', () => {
    const layer = layers.lstm(4, { returnState: true })
    const [all, h, c] = layer<[Tensor, Tensor, Tensor]>(x)
    expect(all.dataSync()).toEqual(h.dataSync())
    const firstHalf = layer<[Tensor, Tensor, Tensor]>(ops.slice(x, [0, 0, 0], [2, 2, 3]))
    const [continued] = layer<[Tensor, Tensor, Tensor]>(ops.slice(x, [0, 2, 0], [2, 3, 3]), { initialState: firstHalf.slice(1) })
    continued.dataSync().forEach((value, i) => expect(value).toBeCloseTo(all.dataSync()[i] as number, 6))
    expect(c.shape).toEqual([2, 4])
    const [symbolH, symbolC] = [layers.Input({ shape: [4] }), layers.Input({ shape: [4] })]
    const described = layer<[KerasTensor, KerasTensor, KerasTensor]>(layers.Input({ shape: [5, 3] }), { initialState: [symbolH, symbolC] })
    expect(described[0].shape).toEqual([null, 4])
    expect(layer.inboundNodes.at(-1)?.inputs.length).toBe(3)
    expect(() => layer(x, { initialState: [h] })).toThrow(/wrong number of initial states/)
    expect(() => layer(x, { initialState: [h, ops.ones([2, 3])] })).toThrow(/initial state 1 has the wrong shape/)
  })

  it('keeps its state between batches when stateful', () => {
    const plain = layers.lstm(4)
    const stateful = layers.lstm(4, { stateful: true })
    plain(x)
    stateful.build([2, 2, 3])
    stateful.setWeights(plain.getWeights())
    const run = jit((part: Tensor) => stateful(part))
    run(ops.slice(x, [0, 0, 0], [2, 2, 3]))
    const continued = run(ops.slice(x, [0, 2, 0], [2, 3, 3]))
    continued.dataSync().forEach((value, i) => expect(value).toBeCloseTo(plain(x).dataSync()[i] as number, 6))
    stateful.resetState()
    stateful(x)
      .dataSync()
      .forEach((value, i) => expect(value).toBeCloseTo(plain(x).dataSync()[i] as number, 6))
    expect(stateful.variables.length).toBe(3)
    expect(() => stateful(ops.ones([3, 5, 3]))).toThrow(/same batch size each time/)
    expect(() => layers.lstm(4, { stateful: true })(layers.Input({ shape: [5, 3] }))).toThrow(/needs a fixed batch size/)
  })

  it('has one step as a cell', () => {
    const layer = layers.lstm(4)
    layer(x)
    let states = [ops.zeros([2, 4]), ops.zeros([2, 4])]
    for (let step = 0; step < 5; step++) {
      const element = ops.reshape(ops.slice(x, [0, step, 0], [2, 1, 3]), [2, 3])
      ;[, states] = layer.cell(element, states as never) as unknown as [Tensor, Tensor[]]
    }
    states[0]?.dataSync().forEach((value, i) => expect(value).toBeCloseTo(layer(x).dataSync()[i] as number, 6))
  })

  it('runs cells of your own', () => {
    class Accumulate extends layers.RNNCell {
      readonly stateSize = [3]
      override call(input: Tensor, [total]: readonly Tensor[]): [Tensor, Tensor[]] {
        const next = ops.add(input, total as Tensor)
        return [ops.multiply(next, 2), [next]]
      }
    }
    const [doubled, total] = layers.rnn(new Accumulate(), { returnState: true })<[Tensor, Tensor]>(x)
    total.dataSync().forEach((value, i) => expect(value).toBeCloseTo(ops.sum(x, { axis: 1 }).dataSync()[i] as number, 5))
    expect(doubled.dataSync()).toEqual(ops.multiply(total, 2).dataSync())
  })

  it('begins with a forget bias of 1', () => {
    const layer = layers.lstm(2)
    layer.build([null, null, 3])
    expect([...(layer.cell.bias?.dataSync() ?? [])]).toEqual([0, 0, 1, 1, 0, 0, 0, 0])
    expect(layer.weights.map(({ path }) => path.replace(/^[^/]+/, ''))).toEqual([
      '/lstm_cell/kernel',
      '/lstm_cell/recurrent_kernel',
      '/lstm_cell/bias',
    ])
  })
})

describe('deserialize', () => {
  it('makes layers of your own by custom objects, and offers near names', () => {
    class Double extends layers.Layer {
      override call(x: Tensor): Tensor {
        return ops.multiply(x, 2)
      }
    }
    const description = new Double({ name: 'twice' }).serialize()
    expect(description).toMatchObject({ module: null, class_name: 'Double', registered_name: 'Double' })
    expect(layers.deserialize(description, { Double })).toBeInstanceOf(Double)
    expect(() => layers.deserialize(description)).toThrow(/There is no layer class 'Double'/)
    expect(() => layers.deserialize({ ...description, class_name: 'Dnse', registered_name: null })).toThrow(/did you mean 'Dense'/)
  })
})
