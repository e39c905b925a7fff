/** Stops training when a number no longer gets better. Follows `keras/src/callbacks/early_stopping.py`. */
import type { Tensor } from '../engine/index.js'
import type { CallbackState, Logs } from './callback.js'
import { MonitorCallback, type MonitorOptions } from './monitor.js'

export interface EarlyStoppingOptions extends MonitorOptions {
  /** Smaller changes are none. Default 0. */
  readonly minDelta?: number
  /** Epochs without improvement after which training stops. Default 0. */
  readonly patience?: number
  /** What the number has to beat; until then improvement does not reset the patience. */
  readonly baseline?: number | null
  /** End with the weights of the best epoch, whether stopped early or not. Default false. */
  readonly restoreBestWeights?: boolean
  /** Epochs that do not count. Default 0. */
  readonly startFromEpoch?: number
}

/**
 * @example
 * await model.fit(x, y, { epochs: 100, validationSplit: 0.2, callbacks: [new callbacks.EarlyStopping({ patience: 3, restoreBestWeights: true })] })
 */
export class EarlyStopping extends MonitorCallback {
  readonly patience: number
  readonly baseline: number | null
  readonly restoreBestWeights: boolean
  readonly startFromEpoch: number
  /** Epochs since the last improvement. */
  wait = 0
  /** Epoch after which training was stopped, from 0; 0 if it was not. */
  stoppedEpoch = 0
  bestEpoch = 0
  /** Weights of the best epoch, with `restoreBestWeights`. */
  bestWeights: readonly Tensor[] | null = null

  constructor({
    minDelta = 0,
    patience = 0,
    baseline = null,
    restoreBestWeights = false,
    startFromEpoch = 0,
    ...options
  }: EarlyStoppingOptions = {}) {
    super(options, ['minDelta', 'patience', 'baseline', 'restoreBestWeights', 'startFromEpoch'], minDelta)
    this.patience = patience
    this.baseline = baseline
    this.restoreBestWeights = restoreBestWeights
    this.startFromEpoch = startFromEpoch
  }

  override onTrainBegin(): void {
    this.wait = 0
    this.stoppedEpoch = 0
    this.best = null
    this.bestEpoch = 0
    this.bestWeights = null
  }

  override onEpochEnd(epoch: number, logs: Logs): void {
    this.requireDirection()
    const value = this.valueIn(logs, 'Early stopping')
    if (value === undefined || epoch < this.startFromEpoch) return
    // The first weights are the best so far, whatever they are worth.
    if (this.restoreBestWeights && this.bestWeights === null) this.#keep(epoch)
    this.wait++
    if (this.improves(value, this.best)) {
      this.best = value
      this.#keep(epoch)
      if (this.baseline === null || this.improves(value, this.baseline)) this.wait = 0
    } else if (this.wait >= this.patience && epoch > 0) {
      this.stoppedEpoch = epoch
      this.model.stopTraining = true
    }
  }

  #keep(epoch: number): void {
    this.bestEpoch = epoch
    if (this.restoreBestWeights) this.bestWeights = this.model.getWeights()
  }

  override onTrainEnd(): void {
    if (this.stoppedEpoch > 0) this.say(`Epoch ${this.stoppedEpoch + 1}: early stopping`)
    if (this.bestWeights === null) return
    this.say(`Restoring model weights from the end of the best epoch: ${this.bestEpoch + 1}.`)
    this.model.setWeights(this.bestWeights)
  }

  override getState(): CallbackState {
    const { wait, stoppedEpoch, best, bestEpoch, bestWeights } = this
    return { wait, stoppedEpoch, best, bestEpoch, bestWeights }
  }

  override setState(state: CallbackState): void {
    Object.assign(this, state)
  }
}
