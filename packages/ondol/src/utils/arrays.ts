/** Small things done to labels and sequences before training. Follows `keras/src/utils/{numerical_utils,sequence_utils}.py`. */
import type { DType, TypedArray } from '../core/dtype.js'
import { allocate, DTYPES } from '../core/dtype.js'
import { DataError, ValueError } from '../core/errors.js'
import { type Tensor, type TensorData, tensor } from '../engine/index.js'
import type { TensorLike } from '../ops/define.js'
import * as ops from '../ops/index.js'

/**
 * Class numbers as one-hot rows: (…) or (…, 1) → (…, numClasses).
 *
 * @example
 * toCategorical([0, 2, 1]) // [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
 */
export function toCategorical(labels: TensorLike, numClasses?: number): Tensor {
  const given = ops.cast(labels, 'int32')
  const flat = given.rank > 1 && given.shape.at(-1) === 1 ? ops.squeeze(given, -1) : given
  if (flat.isTraced && numClasses === undefined) {
    throw new ValueError({ where: 'toCategorical', problem: 'the number of classes is not known while tracing', hint: 'pass numClasses' })
  }
  return ops.oneHot(flat, { numClasses: numClasses ?? greatest(flat) + 1, dtype: 'float32' })
}

function greatest(labels: Tensor): number {
  const values = labels.dataSync()
  let most = -1
  for (const value of values) {
    if (value < 0) throw new DataError({ where: 'toCategorical', problem: 'class numbers must not be negative', received: `${value}` })
    most = Math.max(most, value)
  }
  return most
}

/** `x` with vectors along `axis` scaled to norm 1 (of order 2 unless said otherwise). */
export function normalize(x: TensorLike, { axis = -1, order = 2 }: { readonly axis?: number; readonly order?: number } = {}): Tensor {
  const values = ops.cast(x, 'float32')
  const norm = ops.power(ops.sum(ops.power(ops.abs(values), order), { axis, keepdims: true }), 1 / order)
  return ops.divide(values, ops.where(ops.equal(norm, 0), 1, norm))
}

export interface PadOptions {
  /** Length of all rows. Default: that of the longest. */
  readonly maxlen?: number
  /** Default int32. */
  readonly dtype?: DType
  /** Where zeros are added. Default `'pre'`. */
  readonly padding?: 'pre' | 'post'
  /** Where too long rows are cut. Default `'pre'`. */
  readonly truncating?: 'pre' | 'post'
  /** What is added. Default 0. */
  readonly value?: number
}

/**
 * Rows of different lengths as one tensor (rows, maxlen).
 *
 * @example
 * padSequences([[1], [2, 3], [4, 5, 6]]) // [[0, 0, 1], [0, 2, 3], [4, 5, 6]]
 */
export function padSequences(
  sequences: readonly ArrayLike<number>[],
  { maxlen, dtype = 'int32', padding = 'pre', truncating = 'pre', value = 0 }: PadOptions = {},
): Tensor {
  const length = maxlen ?? Math.max(0, ...sequences.map((sequence) => sequence.length))
  const rows: TypedArray =
    DTYPES[dtype].kind === 'float' ? new Float32Array(sequences.length * length) : allocate(dtype, sequences.length * length)
  rows.fill(value)
  sequences.forEach((sequence, row) => {
    const count = Math.min(sequence.length, length)
    const from = truncating === 'pre' ? sequence.length - count : 0
    const to = row * length + (padding === 'pre' ? length - count : 0)
    for (let i = 0; i < count; i++) rows[to + i] = sequence[from + i] as number
  })
  return tensor(rows as TensorData, [sequences.length, length], dtype)
}
