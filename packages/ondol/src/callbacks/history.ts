/** What happened: the logs of every epoch. `fit` returns one. Follows `keras/src/callbacks/history.py`. */
import { Callback, type CallbackState, type Logs } from './callback.js'

/**
 * @example
 * const { history, epoch } = await model.fit(x, y, { epochs: 3 })
 * history.loss // three numbers
 */
export class History extends Callback {
  /** Epoch numbers, from 0. */
  readonly epoch: number[] = []
  /** A number an epoch, by name. */
  readonly history: Record<string, number[]> = {}

  override onTrainBegin(): void {
    this.#clear()
  }

  #clear(): void {
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

  override getState(): CallbackState {
    return { epoch: this.epoch, history: this.history }
  }

  override setState(state: CallbackState): void {
    const { epoch, history } = state as { readonly epoch: readonly number[]; readonly history: Readonly<Record<string, readonly number[]>> }
    this.#clear()
    this.epoch.push(...epoch)
    for (const [key, values] of Object.entries(history)) this.history[key] = [...values]
  }
}
