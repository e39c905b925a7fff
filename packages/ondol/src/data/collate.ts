/**
 * Many elements of one structure as one element with a batch axis in front: one copy of each array, straight
 * into its place.
 */
import { allocate, type DType, type TypedArray, writeElement } from '../core/dtype.js'
import { DataError } from '../core/errors.js'
import { formatShape, type PartialShape, type Shape, sameShape, sizeOf } from '../core/shape.js'
import type { NestedArray, Tensor, TensorData } from '../engine/index.js'
import { Tensor as TensorClass } from '../engine/index.js'
import { type ArrayInput, type ArrayRecord, array, HostArray, isArrayRecord, isRectangular } from './host-array.js'

/** What becomes one array of a batch. */
type ArrayLeaf = HostArray | ArrayRecord | Tensor | Exclude<TensorData, NestedArray>

/**
 * What elements `T` become in a batch: numbers and arrays become arrays with one more axis, strings lists of
 * strings. An element that is a list is a tuple (`[x, y]`); inside it, plain arrays of numbers are arrays.
 */
export type Batched<T> = T extends readonly unknown[] ? { -readonly [K in keyof T]: BatchedPart<T[K]> } : BatchedPart<T>
type BatchedPart<T> = T extends ArrayLeaf | number | boolean | readonly NestedArray[]
  ? HostArray
  : T extends string
    ? string[]
    : T extends null | undefined
      ? T
      : { -readonly [K in keyof T]: BatchedPart<T[K]> }

/** How one array of a batch is padded. */
export interface Padding {
  /** Shape that every element gets; null: that of the greatest in the batch. Default: all null. */
  readonly shape: PartialShape | undefined
  readonly value: number
}

/** Finds the padding of the array at a place of the structure (`''`, `0`, `x.ids`); undefined: shapes must be equal. */
export type PaddingAt = (path: string) => Padding | undefined

const NO_PADDING: PaddingAt = () => undefined

export const isArrayLeaf = (value: unknown): value is ArrayLeaf =>
  typeof value === 'object' &&
  value !== null &&
  (value instanceof HostArray || ArrayBuffer.isView(value) || value instanceof TensorClass || isArrayRecord(value))

/**
 * Puts elements together; `first` is the number of the first one, for messages.
 *
 * @throws DataError naming the element and the place in it where structure, shape or dtype differ from the first.
 */
export function collate<T>(elements: readonly T[], first = 0, padding = NO_PADDING): Batched<T> {
  const [example] = elements
  if (Array.isArray(example)) return tuple(elements, example, first, '', padding) as Batched<T>
  return part(elements, first, '', padding) as Batched<T>
}

function tuple(items: readonly unknown[], example: readonly unknown[], first: number, path: string, padding: PaddingAt): unknown[] {
  items.forEach((item, i) => {
    if (!Array.isArray(item) || item.length !== example.length) throw differs(first + i, path, `a list of ${example.length}`, item)
  })
  return example.map((_, place) => {
    const column = items.map((item) => (item as readonly unknown[])[place])
    return part(column, first, join(path, place), padding)
  })
}

function part(items: readonly unknown[], first: number, path: string, padding: PaddingAt): unknown {
  const [example] = items
  switch (typeof example) {
    case 'number':
      return scalars(items, 'float32', first, path)
    case 'boolean':
      return scalars(items, 'bool', first, path)
    case 'string':
      items.forEach((item, i) => {
        if (typeof item !== 'string') throw differs(first + i, path, 'a string', item)
      })
      return [...items]
    case 'undefined':
      return undefined
    case 'object':
      break
    default:
      throw differs(first, path, 'numbers, arrays, strings, or lists and records of these', example)
  }
  if (example === null) return null
  if (isArrayLeaf(example)) return stack(items, first, path, padding)
  if (Array.isArray(example)) {
    return isFlatNumbers(example) ? stack(items, first, path, padding) : tuple(items, example, first, path, padding)
  }
  const record = example as Readonly<Record<string, unknown>>
  return Object.fromEntries(
    Object.keys(record).map((key) => {
      const column = items.map((item, i) => {
        if (typeof item !== 'object' || item === null || !Object.hasOwn(item, key))
          throw differs(first + i, join(path, key), `an entry '${key}'`, item)
        return (item as Record<string, unknown>)[key]
      })
      return [key, part(column, first, join(path, key), padding)]
    }),
  )
}

/** Rows of numbers may differ in length where they are padded, so only the first number is looked at. */
function isFlatNumbers(value: readonly unknown[]): boolean {
  let level: unknown = value
  while (Array.isArray(level) && level.length > 0) level = level[0]
  return typeof level === 'number' || typeof level === 'boolean' ? isRectangular(value) : Array.isArray(level)
}

function scalars(items: readonly unknown[], dtype: 'float32' | 'bool', first: number, path: string): HostArray {
  const data = allocate(dtype, items.length)
  const kind = dtype === 'bool' ? 'boolean' : 'number'
  for (let i = 0; i < items.length; i++) {
    const item = items[i]
    if (typeof item !== kind) throw differs(first + i, path, `a ${kind}`, item)
    data[i] = Number(item)
  }
  return new HostArray(data, [items.length], dtype)
}

function stack(items: readonly unknown[], first: number, path: string, padding: PaddingAt): HostArray {
  const arrays = items.map((item, i) => asArray(item, first + i, path))
  const { dtype, shape } = arrays[0] as HostArray
  arrays.forEach((item, i) => {
    if (item.dtype !== dtype) throw differs(first + i, path, `dtype ${dtype}, as in element ${first}`, `dtype ${item.dtype}`)
  })
  const padded = padding(path)
  if (padded !== undefined) return stackPadded(arrays, dtype, padded, first, path)
  const size = sizeOf(shape)
  const data = allocate(dtype, items.length * size)
  for (let i = 0; i < arrays.length; i++) {
    const item = arrays[i] as HostArray
    if (item.shape !== shape && !sameShape(item.shape, shape)) {
      throw differs(
        first + i,
        path,
        `shape ${formatShape(shape)}, as in element ${first}`,
        `shape ${formatShape(item.shape)}`,
        'make them alike with map, or use paddedBatch',
      )
    }
    item.copyTo(data, i * size)
  }
  return new HostArray(data, [items.length, ...shape], dtype)
}

function stackPadded(arrays: readonly HostArray[], dtype: DType, { shape, value }: Padding, first: number, path: string): HostArray {
  const { length: rank } = (arrays[0] as HostArray).shape
  const asked = shape ?? new Array<null>(rank).fill(null)
  const target = asked.map((size, axis) => size ?? Math.max(...arrays.map((item) => item.shape[axis] ?? 0)))
  arrays.forEach((item, i) => {
    if (item.shape.length === target.length && item.shape.every((size, axis) => size <= (target[axis] as number))) return
    throw differs(first + i, path, `at most ${formatShape(asked)}`, `shape ${formatShape(item.shape)}`)
  })
  const size = sizeOf(target)
  const data = allocate(dtype, arrays.length * size)
  if (value !== 0) fill(data, dtype, value)
  arrays.forEach((item, i) => {
    copyPadded(item, data, i * size, target)
  })
  return new HostArray(data, [arrays.length, ...target], dtype)
}

function fill(data: TypedArray, dtype: DType, value: number): void {
  const one = allocate(dtype, 1)
  writeElement(dtype, one, 0, value)
  data.fill(one[0] as number)
}

/** Copies an array into the corner of a greater one, run by run of the last axis. */
function copyPadded(item: HostArray, data: TypedArray, at: number, target: Shape): void {
  const { shape } = item
  const copy = (axis: number, from: number, to: number): void => {
    const inner = sizeOf(shape.slice(axis + 1))
    const outer = sizeOf(target.slice(axis + 1))
    const size = shape[axis]
    if (size === undefined || axis === shape.length - 1) item.copyTo(data, to, from, size ?? 1)
    else for (let i = 0; i < size; i++) copy(axis + 1, from + i * inner, to + i * outer)
  }
  if (item.size > 0) copy(0, 0, at)
}

function asArray(item: unknown, index: number, path: string): HostArray {
  if (item instanceof HostArray) return item
  if (!isArrayLeaf(item) && !Array.isArray(item) && typeof item !== 'number') throw differs(index, path, 'an array', item)
  try {
    return array(item as ArrayInput)
  } catch (cause) {
    throw differs(index, path, 'an array', cause instanceof Error ? cause.message : String(cause))
  }
}

function differs(index: number, path: string, expected: string, received: unknown, hint?: string): DataError {
  return new DataError({
    where: `element ${index}${path === '' ? '' : `, '${path}'`}`,
    problem: 'the element does not go into a batch with the others',
    expected,
    received: typeof received === 'string' ? received : describe(received),
    ...(hint === undefined ? {} : { hint }),
  })
}

export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (value instanceof HostArray || value instanceof TensorClass) return value.toString()
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${(value as Uint8Array).length}`
  if (typeof value === 'object') return `a record with ${Object.keys(value).join(', ') || 'nothing'}`
  return `${typeof value} ${String(value)}`
}

const join = (path: string, key: string | number): string => (path === '' ? `${key}` : `${path}.${key}`)
