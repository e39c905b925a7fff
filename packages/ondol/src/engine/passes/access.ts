/**
 * Index maps of fused loops: which element of a value a loop's point touches. Each axis of the value
 * has an index `offset + Σ coefficient·dim`. Walking from a consumer to a producer turns the
 * consumer's map into the producer's; where a reshape needs a finer loop, it asks for a dim to be split.
 */
import { rowMajorStrides, type Shape, sizeOf } from '../../core/shape.js'
import { isNode, type Node } from '../graph.js'
import type { Strided } from './strided.js'

export interface AxisIndex {
  readonly offset: number
  readonly coefficients: readonly number[]
}

export class Access {
  #key: string | undefined
  constructor(readonly axes: readonly AxisIndex[]) {}

  /** Equal for equal maps. */
  get key(): string {
    this.#key ??= this.axes.map(({ offset, coefficients }) => `${offset}:${coefficients}`).join(';')
    return this.#key
  }
}

/** Asks for loop dim `dim` to become two, the inner one of size `inner`. */
export class SplitRequest {
  constructor(
    readonly dim: number,
    readonly inner: number,
  ) {}
}

/** No index map can say this: the movement's input has to be in memory. */
export const NO_MAP = Symbol('no map')

type Mapped = Access | SplitRequest | typeof NO_MAP

const constantIndex = (dims: number): AxisIndex => ({ offset: 0, coefficients: new Array<number>(dims).fill(0) })

/** The map of a dense value of `shape` whose elements a loop of `dims` visits in row-major order. */
export function linearAccess(dims: readonly number[], shape: Shape): Mapped {
  const identity = rowMajorStrides(dims).map((_, at) => ({ offset: 0, coefficients: dims.map((_, dim) => (dim === at ? 1 : 0)) }))
  return reshapeAccess(new Access(identity), dims, shape, dims)
}

/** A map on `from`-shaped values as a map on the same elements in shape `to`. */
export function reshapeAccess(access: Access, from: Shape, to: Shape, dims: readonly number[]): Mapped {
  if (sizeOf(from) === 0) return new Access(to.map(() => constantIndex(dims.length)))
  if (sizeOf(from) !== sizeOf(to)) throw new Error(`internal: (${from}) reshaped to (${to})`)
  const axes: AxisIndex[] = to.map(() => constantIndex(dims.length))
  let i = 0
  let j = 0
  while (i < from.length || j < to.length) {
    const [startI, startJ] = [i, j]
    let left = (from[i++] as number | undefined) ?? 1
    let right = (to[j++] as number | undefined) ?? 1
    while (left !== right) {
      if (left < right) left *= from[i++] as number
      else right *= to[j++] as number
    }
    const result = reshapeBlock(access.axes.slice(startI, i), from.slice(startI, i), to.slice(startJ, j), dims)
    if (!Array.isArray(result)) return result
    result.forEach((axis, at) => {
      axes[startJ + at] = axis
    })
  }
  return new Access(axes)
}

/** One block of axes with equal products: linear index, then taken apart along the target's strides. */
function reshapeBlock(
  source: readonly AxisIndex[],
  from: Shape,
  to: Shape,
  dims: readonly number[],
): AxisIndex[] | SplitRequest | typeof NO_MAP {
  const fromStrides = rowMajorStrides(from)
  const strides = rowMajorStrides(to)
  let offset = 0
  const linear = new Array<number>(dims.length).fill(0)
  source.forEach((axis, at) => {
    if (from[at] === 1) return
    offset += axis.offset * (fromStrides[at] as number)
    axis.coefficients.forEach((coefficient, dim) => {
      linear[dim] = (linear[dim] as number) + coefficient * (fromStrides[at] as number)
    })
  })
  const wide = to.flatMap((size, at) => (size === 1 ? [] : [at]))
  const result = to.map(() => ({ offset: 0, coefficients: new Array<number>(dims.length).fill(0) }))
  if (wide.length === 0) return result
  if (wide.length === 1) {
    result[wide[0] as number] = { offset, coefficients: linear }
    return result
  }
  for (let dim = 0; dim < dims.length; dim++) {
    const coefficient = linear[dim] as number
    if (coefficient === 0 || dims[dim] === 1) continue
    if (coefficient < 0) return NO_MAP
    const at = wide.find((axis) => (strides[axis] as number) <= coefficient) as number
    const unit = strides[at] as number
    if (coefficient % unit !== 0) return NO_MAP
    const limit = unit * (to[at] as number)
    if (coefficient * (dims[dim] as number) > limit) {
      const inner = limit / coefficient
      const splits = Number.isInteger(inner) && inner > 1 && (dims[dim] as number) % inner === 0
      if (splits) return new SplitRequest(dim, inner)
      if (coefficient * ((dims[dim] as number) - 1) >= limit) return NO_MAP
    }
    ;(result[at] as { coefficients: number[] }).coefficients[dim] = coefficient / unit
  }
  for (const at of wide) {
    const axis = result[at] as { offset: number; coefficients: number[] }
    axis.offset = Math.floor(offset / (strides[at] as number)) % (to[at] as number)
    const last = axis.coefficients.reduce((sum, coefficient, dim) => sum + coefficient * ((dims[dim] as number) - 1), axis.offset)
    if (last >= (to[at] as number)) return NO_MAP
  }
  return result
}

/** The map on a movement node's input, given the map on its output. */
export function moveAccess(node: Node, access: Access, dims: readonly number[]): Mapped {
  const input = node.inputs[0] as { shape: Shape }
  if (isNode(node, 'reshape')) return reshapeAccess(access, node.attributes.shape, input.shape, dims)
  if (isNode(node, 'transpose')) {
    const axes: AxisIndex[] = new Array(access.axes.length)
    node.attributes.permutation.forEach((axis, at) => {
      axes[axis] = access.axes[at] as AxisIndex
    })
    return new Access(axes)
  }
  if (isNode(node, 'broadcast')) {
    const { shape, axes } = node.attributes
    return new Access(
      axes.map((axis, at) => (input.shape[at] === shape[axis] ? (access.axes[axis] as AxisIndex) : constantIndex(dims.length))),
    )
  }
  if (isNode(node, 'slice')) {
    const { start, step } = node.attributes
    return new Access(
      access.axes.map(({ offset, coefficients }, at) => ({
        offset: (start[at] as number) + (step[at] as number) * offset,
        coefficients: coefficients.map((coefficient) => coefficient * (step[at] as number)),
      })),
    )
  }
  return NO_MAP
}

/** Offset and strides, over the loop's dims, of a map into memory. */
export function locate(access: Access, view: Strided, dims: number): { readonly offset: number; readonly strides: number[] } {
  let offset = view.offset
  const strides = new Array<number>(dims).fill(0)
  access.axes.forEach((axis, at) => {
    const stride = view.strides[at] as number
    if (stride === 0) return
    offset += axis.offset * stride
    for (let dim = 0; dim < dims; dim++) strides[dim] = (strides[dim] as number) + (axis.coefficients[dim] as number) * stride
  })
  return { offset, strides }
}
