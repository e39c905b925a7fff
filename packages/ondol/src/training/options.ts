/** What `compile`, `fit`, `evaluate` and `predict` take. */
import type { NestedCallbacks } from '../callbacks/callback-list.js'
import { ValueError } from '../core/errors.js'
import { refuseUnknownOptions } from '../core/known-options.js'
import type { LossIdentifier } from '../losses/index.js'
import type { OptimizerIdentifier } from '../optimizers/index.js'
import type { ClassWeights } from './class-weight.js'
import type { MetricsOption } from './compiled-metrics.js'
import type { DataLike } from './convert.js'
import { isRecord, type PerOutput } from './outputs.js'
import type { BatchIterable } from './source.js'

export interface CompileOptions {
  /** Default `'rmsprop'`. */
  readonly optimizer?: OptimizerIdentifier | undefined
  /** One for all outputs, a list in their order, a record by their names, or nested as they are; null for an output without. */
  readonly loss?: PerOutput<LossIdentifier> | undefined
  /** What each output's loss counts in the total. */
  readonly lossWeights?: PerOutput<number> | undefined
  /** `'accuracy'` and `'crossentropy'` mean what fits the shapes of the data. */
  readonly metrics?: MetricsOption | undefined
  /** Metrics that respect sample and class weights. */
  readonly weightedMetrics?: MetricsOption | undefined
  /** Run operation by operation, so that values can be looked at. Default false. */
  readonly runEagerly?: boolean | undefined
  /** Batches that are run as one program, with callbacks in between only. Default 1. */
  readonly stepsPerExecution?: number | undefined
  /** As in Keras; steps are compiled unless `runEagerly` says otherwise, so `false` alone changes nothing. Default `'auto'`. */
  readonly jitCompile?: boolean | 'auto' | undefined
  /** Wrap the optimizer in a LossScaleOptimizer for float16. Default true. */
  readonly autoScaleLoss?: boolean | undefined
}

/** `'auto'` and 1: a bar on a terminal, a line an epoch elsewhere; 0: nothing; 2: a line an epoch. */
export type Verbosity = 'auto' | 0 | 1 | 2

interface RunOptions {
  /** Samples in a batch of arrays. Default 32, or what makes as many batches as `stepsPerEpoch` or `steps` says. */
  readonly batchSize?: number | undefined
  /** What is printed. Default `'auto'`. */
  readonly verbose?: Verbosity | undefined
  /** Told of what happens, in this order; lists may be nested. */
  readonly callbacks?: NestedCallbacks | null | undefined
  /** Interrupts the run between two steps, or while it waits for data: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /**
   * Look through the data and say where there is NaN or an infinite number, a class number that a sparse loss has no class
   * for, or (of inputs in a graph) a number without a row in its Embedding. Default false: it takes time.
   */
  readonly checkData?: boolean | undefined
}

export interface FitOptions extends RunOptions {
  /** Default 1. With `initialEpoch`, the number of the last epoch. */
  readonly epochs?: number | undefined
  /** The number of the first epoch, counted from 0: to go on with an earlier run. Default 0. */
  readonly initialEpoch?: number | undefined
  /** Part of the arrays, from their end, to validate on. Default 0. */
  readonly validationSplit?: number | undefined
  /** [x, y], [x, y, sampleWeight] or batches of these to validate on. Takes the place of `validationSplit`. */
  readonly validationData?: readonly [x: DataLike, y?: DataLike | null, sampleWeight?: DataLike | null] | BatchIterable | undefined
  /** Validate after every so many epochs, or after these (counted from 1). Default 1. */
  readonly validationFreq?: number | readonly number[] | undefined
  /** Batches of each validation. Default: all. */
  readonly validationSteps?: number | undefined
  /** Samples in a batch of validation. Default: `batchSize`. */
  readonly validationBatchSize?: number | undefined
  /** A new order of the samples for each epoch, or of whole batches; iterables keep theirs. Default true. */
  readonly shuffle?: boolean | 'batch' | undefined
  /** Weights of the classes, by class number; by output first if there are several. */
  readonly classWeight?: ClassWeights | undefined
  /** A weight for each sample (or time step of it), nested as the targets are; one array serves all outputs. */
  readonly sampleWeight?: DataLike | null | undefined
  /** Batches in an epoch; the next epoch goes on where this one stopped. Default: all. */
  readonly stepsPerEpoch?: number | undefined
}

export interface EvaluateOptions extends RunOptions {
  /** A weight for each sample (or time step of it), nested as the targets are; one array serves all outputs. */
  readonly sampleWeight?: DataLike | null | undefined
  /** Batches to take. Default: all. */
  readonly steps?: number | undefined
  /** Give a record of all values by name. Default false. */
  readonly returnDict?: boolean | undefined
}

export interface PredictOptions extends RunOptions {
  /** Batches to take. Default: all. */
  readonly steps?: number | undefined
}

export interface OnBatchOptions {
  /** A weight for each sample (or time step of it). */
  readonly sampleWeight?: DataLike | null | undefined
  /** Weights of the classes, by class number; by output first if there are several. */
  readonly classWeight?: ClassWeights | undefined
  /** Start the metrics again before the batch; else it is added to what they have seen. Default true. */
  readonly resetMetrics?: boolean | undefined
  /** Give a record of all values by name. Default false. */
  readonly returnDict?: boolean | undefined
}

const RUN = ['batchSize', 'callbacks', 'checkData', 'signal', 'verbose'] as const satisfies (keyof RunOptions)[]
const ON_BATCH = ['classWeight', 'resetMetrics', 'returnDict', 'sampleWeight'] as const satisfies (keyof OnBatchOptions)[]
const VALIDATION = ['validationBatchSize', 'validationData', 'validationFreq', 'validationSplit', 'validationSteps'] as const

/** What is taken by name. */
const NAMES = {
  compile: [
    'autoScaleLoss',
    'jitCompile',
    'loss',
    'lossWeights',
    'metrics',
    'optimizer',
    'runEagerly',
    'stepsPerExecution',
    'weightedMetrics',
  ] satisfies (keyof CompileOptions)[],
  fit: [
    ...RUN,
    ...VALIDATION,
    'classWeight',
    'epochs',
    'initialEpoch',
    'sampleWeight',
    'shuffle',
    'stepsPerEpoch',
  ] satisfies (keyof FitOptions)[],
  evaluate: [...RUN, 'returnDict', 'sampleWeight', 'steps'] satisfies (keyof EvaluateOptions)[],
  predict: [...RUN, 'steps'] satisfies (keyof PredictOptions)[],
  trainOnBatch: ON_BATCH,
  testOnBatch: ON_BATCH,
} as const

/** @throws ValueError for an option that there is not, with the nearest one that there is. */
export const requireKnownOptions = (method: keyof typeof NAMES, options: object): void =>
  refuseUnknownOptions(method, options, NAMES[method])

/** `fit(batches, options)` has no targets: what has keys of options only is no data. */
export function withOptions<O extends object>(
  method: 'fit' | 'evaluate',
  y: DataLike | null | undefined | O,
  options: O | undefined,
): [DataLike | null, O] {
  const names: readonly string[] = NAMES[method]
  const isOptions = isRecord(y) && Object.keys(y).length > 0 && Object.keys(y).every((key) => names.includes(key))
  if (options === undefined && isOptions) return [null, y as O]
  return [(y as DataLike | null | undefined) ?? null, options ?? ({} as O)]
}

/** @throws ValueError for what is no number of batches. */
export function requireSteps(name: string, steps: number | undefined): void {
  if (steps === undefined || (Number.isInteger(steps) && steps > 0)) return
  throw new ValueError({
    where: name,
    problem: 'not a number of batches',
    expected: 'a whole number of at least 1',
    received: String(steps),
  })
}

/** @throws ValueError for counts that are none. */
export function requireFitOptions({ epochs = 1, initialEpoch = 0, stepsPerEpoch, validationSteps, validationFreq = 1 }: FitOptions): void {
  requireSteps('stepsPerEpoch', stepsPerEpoch)
  requireSteps('validationSteps', validationSteps)
  for (const [where, count] of Object.entries({ epochs, initialEpoch })) {
    if (!(Number.isInteger(count) && count >= 0))
      throw new ValueError({ where, problem: 'not a number of epochs', expected: 'a whole number of at least 0', received: String(count) })
  }
  const isFrequency =
    typeof validationFreq === 'number' ? Number.isInteger(validationFreq) && validationFreq > 0 : Array.isArray(validationFreq)
  if (!isFrequency) {
    throw new ValueError({
      where: 'validationFreq',
      problem: 'this says no epochs',
      expected: 'a whole number of at least 1, or a list of epochs, counted from 1',
      received: String(validationFreq),
    })
  }
}
