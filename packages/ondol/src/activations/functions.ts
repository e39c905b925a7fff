/** The functions of `keras.activations`. Where their defaults differ from the ops of the same name, these are here. */
import type { Tensor } from '../engine/index.js'
import type { Result, TensorLike } from '../ops/define.js'
import * as ops from '../ops/index.js'
import type { KerasTensor } from '../ops/operation.js'

export {
  celu,
  elu,
  glu,
  hardShrink,
  hardSigmoid,
  hardSilu,
  hardSwish,
  hardTanh,
  leakyRelu,
  logSigmoid,
  logSoftmax,
  mish,
  relu6,
  selu,
  sigmoid,
  silu,
  softmax,
  softplus,
  softShrink,
  softsign,
  sparsemax,
  sparsePlus,
  sparseSigmoid,
  squareplus,
  swish,
  tanh,
  tanhShrink,
  threshold,
} from '../ops/index.js'

type Input = TensorLike | KerasTensor

export interface ReluOptions {
  readonly negativeSlope?: number
  /** Largest output. */
  readonly maxValue?: number | null
  /** Inputs below are damped. */
  readonly threshold?: number
}

/** x */
export const linear = <X extends Input>(x: X): X => x

/** eˣ */
export const exponential = ops.exp

/** x·Φ(x), exact unless `approximate`. */
export function gelu<X extends Input>(x: X, { approximate = false }: { readonly approximate?: boolean } = {}): Result<X> {
  return ops.gelu(x as Tensor, { approximate }) as Result<X>
}

/**
 * max(x, 0), with Keras's options: f(x) = maxValue above maxValue, x between threshold and maxValue,
 * negativeSlope · (x - threshold) below.
 */
export function relu<X extends Input>(input: X, { negativeSlope = 0, maxValue = null, threshold = 0 }: ReluOptions = {}): Result<X> {
  const x = input as Tensor
  return plainRelu(x, negativeSlope, maxValue, threshold) as Result<X>
}

function plainRelu(x: Tensor, negativeSlope: number, maxValue: number | null, threshold: number): Tensor {
  if (threshold === 0 && maxValue === null) return negativeSlope === 0 ? ops.relu(x) : ops.leakyRelu(x, { negativeSlope })
  if (threshold === 0 && maxValue === 6 && negativeSlope === 0) return ops.relu6(x)
  const above = ops.where(ops.greater(x, threshold), x, ops.multiply(ops.subtract(x, threshold), negativeSlope))
  return maxValue === null ? above : ops.minimum(above, maxValue)
}
