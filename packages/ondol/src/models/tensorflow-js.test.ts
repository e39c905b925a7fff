import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { SavingError } from '../core/errors.js'
import { type Tensor, tensor, useBackend } from '../engine/index.js'
import { Model } from './index.js'
import { loadModel } from './load-model.js'

interface Spec {
  readonly name: string
  readonly shape: readonly number[]
  readonly dtype: string
  readonly quantization?: Readonly<Record<string, unknown>>
}

interface Saved {
  readonly modelTopology: Readonly<Record<string, unknown>>
  readonly format: string
  readonly weightSpecs: readonly Spec[]
  readonly data: string
  readonly x: readonly number[]
  readonly xShape: readonly number[]
  readonly y: readonly (readonly number[])[]
}

const saved = JSON.parse(readFileSync(new URL('../testing/vectors/saved/tensorflow-js.json', import.meta.url), 'utf8')) as Readonly<
  Record<string, Saved>
>
const names = Object.keys(saved)

let folder = ''
beforeAll(() => {
  useBackend(createHostBackend())
  folder = mkdtempSync(join(tmpdir(), 'ondol-tfjs-'))
})
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(() => vi.restoreAllMocks())

type Files = Record<string, Uint8Array>
const utf8 = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))

/** The files of a model: weights in shards that end anywhere. */
function filesOf(
  { modelTopology, format, weightSpecs, data }: Saved,
  bytes: Uint8Array = Buffer.from(data, 'base64'),
  specs = weightSpecs,
): Files {
  const cut = Math.floor(bytes.length / 3) + 1
  const shards = [bytes.slice(0, cut), bytes.slice(cut, cut + 5), bytes.slice(cut + 5)]
  const paths = shards.map((_, i) => `group1-shard${i + 1}of3.bin`)
  const manifest = [{ paths, weights: specs }]
  return {
    'model.json': utf8({ format, generatedBy: 'TensorFlow.js', convertedBy: null, modelTopology, weightsManifest: manifest }),
    ...Object.fromEntries(shards.map((shard, i) => [paths[i], shard])),
  }
}

async function predictionOf(model: Model, { x, xShape }: Saved): Promise<number[][]> {
  const outputs = [await model.predict(tensor([...x], [...xShape]), { verbose: 0 })].flat() as Tensor[]
  return Promise.all(outputs.map(async (output) => Array.from(await output.data(), Number)))
}

function expectClose(actual: readonly (readonly number[])[], expected: readonly (readonly number[])[], tolerance = 1e-5): void {
  expect(actual.map(({ length }) => length)).toEqual(expected.map(({ length }) => length))
  for (const [i, values] of actual.entries())
    for (const [j, value] of values.entries())
      expect(Math.abs(value - (expected[i]?.[j] as number)), `output ${i}, element ${j}`).toBeLessThan(tolerance)
}

describe.each(names)('the %s of TensorFlow.js', (name) => {
  const model = saved[name] as Saved

  it('predicts what it predicted there', async () => {
    expectClose(await predictionOf(await loadModel(filesOf(model)), model), model.y)
  })

  it('can be saved and loaded again', async () => {
    const again = await loadModel(await (await loadModel(filesOf(model))).save())
    expect(again).toBeInstanceOf(Model)
    expectClose(await predictionOf(again, model), model.y)
  })

  it('is read from a folder, and from a URL', async () => {
    mkdirSync(join(folder, name))
    for (const [file, bytes] of Object.entries(filesOf(model))) writeFileSync(join(folder, name, file), bytes)
    expectClose(await predictionOf(await loadModel(join(folder, name, 'model.json')), model), model.y)
    const asked: string[] = []
    vi.stubGlobal('fetch', async (url: string | URL) => {
      asked.push(String(url))
      return new Response(readFileSync(join(folder, name, new URL(url).pathname.slice(8))))
    })
    expectClose(await predictionOf(await loadModel('https://models/folder/model.json?v=1'), model), model.y)
    expect(asked).toEqual(
      ['model.json?v=1', ...[1, 2, 3].map((i) => `group1-shard${i}of3.bin`)].map((file) => `https://models/folder/${file}`),
    )
    vi.unstubAllGlobals()
  })

  it.each(['uint8', 'uint16', 'float16'] as const)('is read with weights in %s', async (dtype) => {
    const { bytes, specs, tolerance } = quantized(model, dtype)
    expectClose(await predictionOf(await loadModel(filesOf(model, bytes, specs)), model), model.y, tolerance)
  })
})

/** Weights in fewer bits, as the converter packs them. */
function quantized(
  { data, weightSpecs }: Saved,
  dtype: 'uint8' | 'uint16' | 'float16',
): { bytes: Uint8Array; specs: Spec[]; tolerance: number } {
  const values = new Float32Array(Uint8Array.from(Buffer.from(data, 'base64')).buffer)
  const parts: Uint8Array[] = []
  let at = 0
  const specs = weightSpecs.map((spec): Spec => {
    const own = values.subarray(at, (at += spec.shape.reduce((a, b) => a * b, 1)))
    if (dtype === 'float16') {
      parts.push(new Uint8Array(Uint16Array.from(own, halfBits).buffer))
      return { ...spec, quantization: { dtype, original_dtype: 'float32' } }
    }
    const [min, max] = [Math.min(...own), Math.max(...own)]
    const scale = (max - min) / (dtype === 'uint8' ? 255 : 65535)
    const packed = Array.from(own, (value) => Math.round((value - min) / scale))
    parts.push(dtype === 'uint8' ? Uint8Array.from(packed) : new Uint8Array(Uint16Array.from(packed).buffer))
    return { ...spec, quantization: { dtype, scale, min, original_dtype: 'float32' } }
  })
  return { bytes: Buffer.concat(parts), specs, tolerance: { uint8: 0.1, uint16: 1e-3, float16: 1e-2 }[dtype] }
}

/** Of normal numbers; the last bit is cut off. */
function halfBits(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0] as number
  const exponent = ((bits >>> 23) & 255) - 112
  return ((bits >>> 16) & 0x8000) | (exponent <= 0 ? 0 : (exponent << 10) | ((bits >>> 13) & 0x3ff))
}

it('knows the values of quantized weights exactly', async () => {
  const model = saved.convnet as Saved
  const { bytes, specs } = quantized(model, 'uint8')
  const loaded = await loadModel(filesOf(model, bytes, specs))
  const [{ quantization }] = specs as [Spec]
  const { min, scale } = quantization as { min: number; scale: number }
  expect(Array.from(await loaded.getWeights()[0]!.data())).toEqual(
    Array.from(bytes.subarray(0, 72), (value) => Math.fround(value * scale + min)),
  )
})

describe('a damaged model.json', () => {
  const model = saved.nested as Saved
  const files = (change: (json: Record<string, never>, files: Files) => void): Files => {
    const all = filesOf(model)
    const json = JSON.parse(new TextDecoder().decode(all['model.json']))
    change(json, all)
    return { ...all, 'model.json': utf8(json) }
  }
  type Manifest = {
    weightsManifest: [{ paths: string[]; weights: Record<string, unknown>[] }]
    format: string
    modelTopology: Record<string, unknown>
  }
  it.each<[string, (json: Manifest, all: Files) => void, RegExp]>([
    ['leads out of its folder', (json) => json.weightsManifest[0].paths.splice(0, 1, '../secret.bin'), /no name of a shard/],
    ['names an address', (json) => json.weightsManifest[0].paths.splice(0, 1, 'https://elsewhere/x'), /no name of a shard/],
    [
      'names a shard that is not there',
      (json) => json.weightsManifest[0].paths.push('more.bin'),
      /more.bin: this file belongs to the model/,
    ],
    ['has a shard that is cut', (_, all) => Object.assign(all, { 'group1-shard3of3.bin': new Uint8Array(3) }), /the shards end before '/],
    [
      'has a shard that is longer',
      (_, all) => Object.assign(all, { 'group1-shard3of3.bin': new Uint8Array(9999) }),
      /hold more than the weights/,
    ],
    ['has a shape beyond counting', (json) => Object.assign(json.weightsManifest[0].weights[0]!, { shape: [1e9, 1e9] }), /the shape of '/],
    [
      'has text for weights',
      (json) => Object.assign(json.weightsManifest[0].weights[0]!, { dtype: 'string' }),
      /of a type that weights are not/,
    ],
    [
      'packs in other ways',
      (json) => Object.assign(json.weightsManifest[0].weights[0]!, { quantization: { dtype: 'uint4' } }),
      /quantized in a way/,
    ],
    [
      'has a weight twice',
      (json) => Object.assign(json.weightsManifest[0].weights[1]!, { name: json.weightsManifest[0].weights[0]!.name }),
      /two weights called/,
    ],
    ['has a weight too few', (json) => Object.assign(json.weightsManifest[0].weights[0]!, { name: 'other' }), /no weights for/],
    ['has a graph', (json) => Object.assign(json, { format: 'graph-model' }), /a TensorFlow graph/],
    ['has no model', (json) => Object.assign(json, { modelTopology: null }), /no 'modelTopology'/],
    ['has an unknown layer', (json) => Object.assign(json.modelTopology, { class_name: 'Sauna' }), /Sauna/],
  ])('%s', async (_, change, message) => {
    const damaged = files(change as never)
    await expect(loadModel(damaged)).rejects.toThrow(SavingError)
    await expect(loadModel(damaged)).rejects.toThrow(message)
  })

  it('has nothing beside it', async () => {
    await expect(loadModel(filesOf(model)['model.json'] as Uint8Array)).rejects.toThrow(/give the path or URL of model.json/)
    await expect(loadModel({})).rejects.toThrow(/there are no files/)
  })
})
