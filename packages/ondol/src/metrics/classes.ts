/** Running means of the metric functions: one table of name, function, options and direction. */
import { ownOptions } from '../core/known-options.js'
import { toKerasConfig } from '../core/spelling.js'
import * as losses from '../losses/functions.js'
import * as functions from './functions.js'
import type { MetricOptions } from './metric.js'
import { MeanMetricWrapper, type MetricFunction } from './reduction.js'

/** Constructor of a metric with options `P` of its own. */
export type MetricClass<P> = new (options?: MetricOptions & P) => MeanMetricWrapper<Required<P>>

function metricClass<P extends object>(
  className: string,
  name: string,
  fn: MetricFunction<P>,
  direction: 'up' | 'down' | undefined,
  defaults: Required<P>,
): MetricClass<P> {
  return class extends MeanMetricWrapper<Required<P>> {
    constructor(...args: readonly unknown[]) {
      const [own, rest] = ownOptions(defaults, args)
      super(fn as MetricFunction<Required<P>>, { name, ...rest }, own)
    }

    protected override get optionNames(): readonly string[] {
      return Object.keys(defaults)
    }

    override get className(): string {
      return className
    }

    override get direction(): 'up' | 'down' | undefined {
      return direction
    }

    override getConfig(): Record<string, unknown> {
      return { ...super.getConfig(), ...toKerasConfig(this.parameters as Record<string, unknown>) }
    }
  }
}

export const Accuracy = metricClass<object>('Accuracy', 'accuracy', functions.accuracy, 'up', {})
export const BinaryAccuracy = metricClass<functions.ThresholdOptions>('BinaryAccuracy', 'binary_accuracy', functions.binaryAccuracy, 'up', {
  threshold: 0.5,
})
export const CategoricalAccuracy = metricClass<object>(
  'CategoricalAccuracy',
  'categorical_accuracy',
  functions.categoricalAccuracy,
  'up',
  {},
)
export const SparseCategoricalAccuracy = metricClass<object>(
  'SparseCategoricalAccuracy',
  'sparse_categorical_accuracy',
  functions.sparseCategoricalAccuracy,
  'up',
  {},
)
export const TopKCategoricalAccuracy = metricClass<functions.TopKOptions>(
  'TopKCategoricalAccuracy',
  'top_k_categorical_accuracy',
  functions.topKCategoricalAccuracy,
  'up',
  { k: 5 },
)
export const SparseTopKCategoricalAccuracy = metricClass<functions.SparseTopKOptions>(
  'SparseTopKCategoricalAccuracy',
  'sparse_top_k_categorical_accuracy',
  functions.sparseTopKCategoricalAccuracy,
  'up',
  { k: 5, fromSortedIds: false },
)
export const CosineSimilarity = metricClass<losses.AxisOptions>('CosineSimilarity', 'cosine_similarity', functions.cosineSimilarity, 'up', {
  axis: -1,
})

export const MeanSquaredError = metricClass<object>('MeanSquaredError', 'mean_squared_error', losses.meanSquaredError, 'down', {})
export const MeanAbsoluteError = metricClass<object>('MeanAbsoluteError', 'mean_absolute_error', losses.meanAbsoluteError, 'down', {})
export const MeanAbsolutePercentageError = metricClass<object>(
  'MeanAbsolutePercentageError',
  'mean_absolute_percentage_error',
  losses.meanAbsolutePercentageError,
  'down',
  {},
)
export const MeanSquaredLogarithmicError = metricClass<object>(
  'MeanSquaredLogarithmicError',
  'mean_squared_logarithmic_error',
  losses.meanSquaredLogarithmicError,
  'down',
  {},
)
export const LogCoshError = metricClass<object>('LogCoshError', 'logcosh', losses.logCosh, 'down', {})
export const Hinge = metricClass<object>('Hinge', 'hinge', losses.hinge, 'down', {})
export const SquaredHinge = metricClass<object>('SquaredHinge', 'squared_hinge', losses.squaredHinge, 'down', {})
export const CategoricalHinge = metricClass<object>('CategoricalHinge', 'categorical_hinge', losses.categoricalHinge, 'down', {})
export const KLDivergence = metricClass<object>('KLDivergence', 'kl_divergence', losses.klDivergence, 'down', {})
export const Poisson = metricClass<object>('Poisson', 'poisson', losses.poisson, 'down', {})

export type BinaryCrossentropyOptions = Omit<losses.CrossentropyOptions, 'axis'>
export const BinaryCrossentropy = metricClass<BinaryCrossentropyOptions>(
  'BinaryCrossentropy',
  'binary_crossentropy',
  losses.binaryCrossentropy,
  'down',
  {
    fromLogits: false,
    labelSmoothing: 0,
  },
)
export const CategoricalCrossentropy = metricClass<losses.CrossentropyOptions>(
  'CategoricalCrossentropy',
  'categorical_crossentropy',
  losses.categoricalCrossentropy,
  'down',
  {
    fromLogits: false,
    labelSmoothing: 0,
    axis: -1,
  },
)
export const SparseCategoricalCrossentropy = metricClass<losses.SparseCrossentropyOptions>(
  'SparseCategoricalCrossentropy',
  'sparse_categorical_crossentropy',
  losses.sparseCategoricalCrossentropy,
  'down',
  { fromLogits: false, ignoreClass: null, axis: -1 },
)
export const PearsonCorrelation = metricClass<losses.AxisOptions>(
  'PearsonCorrelation',
  'pearson_correlation',
  functions.pearsonCorrelation,
  'up',
  { axis: -1 },
)
export const ConcordanceCorrelation = metricClass<losses.AxisOptions>(
  'ConcordanceCorrelation',
  'concordance_correlation',
  functions.concordanceCorrelation,
  'up',
  { axis: -1 },
)
