// How Keras names, calls, connects and masks layers and models.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Input, layers, Model, ops, Sequential, Tensor, tensor, utils } from '../index.js'
import { toSnakeCase } from '../ops/naming.js'
import type { KerasTensor } from '../ops/operation.js'

beforeEach(() => utils.clearSession())
afterEach(() => vi.restoreAllMocks())

const silent = { verbose: 0 } as const
const warnings = (): (() => string) => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  return () => warn.mock.calls.flat().join('\n')
}

describe('names', () => {
  it.each(
    Object.entries({
      Dense: 'dense',
      Conv2D: 'conv2d',
      Conv2DTranspose: 'conv2d_transpose',
      BatchNormalization: 'batch_normalization',
      GlobalAveragePooling1D: 'global_average_pooling1d',
      MultiHeadAttention: 'multi_head_attention',
      ReLU: 're_lu',
      PReLU: 'p_re_lu',
      LeakyReLU: 'leaky_re_lu',
      ELU: 'elu',
      UpSampling2D: 'up_sampling2d',
      LSTM: 'lstm',
      ConvLSTM2D: 'conv_lstm2d',
      RNN: 'rnn',
      GRUCell: 'gru_cell',
      RMSprop: 'rm_sprop',
      AdamW: 'adam_w',
      F1Score: 'f1_score',
      XMLParser: 'xml_parser',
    }),
  )('of %s are %s', (className, name) => expect(toSnakeCase(className)).toBe(name))

  it('count up for each class, and start again with a new session', () => {
    expect([layers.dense(1).name, layers.dense(1).name, layers.relu().name, layers.dense(1).name]).toEqual([
      'dense',
      'dense_1',
      're_lu',
      'dense_2',
    ])
    expect([new Sequential().name, new Sequential().name]).toEqual(['sequential', 'sequential_1'])
    const input = Input({ shape: [1] })
    expect(new Model({ inputs: input, outputs: layers.relu()(input) }).name).toBe('functional')
    utils.clearSession()
    expect(layers.dense(1).name).toBe('dense')
  })

  it('of inputs and symbolic tensors', () => {
    const [first, second, named] = [Input({ shape: [1] }), Input({ shape: [1] }), Input({ shape: [1], name: 'a' })]
    expect([first, second, named].map(({ history }) => history?.operation.name)).toEqual(['input_layer', 'input_layer_1', 'a'])
    expect(named.name).toBe('a')
    expect(layers.dense(1)(named).name).toMatch(/^keras_tensor/)
  })

  it('have no slashes', () => {
    expect(() => layers.dense(1, { name: 'a/b' })).toThrow(/'\/'/)
  })

  it('lead to Variables: model, layer, variable', () => {
    const chain = new Sequential([Input({ shape: [2] }), layers.dense(1)])
    expect(chain.weights.map(({ path }) => path)).toEqual(['sequential/dense/kernel', 'sequential/dense/bias'])
    expect(chain.weights.map(({ name }) => name)).toEqual(['kernel', 'bias'])
    const input = Input({ shape: [2] })
    const graph = new Model({ inputs: input, outputs: layers.dense(1)(input) })
    expect(graph.weights.map(({ path }) => path)).toEqual(['dense_1/kernel', 'dense_1/bias'])
  })
})

describe('calling a layer', () => {
  it('casts floats to the compute dtype, and nothing else', () => {
    const seen: string[] = []
    class Look extends layers.Layer {
      override call(a: Tensor, b: Tensor): Tensor {
        seen.push(a.dtype, b.dtype)
        return a
      }
    }
    new Look({ dtype: 'mixed_bfloat16' })(tensor([1.5]), tensor([1], [1], 'int32'))
    expect(seen.slice(-2)).toEqual(['bfloat16', 'int32'])
  })

  it('builds once, with the shapes of its arguments', () => {
    const shapes: unknown[] = []
    class Two extends layers.Layer {
      override build(a: unknown, b: unknown): void {
        shapes.push(a, b)
      }
      override call(a: Tensor, b: Tensor): Tensor {
        return ops.add(a, b)
      }
    }
    const two = new Two()
    two(tensor([[1, 2]]), tensor([[3, 4]]))
    two(tensor([[1, 2]]), tensor([[3, 4]]))
    expect(shapes).toEqual([
      [1, 2],
      [1, 2],
    ])
    expect(two.built).toBe(true)
  })

  it('adds no state after build', () => {
    class Late extends layers.Layer {
      override call(x: Tensor): Tensor {
        this.addWeight({ name: 'late', shape: [1] })
        return x
      }
    }
    expect(() => new Late()(tensor([1]))).toThrow(/late[\s\S]*build/)
  })
})

describe('functional models', () => {
  const subtraction = (asRecord: boolean): Model => {
    const [p, q] = [Input({ shape: [1], name: 'p' }), Input({ shape: [1], name: 'q' })]
    return new Model({ inputs: asRecord ? { p, q } : [p, q], outputs: layers.subtract([p, q]) })
  }
  const numbers = async (prediction: Promise<unknown>): Promise<unknown> => ((await prediction) as Tensor).array()

  it.each([true, false])('take records by name, in any order, and leave other keys aside (made of a record: %s)', async (asRecord) => {
    const model = subtraction(asRecord)
    expect(await numbers(model.predict({ q: [[1]], p: [[5]] }, silent))).toEqual([[4]])
    expect(await numbers(model.predict({ q: [[1]], extra: [[9]], p: [[5]] }, silent))).toEqual([[4]])
  })

  it.each([true, false])('take lists in the order of the inputs (made of a record: %s)', async (asRecord) => {
    expect(await numbers(subtraction(asRecord).predict([[[5]], [[1]]], silent))).toEqual([[4]])
  })

  it('name the key that is missing', async () => {
    await expect(subtraction(true).predict({ p: [[1]] }, silent)).rejects.toThrow(/'q'[\s\S]*'?p'?/)
  })

  it('order weights by sorted keys where inputs and outputs are records, as Keras does', () => {
    const input = Input({ shape: [2] })
    const head = (name: string) => layers.dense(1, { name })(input)
    const model = new Model({ inputs: input, outputs: { price: head('price'), kind: head('kind'), sold: head('sold') } })
    expect(model.weights.map(({ path }) => path.split('/')[0])).toEqual(['kind', 'kind', 'price', 'price', 'sold', 'sold'])
  })

  it('bring a last axis of one, and the dtype, to what they were made for', async () => {
    const column = Input({ shape: [3, 1] })
    const model = new Model({ inputs: column, outputs: layers.flatten()(column) })
    expect(await numbers(model.predict([[1, 2, 3]], silent))).toEqual([[1, 2, 3]])
    const ints = Input({ shape: [2], dtype: 'int32' })
    const whole = new Model({ inputs: ints, outputs: ops.add(ints, 1) })
    expect((whole(tensor([[1.7, 2.2]])) as Tensor).arraySync()).toEqual([[2, 3]])
  })

  it('know node indices: a shared layer is called several times, and gives the output of the first', () => {
    const [a, b] = [Input({ shape: [3], name: 'a' }), Input({ shape: [3], name: 'b' })]
    const shared = layers.dense(2, { name: 'shared' })
    const [left, right] = [shared(a), shared(b)]
    expect([left.history?.nodeIndex, right.history?.nodeIndex]).toEqual([0, 1])
    const model = new Model({ inputs: [a, b], outputs: layers.add([left, right]) })
    expect(model.countParams()).toBe(8)
    expect(shared.output).toBe(left)
  })

  it('are cut out of others, and give layers in between', async () => {
    const input = Input({ shape: [2] })
    const hidden = layers.dense(3, { name: 'hidden', kernelInitializer: 'ones' })(input)
    const model = new Model({ inputs: input, outputs: layers.dense(1)(hidden) })
    const features = new Model({ inputs: model.inputs, outputs: model.getLayer('hidden').output })
    expect(await numbers(features.predict([[1, 2]], silent))).toEqual([[3, 3, 3]])
    expect(features.weights[0]).toBe(model.weights[0])
  })

  it('know their output however they were made', () => {
    const chain = new Sequential([Input({ shape: [2] }), layers.dense(3)])
    expect((chain.output as { shape: unknown }).shape).toEqual([null, 3])
    expect(chain.layers[0]!.output).toBeDefined()
  })

  it('run inside subclassed ones, and the reverse', async () => {
    const input = Input({ shape: [2] })
    const inner = new Model({ inputs: input, outputs: layers.dense(2, { kernelInitializer: 'ones' })(input) })
    class Twice extends Model {
      readonly inner = inner
      override call(x: Tensor): Tensor {
        return ops.multiply(this.inner(x) as Tensor, 2)
      }
    }
    const twice = new Twice()
    const outer = new Model({ inputs: input, outputs: twice(input) as never })
    expect(await numbers(outer.predict([[1, 2]], silent))).toEqual([[6, 6]])
    expect(outer.weights).toEqual(inner.weights)
  })
})

describe('masks', () => {
  const words = (): { readonly input: ReturnType<typeof Input>; readonly embedded: ReturnType<typeof Input> } => {
    const input = Input({ shape: [4], dtype: 'int32' })
    return { input, embedded: layers.embedding(5, 3, { maskZero: true })(input) }
  }

  it.each([
    ['Dense', () => layers.dense(2)],
    ['Dropout', () => layers.dropout(0.5)],
    ['BatchNormalization', () => layers.batchNormalization()],
    ['Activation', () => layers.activation('relu')],
    ['ReLU', () => layers.relu()],
    ['LeakyReLU', () => layers.leakyRelu()],
    ['LSTM with sequences', () => layers.lstm(2, { returnSequences: true })],
  ])('pass through %s', (_, make) => {
    const { embedded } = words()
    expect((make() as (x: typeof embedded) => typeof embedded)(embedded).mask?.shape).toEqual([null, 4])
  })

  it.each([
    ['Flatten', () => layers.flatten()],
    ['Reshape', () => layers.reshape([12])],
    ['Conv1D', () => layers.conv1d(2, 3)],
    ['MaxPooling1D', () => layers.maxPooling1d()],
    ['GlobalMaxPooling1D', () => layers.globalMaxPooling1d()],
    ['ZeroPadding1D', () => layers.zeroPadding1d()],
  ])('are lost in %s, with a warning', (_, make) => {
    const { embedded } = words()
    const warned = warnings()
    expect((make() as (x: typeof embedded) => typeof embedded)(embedded).mask ?? null).toBeNull()
    expect(warned()).toMatch(/mask/)
  })

  it.each([
    ['Multiply', (x: KerasTensor) => ops.multiply(x, 2)],
    ['Concatenate', (x: KerasTensor) => ops.concatenate([x, x], -1)],
  ])('are lost in the op %s, with a warning', (name, op) => {
    const { embedded } = words()
    const warned = warnings()
    expect(op(embedded).mask).toBeUndefined()
    expect(warned()).toMatch(new RegExp(`op .*${name}.* mask`))
    expect(warned()).not.toMatch(/mask.*\n.*mask/)
  })

  it('end in an LSTM that gives its last output, and in pooling', () => {
    const { embedded } = words()
    expect(layers.lstm(2)(embedded).mask ?? null).toBeNull()
    expect(layers.globalAveragePooling1d()(embedded).mask ?? null).toBeNull()
  })

  it('go through nested models and merging layers', () => {
    const { input, embedded } = words()
    const encoder = new Model({ inputs: input, outputs: embedded })
    const again = Input({ shape: [4], dtype: 'int32' })
    expect((encoder(again) as typeof embedded).mask?.shape).toEqual([null, 4])
    for (const merge of [layers.add, layers.multiply, layers.average, layers.maximum, layers.concatenate])
      expect(merge([embedded, embedded]).mask?.shape).toEqual([null, 4])
    expect(layers.concatenate([embedded, embedded], { axis: 1 }).mask?.shape).toEqual([null, 8])
    expect(layers.dot([embedded, embedded], -1).mask ?? null).toBeNull()
  })

  it('let only what is not masked count', async () => {
    const { input, embedded } = words()
    const model = new Model({ inputs: input, outputs: layers.globalAveragePooling1d()(embedded) })
    const table = Array.from({ length: 5 }, (_, i) => [i, i, i])
    model.setWeights([tensor(table)])
    const found = (await model.predict([[1, 3, 0, 0]], silent)) as Tensor
    expect(found.arraySync()).toEqual([[2, 2, 2]])
  })
})

describe('stateful RNNs', () => {
  it('need a batch size', () => {
    const input = Input({ shape: [3, 4] })
    expect(() => layers.lstm(2, { stateful: true })(input)).toThrow(/batch/)
  })

  it('go on where they were, until they are reset; their state is no weight', async () => {
    const input = Input({ batchShape: [1, 2, 1] })
    const lstm = layers.lstm(1, { stateful: true })
    const model = new Model({ inputs: input, outputs: lstm(input) })
    const run = async (): Promise<unknown> => ((await model.predict([[[1], [2]]], silent)) as Tensor).array()
    const first = await run()
    expect(await run()).not.toEqual(first)
    lstm.resetState()
    expect(await run()).toEqual(first)
    expect(model.weights).toHaveLength(3)
  })
})

describe('freezing', () => {
  it('makes BatchNormalization run on what it knows', async () => {
    const norm = layers.batchNormalization()
    const model = new Sequential([Input({ shape: [1] }), norm])
    norm.trainable = false
    model.compile({ optimizer: 'sgd', loss: 'mse' })
    await model.fit([[10], [20]], [[0], [0]], silent)
    expect(await Promise.all(model.weights.map((weight) => weight.array()))).toEqual([[1], [0], [0], [1]])
  })

  it('after compile is warned of', async () => {
    const model = new Sequential([Input({ shape: [1] }), layers.dense(1), layers.dense(1)])
    model.compile({ optimizer: 'sgd', loss: 'mse' })
    model.layers[0]!.trainable = false
    const warned = warnings()
    await model.fit([[1]], [[1]], silent)
    expect(warned()).toMatch(/trainable[\s\S]*compile/)
  })
})

describe('symbolic tensors', () => {
  it('have no value, and say what to do', () => {
    const input = Input({ shape: [2] })
    const asTensor = input as unknown as Tensor
    for (const read of [() => asTensor.data(), () => asTensor.arraySync(), () => Number(asTensor)])
      expect(read).toThrow(/symbolic tensor has no value[\s\S]*call the model on real tensors/)
    expect(() => tensor(input as never)).toThrow(/KerasTensor\(shape=\(None, 2\)/)
    expect(input).not.toBeInstanceOf(Tensor)
  })

  it('go through ops and operators inside the graph', async () => {
    const input = Input({ shape: [2] })
    const model = new Model({ inputs: input, outputs: ops.multiply(ops.add(input, 1), 2) })
    expect(((await model.predict([[1, 2]], silent)) as Tensor).arraySync()).toEqual([[4, 6]])
  })
})
