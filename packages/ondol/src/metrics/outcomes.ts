/**
 * True and false positives and negatives at many thresholds. Follows `keras/src/metrics/metrics_utils.py`: a
 * prediction is positive when it is above the threshold.
 */
import type { DType } from '../core/dtype.js'
import { ShapeError, ValueError } from '../core/errors.js'
import { formatShape } from '../core/shape.js'
import { lax, type Tensor } from '../engine/index.js'
import { applyMask, matchRanks } from '../losses/loss.js'
import { asTensor, type TensorLike } from '../ops/define.js'
import * as ops from '../ops/index.js'

/** Weighted counts, one for each threshold: (thresholds,), or (thresholds, labels) for several labels. */
export interface Outcomes {
  readonly truePositives: Tensor
  readonly falsePositives: Tensor
  readonly trueNegatives: Tensor
  readonly falseNegatives: Tensor
}

export interface CountOptions {
  readonly thresholds: readonly number[]
  readonly dtype: DType
  /** Only the best `topK` scores of a row can be positive. */
  readonly topK?: number | null
  /** Count one class of the last axis only. */
  readonly classId?: number | null
  readonly sampleWeight?: TensorLike | null | undefined
  readonly mask?: Tensor | null | undefined
  /** Count the labels of the last axis apart. */
  readonly multiLabel?: boolean
  readonly labelWeights?: readonly number[] | null
}

/** Below every score: the threshold that goes with `topK`. */
export const LOWEST = -1e10

/** Thresholds from an option: one, several, or a default; all from 0 to 1. */
export function thresholdsOf(where: string, thresholds: number | readonly number[] | null | undefined, byDefault: number): number[] {
  if (thresholds === null || thresholds === undefined) return [byDefault]
  const list = typeof thresholds === 'number' ? [thresholds] : [...thresholds]
  const invalid = list.filter((threshold) => !(threshold >= 0 && threshold <= 1))
  if (invalid.length === 0) return list
  throw new ValueError({ where, problem: 'thresholds out of range', expected: 'numbers from 0 to 1', received: invalid.join(', ') })
}

/** Far more than tell curves apart; a file may ask for any number. */
const MOST_THRESHOLDS = 2 ** 20

/** `count` thresholds at equal distances from 0 to 1. */
export function evenThresholds(count: number): number[] {
  if (count > MOST_THRESHOLDS)
    throw new ValueError({ problem: 'there are too many thresholds', expected: `at most ${MOST_THRESHOLDS}`, received: String(count) })
  return [0, ...Array.from({ length: count - 2 }, (_, i) => (i + 1) / (count - 1)), 1]
}

/** Equal distances from 0 to 1, give or take what AUC adds at the ends: then predictions can be counted by bucket. */
function areEven(thresholds: readonly number[]): boolean {
  const last = thresholds.length - 1
  return last >= 2 && thresholds.every((threshold, i) => Math.abs(threshold - i / last) <= 1e-5 * (i / last) + 2e-7)
}

/** Counts one batch. */
export function countOutcomes(where: string, yTrue: TensorLike, yPred: TensorLike, options: CountOptions): Outcomes {
  const { thresholds, dtype, topK, classId, multiLabel = false, labelWeights } = options
  const [given, real] = matchRanks(ops.cast(asTensor(yPred), dtype), ops.cast(asTensor(yTrue), dtype))
  const chosen = (x: Tensor): Tensor => (classId == null ? x : oneClass(where, x, classId))
  const scores = chosen(topK == null ? given : onlyBest(given, topK))
  const labels = chosen(real)
  let weights = weightsFor(labels, applyMask(options.sampleWeight, options.mask, dtype, 'sum'))
  if (labelWeights) weights = ops.multiply(weights ?? 1, ops.expandDims(ops.convertToTensor(labelWeights, dtype), 0))
  if (weights !== null) weights = ops.broadcastTo(weights, scores.shape)
  const flat = multiLabel ? (x: Tensor): Tensor => x : (x: Tensor): Tensor => ops.reshape(x, [-1])
  const isTrue = flat(ops.cast(ops.cast(labels, 'bool'), dtype))
  const isFalse = ops.subtract(1, isTrue)
  const weigh = (x: Tensor): Tensor => (weights === null ? x : ops.multiply(x, flat(weights)))
  const counter = areEven(thresholds) ? countByBucket : countByComparison
  const [truePositives, falsePositives] = counter([weigh(isTrue), weigh(isFalse)], flat(scores), thresholds) as [Tensor, Tensor]
  return {
    truePositives,
    falsePositives,
    trueNegatives: ops.subtract(ops.sum(weigh(isFalse), { axis: 0 }), falsePositives),
    falseNegatives: ops.subtract(ops.sum(weigh(isTrue), { axis: 0 }), truePositives),
  }
}

/** Weights of samples reach over their labels. */
function weightsFor(labels: Tensor, weights: Tensor | null): Tensor | null {
  if (weights === null || weights.rank >= labels.rank) return weights
  return ops.reshape(weights, [...weights.shape, ...labels.shape.slice(weights.rank).map(() => 1)])
}

function onlyBest(scores: Tensor, k: number): Tensor {
  const [, places] = ops.topK(scores, k) as [Tensor, Tensor]
  const isBest = ops.sum(ops.oneHot(places, { numClasses: scores.shape.at(-1) as number, dtype: scores.dtype }), { axis: -2 })
  return ops.where(ops.greater(isBest, 0), scores, LOWEST)
}

function oneClass(where: string, x: Tensor, classId: number): Tensor {
  const classes = x.shape.at(-1) as number
  if (x.rank < 2 || !(classId >= 0 && classId < classes)) {
    throw new ShapeError({
      where,
      problem: `there is no class ${classId}`,
      expected: 'targets and predictions (batch, …, classes) with that class',
      received: formatShape(x.shape),
    })
  }
  return ops.take(x, [classId], { axis: -1 })
}

/** Every prediction against every threshold. */
function countByComparison(counted: readonly Tensor[], scores: Tensor, thresholds: readonly number[]): Tensor[] {
  const limits = ops.reshape(ops.convertToTensor(thresholds, scores.dtype), [thresholds.length, ...scores.shape.map(() => 1)])
  const isPositive = ops.greater(ops.expandDims(scores, 0), limits)
  return counted.map((x) => ops.sum(ops.where(isPositive, ops.expandDims(x, 0), 0), { axis: 1 }))
}

/** Predictions fall into buckets between thresholds; a threshold counts all buckets above it. */
function countByBucket(counted: readonly Tensor[], scores: Tensor, thresholds: readonly number[]): Tensor[] {
  const count = thresholds.length
  // Bucket 0 takes what is above no threshold.
  const place = ops.ceil(ops.multiply(ops.clip(scores, 0, 1), count - 1))
  const hasLowEnd = (thresholds[0] as number) < 0
  const bucket = ops.cast(hasLowEnd ? ops.maximum(place, 1) : place, 'int32')
  const labels = scores.rank === 2 ? (scores.shape[1] as number) : 1
  const column = scores.rank === 2 ? ops.add(ops.multiply(bucket, labels), ops.arange(labels)) : bucket
  return counted.map((x) => {
    const size = (count + 1) * labels
    const sums = lax.scatterAdd(ops.zeros([size], x.dtype), ops.reshape(column, [-1]), ops.reshape(x, [-1]), 0)
    const table = ops.reshape(sums, scores.rank === 2 ? [count + 1, labels] : [count + 1])
    const above = lax.cumSum(table, 0, true)
    return lax.slice(above, [1, ...above.shape.slice(1).map(() => 0)], [count, ...above.shape.slice(1)])
  })
}
