/** Optimizers by name, and to and from configs. */
import { type CustomObjects, customObjectScope } from '../core/custom-objects.js'
import { ValueError } from '../core/errors.js'
import { Registry } from '../core/registry.js'
import { customFor, describeObject, isClassOf, makeFromConfig } from '../core/serialized.js'
import { fromKerasConfig, isSerializedObject, type NameOf, type SerializedObject } from '../core/spelling.js'
import { Adafactor } from './adafactor.js'
import { Adadelta, Adagrad, Ftrl } from './adagrad.js'
import { Adam, AdamW } from './adam.js'
import { Adamax, Lamb, Nadam, ScheduleFreeAdamW } from './adam-variants.js'
import { Lion } from './lion.js'
import { LossScaleOptimizer } from './loss-scale.js'
import { MultiOptimizer, OptimizerMap } from './multi.js'
import { Muon } from './muon.js'
import { Optimizer } from './optimizer.js'
import { RMSprop } from './rmsprop.js'
import { SGD } from './sgd.js'

/** What `compile` takes as an optimizer. */
export type OptimizerIdentifier = OptimizerName | Optimizer | SerializedObject

export type OptimizerName = NameOf<
  | 'sgd'
  | 'adam'
  | 'adamw'
  | 'rmsprop'
  | 'adadelta'
  | 'adafactor'
  | 'adagrad'
  | 'adamax'
  | 'ftrl'
  | 'lamb'
  | 'lion'
  | 'muon'
  | 'nadam'
  | 'schedule_free_adamw'
>

type OptimizerConstructor = new (options?: object) => Optimizer
const registry = new Registry<OptimizerConstructor>('optimizer', {
  SGD,
  Adam,
  AdamW,
  RMSprop,
  Adadelta,
  Adafactor,
  Adagrad,
  Adamax,
  Ftrl,
  Lamb,
  Lion,
  Muon,
  Nadam,
  ScheduleFreeAdamW,
})

/**
 * An optimizer from a name in any spelling, a config, or an optimizer.
 *
 * @throws ValueError that offers the nearest names.
 */
export function get(identifier: OptimizerIdentifier): Optimizer {
  if (identifier instanceof Optimizer) return identifier
  if (typeof identifier === 'string') return makeFromConfig(classOf(identifier), {})
  if (isSerializedObject(identifier)) return deserialize(identifier)
  throw new ValueError({
    problem: 'this is no optimizer',
    expected: 'a name, or an object of optimizers.Optimizer',
    received: String(identifier),
  })
}

/** As Keras writes it to files. */
export function serialize(optimizer: Optimizer): SerializedObject {
  const { className } = optimizer
  const isKeras =
    optimizer.constructor === LossScaleOptimizer ||
    optimizer.constructor === MultiOptimizer ||
    (registry.has(className) && registry.get(className) === optimizer.constructor)
  return describeObject(optimizer, isKeras ? { module: 'keras.optimizers', className } : undefined)
}

/** The optimizer that `serialize` described. Its state comes with the first step, or from the file's weights. */
export function deserialize(description: SerializedObject, customObjects?: CustomObjects): Optimizer {
  if (customObjects !== undefined) return customObjectScope(customObjects, () => deserialize(description))
  const { class_name: className, config } = description
  if (className === 'LossScaleOptimizer') {
    const { inner_optimizer, ...options } = config
    return new LossScaleOptimizer(deserialize(inner_optimizer as SerializedObject), fromKerasConfig(options))
  }
  if (className === 'MultiOptimizer') {
    const { optimizer_map, ...options } = config
    return new MultiOptimizer(
      OptimizerMap.fromConfig((optimizer_map as SerializedObject).config, (inner) => deserialize(inner)),
      fromKerasConfig(options),
    )
  }
  return makeFromConfig(classOf(description), config)
}

function classOf(description: string | SerializedObject): OptimizerConstructor {
  const custom = customFor(description)
  if (isClassOf(custom, Optimizer)) return custom as OptimizerConstructor
  return registry.get(typeof description === 'string' ? description : description.class_name)
}
