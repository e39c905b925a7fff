/** ONNX files: their graphs, and what is refused. That onnxruntime computes the same is in tools/oracle/onnx.interop.ts. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Input, type KerasTensor, layers, Model, ops, random, Sequential, setBackend, type Tensor } from '../index.js'
import { type ReadModel, readOnnx } from '../testing/read-onnx.js'

const folder = mkdtempSync(join(tmpdir(), 'ondol-onnx-'))
afterAll(() => rmSync(folder, { recursive: true }))
beforeAll(() => setBackend('host'))

const exported = async (model: { export(path?: undefined, options?: object): Promise<Uint8Array> }, options = {}): Promise<ReadModel> =>
  readOnnx(await model.export(undefined, options))
const operators = ({ nodes }: ReadModel): string[] => nodes.map(({ op }) => op)

const one = (shape: (number | null)[], apply: (x: KerasTensor) => unknown): Model => {
  const x = Input({ shape, name: 'x' })
  return new Model({ inputs: x, outputs: apply(x) as KerasTensor })
}

describe('the graph', () => {
  it('has the names, shapes and weights of the model', async () => {
    const model = new Sequential(
      [
        Input({ shape: [4], name: 'features' }),
        layers.dense(3, { activation: 'relu', name: 'hidden' }),
        layers.dense(2, { activation: 'softmax', name: 'answer' }),
      ],
      { name: 'classifier' },
    )
    const onnx = await exported(model)
    expect(onnx).toMatchObject({ ir: 8, opset: 17 })
    expect(onnx.inputs).toEqual([{ name: 'features', type: 1, shape: ['batch', 4] }])
    expect(onnx.outputs).toEqual([{ name: 'answer', type: 1, shape: ['batch', 2] }])
    expect(onnx.nodes).toEqual([
      { name: 'hidden/Gemm', op: 'Gemm', inputs: ['features', 'hidden/kernel', 'hidden/bias'], outputs: ['hidden/Gemm'] },
      { name: 'hidden/Relu', op: 'Relu', inputs: ['hidden/Gemm'], outputs: ['hidden/Relu'] },
      { name: 'answer/Gemm', op: 'Gemm', inputs: ['hidden/Relu', 'answer/kernel', 'answer/bias'], outputs: ['answer/Gemm'] },
      { name: 'answer/Softmax', op: 'Softmax', inputs: ['answer/Gemm'], outputs: ['answer'] },
    ])
    const kernel = onnx.initializers.find(({ name }) => name === 'hidden/kernel')
    expect(kernel?.dims).toEqual([4, 3])
    const [dense] = model.layers as [layers.Dense]
    expect(new Float32Array(kernel?.raw?.slice().buffer as ArrayBuffer)).toEqual(await dense.kernel.data())
  })

  it('has channels first from end to end, with one transpose at the edge', async () => {
    const onnx = await exported(
      one([8, 8, 3], (x) => {
        const y = layers.batchNormalization()(layers.conv2d(4, 3, { padding: 'same', activation: 'relu' })(x))
        const z = layers.add([layers.conv2d(4, 3, { padding: 'same', useBias: false })(y), y])
        return layers.globalAveragePooling2d()(layers.maxPooling2d(2)(layers.zeroPadding2d(1)(layers.concatenate([z, y], { axis: -1 }))))
      }),
    )
    const expected = ['Transpose', 'Conv', 'Relu', 'BatchNormalization', 'Conv', 'Add', 'Concat', 'Pad', 'MaxPool', 'ReduceMean']
    expect(operators(onnx)).toEqual(expected)
  })

  it('says the padding of a pool in a word: onnxruntime would take zeros that are added before for its own', async () => {
    const words = async (apply: (x: KerasTensor) => unknown): Promise<string[]> => {
      const text = new TextDecoder('latin1').decode(await one([7, 7, 2], apply).export())
      return ['VALID', 'SAME_UPPER'].filter((word) => text.includes(word))
    }
    const padded = layers.zeroPadding2d(1)
    expect(await words((x) => layers.maxPooling2d(3)(padded(x)))).toEqual(['VALID'])
    expect(await words((x) => layers.averagePooling2d(3)(padded(x)))).toEqual(['VALID'])
    expect(await words((x) => layers.maxPooling2d(2, { padding: 'same' })(padded(x)))).toEqual(['SAME_UPPER'])
  })

  it('has sequences of any length', async () => {
    const onnx = await exported(one([null, 4], (x) => layers.conv1d(2, 3)(layers.lstm(3, { returnSequences: true })(x))))
    expect(onnx.inputs[0]?.shape).toEqual(['batch', 'x_1', 4])
    expect(onnx.outputs[0]?.shape).toEqual(['batch', expect.stringMatching(/_1$/), 2])
    expect(operators(onnx).filter((op) => op !== 'Transpose' && op !== 'Squeeze')).toEqual(['LSTM', 'Conv'])
  })

  it('has what activations are called where the opset has a name for them', async () => {
    const model = one([4], (x) => new layers.Activation('mish')(new layers.Activation('gelu')(x)))
    expect(operators(await exported(model, { opsetVersion: 20 }))).toEqual(['Gelu', 'Mish'])
    const older = operators(await exported(model))
    expect(older).not.toContain('Gelu')
    expect(older).toContain('Erf')
    expect(await exported(model, { opsetVersion: 21 })).toMatchObject({ ir: 10, opset: 21 })
  })

  it('has shared layers once, with their weights', async () => {
    const dense = layers.dense(4, { name: 'shared' })
    const onnx = await exported(one([4], (x) => dense(dense(x))))
    expect(onnx.initializers.map(({ name }) => name).sort()).toEqual(['shared/bias', 'shared/kernel'])
  })

  it('has half precision as the policy says', async () => {
    const onnx = await exported(one([4], (x) => layers.dense(2, { dtype: 'mixed_float16' })(x)))
    expect(onnx.initializers.map(({ type }) => type)).toEqual([10, 10])
    expect(operators(onnx)).toEqual(['Cast', 'Gemm'])
  })

  it('is made of a model with its own call, given what it is called on', async () => {
    class Twice extends Model {
      inner = new layers.Dense(2)
      override call(x: Tensor): never {
        return ops.multiply(this.inner(x), 2) as never
      }
    }
    const model = new Twice()
    const onnx = await exported(model as never, { inputSignature: Input({ shape: [3], name: 'x' }) })
    expect(onnx.inputs).toEqual([{ name: 'x', type: 1, shape: ['batch', 3] }])
    expect(operators(onnx)).toEqual(['Gemm', 'Mul'])
  })

  it('is made of a model with its own call as it was built or called', async () => {
    class Sum extends Model {
      inner = new layers.Dense(2)
      override call([a, b]: readonly [Tensor, Tensor]): never {
        return this.inner(ops.add(a, b)) as never
      }
    }
    const model = new Sum()
    await expect(exported(model as never)).rejects.toThrow(/not known what the model is called on[\s\S]*inputSignature/)
    model([ops.ones([5, 3]), ops.ones([5, 3])] as never)
    const onnx = await exported(model as never)
    expect(onnx.inputs).toEqual([
      { name: 'input', type: 1, shape: ['batch', 3] },
      { name: 'input_1', type: 1, shape: ['batch', 3] },
    ])
    expect(operators(onnx)).toEqual(['Add', 'Gemm'])
  })

  it('leaves the model as it was', async () => {
    const model = one([4], (x) => layers.batchNormalization()(x))
    const before = Object.getOwnPropertyNames(model.layers[1] as object)
    await exported(model)
    expect(Object.getOwnPropertyNames(model.layers[1] as object)).toEqual(before)
  })
})

describe('weights in a file of their own', () => {
  it('lie where the model says', async () => {
    const model = one([64], (x) => layers.dense(64, { name: 'dense' })(x))
    const path = join(folder, 'large.onnx')
    await model.export(path, { externalData: true })
    expect(readdirSync(folder).sort()).toEqual(['large.onnx', 'large.onnx.data'])
    const { initializers } = readOnnx(readFileSync(path))
    const kernel = initializers.find(({ name }) => name === 'dense/kernel')
    expect(kernel).toMatchObject({ raw: undefined, external: { location: 'large.onnx.data', offset: '0', length: '16384' } })
    const { buffer, byteOffset } = readFileSync(`${path}.data`)
    expect(new Float32Array(buffer, byteOffset, 64 * 64)).toEqual(await (model.layers[1] as layers.Dense).kernel.data())
    expect(initializers.find(({ name }) => name === 'dense/bias')?.raw?.length).toBe(256)
  })

  it('need a path', async () => {
    await expect(
      exported(
        one([4], (x) => layers.dense(2)(x)),
        { externalData: true },
      ),
    ).rejects.toThrow('need a path')
  })
})

describe('what ONNX cannot express', () => {
  const lambda = (shape: (number | null)[], body: (x: never) => unknown): Model =>
    one(shape, (x) => layers.lambda(body as never, { name: 'mine' })(x))

  it.each([
    ['running products', () => lambda([4], (x) => ops.cumprod(x, { axis: 1 }))],
    ['the inverse error function', () => lambda([4], (x) => ops.erfinv(x))],
    ['random numbers', () => lambda([4], (x) => ops.add(x, random.normal([4], { seed: 1 })))],
  ])('is refused by name: %s', async (what, make) => {
    await expect(exported(make())).rejects.toThrow(`mine: ONNX cannot express ${what}`)
  })

  it('is refused: state that a call changes', async () => {
    const x = Input({ batchShape: [2, 3, 4], name: 'x' })
    const model = new Model({ inputs: x, outputs: layers.lstm(3, { stateful: true })(x) })
    await expect(exported(model)).rejects.toThrow('changes a Variable')
  })

  it('is refused: opsets and formats that are not written', async () => {
    const model = one([4], (x) => layers.dense(2)(x))
    await expect(exported(model, { opsetVersion: 12 })).rejects.toThrow('17 to 23')
    await expect(exported(model, { format: 'tf_saved_model' })).rejects.toThrow("'onnx'")
  })
})
