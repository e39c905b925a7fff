/**
 * ondol: deep learning with the Keras 3 API. Importing it loads the fastest backend there is:
 * `native` if its add-on is installed, else `wasm`.
 */
import { loadDefaultBackend } from './backends/load.js'
import './ops/methods.js'

await loadDefaultBackend()

export * as activations from './activations/index.js'
export * as applications from './applications/index.js'
export { getBackend, setBackend } from './backends/load.js'
export * as callbacks from './callbacks/index.js'
export * as constraints from './constraints/index.js'
export type { DType, TypedArray } from './core/dtype.js'
export * from './core/errors.js'
export type { PartialShape, Shape } from './core/shape.js'
export type { Tree } from './core/tree.js'
export { version } from './core/version.js'
export * as data from './data/index.js'
export * as datasets from './datasets/index.js'
export {
  type BackendName,
  customGradient,
  type GradientOptions,
  GradientTape,
  type GradientTapeOptions,
  type GradOptions,
  grad,
  type JacobianOptions,
  type Jitted,
  jit,
  type MemoryReport,
  memory,
  type NestedArray,
  stopGradient,
  Tensor,
  type TensorData,
  tensor,
  tidy,
  Variable,
  type VariableOptions,
  valueAndGrad,
} from './engine/index.js'
export * as initializers from './initializers/index.js'
export * as config from './layers/config.js'
export * as dtypePolicies from './layers/dtype-policies.js'
export { DTypePolicy, FloatDTypePolicy } from './layers/dtype-policy.js'
export * as layers from './layers/index.js'
export { Input, type InputOptions } from './layers/index.js'
export * as losses from './losses/index.js'
export * as metrics from './metrics/index.js'
export * from './models/index.js'
export * as saving from './models/saving.js'
export type { TensorLike } from './ops/define.js'
export * as ops from './ops/index.js'
export { KerasTensor } from './ops/operation.js'
export * as optimizers from './optimizers/index.js'
export * as random from './random/index.js'
export * as regularizers from './regularizers/index.js'
export * from './training/index.js'
export * as tree from './tree/index.js'
export * as utils from './utils/index.js'
