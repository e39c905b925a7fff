/**
 * Arrays in ordinary memory: what datasets are made of. A row of one is a view that costs a few words, and no
 * backend knows of it, so a sample can be thrown away as lightly as it was made.
 */
import { allocate, DTYPES, type DType, isDType, readElement, type TypedArray, writeElement } from '../core/dtype.js'
import { DataError, DTypeError, ShapeError } from '../core/errors.js'
import { formatShape, type Shape, sizeOf } from '../core/shape.js'
import { type NestedArray, Tensor, type TensorData, tensor } from '../engine/index.js'

/** An array as a plain record: what workers send, and what user code can write down. */
export interface ArrayRecord {
  readonly data: ArrayBufferView
  readonly shape: Shape
  readonly dtype?: DType
}

/** What can be one array. */
export type ArrayInput = HostArray | ArrayRecord | Tensor | Exclude<TensorData, NestedArray> | NestedArray

/** Elements that are moved one by one rather than by a block copy: a view costs more than they do. */
const FEW = 16

/**
 * Numbers with a shape and a dtype; bfloat16 and float16 are kept as 16-bit patterns.
 *
 * @example
 * const image = data.array(new Uint8Array(784), [28, 28])
 * image.shape   // [28, 28]
 * image.dtype   // 'uint8'
 */
export class HostArray {
  readonly shape: Shape
  readonly dtype: DType
  readonly size: number
  readonly #store: TypedArray
  readonly #offset: number

  /** `store` holds the elements in row-major order from `offset` on. */
  constructor(store: TypedArray, shape: Shape, dtype: DType, offset = 0, size = sizeOf(shape)) {
    this.#store = store
    this.#offset = offset
    this.shape = shape
    this.dtype = dtype
    this.size = size
  }

  /** The elements, row-major, in their storage form: a view, not a copy. */
  get data(): TypedArray {
    return this.size === this.#store.length ? this.#store : this.#store.subarray(this.#offset, this.#offset + this.size)
  }

  /** The number in an array of one element. */
  item(): number {
    if (this.size === 1) return readElement(this.dtype, this.#store, this.#offset)
    throw new ShapeError({
      where: 'item()',
      problem: 'only an array of one element has one value',
      received: `shape ${formatShape(this.shape)}`,
    })
  }

  /** A scalar counts as its number: `label + 1`. */
  valueOf(): number | this {
    return this.shape.length === 0 ? this.item() : this
  }

  /** Nested arrays of numbers (booleans for bool). */
  array(): NestedArray {
    let at = this.#offset
    const build = (axis: number): NestedArray => {
      if (axis < this.shape.length) return Array.from({ length: this.shape[axis] as number }, () => build(axis + 1))
      const value = readElement(this.dtype, this.#store, at++)
      return this.dtype === 'bool' ? value !== 0 : value
    }
    return build(0)
  }

  /** Row `index` along axis 0: a view. */
  row(index: number, { shape, size } = this.rowShape()): HostArray {
    return new HostArray(this.#store, shape, this.dtype, this.#offset + index * size, size)
  }

  /** What all rows have in common; worth keeping where many are taken. */
  rowShape(): { readonly shape: Shape; readonly size: number } {
    const shape = this.shape.slice(1)
    return { shape, size: sizeOf(shape) }
  }

  /** Rows `from` to `to`: a view. */
  slice(from: number, to: number): HostArray {
    const { shape, size } = this.rowShape()
    return new HostArray(this.#store, [to - from, ...shape], this.dtype, this.#offset + from * size, (to - from) * size)
  }

  /** The same numbers in another shape: a view. */
  reshape(shape: Shape): HostArray {
    if (sizeOf(shape) === this.size) return new HostArray(this.#store, shape, this.dtype, this.#offset, this.size)
    throw new ShapeError({
      where: 'reshape',
      problem: 'the data does not fill the shape',
      expected: `${this.size} elements`,
      received: formatShape(shape),
    })
  }

  /** Another dtype, with the engine's conversion rules: a copy. */
  cast(dtype: DType): HostArray {
    if (dtype === this.dtype) return this
    const data = allocate(dtype, this.size)
    for (let i = 0; i < this.size; i++) writeElement(dtype, data, i, readElement(this.dtype, this.#store, this.#offset + i))
    return new HostArray(data, this.shape, dtype)
  }

  /** Writes the elements (or `count` of them from `from` on) into `target` from `at` on, which must be storage of the same dtype. */
  copyTo(target: TypedArray, at: number, from = 0, count = this.size): void {
    const store = this.#store
    const start = this.#offset + from
    if (count > FEW) target.set(count === store.length ? store : store.subarray(start, start + count), at)
    else for (let i = 0; i < count; i++) target[at + i] = store[start + i] as number
  }

  /** A tensor on the backend. */
  toTensor(): Tensor {
    return isHalf(this.dtype) ? tensor(this.cast('float32').data, this.shape, this.dtype) : tensor(this.data, this.shape, this.dtype)
  }

  toString(): string {
    return `HostArray(shape=${formatShape(this.shape)}, dtype=${this.dtype})`
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}

const isHalf = (dtype: DType): boolean => dtype === 'bfloat16' || dtype === 'float16'

export const isArrayRecord = (value: object): value is ArrayRecord => {
  const { data, shape, dtype } = value as Partial<ArrayRecord>
  return ArrayBuffer.isView(data) && Array.isArray(shape) && (dtype === undefined || isDType(dtype))
}

const NATURAL: readonly (readonly [constructor: { new (length: number): ArrayBufferView }, dtype: DType])[] = [
  [Float32Array, 'float32'],
  [Uint8Array, 'uint8'],
  [Int32Array, 'int32'],
  [Uint8ClampedArray, 'uint8'],
]

/**
 * Numbers as an array: typed arrays (with a shape), nested arrays, tensors (their values are copied here).
 * Without a dtype: what `tensor` gives: integers int32 (uint8 for bytes), everything else float32.
 *
 * @throws ShapeError when the data is ragged or does not fill `shape`.
 * @example
 * data.array(new Float32Array(6), [2, 3])
 * data.array([[1, 2], [3, 4]], undefined, 'int32')
 */
export function array(input: ArrayInput, shape?: Shape, dtype?: DType): HostArray {
  const made = convert(input, dtype)
  const shaped = shape === undefined ? made : made.reshape(shape)
  return dtype === undefined ? shaped : shaped.cast(dtype)
}

function convert(input: ArrayInput, dtype: DType | undefined): HostArray {
  if (input instanceof HostArray) return input
  if (input instanceof Tensor) return stored(input.dataSync(), input.shape, input.dtype)
  if (ArrayBuffer.isView(input)) return fromView(input)
  if (typeof input === 'object' && !Array.isArray(input)) {
    const { data, shape, dtype: given } = input as ArrayRecord
    const flat = given !== undefined && data instanceof DTYPES[given].array ? new HostArray(data, [data.length], given) : fromView(data)
    return (given === undefined ? flat : flat.cast(given)).reshape(shape)
  }
  return fromNested(input as NestedArray, dtype)
}

function fromView(view: ArrayBufferView): HostArray {
  const found = NATURAL.find(([constructor]) => view instanceof constructor)
  if (found !== undefined) {
    const [, dtype] = found
    const { buffer, byteOffset } = view
    const length = (view as Uint8Array).length
    const data = view instanceof Uint8ClampedArray ? new Uint8Array(buffer, byteOffset, length) : (view as TypedArray)
    return new HostArray(data, [length], dtype)
  }
  if (view instanceof DataView)
    throw new DTypeError({ where: 'data.array', problem: 'a DataView has no element type', hint: 'use a typed array' })
  if (!(view instanceof BigInt64Array || view instanceof BigUint64Array)) {
    const numbers = view as Float64Array
    return stored(numbers, [numbers.length], numbers instanceof Float64Array ? 'float32' : 'int32')
  }
  // 64-bit integers are checked against int32 as `tensor` does.
  const made = tensor(view)
  try {
    return new HostArray(made.dataSync(), made.shape, made.dtype)
  } finally {
    made.dispose()
  }
}

function fromNested(input: NestedArray, dtype: DType | undefined): HostArray {
  const shape: number[] = []
  for (let level: unknown = input; Array.isArray(level); level = level[0]) shape.push(level.length)
  const total = sizeOf(shape)
  const numbers = new Float64Array(total)
  let at = 0
  let booleans = 0
  const walk = (level: NestedArray, depth: number, path: string): void => {
    if (depth === shape.length) {
      if (typeof level === 'boolean') booleans++
      else if (typeof level !== 'number')
        throw new DataError({
          where: `data.array()${path}`,
          problem: 'this is no number',
          received: Array.isArray(level) ? 'an array' : typeof level,
        })
      numbers[at++] = Number(level)
    } else {
      if (!Array.isArray(level) || level.length !== shape[depth]) {
        throw new ShapeError({
          where: `data.array()${path}`,
          problem: 'the nested arrays are ragged',
          expected: `an array of ${shape[depth]} as in the first one`,
          received: Array.isArray(level) ? `an array of ${level.length}` : typeof level,
          hint: 'make every row an element of its own, and use paddedBatch',
        })
      }
      level.forEach((item, i) => walk(item as NestedArray, depth + 1, `${path}[${i}]`))
    }
  }
  walk(input, 0, '')
  return stored(numbers, shape, dtype ?? (total > 0 && booleans === total ? 'bool' : 'float32'))
}

/** Numbers (not storage) as an array. */
function stored(numbers: ArrayLike<number>, shape: Shape, dtype: DType): HostArray {
  if (!isHalf(dtype) && numbers instanceof DTYPES[dtype].array) return new HostArray(numbers as TypedArray, shape, dtype)
  const data = allocate(dtype, numbers.length)
  for (let i = 0; i < numbers.length; i++) writeElement(dtype, data, i, numbers[i] as number)
  return new HostArray(data, shape, dtype)
}

/** Whether nested arrays are numbers (or booleans) all through, and of one shape: a tensor written down. */
export function isRectangular(value: unknown): value is NestedArray {
  const shape: number[] = []
  let first: unknown = value
  for (; Array.isArray(first); first = first[0]) shape.push(first.length)
  if (typeof first !== 'number' && typeof first !== 'boolean') return false
  const fits = (level: unknown, depth: number): boolean =>
    depth === shape.length
      ? typeof level === 'number' || typeof level === 'boolean'
      : Array.isArray(level) && level.length === shape[depth] && level.every((item) => fits(item, depth + 1))
  return fits(value, 0)
}
