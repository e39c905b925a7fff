/** `losses`: what training makes small. */
export * from './classes.js'
export * from './functions.js'
export { Loss, type LossOptions, type Reduction } from './loss.js'
export { type CustomLoss, deserialize, get, type LossIdentifier, serialize } from './registry.js'
