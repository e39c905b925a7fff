/** Keeping gradients small: by norm, by the norm of all together, by value. */
import type { Tensor } from '../engine/index.js'
import * as ops from '../ops/index.js'

export interface ClippingOptions {
  /** Largest norm of each gradient. */
  readonly clipnorm?: number | null
  /** Largest norm of all gradients taken together. */
  readonly globalClipnorm?: number | null
  /** Largest size of each element. */
  readonly clipvalue?: number | null
}

export function clipGradients(gradients: readonly Tensor[], { clipnorm, globalClipnorm, clipvalue }: ClippingOptions): readonly Tensor[] {
  if (clipnorm) return gradients.map((gradient) => clipByNorm(gradient, clipnorm))
  if (globalClipnorm) return clipByGlobalNorm(gradients, globalClipnorm)
  if (clipvalue) return gradients.map((gradient) => ops.clip(gradient, -clipvalue, clipvalue))
  return gradients
}

const squareSum = (x: Tensor): Tensor => ops.sum(ops.square(x))

function clipByNorm(gradient: Tensor, limit: number): Tensor {
  const norm = ops.sqrt(squareSum(gradient))
  return ops.divide(ops.multiply(gradient, limit), ops.maximum(norm, limit))
}

function clipByGlobalNorm(gradients: readonly Tensor[], limit: number): Tensor[] {
  const norm = ops.sqrt(gradients.map(squareSum).reduce((sum, next) => ops.add(sum, next)))
  const scale = ops.multiply(limit, ops.minimum(ops.divide(1, norm), 1 / limit))
  // A norm that is not finite makes every gradient NaN, so that it does not go unseen.
  const finiteScale = ops.add(scale, ops.subtract(norm, norm))
  return gradients.map((gradient) => ops.multiply(gradient, ops.cast(finiteScale, gradient.dtype)))
}
