/** Random choices for conformance tests: sizes, shapes and element values, small first so that failures shrink. */
import fc, { type GeneratorValue } from 'fast-check'
import { type DType, isFloat, writeElement } from '../../core/dtype.js'
import type { Shape } from '../../core/shape.js'
import { type HostArray, makeArray } from '../host/index.js'

/** Makes one number out of a source of uniform numbers in [0, 1). */
export type Flavour = (uniform: () => number, dtype: DType) => number

const SPECIAL_FLOATS = [
  0,
  -0,
  1,
  -1,
  0.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  1e-40,
  -2e-39,
  6e-8,
  65504,
  3e38,
  -1e10,
  2 ** 31,
]
const SPECIAL_INTEGERS = [0, 1, -1, 2147483647, -2147483648, 255, 128, 65536]

const pick = <T>(list: readonly T[], uniform: () => number): T => list[Math.floor(uniform() * list.length)] as T

/** Floats mostly within ±4, integers of every size. */
export const finite: Flavour = (uniform, dtype) => {
  if (dtype === 'bool') return uniform() < 0.5 ? 0 : 1
  if (isFloat(dtype)) return uniform() < 0.2 ? Math.floor(uniform() * 7) - 3 : uniform() * 8 - 4
  return uniform() < 0.6 ? Math.floor(uniform() * 21) - 10 : Math.floor((uniform() - 0.5) * 2 ** 32)
}

/** As `finite`, and now and then something that breaks careless code. */
export const anything: Flavour = (uniform, dtype) => {
  if (dtype === 'bool' || uniform() > 0.25) return finite(uniform, dtype)
  return pick(isFloat(dtype) ? SPECIAL_FLOATS : SPECIAL_INTEGERS, uniform)
}

/** -3 … 3: sums and products of a few of them are exact in every dtype. */
export const small: Flavour = (uniform, dtype) =>
  dtype === 'bool' || dtype === 'uint8' ? Math.floor(uniform() * 2) : Math.floor(uniform() * 7) - 3

/** Uniform in [low, high). */
export const between =
  (low: number, high: number): Flavour =>
  (uniform) =>
    low + uniform() * (high - low)

/** Whole numbers, low and high included. */
export const wholes =
  (low: number, high: number): Flavour =>
  (uniform) =>
    low + Math.floor(uniform() * (high - low + 1))

/** The choices of one property run; fast-check records them, and shrinks them when the run fails. */
export class Draw {
  readonly #generate: GeneratorValue

  constructor(
    generate: GeneratorValue,
    /** What the tested backend can hold. */
    readonly dtypes: readonly DType[],
  ) {
    this.#generate = generate
  }

  int(min: number, max: number): number {
    return this.#generate(fc.integer, { min, max })
  }

  /** One of a list. */
  of<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)] as T
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.int(0, times - 1) === times - 1
  }

  /** A size along an axis: around the widths of vectors, sometimes 1, seldom 0. */
  size(min = 0): number {
    const size = this.of([2, 1, 3, 4, 5, 7, 8, 9, 16, 17, 33])
    return min === 0 && this.once(24) ? 0 : Math.max(size, min)
  }

  /** A shape of at most a few thousand elements. */
  shape(minRank = 0, maxRank = 4, minSize = 0): number[] {
    const shape: number[] = []
    const rank = this.int(minRank, maxRank)
    let elements = 1
    for (let axis = 0; axis < rank; axis++) {
      const size = elements > 300 ? this.int(Math.min(1, minSize), 3) : this.size(minSize)
      elements *= Math.max(size, 1)
      shape.push(size)
    }
    return shape
  }

  axisOf(shape: Shape): number {
    return this.int(0, shape.length - 1)
  }

  /** Some of a shape's axes, increasing. */
  axesOf(shape: Shape): number[] {
    return shape.map((_, axis) => axis).filter(() => this.int(0, 1) === 1)
  }

  permutation(rank: number): number[] {
    const rest = Array.from({ length: rank }, (_, axis) => axis)
    return Array.from({ length: rank }, () => rest.splice(this.int(0, rest.length - 1), 1)[0] as number)
  }

  array(dtype: DType, shape: Shape, flavour: Flavour = finite): HostArray {
    const uniform = mulberry32(this.int(0, 2 ** 30))
    const array = makeArray(dtype, shape)
    for (let i = 0; i < array.storage.length; i++) writeElement(dtype, array.storage, i, flavour(uniform, dtype))
    return array
  }
}

/** Tommy Ettinger's 32-bit generator: plenty for test data. */
function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
