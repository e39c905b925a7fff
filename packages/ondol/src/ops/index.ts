/** `keras.ops` in TypeScript. */

export { stopGradient } from '../engine/index.js'
export * from './activations.js'
export * from './control.js'
export * from './convolution.js'
export * from './crossentropy.js'
export * from './ctc.js'
export { type AnyTensor, asTensor, type Op, type TensorLike } from './define.js'
export * from './fourier.js'
export * as linalg from './linalg/index.js'
export * from './linalg/index.js'
export * as numpy from './numpy.js'
export * from './numpy.js'
