import { beforeEach, describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import type { PartialShape } from '../core/shape.js'
import { type Tensor, tensor, useBackend } from '../engine/index.js'
import * as layers from '../layers/index.js'
import * as ops from '../ops/index.js'
import { resetNames } from '../ops/naming.js'
import { cloneModel, Model, Sequential } from './index.js'
import { loadModel } from './load-model.js'

const { Input } = layers

useBackend(createHostBackend())
beforeEach(() => resetNames())

const row = tensor([[1, 2]])
const paths = (layer: layers.Layer): string[] => layer.weights.map(({ path }) => path)

describe('layers inside a layer', () => {
  it('are found in fields, lists, records and maps, also those added before it is built', () => {
    class Mixed extends Model {
      readonly list: layers.Layer[] = [layers.dense(2, { name: 'a' })]
      readonly record = { deep: [layers.dense(2, { name: 'b' })] }
      readonly map = new Map([['c', layers.dense(2, { name: 'c' })]])
      override call(x: Tensor): Tensor {
        return [...this.list, ...this.record.deep, ...this.map.values()].reduce<Tensor>((y, layer) => layer(y) as Tensor, x)
      }
    }
    const model = new Mixed()
    model.list.push(layers.dense(2, { name: 'd' }))
    model(row)
    expect(model.layers.map(({ name }) => name)).toEqual(['a', 'd', 'b', 'c'])
    expect(model.trainableWeights).toHaveLength(8)
    model.list.push(layers.dense(2, { name: 'late' }))
    expect(() => model.weights).toThrow(/layer 'late' is added to a layer that is already built/)
  })

  it('are known in #private fields too, once they are built', async () => {
    class Inner extends layers.Layer {
      readonly #dense = layers.dense(2, { name: 'hidden' })
      override call(x: Tensor): Tensor {
        return this.#dense(x)
      }
    }
    class Outer extends Model {
      readonly #inner = new Inner({ name: 'inner' })
      readonly answer = layers.dense(1, { name: 'answer' })
      override call(x: Tensor): Tensor {
        return this.answer(this.#inner(x))
      }
    }
    const model = new Outer({ name: 'outer' })
    model(row)
    expect(paths(model)).toEqual(['outer/answer/kernel', 'outer/answer/bias', 'outer/inner/hidden/kernel', 'outer/inner/hidden/bias'])
    expect(model.layers.map(({ name }) => name)).toEqual(['answer', 'inner'])
    model.trainable = false
    expect(model.layers.every(({ trainable }) => !trainable)).toBe(true)
    model(row)
    expect(model.weights).toHaveLength(4)

    const [again, answer] = [new Outer({ name: 'outer' }), model(row) as Tensor]
    again(row)
    await again.loadWeights(await model.saveWeights())
    expect((again(row) as Tensor).arraySync()).toEqual(answer.arraySync())
    const loaded = (await loadModel(await model.save(), { customObjects: { Outer, Inner } })) as Model
    expect((loaded(row) as Tensor).arraySync()).toEqual(answer.arraySync())
  })

  it('that are built by the owner belong to it once, whatever the order', () => {
    class Owner extends layers.Layer {
      net!: Model
      override build([, size]: PartialShape): void {
        const x = Input({ shape: [size as number] })
        this.net = new Model({ inputs: x, outputs: layers.dense(1, { name: 'd' })(x) })
      }
      override call(x: Tensor): Tensor {
        return this.net(x) as Tensor
      }
    }
    const owner = new Owner()
    owner(row)
    expect(owner.sublayers).toEqual([owner.net])
    expect(owner.weights).toHaveLength(2)
  })

  it('must not be made in each call', () => {
    class Forgetful extends layers.Layer {
      override call(x: Tensor): Tensor {
        return layers.dense(2, { name: 'lost' })(x)
      }
    }
    expect(() => new Forgetful()(row)).toThrow(/layer 'lost' is made anew in each call[\s\S]*in the constructor or in build/)
    class Merging extends layers.Layer {
      override call(x: Tensor): Tensor {
        return layers.concatenate([x, layers.flatten()(x)])
      }
    }
    expect((new Merging()(row) as Tensor).arraySync()).toEqual([[1, 2, 1, 2]])
  })

  it('belong to nobody when they were built outside', () => {
    const teacher = layers.dense(2)
    teacher(row)
    class Student extends layers.Layer {
      readonly own = layers.dense(2)
      override call(x: Tensor): Tensor {
        return ops.add(this.own(x), teacher(x))
      }
    }
    const student = new Student()
    student(row)
    expect(student.weights).toHaveLength(2)
  })
})

describe('a subclassed model', () => {
  class Net extends Model {
    readonly first = layers.dense(3)
    readonly rest = new Sequential([layers.dropout(0.5), layers.dense(1)])
    override call(x: Tensor): Tensor {
      return this.rest(this.first(x)) as Tensor
    }
  }

  it('builds what is in it from a shape', () => {
    const model = new Net()
    model.build([null, 2])
    expect(model.built).toBe(true)
    expect(model.weights.map(({ shape }) => shape)).toEqual([[2, 3], [3], [3, 1], [1]])
    expect(model.computeOutputShape([null, 2])).toEqual([null, 1])
    expect(model.getBuildConfig()).toEqual({ input_shape: [null, 2] })
  })

  it('can be part of a graph, and hold graphs', () => {
    const x = Input({ shape: [2] })
    const model = new Model({ inputs: x, outputs: ops.multiply(new Net()(x) as never, 2) as never })
    expect(model.outputShape).toEqual([null, 1])
    expect(model.weights).toHaveLength(4)
    expect((model(row) as Tensor).shape).toEqual([1, 1])
  })

  it('cannot be cloned piece by piece', () => {
    expect(() => cloneModel(new Net(), { cloneFunction: (layer) => layer })).toThrow(
      /cloneFunction is only for graphs and Sequential models/,
    )
    expect(cloneModel(new Net(), {}).weights).toEqual([])
  })

  it('hands training down, unless a call inside says otherwise', () => {
    const seen: (boolean | undefined)[] = []
    class Spy extends layers.Layer {
      override call(x: Tensor, { training }: layers.CallOptions): Tensor {
        seen.push(training)
        return x
      }
    }
    class Augment extends Spy {
      static override readonly trainsByDefault = true
    }
    const x = Input({ shape: [2] })
    const model = new Model({ inputs: x, outputs: new Spy()(new Spy()(new Augment()(x), { training: false })) })
    seen.length = 0
    model(row)
    model(row, { training: true })
    model(row, { training: false })
    expect(seen).toEqual([true, false, false, true, false, true, false, false, false])
  })
})

describe('cloneModel', () => {
  it('takes other inputs and other layers, also inside of models', () => {
    const inner = new Sequential([Input({ shape: [3] }), layers.dense(3, { name: 'in' })], { name: 'inner' })
    const x = Input({ shape: [2] })
    const shared = layers.dense(3, { name: 'out' })
    const model = new Model({ inputs: x, outputs: inner(shared(x)) })
    const cloned: string[] = []
    const again = (layer: layers.Layer): layers.Layer => {
      cloned.push(layer.name)
      return layer instanceof layers.Dense
        ? layers.dense(3, { name: layer.name, useBias: false })
        : layers.deserialize(layers.serialize(layer))
    }
    const flat = cloneModel(model, { cloneFunction: again })
    expect(cloned).toEqual(['out', 'inner'])
    expect(flat.weights).toHaveLength(3)
    cloned.length = 0
    const deep = cloneModel(model, { cloneFunction: again, recursive: true })
    expect(cloned).toEqual(['out', 'in'])
    expect(deep.weights).toHaveLength(2)
    const fixed = cloneModel(model, { inputTensors: Input({ batchShape: [7, 2], name: 'given' }) })
    expect([fixed.inputNames, fixed.outputShape]).toEqual([['given'], [7, 3]])
    const called: string[] = []
    cloneModel(model, {
      callFunction: (layer, ...args) => {
        called.push(layer.name)
        return (layer as never as (...all: unknown[]) => never)(...args)
      },
    })
    expect(called).toEqual(['out', 'inner'])
    expect(() => cloneModel(model, { inputTensors: [] })).toThrow(/as many as the model has inputs/)
    expect(() => cloneModel(inner, { callFunction: () => x })).toThrow(/callFunction is for graphs/)
  })
})
