/**
 * Classes and functions of the user's own, by the names that files know them by. A file can only ever name
 * what was registered here, or what the caller passes along: loading runs nothing else.
 * Follows `keras/src/saving/object_registration.py`.
 */
import { ValueError } from './errors.js'

/** Classes and functions of your own, by name. */
export type CustomObjects = Readonly<Record<string, unknown>>

const registered = new Map<string, unknown>()
const names = new Map<unknown, string>()
let scoped: CustomObjects = {}

const ownName = (object: unknown): string => {
  const { className, name } = object as { readonly className?: unknown; readonly name?: unknown }
  return typeof className === 'string' && Object.hasOwn(object as object, 'className') ? className : String(name)
}

/**
 * Makes a class or a function known to files, as `package>name`.
 *
 * @example
 * class Scale extends layers.Layer {}
 * saving.registerKerasSerializable('my_package')(Scale)
 */
export function registerKerasSerializable(packageName = 'Custom', name?: string): <T>(object: T, context?: unknown) => T {
  return <T>(object: T): T => {
    if (typeof object !== 'function') {
      throw new ValueError({
        where: 'registerKerasSerializable',
        problem: 'only classes and functions can be registered',
        received: String(object),
      })
    }
    const registeredName = `${packageName}>${name ?? ownName(object)}`
    registered.set(registeredName, object)
    names.set(object, registeredName)
    return object
  }
}

/** The name that a class or function was registered under, or its own. */
export const getRegisteredName = (object: unknown): string => names.get(object) ?? ownName(object)

/** What that name stands for: in the current scope, among what was registered, among `customObjects`; `undefined` if nowhere. */
export function getRegisteredObject(name: string, customObjects: CustomObjects = {}): unknown {
  if (Object.hasOwn(scoped, name)) return scoped[name]
  if (registered.has(name)) return registered.get(name)
  return Object.hasOwn(customObjects, name) ? customObjects[name] : undefined
}

/** All registered classes and functions, by name. The map is live: what is set in it is registered. */
export const getCustomObjects = (): Map<string, unknown> => registered

/** All names that `getRegisteredObject` would find, for messages. */
export const customNames = (customObjects: CustomObjects = {}): string[] => [
  ...new Set([...Object.keys(scoped), ...registered.keys(), ...Object.keys(customObjects)]),
]

/**
 * Makes `objects` known until the scope is disposed of, or while `body` runs.
 *
 * @example
 * using scope = saving.customObjectScope({ Scale })
 * const model = models.modelFromJson(text)
 */
export function customObjectScope<R>(objects: CustomObjects, body: () => R): R
export function customObjectScope(objects: CustomObjects): Disposable
export function customObjectScope<R>(objects: CustomObjects, body?: () => R): R | Disposable {
  const outer = scoped
  scoped = { ...outer, ...objects }
  const restore = (): void => {
    scoped = outer
  }
  if (body === undefined) return { [Symbol.dispose]: restore }
  try {
    return body()
  } finally {
    restore()
  }
}
