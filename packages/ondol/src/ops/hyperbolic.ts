/** Hyperbolic functions and their inverses, accurate near 0 and up to the largest number; each carries its own derivative. */
import { customGradient, lax, type Tensor } from '../engine/index.js'
import { precise } from './kinds.js'

const { add, sub, mul, div, select, withNumber, fullLike } = lax
const plus = (x: Tensor, value: number): Tensor => withNumber(x, add, value)
const times = (x: Tensor, value: number): Tensor => withNumber(x, mul, value)
const square = (x: Tensor): Tensor => mul(x, x)
const one = (x: Tensor): Tensor => fullLike(x, 1)

/** `f` with a known derivative: branches that are not taken cannot spoil it. */
const withDerivative = (f: (x: Tensor) => Tensor, derivative: (x: Tensor) => Tensor): ((x: Tensor) => Tensor) =>
  customGradient((x: Tensor) => [f(x), (g: Tensor) => [mul(g, derivative(x))]])

/** Where e^x is no float any more but half of it is. */
const LARGE = 80
const halfExponential = (magnitude: Tensor): Tensor => {
  const root = lax.exp(times(magnitude, 0.5))
  return mul(times(root, 0.5), root)
}

const sinhOf: (x: Tensor) => Tensor = withDerivative(
  (x) => {
    const magnitude = lax.abs(x)
    const near = lax.unary.expm1(lax.min(magnitude, fullLike(x, LARGE)))
    const small = times(add(near, div(near, plus(near, 1))), 0.5)
    return mul(lax.sign(x), select(lax.gt(magnitude, fullLike(x, LARGE)), halfExponential(magnitude), small))
  },
  (x) => coshOf(x),
)
const coshOf: (x: Tensor) => Tensor = withDerivative(
  (x) => {
    const magnitude = lax.abs(x)
    const near = lax.exp(lax.min(magnitude, fullLike(x, LARGE)))
    const small = times(add(near, div(one(x), near)), 0.5)
    return select(lax.gt(magnitude, fullLike(x, LARGE)), halfExponential(magnitude), small)
  },
  (x) => sinhOf(x),
)

/** Where x² + 1 is x² to every digit, and x² is still a float. */
const FAR = 2 ** 28

const arcsinhOf = withDerivative(
  (x) => {
    const magnitude = lax.abs(x)
    const near = lax.min(magnitude, fullLike(x, FAR))
    const squared = square(near)
    const small = lax.log1p(add(near, div(squared, plus(lax.sqrt(plus(squared, 1)), 1))))
    const large = plus(lax.log(magnitude), Math.LN2)
    return mul(lax.sign(x), select(lax.gt(magnitude, fullLike(x, FAR)), large, small))
  },
  (x) => lax.rsqrt(plus(square(x), 1)),
)
const arccoshOf = withDerivative(
  (x) => {
    // Far below 1, too, a product must stay a float, to become no number.
    const over = plus(lax.max(lax.min(x, fullLike(x, FAR)), fullLike(x, -1)), -1)
    const small = lax.log1p(add(over, lax.sqrt(mul(over, plus(over, 2)))))
    return select(lax.gt(x, fullLike(x, FAR)), plus(lax.log(x), Math.LN2), small)
  },
  (x) => mul(lax.rsqrt(plus(x, -1)), lax.rsqrt(plus(x, 1))),
)
const arctanhOf = withDerivative(
  (x) => {
    const magnitude = lax.abs(x)
    return mul(lax.sign(x), times(lax.log1p(div(times(magnitude, 2), sub(one(x), magnitude))), 0.5))
  },
  (x) => div(one(x), mul(sub(one(x), x), plus(x, 1))),
)

/** (eˣ - e⁻ˣ) / 2. */
export const sinh = precise('Sinh', sinhOf)
/** (eˣ + e⁻ˣ) / 2. */
export const cosh = precise('Cosh', coshOf)
/** The x with sinh(x) given. */
export const arcsinh = precise('Arcsinh', arcsinhOf)
/** The x ≥ 0 with cosh(x) given; NaN below 1. */
export const arccosh = precise('Arccosh', arccoshOf)
/** The x with tanh(x) given; infinite at ±1, NaN beyond. */
export const arctanh = precise('Arctanh', arctanhOf)
