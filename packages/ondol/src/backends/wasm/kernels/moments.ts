/**
 * Mean and sum of squared deviations, in blocks: a block is measured from the mean so far and then joined to it
 * (T. Chan, G. Golub, R. LeVeque, 1983), so nothing cancels and errors do not grow with the length.
 */
import {
  type FunctionBuilder,
  f32,
  f32x4,
  i32,
  i32x4,
  type Local,
  type ModuleBuilder,
  select,
  type Value,
  v128,
} from '../assembler/index.js'
import { RecordLayout } from '../runtime/record.js'
import type { KernelFamily } from './family.js'
import { byFours, type LaneCount, loadLanes, storeLanes } from './lanes.js'

type Word = Local<'i32'>
type Vector = Local<'v128'>

/**
 * x (outer, reduced, inner), strides in bytes, that of inner 4. The reduced axis is cut into parts of `partLength`;
 * means and squares are (part, outer, inner). With one part squares are divided by `divisor`: the variance.
 */
export const MOMENTS = new RecordLayout(
  'x',
  'outerStride',
  'stride',
  'outer',
  'reduced',
  'inner',
  'partLength',
  'means',
  'squares',
  'divisor',
  'innerBlocks',
)

/** Rows and elements that are summed before they are joined to what was. */
const COLUMN_BLOCK = 128
const ROW_BLOCK = 1024
/** Columns that a task does. */
export const INNER_BLOCK = 64

/** Running moments, lane by lane; the count is the same in all. */
interface Running {
  readonly count: Local<'f32'>
  readonly mean: Vector
  readonly squares: Vector
}

const start = (f: FunctionBuilder, mean: Value<'v128'>): Running => ({
  count: f.let(f32.const(0)),
  mean: f.let(mean),
  squares: f.let(f32x4.splat(0)),
})

/** Joins a block of `size` elements, whose sums are of deviations (and their squares) from the running mean. */
function join(
  f: FunctionBuilder,
  { count, mean, squares }: Running,
  size: Value<'f32'>,
  sum: Value<'v128'>,
  sumOfSquares: Value<'v128'>,
): void {
  const blockSize = f.let(size)
  const total = f.let(f32.add(count, blockSize))
  const deviations = f.let(sum)
  const shift = f.let(f32x4.div(deviations, f32x4.splat(blockSize)))
  const inBlock = f32x4.max(f32x4.sub(sumOfSquares, f32x4.mul(deviations, shift)), 0)
  const between = f32x4.mul(f32x4.mul(shift, shift), f32x4.splat(f32.div(f32.mul(count, blockSize), total)))
  f.set(squares, f32x4.add(squares, f32x4.add(inBlock, between)))
  f.set(mean, f32x4.add(mean, f32x4.mul(shift, f32x4.splat(f32.div(blockSize, total)))))
  f.set(count, total)
}

const smaller = (a: Word, b: number): Value<'i32'> => select(a, i32.const(b), i32.ltS(a, i32.const(b)))

/** Tasks: (part, outer, block of inner). Walks rows, a few columns at a time. */
function defineColumns(module: ModuleBuilder): void {
  module.function('columns', ['i32', 'i32', 'i32', 'i32'], null, (f, args, begin, end) => {
    const word = (name: (typeof MOMENTS.names)[number]): Word => f.let(MOMENTS.load(args, name))
    const [stride, outer, inner, innerBlocks, partLength] = (['stride', 'outer', 'inner', 'innerBlocks', 'partLength'] as const).map(
      word,
    ) as [Word, Word, Word, Word, Word]
    const task = f.local('i32')
    f.for(task, begin, end, 1, () => {
      const line = f.let(i32.divS(task, innerBlocks))
      const first = f.let(i32.mul(i32.sub(task, i32.mul(line, innerBlocks)), INNER_BLOCK))
      const part = f.let(i32.divS(line, outer))
      const outerIndex = f.let(i32.sub(line, i32.mul(part, outer)))
      const firstRow = f.let(i32.mul(part, partLength))
      const rows = f.let(i32.sub(MOMENTS.load(args, 'reduced'), firstRow))
      f.if(i32.gtS(rows, partLength), () => f.set(rows, partLength))
      const x = f.let(
        i32.add(MOMENTS.load(args, 'x'), i32.add(i32.mul(outerIndex, MOMENTS.load(args, 'outerStride')), i32.mul(firstRow, stride))),
      )
      const result = f.let(i32.add(i32.mul(line, inner), first))
      const columns = f.let(i32.sub(inner, first))
      f.set(columns, smaller(columns, INNER_BLOCK))
      f.advance(x, i32.shl(first, 2))
      sixteens(f, columns, (column, lanes, units) => {
        const from = f.let(i32.add(x, i32.shl(column, 2)))
        const running = units.map((unit) => start(f, loadLanes(from, lanes, 16 * unit)))
        const left = f.let(i32.add(rows, 0))
        const block = f.local('i32')
        f.while(i32.gtS(left, 0), () => {
          f.set(block, smaller(left, COLUMN_BLOCK))
          f.set(left, i32.sub(left, block))
          const size = f.let(f32.convertI32S(block))
          const sums = units.map(() => [f.let(f32x4.splat(0)), f.let(f32x4.splat(0))] as const)
          const deviation = f.local('v128')
          f.while(i32.gtS(block, 0), () => {
            sums.forEach(([sum, sumOfSquares], unit) => {
              f.set(deviation, f32x4.sub(loadLanes(from, lanes, 16 * unit), (running[unit] as Running).mean))
              f.set(sum, f32x4.add(sum, deviation))
              f.set(sumOfSquares, f32x4.add(sumOfSquares, f32x4.mul(deviation, deviation)))
            })
            f.advance(from, stride)
            f.advance(block, -1)
          })
          sums.forEach(([sum, sumOfSquares], unit) => {
            join(f, running[unit] as Running, size, sum, sumOfSquares)
          })
        })
        const to = f.let(i32.shl(i32.add(result, column), 2))
        const divisor = f.let(MOMENTS.splat(args, 'divisor'))
        for (const unit of units) {
          const { mean, squares } = running[unit] as Running
          storeLanes(f, i32.add(i32.add(MOMENTS.load(args, 'means'), to), 16 * unit), mean, lanes)
          storeLanes(f, i32.add(i32.add(MOMENTS.load(args, 'squares'), to), 16 * unit), f32x4.div(squares, divisor), lanes)
        }
      })
    })
  })
}

/** By sixteens (four vectors), fours, ones. */
function sixteens(f: FunctionBuilder, count: Word, run: (index: Word, lanes: LaneCount, units: readonly number[]) => void): void {
  const index = f.let(i32.const(0))
  for (const [lanes, units] of [
    [4, [0, 1, 2, 3]],
    [4, [0]],
    [1, [0]],
  ] as const) {
    const width = lanes * units.length
    f.while(i32.leS(i32.add(index, width), count), () => {
      run(index, lanes, units)
      f.advance(index, width)
    })
  }
}

/** Tasks: (part, outer). The reduced axis is contiguous, inner is 1. */
function defineRows(module: ModuleBuilder): void {
  module.function('rows', ['i32', 'i32', 'i32', 'i32'], null, (f, args, begin, end) => {
    const outer = f.let(MOMENTS.load(args, 'outer'))
    const partLength = f.let(MOMENTS.load(args, 'partLength'))
    const task = f.local('i32')
    f.for(task, begin, end, 1, () => {
      const part = f.let(i32.divS(task, outer))
      const first = f.let(i32.mul(part, partLength))
      const left = f.let(i32.sub(MOMENTS.load(args, 'reduced'), first))
      f.if(i32.gtS(left, partLength), () => f.set(left, partLength))
      const outerIndex = i32.sub(task, i32.mul(part, outer))
      const from = f.let(
        i32.add(MOMENTS.load(args, 'x'), i32.add(i32.mul(outerIndex, MOMENTS.load(args, 'outerStride')), i32.shl(first, 2))),
      )
      const running = start(f, v128.load32Splat(from))
      const block = f.local('i32')
      f.while(i32.gtS(left, 0), () => {
        f.set(block, smaller(left, ROW_BLOCK))
        f.set(left, i32.sub(left, block))
        const size = f.let(f32.convertI32S(block))
        const sum = f.let(f32x4.splat(0))
        const sumOfSquares = f.let(f32x4.splat(0))
        byFours(f, block, (_, lanes) => {
          const deviation = f.let(f32x4.sub(lanes === 4 ? v128.load(from) : v128.load32Splat(from), running.mean))
          if (lanes === 1) f.set(deviation, v128.and(deviation, i32x4.const(-1, 0, 0, 0)))
          f.set(sum, f32x4.add(sum, deviation))
          f.set(sumOfSquares, f32x4.add(sumOfSquares, f32x4.mul(deviation, deviation)))
          f.advance(from, 4 * lanes)
        })
        join(f, running, size, acrossLanes(f, sum), acrossLanes(f, sumOfSquares))
      })
      const to = f.let(i32.shl(task, 2))
      storeLanes(f, i32.add(MOMENTS.load(args, 'means'), to), running.mean, 1)
      storeLanes(f, i32.add(MOMENTS.load(args, 'squares'), to), f32x4.div(running.squares, MOMENTS.splat(args, 'divisor')), 1)
    })
  })
}

function acrossLanes(f: FunctionBuilder, value: Vector): Value<'v128'> {
  const pairs = f.let(f32x4.add(value, i32x4.shuffle(value, value, [2, 3, 0, 1])))
  return f32x4.add(pairs, i32x4.shuffle(pairs, pairs, [1, 0, 3, 2]))
}

/** Parts (part, size) of means and squares → mean and variance of `size`. */
export const JOIN = new RecordLayout('means', 'squares', 'parts', 'partLength', 'reduced', 'size', 'mean', 'variance', 'divisor')

function defineJoin(module: ModuleBuilder): void {
  module.function('join', ['i32', 'i32', 'i32', 'i32'], null, (f, args) => {
    const size = f.let(JOIN.load(args, 'size'))
    const parts = f.let(JOIN.load(args, 'parts'))
    byFours(f, size, (index, lanes) => {
      const offset = f.let(i32.shl(index, 2))
      const means = f.let(i32.add(JOIN.load(args, 'means'), offset))
      const squares = f.let(i32.add(JOIN.load(args, 'squares'), offset))
      const running = start(f, loadLanes(means, lanes))
      const part = f.local('i32')
      const left = f.let(JOIN.load(args, 'reduced'))
      f.for(part, 0, parts, 1, () => {
        const length = f.let(JOIN.load(args, 'partLength'))
        f.if(i32.gtS(length, left), () => f.set(length, left))
        f.set(left, i32.sub(left, length))
        const count = f.let(f32.convertI32S(length))
        const shift = f.let(f32x4.sub(loadLanes(means, lanes), running.mean))
        const deviations = f.let(f32x4.mul(shift, f32x4.splat(count)))
        // Squared deviations from the part's own mean become those from the running mean, as `join` wants them.
        join(f, running, count, deviations, f32x4.add(loadLanes(squares, lanes), f32x4.mul(deviations, shift)))
        f.advance(means, i32.shl(size, 2))
        f.advance(squares, i32.shl(size, 2))
      })
      storeLanes(f, i32.add(JOIN.load(args, 'mean'), offset), running.mean, lanes)
      storeLanes(f, i32.add(JOIN.load(args, 'variance'), offset), f32x4.div(running.squares, JOIN.splat(args, 'divisor')), lanes)
    })
  })
}

export const momentsFamily: KernelFamily = {
  emit(module) {
    defineColumns(module)
    defineRows(module)
    defineJoin(module)
  },
}
