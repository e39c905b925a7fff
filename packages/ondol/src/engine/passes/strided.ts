/** Arithmetic on strided views of memory: what a movement op does to offset, shape and strides. */
import { rowMajorStrides, type Shape, sizeOf } from '../../core/shape.js'
import { isNode, type Node } from '../graph.js'

/** A window on some memory, in elements; which memory, the owner knows. */
export interface Strided {
  readonly offset: number
  readonly shape: Shape
  readonly strides: readonly number[]
}

export const dense = (shape: Shape): Strided => ({ offset: 0, shape, strides: rowMajorStrides(shape) })

/** True if the elements lie row by row without gaps; where that starts does not matter. */
export function isDense({ shape, strides }: Strided): boolean {
  let step = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] as number
    if (size !== 1 && strides[axis] !== step) return sizeOf(shape) === 0
    step *= size
  }
  return true
}

/** The window `start + step·i` of a view. */
export function sliceView(view: Strided, start: readonly number[], size: readonly number[], step?: readonly number[]): Strided {
  const offset = view.strides.reduce((sum, stride, axis) => sum + stride * (start[axis] as number), view.offset)
  return { offset, shape: size, strides: view.strides.map((stride, axis) => stride * (step?.[axis] ?? 1)) }
}

/** The same elements under another shape, or null where one stride per axis cannot say it. */
export function reshapeView(view: Strided, shape: Shape): Strided | null {
  if (sizeOf(shape) === 0) return { offset: view.offset, shape, strides: rowMajorStrides(shape) }
  const axes = view.shape.map((_, axis) => axis).filter((axis) => view.shape[axis] !== 1)
  const strides = new Array<number>(shape.length).fill(0)
  let from = axes.length - 1
  let to = shape.length - 1
  while (from >= 0) {
    // Take one run of source axes that walks memory evenly, then hand it out to target axes.
    let run = view.shape[axes[from] as number] as number
    let step = view.strides[axes[from] as number] as number
    const unit = step
    let taken = 1
    for (;;) {
      while (to >= 0 && taken < run && run % (taken * (shape[to] as number)) === 0) {
        strides[to] = unit * taken
        taken *= shape[to] as number
        to--
      }
      if (taken === run) break
      step *= view.shape[axes[from] as number] as number
      from--
      if (from < 0 || view.strides[axes[from] as number] !== step) return null
      run *= view.shape[axes[from] as number] as number
    }
    from--
  }
  while (to >= 0 && shape[to] === 1) to--
  return to >= 0 ? null : { offset: view.offset, shape, strides }
}

/** What a movement node makes of a view of its input, or null where that is no view. */
export function moveView(node: Node, view: Strided): Strided | null {
  if (isNode(node, 'reshape')) return reshapeView(view, node.attributes.shape)
  if (isNode(node, 'transpose')) {
    const { permutation } = node.attributes
    const pick = (list: readonly number[]): number[] => permutation.map((axis) => list[axis] as number)
    return { offset: view.offset, shape: pick(view.shape), strides: pick(view.strides) }
  }
  if (isNode(node, 'broadcast')) {
    const { shape, axes } = node.attributes
    const strides = new Array<number>(shape.length).fill(0)
    axes.forEach((axis, i) => {
      strides[axis] = view.shape[i] === shape[axis] ? (view.strides[i] as number) : 0
    })
    return { offset: view.offset, shape, strides }
  }
  if (isNode(node, 'slice')) return sliceView(view, node.attributes.start, node.attributes.size, node.attributes.step)
  return null
}

/** Several axes as one, or null where they do not walk memory evenly. Size-1 axes never matter. */
export function mergeAxes(view: Strided, axes: readonly number[]): { readonly size: number; readonly stride: number } | null {
  let size = 1
  let stride = 0
  for (const axis of [...axes].reverse()) {
    const extent = view.shape[axis] as number
    if (extent === 1) continue
    const step = view.strides[axis] as number
    if (size === 1) stride = step
    else if (step !== stride * size) return null
    size *= extent
  }
  return { size, stride }
}
