/**
 * Who may run a model when. One run at a time, for two would mix their metrics and updates. But while a run waits
 * for a callback, this callback may look at the model: evaluate it, or predict.
 */
import type { CallbackList } from '../callbacks/callback-list.js'
import { ValueError } from '../core/errors.js'

/** A run that has begun and not ended. */
export interface Turn {
  readonly what: string
  /** Runs that cannot begin inside it, even while it waits for a callback: they move the same place in the data. */
  excludes: readonly string[]
  /** Whom it calls. */
  callbacks?: CallbackList
}

export class Turns {
  readonly #turns: Turn[] = []

  /** @throws ValueError while another run is not waiting for a callback. */
  take(what: string, model: string): Turn {
    const innermost = this.#turns.at(-1)
    const mayNest = innermost?.callbacks?.isCalling === true && !this.#turns.some(({ excludes }) => excludes.includes(what))
    if (innermost !== undefined && !mayNest) {
      throw new ValueError({
        where: `${model}.${what}`,
        problem: `the model is busy with another run, ${innermost.what}`,
        hint: 'await the one before',
      })
    }
    const turn = { what, excludes: ['fit', what] }
    this.#turns.push(turn)
    return turn
  }

  end(turn: Turn): void {
    this.#turns.splice(this.#turns.indexOf(turn), 1)
  }
}
