/** What `compile`, `fit`, `evaluate` and `predict` take. */
import type { Callback } from '../callbacks/callback.js'
import type { LossIdentifier } from '../losses/index.js'
import type { OptimizerIdentifier } from '../optimizers/index.js'
import type { ClassWeights } from './class-weight.js'
import type { MetricsOption } from './compiled-metrics.js'
import type { DataLike } from './convert.js'
import type { PerOutput } from './outputs.js'
import type { BatchIterable } from './source.js'

export interface CompileOptions {
  /** Default `'rmsprop'`. */
  readonly optimizer?: OptimizerIdentifier
  /** One for all outputs, a list in their order, or a record by their names; null for an output without. */
  readonly loss?: PerOutput<LossIdentifier>
  /** What each output's loss counts in the total. */
  readonly lossWeights?: PerOutput<number>
  /** `'accuracy'` and `'crossentropy'` mean what fits the shapes of the data. */
  readonly metrics?: MetricsOption
  /** Metrics that respect sample and class weights. */
  readonly weightedMetrics?: MetricsOption
  /** Run operation by operation, so that values can be looked at. Default false. */
  readonly runEagerly?: boolean
  /** Batches that are run as one program, with callbacks in between only. Default 1. */
  readonly stepsPerExecution?: number
  /** Wrap the optimizer in a LossScaleOptimizer for float16. Default true. */
  readonly autoScaleLoss?: boolean
}

/** `'auto'` and 1: a bar on a terminal, a line an epoch elsewhere; 0: nothing; 2: a line an epoch. */
export type Verbosity = 'auto' | 0 | 1 | 2

interface RunOptions {
  /** Samples in a batch. Default 32. */
  readonly batchSize?: number
  readonly verbose?: Verbosity
  readonly callbacks?: readonly Callback[]
  /** Interrupts the run between two steps: it rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

export interface FitOptions extends RunOptions {
  /** Default 1. With `initialEpoch`, the number of the last epoch. */
  readonly epochs?: number
  readonly initialEpoch?: number
  /** Part of the arrays, from their end, to validate on. Default 0. */
  readonly validationSplit?: number
  /** [x, y], [x, y, sampleWeight] or batches of these to validate on. */
  readonly validationData?: readonly [x: DataLike, y?: DataLike | null, sampleWeight?: DataLike | null] | BatchIterable
  /** Validate after every so many epochs, or after these (counted from 1). Default 1. */
  readonly validationFreq?: number | readonly number[]
  readonly validationSteps?: number
  readonly validationBatchSize?: number
  /** A new order of the samples for each epoch, or of whole batches; iterables keep theirs. Default true. */
  readonly shuffle?: boolean | 'batch'
  /** Weights of the classes, by class number; by output first if there are several. */
  readonly classWeight?: ClassWeights
  readonly sampleWeight?: DataLike
  /** Batches in an epoch; the next epoch goes on where this one stopped. Default: all. */
  readonly stepsPerEpoch?: number
}

export interface EvaluateOptions extends RunOptions {
  readonly sampleWeight?: DataLike
  readonly steps?: number
  /** Give a record of all values by name. Default false. */
  readonly returnDict?: boolean
}

export interface PredictOptions extends RunOptions {
  readonly steps?: number
}

export interface OnBatchOptions {
  readonly sampleWeight?: DataLike
  readonly classWeight?: ClassWeights
  readonly returnDict?: boolean
}
