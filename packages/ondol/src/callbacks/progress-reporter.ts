/** Who shows how `fit`, `evaluate` and `predict` go on: Keras's bar, or something of your own. */
import { platform } from '#platform'
import type { Logs } from './callback.js'
import { Progbar, type ProgbarOptions } from './progbar.js'

/** What a reporter is told about a run. */
export interface ProgressRun {
  readonly kind: 'fit' | 'evaluate' | 'predict'
  /** Number of the last epoch; 1 for `evaluate` and `predict`. */
  readonly epochs: number
  /** Batches in an epoch; null as long as that is not known. */
  readonly steps: number | null
  /** 1: as it goes on, 2: once an epoch. */
  readonly verbose: number
}

/**
 * Shows progress. `evaluate` and `predict` count as one epoch, number 0; validation inside `fit` is silent, its values
 * come with the epoch's end. A promise is waited for, so give none unless training shall wait.
 *
 * @example
 * // One line for all epochs, as of tqdm.
 * let done = 0
 * utils.setProgressReporter({
 *   batchEnd(step, logs, { epochs, steps }) { process.stderr.write(`\r${done + step}/${epochs * steps!} loss ${logs.loss}`) },
 *   epochEnd(epoch, logs, { steps }) { done = (epoch + 1) * steps! },
 * })
 */
export interface ProgressReporter {
  begin?(run: ProgressRun): void | Promise<void>
  epochBegin?(epoch: number, run: ProgressRun): void | Promise<void>
  /** `step` batches of the epoch are done. Called a few times a second, with means over the epoch so far. */
  batchEnd?(step: number, logs: Logs, run: ProgressRun): void | Promise<void>
  epochEnd?(epoch: number, logs: Logs, run: ProgressRun): void | Promise<void>
  /** Not called when a run failed or was interrupted. */
  end?(run: ProgressRun): void | Promise<void>
}

/** Milliseconds for which a line waits to reach the terminal, so that what others print comes after it. */
const PATIENCE_MS = 100

/** Keras's bar. */
export class BarReporter implements ProgressReporter {
  readonly #options: ProgbarOptions & { readonly print: NonNullable<ProgbarOptions['print']> }
  #bar: Progbar | undefined
  /** The terminal did not take a line in time: nobody waits for it any more. */
  #isStuck = false

  constructor(options: ProgbarOptions = {}) {
    this.#options = { print: (text) => platform.printSoon(text), ...options }
  }

  epochBegin(epoch: number, { kind, epochs, steps, verbose }: ProgressRun): void {
    if (kind === 'fit' && verbose !== 0 && epochs > 1) void this.#options.print(`Epoch ${epoch + 1}/${epochs}\n`)
    this.#bar = new Progbar(steps, { verbose, statelessMetrics: [], ...this.#options })
  }

  batchEnd(step: number, logs: Logs, { verbose }: ProgressRun): void {
    if (verbose === 1) this.#bar?.update(step, logs, false)
  }

  epochEnd(_epoch: number, logs: Logs, { steps }: ProgressRun): Promise<void> | void {
    const bar = this.#bar
    if (bar === undefined) return
    bar.target ??= steps
    bar.update(bar.target ?? 0, logs, true)
    if (this.#isStuck) return
    return Promise.race([bar.flush(), patience().then(() => void (this.#isStuck = true))])
  }
}

const patience = (): Promise<void> =>
  new Promise((resolve) => {
    const timer: unknown = setTimeout(resolve, PATIENCE_MS)
    // A timer must not keep the process alive.
    if (typeof timer === 'object' && timer !== null && 'unref' in timer) (timer as { unref(): void }).unref()
  })

let chosen: ProgressReporter | undefined

/** Lets `reporter` show the progress of all runs from now on; null brings Keras's bar back. */
export function setProgressReporter(reporter: ProgressReporter | null): void {
  chosen = reporter ?? undefined
}

export const currentReporter = (): ProgressReporter | undefined => chosen
