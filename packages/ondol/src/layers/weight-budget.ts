/** How much room weights may take while a model is made from a stranger's description: no more than its file holds. */
import { bytesOf, type DType } from '../core/dtype.js'
import { SavingError } from '../core/errors.js'
import { formatShape, type Shape, sizeOf } from '../core/shape.js'

let left: number | undefined

/** Runs `body`, in which weights of at most so many bytes may be made. */
export function withWeightBudget<R>(bytes: number, body: () => R): R {
  const outer = left
  left = bytes
  try {
    return body()
  } finally {
    left = outer
  }
}

/** @throws SavingError when a weight is larger than what is left. */
export function chargeWeight(name: string, shape: Shape, dtype: DType): void {
  if (left === undefined) return
  left -= sizeOf(shape) * bytesOf(dtype)
  if (left >= 0) return
  throw new SavingError({
    problem: `the description asks for more weights than the file holds`,
    received: `${name} ${formatShape(shape)}`,
    hint: 'a file that is small and asks for much memory is damaged, or means harm',
  })
}
