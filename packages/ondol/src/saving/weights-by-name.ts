/**
 * Weights in files that hold arrays by name and nothing else (safetensors, npz, TensorFlow.js): under the paths that
 * `.weights.h5` has, or under names that others gave them, or numbered.
 */
import { SavingError } from '../core/errors.js'
import { nearest } from '../core/registry.js'
import type { Tensor, Variable } from '../engine/index.js'
import { Layer } from '../layers/layer.js'
import { assignPairs, type Pair } from './pairs.js'
import type { Saveable } from './saveable.js'
import type { StoredArray } from './values.js'
import { type LoadOptions, loadState, type SavedObject, type WeightReader } from './weights.js'

/** Arrays by name, not read yet. */
export interface NamedArrays {
  /** What to call the file in messages. */
  readonly name: string
  readonly arrays: ReadonlyMap<string, StoredArray>
}

/** What to write, under the paths of `.weights.h5`: `layers/dense/vars/0`. */
export const namedArrays = (objects: readonly SavedObject[]): [name: string, value: Tensor][] =>
  objects.flatMap(({ path, arrays }) =>
    arrays.map(([key, value]): [string, Tensor] => [path === '' ? `vars/${key}` : `${path}/vars/${key}`, value]),
  )

const STRUCTURAL = /^(?:(.+)\/)?vars\/([^/]+)$/
/** As `numpy.savez` calls arrays that were given without names. */
const NUMBERED = /^arr_\d+$/

export interface NameOptions extends LoadOptions {
  /** Find weights by their names instead of their places or order; those without a counterpart are left. Default false. */
  readonly byName?: boolean
}

/**
 * Loads weights by place where the names are paths of `.weights.h5`, by order where they are numbers, else by name.
 *
 * @throws SavingError that says which weight does not fit; nothing is changed then.
 */
export async function loadNamed(model: Saveable, file: NamedArrays, options: NameOptions = {}): Promise<void> {
  const names = [...file.arrays.keys()]
  if (options.byName !== true && names.some((name) => STRUCTURAL.test(name))) return loadState(model, structuralReader(file), options)
  if (!(model instanceof Layer)) throw new SavingError({ where: file.name, problem: 'these weights are of a model, not of an optimizer' })
  const isNumbered = options.byName !== true && names.length > 0 && names.every((name) => NUMBERED.test(name))
  await assignPairs(isNumbered ? byNumber(model, file) : byName(model, file, options), options.skipMismatch === true)
}

function structuralReader({ name, arrays }: NamedArrays): WeightReader {
  const objects = new Map<string, Map<string, StoredArray>>()
  for (const [key, array] of arrays) {
    const [, path = '', index = ''] = STRUCTURAL.exec(key) ?? []
    if (index === '') continue
    const object = objects.get(path) ?? new Map<string, StoredArray>()
    objects.set(path, object.set(index, array))
  }
  return { name, arraysAt: async (path) => objects.get(path) ?? new Map(), paths: async () => [...objects.keys()] }
}

function byNumber({ weights }: Layer, { name, arrays }: NamedArrays): Pair[] {
  if (weights.length !== arrays.size) {
    throw new SavingError({
      where: name,
      problem: 'the file has another number of weights than the model',
      expected: `${weights.length}`,
      received: `${arrays.size}`,
    })
  }
  return weights.map((variable, index) => {
    const array = arrays.get(`arr_${index}`)
    if (array === undefined) throw new SavingError({ where: name, problem: `there is no array 'arr_${index}'` })
    return { variable, array, where: `${name} → arr_${index}` }
  })
}

/** `dense.kernel`, `dense/kernel:0` and `dense/kernel` are one name. */
const partsOf = (name: string): string[] => name.replace(/:0$/, '').split(/[./]/)

function byName(
  { weights }: Layer,
  { name: file, arrays }: NamedArrays,
  { byName: some = false, skipMismatch = false }: NameOptions,
): Pair[] {
  const found = matchNames(weights, [...arrays.keys()])
  const missing = weights.filter((variable) => !found.has(variable))
  if (missing.length > 0 && !some) {
    const [first] = missing as [Variable]
    const [near] = nearest(first.path, [...arrays.keys()])
    const problem = `there are no weights for ${missing.length === 1 ? '' : `${missing.length} variables: `}${missing
      .slice(0, 8)
      .map(({ path }) => path)
      .join(', ')}`
    if (!skipMismatch) {
      throw new SavingError({
        where: file,
        problem,
        received: near === undefined ? `${arrays.size} arrays` : `${arrays.size} arrays; near '${first.path}' is '${near}'`,
        hint: 'nothing was changed; with byName: true the weights that have a counterpart are loaded',
      })
    }
    console.warn(`ondol: ${file}: ${problem}; they are left as they were.`)
  }
  if (found.size === 0 && arrays.size > 0) console.warn(`ondol: no weight of the model has a name that ${file} has: nothing is loaded.`)
  return [...found].map(([variable, name]) => ({ variable, array: arrays.get(name) as StoredArray, where: `${file} → ${name}` }))
}

/**
 * Which name means which variable: the same one, or else the only one that tells the same last part and leaves out,
 * or adds, some of those before it: `lstm/kernel` is `lstm/lstm_cell/kernel`.
 */
function matchNames(variables: readonly Variable[], names: readonly string[]): Map<Variable, string> {
  const found = new Map<Variable, string>()
  const free = new Map(names.map((name) => [partsOf(name).join('/'), name]))
  for (const variable of variables) {
    const name = free.get(variable.path)
    if (name === undefined) continue
    found.set(variable, name)
    free.delete(variable.path)
  }
  const byLeaf = new Map<string, string[]>()
  for (const parts of free.keys()) byLeaf.set(leafOf(parts), [...(byLeaf.get(leafOf(parts)) ?? []), parts])
  for (const variable of variables.filter((each) => !found.has(each))) {
    const alike = [variable.path, olderName(variable.path)].flatMap((path) =>
      (byLeaf.get(leafOf(path)) ?? []).filter((parts) => free.has(parts) && areAlike(path, parts)),
    )
    const [only] = alike
    if (only === undefined || new Set(alike).size > 1) continue
    found.set(variable, free.get(only) as string)
    free.delete(only)
  }
  return found
}

/** The kernel of a depthwise convolution had a name of its own. */
const olderName = (path: string): string => path.replace(/(^|\/)kernel$/, '$1depthwise_kernel')

const leafOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/** Whether one has all parts of the other, in that order. */
function areAlike(a: string, b: string): boolean {
  const [short, long] = [a.split('/'), b.split('/')].sort((x, y) => x.length - y.length) as [string[], string[]]
  let at = 0
  for (const part of long) if (part === short[at]) at++
  return short.length > 1 && at === short.length
}
