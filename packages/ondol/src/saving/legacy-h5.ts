/**
 * `.h5` files as Keras 1 and 2 wrote them, and Keras 3 still can: weights by layer, found by order or by name; the
 * model and how it was compiled in attributes. Read here, written by `legacy-h5-writing.ts`. Follows `keras/src/legacy/saving/legacy_h5_format.py`.
 */
import type { ByteSource } from '../core/bytes.js'
import { type CustomObjects, customObjectScope } from '../core/custom-objects.js'
import { SavingError } from '../core/errors.js'
import { nearest } from '../core/registry.js'
import { formatShape, sameShape } from '../core/shape.js'
import { isSerializedObject } from '../core/spelling.js'
import type { Variable } from '../engine/index.js'
import type { Layer } from '../layers/layer.js'
import type { Optimizer } from '../optimizers/index.js'
import type { H5Group } from './hdf5/index.js'
import { type Json, parseJson } from './json.js'
import { explaining, makeModel } from './make-model.js'
import { withOlderActivations } from './older-activations.js'
import { assignPairs, type Pair } from './pairs.js'
import { isModel, type Saveable } from './saveable.js'
import { type StoredArray, tensorOf } from './values.js'
import { arrayOf } from './weights-h5.js'

export interface LegacyOptions {
  /** Leave weights as they are whose shapes do not fit, with a warning. Default false. */
  readonly skipMismatch?: boolean
  /** Find layers by their names instead of their order; those without a counterpart are left. Default false. */
  readonly byName?: boolean
}

/** Whether a file is of this kind: Keras 3's own have groups only. */
export const isLegacy = (root: H5Group): boolean =>
  ['layer_names', 'layer_names0', 'model_config'].some((name) => root.attributeNames.includes(name))

/** The weights of one layer in the file. */
interface SavedLayer {
  readonly name: string
  readonly arrays: readonly StoredArray[]
}

/**
 * Loads weights by order, or by name.
 *
 * @throws SavingError that says which layer does not fit; nothing is changed then.
 */
export async function loadLegacyWeights(model: Saveable, root: H5Group, file: string, options: LegacyOptions = {}): Promise<void> {
  if (!isModel(model)) throw new SavingError({ where: file, problem: 'weights of this kind are of a whole model', received: model.name })
  const group = root.keys().includes('model_weights') ? await root.group('model_weights') : root
  const saved: SavedLayer[] = []
  for (const name of await textsOf(group, 'layer_names')) saved.push(await savedLayer(await group.group(name), name))
  const pairs = options.byName === true ? byName(model.layers, saved, file, options) : byOrder(model.layers, saved, file)
  const own = group.keys().includes('top_level_model_weights')
    ? await savedLayer(await group.group('top_level_model_weights'), model.name)
    : undefined
  if (own !== undefined && own.arrays.length > 0) pairs.push(...pairsOf(model.ownWeights, own, model.name, file))
  await assignPairs(pairs, options.skipMismatch === true)
}

/** A list of texts, which is parted over several attributes where it is long. */
async function textsOf(group: H5Group, name: string): Promise<string[]> {
  const texts: string[] = []
  const names = group.attributeNames.includes(name)
    ? [name]
    : group.attributeNames.filter((known) => known.startsWith(name) && /^\d+$/.test(known.slice(name.length)))
  for (const part of names) {
    const value = await group.attribute(part)
    if (Array.isArray(value)) texts.push(...(value as string[]))
    else if (typeof value === 'string') texts.push(value)
  }
  return texts
}

async function savedLayer(group: H5Group, name: string): Promise<SavedLayer> {
  const arrays: StoredArray[] = []
  for (const weight of await textsOf(group, 'weight_names')) arrays.push(arrayOf(await group.dataset(weight)))
  return { name, arrays }
}

/** In the order of these files: what is trained first. */
export const weightsOf = (layer: Layer): Variable[] => [...layer.trainableWeights, ...layer.nonTrainableWeights]

function byOrder(layers: readonly Layer[], saved: readonly SavedLayer[], file: string): Pair[] {
  const own = layers.filter((layer) => weightsOf(layer).length > 0)
  const stored = saved.filter(({ arrays }) => arrays.length > 0)
  if (own.length !== stored.length) {
    throw new SavingError({
      where: file,
      problem: 'the file has another number of layers with weights than the model',
      expected: `${own.length}: ${own.map(({ name }) => name).join(', ')}`,
      received: `${stored.length}: ${stored.map(({ name }) => name).join(', ')}`,
      hint: 'with byName: true layers are found by their names',
    })
  }
  return own.flatMap((layer, index) => pairsOf(weightsOf(layer), stored[index] as SavedLayer, layer.name, file))
}

function byName(layers: readonly Layer[], saved: readonly SavedLayer[], file: string, { skipMismatch }: LegacyOptions): Pair[] {
  const pairs = saved.flatMap((stored) => {
    const own = layers.filter(({ name }) => name === stored.name)
    return own.flatMap((layer) => {
      const weights = weightsOf(layer)
      if (skipMismatch === true && weights.length !== stored.arrays.length) {
        console.warn(`ondol: the weights of '${layer.name}' are left: it has ${weights.length}, ${file} has ${stored.arrays.length}.`)
        return []
      }
      return pairsOf(weights, stored, layer.name, file)
    })
  })
  if (pairs.length > 0 || saved.length === 0) return pairs
  const [first] = saved as [SavedLayer]
  const [near] = nearest(
    first.name,
    layers.map(({ name }) => name),
  )
  console.warn(
    `ondol: no layer of the model has a name that ${file} has${near === undefined ? '' : ` ('${near}' is near '${first.name}')`}: nothing is loaded.`,
  )
  return pairs
}

function pairsOf(weights: readonly Variable[], { name, arrays }: SavedLayer, layer: string, file: string): Pair[] {
  if (weights.length !== arrays.length) {
    throw new SavingError({
      where: `${file} → ${name}`,
      problem: `layer '${layer}' has another number of weights than the file has for it`,
      expected: `${weights.length}: ${weights.map((weight) => `${weight.name} ${formatShape(weight.shape)}`).join(', ')}`,
      received: `${arrays.length}: ${arrays.map(({ shape }) => formatShape(shape)).join(', ')}`,
    })
  }
  return weights.map((variable, index) => ({ variable, array: arrays[index] as StoredArray, where: `${file} → ${name}` }))
}

/** A whole model from such a file. */
export async function loadLegacyModel(
  root: H5Group,
  { name: file, byteLength }: ByteSource,
  { customObjects = {}, compile = true }: { readonly customObjects?: CustomObjects; readonly compile?: boolean },
): Promise<Layer> {
  const where = `${file} → model_config`
  const text = await root.attribute('model_config')
  if (typeof text !== 'string') {
    throw new SavingError({
      where: file,
      problem: 'the file has weights, but no model',
      hint: 'make the model, then call model.loadWeights(file)',
    })
  }
  const config = modernized(parseJson(text, where))
  const isOlder = /^[12]\./.test(String(await root.attribute('keras_version')))
  const model = makeModel(isOlder ? withOlderActivations(config) : config, { where, byteLength, customObjects, compile: false })
  if (model.built) await loadLegacyWeights(model, root, file)
  const training = compile ? await root.attribute('training_config') : undefined
  if (typeof training !== 'string') return model
  const place = `${file} → training_config`
  const optimizer = compileLegacy(model, parseJson(training, place), place, customObjects)
  if (root.keys().includes('optimizer_weights')) await loadOptimizer(optimizer, await root.group('optimizer_weights'), file)
  return model
}

/** Compiles a model as a `training_config` says; returns its optimizer. */
export function compileLegacy(model: Layer, training: Json, place: string, customObjects: CustomObjects): Optimizer | null {
  if (!isCompilable(model)) return null
  explaining(place, () => customObjectScope(customObjects, () => model.compileFromConfig(compileConfigOf(training))))
  return model.optimizer
}

const isCompilable = (
  layer: Layer,
): layer is Layer & { readonly optimizer: Optimizer | null; compileFromConfig(config: Readonly<Record<string, unknown>>): void } =>
  'compileFromConfig' in layer && 'optimizer' in layer

/** Options of layers and optimizers that went away. */
const GONE = new Set(['time_major', 'implementation', 'batch_size', 'decay', 'jit_compile', 'is_legacy_optimizer'])

/** Options that have another name now: everywhere, and by class. */
const RENAMED_EVERYWHERE: Readonly<Record<string, string>> = { lr: 'learning_rate' }
const RENAMED: Readonly<Record<string, Readonly<Record<string, string>>>> = { LeakyReLU: { alpha: 'negative_slope' } }

/** Layers that these files call by the name that their class has in Keras's sources. */
const SOURCE_NAMES: Readonly<Record<string, string>> = { GroupQueryAttention: 'GroupedQueryAttention' }
const PUBLIC_NAMES = Object.fromEntries(Object.entries(SOURCE_NAMES).map(([name, source]) => [source, name]))

/** What these files call a layer of this class. */
export const olderName = (className: string): string =>
  Object.hasOwn(SOURCE_NAMES, className) ? (SOURCE_NAMES[className] as string) : className

/** Keras 2's configs in Keras 3's words: the axis of a normalization was a list, some options are no more. */
export function modernized(value: Json, key = '', className = ''): Json {
  if (Array.isArray(value)) return key === 'axis' && value.length === 1 ? (value[0] as Json) : value.map((item) => modernized(item))
  if (!isRecord(value)) return value
  const entries = Object.entries(value)
    .filter(([name]) => key !== 'config' || !GONE.has(name))
    .map(
      ([name, item]) =>
        [name, name === 'class_name' && typeof item === 'string' && Object.hasOwn(PUBLIC_NAMES, item) ? PUBLIC_NAMES[item] : item] as const,
    )
  const names = key === 'config' ? { ...RENAMED_EVERYWHERE, ...(Object.hasOwn(RENAMED, className) && RENAMED[className]) } : {}
  return Object.fromEntries(entries.map(([name, item]) => [names[name] ?? name, modernized(item as Json, name, String(value.class_name))]))
}

/** Keras 2's `training_config` as Keras 3's `compile_config`. */
function compileConfigOf(training: Json): Record<string, unknown> {
  const {
    optimizer_config: optimizer,
    metrics,
    weighted_metrics: weighted,
    loss,
    loss_weights,
  } = training as Readonly<Record<string, Json>>
  return {
    optimizer: modernized(withModule(optimizer ?? null, 'keras.optimizers')),
    loss: withModule(loss ?? null, 'keras.losses'),
    loss_weights: loss_weights ?? null,
    metrics: metricsOf(metrics ?? null),
    weighted_metrics: metricsOf(weighted ?? null),
  }
}

/** Objects without a module are of the family that stands there. */
function withModule(value: Json, module: string): Json {
  if (Array.isArray(value)) return value.map((item) => withModule(item, module))
  if (!isRecord(value)) return value
  if (isSerializedObject(value)) return { registered_name: null, module, ...(value as Record<string, Json>) }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withModule(item, module)]))
}

/** Metrics around functions by the names that they were asked for by. */
function metricsOf(value: Json): Json {
  if (Array.isArray(value)) return value.map(metricsOf)
  if (!isRecord(value)) return value
  if (!isSerializedObject(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, metricsOf(item)]))
  const { class_name: className, config } = value as { readonly class_name: string; readonly config: Readonly<Record<string, Json>> }
  if (className !== 'MeanMetricWrapper') return withModule(value as Json, 'keras.metrics')
  const { name = null, fn = name } = config
  // `accuracy` stands for whichever accuracy fits, and is what it is reported as.
  return name === 'accuracy' || name === 'acc' ? name : fn
}

const isRecord = (value: Json): value is Readonly<Record<string, Json>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

async function loadOptimizer(optimizer: Optimizer | null, group: H5Group, file: string): Promise<void> {
  if (optimizer === null) return
  const { arrays } = await savedLayer(group, optimizer.name)
  const { variables } = optimizer
  if (arrays.length !== variables.length || !variables.every(({ shape }, i) => sameShape(shape, (arrays[i] as StoredArray).shape))) {
    console.warn(`ondol: the state of optimizer '${optimizer.name}' in ${file} is of another make, and is not loaded.`)
    return
  }
  for (const [i, variable] of variables.entries())
    variable.assign(await tensorOf(arrays[i] as StoredArray, `${file} → optimizer_weights`, variable.dtype))
}
