/** The kinds of ops of `keras.ops.numpy`, as constructors: what they have in common is how they treat dtypes and shapes. */

import { type DType, isFloat } from '../core/dtype.js'
import { DTypeError, TracingError } from '../core/errors.js'
import { lax, type Tensor } from '../engine/index.js'
import { asTensor, defineOp, type Op, type OpDefinition, type TensorLike } from './define.js'
import { toDType, toFloat, together } from './promotion.js'

/** No parameters. */
export type None = Record<never, never>
export type Unary = Op<[Tensor], None, Tensor>
export type Binary = Op<[Tensor, Tensor], None, Tensor>
type Module = OpDefinition<[], None, Tensor>['module']

/** One tensor, taken as it comes. */
export const unary = (name: string, call: (x: Tensor) => Tensor, module: Module = 'numpy'): Unary =>
  defineOp<[Tensor], None, Tensor>({ name, module, tensors: 1, parameters: [], call: ([x]) => call(x) })
/** Functions that make floats of integers. */
export const floating = (name: string, call: (x: Tensor) => Tensor, module: Module = 'numpy'): Unary =>
  unary(name, (x) => call(toFloat(x)), module)
/** Functions of several steps on floats: half floats are computed in float32 and rounded once. */
export const precise = (name: string, call: (x: Tensor) => Tensor): Unary => floating(name, (x) => inFloat32([x], call))
/** Functions that keep the dtype. */
export const keeping = (name: string, call: (x: Tensor) => Tensor): Unary => unary(name, (x) => call(asTensor(x)))

/** Two tensors, brought to one dtype (at least `minimum`) and one shape. */
export const binary = (name: string, call: (x: Tensor, y: Tensor) => Tensor, minimum?: 'int' | 'float'): Binary =>
  defineOp<[Tensor, Tensor], None, Tensor>({
    name,
    module: 'numpy',
    tensors: 2,
    parameters: [],
    call: (operands) => {
      const [x, y] = together(operands, name, minimum) as [Tensor, Tensor]
      return call(x, y)
    },
  })
/** As `precise`, for two operands. */
export const preciseBinary = (name: string, call: (x: Tensor, y: Tensor) => Tensor): Binary =>
  binary(name, (x, y) => inFloat32([x, y], call), 'float')
/** Truth of two tensors. */
export const logical = (name: string, call: (x: Tensor, y: Tensor) => Tensor): Binary =>
  defineOp<[Tensor, Tensor], None, Tensor>({
    name,
    module: 'numpy',
    tensors: 2,
    parameters: [],
    call: (operands) => {
      const [x, y] = together(operands.map(toBool), name) as [Tensor, Tensor]
      return call(x, y)
    },
  })
/** Two tensors of integers or booleans. */
export const integral = (name: string, call: (x: Tensor, y: Tensor) => Tensor): Binary =>
  binary(name, (x, y) => {
    requireIntegers(x, name)
    return call(x, y)
  })

/** One tensor and parameters. */
export const onTensor = <P extends object>(
  name: string,
  parameters: readonly (keyof P & string)[],
  call: (x: Tensor, parameters: P) => Tensor,
): Op<[Tensor], P, Tensor> =>
  defineOp<[Tensor], P, Tensor>({ name, module: 'numpy', tensors: 1, parameters, call: ([x], given) => call(asTensor(x), given) })

/** Ops that take no tensor: sizes, numbers and a dtype, by position or in a trailing record. */
export const creation = <A extends readonly unknown[], P extends object>(
  name: string,
  parameters: readonly (keyof P & string)[],
  call: (parameters: P) => Tensor,
): ((...args: A) => Tensor) =>
  defineOp<[], P, Tensor>({ name, module: 'numpy', tensors: 0, parameters, call: (_, given) => call(given) }) as unknown as (
    ...args: A
  ) => Tensor

export const toBool = (value: TensorLike): Tensor => toDType(value, 'bool')

export const isHalf = (dtype: DType): boolean => dtype === 'float16' || dtype === 'bfloat16'

/** Half floats are computed with in float32. */
export function inFloat32<T extends readonly Tensor[]>(inputs: readonly [...T], call: (...inputs: T) => Tensor): Tensor {
  const { dtype } = inputs[0] as Tensor
  if (!isHalf(dtype)) return call(...inputs)
  return lax.cast(call(...(inputs.map((x) => lax.cast(x, 'float32')) as unknown as T)), dtype)
}

export function requireIntegers(x: Tensor, where: string): void {
  if (isFloat(x.dtype))
    throw new DTypeError({ where, problem: 'floats cannot be taken as integers', expected: 'int32, uint8 or bool', received: x.dtype })
}

/**
 * The numbers of a tensor, where the shape of a result depends on them.
 *
 * @throws TracingError while a function is traced, with `hint`.
 */
export function valuesOf(x: Tensor, where: string, hint = 'compute it outside of the compiled function or the model'): readonly number[] {
  if (x.isTraced) {
    throw new TracingError({
      where,
      problem: 'the shape of the result depends on values, which are not known while a function is traced',
      received: x.toString(),
      hint,
    })
  }
  return Array.from(x.dataSync() as ArrayLike<number>)
}

/** A list of int32. */
export const integers = (values: readonly number[]): Tensor => lax.constant(Int32Array.from(values), [values.length], 'int32')
/** A tensor with `shape` where `axis` of `x` is `size`. */
export const resized = (x: Tensor, axis: number, size: number): number[] => x.shape.map((n, i) => (i === axis ? size : n))

/** The elements from `start` to `end` along one axis. */
export const part = (x: Tensor, axis: number, start: number, end: number): Tensor =>
  lax.slice(
    x,
    x.shape.map((_, i) => (i === axis ? start : 0)),
    resized(x, axis, Math.max(end - start, 0)),
  )
