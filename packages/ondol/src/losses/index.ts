/** `losses`: what training makes small. */

export { Circle, type CircleOptions, circle } from './circle.js'
export * from './classes.js'
export * from './functions.js'
export { Loss, type LossOptions, type Reduction } from './loss.js'
export { type DiceOptions, dice, type TverskyOptions, tversky } from './overlap.js'
export { type CustomLoss, deserialize, get, type LossIdentifier, serialize } from './registry.js'
