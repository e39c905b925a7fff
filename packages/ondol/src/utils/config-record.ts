/** Settings of an experiment that can be frozen. Follows `keras/src/utils/config.py`. */
import { ValueError } from '../core/errors.js'
import { nearest } from '../core/registry.js'

type Settings = Record<string, unknown>

export interface Config {
  /** A setting. */
  [name: string]: unknown
}

/**
 * Settings by name, read and set like properties.
 *
 * @example
 * const config = new utils.Config({ learningRate: 0.1 })
 * config.batchSize = 32
 * config.freeze()
 * config.batchSize = 64    // throws
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: settings are properties
export class Config implements Iterable<string> {
  readonly #settings: Settings
  #isFrozen = false

  constructor(settings: Readonly<Settings> = {}) {
    this.#settings = { ...settings }
    // biome-ignore lint/correctness/noConstructorReturn: this is how settings become properties
    return new Proxy(this, {
      get: (target, name) => {
        if (typeof name === 'symbol' || name in target) {
          const own: unknown = Reflect.get(target, name, target)
          return typeof own === 'function' ? own.bind(target) : own
        }
        return target.#get(name)
      },
      set: (target, name, value) => {
        if (typeof name === 'symbol' || name in target)
          throw new ValueError({ where: 'Config', problem: `'${String(name)}' is not a name for a setting`, received: String(value) })
        target.update({ [name]: value })
        return true
      },
      has: (target, name) => Object.hasOwn(target.#settings, name),
      deleteProperty: (target, name) => {
        target.pop(String(name))
        return true
      },
      ownKeys: (target) => Object.keys(target.#settings),
      getOwnPropertyDescriptor: (target, name) => Object.getOwnPropertyDescriptor(target.#settings, name),
    })
  }

  #get(name: string): unknown {
    if (Object.hasOwn(this.#settings, name)) return this.#settings[name]
    // What runtimes look for in any object.
    if (name === 'then' || name === 'toJSON') return undefined
    const [near] = nearest(name, Object.keys(this.#settings))
    throw new ValueError({
      where: 'Config',
      problem: `there is no setting '${name}'`,
      ...(near !== undefined && { hint: `did you mean '${near}'?` }),
    })
  }

  get frozen(): boolean {
    return this.#isFrozen
  }

  /** From now on settings cannot change. */
  freeze(): void {
    this.#isFrozen = true
  }

  unfreeze(): void {
    this.#isFrozen = false
  }

  #requireThawed(): void {
    if (this.#isFrozen) throw new ValueError({ where: 'Config', problem: 'the settings are frozen', hint: 'unfreeze() them first' })
  }

  /** The setting, or `fallback`. */
  get(name: string, fallback: unknown = null): unknown {
    return Object.hasOwn(this.#settings, name) ? this.#settings[name] : fallback
  }

  update(settings: Readonly<Settings>): void {
    this.#requireThawed()
    for (const [name, value] of Object.entries(settings))
      Object.defineProperty(this.#settings, name, { value, enumerable: true, writable: true, configurable: true })
  }

  /** Takes a setting out. */
  pop(name: string, fallback: unknown = null): unknown {
    this.#requireThawed()
    const value = this.get(name, fallback)
    delete this.#settings[name]
    return value
  }

  keys(): string[] {
    return Object.keys(this.#settings)
  }

  values(): unknown[] {
    return Object.values(this.#settings)
  }

  items(): [string, unknown][] {
    return Object.entries(this.#settings)
  }

  asDict(): Settings {
    return { ...this.#settings }
  }

  toJson(): string {
    return JSON.stringify(this.#settings)
  }

  get length(): number {
    return this.keys().length
  }

  /** The names, sorted. */
  [Symbol.iterator](): Iterator<string> {
    return this.keys().sort()[Symbol.iterator]()
  }

  toString(): string {
    return `<Config ${this.toJson()}>`
  }
}
