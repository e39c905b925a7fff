/** Layers to and from the objects that Keras's files describe them with. Names resolve here, or nowhere. */
import { type CustomObjects, customNames, getRegisteredObject } from '../core/custom-objects.js'
import { SavingError } from '../core/errors.js'
import { nearest } from '../core/registry.js'
import { isSerializedObject, type SerializedObject } from '../core/spelling.js'
import { type AnyDefinition, OpNode } from '../ops/define.js'
import type { Operation } from '../ops/operation.js'
import { isRecord } from './convert.js'
import { Layer } from './layer.js'
import { type SerializedLayer, sharedOr, whileReading, whileWriting } from './sharing.js'

/** A class with a static `fromConfig`. */
export interface LayerClass {
  readonly className: string
  readonly name: string
  /** Whether `fromConfig` makes the layers in its config itself, as models do. */
  readonly readsLayers: boolean
  fromConfig(config: Readonly<Record<string, unknown>>, customObjects?: CustomObjects): Layer
}

/** Classes of your own, by the name in the file. */
export type CustomLayers = CustomObjects

const isLayerClass = (value: unknown): value is LayerClass =>
  typeof value === 'function' && value.prototype instanceof Layer && 'fromConfig' in value

/** What is known by name: `known.ts` brings all of Keras's, rooms above bring their own. */
const byName = new Map<string, LayerClass>()
const opsByName = new Map<string, AnyDefinition>()

/** Makes a class known by its name. */
export function registerLayerClass(Class: LayerClass): void {
  byName.set(Class.className, Class)
}

/** Makes the layer classes among these exports known. */
export function registerLayerClasses(exports: Readonly<Record<string, unknown>>): void {
  for (const Class of Object.values(exports)) if (isLayerClass(Class)) registerLayerClass(Class)
}

/** Makes the ops among these exports known, by Keras's names of their classes. */
export function registerOps(exports: Readonly<Record<string, unknown>>): void {
  for (const op of Object.values(exports)) {
    if (typeof op !== 'function' || !('definition' in op)) continue
    const definition = op.definition as AnyDefinition
    opsByName.set(definition.name, definition)
  }
}

/** Ops that Keras has under two names, which do the same. */
const SAME_OPS: Readonly<Record<string, string>> = { Amax: 'Max', Amin: 'Min' }

export const serialize = (layer: Layer): SerializedLayer => whileWriting(() => layer.serialize())

/**
 * The layer (or model) that `serialize` described, built if it was built. Layers that stand in several places are
 * made once.
 *
 * @throws SavingError when there is no such class.
 */
export const deserialize = (description: SerializedLayer, customObjects: CustomObjects = {}): Layer =>
  whileReading(() => sharedOr(description, () => make(description, customObjects)))

function make(description: SerializedLayer, customObjects: CustomObjects): Layer {
  const Class = findClass(description, customObjects)
  const config = Class.readsLayers ? description.config : deserializeLayersIn(description.config, customObjects)
  const layer = Class.fromConfig(config as Readonly<Record<string, unknown>>, customObjects)
  layer.buildFromConfig(description.build_config ?? null)
  if (isCompilable(layer) && Object.keys(description.compile_config ?? {}).length > 0)
    layer.compileFromConfig(description.compile_config as Readonly<Record<string, unknown>>)
  return layer
}

/** Models stand above this room. */
const isCompilable = (layer: Layer): layer is Layer & { compileFromConfig(config: Readonly<Record<string, unknown>>): void } =>
  'compileFromConfig' in layer

/** A config in which descriptions of layers, such as the cell of an RNN, have become layers. */
export function deserializeLayersIn(config: unknown, customObjects: CustomObjects = {}): unknown {
  if (Array.isArray(config)) return config.map((item) => deserializeLayersIn(item, customObjects))
  if (isSerializedObject(config)) return lookUp(config, customObjects) === undefined ? config : deserialize(config, customObjects)
  if (!isRecord(config)) return config
  return Object.fromEntries(Object.entries(config).map(([key, item]) => [key, deserializeLayersIn(item, customObjects)]))
}

/** Classes of the user's own come before Keras's of the same name. */
function lookUp({ class_name, registered_name }: SerializedObject, customObjects: CustomObjects): LayerClass | undefined {
  for (const name of [registered_name, class_name]) {
    const own = typeof name === 'string' ? getRegisteredObject(name, customObjects) : undefined
    if (isLayerClass(own)) return own
  }
  return byName.get(class_name)
}

function findClass(description: SerializedObject, customObjects: CustomObjects): LayerClass {
  const { class_name: className, registered_name: registeredName } = description
  const found = lookUp(description, customObjects)
  if (found !== undefined) return found
  const [near] = nearest(className, [...byName.keys(), ...customNames(customObjects)])
  throw new SavingError({
    problem: `there is no layer class '${className}'`,
    received: registeredName ?? className,
    hint: `${near === undefined ? '' : `did you mean '${near}'? `}Classes of your own are registered with registerKerasSerializable, or passed as customObjects`,
  })
}

/**
 * A layer, or an op with its parameters. `args` and `kwargs` are those of its call: what an op takes besides tensors
 * may stand there too.
 *
 * @throws SavingError when there is no such op.
 */
export function deserializeOperation(
  description: SerializedLayer,
  customObjects: CustomObjects = {},
  args: readonly unknown[] = [],
  kwargs: Readonly<Record<string, unknown>> = {},
): Operation {
  const { module, class_name: className, config } = description
  // Files of older Kerases name no module.
  const isOp = typeof module === 'string' ? /^keras\.src\.ops\./.test(module) : lookUp(description, customObjects) === undefined
  const definition = isOp ? opsByName.get(Object.hasOwn(SAME_OPS, className) ? (SAME_OPS[className] as string) : className) : undefined
  if (!isOp || (typeof module !== 'string' && definition === undefined)) return deserialize(description, customObjects)
  if (definition === undefined) throw new SavingError({ problem: `there is no op '${className}'`, received: `${module}.${className}` })
  const byPosition = definition.parameters.flatMap((name, i) => {
    const value = args[definition.tensors + i]
    return value === undefined ? [] : [[name, value] as const]
  })
  return OpNode.fromConfig(definition, { ...config, ...kwargs, ...Object.fromEntries(byPosition) })
}
