/** The losses as objects: one table of name, function and options. */
import { ownOptions } from '../core/known-options.js'
import { toKerasConfig } from '../core/spelling.js'
import type { Tensor } from '../engine/index.js'
import { asTensor, type TensorLike } from '../ops/define.js'
import * as ops from '../ops/index.js'
import * as functions from './functions.js'
import { Loss, type LossOptions } from './loss.js'
import { type DiceOptions, dice, type TverskyOptions, tversky } from './overlap.js'

/** A loss as a function: (batch, …), (batch, …) → (batch, …). */
export type LossFunction<P extends object = object> = (yTrue: TensorLike, yPred: TensorLike, options?: P) => Tensor

/** A loss object around any function of targets and predictions. */
export class LossFunctionWrapper<P extends object = object> extends Loss {
  constructor(
    readonly fn: LossFunction<P>,
    options: LossOptions = {},
    readonly parameters?: P,
  ) {
    super(options)
  }

  override get className(): string {
    return 'LossFunctionWrapper'
  }

  call(yTrue: Tensor, yPred: Tensor): Tensor {
    return this.parameters === undefined ? this.fn(yTrue, yPred) : this.fn(yTrue, yPred, this.parameters)
  }
}

/** Constructor of a loss with options `P` of its own. */
export type LossClass<P> = new (options?: LossOptions & P) => Loss

function lossClass<P extends object>(className: string, name: string, fn: LossFunction<P>, defaults: Required<P>): LossClass<P> {
  return class extends LossFunctionWrapper<Required<P>> {
    constructor(...args: readonly unknown[]) {
      const [own, rest] = ownOptions(defaults, args)
      super(fn as LossFunction<Required<P>>, { name, ...rest }, own)
    }

    protected override get optionNames(): readonly string[] {
      return Object.keys(defaults)
    }

    override get className(): string {
      return className
    }

    override getConfig(): Record<string, unknown> {
      return { ...super.getConfig(), ...toKerasConfig(this.parameters as Record<string, unknown>) }
    }
  }
}

const plain = (className: string, name: string, fn: LossFunction): LossClass<object> => lossClass(className, name, fn, {})

export const MeanSquaredError = plain('MeanSquaredError', 'mean_squared_error', functions.meanSquaredError)
export const MeanAbsoluteError = plain('MeanAbsoluteError', 'mean_absolute_error', functions.meanAbsoluteError)
export const MeanAbsolutePercentageError = plain(
  'MeanAbsolutePercentageError',
  'mean_absolute_percentage_error',
  functions.meanAbsolutePercentageError,
)
export const MeanSquaredLogarithmicError = plain(
  'MeanSquaredLogarithmicError',
  'mean_squared_logarithmic_error',
  functions.meanSquaredLogarithmicError,
)
export const LogCosh = plain('LogCosh', 'log_cosh', functions.logCosh)
export const KLDivergence = plain('KLDivergence', 'kl_divergence', functions.klDivergence)
export const Poisson = plain('Poisson', 'poisson', functions.poisson)
export const Hinge = plain('Hinge', 'hinge', functions.hinge)
export const SquaredHinge = plain('SquaredHinge', 'squared_hinge', functions.squaredHinge)
export const CategoricalHinge = plain('CategoricalHinge', 'categorical_hinge', functions.categoricalHinge)
export const Huber = lossClass<functions.HuberOptions>('Huber', 'huber_loss', functions.huber, { delta: 1 })
export const CosineSimilarity = lossClass<functions.AxisOptions>('CosineSimilarity', 'cosine_similarity', functions.cosineSimilarity, {
  axis: -1,
})

const CROSSENTROPY = { fromLogits: false, labelSmoothing: 0, axis: -1 }
export const BinaryCrossentropy = lossClass<functions.CrossentropyOptions>(
  'BinaryCrossentropy',
  'binary_crossentropy',
  functions.binaryCrossentropy,
  CROSSENTROPY,
)
export const CategoricalCrossentropy = lossClass<functions.CrossentropyOptions>(
  'CategoricalCrossentropy',
  'categorical_crossentropy',
  functions.categoricalCrossentropy,
  CROSSENTROPY,
)
export const BinaryFocalCrossentropy = lossClass<functions.BinaryFocalOptions>(
  'BinaryFocalCrossentropy',
  'binary_focal_crossentropy',
  functions.binaryFocalCrossentropy,
  {
    ...CROSSENTROPY,
    gamma: 2,
    alpha: 0.25,
    applyClassBalancing: false,
  },
)
export const CategoricalFocalCrossentropy = lossClass<functions.FocalOptions>(
  'CategoricalFocalCrossentropy',
  'categorical_focal_crossentropy',
  functions.categoricalFocalCrossentropy,
  { ...CROSSENTROPY, gamma: 2, alpha: 0.25 },
)

export const Dice = lossClass<DiceOptions>('Dice', 'dice', dice, { axis: null })
export const Tversky = lossClass<TverskyOptions>('Tversky', 'tversky', tversky, { alpha: 0.5, beta: 0.5, axis: null })
export const CTC = plain('CTC', 'ctc', functions.ctc)
export const CategoricalGeneralizedCrossEntropy = lossClass<functions.GeneralizedCrossentropyOptions>(
  'CategoricalGeneralizedCrossEntropy',
  'categorical_generalized_cross_entropy',
  functions.categoricalGeneralizedCrossEntropy,
  { q: 0.5 },
)

/** Crossentropy of class numbers. Places of `ignoreClass` count neither in the loss nor in its mean. */
export class SparseCategoricalCrossentropy extends Loss {
  readonly fromLogits: boolean
  readonly ignoreClass: number | null
  readonly axis: number

  constructor({ fromLogits = false, ignoreClass = null, axis = -1, ...options }: LossOptions & functions.SparseCrossentropyOptions = {}) {
    super({ name: 'sparse_categorical_crossentropy', ...options })
    this.fromLogits = fromLogits
    this.ignoreClass = ignoreClass
    this.axis = axis
  }

  override get className(): string {
    return 'SparseCategoricalCrossentropy'
  }

  protected override get optionNames(): readonly string[] {
    return ['fromLogits', 'ignoreClass', 'axis']
  }

  /** Class numbers stay whole: float32 could not hold those beyond 2²⁴. */
  protected override prepareTarget(yTrue: TensorLike): Tensor {
    return ops.cast(asTensor(yTrue), 'int32')
  }

  protected override ownMask(yTrue: Tensor, yPred: Tensor): Tensor | null {
    return this.ignoreClass === null ? null : ops.notEqual(functions.classNumbers(yTrue, yPred, this.axis), this.ignoreClass)
  }

  call(yTrue: Tensor, yPred: Tensor): Tensor {
    const { fromLogits, ignoreClass, axis } = this
    return functions.sparseCategoricalCrossentropy(yTrue, yPred, { fromLogits, ignoreClass, axis })
  }

  override getConfig(): Record<string, unknown> {
    return { ...super.getConfig(), from_logits: this.fromLogits, ignore_class: this.ignoreClass, axis: this.axis }
  }
}
