/** Metrics as functions, one value per sample. Follows `keras/src/metrics/accuracy_metrics.py`. */
import { ShapeError } from '../core/errors.js'
import { formatShape, sameShape } from '../core/shape.js'
import type { Tensor } from '../engine/index.js'
import { type AxisOptions, cosineSimilarity as cosineLoss } from '../losses/functions.js'
import { matchRanks } from '../losses/loss.js'
import { epsilon, floatx } from '../ops/config.js'
import { asTensor, type TensorLike } from '../ops/define.js'
import * as ops from '../ops/index.js'

const matches = (where: string, x: Tensor, y: Tensor): Tensor => {
  if (!sameShape(x.shape, y.shape)) {
    throw new ShapeError({
      where,
      problem: 'targets and predictions do not fit',
      expected: `targets of shape ${formatShape(y.shape)}`,
      received: formatShape(x.shape),
    })
  }
  return ops.cast(ops.equal(x, y), floatx())
}

/** 1 where targets and predictions are equal. */
export function accuracy(yTrue: TensorLike, yPred: TensorLike): Tensor {
  const prediction = asTensor(yPred)
  return matches('accuracy', ...matchRanks(ops.cast(asTensor(yTrue), prediction.dtype), prediction))
}

export interface ThresholdOptions {
  /** Above it a prediction means 1. Default 0.5. */
  readonly threshold?: number
}

/** 1 where a probability is on the right side of the threshold; labels 0 and 1. */
export function binaryAccuracy(yTrue: TensorLike, yPred: TensorLike, { threshold = 0.5 }: ThresholdOptions = {}): Tensor {
  const [target, prediction] = matchRanks(asTensor(yTrue), asTensor(yPred))
  return matches('binary_accuracy', target, ops.cast(ops.greater(prediction, threshold), target.dtype))
}

const best = (scores: Tensor): Tensor => ops.argmax(scores, { axis: -1 })

/** One-hot targets (batch, …, classes), scores (batch, …, classes) → (batch, …): 1 where the best score is right. */
export const categoricalAccuracy = (yTrue: TensorLike, yPred: TensorLike): Tensor =>
  matches('categorical_accuracy', best(asTensor(yTrue)), best(asTensor(yPred)))

/** Class numbers, without a last axis of size 1. */
function labelsOf(yTrue: TensorLike, scores: Tensor): Tensor {
  const target = asTensor(yTrue)
  return ops.cast(target.rank === scores.rank && target.shape.at(-1) === 1 ? ops.squeeze(target, -1) : target, 'int32')
}

/** Class numbers (batch, …), scores (batch, …, classes) → (batch, …): 1 where the best score is right. */
export function sparseCategoricalAccuracy(yTrue: TensorLike, yPred: TensorLike): Tensor {
  const scores = asTensor(yPred)
  const result = matches('sparse_categorical_accuracy', labelsOf(yTrue, scores), best(scores))
  return result.rank > 1 && result.shape.at(-1) === 1 ? ops.squeeze(result, -1) : result
}

export interface TopKOptions {
  /** How many of the best scores count. Default 5. */
  readonly k?: number
}

/** 1 where fewer than `k` scores beat that of the right class; a score that is not finite is never right. */
function inTopK(labels: Tensor, scores: Tensor, k: number): Tensor {
  const classes = scores.shape.at(-1) as number
  const isRight = ops.oneHot(labels, { numClasses: classes, dtype: scores.dtype })
  const right = ops.sum(ops.where(ops.greater(isRight, 0), scores, 0), { axis: -1, keepdims: true })
  const better = ops.sum(ops.cast(ops.greater(scores, right), 'int32'), { axis: -1 })
  const isFound = ops.logicalAnd(ops.less(better, k), ops.isfinite(ops.squeeze(right, -1)))
  return ops.cast(isFound, floatx())
}

/** One-hot targets, scores (batch, …, classes) → (batch, …): 1 where the right class is among the best `k`. */
export const topKCategoricalAccuracy = (yTrue: TensorLike, yPred: TensorLike, { k = 5 }: TopKOptions = {}): Tensor =>
  inTopK(best(asTensor(yTrue)), asTensor(yPred), k)

export interface SparseTopKOptions extends TopKOptions {
  /** `yPred` holds class numbers from best to worst instead of scores. Default false. */
  readonly fromSortedIds?: boolean
}

/** Class numbers (batch, …) → (batch, …): 1 where the right class is among the best `k`. */
export function sparseTopKCategoricalAccuracy(
  yTrue: TensorLike,
  yPred: TensorLike,
  { k = 5, fromSortedIds = false }: SparseTopKOptions = {},
): Tensor {
  const prediction = asTensor(yPred)
  const labels = labelsOf(yTrue, prediction)
  if (!fromSortedIds) return inTopK(labels, prediction, k)
  const rank = ops.arange(prediction.shape.at(-1) as number)
  const isFound = ops.logicalAnd(ops.equal(ops.cast(prediction, 'int32'), ops.expandDims(labels, -1)), ops.less(rank, k))
  return ops.cast(ops.any(isFound, { axis: -1 }), floatx())
}

/** The cosine of the angle between targets and predictions: 1 is best (the loss has the other sign). */
export const cosineSimilarity = (yTrue: TensorLike, yPred: TensorLike, options: AxisOptions = {}): Tensor =>
  ops.negative(cosineLoss(yTrue, yPred, options))

/** Targets and predictions as they are, ranks matched. */
const samePair = (yTrue: TensorLike, yPred: TensorLike): [Tensor, Tensor] => {
  const prediction = asTensor(yPred)
  return matchRanks(ops.cast(asTensor(yTrue), prediction.dtype), prediction)
}

/** Pearson's correlation of targets and predictions along `axis`: 1 where one is a rising line of the other. */
export function pearsonCorrelation(yTrue: TensorLike, yPred: TensorLike, { axis = -1 }: AxisOptions = {}): Tensor {
  const [target, prediction] = samePair(yTrue, yPred)
  const standardized = (x: Tensor): Tensor => {
    const centred = ops.subtract(x, ops.mean(x, { axis, keepdims: true }))
    return ops.divide(centred, ops.std(centred, { axis, keepdims: true }))
  }
  return ops.mean(ops.multiply(standardized(target), standardized(prediction)), { axis })
}

/** Lin's concordance correlation along `axis`: 1 where targets and predictions are equal. */
export function concordanceCorrelation(yTrue: TensorLike, yPred: TensorLike, { axis = -1 }: AxisOptions = {}): Tensor {
  const [target, prediction] = samePair(yTrue, yPred)
  const along = { axis, keepdims: true }
  const [targetMean, predictionMean] = [ops.mean(target, along), ops.mean(prediction, along)]
  const covariance = ops.multiply(ops.subtract(target, predictionMean), ops.subtract(prediction, predictionMean))
  const spread = ops.add(
    ops.variance(ops.subtract(target, targetMean), along),
    ops.variance(ops.subtract(prediction, predictionMean), along),
  )
  const norm = ops.add(spread, ops.square(ops.subtract(targetMean, predictionMean)))
  return ops.mean(ops.divide(ops.multiply(2, covariance), ops.add(norm, epsilon())), { axis })
}
