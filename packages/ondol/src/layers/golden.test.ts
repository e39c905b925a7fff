/** Every layer on every backend against vectors from the real Keras: config, values, masks, gradients, moving averages, open shapes. */
import { beforeAll, describe, expect, it } from 'vitest'
import { setBackend } from '../backends/load.js'
import { isFloat } from '../core/dtype.js'
import { flatten } from '../core/tree.js'
import { GradientTape, jit, Tensor, type Variable } from '../engine/index.js'
import * as ops from '../ops/index.js'
import type { KerasTensor } from '../ops/operation.js'
import { elements, type LayerVector, listVectors, readVectors, type VectorTensor } from '../testing/vectors.js'
import { backends } from '../training/testing/backends.js'
import type { Layer } from './layer.js'
import { maskOf, setMask } from './masks.js'
import './known.js'
import { deserialize } from './serialization.js'
import { load, optionsOf, positionally, symbolOf, unbuilt } from './testing/vector-call.js'

function expectClose(actual: Tensor | null | undefined, expected: VectorTensor, what: string): void {
  expect(actual, what).toBeInstanceOf(Tensor)
  expect(actual?.shape, `${what}: shape`).toEqual(expected.shape)
  const wanted = Float64Array.from(elements(expected))
  const scale = wanted.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1)
  actual?.dataSync().forEach((value, i) => {
    expect(Math.abs(value - (wanted[i] as number)), `${what}[${i}]: ${value} instead of ${wanted[i]}`).toBeLessThanOrEqual(1e-5 * scale)
  })
}

/** Quantization is not a matter of the layer here; Keras writes null where there is none. */
function withoutQuantization(config: unknown): unknown {
  if (Array.isArray(config)) return config.map(withoutQuantization)
  if (typeof config !== 'object' || config === null) return config
  const entries = Object.entries(config).filter(([key, value]) => key !== 'quantization_config' || value !== null)
  return Object.fromEntries(entries.map(([key, value]) => [key, withoutQuantization(value)]))
}

/** The layer as Keras wrote it, with its weights. */
function rebuild(vector: LayerVector): Layer {
  const layer = deserialize(vector.serialized)
  const shapes = vector.inputs.map(({ shape }) => shape)
  if (!layer.built) layer.build(...positionally(vector, shapes))
  expect(layer.weights.map(({ name, trainable }) => ({ name, trainable }))).toEqual(
    vector.weights.map(({ name, trainable }) => ({ name, trainable })),
  )
  layer.setWeights(vector.weights.map(({ value }) => load(value)))
  return layer
}

/** Calls the layer on the vector's inputs, in its masks. */
function run(layer: Layer, vector: LayerVector, inputs: readonly Tensor[]): Tensor[] {
  inputs.forEach((input, i) => {
    const mask = vector.inputMasks?.[i]
    if (mask) setMask(input, load(mask))
  })
  const result: unknown = layer.callOn(positionally(vector, inputs), { training: vector.training, ...optionsOf(vector) })
  return flatten(result as Tensor[])
}

describe.each(backends)('%s', (backend) => {
  beforeAll(() => setBackend(backend))

  for (const family of listVectors('layers')) describe(family, () => testFamily(family))
})

function testFamily(family: string): void {
  for (const vector of readVectors<LayerVector[]>(`layers/${family}`)) {
    const title = `${vector.class}: ${vector.title}${vector.training ? ' (training)' : ''}`

    it(`${title}: config`, () => {
      const layer = deserialize(vector.serialized)
      expect(layer.supportsMasking, 'supports masking').toBe(vector.supportsMasking)
      expect(layer.getConfig()).toEqual(withoutQuantization(vector.serialized.config))
      const fresh = deserialize(unbuilt(vector.serialized))
      if (!fresh.built)
        fresh.build(
          ...positionally(
            vector,
            vector.inputs.map(({ shape }) => shape),
          ),
        )
      expect(fresh.weights.map(({ path }) => path)).toEqual(vector.weights.map(({ path }) => path))
      expect(layer.serialize()).toMatchObject({ module: 'keras.layers', class_name: vector.serialized.class_name, registered_name: null })
    })

    it(`${title}: values, masks and gradients`, () => {
      const layer = rebuild(vector)
      const inputs = vector.inputs.map(load)
      const floats = inputs.filter(({ dtype }) => isFloat(dtype))
      using tape = new GradientTape()
      tape.watch(floats)
      const outputs = run(layer, vector, inputs)
      outputs.forEach((output, i) => {
        expectClose(output, vector.outputs[i] as VectorTensor, `output ${i}`)
        const mask = vector.outputMasks?.[i]
        if (mask) expectClose(maskOf(output), mask, `mask ${i}`)
        else expect(maskOf(output), `mask ${i}`).toBeUndefined()
      })
      const cotangents = vector.cotangents.map(load)
      const objective = outputs.map((output, i) => ops.sum(ops.multiply(output, cotangents[i] as Tensor))).reduce((a, b) => ops.add(a, b))
      const trained: Variable[] = layer.trainableVariables
      const gradients = tape.gradient(objective, [...floats, ...trained]) as (Tensor | null)[]
      const wanted = [...vector.inputGradients, ...vector.weightGradients].filter((gradient) => gradient !== null)
      expect(gradients.length).toBe(wanted.length)
      gradients.forEach((gradient, i) => {
        // JAX says 0 where nothing depends on a weight.
        if (gradient === null) expect(elements(wanted[i] as VectorTensor).every((value) => value === 0)).toBe(true)
        else expectClose(gradient, wanted[i] as VectorTensor, `gradient ${i}`)
      })
      vector.weightsAfter?.forEach((after, i) => {
        expectClose(layer.weights[i]?.value, after, `weight ${i} after`)
      })
    })

    it(`${title}: compiled, and described for an unknown batch`, () => {
      const layer = rebuild(vector)
      const masks = vector.inputMasks?.map((mask) => load(mask))
      const compiled = jit((inputs: Tensor[], given: Tensor[]) => {
        inputs.forEach((input, i) => {
          if (given[i] !== undefined) setMask(input, given[i])
        })
        const result: unknown = layer.callOn(positionally(vector, inputs), { training: vector.training, ...optionsOf(vector) })
        return flatten(result as Tensor[])
      })
      compiled(vector.inputs.map(load), masks ?? []).forEach((output, i) => {
        expectClose(output, vector.outputs[i] as VectorTensor, `output ${i}`)
      })
      const [first, ...others] = positionally(
        vector,
        vector.inputs.map((input) => symbolOf(input)),
      ) as [KerasTensor, ...KerasTensor[]]
      const symbolic = flatten(layer(first, ...others, optionsOf(vector, symbolOf)) as unknown as KerasTensor[])
      expect(symbolic.map(({ shape }) => shape)).toEqual(vector.openShape)
    })
  }
}
