// Tensors of the committed vectors as tensors, and closeness.
import { expect } from 'vitest'
import type { DType } from '../../core/dtype.js'
import { type Tensor, tensor } from '../../engine/index.js'
import { elements, type VectorTensor } from '../../testing/vectors.js'

export const asTensor = (stored: VectorTensor): Tensor => tensor(elements(stored), stored.shape, stored.dtype as DType)

/** Equal within `tolerance`, relative to 1 or to the expected number where that is larger. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length)
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [actual[i] as number, expected[i] as number]
    if (Object.is(a, e) || (Number.isNaN(a) && Number.isNaN(e)) || Math.abs(a - e) <= tolerance * Math.max(1, Math.abs(e))) continue
    expect.fail(`element ${i}: ${a} instead of ${e}`)
  }
}
