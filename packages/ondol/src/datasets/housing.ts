/** Tables for regression, `x` and `y` in one `.npz`, shuffled and split as Keras does. */
import { DataError, ValueError } from '../core/errors.js'
import { formatShape, sizeOf } from '../core/shape.js'
import { type Tensor, tensor } from '../engine/index.js'
import type { Split } from './digits.js'
import { type PublishedFile, type PublishedSet, Search, type SourceOptions } from './files.js'
import { NpzFile, type Numbers } from './npz.js'
import { RandomState } from './numpy-random.js'

export interface SplitOptions extends SourceOptions {
  /** Share of the rows that is kept for testing: 0 up to, but not including, 1. Default 0.2. */
  readonly testSplit?: number
  /** Of the order in which rows come before they are split. Default 113. */
  readonly seed?: number
}

/** The table's rows, at most `limit` of the first ones, in the order of the seed. */
export async function loadTable(
  set: PublishedSet,
  file: PublishedFile,
  options: SplitOptions,
  limit = Number.POSITIVE_INFINITY,
): Promise<Split> {
  const { testSplit = 0.2, seed = 113 } = options
  const { where } = set
  if (!(testSplit >= 0 && testSplit < 1))
    throw new ValueError({
      where,
      problem: 'testSplit is no share',
      expected: 'from 0 up to, but not including, 1',
      received: `${testSplit}`,
    })
  const random = new RandomState(seed, where)
  const search = new Search(set, options)
  const found = (await search.given()) ?? (await search.local([file.name])) ?? (await search.published(file))
  if (found === undefined) throw search.failure(`${file.name} was not found`, [file])
  const archive = await NpzFile.open(found)
  const [x, y] = [await archive.numbers('x', 2), await archive.numbers('y', 1)]
  if (x.shape[0] !== y.shape[0])
    throw new DataError({
      where: found.place,
      problem: 'there are not as many targets as rows',
      received: `x ${formatShape(x.shape)}, y ${formatShape(y.shape)}`,
    })
  const count = Math.min(limit, x.shape[0] as number)
  const order = random.permutation(count)
  const first = Math.trunc(count * (1 - testSplit))
  const pair = (rows: Uint32Array): Split[0] => [rowsOf(x, rows), rowsOf(y, rows)]
  return [pair(order.subarray(0, first)), pair(order.subarray(first))]
}

/** Rows as float32, which every backend has. */
function rowsOf({ data, shape }: Numbers, rows: Uint32Array): Tensor {
  const width = sizeOf(shape.slice(1))
  const values = new Float32Array(rows.length * width)
  rows.forEach((row, i) => {
    for (let column = 0; column < width; column++) values[i * width + column] = Number(data[row * width + column])
  })
  return tensor(values, [rows.length, ...shape.slice(1)], 'float32')
}
