/**
 * Which objects of a model are saved, and under which paths: Keras's walk over attributes
 * (`_walk_saveable` in `keras/src/saving/saving_lib.py`), so that files mean the same on both sides.
 *
 * A field `forwardLayer` here is the attribute `forward_layer` there. In lists and records objects go by
 * class and number (`layers/dense_1`), never by name.
 */
import { toSnakeCase as toKerasAttribute } from '../core/spelling.js'
import type { Tensor, Variable } from '../engine/index.js'
import { Layer } from '../layers/layer.js'
import { toSnakeCase } from '../ops/naming.js'
import { Optimizer } from '../optimizers/optimizer.js'

/** What has state in files: layers (models too) and optimizers. */
export type Saveable = Layer | Optimizer

/**
 * Methods by which a layer takes its saving into its own hands, beside or instead of its weights.
 *
 * @example
 * class Lookup extends layers.Layer implements saving.CustomState {
 *   words: string[] = []
 *   saveAssets() { return { 'vocabulary.txt': this.words.join('\n') } }
 *   loadAssets(assets: ReadonlyMap<string, Uint8Array>) { this.words = new TextDecoder().decode(assets.get('vocabulary.txt')).split('\n') }
 * }
 */
export interface CustomState {
  /** What to write instead of its own weights, by key. */
  saveOwnVariables?(): Readonly<Record<string, Variable | Tensor>>
  /** Takes what `saveOwnVariables` gave. */
  loadOwnVariables?(stored: ReadonlyMap<string, Tensor>): void
  /** Files to keep in the archive's `assets/`, by name; text is written as UTF-8. */
  saveAssets?(): Readonly<Record<string, string | Uint8Array>>
  /** Takes the files that `saveAssets` gave. */
  loadAssets?(assets: ReadonlyMap<string, Uint8Array>): void
  /** What is in it, by Keras's names of the attributes, where the names of its fields do not say it. */
  saveableChildren?(): Iterable<readonly [attribute: string, child: unknown]>
}

/** A model, as far as saving looks at it: models stand above this room. */
interface ModelLike extends Layer {
  readonly layers: readonly Layer[]
  readonly graph: unknown
  readonly optimizer: Optimizer | null
  readonly compileOptions: object | null
  compile(options: object): void
}

/** An object, and the paths that lead to it: it is saved under the first. */
export interface Place {
  readonly object: Saveable
  readonly paths: readonly string[]
}

/** Ways to one object that are followed: subclassed models list each layer twice, at every level. */
const MOST_PATHS = 4

/** Everything in `root`, itself first, in the order in which Keras writes it. */
export function placesOf(root: Saveable): Place[] {
  const found = new Map<Saveable, string[]>()
  const active = new Set<unknown>()
  const visit = (object: Saveable, path: string): void => {
    const paths = found.get(object)
    if (active.has(object) || (paths !== undefined && paths.length >= MOST_PATHS)) return
    if (paths === undefined) found.set(object, [path])
    else paths.push(path)
    active.add(object)
    for (const [name, child] of childrenOf(object)) {
      const childPath = path === '' ? name : `${path}/${name}`
      if (isSaveable(child)) visit(child, childPath)
      else visitContainer(child, childPath)
    }
    active.delete(object)
  }
  const visitContainer = (container: unknown, path: string): void => {
    const items = itemsOf(container)
    if (items === undefined || active.has(container)) return
    active.add(container)
    const counts = new Map<string, number>()
    const unique = (name: string): string => {
      const count = counts.get(name) ?? 0
      counts.set(name, count + 1)
      return `${path}/${count === 0 ? name : `${name}_${count}`}`
    }
    for (const item of items) {
      if (isSaveable(item)) visit(item, unique(pathName(item)))
      else if (itemsOf(item) !== undefined) visitContainer(item, unique('container'))
    }
    active.delete(container)
  }
  visit(root, '')
  return [...found].map(([object, paths]) => ({ object, paths }))
}

/** Keras exports this class under another name than it has there, and writes the one it has. */
const PYTHON_NAMES: Readonly<Record<string, string>> = { GroupQueryAttention: 'grouped_query_attention' }

const pathName = ({ className }: Saveable): string => PYTHON_NAMES[className] ?? toSnakeCase(className)

const isSaveable = (value: unknown): value is Saveable => value instanceof Layer || value instanceof Optimizer

export const isModel = (object: object): object is ModelLike => object instanceof Layer && 'layers' in object && 'optimizer' in object

/** The things in a list or record; undefined for anything else. */
function itemsOf(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value
  if (value instanceof Map || value instanceof Set) return [...value.values()]
  if (typeof value !== 'object' || value === null) return undefined
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null ? Object.values(value) : undefined
}

/** Attributes by name, private ones last; the layers of a graph come before all others. */
function childrenOf(object: Saveable): (readonly [string, unknown])[] {
  const { saveableChildren } = object as CustomState
  if (saveableChildren !== undefined) return [...saveableChildren.call(object)]
  const attributes = Object.entries(object).map(([field, value]) => [toKerasAttribute(field), value] as const)
  // What is in `#private` fields has no name here; there all layers are in the attribute `_layers` too.
  if (object instanceof Layer && !isModel(object) && object.hiddenLayers.length > 0) attributes.push(['_layers', object.hiddenLayers])
  if (!isModel(object)) return attributes.sort(byName)
  const layers = ['layers', object.layers] as const
  const all = [...attributes, ['optimizer', object.optimizer] as const]
  return object.graph === undefined ? [...all, layers].sort(byName) : [layers, ...all.sort(byName)]
}

const sortKey = (name: string): string => (name.startsWith('_') ? `~${name}` : name)
const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => {
  const [left, right] = [sortKey(a), sortKey(b)]
  if (left === right) return 0
  return left < right ? -1 : 1
}

/** What is written for an object, by key. */
export function ownVariablesOf(object: Saveable): Readonly<Record<string, Variable | Tensor>> {
  const { saveOwnVariables } = object as CustomState
  if (saveOwnVariables !== undefined) return saveOwnVariables.call(object)
  const variables = object instanceof Layer ? object.ownWeights : object.variables
  return Object.fromEntries(variables.map((variable, index) => [String(index), variable]))
}
