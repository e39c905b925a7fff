/** Preprocessing layers against the real Keras: configs, what `adapt` learns, outputs; numeric ones on every backend and compiled. */
import { beforeAll, describe, expect, it } from 'vitest'
import { setBackend } from '../../backends/load.js'
import { jit, Tensor, tensor } from '../../engine/index.js'
import { STFT } from '../../initializers/index.js'
import { KerasTensor } from '../../ops/operation.js'
import { elements, isVectorTensor, readVectors, type SerializedObject, type VectorTensor } from '../../testing/vectors.js'
import { backends } from '../../training/testing/backends.js'
import '../known.js'
import type { Layer } from '../layer.js'
import { deserialize } from '../serialization.js'
import { StringTensor } from './string-tensor.js'

interface Strings {
  readonly strings: readonly string[]
  readonly shape: readonly number[]
}
type Value = VectorTensor | Strings | { readonly list: readonly Value[] }

interface PreprocessingVector {
  readonly title: string
  readonly class: string
  readonly serialized: SerializedObject
  readonly adapt: Value | null
  readonly inputs: readonly Value[]
  readonly call: Readonly<Record<string, VectorTensor>> | null
  readonly outputs: readonly Value[]
  readonly config: Readonly<Record<string, unknown>>
  readonly vocabulary: readonly (string | number)[] | null
  readonly weights: readonly VectorTensor[]
}

const vectors = readVectors<{
  readonly layers: readonly PreprocessingVector[]
  readonly stft: readonly { readonly config: Record<string, unknown>; readonly value: VectorTensor }[]
}>('layers-preprocessing')

type Loaded = Tensor | StringTensor | readonly Loaded[]

function load(value: Value): Loaded {
  if ('list' in value) return value.list.map(load)
  if ('strings' in value) return new StringTensor(value.strings, value.shape)
  return tensor(elements(value), value.shape, value.dtype)
}

function expectSame(actual: unknown, expected: Value, what: string): void {
  if ('strings' in expected) {
    expect(actual, what).toBeInstanceOf(StringTensor)
    expect((actual as StringTensor).shape, what).toEqual(expected.shape)
    expect((actual as StringTensor).dataSync(), what).toEqual(expected.strings)
    return
  }
  if (!isVectorTensor(expected)) throw new Error('a layer gives one output')
  expect(actual, what).toBeInstanceOf(Tensor)
  expect((actual as Tensor).shape, what).toEqual(expected.shape)
  const wanted = Float64Array.from(elements(expected))
  const scale = wanted.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1)
  const off = Math.max(0, ...Array.from((actual as Tensor).dataSync(), (value, i) => Math.abs(value - (wanted[i] as number))))
  expect(off / scale, `${what}: ${(actual as Tensor).dataSync()} instead of ${wanted}`).toBeLessThan(2e-5)
}

async function rebuild(vector: PreprocessingVector): Promise<Layer> {
  const layer = deserialize(vector.serialized)
  if (vector.adapt !== null) await (layer as unknown as { adapt(data: unknown): Promise<void> }).adapt(load(vector.adapt))
  return layer
}

/** Keras keeps these in a list or a tuple; sizes of shapes differ in nothing else. */
const plain = (config: Readonly<Record<string, unknown>>): unknown => {
  const { quantization_config: _, ...rest } = config
  return rest
}

describe.each(backends)('%s', (backend) => {
  beforeAll(() => setBackend(backend))

  for (const vector of vectors.layers) {
    const title = `${vector.class}: ${vector.title}`
    const options = vector.call === null ? [] : [{ countWeights: load(vector.call.count_weights as VectorTensor) as Tensor }]
    const isNumeric = vector.inputs.every(isVectorTensor)
    if (!isNumeric && backend !== 'host') continue

    it(`${title}: values`, async () => {
      const layer = await rebuild(vector)
      for (const [i, input] of vector.inputs.entries()) {
        expectSame(layer(load(input) as Tensor, ...options), vector.outputs[i] as Value, `output ${i}`)
      }
      vector.weights.forEach((weight, i) => {
        expectSame(layer.weights[i]?.value, weight, `weight ${i}`)
      })
      if (vector.vocabulary !== null) expect((layer as unknown as { getVocabulary(): unknown }).getVocabulary()).toEqual(vector.vocabulary)
    })

    const hashesText = vector.class === 'Hashing' || String(vector.config.oov_method) === 'farmhash'
    const compiles = isNumeric && !hashesText && vector.class !== 'HashedCrossing' && !(vector.class === 'StringLookup')
    if (compiles) {
      it(`${title}: compiled, and described for an unknown batch`, async () => {
        const layer = await rebuild(vector)
        const [first] = vector.inputs as [VectorTensor]
        const wanted = vector.outputs[0] as VectorTensor
        expectSame(jit((x: Tensor) => layer(x, ...options))(load(first) as Tensor), wanted, 'compiled')
        if (options.length > 0 || first.shape.length < 2) return
        const symbol = layer(new KerasTensor([null, ...first.shape.slice(1)], { dtype: first.dtype }))
        expect(symbol.shape).toEqual([null, ...wanted.shape.slice(1)])
      })
    }

    if (backend !== 'host') continue
    it(`${title}: config`, async () => {
      const layer = await rebuild(vector)
      if (vector.class === 'Pipeline') {
        const names = (config: Readonly<Record<string, unknown>>): unknown =>
          (config.layers as SerializedObject[]).map((each) => each.class_name)
        expect(names(layer.getConfig())).toEqual(names(vector.config))
        return
      }
      expect(layer.getConfig()).toEqual(plain(vector.config))
    })
  }
})

describe('initializers.STFT', () => {
  it.each(vectors.stft)('$config', ({ config, value }) => {
    const made = new STFT(config)
    expect(made.getConfig()).toEqual(config)
    expectSame(made([...value.shape]), value, 'kernel')
  })
})
