/**
 * The classes of one kind of small object (initializers, regularizers, constraints): found by name,
 * written to files and read back.
 */
import { ValueError } from './errors.js'
import { Registry } from './registry.js'
import { customFor, describeFunction, describeObject, makeFromConfig } from './serialized.js'
import { isSerializedObject, type SerializedObject } from './spelling.js'

export interface Configurable {
  /** Its options in Keras's spelling. */
  getConfig(): Record<string, unknown>
}

/** Takes the options named in `positional` by position, the rest in a record. */
export interface ConfigurableClass<T> {
  new (...args: never[]): T
  readonly positional?: readonly string[]
}

export class Catalog<T extends Configurable> {
  readonly #registry: Registry<ConfigurableClass<T>>
  readonly #names = new Map<unknown, string>()
  readonly #module: string

  /** `kind` is the noun of messages, `module` the Python module; `aliases` are further names of classes. */
  constructor(
    kind: string,
    module: string,
    classes: Readonly<Record<string, ConfigurableClass<T>>>,
    aliases: Readonly<Record<string, string>> = {},
  ) {
    this.#registry = new Registry(kind, classes)
    this.#module = module
    for (const [name, Class] of Object.entries(classes)) this.#names.set(Class, name)
    for (const [alias, name] of Object.entries(aliases)) this.#registry.add(alias, classes[name] as ConfigurableClass<T>)
  }

  /** An object by its class's name in any spelling, with defaults, or from a config; a registered function as it is. */
  make(description: string | SerializedObject): T {
    const [name, config] = typeof description === 'string' ? [description, {}] : [description.class_name, description.config]
    const custom = customFor(description)
    if (typeof custom === 'function' && !isConstructor(custom)) return custom as unknown as T
    return makeFromConfig((custom as ConfigurableClass<T> | undefined) ?? this.#registry.get(name), config)
  }

  /** Describes a wrong identifier. */
  refuse(identifier: unknown): never {
    throw new ValueError({
      problem: `this is no ${this.#registry.kind}`,
      expected: `a name, a function, a config, or an object of ${this.#module.replace('keras.', '')}`,
      received: String(identifier),
    })
  }

  isDescription(identifier: unknown): identifier is string | SerializedObject {
    return typeof identifier === 'string' || isSerializedObject(identifier)
  }

  /** As Keras writes it to files. */
  serialize(object: T): SerializedObject {
    const className = this.#names.get(object.constructor)
    const { fn } = object as { readonly fn?: unknown }
    if (className === undefined && typeof fn === 'function') return describeFunction(fn)
    return describeObject(object, className === undefined ? undefined : { module: this.#module, className })
  }
}

/** Classes whose objects have configs, unlike plain functions. */
const isConstructor = (value: { readonly prototype?: { readonly getConfig?: unknown } }): boolean =>
  typeof value.prototype?.getConfig === 'function'
