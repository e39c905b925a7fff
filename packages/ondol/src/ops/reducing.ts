/** What reductions share: axes, dtypes, and the constructors of their ops. */
import type { DType } from '../core/dtype.js'
import { ShapeError } from '../core/errors.js'
import { normalizeAxes, normalizeAxis, type Shape } from '../core/shape.js'
import { lax, type Tensor } from '../engine/index.js'
import { asTensor, defineOp, type Op } from './define.js'

/** One axis, several, or all (`null`). */
export type Axes = number | readonly number[] | null

export interface ReduceOptions {
  axis?: Axes
  keepdims?: boolean
}

/** Puts reduced axes back as size 1. */
export function keepAxes(x: Tensor, shape: Shape, axes: readonly number[]): Tensor {
  return lax.reshape(
    x,
    shape.map((size, axis) => (axes.includes(axis) ? 1 : size)),
  )
}

/** bool and uint8 add up as int32. */
export const widen = (x: Tensor): Tensor => (x.dtype === 'bool' || x.dtype === 'uint8' ? lax.cast(x, 'int32') : x)
/** How many elements there are over `axes`. */
export const countOf = (x: Tensor, axes: readonly number[]): number => axes.reduce((n, axis) => n * (x.shape[axis] as number), 1)
export function requireElements(x: Tensor, axes: readonly number[], where: string): void {
  if (countOf(x, axes) === 0) throw new ShapeError({ where, problem: 'there is nothing to reduce', received: x.toString() })
}

/** An op that reduces one tensor over axes. */
export const reduction = (
  name: string,
  call: (x: Tensor, axes: number[]) => Tensor,
  prepare: (x: Tensor) => Tensor = (x) => x,
  module: 'numpy' | 'math' = 'numpy',
): Op<[Tensor], ReduceOptions, Tensor> => reductionWith<ReduceOptions>(name, [], call, prepare, module)

/** As `reduction`, with parameters after `axis` and `keepdims`. */
export const reductionWith = <P extends ReduceOptions>(
  name: string,
  more: readonly (keyof P & string)[],
  call: (x: Tensor, axes: number[], parameters: P) => Tensor,
  prepare: (x: Tensor, parameters: P) => Tensor = (x) => x,
  module: 'numpy' | 'math' = 'numpy',
): Op<[Tensor], P, Tensor> =>
  defineOp<[Tensor], P, Tensor>({
    name,
    module,
    tensors: 1,
    parameters: ['axis', 'keepdims', ...more],
    call: ([input], parameters) => {
      const x = prepare(asTensor(input), parameters)
      const axes = normalizeAxes(parameters.axis, x.rank, name)
      const result = call(x, axes, parameters)
      return parameters.keepdims ? keepAxes(result, x.shape, axes) : result
    },
  })

export interface IndexOptions {
  axis?: number | null
  keepdims?: boolean
}

/** An op that finds the index of one element along an axis, or in the flat tensor. */
export const indexOf = (name: string, call: (x: Tensor, axis: number) => Tensor): Op<[Tensor], IndexOptions, Tensor> =>
  defineOp<[Tensor], IndexOptions, Tensor>({
    name,
    module: 'numpy',
    tensors: 1,
    parameters: ['axis', 'keepdims'],
    call: ([input], { axis, keepdims = false }) => {
      const given = asTensor(input)
      const isFlat = axis === undefined || axis === null
      const x = isFlat ? lax.reshape(given, [given.size]) : given
      const along = isFlat ? 0 : normalizeAxis(axis, given.rank, name)
      if (x.shape[along] === 0) throw new ShapeError({ where: name, problem: 'there is nothing to compare', received: given.toString() })
      const result = call(x, along)
      if (!keepdims) return result
      return lax.reshape(
        result,
        given.shape.map((size, at) => (isFlat || at === along ? 1 : size)),
      )
    },
  })

export interface CumulativeOptions {
  axis?: number | null
  dtype?: DType | null
}

/** An op that runs along an axis, or along the flat tensor. */
export const cumulative = (
  name: string,
  call: (x: Tensor, axis: number) => Tensor,
  prepare: (x: Tensor) => Tensor = (x) => x,
): Op<[Tensor], CumulativeOptions, Tensor> =>
  defineOp<[Tensor], CumulativeOptions, Tensor>({
    name,
    module: 'numpy',
    tensors: 1,
    parameters: ['axis', 'dtype'],
    call: ([input], { axis, dtype }) => {
      const given = prepare(asTensor(input))
      const x = dtype === undefined || dtype === null ? widen(given) : lax.cast(given, dtype)
      if (axis === undefined || axis === null) return call(lax.reshape(x, [x.size]), 0)
      return call(x, normalizeAxis(axis, x.rank, name))
    },
  })
