/** Kernels that go along lines of (outer, n, inner): positions of extremes, running totals, sorting. Tasks are lines. */
import { type FunctionBuilder, f32, f64, i32, type Local, type ModuleBuilder, select, type Value } from '../assembler/index.js'
import { RecordLayout } from '../runtime/record.js'
import type { KernelFamily } from './family.js'

type Word = Local<'i32'>
export type LineType = 'float32' | 'int32'

/** `stepBytes` may be negative, from the last element. `work`: 16 n bytes for sorting. */
export const LINES = new RecordLayout('x', 'y', 'positions', 'n', 'inner', 'reverse', 'work', 'descending')

interface Line {
  readonly n: Word
  /** Distance of neighbours in bytes; negative if the line is reversed. */
  readonly stride: Word
  /** Offset of the first element in bytes. */
  readonly first: Word
}

function defineLines(module: ModuleBuilder, name: string, body: (f: FunctionBuilder, args: Word, line: Line, task: Word) => void): void {
  module.function(name, ['i32', 'i32', 'i32', 'i32'], null, (f, args, begin, end) => {
    const n = f.let(LINES.load(args, 'n'))
    const inner = f.let(LINES.load(args, 'inner'))
    const task = f.local('i32')
    f.for(task, begin, end, 1, () => {
      const outer = f.let(i32.divS(task, inner))
      const stride = f.let(i32.shl(inner, 2))
      const first = f.let(i32.shl(i32.add(i32.mul(i32.mul(outer, n), inner), i32.sub(task, i32.mul(outer, inner))), 2))
      f.if(LINES.load(args, 'reverse'), () => {
        f.advance(first, i32.mul(i32.sub(n, 1), stride))
        f.set(stride, i32.sub(0, stride))
      })
      body(f, args, { n, stride, first }, task)
    })
  })
}

/** First element that beats all before it; a NaN beats every number. */
function defineArg(module: ModuleBuilder, name: string, type: LineType, isMaximum: boolean): void {
  defineLines(module, `${name}-${type}`, (f, args, { n, stride, first }, task) => {
    const from = f.let(i32.add(LINES.load(args, 'x'), first))
    const best = type === 'float32' ? f.let(f32.load(from)) : f.let(i32.load(from))
    const position = f.let(i32.const(0))
    const index = f.local('i32')
    f.for(index, 1, n, 1, () => {
      f.advance(from, stride)
      f.if(beats(f, from, best, isMaximum), () => {
        f.set(position, index)
        if (best.type === 'f32') f.set(best as Local<'f32'>, f32.load(from))
        else f.set(best as Word, i32.load(from))
      })
    })
    f.emit(i32.store(i32.add(LINES.load(args, 'y'), i32.shl(task, 2)), position))
  })
}

function beats(f: FunctionBuilder, from: Word, best: Local<'f32'> | Word, isMaximum: boolean): Value<'i32'> {
  if (best.type === 'i32') return (isMaximum ? i32.gtS : i32.ltS)(i32.load(from), best as Word)
  const value = f.let(f32.load(from))
  const current = best as Local<'f32'>
  const loses = (isMaximum ? f32.le : f32.ge)(value, current)
  return i32.and(i32.eqz(loses), f32.eq(current, current))
}

const CUMULATE_FLOAT = {
  cumSum: { start: 0, combine: f64.add },
  cumProd: { start: 1, combine: f64.mul },
  cumMax: { start: Number.NEGATIVE_INFINITY, combine: f64.max },
} as const
const CUMULATE_INTEGER = {
  cumSum: { start: 0, combine: i32.add },
  cumProd: { start: 1, combine: i32.mul },
  cumMax: { start: -2147483648, combine: (a: Word, b: Value<'i32'>): Value<'i32'> => select<'i32'>(a, b, i32.gtS(a, b)) },
} as const

export type CumulativeName = keyof typeof CUMULATE_FLOAT

function defineCumulative(module: ModuleBuilder, name: CumulativeName): void {
  const along = (f: FunctionBuilder, args: Word, { n, stride, first }: Line, step: (from: Word, to: Word) => void): void => {
    const from = f.let(i32.add(LINES.load(args, 'x'), first))
    const to = f.let(i32.add(LINES.load(args, 'y'), first))
    const left = f.let(i32.add(n, 0))
    f.while(i32.gtS(left, 0), () => {
      step(from, to)
      f.advance(from, stride)
      f.advance(to, stride)
      f.advance(left, -1)
    })
  }
  defineLines(module, `${name}-float32`, (f, args, line) => {
    const { start, combine } = CUMULATE_FLOAT[name]
    const total = f.let(f64.const(start))
    along(f, args, line, (from, to) => {
      f.set(total, combine(total, f64.promoteF32(f32.load(from))))
      f.emit(f32.store(to, f32.demoteF64(total)))
    })
  })
  defineLines(module, `${name}-int32`, (f, args, line) => {
    const { start, combine } = CUMULATE_INTEGER[name]
    const total = f.let(i32.const(start))
    const value = f.local('i32')
    along(f, args, line, (from, to) => {
      f.set(value, i32.load(from))
      f.set(total, combine(total, value))
      f.emit(i32.store(to, total))
    })
  })
}

/**
 * Sorts (key, position) pairs by merging runs of doubling length, which keeps equal elements in order. Keys are
 * integers in the elements' order: float bits with negative ones turned around, one zero, all NaNs last.
 */
function defineSort(module: ModuleBuilder, type: LineType): void {
  defineLines(module, `sort-${type}`, (f, args, { n, stride, first }) => {
    const x = f.let(i32.add(LINES.load(args, 'x'), first))
    const from = f.let(LINES.load(args, 'work'))
    const to = f.let(i32.add(from, i32.shl(n, 3)))
    const flip = f.let(i32.sub(0, LINES.load(args, 'descending')))
    const index = f.local('i32')
    const entry = f.let(i32.add(from, 0))
    const element = f.let(i32.add(x, 0))
    f.for(index, 0, n, 1, () => {
      f.emit(i32.store(entry, i32.xor(sortKey(f, type, element), flip)), i32.store(entry, index, 4))
      f.advance(entry, 8)
      f.advance(element, stride)
    })
    const width = f.let(i32.const(8))
    const bytes = f.let(i32.shl(n, 3))
    f.while(i32.ltS(width, bytes), () => {
      f.for(index, 0, bytes, i32.shl(width, 1), () => mergeRuns(f, from, to, index, width, bytes))
      const other = f.let(i32.add(from, 0))
      f.set(from, to)
      f.set(to, other)
      f.set(width, i32.shl(width, 1))
    })
    const y = f.let(i32.add(LINES.load(args, 'y'), first))
    const positions = f.let(i32.add(LINES.load(args, 'positions'), first))
    f.for(index, 0, n, 1, () => {
      const position = f.let(i32.load(from, 4))
      f.emit(i32.store(positions, position), i32.store(y, i32.load(i32.add(x, i32.mul(position, stride)))))
      f.advance(from, 8)
      f.advance(y, stride)
      f.advance(positions, stride)
    })
  })
}

function sortKey(f: FunctionBuilder, type: LineType, element: Word): Value<'i32'> {
  const bits = f.let(i32.load(element))
  if (type === 'int32') return bits
  const value = f.let(f32.load(element))
  const ordered = i32.xor(bits, i32.and(i32.shrS(bits, 31), 0x7fffffff))
  const number = select<'i32'>(i32.const(0), ordered, f32.eq(value, 0))
  return select<'i32'>(i32.const(0x7fffffff), number, f32.ne(value, value))
}

/** Merges the runs [start, start + width) and [start + width, start + 2 width), in bytes, cut at `bytes`. */
function mergeRuns(f: FunctionBuilder, from: Word, to: Word, start: Word, width: Word, bytes: Word): void {
  const within = (value: Value<'i32'>): Word => {
    const position = f.let(value)
    f.if(i32.gtS(position, bytes), () => f.set(position, bytes))
    return position
  }
  const left = f.let(i32.add(start, 0))
  const middle = within(i32.add(start, width))
  const right = f.let(i32.add(middle, 0))
  const end = within(i32.add(start, i32.shl(width, 1)))
  const target = f.let(i32.add(to, start))
  const take = (run: Word): void => {
    const source = f.let(i32.add(from, run))
    f.emit(i32.store(target, i32.load(source)), i32.store(target, i32.load(source, 4), 4))
    f.advance(run, 8)
    f.advance(target, 8)
  }
  f.while(i32.and(i32.ltS(left, middle), i32.ltS(right, end)), () => {
    f.if(
      i32.leS(i32.load(i32.add(from, left)), i32.load(i32.add(from, right))),
      () => take(left),
      () => take(right),
    )
  })
  f.while(i32.ltS(left, middle), () => take(left))
  f.while(i32.ltS(right, end), () => take(right))
}

export const lines: KernelFamily = {
  emit(module) {
    for (const type of ['float32', 'int32'] as const) {
      defineArg(module, 'argMax', type, true)
      defineArg(module, 'argMin', type, false)
      defineSort(module, type)
    }
    for (const name of ['cumSum', 'cumProd', 'cumMax'] as const) defineCumulative(module, name)
  },
}
