/**
 * What all families of small objects (losses, metrics, optimizers, initializers, …) have in common on their way to
 * and from files. Follows `keras/src/saving/serialization_lib.py`.
 */
import { getCustomObjects, getRegisteredName, getRegisteredObject } from './custom-objects.js'
import { SavingError } from './errors.js'
import { fromKerasConfig, type SerializedObject } from './spelling.js'

/** A class whose objects are made from options, some of them by position. */
interface OptionsClass<T> {
  new (...args: never[]): T
  readonly positional?: readonly string[]
  fromConfig?(config: Readonly<Record<string, unknown>>): T
}

/** As Keras writes an object: a Keras class by module and name, one of the user's by the name that it was registered under. */
export function describeObject(
  object: { getConfig(): Record<string, unknown> },
  keras: { readonly module: string; readonly className: string } | undefined,
): SerializedObject {
  const Class = object.constructor as { readonly name: string }
  return {
    module: keras?.module ?? null,
    class_name: keras?.className ?? Class.name,
    config: object.getConfig(),
    registered_name: keras === undefined ? getRegisteredName(Class) : null,
  }
}

/** An object of the class, from a Keras config. */
export function makeFromConfig<T>(Class: OptionsClass<T>, config: Readonly<Record<string, unknown>>): T {
  if (typeof Class.fromConfig === 'function') return Class.fromConfig(config)
  const { positional = [] } = Class
  const options = fromKerasConfig(config)
  const rest = Object.fromEntries(Object.entries(options).filter(([name]) => !positional.includes(name)))
  return new (Class as unknown as new (...args: unknown[]) => T)(...positional.map((name) => options[name]), rest)
}

/** As Keras writes a function: by its name, which must be registered to be found again. */
export function describeFunction(fn: unknown, name = getRegisteredName(fn)): SerializedObject {
  if (name === '') {
    throw new SavingError({
      problem: 'a function without a name cannot be found again',
      received: String(fn).slice(0, 60),
      hint: "name it, and register it: saving.registerKerasSerializable('my_package')(fn)",
    })
  }
  return { module: 'builtins', class_name: 'function', config: name as unknown as SerializedObject['config'], registered_name: 'function' }
}

/** Whether this describes a function: `{ module: 'builtins', class_name: 'function', config: 'relu' }`. */
export const isFunctionDescription = ({
  class_name: className,
  config,
}: {
  readonly class_name: string
  readonly config: unknown
}): boolean => className === 'function' && typeof config === 'string'

/** The class or function of the user's own that a name or description means, if there is one. They come before Keras's. */
export function customFor(description: string | SerializedObject): unknown {
  if (typeof description === 'string') return getRegisteredObject(description)
  if (isFunctionDescription(description)) {
    const name = String(description.config)
    // Keras up to 3.6 wrote functions without their package.
    return getRegisteredObject(name) ?? (name.includes('>') ? undefined : firstOfAnyPackage(name))
  }
  const { registered_name: registeredName, class_name: className } = description
  return (registeredName === null ? undefined : getRegisteredObject(registeredName)) ?? getRegisteredObject(className)
}

function firstOfAnyPackage(name: string): unknown {
  for (const [registeredName, object] of getCustomObjects()) if (registeredName.endsWith(`>${name}`)) return object
  return undefined
}

/** Whether `value` is the class `Base` or one derived from it. */
export const isClassOf = <T>(value: unknown, Base: abstract new (...args: never[]) => T): value is OptionsClass<T> =>
  typeof value === 'function' && (value === Base || value.prototype instanceof Base)
