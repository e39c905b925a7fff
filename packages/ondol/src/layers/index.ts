/** Layers: `keras.layers`. Every class also has a camelCase factory; merging ones are functions on tensors. */
// Bundlers leave it out of programs that read no models.
import './known.js'

export * from './catalogue.js'
export { DTypePolicy, type DTypePolicyLike } from './dtype-policy.js'
export { Input } from './input-layer.js'
export { InputSpec, type InputSpecOptions } from './input-spec.js'
export { type CallOptions, Layer, type LayerOptions } from './layer.js'
export type { WeightOptions } from './layer-state.js'
export { type Masks, maskOf, setMask } from './masks.js'
export { RNNCell } from './rnn/cell.js'
export { ConvLSTMCell } from './rnn/conv-lstm.js'
export { DropoutRNNCell } from './rnn/kernel-cell.js'
export { type CustomLayers, deserialize, serialize } from './serialization.js'
