/** What `compile`, `fit`, `evaluate` and `predict` take. */
import type { NestedCallbacks } from '../callbacks/callback-list.js'
import { ValueError } from '../core/errors.js'
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
  /** One for all outputs, a list in their order, a record by their names, or nested as they are; null for an output without. */
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
  /** Samples in a batch of arrays. Default 32, or what makes as many batches as `stepsPerEpoch` or `steps` says. */
  readonly batchSize?: number | undefined
  readonly verbose?: Verbosity | undefined
  readonly callbacks?: NestedCallbacks | null | undefined
  /** Interrupts the run between two steps, or while it waits for data: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Look through inputs, targets and weights for NaN and infinite numbers, and say where they are. Default false. */
  readonly checkFinite?: boolean | undefined
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
  readonly sampleWeight?: DataLike | null | undefined
  readonly classWeight?: ClassWeights | undefined
  /** Start the metrics again before the batch; else it is added to what they have seen. Default true. */
  readonly resetMetrics?: boolean | undefined
  readonly returnDict?: boolean | undefined
}

/** What `fit`, `evaluate` and their kin take by name; an object with other keys is data. */
const OPTION_NAMES: ReadonlySet<string> = new Set([
  'batchSize',
  'callbacks',
  'checkFinite',
  'classWeight',
  'epochs',
  'initialEpoch',
  'returnDict',
  'sampleWeight',
  'shuffle',
  'signal',
  'steps',
  'stepsPerEpoch',
  'validationBatchSize',
  'validationData',
  'validationFreq',
  'validationSplit',
  'validationSteps',
  'verbose',
] satisfies (keyof FitOptions | keyof EvaluateOptions)[])

/** `fit(batches, options)` has no targets. */
export function withOptions<O extends object>(y: DataLike | null | undefined | O, options: O | undefined): [DataLike | null, O] {
  if (options === undefined && isOptions(y)) return [null, y as O]
  return [(y as DataLike | null | undefined) ?? null, options ?? ({} as O)]
}

const isOptions = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  Object.getPrototypeOf(value) === Object.prototype &&
  Object.keys(value).length > 0 &&
  Object.keys(value).every((key) => OPTION_NAMES.has(key))

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
