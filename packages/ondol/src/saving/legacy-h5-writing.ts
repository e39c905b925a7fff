/**
 * Writes `.h5` files as Keras 3 writes those of older Kerases: weights by layer, in the order of Keras 1 and 2; the
 * model and how it was compiled in attributes. Follows `keras/src/legacy/saving/legacy_h5_format.py`.
 */
import type { ByteSink } from '../core/bytes.js'
import { SavingError } from '../core/errors.js'
import { isSerializedObject } from '../core/spelling.js'
import type { Tensor, Variable } from '../engine/index.js'
import type { Layer } from '../layers/layer.js'
import { serialize } from '../layers/serialization.js'
import { GroupDraft, writeHdf5 } from './hdf5/index.js'
import { formatJson } from './json.js'
import { weightsOf } from './legacy-h5.js'
import { isModel } from './saveable.js'
import { snapshot } from './values.js'
import { requireBuilt } from './weights.js'
import { addArray } from './weights-h5.js'

/** The Keras whose format is written. */
export const KERAS_VERSION = '3.15.1'
const BACKEND = 'tensorflow'

/** A group with its weights, taken as they are now. */
interface WeightGroup {
  readonly name: string
  readonly weights: readonly (readonly [path: string, value: Tensor])[]
}

const groupOf = (name: string, variables: readonly Variable[]): WeightGroup => ({
  name,
  weights: variables.map((variable) => [variable.path, snapshot(variable)] as const),
})

/** What is written of a model. */
interface Contents {
  /** Groups of `layers`, in the order of the model. */
  readonly layers: readonly WeightGroup[]
  readonly own: WeightGroup
  readonly optimizer: WeightGroup | undefined
}

function contentsOf(model: Layer): Contents {
  requireBuilt(model, 'save')
  if (!isModel(model)) throw new SavingError({ where: model.name, problem: 'only whole models are saved to .h5 files' })
  const { optimizer } = model
  return {
    layers: model.layers.map((layer) => groupOf(layer.name, weightsOf(layer))),
    own: groupOf('top_level_model_weights', model.ownWeights),
    optimizer: optimizer === null || optimizer.variables.length === 0 ? undefined : groupOf('optimizer_weights', optimizer.variables),
  }
}

/** Takes the weights of `model` as they are now; the function writes a file with them alone. */
export function legacyWeights(model: Layer): (sink: ByteSink) => Promise<void> {
  const contents = contentsOf(model)
  return (sink) => {
    const root = new GroupDraft()
    addWeights(root, contents)
    return writeHdf5(root, sink)
  }
}

/** Takes `model` as it is now; the function writes a file with all of it. */
export function legacyModel(model: Layer): (sink: ByteSink) => Promise<void> {
  const contents = contentsOf(model)
  const { class_name, config, compile_config: compiled } = serialize(model)
  const texts: Record<string, string> = {
    model_config: formatJson({ class_name, config: withoutModules(config) }, model.name),
    ...(isRecord(compiled) &&
      isSerializedObject(compiled.optimizer) && { training_config: formatJson(trainingConfig(compiled), model.name) }),
  }
  return (sink) => {
    const root = new GroupDraft()
    root.attribute('keras_version', KERAS_VERSION).attribute('backend', BACKEND)
    for (const [name, text] of Object.entries(texts)) root.attribute(name, text)
    addWeights(root.group('model_weights'), contents)
    if (contents.optimizer !== undefined) addGroup(root.group('optimizer_weights'), contents.optimizer)
    return writeHdf5(root, sink)
  }
}

function addWeights(group: GroupDraft, { layers, own }: Contents): void {
  addTexts(
    group,
    'layer_names',
    layers.map(({ name }) => name),
  )
  group.attribute('backend', BACKEND).attribute('keras_version', KERAS_VERSION)
  for (const layer of [...layers, own]) addGroup(group.group(layer.name), layer)
}

/** Weights stand under their paths; nothing is found by them, so they must be different and no more. */
function addGroup(group: GroupDraft, { name, weights }: WeightGroup): void {
  const names = new Set<string>()
  for (const [path, value] of weights) {
    const free = names.has(path) ? `${path}_${names.size}` : path
    if (free === '') throw new SavingError({ where: name, problem: 'a weight without a name cannot be written' })
    names.add(free)
    addArray(group, free, value)
  }
  addTexts(group, 'weight_names', [...names])
}

/** Entries of one attribute: HDF5 has 64 KiB for all that describes an object, and a text takes 16 bytes of it. */
const MOST_TEXTS = 4000

/** A list of texts, over several attributes where it is long. */
function addTexts(group: GroupDraft, name: string, texts: readonly string[]): void {
  if (texts.length <= MOST_TEXTS) {
    group.attribute(name, texts)
    return
  }
  for (let part = 0; part * MOST_TEXTS < texts.length; part++)
    group.attribute(`${name}${part}`, texts.slice(part * MOST_TEXTS, (part + 1) * MOST_TEXTS))
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Layers went by their class alone; those of the user's own by the name they are registered under. */
function withoutModules(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutModules)
  if (!isRecord(value)) return value
  const inner = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutModules(item)]))
  const { module, registered_name: registered, build_config, shared_object_id, ...rest } = inner
  const isLayer = isSerializedObject(value) && (module === 'keras.layers' || 'inbound_nodes' in inner || build_config !== undefined)
  if (!isLayer) return inner
  return typeof registered === 'string' && registered.includes('>') ? { ...rest, class_name: registered } : rest
}

/** `compile_config` as it was called once. */
function trainingConfig({ optimizer, ...rest }: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { class_name, config } = optimizer as { readonly class_name: string; readonly config: unknown }
  return { ...withoutClasses(rest), optimizer_config: { class_name, config } }
}

function withoutClasses(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const strip = (item: unknown): unknown => {
    if (Array.isArray(item)) return item.map(strip)
    if (!isRecord(item)) return item
    if (isSerializedObject(item)) {
      if (item.class_name === 'function') return item.config
      return { class_name: item.registered_name ?? item.class_name, config: item.config }
    }
    return withoutClasses(item)
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, strip(item)]))
}
