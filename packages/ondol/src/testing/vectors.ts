// Reads the vectors that tools/oracle makes with the real Keras; vectors/README.md describes them.
// Used by tests only and left out of the build.
import { readdirSync, readFileSync } from 'node:fs'

/** A tensor as the vectors store it: numbers, or base64 of the little-endian elements where there are many. */
export interface VectorTensor {
  readonly dtype: 'float32' | 'float64' | 'float16' | 'bfloat16' | 'int32' | 'uint8' | 'bool'
  readonly shape: readonly number[]
  readonly data: readonly (number | boolean)[] | string
}

/** A Keras object as `keras.saving.serialize_keras_object` writes it. */
export interface SerializedObject {
  readonly module: string
  readonly class_name: string
  readonly config: Readonly<Record<string, unknown>>
  readonly registered_name: string | null
  readonly build_config?: Readonly<Record<string, unknown>>
}

/** One weight: its value before the call. */
export interface VectorWeight {
  readonly name: string
  readonly path: string
  readonly trainable: boolean
  readonly value: VectorTensor
}

/** Numbers of inputs, nested as the arguments of a call are. */
export type Places = readonly (number | Places)[]

/** One call of one layer, and its gradients. */
export interface LayerVector {
  readonly title: string
  readonly class: string
  readonly serialized: SerializedObject
  readonly supportsMasking: boolean
  readonly training: boolean
  readonly inputs: readonly VectorTensor[]
  readonly inputMasks: readonly VectorTensor[] | null
  readonly weights: readonly VectorWeight[]
  readonly outputs: readonly VectorTensor[]
  readonly outputMasks: readonly (VectorTensor | null)[] | null
  readonly cotangents: readonly VectorTensor[]
  readonly inputGradients: readonly (VectorTensor | null)[]
  readonly weightGradients: readonly (VectorTensor | null)[]
  readonly weightsAfter: readonly VectorTensor[] | null
  readonly openShape: readonly (readonly (number | null)[])[]
  /** More arguments of the call, in Keras's spelling. */
  readonly call?: Readonly<Record<string, unknown>>
  /** Each input is an argument of its own, not one of a list; or where in the arguments each stands: `[0, [1, 2]]`. */
  readonly spread?: boolean | Places
}

/** The vectors in `vectors/<name>.json`, for example `layers/dense`. */
export function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`./vectors/${name}.json`, import.meta.url), 'utf8')) as T
}

/** The names of the vectors in a folder, for `readVectors`. */
export function listVectors(folder: string): string[] {
  return readdirSync(new URL(`./vectors/${folder}/`, import.meta.url))
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
}

export function isVectorTensor(value: unknown): value is VectorTensor {
  return typeof value === 'object' && value !== null && 'dtype' in value && 'shape' in value && 'data' in value
}

/** Half floats are stored as float32. */
const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Float32Array,
  bfloat16: Float32Array,
  int32: Int32Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const

/** The elements of a stored tensor as numbers; booleans are 0 and 1. */
export function elements(tensor: VectorTensor): Float32Array | Float64Array | Int32Array | Uint8Array {
  const array = ARRAYS[tensor.dtype]
  if (typeof tensor.data !== 'string') return array.from(tensor.data.map(Number))
  const bytes = Uint8Array.from(Buffer.from(tensor.data, 'base64'))
  return new array(bytes.buffer)
}

/** The names of all vectors in a folder, for example `traces`. */
export function readVectorNames(folder: string): string[] {
  return readdirSync(new URL(`./vectors/${folder}/`, import.meta.url))
    .map((file) => file.replace(/\.json$/, ''))
    .sort()
}
