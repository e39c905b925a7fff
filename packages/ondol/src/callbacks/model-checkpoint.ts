/** Saves the model, or its weights, while it trains. Follows `keras/src/callbacks/model_checkpoint.py`. */
import { GraphError, SavingError, ValueError } from '../core/errors.js'
import type { BatchLogs, CallbackState, Logs } from './callback.js'
import { MonitorCallback, type MonitorOptions } from './monitor.js'
import { formatPython, PythonFloat } from './python-format.js'
import { type SaveFrequency, SaveSchedule } from './save-frequency.js'

export interface ModelCheckpointOptions extends MonitorOptions {
  /** Save only what is better than everything before. Default false. */
  readonly saveBestOnly?: boolean
  /** Save weights instead of the whole model. Default false. */
  readonly saveWeightsOnly?: boolean
  /** `'epoch'`, or once in so many batches: then training waits for the logs of every batch. Default `'epoch'`. */
  readonly saveFreq?: SaveFrequency
  /** What the first model has to beat, with `saveBestOnly`. */
  readonly initialValueThreshold?: number | null
}

/**
 * The path may have fields in the way of Python's `str.format`: `{epoch:02d}` (from 1), `{batch}`, and every
 * name in the logs. It ends in `.keras` or `.h5`, with `saveWeightsOnly` in `.weights.h5`.
 *
 * @throws ValueError for another ending, or a field that is not in the logs.
 * @example
 * new callbacks.ModelCheckpoint('best/{epoch:02d}-{val_loss:.2f}.keras', { saveBestOnly: true })
 */
export class ModelCheckpoint extends MonitorCallback {
  readonly saveBestOnly: boolean
  readonly saveWeightsOnly: boolean
  readonly saveFreq: SaveFrequency
  readonly #schedule: SaveSchedule
  #epoch = 0

  constructor(
    readonly filepath: string,
    {
      saveBestOnly = false,
      saveWeightsOnly = false,
      saveFreq = 'epoch',
      initialValueThreshold = null,
      ...options
    }: ModelCheckpointOptions = {},
  ) {
    super(options, ['saveBestOnly', 'saveWeightsOnly', 'saveFreq', 'initialValueThreshold'])
    this.best = initialValueThreshold
    this.saveBestOnly = saveBestOnly
    this.saveWeightsOnly = saveWeightsOnly
    this.saveFreq = saveFreq
    this.#schedule = new SaveSchedule('ModelCheckpoint', saveFreq)
    const endings = saveWeightsOnly ? ['.weights.h5'] : ['.keras', '.h5']
    if (!endings.some((ending) => filepath.endsWith(ending)))
      throw new ValueError({
        where: 'ModelCheckpoint',
        problem: `the filepath provided must end in \`${endings[0]}\`${saveWeightsOnly ? ' when using saveWeightsOnly' : ''}`,
        expected: endings.join(' or '),
        received: `filepath=${filepath}`,
      })
  }

  override get batchLogs(): BatchLogs {
    return this.#schedule.isByBatch ? 'every' : 'never'
  }

  override async onTrainBatchEnd(batch: number, logs: Logs): Promise<void> {
    if (this.#schedule.isDue(batch)) await this.#save(this.#epoch, { batch: batch + 1 }, logs)
  }

  override onEpochBegin(epoch: number): void {
    this.#epoch = epoch
  }

  override async onEpochEnd(epoch: number, logs: Logs): Promise<void> {
    if (this.saveBestOnly) this.requireDirection()
    if (this.saveFreq === 'epoch') await this.#save(epoch, {}, logs)
  }

  async #save(epoch: number, counts: Readonly<Record<string, number>>, logs: Logs): Promise<void> {
    const values = Object.fromEntries(Object.entries(logs).map(([name, value]) => [name, new PythonFloat(value)]))
    const path = formatPython(this.filepath, { ...counts, ...values, epoch: epoch + 1 })
    const say = (text: string): void => this.say(`\nEpoch ${epoch + 1}: ${text}`)
    if (!this.#isWanted(logs, path, say)) return
    await this.#write(path)
    say(`finished saving model to ${path}`)
  }

  #isWanted(logs: Logs, path: string, say: (text: string) => void): boolean {
    if (!this.saveBestOnly) {
      say(`saving model to ${path}`)
      return true
    }
    const value = logs[this.monitor]
    if (value === undefined) {
      console.warn(`ondol: Can save best model only with ${this.monitor} available.`)
      return true
    }
    const best = this.best === null ? 'None' : fiveDigits(this.best)
    if (!this.improves(value, this.best)) {
      say(`${this.monitor} did not improve from ${best}`)
      return false
    }
    say(`${this.monitor} improved from ${best} to ${fiveDigits(value)}, saving model to ${path}`)
    this.best = value
    return true
  }

  async #write(path: string): Promise<void> {
    const { model } = this
    const save = this.saveWeightsOnly ? model.saveWeights : model.save
    if (save === undefined) throw new GraphError({ where: `ModelCheckpoint → ${model.name}`, problem: 'the model cannot be saved' })
    try {
      await save.call(model, path, { overwrite: true })
    } catch (error) {
      if (!isAboutFolder(error)) throw error
      throw new SavingError({
        where: 'ModelCheckpoint',
        problem: 'the filepath is an existing directory',
        expected: 'a non-directory filepath',
        received: path,
        cause: error,
      })
    }
  }

  override getState(): CallbackState {
    return { best: this.best, schedule: this.#schedule.state }
  }

  override setState(state: CallbackState): void {
    const { best, schedule } = state as { readonly best: number | null; readonly schedule: CallbackState }
    this.best = best
    this.#schedule.state = schedule
  }
}

const fiveDigits = (value: number): string => formatPython('{v:.5f}', { v: new PythonFloat(value) })

/** A file cannot be renamed to where a folder is. */
const isAboutFolder = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EISDIR'
