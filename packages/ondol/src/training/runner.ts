/**
 * Runs a model over data: epochs, batches, callbacks, logs. The steps are compiled once and queued ahead;
 * numbers are read back only when a callback or the epoch's end asks for them.
 */
import { platform } from '#platform'
import type { Callback, CallbackModel, Logs } from '../callbacks/callback.js'
import { CallbackList } from '../callbacks/callback-list.js'
import { History } from '../callbacks/history.js'
import { ProgbarLogger } from '../callbacks/progbar-logger.js'
import { DataError, ValueError } from '../core/errors.js'
import { flatten, mapTree, type Tree, unflatten } from '../core/tree.js'
import { currentBackend, type Jitted, lax, type Tensor, type Variable } from '../engine/index.js'
import { KerasTensor } from '../ops/operation.js'
import { makeDefaultSeed } from '../ops/random.js'
import { type ClassWeights, weighByClass } from './class-weight.js'
import { type Arrays, Converter, type DataLike } from './convert.js'
import { readLogs, sorted } from './logs.js'
import { type DataModel, ModelData } from './model-data.js'
import type { CompileOptions, EvaluateOptions, FitOptions, OnBatchOptions, PredictOptions, Verbosity } from './options.js'
import { Pace } from './pace.js'
import { Sampler } from './sampler.js'
import { ArraySource, type BatchIterable, type Feed, type Pass, type Source } from './source.js'
import { type Batch, CompiledStep, compiledUnless, packed } from './step.js'

/** What the runner asks of a model. */
export interface RunnableModel extends CallbackModel, DataModel {
  readonly trainableVariables: readonly Variable[]
  readonly built: boolean
  computeOutputSpec(inputs: Tree<KerasTensor>): Tree<KerasTensor>
  resetMetrics(): void
  getMetricsResult(): Record<string, Tensor>
  runStep(phase: 'train' | 'test', batch: Batch): Record<string, Tensor> | null
  predictStep(batch: Batch): Tree<Tensor>
}

/** Constants of a compiled step; when they change it is compiled anew. */
interface StepSettings {
  /** What is trainable. */
  readonly trainable: string
  readonly classWeight: ClassWeights | null
}

/** Of evaluation and prediction, which do not shuffle. */
const ONLY_PASS: Pass = { epoch: 0, seed: 0, skip: 0 }

type Report = Record<string, Tensor> | null

interface Run {
  readonly phase: 'Train' | 'Test'
  readonly source: Source
  readonly steps: number | null
  /** The number of steps is the user's, not the data's. */
  readonly stepsAreGiven: boolean
  readonly callbacks: CallbackList
  readonly settings: StepSettings
  readonly signal: AbortSignal | undefined
}

export class Runner {
  readonly #model: RunnableModel
  readonly #stepsPerExecution: number
  readonly #steps: Readonly<Record<'Train' | 'Test', CompiledStep<StepSettings & Tree<unknown>, Report>>>
  readonly #predict: CompiledStep<null, Tree<Tensor>>
  readonly #results: Jitted<[key: string], Tensor>
  /** Keys of the numbers that \`#results\` gives, by the metrics there are. */
  readonly #resultNames = new Map<string, readonly string[]>()
  #isRunning = false

  constructor(model: RunnableModel, { runEagerly = false, stepsPerExecution = 1 }: CompileOptions) {
    this.#model = model
    this.#stepsPerExecution = stepsPerExecution
    const stepOf = (phase: 'train' | 'test'): CompiledStep<StepSettings & Tree<unknown>, Report> =>
      new CompiledStep(
        ([x, y, sampleWeight], { classWeight }: StepSettings) => model.runStep(phase, [x, y, this.#weigh(y, sampleWeight, classWeight)]),
        {
          name: `${model.name}.${phase}Step`,
          runEagerly,
        },
      )
    this.#steps = { Train: stepOf('train'), Test: stepOf('test') }
    this.#predict = new CompiledStep((batch) => model.predictStep(batch), { name: `${model.name}.predictStep`, runEagerly })
    const results = (key: string): Tensor => {
      const found = model.getMetricsResult()
      this.#resultNames.set(key, Object.keys(found))
      return packed(Object.values(found))
    }
    this.#results = compiledUnless(runEagerly, results, `${model.name}.metrics`)
  }

  dispose(): void {
    for (const step of [this.#steps.Train, this.#steps.Test, this.#predict, this.#results]) step.dispose()
  }

  #weigh(y: Tree<Tensor> | null, sampleWeight: Tree<Tensor> | null, classWeight: ClassWeights | null): Tree<Tensor> | null {
    return classWeight === null ? sampleWeight : weighByClass(y, sampleWeight, classWeight, this.#model.outputNames ?? [])
  }

  #settings(source: Source | null, classWeight: ClassWeights | null = null): StepSettings {
    if (source instanceof ArraySource) this.#build(source.arrays)
    return { trainable: this.#model.trainableVariables.map(({ path }) => path).join(), classWeight }
  }

  /** Builds a model that waits for data: else its weights would come with the first step, and the second be compiled anew. */
  #build({ x }: Arrays): void {
    if (this.#model.built) return
    const symbols = mapTree(x, ({ shape, dtype }) => new KerasTensor([null, ...shape.slice(1)], { dtype }))
    try {
      this.#model.computeOutputSpec(symbols)
    } catch {
      // It may need a known batch size. If something is really wrong, the first step says so.
    }
  }

  // ---- fit ----

  async fit(x: DataLike | BatchIterable, y: DataLike | null, options: FitOptions): Promise<History> {
    return this.#alone('fit', async (data) => {
      const { epochs = 1, initialEpoch = 0, verbose, callbacks = [], stepsPerEpoch, classWeight, signal } = options
      const { training, validation } = data.fitSources(x, y, options)
      const history = new History()
      const steps = stepsPerEpoch ?? training.steps
      const list = this.#callbacks([...callbacks, history], verbose, { epochs, steps })
      const settings = this.#settings(training, classWeight)
      this.#model.stopTraining = false
      const seed = makeDefaultSeed()
      let logs: Logs = {}
      let isExhausted = true
      try {
        await list.begin('Train')
        for (let epoch = initialEpoch; epoch < epochs && !this.#model.stopTraining; epoch++) {
          this.#model.resetMetrics()
          await list.epochBegin(epoch)
          if (isExhausted || stepsPerEpoch === undefined) await this.#restart('Train', training, { epoch, seed, skip: 0 })
          const result = await this.#epoch({
            phase: 'Train',
            source: training,
            steps,
            stepsAreGiven: stepsPerEpoch !== undefined,
            callbacks: list,
            settings,
            signal,
          })
          isExhausted = result.isExhausted
          logs = result.logs
          if (steps === null) list.setSteps(result.batches)
          if (validation !== undefined && isDue(epoch, options.validationFreq)) {
            const found = await this.#test(validation, list, options.validationSteps, signal)
            logs = { ...logs, ...Object.fromEntries(Object.entries(found).map(([key, value]) => [`val_${key}`, value])) }
          }
          await list.epochEnd(epoch, logs)
        }
        this.#model.optimizer?.finalizeVariableValues(this.#model.trainableVariables)
        await list.end('Train', logs)
        return history
      } finally {
        await training.close()
        await validation?.close()
      }
    })
  }

  // ---- evaluate ----

  async evaluate(x: DataLike | BatchIterable, y: DataLike | null, options: EvaluateOptions): Promise<Logs> {
    return this.#alone('evaluate', async (data) => {
      const { batchSize = 32, verbose, callbacks = [], steps, sampleWeight, signal } = options
      const source = data.source(x, y, sampleWeight, batchSize, false)
      const list = this.#callbacks(callbacks, verbose, { epochs: 1, steps: steps ?? source.steps })
      try {
        return await this.#test(source, list, steps, signal)
      } finally {
        await source.close()
      }
    })
  }

  async #test(source: Source, callbacks: CallbackList, steps: number | undefined, signal: AbortSignal | undefined): Promise<Logs> {
    this.#model.resetMetrics()
    await callbacks.begin('Test')
    await this.#restart('Test', source, ONLY_PASS)
    const { logs } = await this.#epoch({
      phase: 'Test',
      source,
      steps: steps ?? source.steps,
      stepsAreGiven: steps !== undefined,
      callbacks,
      settings: this.#settings(source),
      signal,
    })
    await callbacks.end('Test', logs)
    return logs
  }

  // ---- one pass over the data ----

  async #restart(phase: 'Train' | 'Test', source: Source, pass: Pass): Promise<void> {
    await source.start(pass)
    this.#steps[phase].rewind()
  }

  async #epoch(run: Run): Promise<{ logs: Logs; batches: number; isExhausted: boolean }> {
    const { phase, source, steps, callbacks, settings, signal } = run
    const step = this.#steps[phase]
    const pace = new Pace()
    const sampler = new Sampler()
    const wantsBegin = callbacks.wants(`on${phase}BatchBegin`)
    const wishes = callbacks.batchLogs(phase)
    let batches = 0
    let isExhausted = false
    let report: Report = null
    while (steps === null || batches < steps) {
      signal?.throwIfAborted()
      const feeding = this.#feeds(source, steps === null ? Number.POSITIVE_INFINITY : steps - batches)
      const feeds = feeding instanceof Promise ? await feeding : feeding
      if (feeds.length === 0) {
        isExhausted = true
        break
      }
      if (wantsBegin) await callbacks.batchBegin(phase, batches)
      const previous = report
      report = step.run(feeds, settings as StepSettings & Tree<unknown>) ?? null
      release(previous)
      batches += feeds.length
      if (wishes === 'every') await callbacks.batchEnd(phase, batches - 1, await this.#read(report))
      else if (wishes === 'sampled') this.#offerSample(sampler, callbacks, phase, batches - 1, report)
      const pause = pace.step()
      if (pause !== undefined) await pause
      if (phase === 'Train' && this.#model.stopTraining) break
    }
    if (isExhausted) requireBatches(run, batches)
    await pace.drain()
    await sampler.settle()
    const logs = await this.#read(report)
    release(report)
    return { logs, batches, isExhausted }
  }

  #offerSample(sampler: Sampler, callbacks: CallbackList, phase: 'Train' | 'Test', batch: number, report: Report): void {
    sampler.offer(async () => {
      await callbacks.batchEnd(phase, batch, await this.#read(report))
    })
  }

  /** As many batches as one execution takes, fewer at the end. */
  #feeds(source: Source, limit: number): readonly Feed[] | Promise<readonly Feed[]> {
    const count = Math.min(this.#stepsPerExecution, limit)
    const feeds: Feed[] = []
    while (feeds.length < count) {
      const feed = source.next()
      if (feed instanceof Promise) return this.#gather(source, count, feeds, feed)
      if (feed === undefined) break
      feeds.push(feed)
    }
    return feeds
  }

  async #gather(source: Source, count: number, feeds: Feed[], first: Promise<Feed | undefined>): Promise<readonly Feed[]> {
    for (let feed = await first; feed !== undefined; feed = await source.next()) {
      feeds.push(feed)
      if (feeds.length >= count) break
    }
    return feeds
  }

  /** What a step reported; where that is nothing, the metrics. */
  async #read(report: Report): Promise<Logs> {
    if (report !== null) return readLogs(report)
    const key = this.#model.metrics.map(({ name }) => name).join()
    const vector = this.#results(key)
    const names = this.#resultNames.get(key) as readonly string[]
    try {
      const values = await vector.data()
      return sorted(Object.fromEntries(names.map((name, i) => [name, values[i] as number])))
    } finally {
      vector.dispose()
    }
  }

  // ---- predict ----

  async predict(x: DataLike | BatchIterable, options: PredictOptions): Promise<Tree<Tensor>> {
    return this.#alone('predict', async (data) => {
      const { batchSize = 32, verbose, callbacks = [], steps: given, signal } = options
      const source = data.source(x, null, undefined, batchSize, false)
      const steps = given ?? source.steps
      const list = this.#callbacks(callbacks, verbose, { epochs: 1, steps })
      const [wantsBegin, wantsEnd] = [list.wants('onPredictBatchBegin'), list.wants('onPredictBatchEnd')]
      const parts: Tree<Tensor>[] = []
      const pace = new Pace()
      try {
        await list.begin('Predict')
        await source.start(ONLY_PASS)
        this.#predict.rewind()
        while (steps === null || parts.length < steps) {
          signal?.throwIfAborted()
          const feed = await source.next()
          if (feed === undefined) break
          if (wantsBegin) await list.batchBegin('Predict', parts.length)
          parts.push(this.#predict.run([feed], null) as Tree<Tensor>)
          if (wantsEnd) await list.batchEnd('Predict', parts.length - 1, {})
          await pace.step()
        }
        await pace.drain()
        if (steps === null) list.setSteps(parts.length)
        const outputs = concatenated(parts)
        await list.end('Predict', {})
        return outputs
      } finally {
        await source.close()
      }
    })
  }

  async predictOnBatch(x: DataLike): Promise<Tree<Tensor>> {
    return this.#alone('predictOnBatch', async (data) => this.#predict.run([data.batch(x, null, undefined)], null) as Tree<Tensor>)
  }

  async onBatch(phase: 'train' | 'test', x: DataLike, y: DataLike | null, { sampleWeight, classWeight }: OnBatchOptions): Promise<Logs> {
    return this.#alone(`${phase}OnBatch`, async (data) => {
      const step = this.#steps[phase === 'train' ? 'Train' : 'Test']
      const report = step.run([data.batch(x, y, sampleWeight)], this.#settings(null, classWeight) as StepSettings & Tree<unknown>) ?? null
      const logs = await this.#read(report)
      release(report)
      return logs
    })
  }

  #callbacks(
    callbacks: readonly Callback[],
    verbose: Verbosity = 'auto',
    { epochs, steps }: { readonly epochs: number; readonly steps: number | null },
  ): CallbackList {
    // A bar needs a line that can be rewritten; a file gets a line an epoch.
    const level = verbose === 0 || verbose === 2 ? verbose : platform.terminalColumns() === undefined ? 2 : 1
    const shown = level === 0 || callbacks.some((callback) => callback instanceof ProgbarLogger) ? [] : [new ProgbarLogger()]
    return new CallbackList([...callbacks, ...shown], this.#model, { verbose: level, epochs, steps })
  }

  /** One run at a time: two would mix their metrics and updates. */
  async #alone<R>(what: string, body: (data: ModelData) => Promise<R>): Promise<R> {
    if (this.#isRunning)
      throw new ValueError({
        where: `${this.#model.name}.${what}`,
        problem: 'the model is busy with another run',
        hint: 'await the one before',
      })
    this.#isRunning = true
    const converter = new Converter()
    try {
      return await body(new ModelData(this.#model, converter))
    } finally {
      // However it ended, nothing of it runs on; a failure has been told already.
      await currentBackend()
        .finish()
        .catch(() => undefined)
      converter.dispose()
      this.#isRunning = false
    }
  }
}

function isDue(epoch: number, frequency: number | readonly number[] = 1): boolean {
  return typeof frequency === 'number' ? (epoch + 1) % frequency === 0 : frequency.includes(epoch + 1)
}

function requireBatches({ steps, stepsAreGiven, phase }: Run, batches: number): void {
  if (batches === 0) {
    throw new DataError({
      where: phase === 'Train' ? 'fit' : 'evaluate',
      problem: 'the data gave no batches',
      hint: 'a generator can be used once: pass a function that makes a new one for each epoch',
    })
  }
  if (stepsAreGiven && steps !== null) {
    console.warn(
      `ondol: the data ended after ${batches} of ${steps} batches. Make sure that it has enough, or pass a function that makes an endless generator.`,
    )
  }
}

function release(report: Report): void {
  for (const value of Object.values(report ?? {})) value.dispose()
}

/** Outputs of all batches, one after the other. */
function concatenated(parts: readonly Tree<Tensor>[]): Tree<Tensor> {
  const [first, ...others] = parts
  if (first === undefined) throw new DataError({ where: 'predict', problem: 'the data gave no batches' })
  if (others.length === 0) return first
  const columns = parts.map((part) => flatten(part))
  const whole = flatten(first).map((_, place) =>
    lax.concat(
      columns.map((column) => column[place] as Tensor),
      0,
    ),
  )
  for (const tensor of columns.flat()) tensor.dispose()
  return unflatten(first as Tree<unknown>, whole)
}
