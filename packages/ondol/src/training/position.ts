/** Where a run of `fit` stands, and which pass over the data its next batch comes from. */
import type { FitPosition } from '../callbacks/callback.js'
import { ValueError } from '../core/errors.js'
import type { Source } from './source.js'

/** @throws ValueError for what is no position. */
export function requirePosition(position: FitPosition): FitPosition {
  const { epoch, batch, shuffleSeed } = position
  const isCount = (value: number): boolean => Number.isInteger(value) && value >= 0
  if (isCount(epoch) && isCount(batch) && Number.isInteger(shuffleSeed)) return { epoch, batch, shuffleSeed }
  throw new ValueError({
    where: 'fitPosition',
    problem: 'this is no position in a run',
    expected: '{ epoch, batch, shuffleSeed }, whole numbers',
    received: JSON.stringify(position),
  })
}

/**
 * Passes over the data, taken up and left as epochs begin and end. An epoch is a pass; but with `stepsPerEpoch`
 * it takes so many batches of one, and the next epoch goes on where it stopped.
 */
export class Passes {
  readonly #source: Source
  readonly #stepsPerEpoch: number | undefined
  readonly #seed: number
  #isOpen = false
  /** Batches of the present pass that are done. */
  #done = 0

  constructor(source: Source, stepsPerEpoch: number | undefined, seed: number) {
    this.#source = source
    this.#stepsPerEpoch = stepsPerEpoch
    this.#seed = seed
  }

  /** Batches that the pass still has; null if that is not known. */
  get left(): number | null {
    const { steps } = this.#source
    return steps === null ? null : steps - this.#done
  }

  /** Opens the data where a run that began with `initialEpoch` would be by now. Gives the first batch of the pass to come. */
  async goTo({ epoch, batch }: Pick<FitPosition, 'epoch' | 'batch'>, initialEpoch: number): Promise<number> {
    let [first, done] = [epoch, 0]
    if (this.#stepsPerEpoch !== undefined) {
      const length = this.#source.steps ?? Number.POSITIVE_INFINITY
      first = initialEpoch
      for (let past = initialEpoch; past < epoch; past++) {
        done += Math.min(this.#stepsPerEpoch, length - done)
        if (done >= length) [first, done] = [past + 1, 0]
      }
    }
    return this.#open(first, done + batch)
  }

  /** Goes on with the pass, or opens the next one. Gives its next batch if it was opened. */
  async enter(epoch: number): Promise<number | undefined> {
    return this.#isOpen ? undefined : this.#open(epoch, 0)
  }

  async #open(epoch: number, skip: number): Promise<number> {
    await this.#source.start({ epoch, seed: this.#seed, skip })
    this.#isOpen = true
    this.#done = skip
    return skip
  }

  /** An epoch has done so many batches; `isOver` if there were no more. */
  leave(batches: number, isOver: boolean): void {
    this.#done += batches
    this.#isOpen = this.#stepsPerEpoch !== undefined && !isOver && this.left !== 0
  }
}
