import { beforeAll, describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import type { SerializedObject } from '../core/spelling.js'
import { GradientTape, type Tensor, tensor, useBackend } from '../engine/index.js'
import { elements, readVectors, type VectorTensor } from '../testing/vectors.js'
import { asTensor, expectClose } from '../training/testing/vectors.js'
import * as losses from './index.js'

interface LossVector {
  readonly title: string
  readonly serialized: SerializedObject
  readonly yTrue: VectorTensor
  readonly yPred: VectorTensor
  readonly sampleWeight: VectorTensor | null
  readonly value: VectorTensor
  readonly gradient: VectorTensor
}

beforeAll(() => useBackend(createHostBackend()))

describe('losses give what Keras gives', () => {
  for (const { title, serialized, yTrue, yPred, sampleWeight, value, gradient } of readVectors<LossVector[]>('losses')) {
    it(`${serialized.class_name}: ${title} ${JSON.stringify(serialized.config)}`, () => {
      // Keras forgets Huber's delta in the config.
      const loss = title === 'Huber, delta' ? new losses.Huber({ delta: 0.5 }) : losses.deserialize(serialized)
      const prediction = asTensor(yPred)
      using tape = new GradientTape()
      tape.watch(prediction)
      const result = loss(asTensor(yTrue), prediction, sampleWeight === null ? null : asTensor(sampleWeight))
      expect(result.shape).toEqual(value.shape)
      expectClose(result.dataSync(), elements(value), 2e-6)
      const back = tape.gradient(result, prediction) as Tensor
      expectClose(back.dataSync(), elements(gradient), 2e-6)
      expect(losses.serialize(loss).config).toMatchObject(serialized.config)
    })
  }
})

describe('losses by name', () => {
  it('knows every spelling', () => {
    for (const name of ['mse', 'MSE', 'mean_squared_error', 'meanSquaredError', 'MeanSquaredError'])
      expect(losses.get(name).className).toBe('MeanSquaredError')
    expect(losses.get('huber').name).toBe('huber_loss')
  })

  it('offers the nearest name', () => {
    expect(() => losses.get('sparse_categorical_crosentropy')).toThrow(/did you mean 'SparseCategoricalCrossentropy'/)
  })

  it('takes functions', () => {
    const twice = losses.get((yTrue, yPred) => losses.meanAbsoluteError(yTrue, yPred))
    expectClose(twice([[1, 2]], [[2, 4]]).dataSync(), [1.5], 0)
  })
})

describe('masks', () => {
  it('average over what counts', () => {
    const mask = tensor([
      [true, true, false],
      [true, false, false],
    ])
    const yTrue = [
      [[1], [1], [9]],
      [[1], [9], [9]],
    ]
    const loss = losses.get('mse')(
      yTrue,
      tensor([
        [[0], [2], [0]],
        [[3], [0], [0]],
      ]),
      null,
      mask,
    )
    expectClose(loss.dataSync(), [2], 1e-6)
  })

  it('ignores a class', () => {
    const loss = new losses.SparseCategoricalCrossentropy({ ignoreClass: -1 })
    const probabilities = tensor([
      [0.5, 0.5],
      [0.25, 0.75],
      [0.1, 0.9],
    ])
    expectClose(loss([0, -1, 0], probabilities).dataSync(), [(Math.log(2) + Math.log(10)) / 2], 1e-6)
  })
})

describe('errors', () => {
  it('tell class numbers from one-hot targets', () => {
    const probabilities = tensor([
      [0.5, 0.5],
      [0.25, 0.75],
    ])
    expect(() => losses.get('categorical_crossentropy')([0, 1], probabilities)).toThrow(
      /Expected: targets of shape \(2, 2\)[\s\S]*sparse_categorical_crossentropy/,
    )
    expect(() =>
      losses.get('sparse_categorical_crossentropy')(
        [
          [0, 1],
          [1, 0],
        ],
        probabilities,
      ),
    ).toThrow(/one-hot targets go with categorical_crossentropy/)
  })

  it('say what weights should look like', () => {
    expect(() => losses.get('mse')([[1], [2]], [[1], [2]], [1, 2, 3])).toThrow(/sample weights do not fit[\s\S]*broadcasts to \(2,\)/)
    expect(() => new losses.MeanSquaredError({ reduction: 'average' as never })).toThrow(/unknown reduction/)
  })
})

it('answers options that no loss has', () => {
  const misspelt = { delat: 2 } as object
  expect(() => new losses.Huber(misspelt)).toThrow(
    /huber_loss: there is no option 'delat'[\s\S]*delta, reduction, name, dtype[\s\S]*did you mean 'delta'/,
  )
  expect(() => new losses.SparseCategoricalCrossentropy({ fromLogit: true } as object)).toThrow(/did you mean 'fromLogits'/)
  expect(() => new losses.Circle({ margins: 1 } as object)).toThrow(/did you mean 'margin'/)
})

it('takes its own options by position, as Keras does', () => {
  const Huber = losses.Huber as unknown as new (delta: number, options?: object) => losses.Loss
  expect(new Huber(0.5, { name: 'h' }).getConfig()).toMatchObject({ delta: 0.5, name: 'h' })
})
