/** Everything that `compile` settles: optimizer, losses, metrics, and what is reported under which name. */
import { ValueError } from '../core/errors.js'
import { flatten, type Tree } from '../core/tree.js'
import type { Tensor } from '../engine/index.js'
import type { Layer } from '../layers/layer.js'
import type { Metric } from '../metrics/metric.js'
import { Mean } from '../metrics/reduction.js'
import * as ops from '../ops/index.js'
import { get as getOptimizer, LossScaleOptimizer, type Optimizer } from '../optimizers/index.js'
import { CompiledLoss } from './compiled-loss.js'
import { CompiledMetrics, namedResult } from './compiled-metrics.js'
import { type CompileOptions, requireKnownOptions } from './options.js'

export class Compilation {
  readonly optimizer: Optimizer
  readonly loss: CompiledLoss | null
  readonly metrics: CompiledMetrics
  /** Running mean of the total loss. */
  readonly lossTracker = new Mean({ name: 'loss' })
  readonly options: CompileOptions
  /** What was trainable when it was compiled, or when a change was last told. */
  #trainable: ReadonlyMap<Layer, boolean>
  readonly #model: Layer

  /** `onMetricsMade` is called when the first batch has shown which losses and metrics there are. */
  constructor(model: Layer, options: CompileOptions, outputNames: () => readonly string[] | undefined, onMetricsMade: () => void) {
    requireKnownOptions('compile', options)
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
    const isFloat16 = autoScaleLoss && model.dtypePolicy.name === 'mixed_float16' && !(inner instanceof LossScaleOptimizer)
    this.optimizer = isFloat16 ? new LossScaleOptimizer(inner) : inner
    this.loss = loss == null ? null : new CompiledLoss(loss, lossWeights, outputNames, onMetricsMade)
    this.metrics = new CompiledMetrics(metrics, weightedMetrics, outputNames, onMetricsMade)
    this.options = options
    this.#model = model
    this.#trainable = trainableStates(model)
  }

  /** Total loss, metrics of `compile`, losses of single outputs: Keras's order. */
  get reported(): Metric[] {
    return [this.lossTracker, ...this.metrics.metrics, ...(this.loss?.metrics ?? [])]
  }

  /** Takes the loss of a batch of `samples` into the mean. */
  trackLoss(loss: Tensor, samples: number): void {
    this.lossTracker.updateState(loss, ops.full([], samples, 'float32'))
  }

  /** What `metrics` have come to, by the names that they are reported under. */
  resultsOf(metrics: readonly Metric[]): Record<string, Tensor> {
    const own = new Set<Metric>(this.metrics.metrics)
    const results: Record<string, Tensor> = {}
    let hasOwn = false
    for (const metric of metrics) {
      if (!own.has(metric)) Object.assign(results, namedResult(metric.name, metric))
      else if (!hasOwn) Object.assign(results, this.metrics.result())
      hasOwn ||= own.has(metric)
    }
    return results
  }

  /** Keys of logs in the order of `evaluate`'s list: the metrics' in order, others by the alphabet. */
  orderOf(keys: readonly string[], metrics: readonly Metric[]): string[] {
    const first = [...new Set(metrics.map(({ name }) => name))].filter((name) => keys.includes(name))
    return [...first, ...keys.filter((key) => !first.includes(key)).sort()]
  }

  /** Says, once for each change, that what is trained is no longer what was compiled for. */
  warnOfChangedTrainable(): void {
    const now = trainableStates(this.#model)
    const changed = [...now].filter(([layer, isTrainable]) => (this.#trainable.get(layer) ?? isTrainable) !== isTrainable)
    this.#trainable = now
    if (changed.length === 0) return
    const names = changed.map(([{ name }]) => `'${name}'`).join(', ')
    console.warn(
      `ondol: what is trainable has changed since the model was compiled, in ${names}. It holds from now on, but the optimizer keeps its state for what it was made for: call model.compile(…) again after setting trainable.`,
    )
  }
}

/** Results of metrics that belong to no compilation. */
export const resultsByName = (metrics: readonly Metric[]): Record<string, Tensor> =>
  Object.assign({}, ...metrics.map((metric) => namedResult(metric.name, metric)))

function trainableStates(model: Layer): Map<Layer, boolean> {
  const states = new Map<Layer, boolean>()
  const visit = (layer: Layer): void => {
    if (states.has(layer)) return
    states.set(layer, layer.trainable)
    layer.sublayers.forEach(visit)
  }
  visit(model)
  return states
}

/** The sum of what a layer added to the loss, a float32 scalar. */
export const addedLoss = (loss: Tensor): Tensor => {
  const value = ops.cast(loss, 'float32')
  return value.rank === 0 ? value : ops.sum(value)
}

/** Samples in a batch. */
export const samplesIn = (x: Tree<Tensor> | null | undefined): number => (x == null ? undefined : flatten(x)[0]?.shape[0]) ?? 1
