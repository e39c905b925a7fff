/** Brings kernels' operands into the dtype and layout that the kernels compute in, and results back. */
import type { DType } from '../../../../core/dtype.js'
import { rowMajorStrides, type Shape, sizeOf } from '../../../../core/shape.js'
import type { BufferId, View } from '../../../../engine/plan.js'
import { loopTypeOf } from '../../codegen/access.js'
import type { Builder } from '../builder.js'

/** What a dtype is computed in: float32 or int32. */
export const computeDType = (dtype: DType): 'float32' | 'int32' => (loopTypeOf(dtype) === 'f32' ? 'float32' : 'int32')

export const denseView = (buffer: BufferId, shape: Shape, offset = 0): View => ({ buffer, offset, shape, strides: rowMajorStrides(shape) })

/** A dense scratch tensor. */
export const scratchView = (builder: Builder, dtype: DType, shape: Shape): View =>
  denseView(builder.scratchBuffer(dtype, sizeOf(shape)), shape)

/** Copies one view to another of the same shape, converting. */
export function copy(builder: Builder, from: View, to: View): void {
  builder.loop({
    kind: 'loop',
    dims: to.shape.map((size) => ({ size, reduced: false })),
    inputs: [{ kind: 'memory', buffer: from.buffer, offset: from.offset, strides: from.strides }],
    body: [{ op: 'load', input: 0, type: loopTypeOf(builder.dtypeOf(from.buffer)) }],
    stores: [{ value: 0, buffer: to.buffer, offset: to.offset, strides: to.strides }],
    reductions: [],
    epilogue: [],
    epilogueStores: [],
    scope: builder.scope,
  })
}

/** Sets all elements of a view. */
export function fill(builder: Builder, to: View, value: number): void {
  const type = loopTypeOf(builder.dtypeOf(to.buffer))
  builder.loop({
    kind: 'loop',
    dims: to.shape.map((size) => ({ size, reduced: false })),
    inputs: [],
    body: [{ op: 'literal', value, type }],
    stores: [{ value: 0, buffer: to.buffer, offset: to.offset, strides: to.strides }],
    reductions: [],
    epilogue: [],
    epilogueStores: [],
    scope: builder.scope,
  })
}

/** The view itself, or a copy of it in another dtype. */
export function inDType(builder: Builder, view: View, dtype: DType): View {
  if (builder.dtypeOf(view.buffer) === dtype) return view
  const converted = scratchView(builder, dtype, view.shape)
  copy(builder, view, converted)
  return converted
}

/** Has `compute` write the result in `dtype`, then converts it if it is of another. */
export function intoDType(builder: Builder, result: View, dtype: DType, compute: (target: View) => void): void {
  if (builder.dtypeOf(result.buffer) === dtype) {
    compute(result)
    return
  }
  const target = scratchView(builder, dtype, result.shape)
  compute(target)
  copy(builder, target, result)
}

/** A view with its axes in another order: axis i is axis `order[i]` of `view`. */
export const permute = (view: View, order: readonly number[]): View => ({
  ...view,
  shape: order.map((axis) => view.shape[axis] as number),
  strides: order.map((axis) => view.strides[axis] as number),
})

/** Sums the first axis of `parts` (parts, size) into `result`. */
export function sumParts(builder: Builder, parts: View, result: View): void {
  const [count, size] = parts.shape as [number, number]
  builder.loop({
    kind: 'loop',
    dims: [
      { size: count, reduced: true },
      { size, reduced: false },
    ],
    inputs: [{ kind: 'memory', buffer: parts.buffer, offset: parts.offset, strides: [size, 1] }],
    body: [{ op: 'load', input: 0, type: loopTypeOf(builder.dtypeOf(parts.buffer)) }],
    stores: [],
    reductions: [{ op: 'sum', value: 0 }],
    epilogue: [{ op: 'reduced', reduction: 0, type: loopTypeOf(builder.dtypeOf(parts.buffer)) }],
    epilogueStores: [{ value: 0, buffer: result.buffer, offset: result.offset, strides: [0, 1] }],
    scope: builder.scope,
  })
}
