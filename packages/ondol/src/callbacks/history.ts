/** What happened: the logs of every epoch. `fit` returns one. */
import { Callback, type Logs } from './callback.js'

export class History extends Callback {
  /** Epoch numbers, from 0. */
  readonly epoch: number[] = []
  /** A number an epoch, by name. */
  readonly history: Record<string, number[]> = {}

  override onTrainBegin(): void {
    this.epoch.length = 0
    for (const key of Object.keys(this.history)) delete this.history[key]
  }

  override onEpochEnd(epoch: number, logs: Logs): void {
    this.epoch.push(epoch)
    for (const [key, value] of Object.entries(logs)) {
      this.history[key] ??= []
      this.history[key].push(value)
    }
  }
}
