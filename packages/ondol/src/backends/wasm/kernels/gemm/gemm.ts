/**
 * Matrix products in blocks: C (m × n) = A (m × k) · B (k × n), A packed block by block into the thread's own
 * memory, B packed beforehand (or, for few rows, as it lies). After K. Goto and R. van de Geijn,
 * "Anatomy of high-performance matrix multiplication" (2008).
 */
import { i32, type Local, type ModuleBuilder, select } from '../../assembler/index.js'
import { RecordLayout } from '../../runtime/record.js'
import { TILE_COLUMNS } from './arithmetic.js'
import { ACCUMULATE, type EdgeKernel, type FinishKernel, type MicroKernel, RELU, TILE_ROW_BYTES } from './micro.js'
import { type ASource, MAX_BLOCK_COLUMNS, MAX_BLOCK_ROWS, TABLE_BYTES } from './source.js'

/**
 * Sizes in elements, distances in bytes. Tasks: parts of k (each with its own C, `cPart` apart), in them
 * batches, in them blocks of rows, in them blocks of columns. The source's record follows at `source`.
 */
export const GEMM = new RecordLayout(
  'source',
  'b',
  'bBatch',
  'bPanel',
  'bStep',
  'c',
  'cBatch',
  'cRow',
  'cPart',
  'bias',
  'relu',
  'm',
  'n',
  'k',
  'kPart',
  'kBlock',
  'mBlock',
  'nBlock',
  'mBlocks',
  'nBlocks',
  'batches',
)

/** Scratch memory: packed block of A, edge tile, table of the source. */
const TILE_AT = 4 * (MAX_BLOCK_ROWS + 8) * MAX_BLOCK_COLUMNS
const TABLE_AT = TILE_AT + 256
export const GEMM_SCRATCH_BYTES = TABLE_AT + TABLE_BYTES

export interface TileKernels {
  readonly rows: number
  readonly micro: MicroKernel
  readonly finish: FinishKernel
  readonly edge: EdgeKernel
}

export function defineGemm(module: ModuleBuilder, name: string, source: ASource, { rows, micro, finish, edge }: TileKernels): void {
  module.function(name, ['i32', 'i32', 'i32', 'i32'], null, (f, args, begin, end, scratch) => {
    const word = (of: (typeof GEMM.names)[number]): Local<'i32'> => f.let(GEMM.load(args, of))
    const [m, n, mBlock, nBlock, mBlocks, nBlocks, cRow, bStep] = (
      ['m', 'n', 'mBlock', 'nBlock', 'mBlocks', 'nBlocks', 'cRow', 'bStep'] as const
    ).map(word) as [Local<'i32'>, Local<'i32'>, Local<'i32'>, Local<'i32'>, Local<'i32'>, Local<'i32'>, Local<'i32'>, Local<'i32'>]
    const sourceArgs = word('source')
    const smaller = (a: Local<'i32'>, b: Local<'i32'>): ReturnType<typeof i32.add> => select(a, b, i32.ltS(a, b))
    const tile = f.let(i32.add(scratch, TILE_AT))
    const table = f.let(i32.add(scratch, TABLE_AT))
    const task = f.local('i32')
    f.for(task, begin, end, 1, () => {
      const rest = f.let(i32.divS(task, nBlocks))
      const firstColumn = f.let(i32.mul(i32.sub(task, i32.mul(rest, nBlocks)), nBlock))
      const next = f.let(i32.divS(rest, mBlocks))
      const firstRow = f.let(i32.mul(i32.sub(rest, i32.mul(next, mBlocks)), mBlock))
      const batches = f.let(GEMM.load(args, 'batches'))
      const part = f.let(i32.divS(next, batches))
      const batch = f.let(i32.sub(next, i32.mul(part, batches)))

      const left = f.let(i32.sub(m, firstRow))
      const blockRows = f.let(smaller(mBlock, left))
      f.set(left, i32.sub(n, firstColumn))
      const blockColumns = f.let(smaller(nBlock, left))

      const kPart = f.let(GEMM.load(args, 'kPart'))
      const k0 = f.let(i32.mul(part, kPart))
      const kEnd = f.let(i32.add(k0, kPart))
      f.set(left, GEMM.load(args, 'k'))
      f.set(kEnd, smaller(kEnd, left))

      const c = f.let(
        i32.add(GEMM.load(args, 'c'), i32.add(i32.mul(batch, GEMM.load(args, 'cBatch')), i32.mul(part, GEMM.load(args, 'cPart')))),
      )
      f.advance(c, i32.add(i32.mul(firstRow, cRow), i32.shl(firstColumn, 2)))
      const b = f.let(i32.add(GEMM.load(args, 'b'), i32.mul(batch, GEMM.load(args, 'bBatch'))))
      f.advance(b, i32.mul(i32.divS(firstColumn, TILE_COLUMNS), GEMM.load(args, 'bPanel')))
      const mode = f.let(i32.const(0))

      // At least once: a product over nothing still has a bias.
      f.doWhile(
        () => {
          const kBlock = f.let(GEMM.load(args, 'kBlock'))
          f.set(left, i32.sub(kEnd, k0))
          const columns = f.let(smaller(kBlock, left))
          source.packBlock(f, rows, sourceArgs, { batch, firstRow, rows: blockRows, firstColumn: k0, columns, to: scratch, table })

          const bias = f.let(i32.const(0))
          f.if(i32.eq(columns, left), () => {
            f.set(bias, GEMM.load(args, 'bias'))
            f.if(i32.ne(bias, 0), () => f.advance(bias, i32.shl(firstColumn, 2)))
            f.if(GEMM.load(args, 'relu'), () => f.set(mode, i32.or(mode, RELU)))
          })
          const column = f.local('i32')
          const panel = f.let(i32.add(b, i32.mul(k0, bStep)))
          f.for(column, 0, blockColumns, TILE_COLUMNS, () => {
            const a = f.let(i32.add(scratch, 0))
            const target = f.let(i32.add(c, i32.shl(column, 2)))
            const width = f.let(i32.sub(blockColumns, column))
            const row = f.local('i32')
            f.for(row, 0, blockRows, rows, () => {
              const height = f.let(i32.sub(blockRows, row))
              f.if(
                i32.and(i32.geS(height, rows), i32.geS(width, TILE_COLUMNS)),
                () =>
                  f.if(
                    i32.or(mode, bias),
                    () => f.emit(micro.do(a, panel, bStep, columns, tile, TILE_ROW_BYTES), finish.do(tile, target, cRow, bias, mode)),
                    () => f.emit(micro.do(a, panel, bStep, columns, target, cRow)),
                  ),
                () => {
                  f.emit(micro.do(a, panel, bStep, columns, tile, TILE_ROW_BYTES))
                  const shownRows = select<'i32'>(i32.const(rows), height, i32.gtS(height, rows))
                  const shownColumns = select<'i32'>(i32.const(TILE_COLUMNS), width, i32.gtS(width, TILE_COLUMNS))
                  f.emit(edge.do(tile, target, cRow, shownRows, shownColumns, bias, mode))
                },
              )
              f.advance(a, i32.mul(columns, 4 * rows))
              f.advance(target, i32.mul(cRow, rows))
            })
            f.if(i32.ne(bias, 0), () => f.advance(bias, 4 * TILE_COLUMNS))
            f.advance(panel, GEMM.load(args, 'bPanel'))
          })
          f.set(mode, i32.const(ACCUMULATE))
          f.advance(k0, columns)
        },
        i32.ltS(k0, kEnd),
      )
    })
  })
}
