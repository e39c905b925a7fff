/**
 * Finding what a layer holds: walks its own fields, and arrays and plain records in them, in the order
 * in which they were set. `#private` fields are not seen.
 */
import { Variable } from '../engine/index.js'
import { SeedGenerator } from '../ops/random.js'
import type { Layer } from './layer.js'

export interface State {
  readonly layers: Layer[]
  readonly variables: Variable[]
  readonly seedGenerators: SeedGenerator[]
}

/** Layers, Variables and seed generators in the fields of `owner`, each once. */
export function findState(owner: object, isLayer: (value: unknown) => value is Layer): State {
  const state: State = { layers: [], variables: [], seedGenerators: [] }
  const seen = new Set<unknown>([owner])
  const visit = (value: unknown): void => {
    if (value === null || (typeof value !== 'object' && typeof value !== 'function') || seen.has(value)) return
    seen.add(value)
    if (isLayer(value)) state.layers.push(value)
    else if (value instanceof Variable) state.variables.push(value)
    else if (value instanceof SeedGenerator) state.seedGenerators.push(value)
    else if (isContainer(value)) for (const item of Object.values(value)) visit(item)
    else if (value instanceof Map || value instanceof Set) for (const item of value.values()) visit(item)
  }
  for (const value of Object.values(owner)) visit(value)
  return state
}

function isContainer(value: object): boolean {
  if (Array.isArray(value)) return true
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** In the given order, without repetitions. */
export const distinct = <T>(items: readonly T[]): T[] => [...new Set(items)]
