/** Intersection over union from a running confusion matrix. Follows `keras/src/metrics/iou_metrics.py`. */
import { ValueError } from '../core/errors.js'
import { byName } from '../core/positional.js'
import { lax, type Tensor, type Variable } from '../engine/index.js'
import { applyMask } from '../losses/loss.js'
import { epsilon } from '../ops/config.js'
import { asTensor, type TensorLike } from '../ops/define.js'
import * as ops from '../ops/index.js'
import { Metric, type MetricOptions } from './metric.js'

export interface MeanIoUOptions extends MetricOptions {
  /** A class that is not counted, such as a border. */
  readonly ignoreClass?: number | null
  /** Targets are class numbers, not one-hot. Default true. */
  readonly sparseYTrue?: boolean
  /** Predictions are class numbers, not scores. Default true. */
  readonly sparseYPred?: boolean
  /** Where the classes are, if they are not class numbers. Default -1. */
  readonly axis?: number
}

export interface IoUOptions extends MeanIoUOptions {
  /** How many classes there are. */
  readonly numClasses: number
  /** The classes whose IoU is averaged. */
  readonly targetClassIds: readonly number[]
}

/** What the metrics here differ in: names and defaults. */
interface Kind {
  readonly className: string
  readonly name: string
}

/** The mean over some classes of true positives / (predicted + real - true positives). */
abstract class ConfusionIoU extends Metric {
  readonly numClasses: number
  readonly targetClassIds: readonly number[]
  readonly ignoreClass: number | null
  readonly sparseYTrue: boolean
  readonly sparseYPred: boolean
  readonly axis: number
  readonly #kind: Kind
  readonly #matrix: Variable

  constructor(kind: Kind, options: IoUOptions) {
    const { numClasses, targetClassIds, ignoreClass = null, sparseYTrue = true, sparseYPred = true, axis = -1, ...rest } = options
    super({ ...rest, name: rest.name ?? kind.name, dtype: rest.dtype ?? 'int32' })
    if (!(Number.isInteger(numClasses) && numClasses > 0)) throw invalid(kind, 'numClasses', 'a whole number of at least 1', numClasses)
    const stranger = targetClassIds.find((id) => !(Number.isInteger(id) && id >= 0 && id < numClasses))
    if (stranger !== undefined) throw invalid(kind, 'targetClassIds', `class numbers from 0 to ${numClasses - 1}`, stranger)
    this.#kind = kind
    this.numClasses = numClasses
    this.targetClassIds = targetClassIds
    this.ignoreClass = ignoreClass
    this.sparseYTrue = sparseYTrue
    this.sparseYPred = sparseYPred
    this.axis = axis
    this.#matrix = this.addVariable('total_confusion_matrix', { shape: [numClasses, numClasses] })
  }

  override get className(): string {
    return this.#kind.className
  }

  protected override get optionNames(): readonly string[] {
    return ['numClasses', 'targetClassIds', 'ignoreClass', 'sparseYTrue', 'sparseYPred', 'axis']
  }

  override get direction(): 'up' {
    return 'up'
  }

  override updateState(yTrue: TensorLike, yPred?: TensorLike | null, sampleWeight?: TensorLike | null, mask?: Tensor | null): void {
    const { numClasses, dtype, ignoreClass, axis } = this
    const classes = (x: Tensor, isSparse: boolean): Tensor => ops.cast(ops.reshape(isSparse ? x : ops.argmax(x, axis), [-1]), 'int32')
    const real = classes(asTensor(yTrue), this.sparseYTrue)
    const predicted = classes(asTensor(yPred as TensorLike), this.sparseYPred)
    const weights = applyMask(sampleWeight, mask, dtype, 'sum')
    const isInside = (x: Tensor): Tensor => ops.logicalAnd(ops.greaterEqual(x, 0), ops.less(x, numClasses))
    let counts = ops.logicalAnd(isInside(real), isInside(predicted))
    if (ignoreClass !== null) counts = ops.logicalAnd(counts, ops.notEqual(real, ignoreClass))
    const weight = weights === null ? ops.ones(real.shape, dtype) : ops.broadcastTo(ops.reshape(weights, [-1]), real.shape)
    const cell = ops.where(counts, ops.add(ops.multiply(real, numClasses), predicted), 0)
    const added = lax.scatterAdd(ops.zeros([numClasses * numClasses], dtype), cell, ops.where(counts, weight, ops.zerosLike(weight)), 0)
    this.#matrix.assignAdd(ops.reshape(added, [numClasses, numClasses]))
  }

  override result(): Tensor {
    const matrix = ops.cast(this.#matrix.value, 'float32')
    const right = ops.sum(ops.multiply(matrix, ops.eye(this.numClasses)), { axis: 0 })
    const union = ops.subtract(ops.add(ops.sum(matrix, { axis: 0 }), ops.sum(matrix, { axis: 1 })), right)
    const wanted = (x: Tensor): Tensor => ops.take(x, this.targetClassIds, { axis: 0 })
    const isSeen = ops.cast(ops.greater(wanted(union), 1e-9), 'float32')
    const iou = ops.multiply(isSeen, ops.divide(wanted(right), ops.add(wanted(union), epsilon())))
    return ops.divide(ops.sum(iou), ops.add(ops.sum(isSeen), epsilon()))
  }

  /** The config with those of its own options that the class has. */
  protected configWith(...keys: readonly ('targetClassIds' | 'sparseYTrue')[]): Record<string, unknown> {
    return {
      ...super.getConfig(),
      num_classes: this.numClasses,
      ...(keys.includes('targetClassIds') && { target_class_ids: [...this.targetClassIds] }),
      ignore_class: this.ignoreClass,
      ...(keys.includes('sparseYTrue') && { sparse_y_true: this.sparseYTrue }),
      sparse_y_pred: this.sparseYPred,
      axis: this.axis,
    }
  }
}

const invalid = ({ className }: Kind, option: string, expected: string, received: unknown): ValueError =>
  new ValueError({ where: className, problem: `${option} does not fit`, expected, received: String(received) })

const allOf = (numClasses: number): number[] => Array.from({ length: numClasses }, (_, i) => i)

/** The mean IoU of some classes; targets and predictions are class numbers unless told otherwise. */
export class IoU extends ConfusionIoU {
  constructor(numClasses: number, targetClassIds: readonly number[], options?: MeanIoUOptions)
  constructor(options: IoUOptions)
  constructor(...args: readonly unknown[]) {
    super({ className: 'IoU', name: 'io_u' }, byName<IoUOptions>(['numClasses', 'targetClassIds'], args))
  }

  override getConfig(): Record<string, unknown> {
    return this.configWith('targetClassIds', 'sparseYTrue')
  }
}

/** The mean IoU of all classes. */
export class MeanIoU extends ConfusionIoU {
  constructor(numClasses: number, options?: MeanIoUOptions)
  constructor(options: MeanIoUOptions & { readonly numClasses: number })
  constructor(...args: readonly unknown[]) {
    const options = byName<MeanIoUOptions & { readonly numClasses: number }>(['numClasses'], args)
    super({ className: 'MeanIoU', name: 'mean_io_u' }, { ...options, targetClassIds: allOf(options.numClasses) })
  }

  override getConfig(): Record<string, unknown> {
    return this.configWith('sparseYTrue')
  }
}

export interface BinaryIoUOptions extends MetricOptions {
  /** Default [0, 1]. */
  readonly targetClassIds?: readonly number[]
  /** From it on a prediction means 1. Default 0.5. */
  readonly threshold?: number
}

/** The mean IoU of 0 and 1; predictions are probabilities. */
export class BinaryIoU extends ConfusionIoU {
  readonly threshold: number

  constructor({ targetClassIds = [0, 1], threshold = 0.5, ...options }: BinaryIoUOptions = {}) {
    super({ className: 'BinaryIoU', name: 'binary_io_u' }, { ...options, numClasses: 2, targetClassIds })
    this.threshold = threshold
  }

  override updateState(yTrue: TensorLike, yPred?: TensorLike | null, sampleWeight?: TensorLike | null, mask?: Tensor | null): void {
    const isOne = ops.greaterEqual(ops.cast(asTensor(yPred as TensorLike), 'float32'), this.threshold)
    super.updateState(yTrue, ops.cast(isOne, 'int32'), sampleWeight, mask)
  }

  override getConfig(): Record<string, unknown> {
    return { name: this.name, dtype: this.dtype, target_class_ids: [...this.targetClassIds], threshold: this.threshold }
  }
}

export type OneHotMeanIoUOptions = Omit<MeanIoUOptions, 'sparseYTrue'>
export type OneHotIoUOptions = Omit<IoUOptions, 'sparseYTrue'>

/** The mean IoU of some classes; targets are one-hot, predictions scores. */
export class OneHotIoU extends ConfusionIoU {
  constructor(numClasses: number, targetClassIds: readonly number[], options?: OneHotMeanIoUOptions)
  constructor(options: OneHotIoUOptions)
  constructor(...args: readonly unknown[]) {
    const options = byName<OneHotIoUOptions>(['numClasses', 'targetClassIds'], args)
    super({ className: 'OneHotIoU', name: 'one_hot_io_u' }, { sparseYPred: false, ...options, sparseYTrue: false })
  }

  override getConfig(): Record<string, unknown> {
    return this.configWith('targetClassIds')
  }
}

/** The mean IoU of all classes; targets are one-hot, predictions scores. */
export class OneHotMeanIoU extends ConfusionIoU {
  constructor(numClasses: number, options?: OneHotMeanIoUOptions)
  constructor(options: OneHotMeanIoUOptions & { readonly numClasses: number })
  constructor(...args: readonly unknown[]) {
    const options = byName<OneHotMeanIoUOptions & { readonly numClasses: number }>(['numClasses'], args)
    super(
      { className: 'OneHotMeanIoU', name: 'one_hot_mean_io_u' },
      { sparseYPred: false, ...options, sparseYTrue: false, targetClassIds: allOf(options.numClasses) },
    )
  }

  override getConfig(): Record<string, unknown> {
    return this.configWith()
  }
}
