/** matmul → packed products. */
import type { KernelStep, View } from '../../../../engine/plan.js'
import { TILE_COLUMNS } from '../../kernels/gemm/arithmetic.js'
import { MATRIX_SOURCE } from '../../kernels/gemm/matrix-source.js'
import type { Builder } from '../builder.js'
import { addProduct, type GemmDType, type PanelMatrix, packPanels } from './gemm.js'
import { computeDType, inDType, intoDType, scratchView, sumParts } from './operands.js'

/** Up to so many rows B is used as it lies: packing it would cost as much as the product. */
const FEW_ROWS = 12

export function lowerMatmul(builder: Builder, step: KernelStep<'matmul'>): void {
  const { bias: hasBias, activation } = step.attributes
  const [first, second, third] = step.inputs as readonly [View, View, View | undefined]
  const dtype = computeDType(builder.dtypeOf(first.buffer))
  const a = inDType(builder, first, dtype)
  const b = inDType(builder, second, dtype)
  const bias = hasBias && third !== undefined ? builder.start(inDType(builder, third, dtype)) : undefined
  intoDType(builder, step.outputs[0] as View, dtype, (result) => {
    const [batches, m, n] = result.shape as [number, number, number]
    const k = a.shape[2] as number
    const parts = bias === undefined && activation === 'none' && batches === 1 ? partsOf(m, n, k) : 1
    const target = parts === 1 ? result : scratchView(builder, dtype, [parts, m * n])
    addProduct(builder, {
      kernel: 'gemm',
      dtype,
      source: MATRIX_SOURCE.pack({ a: builder.start(a), row: stride(a, 1), column: stride(a, 2), batch: stride(a, 0) }),
      b: panelsOf(builder, dtype, b, m),
      m,
      n,
      k,
      batches,
      c: builder.start(target),
      cRow: 4 * n,
      cBatch: 4 * m * n,
      bias,
      relu: activation === 'relu',
      ...(parts > 1 && { parts: { count: parts, bytes: 4 * m * n } }),
    })
    if (parts > 1) sumParts(builder, target, result)
  })
}

const stride = (view: View, axis: number): number => 4 * (view.strides[axis] as number)

function panelsOf(builder: Builder, dtype: GemmDType, b: View, m: number): PanelMatrix {
  const [batches, k, n] = b.shape as [number, number, number]
  const [batch, row, column] = [stride(b, 0), stride(b, 1), stride(b, 2)]
  const start = builder.start(b)
  if (column === 4 && m <= FEW_ROWS) return { start, batch, panel: 4 * TILE_COLUMNS, step: row }
  const isShared = batch === 0
  const panels = packPanels(builder, dtype, { start, row, column, batch, batches: isShared ? 1 : batches, offsets: [0], inner: k, n })
  return isShared ? { ...panels, batch: 0 } : panels
}

const PART_DEPTH = 2048
/** Into how many parts to cut k: a small C of a long k gives threads nothing to share otherwise, and long sums err. */
export function partsOf(m: number, n: number, k: number): number {
  if (m * n > 65536 || k < 2 * PART_DEPTH) return 1
  return Math.min(Math.ceil(k / PART_DEPTH), 64)
}
