/** Metrics by name, and to and from configs. */
import { type CustomObjects, customObjectScope } from '../core/custom-objects.js'
import { ValueError } from '../core/errors.js'
import { Registry } from '../core/registry.js'
import { customFor, describeObject, isClassOf, isFunctionDescription, makeFromConfig } from '../core/serialized.js'
import { isSerializedObject, type NameOf, type SerializedObject } from '../core/spelling.js'
import type { Tensor } from '../engine/index.js'
import { LossFunctionWrapper } from '../losses/classes.js'
import { Loss } from '../losses/loss.js'
import { deserialize as deserializeLoss, functionNamed } from '../losses/registry.js'
import { AUC } from './auc.js'
import * as classes from './classes.js'
import * as confusion from './confusion.js'
import { F1Score, FBetaScore } from './f-score.js'
import * as iou from './iou.js'
import { Metric } from './metric.js'
import { R2Score } from './r2-score.js'
import { Mean, MeanMetricWrapper, type MetricFunction, RootMeanSquaredError, Sum } from './reduction.js'
import * as tradeOffs from './trade-off.js'

/** A metric of your own: a value per sample, which is averaged. Metric and loss objects are such functions too. */
export type CustomMetric = (yTrue: Tensor, yPred: Tensor) => Tensor
/** What `compile` takes as a metric: a name, a metric, loss or function, or a config. */
export type MetricIdentifier = MetricName | CustomMetric | SerializedObject

export type MetricName = NameOf<
  | 'acc'
  | 'accuracy'
  | 'auc'
  | 'binary_accuracy'
  | 'binary_crossentropy'
  | 'categorical_accuracy'
  | 'categorical_crossentropy'
  | 'categorical_hinge'
  | 'ce'
  | 'cosine_similarity'
  | 'crossentropy'
  | 'f1_score'
  | 'false_negatives'
  | 'false_positives'
  | 'hinge'
  | 'kl_divergence'
  | 'log_cosh_error'
  | 'mean_absolute_error'
  | 'mean_absolute_percentage_error'
  | 'mean_squared_error'
  | 'mean_squared_logarithmic_error'
  | 'poisson'
  | 'precision'
  | 'r2_score'
  | 'recall'
  | 'root_mean_squared_error'
  | 'sparse_categorical_accuracy'
  | 'sparse_categorical_crossentropy'
  | 'sparse_top_k_categorical_accuracy'
  | 'squared_hinge'
  | 'top_k_categorical_accuracy'
  | 'true_negatives'
  | 'true_positives'
  | 'bce'
  | 'mae'
  | 'mape'
  | 'mse'
  | 'msle'
  | 'rmse'
>

type MetricConstructor = new (options?: object) => Metric
const registry = new Registry<MetricConstructor>('metric', {
  ...classes,
  ...confusion,
  ...(iou as object),
  ...(tradeOffs as object),
  AUC,
  FBetaScore,
  F1Score,
  R2Score,
  Mean,
  Sum,
  RootMeanSquaredError,
})
registry.add('BinaryCrossentropy', classes.BinaryCrossentropy, 'bce')
registry.add('MeanSquaredError', classes.MeanSquaredError, 'mse')
registry.add('MeanAbsoluteError', classes.MeanAbsoluteError, 'mae')
registry.add('MeanAbsolutePercentageError', classes.MeanAbsolutePercentageError, 'mape')
registry.add('MeanSquaredLogarithmicError', classes.MeanSquaredLogarithmicError, 'msle')
registry.add('RootMeanSquaredError', RootMeanSquaredError, 'rmse')

/**
 * A metric from a name in any spelling, a function or loss of targets and predictions, a config, or a metric.
 *
 * @throws ValueError that offers the nearest names.
 */
export function get(identifier: MetricIdentifier): Metric {
  if (identifier instanceof Metric) return identifier
  if (identifier instanceof Loss) return ofLoss(identifier)
  if (typeof identifier === 'string') return named(identifier) ?? new (registry.get(identifier))()
  if (typeof identifier === 'function') return new MeanMetricWrapper(identifier as MetricFunction)
  if (isSerializedObject(identifier)) return deserialize(identifier)
  throw new ValueError({
    problem: 'this is no metric',
    expected: 'a name, a function, or an object of metrics.Metric',
    received: String(identifier),
  })
}

/** The running mean of a loss; of a loss around a function, that function's. */
function ofLoss(loss: Loss): Metric {
  const fn = loss instanceof LossFunctionWrapper ? loss.fn : (yTrue: Parameters<Loss>[0], yPred: Parameters<Loss>[1]) => loss(yTrue, yPred)
  return new MeanMetricWrapper(fn, { name: loss.name }, loss instanceof LossFunctionWrapper ? loss.parameters : undefined)
}

/** As Keras writes it to files. */
export function serialize(metric: Metric): SerializedObject {
  const { className } = metric
  const isKeras = registry.has(className) && registry.get(className) === metric.constructor
  return describeObject(metric, isKeras ? { module: 'keras.metrics', className } : undefined)
}

/** The metric that `serialize` described, or that a name means. */
export function deserialize(description: SerializedObject | string, customObjects?: CustomObjects): Metric {
  if (customObjects !== undefined) return customObjectScope(customObjects, () => deserialize(description))
  if (typeof description === 'string') return get(description)
  const own = named(description)
  if (own !== undefined) return own
  if (isFunctionDescription(description)) return get(String(description.config))
  if (!registry.has(description.class_name) && functionNamed(description.class_name) !== undefined) return get(deserializeLoss(description))
  return makeFromConfig(registry.get(description.class_name), description.config)
}

/** A metric of the user's own: an object of a registered class, or around a registered function. */
function named(description: SerializedObject | string): Metric | undefined {
  const custom = customFor(description)
  if (custom === undefined) return undefined
  if (isClassOf(custom, Metric)) return makeFromConfig(custom, typeof description === 'string' ? {} : description.config)
  return get(custom as CustomMetric)
}
