/** Checks of options that several layers take. */
import { ShapeError, ValueError } from '../core/errors.js'
import type { PartialShape } from '../core/shape.js'

/** A whole number of at least 1. */
export function requirePositive(value: number, name: string, where: string): number {
  if (Number.isInteger(value) && value > 0) return value
  throw new ValueError({ where, problem: `${name} must be a positive whole number`, received: `${name}=${String(value)}` })
}

/** A number between 0 and 1. */
export function requireRate(value: number, name: string, where: string): number {
  if (typeof value === 'number' && value >= 0 && value <= 1) return value
  throw new ValueError({ where, problem: `${name} must be between 0 and 1`, received: `${name}=${String(value)}` })
}

/** The size of an axis that weights depend on. */
export function requireSize(shape: PartialShape, axis: number, what: string): number {
  const size = shape.at(axis)
  if (typeof size === 'number') return size
  throw new ShapeError({
    problem: `the number of ${what} must be known to make the weights`,
    expected: `a size on axis ${axis}`,
    received: JSON.stringify(shape),
    hint: 'give the size in Input',
  })
}
