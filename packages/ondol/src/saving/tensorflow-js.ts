/**
 * Models that TensorFlow.js saved, or its converter made of Keras's: `model.json` and shards of weights beside it, also
 * quantized. Read only: it is the way out. Follows `tfjs-core/src/io/io_utils.ts` and `weights_loader.ts`.
 */
import { SavingError } from '../core/errors.js'
import { type Shape, sizeOf } from '../core/shape.js'
import type { Layer } from '../layers/layer.js'
import { H5_DTYPES, type H5Data, type H5NumericDType } from './hdf5/index.js'
import { type Json, parseJson } from './json.js'
import { compileLegacy, modernized } from './legacy-h5.js'
import type { ReadPart } from './location.js'
import { makeModel } from './make-model.js'
import type { LoadModelOptions } from './model-file.js'
import { withOlderActivations } from './older-activations.js'
import type { StoredArray } from './values.js'
import { loadNamed } from './weights-by-name.js'

type JsonObject = Readonly<Record<string, Json>>
const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The model that `text`, a `model.json`, describes; `readPart` gives the files that stand beside it.
 *
 * @throws SavingError when it is none of layers, a shard is missing or too short, or names what is not known.
 */
export async function loadTensorFlowJs(
  text: string,
  file: string,
  readPart: ReadPart,
  { customObjects = {}, compile = true }: LoadModelOptions,
): Promise<Layer> {
  const json = parseJson(text, file)
  const topology = isObject(json) ? json.modelTopology : undefined
  if (!isObject(json) || !isObject(topology)) {
    throw new SavingError({
      where: file,
      problem: "this is no model.json of TensorFlow.js: it has no 'modelTopology'",
      ...(isObject(json) && 'class_name' in json && { hint: 'modelFromJson reads the config of a model' }),
    })
  }
  if (json.format === 'graph-model' || 'node' in topology) {
    throw new SavingError({
      where: file,
      problem: 'the file holds a TensorFlow graph, which has no layers any more',
      expected: "a model of the format 'layers-model'",
      hint: 'convert the Keras model that the graph was made of: a .keras file is read here as it is',
    })
  }
  const { arrays, byteLength } = await manifestOf(json.weightsManifest ?? [], file, readPart)
  const where = `${file} → modelTopology`
  const described = withOlderActivations(modernized(topology.model_config ?? topology))
  const model = makeModel(withLayers(described), { where, byteLength, customObjects, compile: false })
  if (arrays.size > 0) await loadNamed(model, { name: file, arrays })
  const training = json.trainingConfig ?? topology.training_config
  if (compile && isObject(training)) compileLegacy(model, pythonic(training), `${file} → trainingConfig`, customObjects)
  return model
}

/** Keras 1 had the layers of a Sequential right in its config. */
function withLayers(description: Json): Json {
  return isObject(description) && Array.isArray(description.config)
    ? { ...description, config: { name: 'sequential', layers: description.config } }
    : description
}

/** Options that are written as JavaScript spells them. */
function pythonic(value: Json): JsonObject {
  const convert = (item: Json): Json => {
    if (Array.isArray(item)) return item.map(convert)
    if (!isObject(item)) return item
    return Object.fromEntries(Object.entries(item).map(([key, inner]) => [SPELLINGS[key] ?? key, convert(inner)]))
  }
  return convert(value) as JsonObject
}

const SPELLINGS: Readonly<Record<string, string>> = {
  learningRate: 'learning_rate',
  beta1: 'beta_1',
  beta2: 'beta_2',
  decay: 'rho',
  useNesterov: 'nesterov',
  initialAccumulatorValue: 'initial_accumulator_value',
}

interface Manifest {
  readonly arrays: ReadonlyMap<string, StoredArray>
  /** Bytes of all shards. */
  readonly byteLength: number
}

/** Weights by name. Shards are read at once: they come from the network, or are small. */
async function manifestOf(groups: Json, file: string, readPart: ReadPart): Promise<Manifest> {
  const fail = (problem: string, received?: string): SavingError =>
    new SavingError({ where: `${file} → weightsManifest`, problem, ...(received !== undefined && { received }) })
  if (!Array.isArray(groups)) throw fail('this should be a list of groups of weights')
  const arrays = new Map<string, StoredArray>()
  let total = 0
  for (const group of groups) {
    if (!isObject(group) || !Array.isArray(group.paths) || !Array.isArray(group.weights)) throw fail('a group has no paths, or no weights')
    const shards: Uint8Array[] = []
    for (const path of group.paths) shards.push(await readPart(requireBeside(path, fail)))
    const byteLength = shards.reduce((sum, shard) => sum + shard.byteLength, 0)
    let offset = 0
    for (const weight of group.weights) {
      const { name, isOptimizers, dtype, shape, ...stored } = weightOf(weight, fail)
      const start = offset
      offset += stored.itemSize * sizeOf(shape)
      if (offset > byteLength) throw fail(`the shards end before '${name}' does`, `${byteLength} bytes in ${group.paths.join(', ')}`)
      if (arrays.has(name)) throw fail(`there are two weights called '${name}'`)
      if (!isOptimizers) arrays.set(name, { dtype, shape, read: async () => stored.decode(range(shards, start, offset - start)) })
    }
    if (offset !== byteLength) throw fail('the shards hold more than the weights', `${byteLength} bytes instead of ${offset}`)
    total += byteLength
  }
  return { arrays, byteLength: total }
}

/** Shards lie beside `model.json`, or below. */
function requireBeside(path: Json, fail: (problem: string, received?: string) => SavingError): string {
  if (typeof path === 'string' && /^[^/\\:\0]+(\/[^/\\:\0]+)*$/.test(path) && !path.split('/').includes('..')) return path
  throw fail('this is no name of a shard', JSON.stringify(path))
}

interface Weight {
  readonly name: string
  readonly dtype: H5NumericDType
  readonly shape: Shape
  /** The state of an optimizer, which has other names here. */
  readonly isOptimizers: boolean
  /** Bytes of an element in a shard. */
  readonly itemSize: number
  decode(bytes: Uint8Array<ArrayBuffer>): H5Data
}

const DTYPES = new Map<Json | undefined, H5NumericDType>(
  (['float32', 'float16', 'int32', 'uint8', 'uint16', 'bool'] as const).map((dtype) => [dtype, dtype]),
)

function weightOf(spec: Json, fail: (problem: string, received?: string) => SavingError): Weight {
  if (!isObject(spec)) throw fail('a weight has no description')
  const { name, shape, dtype: declared, quantization, group } = spec
  if (typeof name !== 'string') throw fail('a weight has no name')
  if (
    !Array.isArray(shape) ||
    !shape.every((size) => Number.isSafeInteger(size) && (size as number) >= 0) ||
    !Number.isSafeInteger(sizeOf(shape as number[]))
  )
    throw fail(`the shape of '${name}' is none`, JSON.stringify(shape))
  const dtype = DTYPES.get(declared)
  if (dtype === undefined) throw fail(`'${name}' is of a type that weights are not`, JSON.stringify(declared))
  const common = { name, shape: shape as number[], isOptimizers: group === 'optimizer' }
  if (quantization === undefined || quantization === null) return { ...common, ...plain(dtype) }
  const { dtype: packed, scale, min } = isObject(quantization) ? quantization : {}
  if (packed === 'float16' && dtype === 'float32') return { ...common, ...plain('float16') }
  if (
    (packed !== 'uint8' && packed !== 'uint16') ||
    typeof scale !== 'number' ||
    typeof min !== 'number' ||
    (dtype !== 'float32' && dtype !== 'int32')
  )
    throw fail(`'${name}' is quantized in a way that is not known here`, JSON.stringify(quantization))
  const { itemSize, decode } = plain(packed)
  const values = (bytes: Uint8Array<ArrayBuffer>): Uint8Array | Uint16Array => decode(bytes) as Uint8Array | Uint16Array
  const unpack = (value: number): number => value * scale + min
  return {
    ...common,
    dtype,
    itemSize,
    decode: (bytes) =>
      dtype === 'int32' ? Int32Array.from(values(bytes), (value) => Math.round(unpack(value))) : Float32Array.from(values(bytes), unpack),
  }
}

function plain(dtype: H5NumericDType): Pick<Weight, 'dtype' | 'itemSize' | 'decode'> {
  const { array: Elements, bytes: itemSize } = H5_DTYPES[dtype]
  return { dtype, itemSize, decode: ({ buffer, byteLength }) => new Elements(buffer, 0, byteLength / itemSize) }
}

/** A range of the shards put together, as an array of its own. */
function range(shards: readonly Uint8Array[], start: number, byteLength: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(byteLength)
  let at = -start
  for (const shard of shards) {
    if (at < byteLength && at + shard.byteLength > 0) bytes.set(shard.subarray(Math.max(0, -at), byteLength - at), Math.max(0, at))
    at += shard.byteLength
  }
  return bytes
}
