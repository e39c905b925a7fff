import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as activations from '../activations/index.js'
import { createHostBackend } from '../backends/host/index.js'
import * as constraints from '../constraints/index.js'
import { getCustomObjects, registerKerasSerializable } from '../core/custom-objects.js'
import { SavingError } from '../core/errors.js'
import { type Tensor, tensor, useBackend } from '../engine/index.js'
import * as initializers from '../initializers/index.js'
import { DTypePolicy } from '../layers/dtype-policy.js'
import * as layers from '../layers/index.js'
import * as losses from '../losses/index.js'
import * as metrics from '../metrics/index.js'
import * as ops from '../ops/index.js'
import { resetNames } from '../ops/naming.js'
import { SeedGenerator } from '../ops/random.js'
import * as optimizers from '../optimizers/index.js'
import * as regularizers from '../regularizers/index.js'
import { deserializeKerasObject, serializeKerasObject } from './objects.js'

// Before the tables of tests are made.
useBackend(createHostBackend())
beforeEach(resetNames)
afterEach(() => getCustomObjects().clear())

/** Through the text of a file. */
const again = (value: unknown): unknown => deserializeKerasObject(JSON.parse(JSON.stringify(serializeKerasObject(value))))

describe('objects to and from files', () => {
  it.each<[string, object, string, string]>([
    ['layer', new layers.Dense(3, { activation: 'relu' }), 'keras.layers', 'Dense'],
    ['optimizer', new optimizers.Adam({ learningRate: 0.5, beta1: 0.8 }), 'keras.optimizers', 'Adam'],
    ['loss scaling', new optimizers.LossScaleOptimizer(new optimizers.SGD()), 'keras.optimizers', 'LossScaleOptimizer'],
    [
      'schedule',
      new optimizers.schedules.ExponentialDecay({ initialLearningRate: 0.1, decaySteps: 3, decayRate: 0.5 }),
      'keras.optimizers.schedules',
      'ExponentialDecay',
    ],
    ['loss', new losses.Huber({ delta: 2 }), 'keras.losses', 'Huber'],
    ['metric', new metrics.AUC({ numThresholds: 11 }), 'keras.metrics', 'AUC'],
    ['initializer', initializers.randomNormal({ stddev: 2, seed: 3 }), 'keras.initializers', 'RandomNormal'],
    ['regularizer', new regularizers.L2(0.5), 'keras.regularizers', 'L2'],
    ['constraint', constraints.get('non_neg') as object, 'keras.constraints', 'NonNeg'],
    ['dtype policy', new DTypePolicy('mixed_bfloat16'), 'keras', 'DTypePolicy'],
    ['seed generator', new SeedGenerator(7, { name: 'seeds' }), 'keras.random', 'SeedGenerator'],
  ])('%s', (_, object, module, className) => {
    expect(serializeKerasObject(object)).toMatchObject({ module, class_name: className, registered_name: null })
    const copy = again(object)
    expect(copy).toBeInstanceOf(object.constructor)
    expect(serializeKerasObject(copy)).toEqual(serializeKerasObject(object))
  })

  it('are functions by their names', () => {
    expect(serializeKerasObject(losses.meanSquaredError)).toEqual({
      module: 'builtins',
      class_name: 'function',
      config: 'mean_squared_error',
      registered_name: 'function',
    })
    for (const fn of [losses.klDivergence, metrics.topKCategoricalAccuracy, activations.logSoftmax]) expect(again(fn)).toBe(fn)
  })

  it('are plain values, lists and records as they are', async () => {
    const value = { text: 'a', list: [1, null, { loss: new losses.MeanSquaredError() }], yes: true }
    const copy = again(value) as typeof value
    expect(copy).toMatchObject({ text: 'a', yes: true })
    expect((copy.list[2] as { loss: unknown }).loss).toBeInstanceOf(losses.MeanSquaredError)
    expect(serializeKerasObject(tensor([[1, 2]]))).toEqual({ class_name: '__tensor__', config: { value: [[1, 2]], dtype: 'float32' } })
    expect(await (again(tensor([[1, 2]], undefined, 'int32')) as Tensor).array()).toEqual([[1, 2]])
    expect(serializeKerasObject(Float64Array.of(1, 2))).toEqual({ class_name: '__numpy__', config: { value: [1, 2], dtype: 'float64' } })
    expect(serializeKerasObject(BigInt64Array.of(1n, -2n))).toEqual({ class_name: '__numpy__', config: { value: [1, -2], dtype: 'int32' } })
    const revived = (form: string, config: object): unknown => deserializeKerasObject({ class_name: form, config })
    expect(revived('__tuple__', { value: [1, 2] })).toEqual([1, 2])
    expect(revived('__bytes__', { value: 'é' })).toEqual(Uint8Array.of(0xc3, 0xa9))
    const wide = revived('__numpy__', { value: [[3]], dtype: 'int64' }) as Tensor
    expect([wide.dtype, await wide.array()]).toEqual(['int32', [[3]]])
    expect(revived('__tensor__', { value: 2.5, dtype: 'float32' })).toMatchObject({ shape: [] })
    expect(() => revived('__tensor__', { dtype: 'float32' })).toThrow(SavingError)
    expect(() => revived('__numpy__', { value: [1], dtype: 'complex64' })).toThrow(/Unknown dtype/)
    // As `ops.getItem` takes them.
    expect(
      deserializeKerasObject([
        { class_name: '__ellipsis__', config: {} },
        { class_name: '__slice__', config: { start: 1, stop: null, step: 2 } },
      ]),
    ).toEqual(['...', { start: 1, stop: null, step: 2 }])
    expect(serializeKerasObject(layers.Input({ shape: [3], name: 'x' }))).toEqual({
      class_name: '__keras_tensor__',
      config: { shape: [null, 3], dtype: 'float32', keras_history: ['x', 0, 0] },
    })
  })

  it("are the user's own by the names they are registered under, in every family", () => {
    const plus = (x: Tensor): Tensor => ops.add(x, 1)
    class Twice extends regularizers.Regularizer {
      constructor(readonly options: { readonly by?: number } = {}) {
        super()
      }
      override penalty(x: Tensor): Tensor {
        return ops.multiply(this.options.by ?? 2, ops.sum(x))
      }
      override getConfig(): Record<string, unknown> {
        return { by: this.options.by }
      }
    }
    class Squared extends losses.Loss {
      override call(yTrue: Tensor, yPred: Tensor): Tensor {
        return ops.square(ops.subtract(yTrue, yPred))
      }
    }
    const own = { plus, Twice, Squared }
    for (const object of Object.values(own)) registerKerasSerializable('mine')(object)
    expect(serializeKerasObject(new Twice({ by: 3 }))).toEqual({
      module: null,
      class_name: 'Twice',
      config: { by: 3 },
      registered_name: 'mine>Twice',
    })
    expect((again(new Twice({ by: 3 })) as Twice).options.by).toBe(3)
    expect(again(new Squared())).toBeInstanceOf(Squared)
    expect(again(plus)).toBe(plus)
    expect(losses.get('mine>Squared')).toBeInstanceOf(Squared)
    const layer = new layers.Dense(2, { activation: plus, kernelRegularizer: new Twice({ by: 5 }), biasRegularizer: plus as never })
    const copy = again(layer) as layers.Dense
    expect([copy.activation, (copy.kernelRegularizer as Twice).options.by]).toEqual([plus, 5])
    expect(serializeKerasObject(copy)).toEqual(serializeKerasObject(layer))
    // Keras up to 3.6 wrote functions without their package.
    expect(deserializeKerasObject({ module: 'builtins', class_name: 'function', config: 'plus', registered_name: 'function' })).toBe(plus)
  })

  it('refuse code and unknown names, and offer near ones', () => {
    expect(() => deserializeKerasObject({ class_name: '__lambda__', config: { value: ['4wEA', null, null] } })).toThrow(
      /a Python lambda[\s\S]*not run here/,
    )
    for (const className of ['constructor', '__proto__', 'toString', 'hasOwnProperty'])
      expect(() => deserializeKerasObject({ module: 'os', class_name: className, config: {}, registered_name: null })).toThrow(SavingError)
    expect(() =>
      deserializeKerasObject({ module: 'builtins', class_name: 'function', config: 'system', registered_name: 'function' }),
    ).toThrow(SavingError)
    expect(() =>
      deserializeKerasObject({ module: 'builtins', class_name: 'function', config: 'mean_square_error', registered_name: 'function' }),
    ).toThrow(/did you mean 'mean_squared_error'/)
    expect(() => deserializeKerasObject({ module: 'keras.losses', class_name: 'Hubr', config: {}, registered_name: null })).toThrow(/Huber/)
    expect(() => serializeKerasObject(() => 1)).toThrow(/function without a name/)
    expect(() => serializeKerasObject({ date: new Date() })).toThrow(/no form in files[\s\S]*Date/)
    const self: Record<string, unknown> = {}
    self.self = self
    expect(() => serializeKerasObject(self)).toThrow(/contains itself/)
    expect(() => deserializeKerasObject(JSON.parse('['.repeat(1000) + ']'.repeat(1000)))).toThrow(/deeper than/)
  })
})
