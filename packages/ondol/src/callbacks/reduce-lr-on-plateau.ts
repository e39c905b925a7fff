/** Smaller steps when a number no longer gets better. Follows `keras/src/callbacks/reduce_lr_on_plateau.py`. */
import { ValueError } from '../core/errors.js'
import type { CallbackState, Logs } from './callback.js'
import { logRates, ratedOptimizers } from './learning-rates.js'
import { MonitorCallback, type MonitorOptions } from './monitor.js'
import { pythonFloat } from './python-format.js'

export interface ReduceLROnPlateauOptions extends MonitorOptions {
  /** What the rate is multiplied by, below 1. Default 0.1. */
  readonly factor?: number
  /** Epochs without improvement after which it is reduced. Default 10. */
  readonly patience?: number
  /** Smaller changes are none. Default 0.0001. */
  readonly minDelta?: number
  /** Epochs after a reduction that do not count. Default 0. */
  readonly cooldown?: number
  /** Default 0. */
  readonly minLr?: number
}

/**
 * Adds `learning_rate` to the logs.
 *
 * @throws ValueError when the factor would not make the rate smaller.
 * @example
 * new callbacks.ReduceLROnPlateau({ monitor: 'val_loss', factor: 0.2, patience: 5, minLr: 0.001 })
 */
export class ReduceLROnPlateau extends MonitorCallback {
  readonly factor: number
  readonly patience: number
  readonly cooldown: number
  readonly minLr: number
  /** Epochs since the last improvement or reduction. */
  wait = 0
  /** Epochs of the cooldown that are left. */
  cooldownCounter = 0

  constructor({ factor = 0.1, patience = 10, minDelta = 1e-4, cooldown = 0, minLr = 0, ...options }: ReduceLROnPlateauOptions = {}) {
    super(options, ['factor', 'patience', 'minDelta', 'cooldown', 'minLr'], minDelta)
    if (factor >= 1)
      throw new ValueError({
        where: 'ReduceLROnPlateau',
        problem: 'the factor would not make the rate smaller',
        expected: 'a factor below 1',
        received: `factor=${factor}`,
      })
    this.factor = factor
    this.patience = patience
    this.cooldown = cooldown
    this.minLr = minLr
  }

  get inCooldown(): boolean {
    return this.cooldownCounter > 0
  }

  override onTrainBegin(): void {
    this.best = null
    this.wait = 0
    this.cooldownCounter = 0
  }

  override async onEpochEnd(epoch: number, logs: Logs): Promise<void> {
    this.requireDirection()
    await logRates(this.model, logs)
    const value = this.valueIn(logs, 'Learning rate reduction is')
    if (value === undefined) return
    if (this.inCooldown) {
      this.cooldownCounter--
      this.wait = 0
    }
    if (this.improves(value, this.best)) {
      this.best = value
      this.wait = 0
      return
    }
    if (this.inCooldown || ++this.wait < this.patience) return
    for (const { optimizer, label } of ratedOptimizers(this.model)) {
      const rate = await optimizer.learningRate.item()
      // The rate is kept in float32, so its limit is compared in float32.
      if (rate <= Math.fround(this.minLr)) continue
      const next = Math.max(rate * this.factor, this.minLr)
      optimizer.learningRate = next
      this.say(`\nEpoch ${epoch + 1}: ReduceLROnPlateau reducing ${label} to ${pythonFloat(next)}.`)
      this.cooldownCounter = this.cooldown
      this.wait = 0
    }
  }

  override getState(): CallbackState {
    const { best, wait, cooldownCounter } = this
    return { best, wait, cooldownCounter }
  }

  override setState(state: CallbackState): void {
    Object.assign(this, state)
  }
}
