/** The base of all callbacks. Follows `keras/src/callbacks/callback.py`; every hook may be asynchronous. */
import type { Tensor, Variable } from '../engine/index.js'
import type { Metric } from '../metrics/metric.js'
import type { Optimizer } from '../optimizers/optimizer.js'

/** Numbers by name, as far as they are known at the moment of the call. */
export type Logs = Record<string, number>

/** What callbacks may do with the model. */
export interface CallbackModel {
  readonly name: string
  readonly optimizer: Optimizer | null
  readonly metrics: readonly Metric[]
  readonly weights: readonly Variable[]
  /** Set to true, training ends after this batch. */
  stopTraining: boolean
  getWeights(): Tensor[]
  setWeights(weights: readonly Tensor[]): void
}

export interface CallbackParams {
  /** 0 silent, 1 a bar, 2 a line an epoch. */
  readonly verbose: number
  readonly epochs: number
  /** Batches in an epoch; null as long as that is not known. */
  readonly steps: number | null
}

type Hook = void | Promise<void>

/**
 * Something to do while a model trains: override the hooks you need.
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
   * When `onTrainBatchEnd` and `onTestBatchEnd` want logs. Reading them makes training wait for the batch:
   * `'every'` batch, or only those that are `'sampled'` (the first, then one every tenth of a second; for the
   * others the hooks are not called), or `'never'`.
   */
  get batchLogs(): 'every' | 'sampled' | 'never' {
    return 'every'
  }

  onTrainBegin(_logs: Logs): Hook {}
  onTrainEnd(_logs: Logs): Hook {}
  onEpochBegin(_epoch: number, _logs: Logs): Hook {}
  onEpochEnd(_epoch: number, _logs: Logs): Hook {}
  /** `batch` counts from 0 in each epoch. */
  onTrainBatchBegin(_batch: number, _logs: Logs): Hook {}
  /** `logs` are means over the epoch so far. */
  onTrainBatchEnd(_batch: number, _logs: Logs): Hook {}
  onTestBegin(_logs: Logs): Hook {}
  onTestEnd(_logs: Logs): Hook {}
  onTestBatchBegin(_batch: number, _logs: Logs): Hook {}
  onTestBatchEnd(_batch: number, _logs: Logs): Hook {}
  onPredictBegin(_logs: Logs): Hook {}
  onPredictEnd(_logs: Logs): Hook {}
  onPredictBatchBegin(_batch: number, _logs: Logs): Hook {}
  onPredictBatchEnd(_batch: number, _logs: Logs): Hook {}
}

/** Names of the hooks that come with every batch. */
export type BatchHook = `on${'Train' | 'Test' | 'Predict'}Batch${'Begin' | 'End'}`
