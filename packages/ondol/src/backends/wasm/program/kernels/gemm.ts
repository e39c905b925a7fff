/** Chooses blocks for a matrix product and adds its tasks. */
import { TILE_COLUMNS, tileRows } from '../../kernels/gemm/arithmetic.js'
import { float32Gemm, int32Gemm } from '../../kernels/gemm/family.js'
import { GEMM } from '../../kernels/gemm/gemm.js'
import { MATRIX_SOURCE } from '../../kernels/gemm/matrix-source.js'
import { PACK_B } from '../../kernels/gemm/pack.js'
import type { Kernel } from '../../runtime/linker.js'
import { type Pointer, SelfOffset, type Word } from '../../runtime/record.js'
import type { Builder } from '../builder.js'

export type GemmDType = 'float32' | 'int32'

/** B ready for use: distances in bytes between its batches, panels of eight columns, and rows. */
export interface PanelMatrix {
  readonly start: Pointer
  readonly batch: number
  readonly panel: number
  readonly step: number
}

/** B in memory, strides in bytes: outer row o (of `inner` rows each) starts at `offsets[o]`. */
export interface PackSource {
  readonly start: Pointer
  readonly row: number
  readonly column: number
  readonly batch: number
  readonly batches: number
  readonly offsets: readonly number[]
  readonly inner: number
  readonly n: number
}

export interface Product {
  readonly kernel: 'gemm' | 'windowGemm' | 'turnedWindowGemm'
  readonly dtype: GemmDType
  /** Record of A's source. */
  readonly source: readonly Word[]
  readonly b: PanelMatrix
  readonly m: number
  readonly n: number
  readonly k: number
  readonly batches: number
  readonly c: Pointer
  /** Bytes. */
  readonly cRow: number
  readonly cBatch: number
  readonly bias?: Pointer | undefined
  readonly relu?: boolean
  /** Splits k; the products of the parts are stored `bytes` apart. */
  readonly parts?: { readonly count: number; readonly bytes: number }
}

const NOTHING = MATRIX_SOURCE.pack({ a: 0, row: 0, column: 4, batch: 0 })

const MOST_COLUMNS = 512
const MOST_ROWS = 96
const MOST_DEPTH = 320

const gemmKernel = (builder: Builder, dtype: GemmDType, name: string): Kernel =>
  builder.runtime.kernels.get(dtype === 'float32' ? float32Gemm : int32Gemm, name)

const ceilTo = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple

/** Cuts `size` into equal blocks of at most `most`, each a multiple of `multiple`. */
const evenBlock = (size: number, most: number, multiple: number): number =>
  size === 0 ? multiple : ceilTo(Math.ceil(size / Math.ceil(size / most)), multiple)

export function addProduct(builder: Builder, product: Product): void {
  const { m, n, k, batches, parts } = product
  if (m * n * batches === 0) return
  const partCount = parts?.count ?? 1
  const nBlock = evenBlock(n, MOST_COLUMNS, TILE_COLUMNS)
  const nBlocks = Math.ceil(n / nBlock)
  // Small enough that threads have several blocks each.
  const rows = tileRows(product.dtype, builder.runtime.features)
  const wanted = 4 * builder.runtime.pool.threads
  let mBlock = evenBlock(m, MOST_ROWS, rows)
  while (mBlock > 24 && Math.ceil(m / mBlock) * nBlocks * batches * partCount < wanted) mBlock = ceilTo(mBlock / 2, rows)
  const mBlocks = Math.ceil(m / mBlock)
  const kPart = Math.ceil(k / partCount)
  const words = GEMM.pack({
    source: new SelfOffset(GEMM.bytes),
    b: product.b.start,
    bBatch: product.b.batch,
    bPanel: product.b.panel,
    bStep: product.b.step,
    c: product.c,
    cBatch: product.cBatch,
    cRow: product.cRow,
    cPart: parts?.bytes ?? 0,
    bias: product.bias ?? 0,
    relu: product.relu === true ? 1 : 0,
    m,
    n,
    k,
    kPart,
    kBlock: evenBlock(kPart, MOST_DEPTH, 4),
    mBlock,
    nBlock,
    mBlocks,
    nBlocks,
    batches,
  })
  const share = {
    count: partCount * batches * mBlocks * nBlocks,
    work: (m * ceilTo(n, TILE_COLUMNS) * k * batches) / 10 + m * k * batches * 0.3,
  }
  // Over nothing there is nothing to look at: no windows, whose sizes may be 0.
  const [kernel, source] = k === 0 ? ['gemm', NOTHING] : [product.kernel, product.source]
  builder.task(gemmKernel(builder, product.dtype, kernel), [...words, ...source], share)
}

/** Packs B into scratch memory. */
export function packPanels(builder: Builder, dtype: GemmDType, source: PackSource): PanelMatrix {
  const { n, inner, offsets, batches } = source
  const panels = Math.ceil(n / TILE_COLUMNS)
  const panelBytes = 4 * TILE_COLUMNS * inner * offsets.length
  const start = builder.scratch(batches * panels * panelBytes)
  const table = builder.constant(4 * offsets.length, new Uint8Array(Int32Array.from(offsets).buffer))
  const words = PACK_B.pack({
    b: source.start,
    row: source.row,
    column: source.column,
    batch: source.batch,
    table,
    outer: offsets.length,
    inner,
    n,
    panels,
    packed: start,
    panelBytes,
  })
  builder.task(gemmKernel(builder, dtype, 'packB'), words, { count: batches * panels, work: (batches * panels * panelBytes) / 10 })
  return { start, batch: panels * panelBytes, panel: panelBytes, step: 4 * TILE_COLUMNS }
}
