/** `keras.ops` in TypeScript. */

export { customGradient } from '../engine/index.js'
export * from './activations.js'
export * from './adaptive-pooling.js'
export * from './attention.js'
export * from './blocks.js'
export { polar, viewAsComplex, viewAsReal } from './complex.js'
export * from './control.js'
export * from './convolution.js'
export { type ConvTransposeOptions, convTranspose, separableConv } from './convolution-transpose.js'
export * from './crossentropy.js'
export * from './ctc.js'
export * from './ctc-decode.js'
export { type AnyTensor, asTensor, type Op, type TensorLike } from './define.js'
export * from './fourier.js'
export { associativeScan, jvp, switchCase, switchCase as switch, unstack, vectorizedMap } from './functional.js'
export * as image from './image/index.js'
export * as linalg from './linalg/index.js'
export * from './linalg/index.js'
export * from './normalization.js'
export * as numpy from './numpy.js'
export * from './numpy.js'
export { rearrange } from './rearrange.js'
export {
  type ScatterUpdateOptions,
  type SegmentOptions,
  saturateCast,
  scatter,
  scatterUpdate,
  segmentMax,
  segmentMin,
  segmentProd,
  segmentSum,
} from './scatter.js'
export { type SliceOptions, slice, sliceUpdate } from './slicing.js'
export { cdist, dtype, erfc, gammainc, isTensor, multiHot } from './special.js'
