/**
 * Layers that can be trained: `compile`, `fit`, `evaluate`, `predict`, and the steps they are made of, which
 * subclasses may override. Follows `keras/src/trainers/trainer.py`; there is one trainer for all backends.
 */
import type { CallbackModel, FitPosition } from '../callbacks/callback.js'
import type { History } from '../callbacks/history.js'
import { GraphError } from '../core/errors.js'
import type { Tree } from '../core/tree.js'
import { GradientTape, runStateless, type Tensor, type Variable } from '../engine/index.js'
import { Layer } from '../layers/layer.js'
import { givenStateOf } from '../layers/stateless.js'
import type { Metric } from '../metrics/metric.js'
import * as ops from '../ops/index.js'
import type { KerasTensor } from '../ops/operation.js'
import type { Optimizer } from '../optimizers/index.js'
import { addedLoss, Compilation, resultsByName, samplesIn } from './compilation.js'
import type { Arrays, DataLike } from './convert.js'
import type { Numbering } from './finite.js'
import {
  type CompileOptions,
  type EvaluateOptions,
  type FitOptions,
  type OnBatchOptions,
  type PredictOptions,
  withOptions,
} from './options.js'
import { findMetrics } from './own-metrics.js'
import { requirePosition } from './position.js'
import { Runner } from './runner.js'
import type { BatchIterable } from './source.js'
import { type Batch, requireReport } from './step.js'
import type { CompileOptionsOf, DataOf, FitOptionsOf, Symbols, TargetsOf, TensorsOf } from './structure-types.js'

/** What a loss is computed from. */
export interface LossInputs {
  readonly x?: Tree<Tensor> | null
  readonly y?: Tree<Tensor> | null
  readonly yPred: Tree<Tensor>
  readonly sampleWeight?: Tree<Tensor> | null
  readonly training?: boolean
}

/** `I` and `O` are the structures of inputs and outputs, as far as they are known. */
export abstract class Trainable<I = Symbols, O = Symbols> extends Layer implements CallbackModel {
  #compiled: { readonly compilation: Compilation; readonly runner: Runner } | undefined
  #uncompiledRunner: Runner | undefined
  #history: History | undefined
  #fitPosition: FitPosition | null = null
  #onMetricsMade: (() => void) | undefined
  #stop = { training: false, evaluating: false, predicting: false }

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

  /** The inputs as they are nested, if the model is a graph. */
  get inputStructure(): Tree<KerasTensor> | undefined {
    return undefined
  }

  /** The outputs as they are nested, if the model is a graph. */
  get outputStructure(): Tree<KerasTensor> | undefined {
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
  compile(given: CompileOptionsOf<O> = {} as CompileOptionsOf<O>): void {
    const options = given as CompileOptions
    const compilation = new Compilation(
      this,
      options,
      () => this.outputNames,
      () => this.#onMetricsMade?.(),
    )
    this.#compiled?.runner.dispose()
    this.#uncompiledRunner?.dispose()
    this.#uncompiledRunner = undefined
    this.#compiled = { compilation, runner: new Runner(this, options) }
  }

  get compiled(): boolean {
    return this.#compiled !== undefined
  }

  get optimizer(): Optimizer | null {
    return this.#compiled?.compilation.optimizer ?? null
  }

  /** The options that `compile` was given. */
  get compileOptions(): CompileOptions | null {
    return this.#compiled?.compilation.options ?? null
  }

  #compilation(where: string): Compilation {
    return this.#requireCompiled(where).compilation
  }

  #requireCompiled(where: string): { readonly compilation: Compilation; readonly runner: Runner } {
    if (this.#compiled !== undefined) return this.#compiled
    throw new GraphError({
      where: `${this.name}.${where}`,
      problem: 'the model is not compiled',
      hint: "call model.compile({ optimizer: 'adam', loss: … }) before",
    })
  }

  // ---- while it runs ----

  /** Set to true, training ends after this batch. */
  get stopTraining(): boolean {
    return this.#stop.training
  }

  set stopTraining(value: boolean) {
    this.#stop.training = value
  }

  /** Set to true, evaluation ends after this batch. */
  get stopEvaluating(): boolean {
    return this.#stop.evaluating
  }

  set stopEvaluating(value: boolean) {
    this.#stop.evaluating = value
  }

  /** Set to true, prediction ends after this batch. */
  get stopPredicting(): boolean {
    return this.#stop.predicting
  }

  set stopPredicting(value: boolean) {
    this.#stop.predicting = value
  }

  /**
   * Where `fit` stands; null outside of it. Assigned in a callback's `onTrainBegin`, fit goes on from there: with
   * the same order of samples, without the batches that are done, and without resetting the metrics of an epoch
   * that has begun.
   */
  get fitPosition(): FitPosition | null {
    return this.#fitPosition
  }

  set fitPosition(position: FitPosition | null) {
    this.#fitPosition = position === null ? null : requirePosition(position)
  }

  /** Engine only: called when the first batch has shown which metrics there are. */
  get onMetricsMade(): (() => void) | undefined {
    return this.#onMetricsMade
  }

  set onMetricsMade(listener: (() => void) | undefined) {
    this.#onMetricsMade = listener
  }

  /** Of the last `fit`. */
  get history(): History | undefined {
    return this.#history
  }

  set history(history: History | undefined) {
    this.#history = history
  }

  // ---- metrics ----

  /** Loss, metrics of `compile`, losses of single outputs, then metrics in the model's own fields. */
  get metrics(): Metric[] {
    return [...(this.#compiled?.compilation.reported ?? []), ...findMetrics(this, (layer) => !(layer instanceof Trainable))]
  }

  /** The state of all metrics. */
  get metricsVariables(): Variable[] {
    return this.metrics.flatMap(({ variables }) => variables)
  }

  /** What is reported, by name, in the order of `evaluate`'s list. Metrics of `compile` are known from the first batch on. */
  get metricsNames(): string[] {
    const names = Object.keys(this.getMetricsResult())
    return this.#compiled?.compilation.orderOf(names, this.metrics) ?? names
  }

  /** Metrics start again: at each epoch, and before `evaluate`. */
  resetMetrics(): void {
    for (const metric of this.metrics) metric.resetState()
  }

  /** The value of each metric so far. */
  getMetricsResult(): Record<string, Tensor> {
    return this.#compiled?.compilation.resultsOf(this.metrics) ?? resultsByName(this.metrics)
  }

  // ---- steps ----

  /**
   * The loss of a batch, a scalar: that of `compile`, and what layers added. Override it for a loss of your own.
   *
   * @throws GraphError when there is nothing to make small.
   */
  computeLoss({ y, yPred, sampleWeight, training = true }: LossInputs): Tensor {
    const main = this.#compiled?.compilation.loss?.call(y, yPred, sampleWeight) ?? null
    const added = this.losses.map(addedLoss)
    const [first, ...rest] = main === null ? added : [main, ...added]
    if (first !== undefined) return rest.reduce((total, loss) => ops.add(total, loss), first)
    if (!training) return ops.zeros([], 'float32')
    throw new GraphError({
      where: this.name,
      problem: 'there is nothing to make small',
      expected: 'a loss in compile, or layers that add one with addLoss or a regularizer',
      hint: "model.compile({ loss: 'mse', … }), or override computeLoss or trainStep",
    })
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

  /** Takes a batch into the metrics of `compile`, and gives what is reported. Override it to report something else. */
  computeMetrics({ y, yPred, sampleWeight }: LossInputs): Record<string, Tensor> {
    this.#updateMetrics(y, yPred, sampleWeight)
    return this.getMetricsResult()
  }

  #updateMetrics(y: LossInputs['y'], yPred: Tree<Tensor>, sampleWeight: LossInputs['sampleWeight']): void {
    this.#compiled?.compilation.metrics.updateState(y, yPred, sampleWeight)
  }

  /**
   * One step of training on a batch: forward, loss, gradients, update, metrics. Override it to train in a way
   * of your own; it is traced and compiled, so it must not read values, nor be asynchronous.
   *
   * @returns what is reported, by name.
   */
  trainStep(data: Batch): Record<string, Tensor> {
    return this.computeMetrics(this.#train(data))
  }

  #train([x, y, sampleWeight]: Batch): LossInputs {
    const compilation = this.#compilation('trainStep')
    const tape = new GradientTape()
    try {
      const yPred = this.callOn([x], { training: true })
      const inputs = { x, y, yPred, sampleWeight, training: true }
      const loss = this.computeLoss(inputs)
      compilation.trackLoss(loss, samplesIn(x))
      const { optimizer } = compilation
      const variables = this.trainableVariables
      if (variables.length > 0) {
        const gradients = tape.gradient(optimizer.scaleLoss(loss), variables)
        tape.dispose()
        optimizer.apply(gradients, variables)
      }
      return inputs
    } finally {
      tape.dispose()
    }
  }

  /** One step of evaluation on a batch. Override it as `trainStep`. */
  testStep(data: Batch): Record<string, Tensor> {
    return this.computeMetrics(this.#test(data))
  }

  #test([x, y, sampleWeight]: Batch): LossInputs {
    const yPred = this.callOn([x], { training: false })
    const inputs = { x, y, yPred, sampleWeight, training: false }
    this.#compilation('testStep').trackLoss(this.computeLoss(inputs), samplesIn(x))
    return inputs
  }

  /** One step of prediction: the outputs for a batch. */
  predictStep([x]: Batch): Tree<Tensor> {
    return this.callOn([x], { training: false })
  }

  /** Engine only: what in the data numbers classes (or, in a graph, rows of an Embedding). */
  numberings({ y }: Arrays): readonly Numbering[] {
    const { outputStructure } = this
    return outputStructure === undefined || y === null ? [] : (this.#compiled?.compilation.loss?.numberings(outputStructure, y) ?? [])
  }

  /** Engine only: a step. Where all of it is the class's own, its report stays in the metrics, and null comes back. */
  runStep(phase: 'train' | 'test', batch: Batch): Record<string, Tensor> | null {
    const { prototype } = Trainable
    const name = `${phase}Step` as const
    const reportsMetrics = this.computeMetrics === prototype.computeMetrics && this.getMetricsResult === prototype.getMetricsResult
    if (this[name] !== prototype[name] || !reportsMetrics) return requireReport(this[name](batch), `${this.name}.${name}`)
    const { y, yPred, sampleWeight } = phase === 'train' ? this.#train(batch) : this.#test(batch)
    this.#updateMetrics(y, yPred, sampleWeight)
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
  async fit(x: DataOf<I> | BatchIterable, y?: TargetsOf<O> | null | FitOptionsOf<O>, options?: FitOptionsOf<O>): Promise<History> {
    const { compilation, runner } = this.#requireCompiled('fit')
    const [targets, settings] = withOptions<FitOptions>('fit', y as DataLike, options as FitOptions | undefined)
    compilation.warnOfChangedTrainable()
    return runner.fit(x as DataLike | BatchIterable, targets, settings)
  }

  /**
   * The loss and metrics on data: a number if there is one, a list in the order of `metricsNames`; a record by name
   * with `returnDict: true`.
   */
  evaluate(
    x: DataOf<I> | BatchIterable,
    y: TargetsOf<O> | null | undefined,
    options: EvaluateOptions & { readonly returnDict: true },
  ): Promise<Record<string, number>>
  evaluate(x: BatchIterable, options: EvaluateOptions & { readonly returnDict: true }): Promise<Record<string, number>>
  evaluate(x: DataOf<I> | BatchIterable, y?: TargetsOf<O> | null | EvaluateOptions, options?: EvaluateOptions): Promise<number | number[]>
  async evaluate(
    x: DataOf<I> | BatchIterable,
    y?: TargetsOf<O> | null | EvaluateOptions,
    options?: EvaluateOptions,
  ): Promise<number | number[] | Record<string, number>> {
    const { compilation, runner } = this.#requireCompiled('evaluate')
    const [targets, settings] = withOptions<EvaluateOptions>('evaluate', y as DataLike, options)
    compilation.warnOfChangedTrainable()
    const logs = await runner.evaluate(x as DataLike | BatchIterable, targets, settings)
    return settings.returnDict === true ? logs : this.#flat(logs)
  }

  /** The outputs for data, batches put together, in the structure that the model gives. */
  async predict(x: DataOf<I> | BatchIterable, options: PredictOptions = {}): Promise<TensorsOf<O>> {
    return (await this.#runner().predict(x as DataLike | BatchIterable, options)) as TensorsOf<O>
  }

  /** One step of training on one batch, and its loss and metrics as `evaluate` gives them. */
  trainOnBatch(
    x: DataOf<I>,
    y: TargetsOf<O> | null | undefined,
    options: OnBatchOptions & { readonly returnDict: true },
  ): Promise<Record<string, number>>
  trainOnBatch(x: DataOf<I>, y?: TargetsOf<O> | null, options?: OnBatchOptions): Promise<number | number[]>
  async trainOnBatch(
    x: DataOf<I>,
    y?: TargetsOf<O> | null,
    options: OnBatchOptions = {},
  ): Promise<number | number[] | Record<string, number>> {
    const { compilation, runner } = this.#requireCompiled('trainOnBatch')
    compilation.warnOfChangedTrainable()
    const logs = await runner.onBatch('train', x as DataLike, (y ?? null) as DataLike | null, options)
    return options.returnDict === true ? logs : this.#flat(logs)
  }

  /** The loss and metrics of one batch, as `evaluate` gives them. */
  testOnBatch(
    x: DataOf<I>,
    y: TargetsOf<O> | null | undefined,
    options: OnBatchOptions & { readonly returnDict: true },
  ): Promise<Record<string, number>>
  testOnBatch(x: DataOf<I>, y?: TargetsOf<O> | null, options?: OnBatchOptions): Promise<number | number[]>
  async testOnBatch(
    x: DataOf<I>,
    y?: TargetsOf<O> | null,
    options: OnBatchOptions = {},
  ): Promise<number | number[] | Record<string, number>> {
    const logs = await this.#requireCompiled('testOnBatch').runner.onBatch('test', x as DataLike, (y ?? null) as DataLike | null, options)
    return options.returnDict === true ? logs : this.#flat(logs)
  }

  /** The outputs for one batch. */
  async predictOnBatch(x: DataOf<I>): Promise<TensorsOf<O>> {
    return (await this.#runner().predictOnBatch(x as DataLike)) as TensorsOf<O>
  }

  /** Prediction needs no `compile`. */
  #runner(): Runner {
    if (this.#compiled !== undefined) return this.#compiled.runner
    this.#uncompiledRunner ??= new Runner(this, {})
    return this.#uncompiledRunner
  }

  #flat(logs: Record<string, number>): number | number[] {
    const order = this.#compilation('evaluate').orderOf(Object.keys(logs), this.metrics)
    const values = order.map((key) => logs[key] as number)
    return values.length === 1 ? (values[0] as number) : values
  }
}
