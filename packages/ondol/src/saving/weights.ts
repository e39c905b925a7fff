/**
 * Weights of a model and an array store: what is written under which path, and finding it again. Everything
 * is matched before anything is assigned, so a file that does not fit changes nothing.
 */
import { SavingError } from '../core/errors.js'
import { nearest } from '../core/registry.js'
import { formatShape, sameShape } from '../core/shape.js'
import { type Tensor, Variable } from '../engine/index.js'
import { Layer } from '../layers/layer.js'
import { LossScaleOptimizer } from '../optimizers/loss-scale.js'
import { Optimizer } from '../optimizers/optimizer.js'
import { type CustomState, isModel, ownVariablesOf, type Place, placesOf, type Saveable } from './saveable.js'
import { type StoredArray, snapshot, tensorOf } from './values.js'

/** The arrays of one object. */
export interface SavedObject {
  readonly path: string
  /** What it is called: for readers of the file, nothing is found by it. */
  readonly name: string
  /** Values at the time of asking, by key. */
  readonly arrays: readonly (readonly [key: string, value: Tensor])[]
}

/** Everything that `model` has to keep, in Keras's order. Later changes of the model do not show in it. */
export function savedObjects(model: Saveable): SavedObject[] {
  requireBuilt(model, 'save')
  return placesOf(model).map(({ object, paths }) => ({
    path: paths[0] as string,
    name: object.name,
    arrays: Object.entries(ownVariablesOf(object)).map(([key, value]) => [key, snapshot(value)] as const),
  }))
}

export function requireBuilt(model: Saveable, what: string): void {
  if (model.built) return
  throw new SavingError({
    where: model.name,
    problem: `there are no weights to ${what} yet: it is not built`,
    hint: 'call it on data, or build(shape) it first',
  })
}

/** A file of weights, open for reading. */
export interface WeightReader {
  /** What to call it in messages. */
  readonly name: string
  /** The arrays of the object at `path`, by key; none if it is not there. */
  arraysAt(path: string): Promise<ReadonlyMap<string, StoredArray>>
  /** Paths of all objects with arrays. */
  paths(): Promise<readonly string[]>
}

export interface LoadOptions {
  /** Leave objects as they are whose weights do not fit, with a warning. Default false. */
  readonly skipMismatch?: boolean
}

/** What goes where. */
interface Match {
  readonly object: Saveable
  readonly path: string
  readonly arrays: ReadonlyMap<string, StoredArray>
}

interface Failure {
  readonly object: Saveable
  readonly path: string
  readonly problem: string
  readonly expected?: string
  readonly received?: string
}

/**
 * Loads what `reader` has for `model` and everything in it.
 *
 * @throws SavingError that names the first object that does not fit, and counts the others.
 */
export async function loadState(model: Saveable, reader: WeightReader, { skipMismatch = false }: LoadOptions = {}): Promise<void> {
  requireBuilt(model, 'load into')
  await restoreLossScaling(model, reader)
  const matches: Match[] = []
  const failures: Failure[] = []
  const places = placesOf(model)
  for (const { object, paths } of places) {
    if (object instanceof Optimizer && !object.built) await prepare(object, places, (await reader.arraysAt(paths[0] as string)).size)
    const found = await match(object, paths, reader)
    if (found === undefined) continue
    if ('problem' in found) failures.push(found)
    else matches.push(found)
  }
  if (failures.length > 0) await report(failures, reader, skipMismatch)
  for (const found of matches) await assign(found, reader)
}

/** The first path at which an object's own arrays are; or what is wrong at the first. */
async function match(object: Saveable, paths: readonly string[], reader: WeightReader): Promise<Match | Failure | undefined> {
  let failure: Failure | undefined
  for (const path of paths) {
    const arrays = await reader.arraysAt(path)
    if (!(object instanceof Layer)) return matchOptimizer(object, path, arrays)
    const wrong = (object as CustomState).loadOwnVariables === undefined ? misfit(object, arrays) : undefined
    if (wrong === undefined) return { object, path, arrays }
    failure ??= { object, path, ...wrong }
  }
  if (failure !== undefined && failure.received === undefined && /(^|\/)container(_\d+)?\//.test(failure.path)) {
    console.warn(
      `ondol: ${reader.name} has nothing for ${describe(failure)}: it was saved by a Keras that left out layers in nested lists. They keep their weights.`,
    )
    return undefined
  }
  return failure
}

/** Keras writes neither the dtype policy of a graph nor the loss scaling that came from it, but their state. */
async function restoreLossScaling(model: Saveable, reader: WeightReader): Promise<void> {
  if (!isModel(model) || model.optimizer === null || model.optimizer instanceof LossScaleOptimizer) return
  if ((await reader.arraysAt('optimizer/inner_optimizer')).size === 0) return
  const scaled = new LossScaleOptimizer(model.optimizer, { name: 'loss_scale_optimizer' })
  model.compile({ ...model.compileOptions, optimizer: scaled })
}

/** Makes the state of an optimizer that has not trained yet, if there is state to put in it. */
async function prepare(optimizer: Optimizer, places: readonly Place[], stored: number): Promise<void> {
  if (stored <= optimizer.variables.length) return
  const owner = places.find(({ object }) => isModel(object) && object.optimizer === optimizer)?.object
  if (owner instanceof Layer) optimizer.build(owner.trainableVariables)
}

/** State of an optimizer of another make is left, with a warning. */
function matchOptimizer(optimizer: Optimizer, path: string, arrays: ReadonlyMap<string, StoredArray>): Match | Failure | undefined {
  const count = optimizer.variables.length
  if (arrays.size !== count) {
    console.warn(`ondol: the state of optimizer '${optimizer.name}' is not loaded: it has ${count} variables, the file ${arrays.size}.`)
    return undefined
  }
  const wrong = misfit(optimizer, arrays)
  return wrong === undefined ? { object: optimizer, path, arrays } : { object: optimizer, path, ...wrong }
}

/** Why these arrays cannot be the object's. */
function misfit(object: Saveable, arrays: ReadonlyMap<string, StoredArray>): Omit<Failure, 'object' | 'path'> | undefined {
  const own = Object.entries(ownVariablesOf(object))
  const list = (entries: Iterable<readonly [string, string, readonly number[]]>): string =>
    [...entries].map(([, name, shape]) => `${name} ${formatShape(shape)}`).join(', ')
  const expected = `${own.length}: ${list(own.map(([key, value]) => [key, value instanceof Variable ? value.name : key, value.shape]))}`
  const received = `${arrays.size}: ${list([...arrays].map(([key, { shape }]) => [key, key, shape]))}`
  if (arrays.size === 0 && own.length > 0) return { problem: 'there are no weights for it', expected }
  if (own.length === 0 && arrays.size > 0 && !object.built) return { problem: 'it is not built, so its weights have no place', received }
  if (arrays.size !== own.length) return { problem: 'it has another number of weights', expected, received }
  for (const [key, { shape }] of own) {
    const stored = arrays.get(key)
    if (stored === undefined) return { problem: `there is no weight '${key}' for it`, expected, received }
    if (!sameShape(stored.shape, shape)) return { problem: 'its weights have other shapes', expected, received }
  }
  return undefined
}

const describe = ({ object, path }: Pick<Failure, 'object' | 'path'>): string =>
  `${object.className} '${object.name}' (${path === '' ? 'the model itself' : path})`

async function report(failures: readonly Failure[], reader: WeightReader, skip: boolean): Promise<void> {
  const [first] = failures as [Failure]
  const others = failures.slice(1, 9).map(describe)
  const rest = failures.length > 9 ? `, and ${failures.length - 9} more` : ''
  const more = others.length === 0 ? '' : `; nor are there for ${others.join(', ')}${rest}`
  if (skip) {
    console.warn(`ondol: not loaded from ${reader.name}, and left as it was: ${failures.map(describe).join(', ')}.`)
    return
  }
  const [near] = first.received === undefined ? nearest(first.path, await reader.paths()) : []
  throw new SavingError({
    where: `${reader.name} → ${describe(first)}`,
    problem: `the weights do not fit the model: ${first.problem}${more}`,
    ...(first.expected !== undefined && { expected: first.expected }),
    received: first.received ?? `nothing at '${first.path}'${near === undefined ? '' : `; there is '${near}'`}`,
    hint: 'nothing was changed; with skipMismatch: true the weights that fit are loaded',
  })
}

async function assign({ object, path, arrays }: Match, reader: WeightReader): Promise<void> {
  const where = (key: string): string => `${reader.name} → ${path}/${key}`
  const { loadOwnVariables } = object as CustomState
  if (loadOwnVariables !== undefined) {
    const tensors = new Map<string, Tensor>()
    for (const [key, array] of arrays) tensors.set(key, await tensorOf(array, where(key)))
    loadOwnVariables.call(object, tensors)
    return
  }
  for (const [key, variable] of Object.entries(ownVariablesOf(object))) {
    if (!(variable instanceof Variable)) continue
    const value = await tensorOf(arrays.get(key) as StoredArray, where(key), variable.dtype)
    variable.assign(value)
    value.dispose()
  }
}
