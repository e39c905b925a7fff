/**
 * Ops as methods of tensors, symbolic ones too: `x.add(y).relu().mean(-1)`. Each is the op of `keras.ops` with the tensor as
 * its first argument. The package's index installs them, so that the engine need not know of ops.
 *
 * @example
 * const y = x.matmul(kernel).add(bias).relu()
 */
import type { DType } from '../core/dtype.js'
import { Tensor } from '../engine/index.js'
import { relu, sigmoid, softmax } from './activations.js'
import type { AnyTensor, TensorLike } from './define.js'
import * as elementwise from './elementwise.js'
import { getItem, type Key } from './get-item.js'
import { take } from './indexing.js'
import { dot, matmul } from './linear.js'
import { KerasTensor } from './operation.js'
import { all, any, argmax, argmin, cumsum, max, mean, min, prod, std, sum, variance } from './reduce.js'
import type { Axes, ReduceOptions } from './reducing.js'
import { broadcastTo, expandDims, flip, ravel, repeat, reshape, squeeze, swapaxes, tile, transpose } from './shape.js'
import { slice } from './slicing.js'

const { add, subtract, multiply, divide, power, mod, maximum, minimum, logicalAnd, logicalOr } = elementwise
const { equal, notEqual, less, lessEqual, greater, greaterEqual, clip, cast } = elementwise
const { absolute, negative, sign, square, sqrt, exp, log, sin, cos, tanh, round, floor, ceil, logicalNot } = elementwise

// The names are written out: types that were found by the tables would depend on the tensors they describe.
// biome-ignore format: rows of related names
type Binary =
  | 'add' | 'sub' | 'mul' | 'div' | 'pow' | 'mod' | 'maximum' | 'minimum' | 'matmul' | 'dot' | 'logicalAnd' | 'logicalOr'
  | 'equal' | 'notEqual' | 'less' | 'lessEqual' | 'greater' | 'greaterEqual'
// biome-ignore format: rows of related names
type Unary =
  | 'abs' | 'neg' | 'sign' | 'square' | 'sqrt' | 'exp' | 'log' | 'sin' | 'cos' | 'tanh' | 'round' | 'floor' | 'ceil' | 'logicalNot'
  | 'relu' | 'sigmoid' | 'flatten'
type Reducing = 'sum' | 'mean' | 'prod' | 'max' | 'min' | 'std' | 'var' | 'any' | 'all'
type Indexing = 'argmax' | 'argmin' | 'cumsum'
type AnyOp = (...args: never[]) => unknown

// biome-ignore format: rows of related methods
const METHODS: Record<Binary | Unary | Reducing | Indexing | keyof Others<unknown, unknown>, AnyOp> = {
  add, sub: subtract, mul: multiply, div: divide, pow: power, mod, maximum, minimum, matmul, dot, logicalAnd, logicalOr,
  equal, notEqual, less, lessEqual, greater, greaterEqual,
  abs: absolute, neg: negative, sign, square, sqrt, exp, log, sin, cos, tanh, round, floor, ceil, logicalNot,
  relu, sigmoid, flatten: ravel,
  sum, mean, prod, max, min, std, var: variance, any, all, argmax, argmin, cumsum,
  reshape, transpose, squeeze, expandDims, swapaxes, broadcastTo, flip, repeat, tile, slice, at: getItem, take, clip, cast, softmax,
}

/** Methods with parameters of their own, of tensors `T` that take tensors `A`. */
interface Others<T, A> {
  /** Sizes; one -1 is worked out. */
  reshape(shape: readonly number[]): T
  transpose(axes?: readonly number[]): T
  squeeze(axis?: number | readonly number[] | null): T
  expandDims(axis: number | readonly number[]): T
  swapaxes(axis1: number, axis2: number): T
  broadcastTo(shape: readonly number[]): T
  flip(axis?: number | readonly number[] | null): T
  repeat(repeats: number | readonly number[], axis?: number | null): T
  tile(repeats: number | readonly number[]): T
  /** The window of `shape` from `start` on. */
  slice(start: readonly number[], shape: readonly number[]): T
  /** `ops.getItem`: `x.at(0)`, `x.at('1:3, ..., -1')`. */
  at(key: Key): T
  take(indices: A, axis?: number | null): T
  clip(min: number | A, max: number | A): T
  cast(dtype: DType): T
  softmax(axis?: number | readonly number[]): T
}

/** What importing this file adds to tensors. */
export type TensorMethods<T, A> = Others<T, A> &
  Record<Binary, (other: A) => T> &
  Record<Unary, () => T> &
  Record<Reducing, (axis?: Axes | ReduceOptions, keepdims?: boolean) => T> &
  Record<Indexing, (axis?: number | null) => T>

declare module '../engine/tensor.js' {
  interface Tensor extends TensorMethods<Tensor, TensorLike> {}
}
declare module './operation.js' {
  interface KerasTensor extends TensorMethods<KerasTensor, AnyTensor | TensorLike> {}
}

for (const [name, op] of Object.entries(METHODS)) {
  const value = function (this: AnyTensor, ...args: unknown[]): unknown {
    return (op as (...all: unknown[]) => unknown)(this, ...args)
  }
  for (const { prototype } of [Tensor, KerasTensor]) Object.defineProperty(prototype, name, { value, configurable: true, writable: true })
}
