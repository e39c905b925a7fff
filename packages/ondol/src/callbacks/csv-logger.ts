/** Writes the logs of each epoch as a line of a CSV file. Follows `keras/src/callbacks/csv_logger.py`. */

import { platform } from '#platform'
import { refuseUnknownOptions } from '../core/known-options.js'
import { Callback, type CallbackState, type Logs } from './callback.js'
import { pythonFloat } from './python-format.js'

export interface CSVLoggerOptions {
  /** Default `','`. */
  readonly separator?: string
  /** Go on with a file that is there. Default false: it is replaced. */
  readonly append?: boolean
}

/**
 * Columns are the epoch and the names of the first epoch's values, sorted; what is missing later is `NA`.
 * Each line is on the disk before the next epoch begins.
 *
 * @example
 * new callbacks.CSVLogger('run/log.csv', { append: true })
 */
export class CSVLogger extends Callback {
  readonly separator: string
  readonly append: boolean
  #keys: readonly string[] | null = null
  /** Bytes of the file, once it was begun. */
  #length: number | null = null

  constructor(
    readonly filename: string,
    { separator = ',', append = false, ...rest }: CSVLoggerOptions = {},
  ) {
    super()
    refuseUnknownOptions('CSVLogger', rest, [], ['separator', 'append'])
    this.separator = separator
    this.append = append
  }

  override onTrainBegin(): void {
    this.#keys = null
    this.#length = null
  }

  /** Begins the file: not before it is known whether training goes on with one. */
  override async onEpochBegin(): Promise<void> {
    await this.#open()
  }

  override async onEpochEnd(epoch: number, logs: Logs): Promise<void> {
    const length = await this.#open()
    let text = ''
    if (this.#keys === null) {
      const keys = Object.keys(logs).sort()
      // Validation may come later (validationFreq): keep places for it.
      this.#keys = keys.some((key) => key.startsWith('val_')) ? keys : [...keys, ...keys.map((key) => `val_${key}`)]
      if (length === 0) text += this.#line(['epoch', ...this.#keys])
    }
    text += this.#line([String(epoch), ...this.#keys.map((key) => cellOf(logs[key]))])
    const bytes = new TextEncoder().encode(text)
    await platform.appendFile(this.filename, bytes)
    this.#length = length + bytes.byteLength
  }

  async #open(): Promise<number> {
    if (this.#length !== null) return this.#length
    if (!this.append) await platform.writeFile(this.filename, new Uint8Array())
    const length = this.append ? ((await platform.readFile(this.filename))?.byteLength ?? 0) : 0
    this.#length = length
    return length
  }

  #line(cells: readonly string[]): string {
    const quoted = cells.map((cell) => (cell.includes(this.separator) || /["\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell))
    return `${quoted.join(this.separator)}\r\n`
  }

  override getState(): CallbackState {
    return { keys: this.#keys, length: this.#length }
  }

  /** Lines of epochs that will be trained again are taken away. */
  override async setState(state: CallbackState): Promise<void> {
    const { keys, length } = state as { readonly keys: readonly string[] | null; readonly length: number | null }
    const existing = await platform.readFile(this.filename)
    if (length === null || existing === undefined || existing.byteLength < length) return
    if (existing.byteLength > length) await platform.writeFile(this.filename, existing.subarray(0, length))
    this.#keys = keys
    this.#length = length
  }
}

/** As Python writes it: floats with a point, lists in brackets and quotes. */
function cellOf(value: unknown): string {
  if (value === undefined) return 'NA'
  if (typeof value === 'number') return pythonFloat(value)
  if (typeof value === 'string') return value
  return Symbol.iterator in Object(value) ? `"[${Array.from(value as Iterable<unknown>, cellOf).join(', ')}]"` : String(value)
}
