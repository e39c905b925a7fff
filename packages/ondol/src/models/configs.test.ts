/** Configs against the real Keras's: read, run, written again. */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { customObjectScope, registerKerasSerializable } from '../core/custom-objects.js'
import { flatten } from '../core/tree.js'
import { type Tensor, tensor, useBackend } from '../engine/index.js'
import * as layers from '../layers/index.js'
import * as ops from '../ops/index.js'
import { resetNames } from '../ops/naming.js'
import { elements, readVectors, type SerializedObject, type VectorTensor, type VectorWeight } from '../testing/vectors.js'
import { cloneModel, Model, modelFromJson, Sequential } from './index.js'

interface ModelVector {
  readonly title: string
  readonly json: SerializedObject
  readonly layers: readonly string[]
  readonly outputNames: readonly string[] | null
  readonly weights: readonly VectorWeight[]
  readonly inputs: readonly VectorTensor[]
  readonly outputs: readonly VectorTensor[]
}

beforeAll(() => useBackend(createHostBackend()))
beforeEach(() => resetNames())

const load = (vector: VectorTensor): Tensor => tensor(elements(vector), vector.shape, vector.dtype)

/** What Keras writes and ondol leaves out: nulls of quantization. */
function essential(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(essential)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== 'quantization_config')
      .map(([key, item]) => [key, essential(item)]),
  )
}

function expectOutputs(model: Model, { inputs, outputs, title }: ModelVector): void {
  const values = inputs.map(load)
  const actual = flatten(model(values.length === 1 ? (values[0] as Tensor) : values) as unknown as Tensor[])
  expect(actual.length).toBe(outputs.length)
  actual.forEach((output, i) => {
    const wanted = outputs[i] as VectorTensor
    expect(output.shape).toEqual(wanted.shape)
    // bfloat16 has eight bits.
    const tolerance = title === 'mixed' ? 0.02 : 1e-5
    const expected = elements(wanted)
    output.dataSync().forEach((value, at) => expect(Math.abs(value - Number(expected[at]))).toBeLessThan(tolerance))
  })
}

describe.each(readVectors<ModelVector[]>('models').map((vector) => [vector.title, vector] as const))('%s', (_title, vector) => {
  const read = (): Model => modelFromJson(JSON.stringify(vector.json))
  const withWeights = (model: Model): Model => {
    model.setWeights(vector.weights.map(({ value }) => load(value)))
    return model
  }

  it('has the layers, weights and names that Keras’s has', () => {
    const model = read()
    expect(model.layers.map(({ name }) => name)).toEqual(vector.layers)
    expect(model.weights.map(({ shape, trainable }) => ({ shape, trainable }))).toEqual(
      vector.weights.map(({ value, trainable }) => ({ shape: value.shape, trainable })),
    )
  })

  it('computes what Keras’s computes', () => expectOutputs(withWeights(read()), vector))

  it('is written as Keras writes it', () => {
    expect(essential(JSON.parse(read().toJson()))).toEqual(essential(vector.json))
  })

  it('is the same after a second reading, and cloned', () => {
    const model = withWeights(read())
    expectOutputs(withWeights(modelFromJson(model.toJson())), vector)
    const clone = cloneModel(model)
    expect(clone.weights.map(({ shape }) => shape)).toEqual(model.weights.map(({ shape }) => shape))
    expect(clone.weights.some((weight) => model.weights.includes(weight))).toBe(false)
    expectOutputs(withWeights(clone), vector)
  })
})

const { Input } = layers

describe('configs', () => {
  it('bring a layer that an outer and an inner model share back as one', () => {
    const layer = layers.dense(2, { name: 'shared' })
    const inner = new Sequential([Input({ shape: [2] }), layer], { name: 'inner' })
    const x = Input({ shape: [2], name: 'x' })
    const model = new Model({ inputs: x, outputs: ops.add(inner(x), layer(x)) })
    const again = modelFromJson(model.toJson())
    expect(again.weights).toHaveLength(2)
    expect(again.getLayer('shared')).toBe((again.getLayer('inner') as Model).getLayer('shared'))
    again.setWeights(model.getWeights())
    expect((again(tensor([[1, 2]])) as Tensor).arraySync()).toEqual((model(tensor([[1, 2]])) as Tensor).arraySync())
    // Keras leaves the mark off where the layer stands for the first time.
    const asKeras = JSON.parse(model.toJson(), (_key, value) => {
      if (value?.class_name === 'Dense' && value.inbound_nodes === undefined) delete value.shared_object_id
      return value
    })
    expect(modelFromJson(asKeras).weights).toHaveLength(2)
    // Nothing is marked that stands in one place only.
    expect(inner.toJson()).not.toContain('shared_object_id')
  })

  it('hold arrays, slices and wide integers in the arguments of calls, as Keras writes them', () => {
    const array = (value: unknown, dtype: string): unknown => ({ class_name: '__numpy__', config: { value, dtype } })
    const x = { class_name: '__keras_tensor__', config: { shape: [null, 3], dtype: 'int64', keras_history: ['x', 0, 0] } }
    const op = (name: string, config: object, args: unknown[], kwargs: object = {}): object => ({
      module: 'keras.src.ops.numpy',
      class_name: name,
      config: { name, ...config },
      registered_name: name,
      name,
      inbound_nodes: [{ args, kwargs }],
    })
    const part = { class_name: '__slice__', config: { start: null, stop: null, step: -1 } }
    const description = {
      module: 'keras.src.models.functional',
      class_name: 'Functional',
      registered_name: 'Functional',
      config: {
        name: 'graph',
        trainable: true,
        layers: [
          {
            module: 'keras.layers',
            class_name: 'InputLayer',
            config: { batch_shape: [null, 3], dtype: 'int64', sparse: false, ragged: false, name: 'x' },
            registered_name: null,
            name: 'x',
            inbound_nodes: [],
          },
          op('Take', { axis: 1 }, [x, array([2, 0], 'int64')]),
          op('Average', { axis: 1 }, [x], { weights: array([1, 2, 1], 'float32') }),
          op('Einsum', { subscripts: 'ab,bc->ac' }, [x, array([[1], [2], [3]], 'int32')]),
          op('GetItem', {}, [x, [{ class_name: '__ellipsis__', config: {} }, part]]),
          op('Amax', { axis: 1, keepdims: true }, [x]),
        ],
        input_layers: ['x', 0, 0],
        output_layers: ['Take', 'Average', 'Einsum', 'GetItem', 'Amax'].map((name) => [name, 0, 0]),
      },
    }
    const outputs = (model: Model): unknown =>
      (model(tensor([[1, 2, 5]], undefined, 'int32')) as unknown as Tensor[]).map((y) => y.arraySync())
    const model = modelFromJson(description as never)
    expect(outputs(model)).toEqual([[[5, 1]], [2.5], [[20]], [[5, 2, 1]], [[5]]])
    const again = model.toJson()
    expect(again).toContain('"__slice__"')
    expect(again).toContain('"__tensor__"')
    expect(outputs(modelFromJson(again))).toEqual(outputs(model))
    const broken = JSON.stringify(description).replace('"int64"}}]', '"complex128"}}]')
    expect(() => modelFromJson(broken)).toThrow(/[Uu]nknown dtype[\s\S]*complex128/)
  })

  it('find classes of the user’s own, registered or given, and say what is missing', () => {
    class Scale extends layers.Layer {
      readonly factor: number
      constructor({ factor = 2, ...options }: layers.LayerOptions & { factor?: number } = {}) {
        super(options)
        this.factor = factor
      }
      override call(x: Tensor): Tensor {
        return ops.multiply(x, this.factor)
      }
      override getConfig(): Record<string, unknown> {
        return { ...super.getConfig(), factor: this.factor }
      }
    }
    const text = new Sequential([Input({ shape: [1] }), new Scale({ factor: 3 })]).toJson()
    expect(() => modelFromJson(text)).toThrow(/no layer class 'Scale'[\s\S]*registerKerasSerializable, or passed as customObjects/)
    const run = (model: Model): unknown => (model(tensor([[5]])) as Tensor).arraySync()
    expect(run(modelFromJson(text, { customObjects: { Scale } }))).toEqual([[15]])
    expect(customObjectScope({ Scale }, () => run(modelFromJson(text)))).toEqual([[15]])
    registerKerasSerializable('test')(Scale)
    const registered = new Sequential([Input({ shape: [1] }), new Scale({ factor: 4 })]).toJson()
    expect(registered).toContain('"registered_name": "test>Scale"')
    expect(run(modelFromJson(registered))).toEqual([[20]])
  })

  it('hold the options of subclassed models, and build what was built', () => {
    class Classifier extends Model {
      static override readonly configTable = { units: 'value' } as const
      readonly units: number
      readonly #answer: layers.Dense
      constructor({ units = 2, ...options }: { units?: number; name?: string } = {}) {
        super(options)
        this.units = units
        this.#answer = layers.dense(units)
      }
      override call(x: Tensor): Tensor {
        return this.#answer(x)
      }
    }
    const model = new Classifier({ units: 3 })
    model(tensor([[1, 2]]))
    const description = JSON.parse(model.toJson())
    expect(description).toMatchObject({
      class_name: 'Classifier',
      module: null,
      registered_name: 'Classifier',
      config: { units: 3 },
      compile_config: {},
    })
    const again = modelFromJson(description, { customObjects: { Classifier } })
    expect((again(tensor([[1, 2]])) as Tensor).shape).toEqual([1, 3])
  })

  it('refuse what describes no model', () => {
    expect(() => modelFromJson('{')).toThrow(/no JSON/)
    expect(() => modelFromJson('{"a": 1}')).toThrow(/describes no model/)
    expect(() => modelFromJson(JSON.stringify(layers.dense(2).serialize()))).toThrow(/a layer, not a model/)
    const x = Input({ shape: [1], name: 'x' })
    const config = JSON.parse(new Model({ inputs: x, outputs: layers.dense(1, { name: 'd' })(x) }).toJson())
    const edited = (from: string, to: string): string => JSON.stringify(config).replaceAll(from, to)
    expect(() => modelFromJson(edited('["x",0,0]', '["x",3,0]'))).toThrow(/does not exist|nothing makes/)
    expect(() => modelFromJson(edited('["x",0,0]', '["d",0,0]'))).toThrow(
      /loops, or calls on tensors that nothing makes[\s\S]*call 0 of 'd'/,
    )
    expect(() => modelFromJson(edited('["x",0,0]', '["z",0,0]'))).toThrow(/no layer 'z'/)
  })

  it('of Keras 2 are read too', () => {
    const old = {
      class_name: 'Functional',
      config: {
        name: 'old',
        layers: [
          { class_name: 'InputLayer', name: 'a', config: { batch_input_shape: [null, 2], dtype: 'float32', name: 'a' }, inbound_nodes: [] },
          {
            class_name: 'Dense',
            name: 'd',
            config: { name: 'd', units: 1, kernel_initializer: 'ones' },
            inbound_nodes: [[['a', 0, 0, {}]], [['t', 0, 0, {}]]],
          },
          {
            class_name: 'Dense',
            name: 't',
            config: { name: 't', units: 2, kernel_initializer: 'ones' },
            inbound_nodes: [[['a', 0, 0, {}]]],
          },
          {
            class_name: 'Add',
            name: 's',
            config: { name: 's' },
            inbound_nodes: [
              [
                ['d', 0, 0, {}],
                ['d', 1, 0, {}],
              ],
            ],
          },
        ],
        input_layers: [['a', 0, 0]],
        output_layers: [['s', 0, 0]],
      },
    }
    const model = modelFromJson(old as never)
    const [sum] = flatten(model(tensor([[1, 2]])) as unknown as Tensor[])
    expect(sum?.arraySync()).toEqual([[9]])
  })
})

describe('defaults of calls', () => {
  const calls = (model: Model): Record<string, unknown> =>
    Object.fromEntries(
      (model.getConfig() as { layers: { name: string; inbound_nodes: { kwargs: unknown }[] }[] }).layers.flatMap(
        ({ name, inbound_nodes }) => inbound_nodes.map(({ kwargs }) => [name, kwargs]),
      ),
    )

  // What the real Keras writes for these calls.
  it('stand in configs as in Keras’s', () => {
    const [a, words] = [layers.Input({ shape: [4, 3] }), layers.Input({ shape: [4], dtype: 'int32' })]
    const inner = new Sequential([layers.Input({ shape: [4, 3] }), layers.dense(1)], { name: 'inner' })
    const model = new Model({
      inputs: [a, words],
      outputs: [
        layers.lstm(2, { name: 'lstm' })(a),
        layers.lstm(2, { name: 'masked' })(layers.embedding(5, 3, { maskZero: true, name: 'words' })(words)),
        layers.softmax({ name: 'softmax' })(a),
        layers.globalAveragePooling1d({ name: 'pool' })(a),
        layers.batchNormalization({ name: 'norm' })(a, { training: false }),
        layers.dropout(0.5, { name: 'drop' })(a),
        layers.dropout(0.5, { name: 'always' })(a, { training: true }),
        inner(a),
        layers.dense(1, { name: 'dense' })(a),
      ],
    })
    expect(calls(model)).toEqual({
      lstm: { training: false, mask: null },
      masked: { training: false },
      words: {},
      softmax: { mask: null },
      pool: { mask: null },
      norm: { training: false },
      drop: { training: false },
      always: { training: true },
      inner: { mask: null },
      dense: {},
    })
  })

  it('that a file has do not keep layers from being trained', () => {
    const x = layers.Input({ shape: [100] })
    const made = new Model({ inputs: x, outputs: layers.dropout(0.5)(x) })
    const read = modelFromJson(made.toJson())
    const zeros = (options: { training?: boolean }): number =>
      (read(ops.ones([1, 100]), options) as Tensor).dataSync().filter((value) => value === 0).length
    expect(zeros({ training: true })).toBeGreaterThan(20)
    expect(zeros({})).toBe(0)
  })

  it('do not hide what was given', () => {
    const x = layers.Input({ shape: [1] })
    const [always, never] = [
      layers.dropout(0.5)(layers.dense(100)(x), { training: true }),
      layers.batchNormalization()(x, { training: false }),
    ]
    const read = modelFromJson(new Model({ inputs: x, outputs: [always, never] }).toJson())
    const [dropped, normalized] = read([[1]] as never, { training: true }) as unknown as [Tensor, Tensor]
    expect(dropped.dataSync().filter((value) => value === 0).length).toBeGreaterThan(20)
    expect(normalized.item()).not.toBe(0)
    expect((read(ops.ones([1, 1])) as unknown as [Tensor])[0].dataSync().filter((value) => value === 0).length).toBeGreaterThan(20)
  })
})
