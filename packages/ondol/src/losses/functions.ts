/** Losses as functions of targets and predictions, one value per sample. Formulae of `keras/src/losses/losses.py`. */
import { ShapeError, ValueError } from '../core/errors.js'
import { formatShape, normalizeAxis, sameShape } from '../core/shape.js'
import type { Tensor } from '../engine/index.js'
import { epsilon } from '../ops/config.js'
import { asTensor, type TensorLike } from '../ops/define.js'
import * as ops from '../ops/index.js'
import { matchRanks } from './loss.js'

/** Targets in the dtype of the predictions, ranks matched, shapes checked. */
function pair(where: string, yTrue: TensorLike, yPred: TensorLike): [yTrue: Tensor, yPred: Tensor] {
  const prediction = asTensor(yPred)
  const [target, matched] = matchRanks(ops.cast(asTensor(yTrue), prediction.dtype), prediction)
  if (!sameShape(target.shape, matched.shape)) throw mismatch(where, target, matched)
  return [target, matched]
}

function mismatch(where: string, yTrue: Tensor, yPred: Tensor): ShapeError {
  const looksSparse = yTrue.rank < yPred.rank || (yTrue.shape.at(-1) === 1 && (yPred.shape.at(-1) ?? 1) > 1)
  return new ShapeError({
    where,
    problem: 'targets and predictions have different shapes',
    expected: `targets of shape ${formatShape(yPred.shape)}, as the predictions`,
    received: formatShape(yTrue.shape),
    ...(looksSparse && {
      hint: 'for class numbers use sparse_categorical_crossentropy, or make them one-hot with utils.toCategorical',
    }),
  })
}

const lastMean = (x: Tensor): Tensor => ops.mean(x, { axis: -1 })
const difference = (where: string, yTrue: TensorLike, yPred: TensorLike): Tensor => {
  const [target, prediction] = pair(where, yTrue, yPred)
  return ops.subtract(prediction, target)
}

/** mean((yTrue - yPred)²) over the last axis. */
export const meanSquaredError = (yTrue: TensorLike, yPred: TensorLike): Tensor =>
  lastMean(ops.square(difference('mean_squared_error', yTrue, yPred)))

/** mean(|yTrue - yPred|) over the last axis. */
export const meanAbsoluteError = (yTrue: TensorLike, yPred: TensorLike): Tensor =>
  lastMean(ops.abs(difference('mean_absolute_error', yTrue, yPred)))

/** 100 · mean(|yTrue - yPred| / |yTrue|) over the last axis. */
export function meanAbsolutePercentageError(yTrue: TensorLike, yPred: TensorLike): Tensor {
  const [target, prediction] = pair('mean_absolute_percentage_error', yTrue, yPred)
  const ratio = ops.divide(ops.subtract(target, prediction), ops.maximum(ops.abs(target), epsilon()))
  return ops.multiply(100, lastMean(ops.abs(ratio)))
}

/** mean((log(yTrue + 1) - log(yPred + 1))²) over the last axis. */
export function meanSquaredLogarithmicError(yTrue: TensorLike, yPred: TensorLike): Tensor {
  const [target, prediction] = pair('mean_squared_logarithmic_error', yTrue, yPred)
  const logPlusOne = (x: Tensor): Tensor => ops.log(ops.add(ops.maximum(x, epsilon()), 1))
  return lastMean(ops.square(ops.subtract(logPlusOne(prediction), logPlusOne(target))))
}

/** log(cosh(yPred - yTrue)), without overflow, over the last axis. */
export function logCosh(yTrue: TensorLike, yPred: TensorLike): Tensor {
  const error = difference('log_cosh', yTrue, yPred)
  return lastMean(ops.subtract(ops.add(error, ops.softplus(ops.multiply(error, -2))), Math.LN2))
}

export interface HuberOptions {
  /** Where the loss goes over from quadratic to linear. Default 1. */
  readonly delta?: number
}

/** Quadratic near zero, linear beyond `delta`; mean over the last axis. */
export function huber(yTrue: TensorLike, yPred: TensorLike, { delta = 1 }: HuberOptions = {}): Tensor {
  const error = difference('huber', yTrue, yPred)
  const size = ops.abs(error)
  const linear = ops.subtract(ops.multiply(delta, size), 0.5 * delta * delta)
  return lastMean(ops.where(ops.lessEqual(size, delta), ops.multiply(0.5, ops.square(error)), linear))
}

export interface AxisOptions {
  /** Default -1. */
  readonly axis?: number
}

/** Minus the cosine of the angle between targets and predictions: -1 is best. */
export function cosineSimilarity(yTrue: TensorLike, yPred: TensorLike, { axis = -1 }: AxisOptions = {}): Tensor {
  const [target, prediction] = pair('cosine_similarity', yTrue, yPred)
  const unit = (x: Tensor): Tensor => {
    const square = ops.sum(ops.square(x), { axis, keepdims: true })
    return ops.multiply(x, ops.rsqrt(ops.maximum(square, 1e-12)))
  }
  return ops.negative(ops.sum(ops.multiply(unit(target), unit(prediction)), { axis }))
}

/** Sum(yTrue · log(yTrue / yPred)) over the last axis. */
export function klDivergence(yTrue: TensorLike, yPred: TensorLike): Tensor {
  const [target, prediction] = pair('kl_divergence', yTrue, yPred).map((x) => ops.clip(x, epsilon(), 1)) as [Tensor, Tensor]
  return ops.sum(ops.multiply(target, ops.log(ops.divide(target, prediction))), { axis: -1 })
}

/** mean(yPred - yTrue · log(yPred)) over the last axis. */
export function poisson(yTrue: TensorLike, yPred: TensorLike): Tensor {
  const [target, prediction] = pair('poisson', yTrue, yPred)
  return lastMean(ops.subtract(prediction, ops.multiply(target, ops.log(ops.add(prediction, epsilon())))))
}

/** Labels 0 and 1 become -1 and 1; others stay. */
function signed(target: Tensor): Tensor {
  const isBinary = ops.all(ops.logicalOr(ops.equal(target, 0), ops.equal(target, 1)))
  return ops.where(isBinary, ops.subtract(ops.multiply(2, target), 1), target)
}

/** mean(max(1 - yTrue · yPred, 0)) over the last axis; labels -1 and 1, or 0 and 1. */
export function hinge(yTrue: TensorLike, yPred: TensorLike): Tensor {
  const [target, prediction] = pair('hinge', yTrue, yPred)
  return lastMean(ops.maximum(ops.subtract(1, ops.multiply(signed(target), prediction)), 0))
}

/** As `hinge`, squared. */
export function squaredHinge(yTrue: TensorLike, yPred: TensorLike): Tensor {
  const [target, prediction] = pair('squared_hinge', yTrue, yPred)
  return lastMean(ops.square(ops.maximum(ops.subtract(1, ops.multiply(signed(target), prediction)), 0)))
}

/** max(best wrong score - right score + 1, 0); targets one-hot. */
export function categoricalHinge(yTrue: TensorLike, yPred: TensorLike): Tensor {
  const [target, prediction] = pair('categorical_hinge', yTrue, yPred)
  const right = ops.sum(ops.multiply(target, prediction), { axis: -1 })
  const wrong = ops.max(ops.multiply(ops.subtract(1, target), prediction), { axis: -1 })
  return ops.maximum(ops.add(ops.subtract(wrong, right), 1), 0)
}

export interface CrossentropyOptions extends AxisOptions {
  /** The predictions are logits, not probabilities. Default false. */
  readonly fromLogits?: boolean
  /** Part of the target that is spread over all classes. Default 0. */
  readonly labelSmoothing?: number
}

function requireSmoothing(where: string, labelSmoothing: number): void {
  if (labelSmoothing >= 0 && labelSmoothing <= 1) return
  throw new ValueError({
    where,
    problem: 'labelSmoothing is out of range',
    expected: 'a number from 0 to 1',
    received: `${labelSmoothing}`,
  })
}

/** Targets mixed with `labelSmoothing` of a uniform answer among `classes`. */
function smoothed(where: string, target: Tensor, labelSmoothing: number, classes: number): Tensor {
  requireSmoothing(where, labelSmoothing)
  return labelSmoothing === 0 ? target : ops.add(ops.multiply(target, 1 - labelSmoothing), labelSmoothing / classes)
}

/** Mean over `axis` of the crossentropy of independent yes-or-no answers. */
export function binaryCrossentropy(
  yTrue: TensorLike,
  yPred: TensorLike,
  { fromLogits = false, labelSmoothing = 0, axis = -1 }: CrossentropyOptions = {},
): Tensor {
  const [target, prediction] = pair('binary_crossentropy', yTrue, yPred)
  const answer = smoothed('binary_crossentropy', target, labelSmoothing, 2)
  return ops.mean(ops.binaryCrossentropy(answer, prediction, { fromLogits }), { axis })
}

export interface FocalOptions extends CrossentropyOptions {
  /** How much easy examples are played down. Default 2. */
  readonly gamma?: number
  /** Weight of the yes (binary, default 0.25 with `applyClassBalancing`), or of everything. Default 0.25. */
  readonly alpha?: number
}

export interface BinaryFocalOptions extends FocalOptions {
  /** Weigh yes by `alpha` and no by 1 - `alpha`. Default false. */
  readonly applyClassBalancing?: boolean
}

/** Binary crossentropy times (1 - p of the right answer)^gamma (https://arxiv.org/abs/1708.02002). */
export function binaryFocalCrossentropy(
  yTrue: TensorLike,
  yPred: TensorLike,
  { fromLogits = false, labelSmoothing = 0, axis = -1, gamma = 2, alpha = 0.25, applyClassBalancing = false }: BinaryFocalOptions = {},
): Tensor {
  const [target, given] = pair('binary_focal_crossentropy', yTrue, yPred)
  const yes = smoothed('binary_focal_crossentropy', target, labelSmoothing, 2)
  const no = ops.subtract(1, yes)
  const p = fromLogits ? ops.sigmoid(given) : given
  const right = ops.add(ops.multiply(yes, p), ops.multiply(no, ops.subtract(1, p)))
  const focal = ops.multiply(ops.power(ops.subtract(1, right), gamma), ops.binaryCrossentropy(yes, p))
  const balance = ops.add(ops.multiply(yes, alpha), ops.multiply(no, 1 - alpha))
  return ops.mean(applyClassBalancing ? ops.multiply(balance, focal) : focal, { axis })
}

/** Categorical crossentropy times alpha · (1 - p)^gamma (https://arxiv.org/abs/1708.02002). */
export function categoricalFocalCrossentropy(
  yTrue: TensorLike,
  yPred: TensorLike,
  { fromLogits = false, labelSmoothing = 0, axis = -1, gamma = 2, alpha = 0.25 }: FocalOptions = {},
): Tensor {
  const [target, given] = pair('categorical_focal_crossentropy', yTrue, yPred)
  const answer = smoothed('categorical_focal_crossentropy', target, labelSmoothing, target.shape.at(-1) as number)
  const shares = fromLogits ? ops.softmax(given, { axis }) : given
  const p = ops.clip(ops.divide(shares, ops.sum(shares, { axis, keepdims: true })), epsilon(), 1 - epsilon())
  const factor = ops.multiply(ops.power(ops.subtract(1, p), gamma), alpha)
  return ops.sum(ops.multiply(factor, ops.negative(ops.multiply(answer, ops.log(p)))), { axis })
}

/** (batch, …, classes) one-hot, (batch, …, classes) → (batch, …). */
export function categoricalCrossentropy(
  yTrue: TensorLike,
  yPred: TensorLike,
  { fromLogits = false, labelSmoothing = 0, axis = -1 }: CrossentropyOptions = {},
): Tensor {
  const [target, prediction] = pair('categorical_crossentropy', yTrue, yPred)
  const answer = smoothed('categorical_crossentropy', target, labelSmoothing, target.shape.at(-1) as number)
  return ops.categoricalCrossentropy(answer, prediction, { fromLogits, axis })
}

export interface SparseCrossentropyOptions extends AxisOptions {
  /** The predictions are logits, not probabilities. Default false. */
  readonly fromLogits?: boolean
  /** Class number of places that do not count. */
  readonly ignoreClass?: number | null
}

/** Class numbers as int32, without a last axis of size 1. */
export function classNumbers(yTrue: TensorLike, yPred: Tensor, axis: number): Tensor {
  const target = ops.cast(asTensor(yTrue), 'int32')
  return target.rank === yPred.rank && target.shape.at(axis) === 1 ? ops.squeeze(target, axis) : target
}

/** (batch, …) class numbers, (batch, …, classes) → (batch, …). Ignored places give 0. */
export function sparseCategoricalCrossentropy(
  yTrue: TensorLike,
  yPred: TensorLike,
  { fromLogits = false, ignoreClass = null, axis = -1 }: SparseCrossentropyOptions = {},
): Tensor {
  const prediction = asTensor(yPred)
  const target = classNumbers(yTrue, prediction, axis)
  const classAxis = normalizeAxis(axis, prediction.rank, 'sparse_categorical_crossentropy')
  const places = prediction.shape.filter((_, at) => at !== classAxis)
  if (!sameShape(target.shape, places)) {
    throw new ShapeError({
      where: 'sparse_categorical_crossentropy',
      problem: 'targets do not fit the predictions',
      expected: `class numbers of shape ${formatShape(places)} or ${formatShape([...places, 1])}`,
      received: `targets ${formatShape(target.shape)} for predictions ${formatShape(prediction.shape)}`,
      ...(sameShape(target.shape, prediction.shape) && { hint: 'one-hot targets go with categorical_crossentropy' }),
    })
  }
  if (ignoreClass === null) return ops.sparseCategoricalCrossentropy(target, prediction, { fromLogits, axis })
  const isValid = ops.notEqual(target, ignoreClass)
  const safeTarget = ops.where(isValid, target, 0)
  const safePrediction = ops.where(ops.expandDims(isValid, classAxis), prediction, 0)
  return ops.where(isValid, ops.sparseCategoricalCrossentropy(safeTarget, safePrediction, { fromLogits, axis }), 0)
}

export interface GeneralizedCrossentropyOptions {
  /** From 0, as crossentropy, to 1, as mean absolute error. Default 0.5. */
  readonly q?: number
}

/** (1 - pᵍ) / q for the chance p of the right class: less moved by wrong labels (https://arxiv.org/abs/1805.07836). Targets are class numbers. */
export function categoricalGeneralizedCrossEntropy(
  yTrue: TensorLike,
  yPred: TensorLike,
  { q = 0.5 }: GeneralizedCrossentropyOptions = {},
): Tensor {
  const where = 'categorical_generalized_cross_entropy'
  if (!(q > 0 && q < 1)) throw new ValueError({ where, problem: 'q is out of range', expected: 'between 0 and 1', received: `${q}` })
  const prediction = asTensor(yPred)
  const target = classNumbers(yTrue, prediction, -1)
  const isRight = ops.oneHot(target, { numClasses: prediction.shape.at(-1) as number, dtype: prediction.dtype })
  const p = ops.sum(ops.multiply(prediction, isRight), { axis: -1 })
  return ops.divide(ops.subtract(1, ops.power(p, q)), q)
}

/** Connectionist temporal classification: labels (batch, labels) padded with 0, logits (batch, steps, classes) → (batch,). */
export function ctc(yTrue: TensorLike, yPred: TensorLike): Tensor {
  const scores = asTensor(yPred)
  const labels = ops.cast(asTensor(yTrue), 'int32')
  const lengths = ops.sum(ops.cast(ops.notEqual(labels, 0), 'int32'), { axis: -1 })
  return ops.ctcLoss(labels, scores, lengths, ops.full([scores.shape[0] ?? 0], scores.shape[1] ?? 0, 'int32'))
}
