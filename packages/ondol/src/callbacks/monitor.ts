/** Watching one number of the logs: which way is better, and whether it got better. Follows `keras/src/callbacks/monitor_callback.py`. */

import { platform } from '#platform'
import { ValueError } from '../core/errors.js'
import { refuseUnknownOptions } from '../core/known-options.js'
import { Callback, type CallbackModel, type Logs } from './callback.js'

export interface MonitorOptions {
  /** Key in the logs. Default `'val_loss'`. */
  readonly monitor?: string
  /** Whether lower (`'min'`) or higher is better; `'auto'` asks the metric. Default `'auto'`. */
  readonly mode?: 'auto' | 'min' | 'max'
  /** 1 prints what is done. Default 0. */
  readonly verbose?: number
}

const MODES: readonly string[] = ['auto', 'min', 'max']

/** A callback that watches a number. */
export abstract class MonitorCallback extends Callback {
  readonly monitor: string
  readonly mode: 'auto' | 'min' | 'max'
  readonly minDelta: number
  readonly verbose: number
  /** The best value so far; null before the first. */
  best: number | null = null
  #direction: 'up' | 'down' | undefined

  /** @throws ValueError for an option that is none of these nor of `ownNames`, which the subclass took out. */
  constructor({ monitor = 'val_loss', mode = 'auto', verbose = 0, ...rest }: MonitorOptions, ownNames: readonly string[], minDelta = 0) {
    super()
    refuseUnknownOptions(new.target.name, rest, [], ['monitor', 'mode', 'verbose', ...ownNames])
    const isKnown = MODES.includes(mode)
    if (!isKnown) console.warn(`ondol: ${new.target.name} mode '${mode}' is unknown, fallback to auto mode.`)
    this.monitor = monitor
    this.mode = isKnown ? mode : 'auto'
    this.minDelta = Math.abs(minDelta)
    this.verbose = verbose
  }

  override setModel(model: CallbackModel): void {
    super.setModel(model)
    this.#direction = undefined
  }

  /** The number; undefined, with a warning of what cannot be done, when it is not in the logs. */
  protected valueIn(logs: Logs, purpose: string): number | undefined {
    const value = logs[this.monitor]
    if (value === undefined)
      console.warn(
        `ondol: ${purpose} conditioned on metric \`${this.monitor}\` which is not available. Available metrics are: ${Object.keys(logs).join(',')}`,
      )
    return value
  }

  /** Whether `value` is better than `reference` (anything is better than nothing, NaN than nothing) by more than `minDelta`. */
  protected improves(value: number, reference: number | null): boolean {
    if (Number.isNaN(value)) return false
    if (reference === null) return true
    return this.#better() === 'down' ? value + this.minDelta < reference : value - this.minDelta > reference
  }

  /** Finds out which way is better, when all metrics are there. */
  protected requireDirection(): void {
    this.#better()
  }

  #better(): 'up' | 'down' {
    this.#direction ??= this.#findDirection()
    if (this.#direction !== undefined) return this.#direction
    throw new ValueError({
      where: `${this.constructor.name} (monitor: '${this.monitor}')`,
      problem: 'whether this metric should be maximized or minimized is not known',
      expected: "mode: 'max' to monitor the highest value, or mode: 'min' for the lowest",
      received: `metrics ${this.model.metrics.map(({ name }) => name).join(', ')}`,
    })
  }

  #findDirection(): 'up' | 'down' | undefined {
    if (this.mode !== 'auto') return this.mode === 'min' ? 'down' : 'up'
    const outputs = this.model.outputNames ?? []
    const name = this.monitor.replace(/^val_/, '')
    if (name === 'loss' || outputs.some((output) => name === `${output}_loss`)) return 'down'
    const prefixes = ['', 'weighted_', ...outputs.flatMap((output) => [`${output}_`, `${output}_weighted_`])]
    // A number at the end tells metrics of one name apart.
    const spellings = [name, name.replace(/_\d+$/, '')]
    const metric = this.model.metrics.find((known) => prefixes.some((prefix) => spellings.includes(prefix + known.name)))
    return metric?.direction
  }

  protected say(text: string): void {
    if (this.verbose > 0) platform.print(`${text}\n`)
  }
}
