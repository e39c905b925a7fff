/** Watching one number of the logs: which way is better, and whether it got better. */
import { platform } from '#platform'
import { ValueError } from '../core/errors.js'
import { Callback, type Logs } from './callback.js'

export interface MonitorOptions {
  /** Key in the logs. Default `'val_loss'`. */
  readonly monitor?: string
  /** Whether lower (`'min'`) or higher is better; `'auto'` asks the metric. Default `'auto'`. */
  readonly mode?: 'auto' | 'min' | 'max'
  /** Smaller changes are none. Default 0. */
  readonly minDelta?: number
  /** 1 prints what is done. Default 0. */
  readonly verbose?: number
}

/** A callback that watches a number. */
export abstract class MonitorCallback extends Callback {
  readonly monitor: string
  protected readonly minDelta: number
  readonly #mode: 'auto' | 'min' | 'max'
  readonly #verbose: number
  #isBetter: ((value: number, reference: number) => boolean) | undefined

  constructor({ monitor = 'val_loss', mode = 'auto', minDelta = 0, verbose = 0 }: MonitorOptions) {
    super()
    if (!['auto', 'min', 'max'].includes(mode))
      throw new ValueError({ where: new.target.name, problem: 'unknown mode', expected: "'auto', 'min' or 'max'", received: mode })
    this.monitor = monitor
    this.minDelta = Math.abs(minDelta)
    this.#mode = mode
    this.#verbose = verbose
  }

  /** The number; undefined, with a warning, when it is not in the logs. */
  protected valueIn(logs: Logs, purpose: string): number | undefined {
    const value = logs[this.monitor]
    if (value === undefined)
      console.warn(`ondol: ${purpose} needs '${this.monitor}', which is not reported. There is ${Object.keys(logs).join(', ')}.`)
    return value
  }

  /** Whether `value` is better than `reference` (anything is better than nothing) by more than `minDelta`. */
  protected improves(value: number, reference: number | null): boolean {
    this.#isBetter ??= this.#direction() === 'down' ? (a, b) => a + this.minDelta < b : (a, b) => a - this.minDelta > b
    return reference === null || this.#isBetter(value, reference)
  }

  #direction(): 'up' | 'down' {
    if (this.#mode !== 'auto') return this.#mode === 'min' ? 'down' : 'up'
    const name = this.monitor.replace(/^val_/, '')
    if (name === 'loss' || name.endsWith('_loss')) return 'down'
    const metric = this.model.metrics.find((known) => known.name === name || name.endsWith(`_${known.name}`))
    if (metric?.direction !== undefined) return metric.direction
    throw new ValueError({
      where: `monitor '${this.monitor}'`,
      problem: 'whether higher or lower is better is not known',
      expected: "mode: 'min' or mode: 'max'",
    })
  }

  protected say(text: string): void {
    if (this.#verbose > 0) platform.print(`${text}\n`)
  }
}
