/** Shows how training goes on. Validation inside `fit` is silent: its values come with the epoch's last update. */
import { platform } from '#platform'
import { Callback, type CallbackParams, type Logs } from './callback.js'
import { Progbar, type ProgbarOptions } from './progbar.js'

export class ProgbarLogger extends Callback {
  readonly #options: ProgbarOptions
  #bar: Progbar | undefined
  #seen = 0
  #target: number | null = null
  #isInFit = false

  /** `options` go to the bar: where to print, by which clock. */
  constructor(options: ProgbarOptions = {}) {
    super()
    this.#options = options
  }

  /** A bar shows what there is when it refreshes. */
  override get batchLogs(): 'sampled' | 'never' {
    return this.params.verbose === 1 ? 'sampled' : 'never'
  }

  override setParams(params: CallbackParams): void {
    super.setParams(params)
    this.#target = params.steps
  }

  override onTrainBegin(): void {
    this.#isInFit = true
  }

  override onEpochBegin(epoch: number): void {
    this.#start()
    const { verbose, epochs } = this.params
    if (verbose !== 0 && epochs > 1) (this.#options.print ?? platform.print)(`Epoch ${epoch + 1}/${epochs}\n`)
  }

  override onTestBegin(): void {
    if (!this.#isInFit) this.#start()
  }

  override onPredictBegin(): void {
    this.#start()
  }

  override onTrainBatchEnd(batch: number, logs: Logs): void {
    this.#update(batch, logs)
  }

  override onTestBatchEnd(batch: number, logs: Logs): void {
    if (!this.#isInFit) this.#update(batch, logs)
  }

  override onPredictBatchEnd(batch: number): void {
    this.#update(batch, {})
  }

  override onEpochEnd(_epoch: number, logs: Logs): void {
    this.#finish(logs)
  }

  override onTestEnd(logs: Logs): void {
    if (!this.#isInFit) this.#finish(logs)
  }

  override onPredictEnd(): void {
    this.#finish({})
  }

  #start(): void {
    this.#seen = 0
    this.#bar = new Progbar(this.#target, { verbose: this.params.verbose, statelessMetrics: [], ...this.#options })
  }

  #update(batch: number, logs: Logs): void {
    this.#seen = batch + 1
    if (this.params.verbose === 1) this.#bar?.update(this.#seen, logs, false)
  }

  #finish(logs: Logs): void {
    const bar = this.#bar
    if (bar === undefined) return
    bar.target = this.#target ??= this.#seen
    bar.update(this.#target, logs, true)
  }
}
