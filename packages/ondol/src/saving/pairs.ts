/** Arrays of a file paired with the variables they belong in: all of them are assigned, or none. */
import { SavingError } from '../core/errors.js'
import { formatShape, sameShape } from '../core/shape.js'
import type { Variable } from '../engine/index.js'
import { type StoredArray, tensorOf } from './values.js'

/** A variable, and the array that belongs in it. */
export interface Pair {
  readonly variable: Variable
  readonly array: StoredArray
  /** The place of the array. */
  readonly where: string
}

/**
 * Assigns all pairs. With `skipMismatch` those whose shapes differ are left, with a warning.
 *
 * @throws SavingError when a shape differs; nothing is changed then.
 */
export async function assignPairs(pairs: readonly Pair[], skipMismatch: boolean): Promise<void> {
  const fitting = pairs.filter((pair) => fits(pair, skipMismatch))
  for (const { variable, array, where } of fitting) {
    const value = await tensorOf(array, where, variable.dtype)
    variable.assign(value)
    value.dispose()
  }
}

function fits({ variable, array, where }: Pair, skip: boolean): boolean {
  if (sameShape(variable.shape, array.shape)) return true
  if (!skip) {
    throw new SavingError({
      where,
      problem: `the weight ${variable.path} has another shape`,
      expected: formatShape(variable.shape),
      received: formatShape(array.shape),
      hint: 'nothing was changed; with skipMismatch: true the weights that fit are loaded',
    })
  }
  console.warn(
    `ondol: ${variable.path} is left as it was: its shape is ${formatShape(variable.shape)}, in ${where} ${formatShape(array.shape)}.`,
  )
  return false
}
