/** Gather and scatter → tasks over rows. */
import { bytesOf } from '../../../../core/dtype.js'
import type { KernelStep, View } from '../../../../engine/plan.js'
import { INDEXING, indexing } from '../../kernels/indexing.js'
import type { Builder } from '../builder.js'
import { computeDType, copy, inDType, scratchView } from './operands.js'

/** Bytes of a row that one task of a scatter does, so that rows of many columns can be shared. */
const COLUMN_BYTES = 64

export function lowerGather(builder: Builder, step: KernelStep<'gather'>): void {
  const [x, indices] = step.inputs as readonly [View, View]
  const [outer, n, inner] = x.shape as [number, number, number]
  const [m] = indices.shape as [number]
  if (n === 0) return
  const rowBytes = inner * bytesOf(builder.dtypeOf(x.buffer))
  const words = INDEXING.pack({
    x: builder.start(x),
    indices: builder.start(indices),
    rows: builder.start(step.outputs[0] as View),
    n,
    m,
    rowBytes,
    columns: rowBytes,
    columnBlocks: 1,
  })
  builder.task(builder.runtime.kernels.get(indexing, 'gather'), words, { count: outer * m, work: outer * m * (4 + rowBytes / 8) })
}

export function lowerScatterSet(builder: Builder, step: KernelStep<'scatterSet'>): void {
  const [indices, updates] = step.inputs as readonly [View, View]
  addScatter(builder, 'scatterSet', indices, updates, step.outputs[0] as View)
}

export function lowerScatterAdd(builder: Builder, step: KernelStep<'scatterAdd'>): void {
  const [indices, added] = step.inputs as readonly [View, View]
  const [result] = step.outputs as readonly [View]
  const own = builder.dtypeOf(result.buffer)
  const dtype = computeDType(own)
  const updates = inDType(builder, added, dtype)
  if (own === dtype) {
    addScatter(builder, `scatterAdd-${dtype}`, indices, updates, result)
    return
  }
  const sums = scratchView(builder, dtype, result.shape)
  copy(builder, result, sums)
  addScatter(builder, `scatterAdd-${dtype}`, indices, updates, sums)
  copy(builder, sums, result)
}

function addScatter(builder: Builder, kernel: string, indices: View, updates: View, result: View): void {
  const [outer, n, inner] = result.shape as [number, number, number]
  const [m] = indices.shape as [number]
  if (n === 0 || inner === 0) return
  const rowBytes = inner * bytesOf(builder.dtypeOf(result.buffer))
  const columnBlocks = Math.ceil(rowBytes / COLUMN_BYTES)
  const words = INDEXING.pack({
    x: builder.start(result),
    indices: builder.start(indices),
    rows: builder.start(updates),
    n,
    m,
    rowBytes,
    columns: COLUMN_BYTES,
    columnBlocks,
  })
  builder.task(builder.runtime.kernels.get(indexing, kernel), words, { count: outer * columnBlocks, work: outer * m * columnBlocks * 12 })
}
