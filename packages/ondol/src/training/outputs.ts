/**
 * Which option belongs to which output. One resolver serves losses, weights, metrics, targets and sample
 * weights: each may be one thing for all, a list in the outputs' order, or a record by the outputs' names.
 */
import { DataError, ValueError } from '../core/errors.js'
import { flatten, type Tree } from '../core/tree.js'
import type { Tensor } from '../engine/index.js'

/** One thing, one for each output in a list, or by name; `null` for none. */
export type PerOutput<T> = T | null | readonly (T | null)[] | { readonly [output: string]: T | null }

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

/** Keys of a record of outputs; else the names that the model gives them; else `output_1`, `output_2`, … */
export function nameOutputs(outputs: Tree<unknown>, known: readonly string[] | undefined): string[] {
  const count = flatten(outputs).length
  if (isRecord(outputs) && Object.keys(outputs).length === count) return Object.keys(outputs)
  return known?.length === count ? [...known] : Array.from({ length: count }, (_, i) => `output_${i + 1}`)
}

/**
 * One entry for each output, `null` where there is none.
 *
 * @throws ValueError for a key that is no output, or a list of another length.
 */
export function resolvePerOutput<T>(
  option: unknown,
  names: readonly string[],
  what: string,
  aliases: readonly string[] = names,
): (T | null)[] {
  if (option === undefined || option === null) return names.map(() => null)
  if (Array.isArray(option)) {
    if (option.length === names.length) return option as (T | null)[]
    throw new ValueError({
      where: what,
      problem: 'the list does not have one entry for each output',
      expected: `${names.length}: ${names.join(', ')}`,
      received: `${option.length}`,
      hint: 'use null for an output without',
    })
  }
  if (!isRecord(option)) return names.map(() => option as T)
  const unknown = Object.keys(option).find((key) => !names.includes(key) && !aliases.includes(key))
  if (unknown !== undefined) {
    throw new ValueError({
      where: what,
      problem: `there is no output called '${unknown}'`,
      expected: `outputs ${names.map((name) => `'${name}'`).join(', ')}`,
      received: `keys ${Object.keys(option).join(', ')}`,
    })
  }
  return names.map((name, i) => (option[name] ?? option[aliases[i] as string] ?? null) as T | null)
}

/**
 * Targets (or weights) for each output. A list that is as long as the number of outputs that are `wanted`
 * goes to those.
 */
export function matchToOutputs(
  values: Tree<Tensor> | null | undefined,
  names: readonly string[],
  wanted: readonly boolean[],
  what: string,
  aliases?: readonly string[],
): (Tensor | null)[] {
  if (values === undefined || values === null) return names.map(() => null)
  if (isRecord(values) && names.length > 1) return resolvePerOutput<Tensor>(values, names, what, aliases)
  const leaves = flatten(values)
  if (leaves.length === names.length) return leaves
  if (leaves.length === wanted.filter(Boolean).length) {
    let next = 0
    return wanted.map((isWanted) => (isWanted ? (leaves[next++] as Tensor) : null))
  }
  throw new DataError({
    where: what,
    problem: `the model has ${names.length} output${names.length === 1 ? '' : 's'}, but there ${leaves.length === 1 ? 'is' : 'are'} ${leaves.length} of these`,
    expected: names.length === 1 ? 'one tensor' : `a list of ${names.length}, or a record with ${names.join(', ')}`,
    received: `${leaves.length}`,
  })
}
