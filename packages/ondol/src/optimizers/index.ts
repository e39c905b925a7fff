/** `optimizers`: how weights follow their gradients. */
export { Adam, type AdamOptions, AdamW } from './adam.js'
export { LossScaleOptimizer, type LossScaleOptions } from './loss-scale.js'
export { type GradientPairs, type LearningRate, Optimizer, type OptimizerOptions } from './optimizer.js'
export { deserialize, get, type OptimizerIdentifier, serialize } from './registry.js'
export { RMSprop, type RMSpropOptions } from './rmsprop.js'
export * as schedules from './schedules.js'
export { SGD, type SGDOptions } from './sgd.js'
