/** Every layer that there is, with its factory. Who adds a layer adds it here: files then know it by its name. */
export * from './activation-layers.js'
export * from './adaptive-pooling.js'
export * from './attention/index.js'
export { BatchNormalization, type BatchNormalizationOptions, batchNormalization } from './batch-normalization.js'
export {
  Conv1D,
  Conv2D,
  Conv3D,
  type ConvOptions,
  Convolution1D,
  Convolution2D,
  Convolution3D,
  conv1d,
  conv2d,
  conv3d,
  convolution1d,
  convolution2d,
  convolution3d,
} from './convolution.js'
export * from './convolution-transpose.js'
export * from './dense.js'
export * from './dropout.js'
export * from './einsum-dense.js'
export * from './embedding.js'
export * from './global-pooling.js'
export * from './group-normalization.js'
export * from './identity.js'
export * from './image/index.js'
export { InputLayer, type InputOptions, inputLayer } from './input-layer.js'
export * from './lambda.js'
export * from './layer-normalization.js'
export * from './masking.js'
export * from './merging.js'
export * from './noise.js'
export * from './padding.js'
export * from './pooling.js'
export * from './preprocessing/index.js'
export * from './reshaping.js'
export * from './reversible-embedding.js'
export * from './rnn/index.js'
export * from './separable-convolution.js'
export * from './spatial-dropout.js'
export * from './spectral-normalization.js'
export * from './up-sampling.js'
export * from './wrapper.js'
