/** Norms of vectors and matrices. Follows `keras.ops.norm`. */
import { ValueError } from '../../core/errors.js'
import { normalizeAxis } from '../../core/shape.js'
import { lax, type Tensor } from '../../engine/index.js'
import { defineOp } from '../define.js'
import { toFloat } from '../promotion.js'
import { keepAxes } from '../reducing.js'
import { svdStack } from './svd.js'

export interface NormOptions {
  /** A number, `'fro'`, `'nuc'`, or nothing: the root of the sum of squares. */
  ord?: number | 'fro' | 'nuc' | null
  /** One axis for vectors, two for matrices; nothing: all of x. */
  axis?: number | readonly [number, number] | readonly number[] | null
  keepdims?: boolean
}

const refuse = (ord: unknown, what: string): never => {
  throw new ValueError({ where: 'norm', problem: `there is no such norm of ${what}`, received: `ord=${String(ord)}` })
}

function vectorNorm(x: Tensor, axes: readonly number[], ord: NormOptions['ord']): Tensor {
  const sizes = (): Tensor => lax.abs(x)
  if (ord === null || ord === undefined || ord === 2) return lax.sqrt(lax.reduceSum(lax.mul(x, x), axes))
  if (typeof ord === 'string') return refuse(ord, 'vectors')
  if (ord === Number.POSITIVE_INFINITY) return lax.reduceMax(sizes(), axes)
  if (ord === Number.NEGATIVE_INFINITY) return lax.reduceMin(sizes(), axes)
  if (ord === 0) return lax.reduceSum(lax.cast(lax.ne(x, lax.zerosLike(x)), x.dtype), axes)
  if (ord === 1) return lax.reduceSum(sizes(), axes)
  const power = (y: Tensor, exponent: number): Tensor => lax.pow(y, lax.full(y.shape, y.dtype, exponent))
  return power(lax.reduceSum(power(sizes(), ord), axes), 1 / ord)
}

function matrixNorm(x: Tensor, row: number, column: number, ord: NormOptions['ord']): Tensor {
  // The axis that is reduced first is gone when the second is.
  const sums = (axis: number, other: number, last: (y: Tensor, axes: readonly number[]) => Tensor): Tensor =>
    last(lax.reduceSum(lax.abs(x), [axis]), [other > axis ? other - 1 : other])
  switch (ord) {
    case null:
    case undefined:
    case 'fro':
      return lax.sqrt(lax.reduceSum(lax.mul(x, x), [row, column]))
    case 1:
      return sums(row, column, lax.reduceMax)
    case -1:
      return sums(row, column, lax.reduceMin)
    case Number.POSITIVE_INFINITY:
      return sums(column, row, lax.reduceMax)
    case Number.NEGATIVE_INFINITY:
      return sums(column, row, lax.reduceMin)
    case 'nuc':
      return lax.reduceSum(singularValues(x, row, column), [x.rank - 2])
    case 2:
      return lax.reduceMax(singularValues(x, row, column), [x.rank - 2])
    case -2:
      return lax.reduceMin(singularValues(x, row, column), [x.rank - 2])
    default:
      return refuse(ord, 'matrices')
  }
}

function singularValues(x: Tensor, row: number, column: number): Tensor {
  const others = x.shape.map((_, axis) => axis).filter((axis) => axis !== row && axis !== column)
  const last = lax.transpose(x, [...others, row, column])
  const batch = last.shape.slice(0, -2)
  const s = svdStack(lax.reshape(last, [batch.reduce((a, b) => a * b, 1), ...last.shape.slice(-2)]))[1] as Tensor
  return lax.reshape(s, [...batch, s.shape[1] as number])
}

/** The norm of vectors (one axis) or matrices (two axes) in x, or of all of x. */
export const norm = defineOp<[Tensor], NormOptions, Tensor>({
  name: 'Norm',
  module: 'linalg',
  tensors: 1,
  parameters: ['ord', 'axis', 'keepdims'],
  call: ([input], { ord = null, axis = null, keepdims = false }) => {
    const x = toFloat(input)
    const given = axis === null ? x.shape.map((_, at) => at) : [axis].flat()
    const axes = given.map((one) => normalizeAxis(one as number, x.rank, 'norm'))
    if (axis === null && ord !== null && axes.length > 2) return refuse(ord, 'tensors of more than two axes')
    if (axis !== null && axes.length > 2)
      throw new ValueError({ where: 'norm', problem: 'too many axes', expected: 'one or two', received: String(axis) })
    const isMatrix = axes.length === 2 && (axis !== null || ord !== null)
    const result = isMatrix ? matrixNorm(x, axes[0] as number, axes[1] as number, ord) : vectorNorm(x, axes, ord)
    return keepdims ? keepAxes(result, x.shape, axes) : result
  },
})
