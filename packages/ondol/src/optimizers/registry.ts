/** Optimizers by name, and to and from configs. */
import { ValueError } from '../core/errors.js'
import { Registry } from '../core/registry.js'
import { fromKerasConfig, isSerializedObject, type SerializedObject } from '../core/spelling.js'
import { Adam, AdamW } from './adam.js'
import { LossScaleOptimizer } from './loss-scale.js'
import { Optimizer } from './optimizer.js'
import { RMSprop } from './rmsprop.js'
import { SGD } from './sgd.js'

/** What `compile` takes as an optimizer. */
export type OptimizerIdentifier = string | Optimizer | SerializedObject

type OptimizerConstructor = new (options?: object) => Optimizer
const registry = new Registry<OptimizerConstructor>('optimizer', { SGD, Adam, AdamW, RMSprop })

/**
 * An optimizer from a name in any spelling, a config, or an optimizer.
 *
 * @throws ValueError that offers the nearest names.
 */
export function get(identifier: OptimizerIdentifier): Optimizer {
  if (identifier instanceof Optimizer) return identifier
  if (typeof identifier === 'string') return new (registry.get(identifier))()
  if (isSerializedObject(identifier)) return deserialize(identifier)
  throw new ValueError({
    problem: 'this is no optimizer',
    expected: 'a name, or an object of optimizers.Optimizer',
    received: String(identifier),
  })
}

/** As Keras writes it to files. */
export const serialize = (optimizer: Optimizer): SerializedObject => ({
  module: optimizer instanceof LossScaleOptimizer || registry.has(optimizer.className) ? 'keras.optimizers' : null,
  class_name: optimizer.className,
  config: optimizer.getConfig(),
  registered_name: null,
})

/** The optimizer that `serialize` described. Its state comes with the first step, or from the file's weights. */
export function deserialize({ class_name, config }: SerializedObject): Optimizer {
  if (class_name === 'LossScaleOptimizer') {
    const { inner_optimizer, ...options } = config
    return new LossScaleOptimizer(deserialize(inner_optimizer as SerializedObject), fromKerasConfig(options))
  }
  return new (registry.get(class_name))(fromKerasConfig(config))
}
