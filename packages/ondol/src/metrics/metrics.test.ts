import { beforeAll, describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import type { SerializedObject } from '../core/spelling.js'
import { jit, type Tensor, tensor, useBackend } from '../engine/index.js'
import { elements, readVectors, type VectorTensor } from '../testing/vectors.js'
import { asTensor, expectClose } from '../training/testing/vectors.js'
import * as metrics from './index.js'

interface MetricVector {
  readonly title: string
  readonly serialized: SerializedObject
  readonly updates: readonly {
    readonly yTrue: VectorTensor
    readonly yPred: VectorTensor | null
    readonly sampleWeight: VectorTensor | null
    readonly result: number | readonly number[]
  }[]
  readonly state: readonly { readonly name: string; readonly value: VectorTensor }[]
}

beforeAll(() => useBackend(createHostBackend()))

const optional = (stored: VectorTensor | null): Tensor | null => (stored === null ? null : asTensor(stored))

/** Keras wraps AUC's label weights as a tensor in the config; `saving` unwraps those for everybody. */
function plain(serialized: SerializedObject): SerializedObject {
  const weights = serialized.config.label_weights as { readonly config?: { readonly value: readonly number[] } } | null | undefined
  if (!weights?.config) return serialized
  return { ...serialized, config: { ...serialized.config, label_weights: weights.config.value } }
}

describe('metrics give what Keras gives', () => {
  for (const { title, serialized, updates, state } of readVectors<MetricVector[]>('metrics')) {
    it(title, () => {
      const metric = metrics.deserialize(plain(serialized))
      for (const { yTrue, yPred, sampleWeight, result } of updates) {
        // Mean and Sum take weights in the second place.
        if (yPred === null) metric.updateState(asTensor(yTrue), optional(sampleWeight))
        else metric.updateState(asTensor(yTrue), asTensor(yPred), optional(sampleWeight))
        expectClose((metric.result() as Tensor).dataSync(), [result].flat(), 2e-6)
      }
      expect(metric.variables.map(({ name }) => name)).toEqual(state.map(({ name }) => name))
      metric.variables.forEach((variable, i) =>
        expectClose(variable.dataSync(), elements((state[i] as { value: VectorTensor }).value), 2e-6),
      )
      expect(metrics.serialize(metric).config).toMatchObject(plain(serialized).config)
      metric.resetState()
      for (const variable of metric.variables) expect(variable.dataSync()[0]).toBe(0)
    })
  }
})

describe('metrics', () => {
  it('update inside jit', () => {
    const accuracy = new metrics.SparseCategoricalAccuracy()
    const update = jit((labels: Tensor, scores: Tensor) => accuracy(labels, scores))
    const scores = tensor([
      [0.9, 0.1],
      [0.2, 0.8],
    ])
    expectClose(update(tensor([0, 0], [2], 'int32'), scores).dataSync(), [0.5], 0)
    expectClose(update(tensor([0, 1], [2], 'int32'), scores).dataSync(), [0.75], 0)
  })

  it('know their direction', () => {
    expect(metrics.get('accuracy').direction).toBe('up')
    expect(metrics.get('mse').direction).toBe('down')
    expect(metrics.get(metrics.meanSquaredError).direction).toBe('down')
    expect(new metrics.Mean().direction).toBeUndefined()
  })

  it('count with a mask', () => {
    const accuracy = new metrics.Accuracy()
    accuracy.updateState([1, 2, 3, 4], [1, 2, 0, 0], null, tensor([true, true, true, false]))
    expectClose(accuracy.result().dataSync(), [2 / 3], 1e-6)
  })

  it('offer the nearest name', () => {
    expect(() => metrics.get('acuracy')).toThrow(/did you mean 'Accuracy'/)
  })
})

describe('options that no metric has', () => {
  const wrong = (name: string): object => ({ [name]: 1 })
  it.each([
    ['threshold', () => new metrics.BinaryAccuracy(wrong('thresold'))],
    ['thresholds', () => new metrics.Precision(wrong('threshold'))],
    ['thresholds', () => new metrics.TruePositives(wrong('tresholds'))],
    ['numThresholds', () => new metrics.AUC(wrong('numThreshold'))],
    ['average', () => new metrics.F1Score(wrong('averages'))],
    ['numRegressors', () => new metrics.R2Score(wrong('numRegressor'))],
    ['axis', () => new metrics.MeanIoU(3, wrong('axes'))],
    ['classId', () => new metrics.PrecisionAtRecall(0.5, wrong('classID'))],
    ['name', () => new metrics.Mean(wrong('nam'))],
  ])('are answered with %s', (near, make) => {
    expect(make).toThrow(new RegExp(`there is no option[\\s\\S]*did you mean '${near}'`))
  })
})
