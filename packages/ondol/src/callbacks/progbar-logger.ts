/**
 * Tells a reporter, Keras's bar unless another was chosen, how a run goes on. Validation inside `fit` is silent: its
 * values come with the epoch's last update.
 */
import { Callback, type Logs } from './callback.js'
import type { ProgbarOptions } from './progbar.js'
import { BarReporter, currentReporter, type ProgressReporter, type ProgressRun } from './progress-reporter.js'

export interface ProgbarLoggerOptions extends ProgbarOptions {
  /** Shows the progress instead of the bar. */
  readonly reporter?: ProgressReporter
}

type Outcome = void | Promise<void>

/**
 * Shows how training goes on. `fit`, `evaluate` and `predict` make one themselves unless they are given one, or are
 * silent.
 *
 * @example
 * await model.fit(x, y, { callbacks: [new callbacks.ProgbarLogger({ width: 40 })] })
 */
export class ProgbarLogger extends Callback {
  readonly #reporter: ProgressReporter
  readonly #isBar: boolean
  #kind: ProgressRun['kind'] | undefined
  #seen = 0

  /** `options` go to the bar: where to print, by which clock. */
  constructor({ reporter = currentReporter(), ...options }: ProgbarLoggerOptions = {}) {
    super()
    this.#isBar = reporter === undefined
    this.#reporter = reporter ?? new BarReporter(options)
  }

  /** A bar shows what there is when it refreshes. */
  override get batchLogs(): 'sampled' | 'never' {
    if (!this.#isBar) return this.#reporter.batchEnd === undefined ? 'never' : 'sampled'
    return this.params.verbose === 1 ? 'sampled' : 'never'
  }

  get #run(): ProgressRun {
    const { epochs, steps, verbose } = this.params
    return { kind: this.#kind ?? 'fit', epochs, steps, verbose }
  }

  #begin(kind: ProgressRun['kind']): Outcome {
    this.#kind = kind
    return this.#reporter.begin?.(this.#run)
  }

  #epochBegin(epoch: number): Outcome {
    this.#seen = 0
    return this.#reporter.epochBegin?.(epoch, this.#run)
  }

  #batchEnd(batch: number, logs: Logs): Outcome {
    this.#seen = batch + 1
    return this.#reporter.batchEnd?.(this.#seen, logs, this.#run)
  }

  #epochEnd(epoch: number, logs: Logs): Outcome {
    const run = this.#run
    return this.#reporter.epochEnd?.(epoch, logs, { ...run, steps: run.steps ?? this.#seen })
  }

  #end(): Outcome {
    const run = this.#run
    this.#kind = undefined
    return this.#reporter.end?.(run)
  }

  /** `evaluate` and `predict`: one epoch, all by itself. */
  async #beginAlone(kind: 'evaluate' | 'predict'): Promise<void> {
    await this.#begin(kind)
    await this.#epochBegin(0)
  }

  async #endAlone(logs: Logs): Promise<void> {
    await this.#epochEnd(0, logs)
    await this.#end()
  }

  override onTrainBegin(): Outcome {
    return this.#begin('fit')
  }

  override onEpochBegin(epoch: number): Outcome {
    return this.#epochBegin(epoch)
  }

  override onTrainBatchEnd(batch: number, logs: Logs): Outcome {
    return this.#batchEnd(batch, logs)
  }

  override onEpochEnd(epoch: number, logs: Logs): Outcome {
    return this.#epochEnd(epoch, logs)
  }

  override onTrainEnd(): Outcome {
    return this.#end()
  }

  override onTestBegin(): Outcome {
    return this.#kind === 'fit' ? undefined : this.#beginAlone('evaluate')
  }

  override onTestBatchEnd(batch: number, logs: Logs): Outcome {
    return this.#kind === 'fit' ? undefined : this.#batchEnd(batch, logs)
  }

  override onTestEnd(logs: Logs): Outcome {
    return this.#kind === 'fit' ? undefined : this.#endAlone(logs)
  }

  override onPredictBegin(): Outcome {
    return this.#beginAlone('predict')
  }

  override onPredictBatchEnd(batch: number): Outcome {
    return this.#batchEnd(batch, {})
  }

  override onPredictEnd(): Outcome {
    return this.#endAlone({})
  }
}
