/** Sets the learning rate by the epoch. Follows `keras/src/callbacks/learning_rate_scheduler.py`. */

import { platform } from '#platform'
import { ValueError } from '../core/errors.js'
import { refuseUnknownOptions } from '../core/known-options.js'
import { Callback, type CallbackState, type Logs } from './callback.js'
import { logRates, ratedOptimizers } from './learning-rates.js'
import { pythonFloat } from './python-format.js'

/**
 * Sets the learning rate at the beginning of each epoch. Adds `learning_rate` to the logs.
 *
 * @example
 * new callbacks.LearningRateScheduler((epoch, rate) => (epoch < 10 ? rate : rate * Math.exp(-0.1)))
 */
export class LearningRateScheduler extends Callback {
  readonly verbose: number
  /** The last epoch whose rate was set: not to be set again when training is taken up in the middle of it. */
  #epoch = -1

  /** `schedule` is given the epoch, from 0, and the present rate. With `verbose: 1`, says what it does. */
  constructor(
    readonly schedule: (epoch: number, learningRate: number) => number,
    { verbose = 0, ...rest }: { readonly verbose?: number } = {},
  ) {
    super()
    refuseUnknownOptions('LearningRateScheduler', rest, [], ['verbose'])
    this.verbose = verbose
  }

  override onTrainBegin(): void {
    this.#epoch = -1
  }

  override async onEpochBegin(epoch: number): Promise<void> {
    if (epoch === this.#epoch) return
    for (const { optimizer, label } of ratedOptimizers(this.model)) {
      const rate = this.schedule(epoch, await optimizer.learningRate.item())
      if (typeof rate !== 'number')
        throw new ValueError({
          where: 'LearningRateScheduler',
          problem: 'the output of the schedule is not a number',
          expected: 'a learning rate',
          received: String(rate),
        })
      optimizer.learningRate = rate
      if (this.verbose > 0) platform.print(`\nEpoch ${epoch + 1}: LearningRateScheduler setting ${label} to ${pythonFloat(rate)}.\n`)
    }
    this.#epoch = epoch
  }

  override onEpochEnd(_epoch: number, logs: Logs): Promise<void> {
    return logRates(this.model, logs)
  }

  override getState(): CallbackState {
    return this.#epoch
  }

  override setState(state: CallbackState): void {
    this.#epoch = state as number
  }
}
