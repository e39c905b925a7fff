import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import type { Tree } from '../core/tree.js'
import { jit, type Tensor, tensor, useBackend } from '../engine/index.js'
import * as layers from '../layers/index.js'
import * as ops from '../ops/index.js'
import { resetNames } from '../ops/naming.js'
import type { KerasTensor } from '../ops/operation.js'
import { expectClose } from '../training/testing/vectors.js'
import { Model, Sequential } from './index.js'

const { Input } = layers

beforeAll(() => useBackend(createHostBackend()))
beforeEach(() => resetNames())

const ones = { kernelInitializer: 'ones', useBias: false } as const

describe('Model', () => {
  it('begin with a shape, by position or by name', () => {
    const images = Input([28, null, 1], { name: 'images', dtype: 'uint8' })
    expect([images.shape, images.dtype, images.name]).toEqual([[null, 28, null, 1], 'uint8', 'images'])
    expect(Input([4], { batchSize: 3 }).shape).toEqual(Input({ shape: [4], batchSize: 3 }).shape)
    expect(Input([]).shape).toEqual([null])
    expect(() => Input({ shap: [4] } as object)).toThrow(/there is no option 'shap'/)
  })

  it('runs shared layers, ops and models inside', () => {
    const [a, b] = [Input({ shape: [2], name: 'a' }), Input({ shape: [2], name: 'b' })]
    const shared = layers.dense(1, ones)
    const inner = new Sequential([Input({ shape: [1] }), layers.dense(1, { kernelInitializer: 'ones', biasInitializer: 'ones' })])
    const difference = ops.subtract(shared(a), inner(shared(b)))
    const model = new Model({ inputs: [a, b], outputs: difference })
    expectClose((model([tensor([[1, 2]]), tensor([[3, 4]])]) as Tensor).dataSync(), [3 - 8], 0)
    expect(model.layers.map(({ name }) => name)).toEqual(['a', 'b', 'dense', 'sequential'])
    expect(model.trainableVariables).toHaveLength(3)
    // The Sequential has one inside, which took the first name.
    expect(model.name).toBe('functional_1')
    expect(model.className).toBe('Functional')
    const compiled = jit((x: Tensor, y: Tensor) => model([x, y]))
    expectClose((compiled(tensor([[1, 2]]), tensor([[3, 4]])) as Tensor).dataSync(), [-5], 0)
  })

  it('matches inputs by name, ignores others, and says what is missing', () => {
    const [p, q] = [Input({ shape: [1], name: 'p' }), Input({ shape: [1], name: 'q' })]
    const model = new Model({ inputs: [p, q], outputs: ops.subtract(p, q) })
    expectClose((model({ q: tensor([[1]]), p: tensor([[5]]), other: tensor([[9]]) }) as Tensor).dataSync(), [4], 0)
    expect(() => model({ p: tensor([[5]]) })).toThrow(/no data for input 'q'[\s\S]*a record with p, q/)
    expect(() => model(tensor([[5]]))).toThrow(/another number of inputs[\s\S]*2: p, q/)
  })

  it('brings inputs to the rank and dtype it was made for', () => {
    const x = Input({ shape: [3, 1] })
    const model = new Model({ inputs: x, outputs: layers.flatten()(x) })
    expect((model(tensor(new Int32Array(6), [2, 3])) as Tensor).toString()).toBe('Tensor(shape=(2, 3), dtype=float32)')
    expect(() => model(tensor([1, 2, 3]))).toThrow(/does not have the shape/)
  })

  it('gives the structure it was made with', () => {
    const x = Input({ shape: [2] })
    const model = new Model({ inputs: { x }, outputs: { twice: ops.multiply(x, 2), both: [x, ops.negative(x)] } })
    const result = model<Tree<Tensor>>({ x: tensor([[1, 2]]) }) as unknown as { twice: Tensor; both: [Tensor, Tensor] }
    expectClose(result.both[1].dataSync(), [-1, -2], 0)
    expectClose(result.twice.dataSync(), [2, 4], 0)
  })

  it('can be cut out of another model', () => {
    const x = Input({ shape: [2] })
    const hidden = layers.dense(3, { ...ones, name: 'hidden' })(x)
    const whole = new Model({ inputs: x, outputs: layers.dense(1, ones)(hidden) })
    const features = new Model({ inputs: whole.input, outputs: whole.getLayer('hidden').output })
    expectClose((features(tensor([[1, 2]])) as Tensor).dataSync(), [3, 3, 3], 0)
    const head = new Model({ inputs: hidden, outputs: whole.output })
    expectClose((head(tensor([[1, 2, 3]])) as Tensor).dataSync(), [6], 0)
  })

  it('names the Input that a disconnected graph misses', () => {
    const [a, b] = [Input({ shape: [2], name: 'a' }), Input({ shape: [2], name: 'b' })]
    const sum = new layers.Add({ name: 'sum' })([a, b])
    expect(() => new Model({ inputs: a, outputs: layers.dense(1, { name: 'answer' })(sum) })).toThrow(
      /output 'answer' is not connected[\s\S]*'sum' needs the Input 'b'[\s\S]*add the tensor of Input 'b' to inputs/,
    )
    expect(() => new Model({ inputs: a, outputs: tensor([1]) as never })).toThrow(/outputs must be symbolic tensors/)
    const twice = (name: string) => layers.dense(1, { name })
    expect(() => new Model({ inputs: a, outputs: twice('same')(twice('same')(a)) })).toThrow(/the name 'same' is used 2 times/)
  })

  it('offers the nearest layer', () => {
    const x = Input({ shape: [2] })
    const model = new Model({ inputs: x, outputs: layers.dense(1, { name: 'answer' })(x) })
    expect(() => model.getLayer('anser')).toThrow(/did you mean 'answer'/)
    expect(model.getLayer(-1).name).toBe('answer')
  })

  it('can be subclassed, with several arguments', () => {
    class Distance extends Model {
      readonly embed = new layers.Dense(1, ones)
      override call(support: Tensor, query: Tensor): Tree<Tensor> {
        return [ops.subtract(this.embed(support), this.embed(query))]
      }
    }
    const model = new Distance()
    const [distance] = model<Tensor[]>(tensor([[1, 2]]), tensor([[1, 1]]))
    expectClose(distance!.dataSync(), [1], 0)
    expect(model.weights.map(({ path }) => path)).toEqual(['distance/dense/kernel'])
    expect(() => model.inputs).toThrow(/not a graph of layers/)
  })

  it('sets weights', () => {
    const x = Input({ shape: [1] })
    const model = new Model({ inputs: x, outputs: layers.dense(1)(x) })
    model.setWeights([tensor([[2]]), tensor([1])])
    expectClose((model(tensor([[3]])) as Tensor).dataSync(), [7], 0)
    expect(() => model.setWeights([tensor([[2]])])).toThrow(/wrong number of weights/)
    expect(model.countParams()).toBe(2)
  })
})

describe('a graph', () => {
  it('can be cut at any tensor, with an Input there, and written', () => {
    const x = Input({ shape: [2], name: 'x' })
    const hidden = layers.dense(3, { ...ones, name: 'hidden' })(x)
    const head = new Model({ inputs: hidden, outputs: layers.dense(1, { ...ones, name: 'answer' })(hidden) })
    expect(head.layers.map(({ name, className }) => `${name} ${className}`)).toEqual([`${hidden.name}CLONE InputLayer`, 'answer Dense'])
    expect(head.inputShape).toEqual([null, 3])
    expect((head(tensor([[1, 2, 3]])) as Tensor).arraySync()).toEqual([[6]])
    expect(head.getConfig().input_layers).toEqual([`${hidden.name}CLONE`, 0, 0])
  })

  it('takes nested inputs by structure, by names, or flat; null for what is optional', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((name) => Input({ shape: [1], name })) as [KerasTensor, KerasTensor, KerasTensor]
    const model = new Model({ inputs: { second: [b, c], first: a } as never, outputs: ops.subtract(ops.add(a, b), ops.multiply(c, 2)) })
    const [one, two, three] = [tensor([[1]]), tensor([[2]]), tensor([[3]])]
    const run = (values: unknown): unknown => (model as (x: never) => unknown as (x: unknown) => Tensor)(values).arraySync()
    expect(run({ first: one, second: [two, three] })).toEqual([[-3]])
    expect(run({ c: three, b: two, a: one, z: one })).toEqual([[-3]])
    expect(run([two, three, one])).toEqual([[-3]])
    expect(() => run({ first: one })).toThrow(/no data for input 'second'/)
    class OrZero extends layers.Layer {
      override call(x: Tensor | null, y: Tensor | null): Tensor {
        return y === null ? (x as Tensor) : ops.add(x as Tensor, y)
      }
    }
    const extra = Input({ shape: [1], name: 'extra', optional: true })
    const optional = new Model({ inputs: [a, extra], outputs: new OrZero()(a, extra) }) as unknown as (x: unknown) => Tensor
    expect([optional([one, null]), optional([one, two]), optional({ a: one })].map((y) => y.arraySync())).toEqual([[[1]], [[3]], [[1]]])
    expect(() => optional([null, one])).toThrow(/input 'a' is not optional, but null came/)
  })

  it('says when a layer was not called', () => {
    expect(() => layers.dense(2)(layers.dense(3, { name: 'inner' }) as never)).toThrow(/the layer 'inner' itself came[\s\S]*inner\(x\)/)
    expect(() => new Model({ inputs: Input({ shape: [1] }), outputs: layers.dense(2) as never })).toThrow(
      /this is a layer, not what it gives/,
    )
  })
})

describe('Sequential', () => {
  it('holds one layer twice, several outputs at its end, and layers of several inputs', () => {
    const twice = layers.dense(2, ones)
    const model = new Sequential([Input({ shape: [2] }), twice, twice])
    expect((model(tensor([[1, 2]])) as Tensor).arraySync()).toEqual([[6, 6]])
    expect(model.weights).toHaveLength(1)
    const state = new Sequential([Input({ shape: [3, 2] }), layers.lstm(4, { returnState: true })])
    expect(state.outputShape).toEqual([
      [null, 4],
      [null, 4],
      [null, 4],
    ])
    const sum = new Sequential([new layers.Add()]) as unknown as (x: Tensor[]) => Tensor
    expect(sum([tensor([[1]]), tensor([[2]])]).arraySync()).toEqual([[3]])
  })

  it('refuses to be built without layers, or twice for different shapes', () => {
    expect(() => new Sequential().build([null, 2])).toThrow(/no layers to build/)
    const model = new Sequential([layers.dense(1)])
    model.build([null, 3])
    expect(() => model.build([null, 4])).toThrow(/built for another input shape already/)
  })

  it('is built by its first data, for any batch size', () => {
    const model = new Sequential([layers.dense(2, ones), layers.dense(1, ones)])
    expect(model.built).toBe(false)
    expect((model(tensor([[1, 2, 3]])) as Tensor).shape).toEqual([1, 1])
    expect(
      (
        model(
          tensor([
            [1, 2, 3],
            [1, 1, 1],
          ]),
        ) as Tensor
      ).arraySync(),
    ).toEqual([[12], [6]])
    expect(model.inputs[0]?.shape).toEqual([null, 3])
    expect(model.weights.map(({ path }) => path)).toEqual(['sequential/dense/kernel', 'sequential/dense_1/kernel'])
  })

  it('grows and shrinks', () => {
    const model = new Sequential([Input({ shape: [2] })])
    model.add(layers.dense(3, ones))
    model.add(layers.dense(1, ones))
    expect(model.outputs[0]?.shape).toEqual([null, 1])
    expect(model.pop().name).toBe('dense_1')
    expect((model(tensor([[1, 2]])) as Tensor).arraySync()).toEqual([[3, 3, 3]])
    model.add(layers.flatten())
    expect(model.layers.map(({ name }) => name)).toEqual(['dense', 'flatten'])
  })

  it('knows the shape from its first layer', () => {
    const model = new Sequential([layers.dense(3, { inputShape: [2] })])
    expect(model.built).toBe(true)
  })

  it('refuses what is no chain', () => {
    const model = new Sequential([Input({ shape: [2] }), layers.dense(3, { name: 'one' })])
    expect(() => model.add(Input({ shape: [2] }))).toThrow(/can only come first/)
    expect(() => model.add(layers.dense(3, { name: 'one' }))).toThrow(/called 'one' already/)
    expect(() => model.add('dense' as never)).toThrow(/only layers can be added/)
  })
})
