import { beforeEach, describe, expect, it } from 'vitest'
import { setBackend } from '../backends/load.js'
import type { Tree } from '../core/tree.js'
import type { Tensor } from '../engine/index.js'
import * as layers from '../layers/index.js'
import * as losses from '../losses/index.js'
import { Model, Sequential } from '../models/index.js'
import { resetNames } from '../ops/naming.js'
import * as optimizers from '../optimizers/index.js'
import { elements, readVectors, type SerializedObject, type VectorTensor, type VectorWeight } from '../testing/vectors.js'
import { backends } from './testing/backends.js'
import { asTensor, expectClose } from './testing/vectors.js'

const { Input } = layers

interface Trace {
  readonly optimizer: SerializedObject
  readonly loss: string | SerializedObject
  readonly metrics: readonly string[]
  readonly epochs: number
  readonly batchSize: number
  readonly fit: { readonly sample_weight?: VectorTensor }
  readonly weights: readonly VectorWeight[]
  readonly x: readonly VectorTensor[]
  readonly y: VectorTensor
  readonly validationX: readonly VectorTensor[]
  readonly validationY: VectorTensor
  readonly history: Readonly<Record<string, readonly number[]>>
  readonly evaluated: Readonly<Record<string, number>>
  readonly predictions: VectorTensor
  readonly weightsAfter: readonly VectorTensor[]
}

/** The models of tools/oracle/traces.py. */
const MODELS: Record<string, () => Model> = {
  mlp: () =>
    new Sequential(
      [
        Input({ shape: [20] }),
        layers.dense(32, { activation: 'relu' }),
        layers.dense(16, { activation: 'tanh' }),
        layers.dense(5, { activation: 'softmax' }),
      ],
      { name: 'mlp' },
    ),
  convnet: () =>
    new Sequential(
      [
        Input({ shape: [10, 10, 2] }),
        layers.conv2d(4, 3, { padding: 'same', useBias: false }),
        layers.batchNormalization(),
        layers.relu(),
        layers.maxPooling2d(),
        layers.conv2d(6, 3, { useBias: false }),
        layers.batchNormalization({ momentum: 0.9 }),
        layers.activation('relu'),
        layers.flatten(),
        layers.dense(3),
      ],
      { name: 'convnet' },
    ),
  lstmqa: () => {
    const inputs = ['text', 'question'].map((name) => Input({ shape: [12], dtype: 'int32', name }))
    const encoded = inputs.map((x) => layers.lstm(8)(layers.embedding(50, 8)(x)))
    return new Model({ inputs, outputs: layers.dense(10, { activation: 'softmax' })(layers.concatenate(encoded)), name: 'lstmqa' })
  },
  masked: () =>
    new Sequential(
      [
        Input({ shape: [7], dtype: 'int32' }),
        layers.embedding(20, 6, { maskZero: true }),
        layers.lstm(5, { returnSequences: true }),
        layers.globalAveragePooling1d(),
        layers.dense(1, { activation: 'sigmoid' }),
      ],
      { name: 'masked' },
    ),
}

const TRACES = [
  'mlp-sgd',
  'mlp-sgd-momentum',
  'mlp-sgd-nesterov-decay',
  'mlp-adam',
  'mlp-rmsprop',
  'mlp-rmsprop-centered-momentum',
  'mlp-weighted',
  'convnet-adam',
  'convnet-sgd-nesterov-decay',
  'lstmqa-rmsprop',
  'lstmqa-sgd-momentum',
  'masked-adam',
]

const one = (tensors: readonly VectorTensor[]): Tree<Tensor> =>
  tensors.length === 1 ? asTensor(tensors[0] as VectorTensor) : tensors.map(asTensor)

describe.each(backends)('fit does what Keras does on %s', (backend) => {
  beforeEach(async () => {
    await setBackend(backend)
    resetNames()
  })

  it.each(TRACES)('%s', async (title) => {
    const trace = readVectors<Trace>(`traces/${title}`)
    const model = (MODELS[title.split('-')[0] as string] as () => Model)()
    expect(model.weights.map(({ path }) => path)).toEqual(trace.weights.map(({ path }) => path))
    model.setWeights(trace.weights.map(({ value }) => asTensor(value)))
    const { sample_weight: sampleWeight } = trace.fit
    model.compile({
      optimizer: optimizers.deserialize(trace.optimizer),
      loss: typeof trace.loss === 'string' ? trace.loss : losses.deserialize(trace.loss),
      metrics: trace.metrics,
      ...(sampleWeight !== undefined && { weightedMetrics: ['accuracy'] }),
    })
    const { epochs, batchSize } = trace
    const { history } = await model.fit(one(trace.x), asTensor(trace.y), {
      epochs,
      batchSize,
      shuffle: false,
      verbose: 0,
      validationData: [one(trace.validationX), asTensor(trace.validationY)],
      ...(sampleWeight !== undefined && { sampleWeight: asTensor(sampleWeight) }),
    })
    expect(Object.keys(history).sort()).toEqual(Object.keys(trace.history).sort())
    for (const [key, values] of Object.entries(trace.history)) expectClose(history[key] as number[], values, 1e-4)
    const evaluated = await model.evaluate(one(trace.validationX), asTensor(trace.validationY), { batchSize, verbose: 0, returnDict: true })
    for (const [key, value] of Object.entries(trace.evaluated)) expectClose([evaluated[key] as number], [value], 1e-4)
    const predictions = (await model.predict(one(trace.validationX), { verbose: 0 })) as Tensor
    expectClose(await predictions.data(), elements(trace.predictions), 1e-3)
    await Promise.all(
      model.weights.map(async (variable, i) => expectClose(await variable.data(), elements(trace.weightsAfter[i] as VectorTensor), 1e-3)),
    )
  })
})
