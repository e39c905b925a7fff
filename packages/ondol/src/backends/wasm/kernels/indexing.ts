/** Rows read and written at computed places; places are clamped. */
import { type FunctionBuilder, f32x4, i32, i32x4, type Local, type ModuleBuilder, type Value, v128 } from '../assembler/index.js'
import { RecordLayout } from '../runtime/record.js'
import type { KernelFamily } from './family.js'
import { byFours, loadLanes, storeLanes } from './lanes.js'

type Word = Local<'i32'>

/** x (outer, n, inner), indices (m), rows (outer, m, inner); `rowBytes` is inner's. `columns`: bytes of a row that a scatter's task does. */
export const INDEXING = new RecordLayout('x', 'indices', 'rows', 'n', 'm', 'rowBytes', 'columns', 'columnBlocks')

/** Row of `x` that the index at `address` names. */
function place(f: FunctionBuilder, address: Value<'i32'>, n: Word): Word {
  const index = f.let(i32.load(address))
  f.if(i32.geS(index, n), () => f.set(index, i32.sub(n, 1)))
  f.if(i32.ltS(index, 0), () => f.set(index, 0))
  return index
}

function copyBytes(f: FunctionBuilder, from: Word, to: Word, bytes: Value<'i32'>): void {
  const left = f.let(bytes)
  const advance = (width: number): void => {
    f.advance(from, width)
    f.advance(to, width)
    f.advance(left, -width)
  }
  const moves = [
    [16, () => f.emit(v128.store(to, v128.load(from)))],
    [4, () => f.emit(i32.store(to, i32.load(from)))],
    [1, () => f.emit(i32.store8(to, i32.load8U(from)))],
  ] as const
  for (const [width, move] of moves) {
    f.while(i32.geS(left, width), () => {
      move()
      advance(width)
    })
  }
}

/** Tasks are rows of the result. */
function defineGather(module: ModuleBuilder): void {
  module.function('gather', ['i32', 'i32', 'i32', 'i32'], null, (f, args, begin, end) => {
    const word = (name: (typeof INDEXING.names)[number]): Word => f.let(INDEXING.load(args, name))
    const [n, m, rowBytes, indices] = (['n', 'm', 'rowBytes', 'indices'] as const).map(word) as [Word, Word, Word, Word]
    const task = f.local('i32')
    const to = f.let(i32.add(INDEXING.load(args, 'rows'), i32.mul(begin, rowBytes)))
    f.for(task, begin, end, 1, () => {
      const outer = f.let(i32.divS(task, m))
      const row = place(f, i32.add(indices, i32.shl(i32.sub(task, i32.mul(outer, m)), 2)), n)
      const from = f.let(i32.add(INDEXING.load(args, 'x'), i32.mul(i32.add(i32.mul(outer, n), row), rowBytes)))
      copyBytes(f, from, to, rowBytes)
    })
  })
}

/** Tasks are blocks of columns of an outer index; in each, updates go in order, so the last of equal indices wins. */
function defineScatter(module: ModuleBuilder, name: string, apply: (f: FunctionBuilder, from: Word, to: Word, bytes: Word) => void): void {
  module.function(name, ['i32', 'i32', 'i32', 'i32'], null, (f, args, begin, end) => {
    const word = (of: (typeof INDEXING.names)[number]): Word => f.let(INDEXING.load(args, of))
    const [n, m, rowBytes, columns, columnBlocks] = (['n', 'm', 'rowBytes', 'columns', 'columnBlocks'] as const).map(word) as [
      Word,
      Word,
      Word,
      Word,
      Word,
    ]
    const task = f.local('i32')
    f.for(task, begin, end, 1, () => {
      const outer = f.let(i32.divS(task, columnBlocks))
      const firstColumn = f.let(i32.mul(i32.sub(task, i32.mul(outer, columnBlocks)), columns))
      const bytes = f.let(i32.sub(rowBytes, firstColumn))
      f.if(i32.gtS(bytes, columns), () => f.set(bytes, columns))
      const update = f.let(i32.add(INDEXING.load(args, 'rows'), i32.add(i32.mul(i32.mul(outer, m), rowBytes), firstColumn)))
      const x = f.let(i32.add(INDEXING.load(args, 'x'), i32.add(i32.mul(i32.mul(outer, n), rowBytes), firstColumn)))
      const index = f.local('i32')
      f.for(index, 0, m, 1, () => {
        const row = place(f, i32.add(INDEXING.load(args, 'indices'), i32.shl(index, 2)), n)
        const to = f.let(i32.add(x, i32.mul(row, rowBytes)))
        const from = f.let(i32.add(update, 0))
        apply(f, from, to, bytes)
        f.advance(update, rowBytes)
      })
    })
  })
}

const addRow =
  (add: (a: Value<'v128'>, b: Value<'v128'>) => Value<'v128'>) =>
  (f: FunctionBuilder, from: Word, to: Word, bytes: Word): void => {
    const count = f.let(i32.shrU(bytes, 2))
    byFours(f, count, (_, lanes) => {
      storeLanes(f, to, add(loadLanes(to, lanes), loadLanes(from, lanes)), lanes)
      f.advance(from, 4 * lanes)
      f.advance(to, 4 * lanes)
    })
  }

export const indexing: KernelFamily = {
  emit(module) {
    defineGather(module)
    defineScatter(module, 'scatterSet', copyBytes)
    defineScatter(module, 'scatterAdd-float32', addRow(f32x4.add))
    defineScatter(module, 'scatterAdd-int32', addRow(i32x4.add))
  },
}
