/** Changing the learning rate between epochs. Follows `keras/src/callbacks/{reduce_lr_on_plateau,learning_rate_scheduler}.py`. */
import { platform } from '#platform'
import { GraphError, ValueError } from '../core/errors.js'
import type { Optimizer } from '../optimizers/optimizer.js'
import { Callback, type CallbackModel, type Logs } from './callback.js'
import { MonitorCallback, type MonitorOptions } from './monitor.js'

function optimizerOf(model: CallbackModel): Optimizer {
  if (model.optimizer !== null) return model.optimizer
  throw new GraphError({ where: model.name, problem: 'the model has no optimizer', hint: 'compile it' })
}

const rateOf = (model: CallbackModel): Promise<number> => optimizerOf(model).learningRate.item()

export interface ReduceLROnPlateauOptions extends MonitorOptions {
  /** What the rate is multiplied by, below 1. Default 0.1. */
  readonly factor?: number
  /** Epochs without improvement after which it is reduced. Default 10. */
  readonly patience?: number
  /** Epochs after a reduction that do not count. Default 0. */
  readonly cooldown?: number
  /** Default 0. */
  readonly minLr?: number
}

/** Makes smaller steps when a number no longer gets better. Adds `learning_rate` to the logs. */
export class ReduceLROnPlateau extends MonitorCallback {
  readonly factor: number
  readonly patience: number
  readonly cooldown: number
  readonly minLr: number
  #best: number | null = null
  #wait = 0
  #cooling = 0

  constructor({ factor = 0.1, patience = 10, cooldown = 0, minLr = 0, minDelta = 1e-4, ...options }: ReduceLROnPlateauOptions = {}) {
    super({ minDelta, ...options })
    if (factor >= 1)
      throw new ValueError({
        where: 'ReduceLROnPlateau',
        problem: 'the factor must make the rate smaller',
        expected: 'a number below 1',
        received: `${factor}`,
      })
    this.factor = factor
    this.patience = patience
    this.cooldown = cooldown
    this.minLr = minLr
  }

  override onTrainBegin(): void {
    this.#best = null
    this.#wait = 0
    this.#cooling = 0
  }

  override async onEpochEnd(epoch: number, logs: Logs): Promise<void> {
    const rate = await rateOf(this.model)
    const value = this.valueIn(logs, 'reducing the learning rate')
    logs.learning_rate = rate
    if (value === undefined) return
    if (this.#cooling > 0) {
      this.#cooling--
      this.#wait = 0
    }
    if (this.improves(value, this.#best)) {
      this.#best = value
      this.#wait = 0
    } else if (this.#cooling === 0 && ++this.#wait >= this.patience && rate > Math.fround(this.minLr)) {
      const next = Math.max(rate * this.factor, this.minLr)
      optimizerOf(this.model).learningRate = next
      this.say(`\nEpoch ${epoch + 1}: ReduceLROnPlateau reducing learning rate to ${next}.`)
      this.#cooling = this.cooldown
      this.#wait = 0
    }
  }
}

/** Sets the learning rate at the beginning of each epoch. Adds `learning_rate` to the logs. */
export class LearningRateScheduler extends Callback {
  /** `schedule` is given the epoch, from 0, and the present rate. */
  constructor(
    readonly schedule: (epoch: number, learningRate: number) => number,
    readonly verbose: number = 0,
  ) {
    super()
  }

  override async onEpochBegin(epoch: number): Promise<void> {
    const next = this.schedule(epoch, await rateOf(this.model))
    if (typeof next !== 'number')
      throw new ValueError({ where: 'LearningRateScheduler', problem: 'the schedule must give a number', received: String(next) })
    optimizerOf(this.model).learningRate = next
    if (this.verbose > 0) platform.print(`\nEpoch ${epoch + 1}: LearningRateScheduler setting learning rate to ${next}.\n`)
  }

  override async onEpochEnd(_epoch: number, logs: Logs): Promise<void> {
    logs.learning_rate = await rateOf(this.model)
  }
}
