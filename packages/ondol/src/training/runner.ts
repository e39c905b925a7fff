/**
 * Runs a model over data: epochs, batches, callbacks, logs. The steps are compiled once and queued ahead;
 * numbers are read back only when a callback or the epoch's end asks for them.
 */
import { platform } from '#platform'
import type { Logs } from '../callbacks/callback.js'
import { CallbackList, type NestedCallbacks } from '../callbacks/callback-list.js'
import type { History } from '../callbacks/history.js'
import { DataError } from '../core/errors.js'
import type { Tree } from '../core/tree.js'
import { currentBackend, type Tensor } from '../engine/index.js'
import { makeDefaultSeed } from '../ops/random.js'
import { Collector } from './collector.js'
import { Converter, type DataLike } from './convert.js'
import { gather, runEpoch, unlessAborted } from './epoch.js'
import { requireFinite, requireFiniteArrays } from './finite.js'
import { type BatchIterable, requireEnd } from './iterable-source.js'
import { limitedEpochs, limitedSteps } from './limits.js'
import { ModelData } from './model-data.js'
import { ModelSteps, type RunnableModel, release } from './model-steps.js'
import {
  type CompileOptions,
  type EvaluateOptions,
  type FitOptions,
  type OnBatchOptions,
  type PredictOptions,
  requireFitOptions,
  requireKnownOptions,
  requireSteps,
  type Verbosity,
} from './options.js'
import { Pace } from './pace.js'
import { Passes } from './position.js'
import { ArraySource, type Pass, type Source } from './source.js'
import { type Turn, Turns } from './turns.js'

/** Of evaluation and prediction, which do not shuffle. */
const ONLY_PASS: Pass = { epoch: 0, seed: 0, skip: 0 }

interface Test {
  readonly source: Source
  readonly steps: number | undefined
  readonly callbacks: CallbackList
  readonly signal: AbortSignal | undefined
  readonly checkData: boolean
}

export class Runner {
  readonly #model: RunnableModel
  readonly #stepsPerExecution: number
  readonly #steps: ModelSteps
  readonly #turns = new Turns()

  constructor(model: RunnableModel, options: CompileOptions) {
    this.#model = model
    this.#stepsPerExecution = options.stepsPerExecution ?? 1
    this.#steps = new ModelSteps(model, options)
  }

  dispose(): void {
    this.#steps.dispose()
  }

  // ---- fit ----

  async fit(x: DataLike | BatchIterable, y: DataLike | null, options: FitOptions): Promise<History> {
    return this.#run('fit', async (data, turn) => {
      requireKnownOptions('fit', options)
      requireFitOptions(options)
      const { initialEpoch = 0, verbose, callbacks, classWeight = null, signal, checkData = false } = options
      const epochs = limitedEpochs(options.epochs ?? 1)
      const { training, validation } = data.fitSources(x, y, options)
      const stepsPerEpoch = limitedSteps(options.stepsPerEpoch, training)
      const model = this.#model
      try {
        if (checkData) for (const source of [training, validation]) await this.#requireFinite(source)
        const steps = requireEnd(training, stepsPerEpoch, 'stepsPerEpoch')
        if (validation !== undefined) requireEnd(validation, options.validationSteps, 'validationSteps')
        const list = this.#callbacks(turn, callbacks, verbose, { epochs, steps, addHistory: true })
        const settings = this.#steps.settings(training, classWeight)
        model.stopTraining = false
        const first = { epoch: initialEpoch, batch: 0, shuffleSeed: makeDefaultSeed() }
        model.fitPosition = first
        await list.onTrainBegin()
        const start = model.fitPosition ?? first
        const { shuffleSeed } = start
        const passes = new Passes(training, stepsPerEpoch, shuffleSeed)
        let logs: Logs = {}
        let hasWarned = false
        for (let epoch = start.epoch; epoch < epochs && !model.stopTraining; epoch++) {
          const from = epoch === start.epoch ? start.batch : 0
          model.fitPosition = { epoch, batch: from, shuffleSeed }
          if (from === 0) model.resetMetrics()
          await list.onEpochBegin(epoch)
          await training.beginEpoch?.()
          const row = epoch === start.epoch ? await passes.goTo(start, initialEpoch) : await passes.enter(epoch)
          if (row !== undefined) this.#steps.train.rewind(firstRow(training, row))
          const result = await runEpoch(model, this.#steps, {
            phase: 'Train',
            source: training,
            from,
            to: smallest(steps, passes.left === null ? null : from + passes.left),
            stepsPerExecution: this.#stepsPerExecution,
            callbacks: list,
            settings,
            signal,
            checkData,
            onProgress: (batch) => {
              model.fitPosition = { epoch, batch, shuffleSeed }
            },
          })
          const { batches } = result
          if (batches === 0) throw noBatches('fit')
          if (stepsPerEpoch !== undefined && batches < stepsPerEpoch && !model.stopTraining && !hasWarned) {
            hasWarned = true
            warnOfTooFew(batches, stepsPerEpoch)
          }
          passes.leave(batches - from, result.isExhausted)
          await training.endEpoch?.()
          logs = result.logs
          if (training.steps === null && stepsPerEpoch === undefined) list.setSteps(batches)
          if (validation !== undefined && isDue(epoch, options.validationFreq)) {
            turn.excludes = ['fit', 'evaluate']
            const validationSteps = limitedSteps(options.validationSteps, validation)
            const found = await this.#test({ source: validation, steps: validationSteps, callbacks: list, signal, checkData })
            turn.excludes = ['fit']
            logs = { ...logs, ...Object.fromEntries(Object.entries(found).map(([key, value]) => [`val_${key}`, value])) }
          }
          model.fitPosition = { epoch: epoch + 1, batch: 0, shuffleSeed }
          await list.onEpochEnd(epoch, logs)
        }
        if (epochs > 0) model.optimizer?.finalizeVariableValues(model.trainableVariables)
        await list.onTrainEnd(logs)
        return list.history as History
      } finally {
        model.fitPosition = null
        model.onMetricsMade = undefined
        await closeAll(signal, training, validation)
      }
    })
  }

  // ---- evaluate ----

  async evaluate(x: DataLike | BatchIterable, y: DataLike | null, options: EvaluateOptions): Promise<Logs> {
    return this.#run('evaluate', async (data, turn) => {
      requireKnownOptions('evaluate', options)
      const { batchSize, verbose, callbacks, sampleWeight, signal, checkData = false } = options
      requireSteps('steps', options.steps)
      const source = data.source(x, y, sampleWeight, { batchSize, steps: options.steps, shuffle: false })
      const steps = limitedSteps(options.steps, source)
      try {
        if (checkData) await this.#requireFinite(source)
        const list = this.#callbacks(turn, callbacks, verbose, { epochs: 1, steps: requireEnd(source, steps, 'steps') })
        return await this.#test({ source, steps, callbacks: list, signal, checkData })
      } finally {
        await closeAll(signal, source)
      }
    })
  }

  async #test({ source, steps, callbacks, signal, checkData }: Test): Promise<Logs> {
    const model = this.#model
    model.stopEvaluating = false
    model.resetMetrics()
    await callbacks.onTestBegin()
    await source.beginEpoch?.()
    await source.start(ONLY_PASS)
    this.#steps.test.rewind(0)
    const { logs, batches } = await runEpoch(model, this.#steps, {
      phase: 'Test',
      source,
      from: 0,
      to: smallest(steps ?? null, source.steps),
      stepsPerExecution: this.#stepsPerExecution,
      callbacks,
      settings: this.#steps.settings(source),
      signal,
      checkData,
    })
    if (batches === 0) throw noBatches('evaluate')
    if (steps !== undefined && batches < steps && !model.stopEvaluating) warnOfTooFew(batches, steps)
    await source.endEpoch?.()
    await callbacks.onTestEnd(logs)
    return logs
  }

  // ---- predict ----

  async predict(x: DataLike | BatchIterable, options: PredictOptions): Promise<Tree<Tensor>> {
    return this.#run('predict', async (data, turn) => {
      requireKnownOptions('predict', options)
      const { batchSize, verbose, callbacks, signal, checkData = false } = options
      requireSteps('steps', options.steps)
      const source = data.source(x, null, undefined, { batchSize, steps: options.steps, shuffle: false })
      const steps = limitedSteps(options.steps, source)
      const model = this.#model
      const pace = new Pace()
      try {
        if (checkData) await this.#requireFinite(source)
        const to = smallest(requireEnd(source, steps, 'steps'), source.steps)
        const list = this.#callbacks(turn, callbacks, verbose, { epochs: 1, steps: to })
        const [wantsBegin, wantsEnd] = [list.wants('onPredictBatchBegin'), list.wants('onPredictBatchEnd')]
        const collector = new Collector(source instanceof ArraySource && to === source.steps ? source.samples : null)
        model.stopPredicting = false
        await list.onPredictBegin()
        await source.beginEpoch?.()
        await source.start(ONLY_PASS)
        this.#steps.predict.rewind(0)
        let batches = 0
        while ((to === null || batches < to) && !model.stopPredicting) {
          signal?.throwIfAborted()
          const feeding = gather(source, Math.min(this.#stepsPerExecution, to === null ? Number.POSITIVE_INFINITY : to - batches))
          const feeds = feeding instanceof Promise ? await unlessAborted(feeding, signal) : feeding
          if (feeds.length === 0) break
          if (checkData) await requireFinite(feeds, batches, (arrays) => model.numberings(arrays))
          if (wantsBegin) await list.onPredictBatchBegin(batches)
          const outputs = this.#steps.predict.run(feeds, null)
          batches += feeds.length
          if (wantsEnd) await list.onPredictBatchEnd(batches - 1, { outputs })
          collector.add(outputs)
          await pace.step()
        }
        await pace.drain()
        const outputs = collector.finish()
        if (outputs === undefined) throw noBatches('predict')
        if (to === null) list.setSteps(batches)
        await source.endEpoch?.()
        await list.onPredictEnd()
        return outputs
      } finally {
        await closeAll(signal, source)
      }
    })
  }

  // ---- single batches ----

  async predictOnBatch(x: DataLike): Promise<Tree<Tensor>> {
    return this.#run('predictOnBatch', async (data) => this.#steps.predict.run([data.batch(x, null, undefined)], null))
  }

  async onBatch(phase: 'train' | 'test', x: DataLike, y: DataLike | null, options: OnBatchOptions): Promise<Logs> {
    return this.#run(`${phase}OnBatch`, async (data) => {
      requireKnownOptions(`${phase}OnBatch`, options)
      const { sampleWeight, classWeight = null, resetMetrics = true } = options
      const feed = data.batch(x, y, sampleWeight)
      if (resetMetrics) this.#model.resetMetrics()
      const report = this.#steps[phase].run([feed], this.#steps.settings(null, classWeight)) ?? null
      const logs = await this.#steps.read(report)
      release(report)
      return logs
    })
  }

  /** Batches are looked through when they come. */
  async #requireFinite(source: Source | undefined): Promise<void> {
    if (source instanceof ArraySource) await requireFiniteArrays(source.arrays, (arrays) => this.#model.numberings(arrays))
  }

  #callbacks(
    turn: Turn,
    callbacks: NestedCallbacks | null = [],
    verbose: Verbosity = 'auto',
    options: { readonly epochs: number; readonly steps: number | null; readonly addHistory?: boolean },
  ): CallbackList {
    // A bar needs a line that can be rewritten; a file gets a line an epoch.
    const level = verbose === 0 || verbose === 2 ? verbose : platform.terminalColumns() === undefined ? 2 : 1
    turn.callbacks = new CallbackList(callbacks, { ...options, addProgbar: level !== 0, model: this.#model, verbose: level })
    return turn.callbacks
  }

  async #run<R>(what: string, body: (data: ModelData, turn: Turn) => Promise<R>): Promise<R> {
    const turn = this.#turns.take(what, this.#model.name)
    const converter = new Converter()
    try {
      return await body(new ModelData(this.#model, converter), turn)
    } finally {
      // However it ended, nothing of it runs on; a failure has been told already.
      await currentBackend()
        .finish()
        .catch(() => undefined)
      converter.dispose()
      this.#turns.end(turn)
    }
  }
}

/** The smaller of two numbers of batches, of which each may be unknown. */
const smallest = (a: number | null, b: number | null): number | null => (a === null || b === null ? (a ?? b) : Math.min(a, b))

const firstRow = (source: Source, batch: number): number => (source instanceof ArraySource ? batch * source.batchSize : 0)

/**
 * Lets go of all; what a failing iterator throws then says nothing new. Where the run was interrupted, data may be
 * awaited that never comes: nobody waits for that.
 */
async function closeAll(signal: AbortSignal | undefined, ...sources: readonly (Source | undefined)[]): Promise<void> {
  const closing = sources.map(async (source) => source?.close())
  const closed = Promise.allSettled(closing)
  if (signal?.aborted !== true) await closed
}

function isDue(epoch: number, frequency: number | readonly number[] = 1): boolean {
  return typeof frequency === 'number' ? (epoch + 1) % frequency === 0 : frequency.includes(epoch + 1)
}

const noBatches = (where: string): DataError =>
  new DataError({
    where,
    problem: 'the data gave no batches',
    hint: 'a generator can be used once: pass a function that makes a new one for each epoch',
  })

function warnOfTooFew(batches: number, steps: number): void {
  console.warn(
    `ondol: the input ran out of data: it ended after ${batches} of ${steps} batches. Make sure that it has enough (repeat() of a dataset), or pass a function that makes an endless generator.`,
  )
}
