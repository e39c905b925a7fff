/**
 * The progress bar, in the very text of Keras (`keras/src/utils/progbar.py`). A line too long for the terminal is
 * clipped until the last one, because a wrapped line could not be rewritten. A refresh is left out while the one before
 * is still on its way to the terminal.
 */
import { platform } from '#platform'
import { ValueError } from '../core/errors.js'
import { isInteractiveLoggingEnabled } from '../ops/config.js'

export interface ProgbarOptions {
  /** Characters of the bar. Default 20. */
  readonly width?: number
  /** 0 silent, 1 a bar, 2 one line at the end. Default 1. */
  readonly verbose?: number
  /** Seconds between two refreshes at least. Default 0.05. */
  readonly interval?: number
  /** Values that are shown as they come; others are averaged over the steps. */
  readonly statefulMetrics?: readonly string[]
  /** Instead: values that are averaged; others are shown as they come. */
  readonly statelessMetrics?: readonly string[] | null
  /** What a step is called. Default `step`. */
  readonly unitName?: string
  /** Whether the line can be rewritten. Default: whether a terminal is there. */
  readonly isDynamic?: boolean
  /** Width of the terminal, undefined if a line may have any. Default: that of the terminal at hand. */
  readonly columns?: () => number | undefined
  /** Prints; a promise is waited for before the next refresh, but by nobody else. Default: on standard output. */
  readonly print?: (text: string) => unknown
  /** Seconds on some clock. */
  readonly clock?: () => number
}

/** Numbers by name, as a record or as pairs. */
export type ProgressValues = Readonly<Record<string, number>> | Iterable<readonly [name: string, value: number]>

/**
 * A line on the terminal that says how far something is.
 *
 * @example
 * const bar = new utils.Progbar(100)
 * for (let step = 1; step <= 100; step++) bar.update(step, { loss: 1 / step })
 */
export class Progbar {
  target: number | null
  readonly #options: Required<ProgbarOptions>
  readonly #values = new Map<string, { sum: number; count: number }>()
  readonly #start: number
  #seen = 0
  #lastUpdate = Number.NEGATIVE_INFINITY
  #firstStepEnd: number | undefined
  #previousWidth = 0
  #printing: Promise<void> | undefined

  /** `target` is the number of steps, null if that is not known. */
  constructor(target: number | null, options: ProgbarOptions = {}) {
    if (options.statefulMetrics !== undefined && options.statelessMetrics != null) {
      throw new ValueError({
        where: 'Progbar',
        problem: 'both statefulMetrics and statelessMetrics are given',
        hint: 'one of them says which values are not averaged, the other which are',
      })
    }
    this.target = target
    this.#options = {
      width: 20,
      verbose: 1,
      interval: 0.05,
      statefulMetrics: [],
      statelessMetrics: null,
      unitName: 'step',
      isDynamic: platform.terminalColumns() !== undefined,
      columns: platform.terminalColumns,
      print: (text) => platform.print(text),
      clock: () => performance.now() / 1000,
      ...options,
    }
    this.#start = this.#options.clock()
  }

  /** Shows that `current` steps are done. The last call (`finalize`) always prints and ends the line. */
  update(current: number, values: ProgressValues = {}, finalize = this.target !== null && current >= this.target): void {
    this.#take(current, isIterable(values) ? values : Object.entries(values), finalize)
    const { verbose, interval, clock } = this.#options
    const now = clock()
    const stepTime = this.#stepTime(current, now)
    if (verbose === 1) {
      if ((now - this.#lastUpdate < interval || this.#printing !== undefined) && !finalize) return
      this.#print(this.#bar(current, now, stepTime, finalize))
    } else if (verbose === 2 && finalize && this.target) {
      const count = `${String(current).padStart(String(this.target).length)}/${this.target}`
      this.#print(`${count} - ${roundHalfEven(now - this.#start)}s -${this.#perUnit(stepTime)}${this.#metrics(false)}\n`)
    }
    this.#lastUpdate = now
  }

  /** Adds `n` steps to those done. */
  add(n: number, values: ProgressValues = {}): void {
    this.update(this.#seen + n, values)
  }

  /** Resolves when everything is on the terminal. */
  async flush(): Promise<void> {
    await this.#printing
  }

  #print(text: string): void {
    if (!isInteractiveLoggingEnabled()) return
    const printing = this.#options.print(text)
    if (!(printing instanceof Promise)) return
    // A terminal that is gone is no reason to stop what is shown on it.
    const settled = printing
      .catch(() => undefined)
      .then(() => {
        if (this.#printing === settled) this.#printing = undefined
      })
    this.#printing = settled
  }

  #take(current: number, values: Iterable<readonly [string, number]>, finalize: boolean): void {
    for (const [name, value] of values) {
      const known = this.#values.get(name)
      const { statefulMetrics, statelessMetrics } = this.#options
      const isAveraged = (statelessMetrics === null ? !statefulMetrics.includes(name) : statelessMetrics.includes(name)) && !finalize
      const weight = isAveraged ? Math.max(current - this.#seen, 1) : 1
      if (!isAveraged || known === undefined) this.#values.set(name, { sum: value * weight, count: weight })
      else {
        known.sum += value * weight
        known.count += weight
      }
    }
    this.#seen = current
  }

  /** Seconds a step, without the first one, which compiles. */
  #stepTime(current: number, now: number): number {
    if (current === 0) return 0
    const time =
      this.#firstStepEnd !== undefined && current > 1 ? (now - this.#firstStepEnd) / (current - 1) : (now - this.#start) / current
    if (current === 1) this.#firstStepEnd = now
    return time
  }

  #bar(current: number, now: number, stepTime: number, finalize: boolean): string {
    const { width, isDynamic } = this.#options
    const restart = isDynamic ? `${'\b'.repeat(this.#previousWidth)}\r` : '\n'
    let bar: string
    if (this.target) {
      const count = `${String(current).padStart(String(this.target).length)}/${this.target}`
      const done = Math.floor((width * current) / this.target)
      bar = `${bold(count)} ${done > 0 ? `\x1b[32m${'━'.repeat(done)}\x1b[0m` : ''}\x1b[37m${'━'.repeat(Math.max(width - done, 0))}\x1b[0m`
    } else bar = `${String(current).padStart(7)}/Unknown`
    const time = this.target && !finalize ? formatEta(stepTime * (this.target - current)) : `${roundHalfEven(now - this.#start)}s`
    const whole = `${bar} ${bold(time)}${this.#perUnit(stepTime)}${this.#metrics(true)}`
    const columns = isDynamic ? (this.#options.columns() ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY
    const line = finalize ? whole : clipped(whole, columns - 1)
    const visible = visibleWidth(line)
    const erase = ' '.repeat(Math.max(Math.min(this.#previousWidth, columns - 1) - visible, 0))
    this.#previousWidth = visible
    return `${restart}${line}${erase}${finalize ? '\n' : ''}`
  }

  #perUnit(time: number): string {
    const { unitName } = this.#options
    if (time >= 1 || time === 0) return ` ${roundHalfEven(time)}s/${unitName}`
    if (time >= 1e-3) return ` ${roundHalfEven(time * 1e3)}ms/${unitName}`
    return ` ${roundHalfEven(time * 1e6)}us/${unitName}`
  }

  /** In a bar the size of a value decides on its format, in a line (as in Keras) the value. */
  #metrics(bySize: boolean): string {
    return [...this.#values]
      .map(([name, { sum, count }]) => {
        const value = sum / Math.max(1, count)
        return ` - ${name}: ${(bySize ? Math.abs(value) : value) > 1e-3 ? fixed(value) : formatExponent(value)}`
      })
      .join('')
  }
}

const bold = (text: string): string => `\x1b[1m${text}\x1b[0m`
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
const visibleWidth = (text: string): number => text.replace(/\x1b\[\d+m/g, '').length
const isIterable = (values: ProgressValues): values is Iterable<readonly [string, number]> => Symbol.iterator in values

/** The first `width` characters that can be seen, with all colours. */
function clipped(line: string, width: number): string {
  if (visibleWidth(line) <= width) return line
  let room = Math.max(width, 0)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
  return line.replace(/(\x1b\[\d+m)|[^\x1b]/g, (part, colour: string | undefined) => (colour !== undefined || room-- > 0 ? part : ''))
}

const fixed = (value: number): string => (Number.isFinite(value) ? value.toFixed(4) : formatSpecial(value))

/** Python's `.4e`: at least two digits in the exponent. */
function formatExponent(value: number): string {
  if (!Number.isFinite(value)) return formatSpecial(value)
  return value.toExponential(4).replace(/e([+-])(\d)$/, 'e$10$2')
}

const formatSpecial = (value: number): string => (Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf')

function formatEta(seconds: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0')
  if (seconds > 3600) return `${Math.floor(seconds / 3600)}:${two((seconds % 3600) / 60)}:${two(seconds % 60)}`
  if (seconds > 60) return `${Math.floor(seconds / 60)}:${two(seconds % 60)}`
  return `${Math.floor(seconds)}s`
}

/** Python's `.0f`. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  const isTie = value - floor === 0.5
  return isTie ? floor + (floor % 2) : Math.round(value)
}
