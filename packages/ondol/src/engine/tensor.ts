/// <reference lib="esnext.disposable" preserve="true" />
/**
 * Tensors: immutable n-dimensional arrays. A tensor is either *concrete* (it holds memory on a
 * backend) or *traced* (it stands for a value of the graph being recorded).
 *
 * Nobody has to free a tensor to be correct: unreachable ones are collected. `using`, `dispose`
 * and `tidy` give memory back at once.
 */
import { allocate, DTYPES, type DType, fromFloat16Bits, isFloat, type TypedArray, writeElement } from '../core/dtype.js'
import { DisposedError, DTypeError, ShapeError, TracingError, ValueError } from '../core/errors.js'
import { formatShape, type Shape, sizeOf } from '../core/shape.js'
import { Buffer } from './buffer.js'
import type { Abstract, Value } from './graph.js'

// Browsers without explicit resource management still get a well-known symbol.
;(Symbol as { dispose?: symbol }).dispose ??= Symbol.for('Symbol.dispose')

/** Numbers as people write them: a number, or arrays of arrays of one shape. */
export type NestedArray = number | boolean | readonly NestedArray[]
/** What `tensor` takes as data. */
export type TensorData =
  | NestedArray
  | TypedArray
  | Int8Array
  | Int16Array
  | Uint32Array
  | Uint8ClampedArray
  | BigInt64Array
  | BigUint64Array

/** What a traced tensor belongs to; see trace.ts. */
export interface TraceOwner {
  readonly isOpen: boolean
}

const registry = new FinalizationRegistry<Buffer>((buffer) => {
  live.count--
  buffer.release()
})
/** Concrete tensors alive. */
export const live = { count: 0 }

type Source = { readonly buffer: Buffer } | { readonly value: Value; readonly trace: TraceOwner }

export class Tensor {
  readonly shape: Shape
  readonly dtype: DType
  #source: Source | undefined
  /** Held by a Variable: `dispose` leaves it alone. */
  #pinned = false

  /** Engine only: use `tensor(...)`. Takes over one hold on the buffer. */
  constructor({ shape, dtype }: Abstract, source: Source) {
    this.shape = shape
    this.dtype = dtype
    this.#source = source
    if ('buffer' in source) {
      live.count++
      registry.register(this, source.buffer, this)
      for (const scope of tidyScopes) scope.add(this)
    }
  }

  get size(): number {
    return sizeOf(this.shape)
  }

  get rank(): number {
    return this.shape.length
  }

  get isDisposed(): boolean {
    return this.#source === undefined
  }

  /** Stands for a value of a graph being traced, so has no numbers yet. */
  get isTraced(): boolean {
    return this.#source !== undefined && 'value' in this.#source
  }

  /**
   * The elements in row-major order, read without blocking. bfloat16 and float16 come as float32, bool as 0 and 1.
   *
   * @throws TracingError while a function is being traced.
   * @example
   * await tensor([[1, 2], [3, 4]]).data() // Float32Array [1, 2, 3, 4]
   */
  async data(): Promise<TypedArray> {
    return decode(this.dtype, await this.buffer('data()').read(this.dtype, this.size))
  }

  /** As `data()`, but blocks until the backend has computed the values. */
  dataSync(): TypedArray {
    return decode(this.dtype, this.buffer('dataSync()').readSync(this.dtype, this.size))
  }

  /** The elements as nested arrays of numbers (booleans for bool); a scalar gives one number. */
  async array(): Promise<NestedArray> {
    return nest(await this.data(), this.shape, this.dtype)
  }

  arraySync(): NestedArray {
    return nest(this.dataSync(), this.shape, this.dtype)
  }

  /** The number in a tensor of one element. */
  async item(): Promise<number> {
    if (this.size !== 1) {
      throw new ShapeError({
        where: 'item()',
        problem: 'only a tensor of one element has one value',
        received: `shape ${formatShape(this.shape)}`,
      })
    }
    return (await this.data())[0] as number
  }

  /** Gives the memory back now. Does nothing the second time, nor to a Variable's value. */
  dispose(): void {
    if (this.#pinned) return
    const source = this.#source
    this.#source = undefined
    if (source !== undefined && 'buffer' in source) {
      registry.unregister(this)
      live.count--
      source.buffer.release()
    }
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  toString(): string {
    const state = this.isDisposed ? ', disposed' : this.isTraced ? ', traced' : ''
    return `Tensor(shape=${formatShape(this.shape)}, dtype=${this.dtype}${state})`
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }

  /** A tensor is no number: comparisons and conditions on it would always be wrong. */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === 'string') return this.toString()
    throw new TracingError({
      problem: 'a tensor cannot be used as a JavaScript number or condition',
      received: this.toString(),
      hint: 'use ops.add, ops.less, ops.where, … on tensors, or read the value first with await x.item()',
    })
  }

  /** Engine only: memory of a concrete tensor. */
  buffer(where: string): Buffer {
    const source = this.#source
    if (source === undefined) {
      throw new DisposedError({
        where,
        problem: 'this tensor was disposed',
        received: this.toString(),
        hint: 'keep it out of dispose(), using and tidy() while it is needed',
      })
    }
    if ('value' in source) {
      throw new TracingError({
        where,
        problem: source.trace.isOpen
          ? 'a tensor has no numbers while its function is being traced'
          : 'this tensor belongs to a trace that has ended',
        received: this.toString(),
        hint: source.trace.isOpen
          ? 'return it from the traced function and read it outside, or run eagerly (runEagerly: true); for branches on values use ops.where or ops.cond'
          : 'a traced function must return its results; do not keep its tensors in outer variables',
      })
    }
    return source.buffer
  }

  /** Engine only: the graph value of a traced tensor, or undefined. */
  traced(): { readonly value: Value; readonly trace: TraceOwner } | undefined {
    const source = this.#source
    return source !== undefined && 'value' in source ? source : undefined
  }

  /** Engine only: the same values as a tensor of its own, which no tape follows. */
  alias(): Tensor {
    const source = this.#source
    if (source !== undefined && 'value' in source) return new Tensor(this, source)
    return new Tensor(this, { buffer: this.buffer('alias').retain() })
  }

  /** Engine only: a Variable holds it (or no longer does). */
  pin(pinned: boolean): void {
    this.#pinned = pinned
  }
}

/**
 * Makes a tensor from numbers. Nested arrays give their own shape; flat data takes `shape`.
 * Without a dtype: booleans give bool, integer typed arrays int32 (uint8 for Uint8Array), the rest float32.
 *
 * @throws ShapeError when the data is ragged or does not fill `shape`; ValueError when an int64 does not fit int32.
 * @example
 * tensor([[1, 2, 3], [4, 5, 6]])                        // (2, 3) float32
 * tensor(new Uint8Array(784), [28, 28])                 // (28, 28) uint8
 * tensor([0, 1, 1], [3], 'int32')
 */
export function tensor(data: TensorData | Tensor, shape?: Shape, dtype?: DType): Tensor {
  if (data instanceof Tensor) {
    throw new ValueError({
      where: 'tensor()',
      problem: 'the data is a tensor already',
      received: data.toString(),
      hint: 'use ops.cast or ops.reshape to change it',
    })
  }
  const { storage, shape: found, dtype: natural } = collect(data)
  const type = dtype ?? natural
  const finalShape = shape ?? found
  if (!finalShape.every((size) => Number.isInteger(size) && size >= 0)) {
    throw new ShapeError({ where: 'tensor()', problem: 'sizes must be whole numbers of at least 0', received: formatShape(finalShape) })
  }
  if (sizeOf(finalShape) !== storage.length) {
    throw new ShapeError({
      where: 'tensor()',
      problem: 'the data does not fill the shape',
      expected: `${sizeOf(finalShape)} elements for shape ${formatShape(finalShape)}`,
      received: `${storage.length} elements`,
    })
  }
  return new Tensor({ shape: [...finalShape], dtype: type }, { buffer: Buffer.from(encode(type, natural, storage)) })
}

function collect(data: TensorData): { storage: ArrayLike<number>; shape: Shape; dtype: DType } {
  if (typeof data === 'number') return { storage: [data], shape: [], dtype: 'float32' }
  if (typeof data === 'boolean') return { storage: [Number(data)], shape: [], dtype: 'bool' }
  if (ArrayBuffer.isView(data)) return { storage: narrow(data), shape: [data.length], dtype: naturalDType(data) }
  if (!Array.isArray(data)) {
    throw new DTypeError({
      where: 'tensor()',
      problem: 'the data is not numbers',
      expected: 'a number, nested arrays of numbers or booleans, or a typed array',
      received: describe(data),
    })
  }
  const shape: number[] = []
  for (let level: unknown = data; Array.isArray(level); level = level[0]) shape.push(level.length)
  const flat: number[] = []
  let booleans = 0
  const walk = (level: unknown, depth: number, path: string): void => {
    if (depth === shape.length) {
      if (typeof level === 'boolean') booleans++
      else if (typeof level !== 'number') {
        const problem = Array.isArray(level) ? 'the nested arrays differ in depth' : 'the data is not numbers'
        throw new (Array.isArray(level) ? ShapeError : DTypeError)({
          where: `tensor()${path}`,
          problem,
          expected: 'a number',
          received: describe(level),
        })
      }
      flat.push(Number(level))
      return
    }
    if (!Array.isArray(level) || level.length !== shape[depth]) {
      throw new ShapeError({
        where: `tensor()${path}`,
        problem: 'the nested arrays are ragged',
        expected: `an array of ${shape[depth]} as in the first one`,
        received: describe(level),
        hint: 'pad rows to one length, for instance with utils.padSequences',
      })
    }
    level.forEach((item, index) => walk(item, depth + 1, `${path}[${index}]`))
  }
  walk(data, 0, '')
  return { storage: flat, shape, dtype: booleans > 0 && booleans === flat.length ? 'bool' : 'float32' }
}

const describe = (value: unknown): string => (Array.isArray(value) ? `an array of ${value.length}` : `${typeof value} ${String(value)}`)

/** int64 elements as numbers, checked against int32. */
function narrow(data: Exclude<TensorData, NestedArray>): ArrayLike<number> {
  if (!(data instanceof BigInt64Array || data instanceof BigUint64Array)) return data
  return Int32Array.from(data as Iterable<bigint>, (value, index) => {
    if (value < -2147483648n || value > 2147483647n) {
      throw new ValueError({ where: `tensor()[${index}]`, problem: 'a 64-bit integer does not fit int32', received: `${value}` })
    }
    return Number(value)
  })
}

function naturalDType(data: ArrayBufferView): DType {
  if (data instanceof Float32Array || data instanceof Float64Array) return 'float32'
  return data instanceof Uint8Array || data instanceof Uint8ClampedArray ? 'uint8' : 'int32'
}

/** Plain numbers as the storage of `dtype`. A storage that fits already is passed through. */
function encode(dtype: DType, natural: DType, values: ArrayLike<number>): TypedArray {
  if (dtype === natural && values instanceof DTYPES[dtype].array && dtype !== 'bool') return values as TypedArray
  const storage = allocate(dtype, values.length)
  for (let i = 0; i < values.length; i++) writeElement(dtype, storage, i, values[i] as number)
  return storage
}

function decode(dtype: DType, storage: TypedArray): TypedArray {
  if (dtype !== 'bfloat16' && dtype !== 'float16') return storage
  const numbers = new Float32Array(storage.length)
  if (dtype === 'bfloat16') {
    const bits = new Uint32Array(numbers.buffer)
    for (let i = 0; i < storage.length; i++) bits[i] = (storage[i] as number) << 16
  } else {
    for (let i = 0; i < storage.length; i++) numbers[i] = fromFloat16Bits(storage[i] as number)
  }
  return numbers
}

function nest(data: TypedArray, shape: Shape, dtype: DType): NestedArray {
  const asValue = (x: number): number | boolean => (dtype === 'bool' ? x !== 0 : x)
  const build = (axis: number, offset: number, step: number): NestedArray => {
    if (axis === shape.length) return asValue(data[offset] as number)
    const size = shape[axis] as number
    const inner = size === 0 ? 0 : step / size
    return Array.from({ length: size }, (_, i) => build(axis + 1, offset + i * inner, inner))
  }
  return build(0, 0, data.length)
}

const tidyScopes: Set<Tensor>[] = []

/**
 * Runs `body` and at once gives back the memory of every tensor that it made and does not return.
 * Variables are left alone. For synchronous functions only.
 *
 * @example
 * const norm = tidy(() => ops.sqrt(ops.sum(ops.square(x))))
 */
export function tidy<R>(body: () => R): R {
  const scope = new Set<Tensor>()
  tidyScopes.push(scope)
  let result: R | undefined
  let keep: Set<unknown> | undefined
  try {
    result = body()
    if (result instanceof Promise) {
      throw new ValueError({
        where: 'tidy()',
        problem: 'the function is asynchronous',
        hint: 'await first and pass a synchronous function, or use `using` declarations',
      })
    }
    keep = new Set(leavesOf(result))
    return result
  } finally {
    tidyScopes.splice(tidyScopes.indexOf(scope), 1)
    for (const made of scope) if (!keep?.has(made)) made.dispose()
  }
}

function leavesOf(value: unknown): unknown[] {
  if (value instanceof Tensor || typeof value !== 'object' || value === null) return [value]
  return Object.values(value).flatMap(leavesOf)
}

/** Elements of a float tensor differentiate; the rest does not. */
export const isDifferentiable = (x: Tensor): boolean => isFloat(x.dtype)
