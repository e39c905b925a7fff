/** Losses by name, and to and from configs. */
import { type CustomObjects, customObjectScope } from '../core/custom-objects.js'
import { ValueError } from '../core/errors.js'
import { Registry } from '../core/registry.js'
import { customFor, describeObject, isClassOf, isFunctionDescription, makeFromConfig } from '../core/serialized.js'
import { isSerializedObject, type NameOf, type SerializedObject } from '../core/spelling.js'
import type { Tensor } from '../engine/index.js'
import { Circle, circle } from './circle.js'
import type { LossFunction } from './classes.js'
import * as classes from './classes.js'
import * as functions from './functions.js'
import { Loss } from './loss.js'
import { dice, tversky } from './overlap.js'

/** A loss of your own: a value per sample. Loss objects are such functions too. */
export type CustomLoss = (yTrue: Tensor, yPred: Tensor) => Tensor
/** What `compile` takes as a loss: a name, a loss or function, or a config. */
export type LossIdentifier = LossName | CustomLoss | SerializedObject

export type LossName = NameOf<
  | 'binary_crossentropy'
  | 'binary_focal_crossentropy'
  | 'categorical_crossentropy'
  | 'categorical_focal_crossentropy'
  | 'categorical_hinge'
  | 'cosine_similarity'
  | 'crossentropy'
  | 'hinge'
  | 'huber'
  | 'kl_divergence'
  | 'log_cosh'
  | 'mean_absolute_error'
  | 'mean_absolute_percentage_error'
  | 'mean_squared_error'
  | 'mean_squared_logarithmic_error'
  | 'poisson'
  | 'sparse_categorical_crossentropy'
  | 'squared_hinge'
  | 'bce'
  | 'kld'
  | 'mae'
  | 'mape'
  | 'mse'
  | 'msle'
>

type LossConstructor = new (options?: object) => Loss
interface Entry {
  readonly Class: LossConstructor
  readonly fn: LossFunction
  /** Keras's name of the function. */
  readonly name: string
}

const registry = new Registry<Entry>('loss')
const define = (className: string, Class: unknown, name: string, fn: LossFunction<never>, ...aliases: string[]): void =>
  registry.add(className, { Class: Class as LossConstructor, fn: fn as unknown as LossFunction, name }, name, ...aliases)

define('MeanSquaredError', classes.MeanSquaredError, 'mean_squared_error', functions.meanSquaredError, 'mse')
define('MeanAbsoluteError', classes.MeanAbsoluteError, 'mean_absolute_error', functions.meanAbsoluteError, 'mae')
define(
  'MeanAbsolutePercentageError',
  classes.MeanAbsolutePercentageError,
  'mean_absolute_percentage_error',
  functions.meanAbsolutePercentageError,
  'mape',
)
define(
  'MeanSquaredLogarithmicError',
  classes.MeanSquaredLogarithmicError,
  'mean_squared_logarithmic_error',
  functions.meanSquaredLogarithmicError,
  'msle',
)
define('LogCosh', classes.LogCosh, 'log_cosh', functions.logCosh)
define('KLDivergence', classes.KLDivergence, 'kl_divergence', functions.klDivergence, 'kld')
define('Poisson', classes.Poisson, 'poisson', functions.poisson)
define('Hinge', classes.Hinge, 'hinge', functions.hinge)
define('SquaredHinge', classes.SquaredHinge, 'squared_hinge', functions.squaredHinge)
define('CategoricalHinge', classes.CategoricalHinge, 'categorical_hinge', functions.categoricalHinge)
define('Huber', classes.Huber, 'huber', functions.huber)
define('CosineSimilarity', classes.CosineSimilarity, 'cosine_similarity', functions.cosineSimilarity)
define('BinaryCrossentropy', classes.BinaryCrossentropy, 'binary_crossentropy', functions.binaryCrossentropy, 'bce')
define('CategoricalCrossentropy', classes.CategoricalCrossentropy, 'categorical_crossentropy', functions.categoricalCrossentropy)
define(
  'SparseCategoricalCrossentropy',
  classes.SparseCategoricalCrossentropy,
  'sparse_categorical_crossentropy',
  functions.sparseCategoricalCrossentropy,
)
define('Dice', classes.Dice, 'dice', dice)
define('Tversky', classes.Tversky, 'tversky', tversky)
define('Circle', Circle, 'circle', circle)
define('CTC', classes.CTC, 'ctc', functions.ctc)
define(
  'CategoricalGeneralizedCrossEntropy',
  classes.CategoricalGeneralizedCrossEntropy,
  'categorical_generalized_cross_entropy',
  functions.categoricalGeneralizedCrossEntropy,
)
define('BinaryFocalCrossentropy', classes.BinaryFocalCrossentropy, 'binary_focal_crossentropy', functions.binaryFocalCrossentropy)
define(
  'CategoricalFocalCrossentropy',
  classes.CategoricalFocalCrossentropy,
  'categorical_focal_crossentropy',
  functions.categoricalFocalCrossentropy,
)

/**
 * A loss object from a name in any spelling, a function, a config, or a loss.
 *
 * @throws ValueError that offers the nearest names.
 * @example
 * losses.get('sparse_categorical_crossentropy')(labels, probabilities)
 */
export function get(identifier: LossIdentifier): Loss {
  if (identifier instanceof Loss) return identifier
  if (typeof identifier === 'string') return named(identifier) ?? new (registry.get(identifier).Class)()
  if (typeof identifier === 'function')
    return new classes.LossFunctionWrapper(identifier as LossFunction, { name: identifier.name || 'loss' })
  if (isSerializedObject(identifier)) return deserialize(identifier)
  throw new ValueError({
    problem: 'this is no loss',
    expected: 'a name, a function, or an object of losses.Loss',
    received: String(identifier),
  })
}

/** The function behind a name: what `metrics` use for a loss as a metric. */
export const functionNamed = (name: string): LossFunction | undefined => (registry.has(name) ? registry.get(name).fn : undefined)

/** Whether `fn` is one of the losses here, which all are better when lower. */
export const isLossFunction = (fn: unknown): boolean => registry.values.some((entry) => entry.fn === fn)

/** Keras's name of one of the losses here, as a function. */
export const nameOfFunction = (fn: unknown): string | undefined => registry.values.find((entry) => entry.fn === fn)?.name

/** As Keras writes it to files. */
export function serialize(loss: Loss): SerializedObject {
  const { className } = loss
  const isKeras = registry.has(className) && registry.get(className).Class === loss.constructor
  return describeObject(loss, isKeras ? { module: 'keras.losses', className } : undefined)
}

/** The loss that `serialize` described, or that a name means. */
export function deserialize(description: SerializedObject | string, customObjects?: CustomObjects): Loss {
  if (customObjects !== undefined) return customObjectScope(customObjects, () => deserialize(description))
  if (typeof description === 'string') return get(description)
  const own = named(description)
  if (own !== undefined) return own
  if (isFunctionDescription(description)) return get(registry.get(String(description.config)).fn as unknown as CustomLoss)
  return makeFromConfig(registry.get(description.class_name).Class, description.config)
}

/** A loss of the user's own: an object of a registered class, or around a registered function. */
function named(description: SerializedObject | string): Loss | undefined {
  const custom = customFor(description)
  if (custom === undefined) return undefined
  if (isClassOf(custom, Loss)) return makeFromConfig(custom, typeof description === 'string' ? {} : description.config)
  return get(custom as CustomLoss)
}
