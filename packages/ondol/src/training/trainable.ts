/**
 * Layers that can be trained: `compile`, `fit`, `evaluate`, `predict`, and the steps they are made of, which
 * subclasses may override. Follows `keras/src/trainers/trainer.py`; there is one trainer for all backends.
 */
import type { CallbackModel } from '../callbacks/callback.js'
import type { History } from '../callbacks/history.js'
import { GraphError, ValueError } from '../core/errors.js'
import { flatten, type Tree } from '../core/tree.js'
import { GradientTape, runStateless, type Tensor, type Variable } from '../engine/index.js'
import { Layer } from '../layers/layer.js'
import { givenStateOf } from '../layers/stateless.js'
import { Metric } from '../metrics/metric.js'
import { Mean } from '../metrics/reduction.js'
import * as ops from '../ops/index.js'
import type { KerasTensor } from '../ops/operation.js'
import { get as getOptimizer, LossScaleOptimizer, type Optimizer } from '../optimizers/index.js'
import { CompiledLoss } from './compiled-loss.js'
import { CompiledMetrics } from './compiled-metrics.js'
import type { DataLike } from './convert.js'
import type { CompileOptions, EvaluateOptions, FitOptions, OnBatchOptions, PredictOptions } from './options.js'
import { Runner } from './runner.js'
import type { BatchIterable } from './source.js'
import type { Batch } from './step.js'

/** Everything that `compile` settles. */
interface Compiled {
  readonly optimizer: Optimizer
  readonly loss: CompiledLoss | null
  readonly metrics: CompiledMetrics
  readonly lossTracker: Mean
  readonly options: CompileOptions
  readonly runner: Runner
}

/** What a loss is computed from. */
export interface LossInputs {
  readonly x?: Tree<Tensor> | null
  readonly y?: Tree<Tensor> | null
  readonly yPred: Tree<Tensor>
  readonly sampleWeight?: Tree<Tensor> | null
  readonly training?: boolean
}

export abstract class Trainable extends Layer implements CallbackModel {
  #compiled: Compiled | undefined
  #uncompiledRunner: Runner | undefined
  #stopTraining = false
  #history: History | undefined

  // ---- what models tell ----

  /** Names of the inputs, if the model is a graph. */
  get inputNames(): readonly string[] | undefined {
    return undefined
  }

  /** Names of the outputs, if the model is a graph. */
  get outputNames(): readonly string[] | undefined {
    return undefined
  }

  /** Shapes and dtypes of the inputs, if the model is a graph. */
  get inputSymbols(): readonly KerasTensor[] | undefined {
    return undefined
  }

  /** Shapes of the outputs, if the model is a graph. */
  get outputSymbols(): readonly KerasTensor[] | undefined {
    return undefined
  }

  // ---- compile ----

  /**
   * Settles how the model learns and what is reported.
   *
   * @throws ValueError for names that mean nothing, with the nearest ones that do.
   * @example
   * model.compile({ optimizer: 'adam', loss: 'sparse_categorical_crossentropy', metrics: ['accuracy'] })
   */
  compile(options: CompileOptions = {}): void {
    const { loss, lossWeights, metrics, weightedMetrics, stepsPerExecution = 1, autoScaleLoss = true } = options
    if (!(Number.isInteger(stepsPerExecution) && stepsPerExecution > 0)) {
      throw new ValueError({
        where: 'compile',
        problem: 'stepsPerExecution is no count',
        expected: 'a whole number of at least 1',
        received: `${stepsPerExecution}`,
      })
    }
    const inner = getOptimizer(options.optimizer ?? 'rmsprop')
    const isFloat16 = autoScaleLoss && this.computeDtype === 'float16' && !(inner instanceof LossScaleOptimizer)
    const names = (): readonly string[] | undefined => this.outputNames
    this.#compiled?.runner.dispose()
    this.#uncompiledRunner?.dispose()
    this.#compiled = {
      optimizer: isFloat16 ? new LossScaleOptimizer(inner) : inner,
      loss: loss == null ? null : new CompiledLoss(loss, lossWeights, names),
      metrics: new CompiledMetrics(metrics, weightedMetrics, names),
      lossTracker: new Mean({ name: 'loss' }),
      options,
      runner: new Runner(this, options),
    }
  }

  get compiled(): boolean {
    return this.#compiled !== undefined
  }

  get optimizer(): Optimizer | null {
    return this.#compiled?.optimizer ?? null
  }

  /** The options that `compile` was given. */
  get compileOptions(): CompileOptions | null {
    return this.#compiled?.options ?? null
  }

  #requireCompiled(where: string): Compiled {
    if (this.#compiled !== undefined) return this.#compiled
    throw new GraphError({
      where: `${this.name}.${where}`,
      problem: 'the model is not compiled',
      hint: "call model.compile({ optimizer: 'adam', loss: … }) before",
    })
  }

  /** Set to true, training ends after this batch. */
  get stopTraining(): boolean {
    return this.#stopTraining
  }

  set stopTraining(value: boolean) {
    this.#stopTraining = value
  }

  /** Of the last `fit`. */
  get history(): History | undefined {
    return this.#history
  }

  // ---- metrics ----

  /** Loss, losses of single outputs, metrics of `compile`, then metrics in the model's own fields. */
  get metrics(): Metric[] {
    const compiled = this.#compiled
    const own = ownMetrics(this)
    if (compiled === undefined) return own
    const reported = compiled.loss === null ? [] : [compiled.lossTracker, ...compiled.loss.metrics]
    return [...reported, ...compiled.metrics.metrics, ...own]
  }

  /** Metrics start again: at each epoch, and before `evaluate`. */
  resetMetrics(): void {
    for (const metric of this.metrics) metric.resetState()
  }

  /** The value of each metric so far. */
  getMetricsResult(): Record<string, Tensor> {
    const compiled = this.#compiled
    const own = Object.fromEntries(ownMetrics(this).map((metric) => [metric.name, metric.result()]))
    if (compiled === undefined) return own
    const reported = compiled.loss === null ? [] : [compiled.lossTracker, ...compiled.loss.metrics]
    return { ...Object.fromEntries(reported.map((metric) => [metric.name, metric.result()])), ...compiled.metrics.result(), ...own }
  }

  // ---- steps ----

  /** The loss of a batch: that of `compile`, and what layers added. Override it for a loss of your own. */
  computeLoss({ y, yPred, sampleWeight }: LossInputs): Tensor {
    const compiled = this.#requireCompiled('computeLoss')
    const main = compiled.loss?.call(y, yPred, sampleWeight) ?? null
    const added = this.losses.map((loss) => ops.cast(loss, 'float32'))
    const all = main === null ? added : [main, ...added]
    const [first, ...rest] = all
    if (first === undefined) {
      throw new GraphError({
        where: this.name,
        problem: 'there is nothing to make small',
        expected: 'a loss in compile, or layers that add one with addLoss or a regularizer',
        hint: "model.compile({ loss: 'mse', … }), or override computeLoss or trainStep",
      })
    }
    return rest.reduce((total, loss) => ops.add(total, loss), first)
  }

  /** The state of all metrics. */
  get metricsVariables(): Variable[] {
    return this.metrics.flatMap(({ variables }) => variables)
  }

  /**
   * The loss for these values of all Variables, and their values after: trainable, non-trainable, of metrics. Nothing
   * changes. Metrics take part once they have seen data.
   */
  statelessComputeLoss(
    trainableVariables: readonly Tensor[],
    nonTrainableVariables: readonly Tensor[],
    metricsVariables: readonly Tensor[],
    inputs: LossInputs,
  ): [loss: Tensor, state: [trainableVariables: Tensor[], nonTrainableVariables: Tensor[], metricsVariables: Tensor[]]] {
    const where = `${this.name}.statelessComputeLoss`
    const given = [
      ...givenStateOf(where, this, trainableVariables, nonTrainableVariables),
      { what: 'metricsVariables', variables: this.metricsVariables, values: metricsVariables },
    ]
    const [loss, [trainable = [], nonTrainable = [], metrics = []]] = runStateless(where, given, () => this.computeLoss(inputs))
    return [loss, [trainable, nonTrainable, metrics]]
  }

  /** Takes a batch into the metrics of `compile`, and gives all metrics so far. */
  computeMetrics({ y, yPred, sampleWeight }: LossInputs): Record<string, Tensor> {
    this.#updateMetrics({ yPred, ...(y !== undefined && { y }), ...(sampleWeight !== undefined && { sampleWeight }) })
    return this.getMetricsResult()
  }

  #updateMetrics({ y, yPred, sampleWeight }: LossInputs): void {
    this.#compiled?.metrics.updateState(y, yPred, sampleWeight)
  }

  #trackLoss(loss: Tensor, x: Tree<Tensor>): void {
    const batch = flatten(x)[0]?.shape[0] ?? 1
    this.#compiled?.lossTracker.updateState(loss, ops.full([], batch, 'float32'))
  }

  /**
   * One step of training on a batch: forward, loss, gradients, update, metrics. Override it to train in a way
   * of your own; it is traced and compiled, so it must not read values.
   *
   * @returns what is reported, by name.
   */
  trainStep(data: Batch): Record<string, Tensor> {
    this.#train(data)
    return this.getMetricsResult()
  }

  #train([x, y, sampleWeight]: Batch): void {
    const { optimizer } = this.#requireCompiled('trainStep')
    const tape = new GradientTape()
    try {
      const yPred = this.callOn([x], { training: true })
      const loss = this.computeLoss({ x, y, yPred, sampleWeight, training: true })
      this.#trackLoss(loss, x)
      const variables = this.trainableVariables
      if (variables.length > 0) {
        const gradients = tape.gradient(optimizer.scaleLoss(loss), variables)
        tape.dispose()
        optimizer.apply(gradients, variables)
      }
      this.#updateMetrics({ x, y, yPred, sampleWeight })
    } finally {
      tape.dispose()
    }
  }

  /** One step of evaluation on a batch. */
  testStep(data: Batch): Record<string, Tensor> {
    this.#test(data)
    return this.getMetricsResult()
  }

  #test([x, y, sampleWeight]: Batch): void {
    const yPred = this.callOn([x], { training: false })
    if (this.#compiled?.loss != null) this.#trackLoss(this.computeLoss({ x, y, yPred, sampleWeight, training: false }), x)
    this.#updateMetrics({ x, y, yPred, sampleWeight })
  }

  /** One step of prediction: the outputs for a batch. */
  predictStep([x]: Batch): Tree<Tensor> {
    return this.callOn([x], { training: false })
  }

  /** Engine only: a step, with its report left in the metrics where the steps are the class's own. */
  runStep(phase: 'train' | 'test', batch: Batch): Record<string, Tensor> | null {
    const isOwn = phase === 'train' ? this.trainStep === Trainable.prototype.trainStep : this.testStep === Trainable.prototype.testStep
    if (!isOwn) return phase === 'train' ? this.trainStep(batch) : this.testStep(batch)
    if (phase === 'train') this.#train(batch)
    else this.#test(batch)
    return null
  }

  // ---- fit, evaluate, predict ----

  /**
   * Trains on arrays (`x`, `y`), or on batches [x, y, sampleWeight] of an iterable.
   *
   * @throws DataError when data and model do not fit; the model keeps the weights of the last finished step.
   * @example
   * const { history } = await model.fit(x, y, { epochs: 5, batchSize: 128, validationSplit: 0.1 })
   */
  async fit(x: DataLike | BatchIterable, y?: DataLike | null | FitOptions, options?: FitOptions): Promise<History> {
    const [targets, settings] = withOptions<FitOptions>(y, options)
    this.#history = await this.#requireCompiled('fit').runner.fit(x, targets, settings)
    return this.#history
  }

  /**
   * The loss and metrics on data: a number if there is one, a list in the order loss, metrics; a record by name
   * with `returnDict: true`.
   */
  evaluate(
    x: DataLike | BatchIterable,
    y: DataLike | null | undefined,
    options: EvaluateOptions & { readonly returnDict: true },
  ): Promise<Record<string, number>>
  evaluate(x: DataLike | BatchIterable, y?: DataLike | null, options?: EvaluateOptions): Promise<number | number[]>
  async evaluate(
    x: DataLike | BatchIterable,
    y?: DataLike | null,
    options: EvaluateOptions = {},
  ): Promise<number | number[] | Record<string, number>> {
    const logs = await this.#requireCompiled('evaluate').runner.evaluate(x, y ?? null, options)
    return options.returnDict === true ? logs : this.#flat(logs)
  }

  /** The outputs for data, batches put together, in the structure that the model gives. */
  async predict(x: DataLike | BatchIterable, options: PredictOptions = {}): Promise<Tree<Tensor>> {
    return this.#runner().predict(x, options)
  }

  /** One step on one batch, whose values are added to the metrics' state. */
  trainOnBatch(
    x: DataLike,
    y: DataLike | null | undefined,
    options: OnBatchOptions & { readonly returnDict: true },
  ): Promise<Record<string, number>>
  trainOnBatch(x: DataLike, y?: DataLike | null, options?: OnBatchOptions): Promise<number | number[]>
  async trainOnBatch(x: DataLike, y?: DataLike | null, options: OnBatchOptions = {}): Promise<number | number[] | Record<string, number>> {
    const logs = await this.#requireCompiled('trainOnBatch').runner.onBatch('train', x, y ?? null, options)
    return options.returnDict === true ? logs : this.#flat(logs)
  }

  testOnBatch(
    x: DataLike,
    y: DataLike | null | undefined,
    options: OnBatchOptions & { readonly returnDict: true },
  ): Promise<Record<string, number>>
  testOnBatch(x: DataLike, y?: DataLike | null, options?: OnBatchOptions): Promise<number | number[]>
  async testOnBatch(x: DataLike, y?: DataLike | null, options: OnBatchOptions = {}): Promise<number | number[] | Record<string, number>> {
    const logs = await this.#requireCompiled('testOnBatch').runner.onBatch('test', x, y ?? null, options)
    return options.returnDict === true ? logs : this.#flat(logs)
  }

  async predictOnBatch(x: DataLike): Promise<Tree<Tensor>> {
    return this.#runner().predictOnBatch(x)
  }

  /** Prediction needs no `compile`. */
  #runner(): Runner {
    this.#uncompiledRunner ??= this.#compiled === undefined ? new Runner(this, {}) : undefined
    return this.#compiled?.runner ?? (this.#uncompiledRunner as Runner)
  }

  /** Loss first, metrics as given to `compile`, then the rest by name. */
  #flat(logs: Record<string, number>): number | number[] {
    const first = ['loss', ...(this.#compiled?.metrics.keys ?? [])].filter((key) => key in logs)
    const keys = [...first, ...Object.keys(logs).filter((key) => !first.includes(key))]
    const values = keys.map((key) => logs[key] as number)
    return values.length === 1 ? (values[0] as number) : values
  }
}

/** `fit(batches, options)` has no targets. */
function withOptions<O extends object>(y: DataLike | null | undefined | O, options: O | undefined): [DataLike | null, O] {
  if (options !== undefined) return [(y as DataLike | null | undefined) ?? null, options]
  if (isOptions(y)) return [null, y as O]
  return [(y as DataLike | null | undefined) ?? null, {} as O]
}

const OPTION_NAMES = [
  'epochs',
  'batchSize',
  'verbose',
  'callbacks',
  'signal',
  'validationData',
  'stepsPerEpoch',
  'initialEpoch',
  'shuffle',
  'classWeight',
  'validationSplit',
  'validationSteps',
  'validationFreq',
]
const isOptions = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  Object.getPrototypeOf(value) === Object.prototype &&
  Object.keys(value).length > 0 &&
  Object.keys(value).every((key) => OPTION_NAMES.includes(key))

/** Metrics in the fields of a model and of all layers in it. */
function ownMetrics(model: Layer): Metric[] {
  const found = new Set<Metric>()
  const seen = new Set<Layer>()
  const visit = (value: unknown): void => {
    if (value instanceof Metric) found.add(value)
    else if (Array.isArray(value)) value.forEach(visit)
  }
  const visitLayer = (layer: Layer): void => {
    if (seen.has(layer)) return
    seen.add(layer)
    Object.values(layer).forEach(visit)
    layer.sublayers.forEach(visitLayer)
  }
  visitLayer(model)
  return [...found]
}
