/** Shapes, strides and axes: arithmetic on plain number lists. */
import { ShapeError } from './errors.js'

/** Sizes of a tensor's axes, outermost first; `[]` is a scalar. */
export type Shape = readonly number[]

/** A shape in which `null` stands for a size known only when data arrives. */
export type PartialShape = readonly (number | null)[]

export const sizeOf = (shape: Shape): number => shape.reduce((product, size) => product * size, 1)

export const sameShape = (a: PartialShape, b: PartialShape): boolean => a.length === b.length && a.every((size, axis) => size === b[axis])

/** Strides, in elements, of a dense row-major tensor. */
export function rowMajorStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length)
  let step = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step
    step *= shape[axis] as number
  }
  return strides
}

/** `(2, None, 3)`, as Keras prints shapes. */
export function formatShape(shape: PartialShape): string {
  const sizes = shape.map((size) => size ?? 'None')
  return sizes.length === 1 ? `(${sizes[0]},)` : `(${sizes.join(', ')})`
}

/** Turns a possibly negative axis into `0..rank-1`. */
export function normalizeAxis(axis: number, rank: number, where: string): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    throw new ShapeError({
      where,
      problem: `axis ${axis} does not exist`,
      expected: rank === 0 ? 'a tensor with at least one axis' : `an integer from ${-rank} to ${rank - 1}`,
      received: `axis=${axis} for a tensor of rank ${rank}`,
    })
  }
  return axis < 0 ? axis + rank : axis
}

/** Normalised, sorted, distinct axes; `null`/`undefined` means all of them. */
export function normalizeAxes(axes: number | readonly number[] | null | undefined, rank: number, where: string): number[] {
  if (axes === null || axes === undefined) return Array.from({ length: rank }, (_, axis) => axis)
  const list = (typeof axes === 'number' ? [axes] : [...axes]).map((axis) => normalizeAxis(axis, rank, where))
  if (new Set(list).size !== list.length) {
    throw new ShapeError({ where, problem: 'an axis is named twice', expected: 'distinct axes', received: `axes [${list.join(', ')}]` })
  }
  return list.sort((a, b) => a - b)
}

/** The shape both operands broadcast to (NumPy's rule), or an error that shows both. */
export function broadcastShapes(a: Shape, b: Shape, where: string): number[] {
  const rank = Math.max(a.length, b.length)
  const result = new Array<number>(rank)
  for (let axis = 0; axis < rank; axis++) {
    const left = a[axis - rank + a.length] ?? 1
    const right = b[axis - rank + b.length] ?? 1
    if (left !== right && left !== 1 && right !== 1) {
      throw new ShapeError({
        where,
        problem: `shapes ${formatShape(a)} and ${formatShape(b)} cannot be broadcast together`,
        expected: 'sizes that are equal or 1, compared from the last axis',
        received: `${left} against ${right} on axis ${axis - rank}`,
      })
    }
    result[axis] = left === 1 ? right : left
  }
  return result
}
