/** The base of all losses: dtype, sample weights, masks and reduction. Follows `keras/src/losses/loss.py`. */
import { Callable, INVOKE } from '../core/callable.js'
import type { DType } from '../core/dtype.js'
import { ShapeError, ValueError } from '../core/errors.js'
import { refuseUnknownOptions } from '../core/known-options.js'
import { formatShape } from '../core/shape.js'
import type { Tensor } from '../engine/index.js'
import { floatx } from '../ops/config.js'
import { asTensor, type TensorLike } from '../ops/define.js'
import * as ops from '../ops/index.js'
import { autoName } from '../ops/naming.js'

const OPTIONS = ['reduction', 'name', 'dtype']
const REDUCTIONS = ['sum_over_batch_size', 'sum', 'mean', 'mean_with_sample_weight', 'none'] as const

/**
 * How a loss per sample becomes one number: `sum_over_batch_size` and `mean` divide the sum by the number of
 * values (weights do not change the divisor), `mean_with_sample_weight` by the sum of the weights.
 */
export type Reduction = (typeof REDUCTIONS)[number]

export interface LossOptions {
  /** Default `'sum_over_batch_size'`; `null` is `'none'`. */
  readonly reduction?: Reduction | null
  /** Default: the class's name in snake case. */
  readonly name?: string
  /** What it computes in. Default `config.floatx()`. */
  readonly dtype?: DType
}

export interface Loss {
  /**
   * The reduced loss. `mask` is true where a value counts.
   *
   * @throws ShapeError when the shapes of targets, predictions and weights do not fit.
   */
  // biome-ignore lint/style/useShorthandFunctionType: merges with the class
  (yTrue: TensorLike, yPred: TensorLike, sampleWeight?: TensorLike | null, mask?: Tensor | null): Tensor
}

/**
 * A loss: `call(yTrue, yPred)` gives a value per sample, calling the object reduces them.
 *
 * @example
 * class Exponential extends losses.Loss {
 *   call(yTrue: Tensor, yPred: Tensor) { return ops.mean(ops.exp(ops.abs(ops.subtract(yTrue, yPred))), -1) }
 * }
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: instances are callable
export abstract class Loss extends Callable {
  readonly name: string
  readonly reduction: Reduction
  readonly dtype: DType

  /** @throws ValueError for an option that no loss has: a subclass takes its own out first. */
  constructor({ reduction = 'sum_over_batch_size', name, dtype = floatx(), ...rest }: LossOptions = {}) {
    super()
    this.name = name ?? autoName(this.className)
    refuseUnknownOptions(this.name, rest, [], [...this.optionNames, ...OPTIONS])
    this.reduction = reduction ?? 'none'
    if (!REDUCTIONS.includes(this.reduction)) {
      throw new ValueError({ where: this.name, problem: 'unknown reduction', expected: REDUCTIONS.join(', '), received: String(reduction) })
    }
    this.dtype = dtype
  }

  /** Options beside those of every loss, to be offered to who misspells one. */
  protected get optionNames(): readonly string[] {
    return []
  }

  /** Keras's class name, as written to files. */
  get className(): string {
    return this.constructor.name
  }

  /** (batch, …), (batch, …) → (batch, …): a value per sample. */
  abstract call(yTrue: Tensor, yPred: Tensor): Tensor

  /** Targets as `call` wants them: in the loss's dtype. Losses on class numbers override it. */
  protected prepareTarget(yTrue: TensorLike): Tensor {
    return ops.cast(asTensor(yTrue), this.dtype)
  }

  /** A mask of the loss's own, beside that of the predictions. */
  protected ownMask(_yTrue: Tensor, _yPred: Tensor): Tensor | null {
    return null
  }

  /** A mask that the values themselves decide on. */
  protected valueMask(_values: Tensor): Tensor | null {
    return null
  }

  override [INVOKE](...args: unknown[]): Tensor {
    const [target, prediction, sampleWeight, mask] = args as [TensorLike, TensorLike, (TensorLike | null)?, (Tensor | null)?]
    const yTrue = this.prepareTarget(target)
    const yPred = ops.cast(asTensor(prediction), this.dtype)
    const values = this.call(yTrue, yPred)
    const masks = [mask, this.ownMask(yTrue, yPred), this.valueMask(values)].filter((one) => one != null)
    const both = masks.length === 0 ? null : masks.reduce((a, b) => ops.logicalAnd(a, b))
    return reduceWeighted(values, { reduction: this.reduction, sampleWeight, mask: both, where: this.name })
  }

  /** Keras's config, in its spelling. */
  getConfig(): Record<string, unknown> {
    return { name: this.name, reduction: this.reduction }
  }
}

/** Makes ranks that differ by a last axis of size 1 equal: (n,) and (n, 1) meet as (n, 1), others lose the axis. */
export function matchRanks(x: Tensor, y: Tensor): [Tensor, Tensor] {
  if (x.rank === y.rank + 1 && x.shape.at(-1) === 1) return y.rank === 1 ? [x, ops.expandDims(y, -1)] : [ops.squeeze(x, -1), y]
  if (y.rank === x.rank + 1 && y.shape.at(-1) === 1) return x.rank === 1 ? [ops.expandDims(x, -1), y] : [x, ops.squeeze(y, -1)]
  return [x, y]
}

interface Weighting {
  readonly reduction: Reduction
  readonly sampleWeight?: TensorLike | null | undefined
  readonly mask?: Tensor | null | undefined
  readonly where: string
}

/** Weighs and reduces losses per sample. */
export function reduceWeighted(values: Tensor, { reduction, sampleWeight, mask, where }: Weighting): Tensor {
  const weights = applyMask(sampleWeight, mask, values.dtype, reduction)
  if (weights === null) return reduceValues(values, null, reduction)
  const [matched, given] = matchRanks(values, weights)
  const matchedWeights = alongSamples(given, matched)
  requireBroadcast(matched, matchedWeights, where)
  return reduceValues(ops.multiply(matched, matchedWeights), matchedWeights, reduction)
}

function requireBroadcast(values: Tensor, weights: Tensor, where: string): void {
  const offset = values.rank - weights.rank
  const fits = offset >= 0 && weights.shape.every((size, axis) => size === 1 || size === values.shape[axis + offset])
  if (fits) return
  throw new ShapeError({
    where,
    problem: 'sample weights do not fit the losses per sample',
    expected: `a shape that broadcasts to ${formatShape(values.shape)}`,
    received: formatShape(weights.shape),
    hint: 'one weight a sample has shape (batch,); one a time step (batch, steps)',
  })
}

function reduceValues(values: Tensor, weights: Tensor | null, reduction: Reduction): Tensor {
  if (reduction === 'none' || values.rank === 0) return values
  const total = ops.sum(values)
  if (reduction === 'sum') return total
  if (reduction === 'mean_with_sample_weight' && weights !== null) return ops.divideNoNan(total, ops.sum(weights))
  return values.size === 0 ? total : ops.divide(total, values.size)
}

/**
 * Mask and sample weights as one weight. For a mean over all values, valid ones weigh total/valid, so
 * that dividing by the total gives the mean over the valid.
 */
export function applyMask(
  sampleWeight: TensorLike | null | undefined,
  mask: Tensor | null | undefined,
  dtype: DType,
  reduction: Reduction,
): Tensor | null {
  const weights = sampleWeight == null ? null : ops.cast(asTensor(sampleWeight), dtype)
  if (mask == null) return weights
  let maskWeights = ops.cast(mask, dtype)
  if (reduction === 'mean' || reduction === 'sum_over_batch_size') {
    const scale = ops.divideNoNan(maskWeights.size, ops.sum(maskWeights))
    maskWeights = ops.multiply(maskWeights, ops.cast(scale, dtype))
  }
  if (weights === null) return maskWeights
  const [left, right] = matchRanks(maskWeights, weights)
  return ops.multiply(left, alongSamples(right, left))
}

/** Weights by sample go to all that a sample has, as time steps: (batch,) to (batch, steps). */
function alongSamples(weights: Tensor, values: Tensor): Tensor {
  const isBySample = weights.rank > 0 && weights.rank < values.rank && weights.shape.every((size, axis) => size === values.shape[axis])
  if (!isBySample) return weights
  const widened = ops.reshape(weights, [...weights.shape, ...new Array<number>(values.rank - weights.rank).fill(1)])
  return ops.broadcastTo(widened, values.shape)
}
