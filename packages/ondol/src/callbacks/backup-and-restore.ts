/**
 * Training that survives its process. Follows `keras/src/callbacks/backup_and_restore.py`, but saves everything that
 * training goes on from, in one file that is always whole: weights, optimizer, metrics, random state, the place in
 * the data, the other callbacks. So a run that was killed, however often, ends with the same bits as one that was not.
 */

import { platform } from '#platform'
import { GraphError, SavingError, ValueError } from '../core/errors.js'
import { refuseUnknownOptions } from '../core/known-options.js'
import { formatShape, sameShape } from '../core/shape.js'
import { Tensor, type Variable, withoutTrace } from '../engine/index.js'
import { type RandomState, randomState, restoreRandomState } from '../ops/random.js'
import { type BatchLogs, Callback, type CallbackModel, type CallbackState, type FitPosition, type HookOutcome } from './callback.js'
import { readCheckpoint, writeCheckpoint } from './checkpoint-file.js'
import { type SaveFrequency, SaveSchedule } from './save-frequency.js'

export interface BackupAndRestoreOptions {
  /** `'epoch'`, once in so many batches, or false: never. Default `'epoch'`. */
  readonly saveFreq?: SaveFrequency | false
  /** Keep the checkpoint before the last one too, for when a disk loses the last. Default false. */
  readonly doubleCheckpoint?: boolean
  /** Remove the checkpoint when training has come to its end. Default true. */
  readonly deleteCheckpoint?: boolean
}

/** What a checkpoint holds. */
interface Checkpoint {
  /** Counts the checkpoints of a run. */
  readonly serial: number
  readonly position: FitPosition
  readonly stopTraining: boolean
  readonly model: readonly (Tensor | Variable)[]
  readonly optimizer: readonly (Tensor | Variable)[]
  /** Of an epoch that has begun. */
  readonly metrics: readonly (Tensor | Variable)[]
  readonly random: RandomState
  readonly callbacks: Readonly<Record<string, CallbackState>>
}

const SLOTS = ['checkpoint-a.safetensors', 'checkpoint-b.safetensors'] as const
/** Files that a process which was killed did not finish. */
const UNFINISHED = /^checkpoint-[ab]\.safetensors\..+\.part$/

/**
 * Runs the same program again after it was killed, and `fit` goes on from the last checkpoint: to the same weights,
 * history and predictions. Model, data and callbacks have to be made in the same way each time. Callbacks are called
 * before this one, wherever it stands in the list; those with state of their own say so in `getState`. In the
 * middle of an epoch `onEpochBegin` is called again.
 *
 * @throws ValueError for an empty folder name or another `saveFreq`; `fit` rejects with a SavingError when the
 * checkpoint is of another model.
 * @example
 * await model.fit(x, y, { epochs: 100, callbacks: [new callbacks.BackupAndRestore('backup', { saveFreq: 500 })] })
 */
export class BackupAndRestore extends Callback {
  readonly saveFreq: SaveFrequency | false
  readonly doubleCheckpoint: boolean
  readonly deleteCheckpoint: boolean
  readonly #schedule: SaveSchedule
  #others: readonly Callback[] = []
  #serial = 0
  #isDue = false

  constructor(
    readonly backupDir: string,
    { saveFreq = 'epoch', doubleCheckpoint = false, deleteCheckpoint = true, ...rest }: BackupAndRestoreOptions = {},
  ) {
    super()
    refuseUnknownOptions('BackupAndRestore', rest, [], ['saveFreq', 'doubleCheckpoint', 'deleteCheckpoint'])
    if (backupDir === '') throw new ValueError({ where: 'BackupAndRestore', problem: 'empty backupDir', expected: 'a folder of its own' })
    this.saveFreq = saveFreq
    this.doubleCheckpoint = doubleCheckpoint
    this.deleteCheckpoint = deleteCheckpoint
    this.#schedule = new SaveSchedule('BackupAndRestore', saveFreq)
  }

  override attend(others: readonly Callback[]): void {
    this.#others = others
  }

  override get batchLogs(): BatchLogs {
    return 'never'
  }

  override async onTrainBegin(): Promise<void> {
    if (!this.model.built)
      throw new GraphError({
        where: `BackupAndRestore → ${this.model.name}`,
        problem: 'the model must be built before you call fit()',
        hint: 'begin it with an Input, call model.build(shape), or call it on a batch of data',
      })
    for (const name of await platform.listFolder(this.backupDir))
      if (UNFINISHED.test(name)) await platform.remove(`${this.backupDir}/${name}`)
    this.#isDue = false
    const checkpoint = await this.#latest()
    this.#serial = checkpoint?.serial ?? 0
    if (checkpoint !== undefined) await this.#restore(checkpoint)
  }

  /** What is due waits for the next batch, or the end of the epoch: nobody goes on from after the last batch. */
  override onTrainBatchBegin(): HookOutcome {
    if (this.#isDue) return this.#save()
  }

  override onTrainBatchEnd(batch: number): void {
    this.#isDue ||= this.#schedule.isDue(batch)
  }

  override async onEpochEnd(): Promise<void> {
    if (this.#isDue || this.saveFreq === 'epoch') await this.#save()
  }

  override async onTrainEnd(): Promise<void> {
    if (!this.deleteCheckpoint) return
    for (const name of SLOTS) await platform.remove(`${this.backupDir}/${name}`)
    await platform.remove(this.backupDir)
  }

  // ---- saving ----

  async #save(): Promise<void> {
    this.#isDue = false
    const { model } = this
    const position = requirePosition(model)
    const checkpoint: Checkpoint = {
      serial: ++this.#serial,
      position,
      stopTraining: model.stopTraining,
      model: model.variables,
      optimizer: model.optimizer?.variables ?? [],
      metrics: position.batch === 0 ? [] : metricVariables(model),
      random: randomState(),
      callbacks: Object.fromEntries(named(this.#others).flatMap(([name, callback]) => statesOf(name, callback))),
    }
    const slot = SLOTS[this.doubleCheckpoint ? this.#serial % 2 : 0]
    await writeCheckpoint(`${this.backupDir}/${slot}`, checkpoint as unknown as CallbackState)
  }

  // ---- restoring ----

  async #latest(): Promise<Checkpoint | undefined> {
    const found: Checkpoint[] = []
    const failures: unknown[] = []
    for (const name of SLOTS) {
      try {
        const state = await readCheckpoint(`${this.backupDir}/${name}`)
        if (state !== undefined) found.push(requireCheckpoint(name, state))
      } catch (error) {
        failures.push(error)
      }
    }
    const latest = found.sort((a, b) => b.serial - a.serial)[0]
    if (failures.length > 0 && latest === undefined) throw failures[0]
    for (const failure of failures)
      console.warn(`ondol: training goes on from the checkpoint before. ${failure instanceof Error ? failure.message : failure}`)
    return latest
  }

  async #restore(checkpoint: Checkpoint): Promise<void> {
    const { model } = this
    const { optimizer } = model
    if (checkpoint.optimizer.length > 0) optimizer?.build(model.trainableVariables)
    const targets = [...model.variables, ...(optimizer?.variables ?? [])]
    const values = [...checkpoint.model, ...checkpoint.optimizer] as Tensor[]
    requireSame(this.backupDir, targets, values)
    targets.forEach((variable, i) => {
      variable.assign(values[i] as Tensor)
    })
    restoreRandomState(checkpoint.random)
    this.#restoreMetrics(checkpoint.metrics as readonly Tensor[])
    for (const [name, callback] of named(this.#others)) {
      const state = checkpoint.callbacks[name]
      if (state !== undefined) await callback.setState(state)
    }
    model.stopTraining = checkpoint.stopTraining
    model.fitPosition = checkpoint.position
  }

  /** Some metrics are made when the first batch has shown what they are about: they get their state then. */
  #restoreMetrics(values: readonly Tensor[]): void {
    const { model } = this
    let done = 0
    const restore = (): void => {
      const variables = metricVariables(model).slice(done, values.length)
      requireSame(this.backupDir, variables, values.slice(done, done + variables.length))
      variables.forEach((variable, i) => {
        variable.assign(values[done + i] as Tensor)
      })
      done += variables.length
    }
    model.onMetricsMade = () => withoutTrace(restore)
    restore()
  }
}

/** Not a file of another program; that its tensors are those of the model is checked when they are put back. */
function requireCheckpoint(name: string, state: CallbackState): Checkpoint {
  const { serial, position, model, optimizer, metrics, random, callbacks } = state as Partial<Record<keyof Checkpoint, unknown>>
  const isWhole =
    typeof serial === 'number' &&
    [position, random, callbacks].every((part) => typeof part === 'object' && part !== null) &&
    [model, optimizer, metrics].every((part) => Array.isArray(part))
  if (!isWhole) throw new SavingError({ where: name, problem: 'this file is no checkpoint of BackupAndRestore' })
  return state as unknown as Checkpoint
}

function requirePosition({ name, fitPosition }: CallbackModel): FitPosition {
  if (fitPosition != null) return fitPosition
  throw new GraphError({
    where: `BackupAndRestore → ${name}`,
    problem: 'the model does not say where its training stands',
    hint: 'it works in fit only',
  })
}

/** In the order in which they were made, so that those which are made later come last. */
const metricVariables = (model: CallbackModel): readonly Variable[] =>
  model.metrics.flatMap(({ variables }) => variables).sort((a, b) => a.id - b.id)

/** Callbacks by class and number. */
function named(callbacks: readonly Callback[]): [string, Callback][] {
  const counts = new Map<string, number>()
  return callbacks.map((callback) => {
    const { name } = callback.constructor
    const count = counts.get(name) ?? 0
    counts.set(name, count + 1)
    return [`${name} ${count}`, callback]
  })
}

function statesOf(name: string, callback: Callback): [string, CallbackState][] {
  const state = callback.getState()
  return state === undefined ? [] : [[name, state]]
}

function requireSame(folder: string, variables: readonly Variable[], values: readonly Tensor[]): void {
  const refuse = (expected: string, received: string): never => {
    throw new SavingError({
      where: folder,
      problem: 'the checkpoint is of another model, or of one that was compiled in another way',
      expected,
      received,
      hint: 'make the model as before, or remove the folder to begin anew',
    })
  }
  if (variables.length !== values.length) refuse(`${variables.length} Variables`, `${values.length}`)
  variables.forEach(({ path, shape, dtype }, i) => {
    const value = values[i]
    if (!(value instanceof Tensor) || !sameShape(value.shape, shape) || value.dtype !== dtype)
      refuse(
        `${path} ${formatShape(shape)} ${dtype}`,
        value instanceof Tensor ? `${formatShape(value.shape)} ${value.dtype}` : 'something else',
      )
  })
}
