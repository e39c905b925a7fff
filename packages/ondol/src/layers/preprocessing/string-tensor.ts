/**
 * Strings with a shape: what text layers read and write. They live in ordinary memory, for no backend computes with
 * strings; what a model computes with are the numbers that these layers make of them.
 */
import { DataError, ShapeError } from '../../core/errors.js'
import { formatShape, type Shape, sizeOf } from '../../core/shape.js'

export type NestedStrings = string | readonly NestedStrings[]
/** What layers take as strings. */
export type StringLike = StringTensor | NestedStrings

/**
 * @example
 * const words = new layers.StringTensor(['ab', 'c'], [2, 1])
 * words.arraySync()   // [['ab'], ['c']]
 */
export class StringTensor {
  readonly dtype = 'string'
  readonly shape: Shape
  readonly #values: readonly string[]

  /** `values` in row-major order. @throws ShapeError when they do not fill `shape`. */
  constructor(values: readonly string[], shape: Shape = [values.length]) {
    if (sizeOf(shape) !== values.length)
      throw new ShapeError({
        where: 'StringTensor',
        problem: 'the strings do not fill the shape',
        expected: `${sizeOf(shape)} strings for ${formatShape(shape)}`,
        received: `${values.length}`,
      })
    this.shape = shape
    this.#values = values
  }

  get rank(): number {
    return this.shape.length
  }

  /** The strings in row-major order. */
  dataSync(): readonly string[] {
    return this.#values
  }

  async data(): Promise<readonly string[]> {
    return this.#values
  }

  /** Nested arrays of strings; a string where there are no axes. */
  arraySync(): NestedStrings {
    let at = 0
    const build = (axis: number): NestedStrings =>
      axis === this.shape.length
        ? (this.#values[at++] as string)
        : Array.from({ length: this.shape[axis] as number }, () => build(axis + 1))
    return build(0)
  }

  async array(): Promise<NestedStrings> {
    return this.arraySync()
  }

  /** The same strings in another shape. */
  reshape(shape: Shape): StringTensor {
    return new StringTensor(this.#values, shape)
  }

  /** Each string changed. */
  map(change: (value: string) => string): StringTensor {
    return new StringTensor(this.#values.map(change), this.shape)
  }

  toString(): string {
    return `StringTensor(shape=${formatShape(this.shape)})`
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}

/** Whether `value` is strings in some structure of arrays, found by looking at the first. */
export function holdsStrings(value: unknown): value is StringLike {
  let first = value
  while (Array.isArray(first) && first.length > 0) first = first[0]
  return typeof first === 'string' || first instanceof StringTensor
}

/** @throws DataError, ShapeError when it is something else, or ragged. */
export function asStrings(value: unknown, where: string): StringTensor {
  if (value instanceof StringTensor) return value
  const shape: number[] = []
  for (let level: unknown = value; Array.isArray(level); level = level[0]) shape.push(level.length)
  const values: string[] = []
  const walk = (level: unknown, depth: number): void => {
    if (depth < shape.length && Array.isArray(level) && level.length === shape[depth]) {
      for (const item of level) walk(item, depth + 1)
      return
    }
    if (depth < shape.length || Array.isArray(level))
      throw new ShapeError({
        where,
        problem: 'the nested arrays of strings are ragged',
        expected: `arrays of shape ${formatShape(shape)} as the first ones`,
        received: JSON.stringify(level).slice(0, 80),
        hint: 'give rows of one length, or whole texts to a TextVectorization',
      })
    if (typeof level !== 'string')
      throw new DataError({ where, problem: 'this is no string', received: `${typeof level} ${String(level)}` })
    values.push(level)
  }
  walk(value, 0)
  return new StringTensor(values, shape)
}
