import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { type Tensor, tensor, useBackend } from '../engine/index.js'
import * as layers from '../layers/index.js'
import { resetNames } from '../ops/naming.js'
import { GroupDraft, writeHdf5 } from '../saving/hdf5/index.js'
import { bytesFrom } from '../saving/location.js'
import { elements, readVectors, type VectorTensor } from '../testing/vectors.js'
import { loadModel, Model } from './index.js'

beforeAll(() => useBackend(createHostBackend()))
beforeEach(resetNames)
afterEach(() => vi.restoreAllMocks())

const quiet = { verbose: 0 } as const
const fixture = new URL('../testing/vectors/saved/functional_many.h5', import.meta.url).pathname
type Record2<T> = Readonly<Record<string, T>>
interface Description {
  readonly x: Record2<VectorTensor>
  readonly y: Record2<VectorTensor>
  readonly prediction: Record2<VectorTensor>
  readonly loss: number
}
const { functional_many: many } = readVectors<{ functional_many: Description }>('saved/models')
const decode = (tree: Record2<VectorTensor>): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(tree).map(([key, { shape, dtype, ...rest }]) => [key, tensor(elements({ shape, dtype, ...rest }), shape, dtype)]),
  )

describe('.h5 files', () => {
  it('of Keras 3 load whole: weights, compilation, optimizer', async () => {
    const model = await loadModel(fixture)
    const prediction = (await model.predict(decode(many.x), quiet)) as Record<string, Tensor>
    for (const [name, expected] of Object.entries(many.prediction)) {
      const actual = await (prediction[name] as Tensor).data()
      Array.from(elements(expected)).forEach((value, i) => expect(actual[i]).toBeCloseTo(value, 5))
    }
    const logs = await model.trainOnBatch(decode(many.x), decode(many.y), { returnDict: true })
    expect(logs.loss).toBeCloseTo(many.loss, 5)
    expect((await loadModel(fixture, { compile: false })).compiled).toBe(false)
  })

  /** A file as Keras 2.x wrote it. */
  async function kerasTwo(
    weights: Record2<readonly (readonly [name: string, shape: readonly number[], first: number])[]> = WEIGHTS,
  ): Promise<Uint8Array> {
    const root = new GroupDraft()
    root.attribute('keras_version', '2.9.0').attribute('backend', 'tensorflow')
    root.attribute('model_config', JSON.stringify(MODEL))
    root.attribute('training_config', JSON.stringify(TRAINING))
    const group = root.group('model_weights')
    group.attribute('layer_names', { dtype: 'string', shape: [Object.keys(weights).length], itemSize: 24, data: Object.keys(weights) })
    for (const [layer, arrays] of Object.entries(weights)) {
      const own = group.group(layer)
      own.attribute('weight_names', { dtype: 'string', shape: [arrays.length], itemSize: 48, data: arrays.map(([name]) => name) })
      for (const [name, shape, first] of arrays) {
        const size = shape.reduce((a, b) => a * b, 1)
        own.dataset(name, { dtype: 'float32', shape, data: Float32Array.from({ length: size }, (_, i) => (first + i) / 10) })
      }
    }
    return bytesFrom((sink) => writeHdf5(root, sink))
  }

  it('of Keras 2 are read in the words of their time', async () => {
    const model = await loadModel(await kerasTwo())
    expect(model.layers.map(({ name, className }) => [name, className])).toEqual([
      ['words', 'InputLayer'],
      ['lstm', 'LSTM'],
      ['batch_normalization', 'BatchNormalization'],
      ['dense', 'Dense'],
    ])
    expect(model.getLayer('dense').dtypePolicy.name).toBe('float32')
    expect(await (model.getLayer('dense') as layers.Dense).kernel.array()).toEqual([[0.5], [Math.fround(0.6)]])
    expect(await (model.getLayer('batch_normalization') as layers.BatchNormalization).movingMean.array()).toEqual([2, Math.fround(2.1)])
    const x = tensor(new Float32Array(12), [2, 3, 2])
    const logs = await model.trainOnBatch(x, [[1], [0]], { returnDict: true })
    expect(Object.keys(logs).sort()).toEqual(['accuracy', 'loss'])
    expect(model.optimizer?.className).toBe('Adam')
  })

  it('give their weights to a model by order, or by name', async () => {
    const build = (names: readonly [string, string]): Model => {
      const x = layers.Input({ shape: [2] })
      return new Model({ inputs: x, outputs: layers.dense(1, { name: names[0] })(layers.dense(2, { name: names[1] })(x)) })
    }
    const bytes = await kerasTwo({
      first: [
        ['first/kernel:0', [2, 2], 0],
        ['first/bias:0', [2], 4],
      ],
      none: [],
      second: [
        ['second/kernel:0', [2, 1], 6],
        ['second/bias:0', [1], 8],
      ],
    })
    const ordered = build(['a', 'b'])
    await ordered.loadWeights(bytes)
    expect((await Promise.all(ordered.getWeights().map((weight) => weight.data()))).map((values) => values[0])).toEqual(
      [0, 4, 6, 8].map((value) => Math.fround(value / 10)),
    )
    const named = build(['second', 'other'])
    const kept = await (named.getLayer('other') as layers.Dense).kernel.array()
    await named.loadWeights(bytes, { byName: true })
    expect(await (named.getLayer('other') as layers.Dense).kernel.array()).toEqual(kept)
    expect(await (named.getLayer('second') as layers.Dense).kernel.array()).toEqual([[Math.fround(0.6)], [Math.fround(0.7)]])

    const swapped = build(['first', 'second'])
    await expect(swapped.loadWeights(bytes, { byName: true })).rejects.toThrow(
      /second: the weight second\/kernel has another shape[\s\S]*\(2, 2\)[\s\S]*\(2, 1\)|has another shape/,
    )
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    await swapped.loadWeights(bytes, { byName: true, skipMismatch: true })
    expect(warn.mock.calls.length).toBeGreaterThan(0)
    const x = layers.Input({ shape: [2] })
    await expect(new Model({ inputs: x, outputs: layers.dense(2)(x) }).loadWeights(bytes)).rejects.toThrow(
      /another number of layers[\s\S]*Expected: 1[\s\S]*Received: 2: first, second/,
    )
    await expect(build(['a', 'b']).loadWeights(await ordered.saveWeights(), { byName: true })).rejects.toThrow(
      /byName is for .h5 files of older Kerases/,
    )
  })
})

const node = (from: string): unknown => [[[from, 0, 0, {}]]]
const MODEL = {
  class_name: 'Functional',
  config: {
    name: 'model',
    layers: [
      {
        class_name: 'InputLayer',
        config: { batch_input_shape: [null, 3, 2], dtype: 'float32', sparse: false, ragged: false, name: 'words' },
        name: 'words',
        inbound_nodes: [],
      },
      {
        class_name: 'LSTM',
        config: {
          name: 'lstm',
          trainable: true,
          dtype: 'float32',
          return_sequences: false,
          units: 2,
          activation: 'tanh',
          recurrent_activation: 'sigmoid',
          kernel_initializer: { class_name: 'GlorotUniform', config: { seed: null }, shared_object_id: 1 },
          unit_forget_bias: true,
          time_major: false,
          implementation: 2,
        },
        name: 'lstm',
        inbound_nodes: node('words'),
      },
      {
        class_name: 'BatchNormalization',
        config: {
          name: 'batch_normalization',
          dtype: { class_name: 'Policy', config: { name: 'float32' } },
          axis: [1],
          momentum: 0.99,
          epsilon: 0.001,
        },
        name: 'batch_normalization',
        inbound_nodes: node('lstm'),
      },
      {
        class_name: 'Dense',
        config: { name: 'dense', dtype: { class_name: 'Policy', config: { name: 'float32' } }, units: 1, activation: 'sigmoid' },
        name: 'dense',
        inbound_nodes: node('batch_normalization'),
      },
    ],
    input_layers: [['words', 0, 0]],
    output_layers: [['dense', 0, 0]],
  },
}
const TRAINING = {
  loss: 'binary_crossentropy',
  metrics: [[{ class_name: 'MeanMetricWrapper', config: { name: 'accuracy', dtype: 'float32', fn: 'binary_accuracy' } }]],
  weighted_metrics: null,
  loss_weights: null,
  optimizer_config: {
    class_name: 'Adam',
    config: { name: 'Adam', learning_rate: 0.001, decay: 0.0, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, amsgrad: false },
  },
}
const WEIGHTS = {
  words: [],
  lstm: [
    ['lstm/lstm_cell/kernel:0', [2, 8], 0],
    ['lstm/lstm_cell/recurrent_kernel:0', [2, 8], 0],
    ['lstm/lstm_cell/bias:0', [8], 0],
  ],
  batch_normalization: [
    ['batch_normalization/gamma:0', [2], 10],
    ['batch_normalization/beta:0', [2], 10],
    ['batch_normalization/moving_mean:0', [2], 20],
    ['batch_normalization/moving_variance:0', [2], 30],
  ],
  dense: [
    ['dense/kernel:0', [2, 1], 5],
    ['dense/bias:0', [1], 0],
  ],
} as const
