/** The base of all callbacks. Follows `keras/src/callbacks/callback.py`; every hook may be asynchronous. */
import type { Tree } from '../core/tree.js'
import type { Tensor, Variable } from '../engine/index.js'
import type { Metric } from '../metrics/metric.js'
import type { Optimizer } from '../optimizers/optimizer.js'
import type { History } from './history.js'

/** Numbers by name, as far as they are known at the moment of the call. */
export type Logs = Record<string, number>

/** What `onPredictBatchEnd` is told. */
export interface PredictLogs {
  /** The outputs for this batch. They are gone when the hook is over: read what you need. */
  readonly outputs: Tree<Tensor>
}

/** Where `fit` stands. */
export interface FitPosition {
  readonly epoch: number
  /** Batches of the epoch that are done. */
  readonly batch: number
  /** The order of the samples of every epoch follows from it. */
  readonly shuffleSeed: number
}

/** What callbacks may do with the model. */
export interface CallbackModel {
  readonly name: string
  readonly built: boolean
  readonly optimizer: Optimizer | null
  readonly metrics: readonly Metric[]
  readonly weights: readonly Variable[]
  /** Weights and random state. */
  readonly variables: readonly Variable[]
  readonly trainableVariables: readonly Variable[]
  /** Names of the outputs, if the model is a graph. */
  readonly outputNames: readonly string[] | undefined
  /** Set to true, training ends after this batch. */
  stopTraining: boolean
  /** The record of the last `fit`. */
  history?: History | undefined
  /** During `fit`. Set in `onTrainBegin`, `fit` goes on from there. */
  fitPosition?: FitPosition | null | undefined
  /** Engine only: called when the first batch has shown which metrics there are. */
  onMetricsMade?: (() => void) | undefined
  getWeights(): Tensor[]
  setWeights(weights: readonly Tensor[]): void
  save?(path: string, options?: { readonly overwrite?: boolean }): Promise<void>
  saveWeights?(path: string, options?: { readonly overwrite?: boolean }): Promise<void>
}

export interface CallbackParams {
  /** 0 silent, 1 a bar, 2 a line an epoch. */
  readonly verbose: number
  readonly epochs: number
  /** Batches in an epoch; null as long as that is not known. */
  readonly steps: number | null
}

/** When a callback wants the logs of batches: see `Callback.batchLogs`. */
export type BatchLogs = 'every' | 'sampled' | 'never'

/** What a callback carries from one batch or epoch to the next: plain data, with tensors in it. Variables come back as tensors. */
export type CallbackState = null | boolean | number | string | Tensor | readonly CallbackState[] | { readonly [key: string]: CallbackState }

export type HookOutcome = void | Promise<void>

/**
 * Something to do while a model trains: override the hooks you need. An error thrown in one ends `fit` with
 * it; the model stays as the last finished step left it.
 *
 * @example
 * class Shout extends callbacks.Callback {
 *   override onEpochEnd(epoch: number, logs: Logs) { console.log(epoch, logs.loss) }
 * }
 */
export class Callback {
  model!: CallbackModel
  params: CallbackParams = { verbose: 0, epochs: 1, steps: null }

  setModel(model: CallbackModel): void {
    this.model = model
  }

  setParams(params: CallbackParams): void {
    this.params = params
  }

  /**
   * When `onTrainBatchEnd` and `onTestBatchEnd` are given logs. Reading them makes training wait until the batch
   * is computed, where it would else have the next ones queued. `'every'` batch; or `'never'`: the hooks are called
   * for each batch with nothing in the logs, and nothing waits; or only some are `'sampled'` (the first, then one
   * every tenth of a second; for the others the hooks are not called).
   *
   * @example
   * class Count extends callbacks.Callback {
   *   batches = 0
   *   override get batchLogs() { return 'never' as const }
   *   override onTrainBatchEnd() { this.batches++ }
   * }
   */
  get batchLogs(): BatchLogs {
    return 'every'
  }

  /**
   * What has to be put back (by `setState`) for training to go on in another process as if it had never
   * stopped; `BackupAndRestore` saves it. Undefined if there is nothing.
   */
  getState(): CallbackState | undefined {
    return undefined
  }

  /** Called after every `onTrainBegin`, with what `getState` gave. */
  setState(_state: CallbackState): HookOutcome {}

  /** Engine only: a callback that has it is called after all others, and told of them. */
  attend?(others: readonly Callback[]): void

  onTrainBegin(_logs: Logs): HookOutcome {}
  /** `logs` are those of the last epoch. */
  onTrainEnd(_logs: Logs): HookOutcome {}
  /** `epoch` counts from 0. */
  onEpochBegin(_epoch: number, _logs: Logs): HookOutcome {}
  /** What is added to `logs` here is seen by the callbacks that follow, and lands in the history. */
  onEpochEnd(_epoch: number, _logs: Logs): HookOutcome {}
  /** The same as `onTrainBatchBegin`, from older times. */
  onBatchBegin(_batch: number, _logs: Logs): HookOutcome {}
  /** The same as `onTrainBatchEnd`, from older times. */
  onBatchEnd(_batch: number, _logs: Logs): HookOutcome {}
  /** `batch` counts from 0 in each epoch; several batches in one execution are one call, with the first. */
  onTrainBatchBegin(batch: number, logs: Logs): HookOutcome {
    return this.onBatchBegin(batch, logs)
  }
  /** `logs` are means over the epoch so far; several batches in one execution are one call, with the last. */
  onTrainBatchEnd(batch: number, logs: Logs): HookOutcome {
    return this.onBatchEnd(batch, logs)
  }
  /** Evaluation, also of the validation data in `fit`. */
  onTestBegin(_logs: Logs): HookOutcome {}
  onTestEnd(_logs: Logs): HookOutcome {}
  onTestBatchBegin(_batch: number, _logs: Logs): HookOutcome {}
  onTestBatchEnd(_batch: number, _logs: Logs): HookOutcome {}
  onPredictBegin(_logs: Logs): HookOutcome {}
  onPredictEnd(_logs: Logs): HookOutcome {}
  onPredictBatchBegin(_batch: number, _logs: Logs): HookOutcome {}
  onPredictBatchEnd(_batch: number, _logs: PredictLogs): HookOutcome {}
}

export type Phase = 'Train' | 'Test' | 'Predict'
/** Names of the hooks that come with every batch. */
export type BatchHook = `on${Phase}Batch${'Begin' | 'End'}`

/** Hooks that call another one unless they are overridden. */
const FORWARDED: Partial<Record<BatchHook, 'onBatchBegin' | 'onBatchEnd'>> = {
  onTrainBatchBegin: 'onBatchBegin',
  onTrainBatchEnd: 'onBatchEnd',
}

/** Whether a callback does anything in the hook. */
export function overrides(callback: Callback, hook: BatchHook): boolean {
  const target = FORWARDED[hook]
  return callback[hook] !== Callback.prototype[hook] || (target !== undefined && callback[target] !== Callback.prototype[target])
}
