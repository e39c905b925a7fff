/** Losses by how much two regions overlap. Formulae of `keras/src/losses/losses.py`. */
import type { Tensor } from '../engine/index.js'
import { epsilon } from '../ops/config.js'
import { asTensor, type TensorLike } from '../ops/define.js'
import * as ops from '../ops/index.js'

export interface DiceOptions {
  /** The axes of one region; `null`, the default, for everything as one. */
  readonly axis?: number | readonly number[] | null
}

/** 1 - 2 · |A ∩ B| / (|A| + |B|) over `axis`. */
export function dice(yTrue: TensorLike, yPred: TensorLike, { axis = null }: DiceOptions = {}): Tensor {
  const [target, prediction] = pair(yTrue, yPred)
  const sum = (x: Tensor): Tensor => ops.sum(x, { axis })
  const total = ops.add(ops.add(sum(target), sum(prediction)), epsilon())
  return ops.subtract(1, ops.divide(ops.multiply(2, sum(ops.multiply(target, prediction))), total))
}

export interface TverskyOptions extends DiceOptions {
  /** What false positives count. Default 0.5. */
  readonly alpha?: number
  /** What false negatives count. Default 0.5. */
  readonly beta?: number
}

/** 1 - shared / (shared + α · only target + β · only predicted) over `axis` (https://arxiv.org/abs/1706.05721). */
export function tversky(yTrue: TensorLike, yPred: TensorLike, { alpha = 0.5, beta = 0.5, axis = null }: TverskyOptions = {}): Tensor {
  const [target, prediction] = pair(yTrue, yPred)
  const sum = (x: Tensor): Tensor => ops.sum(x, { axis })
  const shared = sum(ops.multiply(target, prediction))
  const onlyTarget = sum(ops.multiply(ops.subtract(1, prediction), target))
  const onlyPredicted = sum(ops.multiply(prediction, ops.subtract(1, target)))
  const total = ops.add(shared, ops.add(ops.multiply(alpha, onlyTarget), ops.multiply(beta, onlyPredicted)))
  return ops.subtract(1, ops.divide(shared, ops.add(total, epsilon())))
}

function pair(yTrue: TensorLike, yPred: TensorLike): [Tensor, Tensor] {
  const prediction = asTensor(yPred)
  return [ops.cast(asTensor(yTrue), prediction.dtype), prediction]
}
