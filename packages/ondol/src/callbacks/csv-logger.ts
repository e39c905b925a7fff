/** Writes the logs of each epoch as a line of a CSV file. Follows `keras/src/callbacks/csv_logger.py`. */
import { platform } from '#platform'
import { Callback, type Logs } from './callback.js'

export interface CSVLoggerOptions {
  /** Default `','`. */
  readonly separator?: string
  /** Go on with a file that is there. Default false. */
  readonly append?: boolean
}

/** Columns are the epoch and the names of the first epoch's values, sorted; what is missing later is `NA`. */
export class CSVLogger extends Callback {
  readonly #separator: string
  readonly #append: boolean
  #text = ''
  #keys: readonly string[] | undefined

  constructor(
    readonly filename: string,
    { separator = ',', append = false }: CSVLoggerOptions = {},
  ) {
    super()
    this.#separator = separator
    this.#append = append
  }

  override async onTrainBegin(): Promise<void> {
    this.#keys = undefined
    const existing = this.#append ? await platform.readFile(this.filename) : undefined
    this.#text = existing === undefined ? '' : new TextDecoder().decode(existing)
  }

  override async onEpochEnd(epoch: number, logs: Logs): Promise<void> {
    if (this.#keys === undefined) {
      const keys = Object.keys(logs).sort()
      // Validation may come later (validationFreq): keep places for it.
      this.#keys = keys.some((key) => key.startsWith('val_')) ? keys : [...keys, ...keys.map((key) => `val_${key}`)]
      if (this.#text === '') this.#add(['epoch', ...this.#keys])
    }
    this.#add([String(epoch), ...this.#keys.map((key) => String(logs[key] ?? 'NA'))])
    await platform.writeFile(this.filename, new TextEncoder().encode(this.#text))
  }

  #add(cells: readonly string[]): void {
    const quoted = cells.map((cell) => (cell.includes(this.#separator) || /["\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell))
    this.#text += `${quoted.join(this.#separator)}\r\n`
  }
}
