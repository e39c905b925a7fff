// Images prepared and classes named as the real Keras does it (tools/oracle/applications.py).
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { loadDefaultBackend } from '../backends/load.js'
import { DataError, ShapeError, ValueError } from '../core/errors.js'
import { type Tensor, tensor } from '../engine/index.js'
import * as config from '../layers/config.js'
import * as layers from '../layers/index.js'
import { Model } from '../models/index.js'
import { elements, readVectors, type VectorTensor } from '../testing/vectors.js'
import { getFile } from '../utils/get-file.js'
import * as applications from './index.js'

vi.mock('../utils/get-file.js', () => ({ getFile: vi.fn() }))
await loadDefaultBackend()

interface Vectors {
  readonly preprocessing: readonly {
    readonly mode: 'caffe' | 'tf' | 'torch'
    readonly format: 'channels_last' | 'channels_first'
    readonly x: VectorTensor
    readonly y: VectorTensor
  }[]
  readonly modes: readonly { readonly module: string; readonly y: VectorTensor }[]
  readonly predictions: readonly {
    readonly top: number
    readonly scores: VectorTensor
    readonly decoded: readonly (readonly [string, string, number])[][]
  }[]
}
const { preprocessing, modes, predictions } = readVectors<Vectors>('applications')
const { imagenetUtils } = applications

const read = (vector: VectorTensor): Tensor => tensor(elements(vector), vector.shape, 'float32')

async function expectNear(actual: Tensor, expected: VectorTensor): Promise<void> {
  expect(actual.shape).toEqual(expected.shape)
  const values = await actual.data()
  elements(expected).forEach((value, i) => {
    expect(Math.abs((values[i] as number) - value)).toBeLessThan(1e-5 * (1 + Math.abs(value)))
  })
}

afterEach(() => config.setImageDataFormat('channels_last'))

describe('preprocessInput', () => {
  it.each(preprocessing.map((vector) => [vector.mode, vector.format, vector.x.shape.length, vector] as const))(
    '%s, %s, rank %i',
    async (mode, dataFormat, rank, { x, y }) => {
      const prepare = imagenetUtils.preprocessInput
      await expectNear(prepare(read(x), { mode, dataFormat }), y)
      await expectNear(prepare(read(x), dataFormat, mode), y)
      await expectNear(prepare(read(x).arraySync() as number[][][], { mode, dataFormat }), y)
      // Whole numbers do not stay whole.
      await expectNear(prepare(tensor(elements(x), x.shape, 'uint8'), { mode, dataFormat }), y)
      const batch = rank === 4 ? x.shape : [1, ...x.shape]
      const images = layers.Input({ batchShape: [null, ...batch.slice(1).map((size) => (size === 3 ? 3 : null))] })
      const model = new Model({ inputs: images, outputs: prepare(images, { mode, dataFormat }) })
      const computed = (await model.predict(tensor(elements(x), batch, 'float32'), { verbose: 0 })) as Tensor
      await expectNear(tensor(await computed.data(), x.shape), y)
    },
  )

  it.each(modes.map((vector) => [vector.module, vector] as const))('of %s', async (module, { y }) => {
    const name = module.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
    const family = (applications as unknown as Record<string, { preprocessInput: applications.PreprocessInput }>)[name]
    await expectNear(family?.preprocessInput([[[10, 100, 250]]]) as Tensor, y)
  })

  it('follows the configured data format', async () => {
    config.setImageDataFormat('channels_first')
    const x = [[[10]], [[100]], [[250]]]
    const prepared = await applications.vgg16.preprocessInput(x).data()
    expect(prepared[0]).toBeCloseTo(250 - 103.939, 4)
    await expect(applications.vgg16.preprocessInput([[[10, 100, 250]]], 'channels_last').array()).resolves.toEqual([
      [[expect.closeTo(250 - 103.939, 4), expect.closeTo(100 - 116.779, 4), expect.closeTo(10 - 123.68, 4)]],
    ])
  })

  it('keeps the dtype of floats', () => {
    const half = tensor([[[1, 2, 3]]], [1, 1, 3], 'float16')
    expect(imagenetUtils.preprocessInput(half, { mode: 'torch' }).dtype).toBe('float16')
  })

  it('refuses what it does not know', () => {
    const x = tensor([[[1, 2, 3]]])
    expect(() => imagenetUtils.preprocessInput(x, { mode: 'other' as 'tf' })).toThrow(/unknown mode[\s\S]*'caffe', 'tf' or 'torch'/)
    expect(() => imagenetUtils.preprocessInput(x, { dataFormat: 'sideways' as 'channels_last' })).toThrow(ValueError)
    expect(() => applications.convnext.preprocessInput(x, 'sideways' as 'channels_last')).toThrow(ValueError)
    expect(() => imagenetUtils.preprocessInput(tensor([[[1, 2]]]))).toThrow(ShapeError)
    expect(() => applications.resnet.preprocessInput(tensor([1, 2, 3]))).toThrow(/\(batch, rows, columns, 3\)/)
  })
})

describe('decodePredictions', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ondol-classes-'))
  const path = join(folder, 'imagenet_class_index.json')
  const scores = read((predictions[0] as Vectors['predictions'][number]).scores)
  beforeAll(() => {
    const index = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [i, [`n${String(i).padStart(8, '0')}`, `class ${i}`]]))
    writeFileSync(path, JSON.stringify(index))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it.each(predictions.map((vector) => [vector.top, vector] as const))('gives the best %i', async (top, vector) => {
    expect(await imagenetUtils.decodePredictions(read(vector.scores), { top, path })).toEqual(vector.decoded)
    expect(await applications.xception.decodePredictions(read(vector.scores), top, { path })).toEqual(vector.decoded)
  })

  it('gives five unless told otherwise, and no more than there are', async () => {
    expect((await imagenetUtils.decodePredictions(scores, { path })).map(({ length }) => length)).toEqual([5, 5, 5])
    expect((await imagenetUtils.decodePredictions(scores, { path, top: 5000 }))[0]?.length).toBe(1000)
    expect(await imagenetUtils.decodePredictions(tensor(new Float32Array(0), [0, 1000]), { path })).toEqual([])
  })

  it('takes the names from the cache, checked', async () => {
    vi.mocked(getFile).mockResolvedValue(path)
    await imagenetUtils.decodePredictions(scores)
    await imagenetUtils.decodePredictions(scores)
    expect(vi.mocked(getFile).mock.calls).toEqual([
      [
        'imagenet_class_index.json',
        'https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json',
        { cacheSubdir: 'models', fileHash: 'c2c37ea517e94d9795004a39431a14cb' },
      ],
    ])
  })

  it('refuses other predictions, and other files', async () => {
    const decode = imagenetUtils.decodePredictions
    await expect(decode(tensor([[1, 2, 3]]), { path })).rejects.toThrow(/Expected: \(samples, 1000\)\n {2}Received: \(1, 3\)/)
    await expect(decode(scores, { path, top: 0 })).rejects.toThrow(/top must be a whole number of at least 1/)
    await expect(decode(scores, { path: join(folder, 'missing.json') })).rejects.toThrow(DataError)
    const short = join(folder, 'short.json')
    writeFileSync(short, '{"0": ["n1", "one"]}')
    await expect(decode(scores, { path: short })).rejects.toThrow(/does not name the classes of ImageNet/)
  })
})
