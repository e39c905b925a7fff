/** Ranges that augmentations draw from. */
import { ValueError } from '../../core/errors.js'

export type Range = readonly [lower: number, upper: number]
/** A number, or the ends of a range. */
export type Factor = number | Range

const isPair = (value: unknown): value is Range => Array.isArray(value) && value.length === 2 && value.every((n) => typeof n === 'number')
const sorted = ([a, b]: Range): Range => (a <= b ? [a, b] : [b, a])

function refuse(name: string, where: string, bounds: string, received: unknown): never {
  throw new ValueError({
    where,
    problem: `${name} does not fit`,
    expected: `a number, or two, in ${bounds}`,
    received: `${name}=${JSON.stringify(received)}`,
  })
}

/** A number means [-number, number] within the bounds. */
export function boundedFactor(factor: unknown, bounds: Range, name: string, where: string): Range {
  const [low, high] = bounds
  if (isPair(factor)) {
    if (factor[0] > high || factor[1] < low) refuse(name, where, `[${low}, ${high}]`, factor)
    return sorted(factor)
  }
  if (typeof factor !== 'number' || !(factor >= low && factor <= high)) refuse(name, where, `[${low}, ${high}]`, factor)
  return [Math.max(-Math.abs(factor), low), Math.abs(factor)]
}

export interface Interval {
  readonly min: number
  readonly max: number
  /** The least number itself is not allowed. */
  readonly isOpen?: boolean
  /** What a single number begins at: its negative, unless given. */
  readonly from?: number
}

/** All numbers must be in the interval. */
export function factorWithin(factor: unknown, { min, max, isOpen = false, from }: Interval, name: string, where: string): Range {
  const text = `${isOpen ? '(' : '['}${min}, ${max}]`
  const check = (value: number): number =>
    value > max || value < min || (isOpen && value === min) || Number.isNaN(value) ? refuse(name, where, text, factor) : value
  if (isPair(factor)) return sorted([check(factor[0]), check(factor[1])])
  if (typeof factor !== 'number') refuse(name, where, text, factor)
  const size = Math.abs(check(factor))
  return [from ?? -size, size]
}

/** The values of pixels, least first. */
export function valueRangeOf(range: unknown, where: string): Range {
  if (isPair(range)) return sorted(range)
  throw new ValueError({
    where,
    problem: 'valueRange does not fit',
    expected: 'two numbers, such as [0, 255]',
    received: JSON.stringify(range),
  })
}
