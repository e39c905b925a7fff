import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { MemorySink } from '../core/bytes.js'
import { SavingError } from '../core/errors.js'
import { type Tensor, tensor, useBackend } from '../engine/index.js'
import { batchNormalization, dense, Input, LSTM } from '../layers/index.js'
import { openHdf5 } from '../saving/hdf5/index.js'
import { withSource } from '../saving/location.js'
import { readNpz, writeNpz } from '../saving/npz.js'
import { type SafetensorsDType, writeSafetensors } from '../saving/safetensors.js'
import { saveWeights } from '../saving/weights-file.js'
import { Model, Sequential } from './index.js'
import { loadModel } from './load-model.js'

const folder = mkdtempSync(join(tmpdir(), 'ondol-formats-'))
const inFolder = (name: string): string => join(folder, name)
let data: Tensor
let target: Tensor
beforeAll(() => {
  useBackend(createHostBackend())
  const wave = Array.from({ length: 24 }, (_, i) => Math.sin(i))
  data = tensor(wave, [2, 3, 4])
  target = tensor([1, 0, 0.5, -1], [2, 2])
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A network with a network in it, with weights that are not trained between others that are. */
function network(options: { readonly seed?: number } = {}): Model {
  const x = Input({ shape: [3, 4] })
  const inner = new Sequential([dense(4, { name: 'first' }), batchNormalization({ name: 'normalized' })], { name: 'inner' })
  const model = new Model({ inputs: x, outputs: dense(2, { name: 'last' })(new LSTM(3, { name: 'memory' })(inner(x))), name: 'network' })
  model.compile({ optimizer: 'adam', loss: 'mse' })
  const { seed = 0 } = options
  for (const [index, variable] of model.weights.entries()) {
    const size = variable.shape.reduce((a, b) => a * b, 1)
    variable.assign(
      tensor(
        Array.from({ length: size }, (_, i) => Math.sin(index + 0.7 * i + seed) * 0.5 + (seed === 0 ? 0.6 : 0)),
        variable.shape,
      ),
    )
  }
  return model
}

const predictionOf = async (model: Model): Promise<unknown> => ((await model.predict(data, { verbose: 0 })) as Tensor).array()
const trained = async (): Promise<Model> => {
  const model = network()
  await model.trainOnBatch(data, target)
  return model
}

describe.each(['.weights.h5', '.safetensors', '.npz'] as const)('weights in %s', (format) => {
  it('come back, with the state of the optimizer', async () => {
    const model = await trained()
    await model.saveWeights(inFolder(`whole${format}`))
    const other = network({ seed: 3 })
    await other.loadWeights(inFolder(`whole${format}`))
    expect(await predictionOf(other)).toEqual(await predictionOf(model))
    expect(other.optimizer?.variables.map((variable) => variable.value.arraySync())).toEqual(
      model.optimizer?.variables.map((variable) => variable.value.arraySync()),
    )
    expect(await other.trainOnBatch(data, target)).toEqual(await model.trainOnBatch(data, target))
  })

  it('are the same as bytes, whatever they are called', async () => {
    const model = network()
    const bytes = await saveWeights(model, { format })
    const other = network({ seed: 1 })
    await other.loadWeights(bytes)
    expect(await predictionOf(other)).toEqual(await predictionOf(model))
  })

  it('that do not fit change nothing', async () => {
    const bytes = await saveWeights(network(), { format })
    const x = Input({ shape: [3, 4] })
    const inner = new Sequential([dense(4), batchNormalization()])
    const other = new Model({ inputs: x, outputs: dense(5)(new LSTM(3)(inner(x))) })
    const before = other.getWeights()
    await expect(other.loadWeights(bytes)).rejects.toThrow(SavingError)
    await expect(other.loadWeights(bytes)).rejects.toThrow(/nothing was changed; with skipMismatch/)
    for (const [index, weight] of other.getWeights().entries()) expect(weight.arraySync()).toEqual(before[index]?.arraySync())
    vi.spyOn(console, 'warn').mockImplementationOnce(() => undefined)
    await other.loadWeights(bytes, { skipMismatch: true })
    expect(other.weights[0]?.value.arraySync()).toEqual(network().weights[0]?.value.arraySync())
  })
})

describe('weights under the names of others', () => {
  const named = async (rename: (path: string) => string): Promise<Uint8Array> => {
    const sink = new MemorySink()
    const tensors = network().weights.map(
      (variable) =>
        [
          rename(variable.path),
          { dtype: 'F32' as SafetensorsDType, shape: variable.shape, bytes: bytesOf(variable.value.arraySync()) },
        ] as const,
    )
    await writeSafetensors(sink, new Map(tensors))
    return sink.bytes
  }
  const bytesOf = (value: unknown): Uint8Array => new Uint8Array(Float32Array.from([value].flat(9) as number[]).buffer)

  it.each([
    ['of variables', (path: string) => path],
    ['with dots', (path: string) => path.replaceAll('/', '.')],
    ['of the first TensorFlow', (path: string) => `${path}:0`],
    ['without cells', (path: string) => path.replace('/lstm_cell', '')],
    ['below a model', (path: string) => `network/${path}`],
  ])('are found by name: %s', async (_, rename) => {
    const other = network({ seed: 2 })
    await other.loadWeights(await named(rename))
    expect(await predictionOf(other)).toEqual(await predictionOf(network()))
  })

  it('must be there, unless some are enough', async () => {
    const bytes = await named((path) => path.replace('last', 'lost'))
    const other = network({ seed: 2 })
    await expect(other.loadWeights(bytes)).rejects.toThrow(
      /2 variables: last\/kernel, last\/bias[\s\S]*near 'last\/kernel' is 'lost\/kernel'/,
    )
    await other.loadWeights(bytes, { byName: true })
    expect(other.weights[0]?.value.arraySync()).toEqual(network().weights[0]?.value.arraySync())
    expect(other.weights.at(-1)?.value.arraySync()).toEqual(network({ seed: 2 }).weights.at(-1)?.value.arraySync())
  })

  it('are taken in order where they have none', async () => {
    const weights = network().getWeights()
    const other = network({ seed: 2 })
    await other.loadWeights(await writeNpz(Object.fromEntries(weights.map((weight, i) => [`arr_${i}`, weight]))))
    expect(await predictionOf(other)).toEqual(await predictionOf(network()))
    const { arr_0, ...rest } = Object.fromEntries(weights.map((weight, i) => [`arr_${i}`, weight]))
    await expect(other.loadWeights(await writeNpz(rest))).rejects.toThrow(/another number of weights/)
  })
})

it('names arrays by the places of objects', async () => {
  const names = Object.keys(await readNpz(await saveWeights(new Sequential([Input({ shape: [3] }), dense(2)]), { format: '.npz' })))
  expect(names).toEqual(['layers/dense/vars/0', 'layers/dense/vars/1'])
})

describe('.h5 files', () => {
  it('hold a whole model', async () => {
    const model = await trained()
    await model.save(inFolder('whole.h5'))
    const loaded = await loadModel(inFolder('whole.h5'))
    expect(await predictionOf(loaded)).toEqual(await predictionOf(model))
    expect(await loaded.trainOnBatch(data, target)).toEqual(await model.trainOnBatch(data, target))
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([])
  })

  it('hold weights in the order of older Kerases, by layer', async () => {
    const model = network()
    await model.saveWeights(inFolder('old.h5'))
    await withSource(inFolder('old.h5'), async (source) => {
      const root = await openHdf5(source)
      expect(await root.attribute('layer_names')).toEqual(model.layers.map(({ name }) => name))
      const inner = await root.group('inner')
      expect(await inner.attribute('weight_names')).toEqual(
        ['first/kernel', 'first/bias', 'normalized/gamma', 'normalized/beta', 'normalized/moving_mean', 'normalized/moving_variance'].map(
          (name) => `inner/${name}`,
        ),
      )
    })
    const other = network({ seed: 5 })
    await other.loadWeights(inFolder('old.h5'))
    expect(await predictionOf(other)).toEqual(await predictionOf(model))
    await other.loadWeights(inFolder('old.h5'), { byName: true })
  })

  it('take many names, and names that are the same', async () => {
    const many = new Sequential([Input({ shape: [1] }), ...Array.from({ length: 5 }, () => dense(1))])
    for (const variable of many.weights) variable.path = 'same'
    await many.saveWeights(inFolder('same.h5'))
    const other = new Sequential([Input({ shape: [1] }), ...Array.from({ length: 5 }, () => dense(1))])
    await other.loadWeights(inFolder('same.h5'))
    expect(other.getWeights().map((weight) => weight.arraySync())).toEqual(many.getWeights().map((weight) => weight.arraySync()))
  })
})

it('tells what names of files of weights can be', async () => {
  await expect(network().saveWeights(inFolder('a.bin'))).rejects.toThrow(/'.weights.h5', '.safetensors', '.npz', '.h5'/)
  await expect(network().saveWeights(inFolder('a.safetensors'), { maxShardSize: 1 })).rejects.toThrow(/'.weights.json'/)
  await expect(network().loadWeights(await network().saveWeights(), { byName: true })).rejects.toThrow(/byName is for/)
})
