/** Checks of the numbers that data takes. */
import { ValueError } from '../core/errors.js'

/** @throws ValueError unless `value` is a whole number of at least `least`. */
export function requireCount(value: number, where: string, least = 1): number {
  if (Number.isInteger(value) && value >= least) return value
  throw new ValueError({ where, problem: 'not a count', expected: `a whole number of at least ${least}`, received: String(value) })
}
