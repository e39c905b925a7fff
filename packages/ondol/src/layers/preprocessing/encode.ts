/** Class numbers as one-hot, multi-hot or counts. Follows `encode_categorical_inputs` in `keras/src/utils/numerical_utils.py`. */
import type { DType } from '../../core/dtype.js'
import { ValueError } from '../../core/errors.js'
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
  const axis = listed.rank > 1 ? 1 : 0
  if (mode === 'multi_hot') return ops.max(ops.oneHot(listed, { numClasses: depth, dtype }), { axis })
  const counted = weights === null ? dtype : weights.dtype
  const hot = ops.oneHot(listed, { numClasses: depth, dtype: counted })
  return ops.sum(weights === null ? hot : ops.multiply(hot, ops.expandDims(weights, -1)), { axis })
}
