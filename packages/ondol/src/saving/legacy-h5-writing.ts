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
import { olderName, weightsOf } from './legacy-h5.js'
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
    model_config: formatJson({ class_name, config: olderModel(config) }, model.name),
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

/** The layers of a model went by their class alone; those of the user's own by the name they are registered under. What is in them is as ever. */
function olderModel(config: unknown): unknown {
  if (!isRecord(config) || !Array.isArray(config.layers)) return config
  return { ...config, layers: config.layers.map(olderLayer) }
}

function olderLayer(description: unknown): unknown {
  if (!isRecord(description) || !isSerializedObject(description)) return description
  const {
    module,
    registered_name: registered,
    build_config,
    shared_object_id,
    class_name,
    config,
    ...rest
  } = description as Record<string, unknown>
  const isOwn = typeof registered === 'string' && registered.includes('>')
  return {
    class_name: isOwn ? registered : olderName(String(class_name)),
    config: MODELS.has(String(class_name)) ? olderModel(config) : config,
    ...rest,
  }
}

const MODELS = new Set(['Functional', 'Model', 'Sequential'])

/** `compile_config` as it was called once: functions by their names. */
function trainingConfig({ optimizer, ...rest }: Readonly<Record<string, unknown>>): unknown {
  const { class_name, config } = optimizer as { readonly class_name: string; readonly config: unknown }
  const named = (item: unknown): unknown => {
    if (Array.isArray(item)) return item.map(named)
    if (!isRecord(item)) return item
    if (isSerializedObject(item)) return item.class_name === 'function' ? item.config : item
    return Object.fromEntries(Object.entries(item).map(([key, inner]) => [key, named(inner)]))
  }
  return { ...(named(rest) as object), optimizer_config: { class_name, config } }
}
