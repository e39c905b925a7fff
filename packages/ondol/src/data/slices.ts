/** Arrays cut along axis 0: whole data as people have it, read row by row. */
import { DataError, ShapeError } from '../core/errors.js'
import { formatShape } from '../core/shape.js'
import type { NestedArray, Tensor, TensorData } from '../engine/index.js'
import { isArrayLeaf } from './collate.js'
import { type ArrayInput, type ArrayRecord, array, type HostArray, isRectangular } from './host-array.js'

type ArrayLeaf = HostArray | ArrayRecord | Tensor | Exclude<TensorData, NestedArray>

/** What is cut into rows; `[]` makes the compiler see lists as tuples. */
export type Sliceable = readonly unknown[] | [] | object

/** One row of `T`: lists of numbers give numbers, arrays give arrays with an axis fewer. */
export type Sliced<T> = T extends ArrayLeaf
  ? HostArray
  : T extends readonly unknown[]
    ? T[number] extends number
      ? number
      : T[number] extends boolean
        ? boolean
        : T[number] extends string
          ? string
          : T[number] extends readonly NestedArray[]
            ? T[number] extends T[0]
              ? HostArray
              : SlicedParts<T>
            : SlicedParts<T>
    : SlicedParts<T>
type SlicedParts<T> = { -readonly [K in keyof T]: Sliced<T[K]> }

/** Rows of something. */
export interface Rows<T> {
  readonly count: number
  readonly row: (index: number) => T
}

/**
 * The rows of arrays, or of lists and records of arrays. Rectangular nested arrays of numbers are one array
 * (write `{ x, y }` for two lists of equal length).
 *
 * @throws DataError when the numbers of rows differ, naming each.
 */
export function rowsOf<T>(source: T): Rows<Sliced<T>> {
  const parts: { path: string; count: number }[] = []
  const row = reader(source, '', parts)
  const count = parts[0]?.count ?? 0
  if (parts.some((part) => part.count !== count)) {
    throw new DataError({
      where: 'slices',
      problem: 'the arrays do not have the same number of rows',
      expected: 'one size of axis 0 in all of them',
      received: parts.map(({ path, count }) => `${path || 'array'}: ${count}`).join('; '),
    })
  }
  return { count, row: row as (index: number) => Sliced<T> }
}

function reader(source: unknown, path: string, parts: { path: string; count: number }[]): (index: number) => unknown {
  if (Array.isArray(source) && isList(source)) {
    parts.push({ path, count: source.length })
    return (index) => source[index]
  }
  if (isArrayLeaf(source) || isRectangular(source)) {
    const whole = array(source as ArrayInput)
    const [count] = whole.shape
    if (count === undefined)
      throw new ShapeError({
        where: path || 'slices',
        problem: 'a single number has no rows',
        received: `shape ${formatShape(whole.shape)}`,
      })
    parts.push({ path, count })
    const shape = whole.rowShape()
    return (index) => whole.row(index, shape)
  }
  if (Array.isArray(source)) {
    const readers = source.map((item, i) => reader(item, path === '' ? `[${i}]` : `${path}[${i}]`, parts))
    return (index) => readers.map((read) => read(index))
  }
  if (typeof source === 'object' && source !== null) {
    const entries = Object.entries(source).map(([key, item]) => [key, reader(item, path === '' ? key : `${path}.${key}`, parts)] as const)
    return (index) => Object.fromEntries(entries.map(([key, read]) => [key, read(index)]))
  }
  throw new DataError({
    where: path || 'slices',
    problem: 'this has no rows',
    expected: 'tensors, typed arrays, nested arrays, or lists and records of these',
    received: source === null ? 'null' : typeof source,
  })
}

/** Plain scalars in a list stay what they are. */
const isList = (source: readonly unknown[]): boolean =>
  source.length === 0 ||
  source.every(
    (item) => typeof item === typeof source[0] && (typeof item === 'number' || typeof item === 'string' || typeof item === 'boolean'),
  )
