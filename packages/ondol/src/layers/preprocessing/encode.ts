/** Class numbers as one-hot, multi-hot or counts. Follows `encode_categorical_inputs` in `keras/src/utils/numerical_utils.py`. */
import type { DType } from '../../core/dtype.js'
import { ValueError } from '../../core/errors.js'
import { sizeOf } from '../../core/shape.js'
import { toSnakeCase } from '../../core/spelling.js'
import { lax, type Tensor } from '../../engine/index.js'
import * as ops from '../../ops/index.js'

/** How numbers of classes, bins or tokens come out. */
export type OutputMode = 'int' | 'one_hot' | 'multi_hot' | 'count' | 'tf_idf'

const OLD_NAMES: Readonly<Record<string, string>> = { binary: 'multi_hot', 'tf-idf': 'tf_idf' }

/** A checked mode among `allowed`; camelCase and the names of older Kerases count. */
export function requireMode<M extends OutputMode>(mode: string, allowed: readonly M[], where: string): M {
  const name = OLD_NAMES[mode] ?? toSnakeCase(mode)
  if ((allowed as readonly string[]).includes(name)) return name as M
  throw new ValueError({
    where,
    problem: 'unknown output mode',
    expected: allowed.map((each) => `'${each}'`).join(', '),
    received: `'${mode}'`,
  })
}

/** Sparse tensors do not exist here; configs say that there are none. */
export function refuseSparse(sparse: boolean, where: string): void {
  if (sparse) throw new ValueError({ where, problem: 'there are no sparse tensors', received: 'sparse: true', hint: 'leave it out' })
}

/**
 * `int` (…) → (…), `one_hot` (…) → (…, depth) with a last axis of 1 left out, `multi_hot` and `count` (…, n) → (…, depth).
 * Numbers outside 0 … depth - 1 count nowhere.
 */
export function encodeCategorical(indices: Tensor, mode: OutputMode, depth: number, dtype: DType, weights: Tensor | null = null): Tensor {
  if (mode === 'int') return lax.cast(indices, dtype)
  const listed = indices.rank === 0 ? lax.reshape(indices, [1]) : indices
  if (mode === 'one_hot') {
    const { shape } = listed
    const flat = shape.length > 1 && shape.at(-1) === 1 ? lax.reshape(listed, shape.slice(0, -1)) : listed
    return ops.oneHot(flat, { numClasses: depth, dtype })
  }
  if (mode === 'multi_hot') return classRows(listed, depth, dtype, null)
  const amounts = weights === null ? lax.full(listed.shape, dtype, 1) : ops.broadcastTo(weights, listed.shape)
  return classRows(listed, depth, amounts.dtype, amounts)
}

/**
 * (n) → (depth), (batch, n, …) → (batch, …, depth): sums of the amounts of each class, or 1 where it occurs at all.
 * Written place by place: one-hot rows of all tokens would take n times the memory.
 */
function classRows(listed: Tensor, depth: number, dtype: DType, amounts: Tensor | null): Tensor {
  // The axis that goes becomes the last; every row of it fills `depth` places, and one more for numbers outside.
  const order = [...listed.shape.keys()].filter((axis) => axis !== (listed.rank > 1 ? 1 : 0))
  const last = (x: Tensor): Tensor => lax.transpose(x, [...order, listed.rank > 1 ? 1 : 0])
  const sizes = order.map((axis) => listed.shape[axis] as number)
  const rows = sizeOf(sizes)
  const classes = lax.reshape(lax.cast(last(listed), 'int32'), [rows, listed.size / Math.max(rows, 1)])
  const isInside = lax.logicalAnd(lax.withNumber(classes, lax.ge, 0), lax.withNumber(classes, lax.lt, depth))
  const inRow = lax.select(isInside, classes, lax.fullLike(classes, depth))
  const places = lax.reshape(lax.add(inRow, lax.withNumber(lax.iota(classes.shape, 'int32', 0), lax.mul, depth + 1)), [classes.size])
  const empty = lax.full([rows * (depth + 1)], dtype, 0)
  const filled =
    amounts === null
      ? lax.scatterSet(empty, places, lax.full([classes.size], dtype, 1), 0)
      : lax.scatterAdd(empty, places, lax.reshape(last(amounts), [classes.size]), 0)
  return lax.reshape(lax.slice(lax.reshape(filled, [rows, depth + 1]), [0, 0], [rows, depth]), [...sizes, depth])
}
