/** When to save: at the end of epochs, or once in so many batches, counted over all epochs of a run. */
import { ValueError } from '../core/errors.js'
import type { CallbackState } from './callback.js'

/** `'epoch'`, or a number of batches. */
export type SaveFrequency = 'epoch' | number

export class SaveSchedule {
  readonly frequency: SaveFrequency | false
  #unsaved = 0
  #last = -1

  /** @throws ValueError for what is no frequency. */
  constructor(where: string, frequency: SaveFrequency | false) {
    if (frequency !== 'epoch' && frequency !== false && !(Number.isInteger(frequency) && frequency > 0))
      throw new ValueError({
        where,
        problem: 'unrecognized saveFreq',
        expected: "'epoch', or a whole number of batches",
        received: `saveFreq=${frequency}`,
      })
    this.frequency = frequency
  }

  get isByBatch(): boolean {
    return typeof this.frequency === 'number'
  }

  /** Counts the batches up to this one; executions of several batches report their last. */
  isDue(batch: number): boolean {
    if (typeof this.frequency !== 'number') return false
    this.#unsaved += batch > this.#last ? batch - this.#last : batch + 1
    this.#last = batch
    if (this.#unsaved < this.frequency) return false
    this.#unsaved = 0
    return true
  }

  get state(): CallbackState {
    return { unsaved: this.#unsaved, last: this.#last }
  }

  set state(state: CallbackState) {
    const { unsaved, last } = state as { readonly unsaved: number; readonly last: number }
    this.#unsaved = unsaved
    this.#last = last
  }
}
