/** Windows for signals: `M` weights that fall off towards both ends. */
import { ShapeError } from '../core/errors.js'
import type { Tensor } from '../engine/index.js'
import { floatx } from './config.js'
import { asTensor, type TensorLike } from './define.js'
import { valuesOf } from './kinds.js'
import { toDType } from './promotion.js'

/** One number, of a tensor or as it is. */
function scalar(value: TensorLike, where: string): number {
  if (typeof value === 'number') return value
  const x = asTensor(value)
  if (x.size !== 1) throw new ShapeError({ where, problem: 'the length must be one number', received: x.toString() })
  return valuesOf(x, where, 'give the length as a number')[0] as number
}

/** Weights at places from -1 to 1 (`t`) and from 0 to 2π (`angle`). */
function weights(length: TensorLike, where: string, weight: (t: number, angle: number) => number): Tensor {
  const count = Math.max(Math.trunc(scalar(length, where)), 0)
  const at = (i: number): number => {
    const turn = i / (count - 1)
    return count === 1 ? 1 : weight(2 * turn - 1, 2 * Math.PI * turn)
  }
  return toDType(
    Array.from({ length: count }, (_, i) => at(i)),
    floatx(),
  )
}

/** A triangle that ends at 0: (x,) of floatx. */
export const bartlett = (x: TensorLike): Tensor => weights(x, 'bartlett', (t) => 1 - Math.abs(t))
/** 0.5 - 0.5 cos: (x,) of floatx. */
export const hanning = (x: TensorLike): Tensor => weights(x, 'hanning', (_, angle) => 0.5 - 0.5 * Math.cos(angle))
/** 0.54 - 0.46 cos: (x,) of floatx. */
export const hamming = (x: TensorLike): Tensor => weights(x, 'hamming', (_, angle) => 0.54 - 0.46 * Math.cos(angle))
/** 0.42 - 0.5 cos + 0.08 cos of the double angle: (x,) of floatx. */
export const blackman = (x: TensorLike): Tensor =>
  weights(x, 'blackman', (_, angle) => 0.42 - 0.5 * Math.cos(angle) + 0.08 * Math.cos(2 * angle))
/** I₀(β √(1 - t²)) / I₀(β): (x,) of floatx. */
export function kaiser(x: TensorLike, beta: TensorLike): Tensor {
  const steepness = scalar(beta, 'kaiser')
  const highest = bessel(steepness)
  return weights(x, 'kaiser', (t) => bessel(steepness * Math.sqrt(Math.max(1 - t * t, 0))) / highest)
}

/** I₀ by its power series, whose terms are all positive. */
function bessel(x: number): number {
  let [sum, term] = [1, 1]
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= (x / (2 * k)) ** 2
    sum += term
  }
  return sum
}
