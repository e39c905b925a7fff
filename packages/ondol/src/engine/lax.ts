/**
 * The primitives as functions on tensors: exact shapes and dtypes, no broadcasting, no promotion.
 * Gradients are written with these, and `ops/` builds the user's functions from them.
 */
import type { DType, TypedArray } from '../core/dtype.js'
import { type Shape, sameShape } from '../core/shape.js'
import { bind } from './bind.js'
import {
  type BinaryName,
  type ConvSpec,
  type DotSpec,
  FLOAT_UNARY,
  NUMBER_UNARY,
  type PoolSpec,
  type PrimitiveAttributes,
  type PrimitiveName,
  type ReduceName,
  type UnaryName,
} from './primitives.js'
import type { Tensor } from './tensor.js'

const one = <P extends PrimitiveName>(primitive: P, attributes: PrimitiveAttributes[P], ...inputs: Tensor[]): Tensor =>
  bind(primitive, attributes, inputs)[0] as Tensor

const unaryOf =
  (name: UnaryName) =>
  (x: Tensor): Tensor =>
    one(name, {}, x)
const binaryOf =
  (name: BinaryName) =>
  (x: Tensor, y: Tensor): Tensor =>
    one(name, {}, x, y)

export const unary = Object.fromEntries([...FLOAT_UNARY, ...NUMBER_UNARY].map((name) => [name, unaryOf(name)])) as {
  readonly [N in (typeof FLOAT_UNARY)[number] | (typeof NUMBER_UNARY)[number]]: (x: Tensor) => Tensor
}

export const { neg, abs, sign, exp, log, log1p, sqrt, rsqrt, sin, cos, tanh, sigmoid, erf, digamma } = unary
export const logicalNot = unaryOf('logicalNot')
export const bitwiseNot = unaryOf('bitwiseNot')

export const add = binaryOf('add')
export const sub = binaryOf('sub')
export const mul = binaryOf('mul')
export const div = binaryOf('div')
export const pow = binaryOf('pow')
export const max = binaryOf('max')
export const min = binaryOf('min')
export const floorDiv = binaryOf('floorDiv')
export const mod = binaryOf('mod')
export const atan2 = binaryOf('atan2')
export const eq = binaryOf('eq')
export const ne = binaryOf('ne')
export const lt = binaryOf('lt')
export const le = binaryOf('le')
export const gt = binaryOf('gt')
export const ge = binaryOf('ge')
export const logicalAnd = binaryOf('logicalAnd')
export const logicalOr = binaryOf('logicalOr')
export const logicalXor = binaryOf('logicalXor')
export const bitwiseAnd = binaryOf('bitwiseAnd')
export const bitwiseOr = binaryOf('bitwiseOr')
export const bitwiseXor = binaryOf('bitwiseXor')
export const shiftLeft = binaryOf('shiftLeft')
export const shiftRight = binaryOf('shiftRight')
export const shiftRightLogical = binaryOf('shiftRightLogical')

export const select = (condition: Tensor, whenTrue: Tensor, whenFalse: Tensor): Tensor => one('select', {}, condition, whenTrue, whenFalse)
export const cast = (x: Tensor, dtype: DType): Tensor => (x.dtype === dtype ? x : one('cast', { dtype }, x))
export const randomBits = (key: Tensor, shape: Shape): Tensor => one('randomBits', { shape }, key)

export const full = (shape: Shape, dtype: DType, value: number): Tensor => one('full', { shape, dtype, value })
export const constant = (storage: TypedArray, shape: Shape, dtype: DType): Tensor => one('constant', { shape, dtype, storage })
export const iota = (shape: Shape, dtype: DType, axis: number): Tensor => one('iota', { shape, dtype, axis })
export const fullLike = (x: Tensor, value: number): Tensor => full(x.shape, x.dtype, value)
export const zerosLike = (x: Tensor): Tensor => fullLike(x, 0)

/** The nearest same-shaped operation with a number: `scalar(x, 'mul', 2)`. */
export const withNumber = (x: Tensor, operation: (x: Tensor, y: Tensor) => Tensor, value: number): Tensor =>
  operation(x, fullLike(x, value))

export const reshape = (x: Tensor, shape: Shape): Tensor => (sameShape(x.shape, shape) ? x : one('reshape', { shape }, x))
export const transpose = (x: Tensor, permutation: readonly number[]): Tensor =>
  permutation.every((axis, i) => axis === i) ? x : one('transpose', { permutation }, x)
export const broadcast = (x: Tensor, shape: Shape, axes: readonly number[]): Tensor =>
  sameShape(x.shape, shape) ? x : one('broadcast', { shape, axes }, x)
/** Broadcasts as NumPy does: axes line up from the last. */
export const broadcastTo = (x: Tensor, shape: Shape): Tensor =>
  broadcast(
    x,
    shape,
    x.shape.map((_, axis) => axis + shape.length - x.shape.length),
  )
export const slice = (x: Tensor, start: readonly number[], size: readonly number[], step: readonly number[] = size.map(() => 1)): Tensor =>
  sameShape(x.shape, size) && step.every((s, axis) => s === 1 || (size[axis] as number) === 0) ? x : one('slice', { start, size, step }, x)
export const flip = (x: Tensor, axes: readonly number[]): Tensor => {
  const step = x.shape.map((_, axis) => (axes.includes(axis) ? -1 : 1))
  return one('slice', { start: x.shape.map((size, axis) => (axes.includes(axis) ? Math.max(size - 1, 0) : 0)), size: x.shape, step }, x)
}
export const pad = (
  x: Tensor,
  value: Tensor,
  low: readonly number[],
  high: readonly number[],
  interior: readonly number[] = low.map(() => 0),
): Tensor => ([...low, ...high, ...interior].every((n) => n === 0) ? x : one('pad', { low, high, interior }, x, value))
export const concat = (inputs: readonly Tensor[], axis: number): Tensor =>
  inputs.length === 1 ? (inputs[0] as Tensor) : one('concat', { axis }, ...inputs)

const reduceOf =
  (name: ReduceName) =>
  (x: Tensor, axes: readonly number[]): Tensor =>
    axes.length === 0 ? x : one(name, { axes }, x)
export const reduceSum = reduceOf('reduceSum')
export const reduceProd = reduceOf('reduceProd')
export const reduceMax = reduceOf('reduceMax')
export const reduceMin = reduceOf('reduceMin')
export const argMax = (x: Tensor, axis: number): Tensor => one('argMax', { axis }, x)
export const argMin = (x: Tensor, axis: number): Tensor => one('argMin', { axis }, x)
export const cumSum = (x: Tensor, axis: number, reverse = false): Tensor => one('cumSum', { axis, reverse }, x)
export const cumProd = (x: Tensor, axis: number, reverse = false): Tensor => one('cumProd', { axis, reverse }, x)
export const cumMax = (x: Tensor, axis: number, reverse = false): Tensor => one('cumMax', { axis, reverse }, x)
export const moments = (x: Tensor, axes: readonly number[]): [mean: Tensor, variance: Tensor] =>
  bind('moments', { axes }, [x]) as [Tensor, Tensor]

export const gather = (x: Tensor, indices: Tensor, axis: number): Tensor => one('gather', { axis }, x, indices)
export const scatterAdd = (x: Tensor, indices: Tensor, updates: Tensor, axis: number): Tensor =>
  one('scatterAdd', { axis }, x, indices, updates)
export const scatterSet = (x: Tensor, indices: Tensor, updates: Tensor, axis: number): Tensor =>
  one('scatterSet', { axis }, x, indices, updates)
export const sort = (x: Tensor, axis: number, descending = false): [sorted: Tensor, positions: Tensor] =>
  bind('sort', { axis, descending }, [x]) as [Tensor, Tensor]

export const dot = (a: Tensor, b: Tensor, spec: DotSpec): Tensor => one('dot', spec, a, b)
export const conv = (x: Tensor, kernel: Tensor, spec: ConvSpec): Tensor => one('conv', spec, x, kernel)
export const convInputGrad = (dy: Tensor, kernel: Tensor, spec: ConvSpec, inputShape: Shape): Tensor =>
  one('convInputGrad', { ...spec, inputShape }, dy, kernel)
export const convKernelGrad = (x: Tensor, dy: Tensor, spec: ConvSpec, kernelShape: Shape): Tensor =>
  one('convKernelGrad', { ...spec, kernelShape }, x, dy)
export const maxPool = (x: Tensor, spec: PoolSpec): [y: Tensor, positions: Tensor] => bind('maxPool', spec, [x]) as [Tensor, Tensor]
export const maxPoolGrad = (dy: Tensor, positions: Tensor, spec: PoolSpec, inputShape: Shape): Tensor =>
  one('maxPoolGrad', { ...spec, inputShape }, dy, positions)
export const maxPoolGather = (x: Tensor, positions: Tensor, spec: PoolSpec): Tensor => one('maxPoolGather', spec, x, positions)
export const avgPool = (x: Tensor, spec: PoolSpec): Tensor => one('avgPool', spec, x)
export const avgPoolGrad = (dy: Tensor, spec: PoolSpec, inputShape: Shape): Tensor => one('avgPoolGrad', { ...spec, inputShape }, dy)
