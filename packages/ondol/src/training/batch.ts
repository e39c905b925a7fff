/** Batches as steps and data sets hand them around: x, y and sample weights in a list. Follows `keras.utils`. */
import { ValueError } from '../core/errors.js'

/** Names the parts of a batch: x alone, [x], [x, y] or [x, y, sampleWeight]; null for what is not there. */
export type Unpacked<T> = [x: T, y: T | null, sampleWeight: T | null]

/**
 * The parts of a batch, for steps and loops of your own.
 *
 * @throws ValueError for a list of another length.
 * @example
 * const [x, y, sampleWeight] = utils.unpackXYSampleWeight(data)
 */
export function unpackXYSampleWeight<T>(data: T | readonly (T | null | undefined)[]): Unpacked<T> {
  if (!Array.isArray(data)) return [data as T, null, null]
  const [x, y, sampleWeight] = data as (T | null | undefined)[]
  if (data.length >= 1 && data.length <= 3) return [x as T, y ?? null, sampleWeight ?? null]
  throw new ValueError({
    where: 'unpackXYSampleWeight',
    problem: 'this is no batch',
    expected: 'x, [x], [x, y] or [x, y, sampleWeight]',
    received: `a list of ${data.length}`,
  })
}

/**
 * The opposite: what a data set gives for these parts. A list as x alone is wrapped, so that it is not taken for parts.
 *
 * @example
 * const batch = utils.packXYSampleWeight(x, y)
 */
export function packXYSampleWeight<T>(x: T, y: T | null = null, sampleWeight: T | null = null): T | readonly T[] {
  if (y === null) return Array.isArray(x) ? [x] : x
  return sampleWeight === null ? [x, y] : [x, y, sampleWeight]
}
