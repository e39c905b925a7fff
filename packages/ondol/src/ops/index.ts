/** `keras.ops` in TypeScript. */

export { stopGradient } from '../engine/index.js'
export * from './activations.js'
export * from './control.js'
export * from './convolution.js'
export * from './crossentropy.js'
export * from './ctc.js'
export { type AnyTensor, asTensor, type Op, type TensorLike } from './define.js'
export * from './elementwise.js'
export * from './indexing.js'
export * from './linear.js'
export * from './reduce.js'
export * from './shape.js'
