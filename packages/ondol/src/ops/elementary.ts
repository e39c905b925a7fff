/** The lesser functions of one or two numbers: roots, exponentials to base 2, remainders, Bessel's, parts of complex numbers. */
import { type DType, isFloat } from '../core/dtype.js'
import { customGradient, lax, type Tensor } from '../engine/index.js'
import { whileLoop } from './control.js'
import { asTensor } from './define.js'
import { scaleByPower } from './float-bits.js'
import { binary, floating, integral, keeping, onTensor, precise, preciseBinary, unary } from './kinds.js'
import { toFloat } from './promotion.js'

const { add, sub, mul, div, select, withNumber, fullLike, zerosLike, neg } = lax
const plus = (x: Tensor, value: number): Tensor => withNumber(x, add, value)
const times = (x: Tensor, value: number): Tensor => withNumber(x, mul, value)
const isNaN = (x: Tensor): Tensor => lax.ne(x, x)
const isZero = (x: Tensor): Tensor => lax.eq(x, zerosLike(x))
const isInfinite = (x: Tensor): Tensor => lax.eq(lax.abs(x), fullLike(x, Number.POSITIVE_INFINITY))

/** Magnitude, always a float. */
export const fabs = floating('Fabs', lax.abs)
/** Degrees to radians. */
export const deg2rad = floating('Deg2rad', (x) => times(x, Math.PI / 180))
/** Radians to degrees. */
export const rad2deg = floating('Rad2deg', (x) => times(x, 180 / Math.PI))
/** Towards 0, to a whole number. */
export const trunc = keeping('Trunc', (x) =>
  isFloat(x.dtype) ? select(lax.lt(x, zerosLike(x)), lax.unary.ceil(x), lax.unary.floor(x)) : x,
)
/** The same values as a tensor of their own. */
export const copy = keeping('Copy', (x) => add(x, zerosLike(x)))

// There are no complex numbers: every tensor is its own real part.
/** The real part: the tensor itself. */
export const real = keeping('Real', (x) => x)
/** The imaginary part: 0. */
export const imag = keeping('Imag', zerosLike)
/** The complex conjugate: the tensor itself. */
export const conjugate = keeping('Conjugate', (x) => x)
export const conj = conjugate
/** The angle in the complex plane: 0, or π below 0. */
export const angle = floating('Angle', (x) => {
  const isLeft = lax.logicalOr(lax.lt(x, zerosLike(x)), lax.lt(div(fullLike(x, 1), x), zerosLike(x)))
  return select(isNaN(x), x, select(isLeft, fullLike(x, Math.PI), zerosLike(x)))
})
/** Whether there is no imaginary part: always. */
export const isreal = unary('Isreal', (x) => lax.full(asTensor(x).shape, 'bool', 1))
/** Where it is +∞: bool. */
export const isposinf = unary('Isposinf', (input) => {
  const x = toFloat(input)
  return lax.eq(x, fullLike(x, Number.POSITIVE_INFINITY))
})
/** Where it is -∞: bool. */
export const isneginf = unary('Isneginf', (input) => {
  const x = toFloat(input)
  return lax.eq(x, fullLike(x, Number.NEGATIVE_INFINITY))
})

/** 2^x: whole powers are exact. */
const exp2Of: (x: Tensor) => Tensor = customGradient((x: Tensor) => {
  // Beyond ±2048 nothing changes any more, and the exponent stays an int32.
  const limited = lax.max(lax.min(x, fullLike(x, 2048)), fullLike(x, -2048))
  const whole = lax.unary.round(limited)
  const fraction = select(isNaN(x), x, sub(limited, whole))
  const y = scaleByPower(lax.exp(times(fraction, Math.LN2)), lax.cast(whole, 'int32'))
  return [y, (g: Tensor) => [mul(g, times(exp2Of(x), Math.LN2))]]
})
/** 2^x. */
export const exp2 = precise('Exp2', exp2Of)

const cbrtOf: (x: Tensor) => Tensor = customGradient((x: Tensor) => {
  const magnitude = lax.abs(x)
  const isPlain = lax.logicalAnd(lax.gt(magnitude, zerosLike(x)), lax.lt(magnitude, fullLike(x, Number.POSITIVE_INFINITY)))
  const safe = select(isPlain, magnitude, fullLike(x, 1))
  const guess = lax.exp(times(lax.log(safe), 1 / 3))
  // One step of Newton's takes out what the logarithm's rounding left.
  const root = sub(guess, times(sub(guess, div(safe, mul(guess, guess))), 1 / 3))
  const y = select(isPlain, mul(lax.sign(x), root), x)
  return [
    y,
    (g: Tensor) => {
      const again = cbrtOf(x)
      return [div(g, times(mul(again, again), 3))]
    },
  ]
})
/** The real cube root, of negative numbers too. */
export const cbrt = precise('Cbrt', cbrtOf)

const hypotOf: (x: Tensor, y: Tensor) => Tensor = customGradient((x: Tensor, y: Tensor) => {
  const [a, b] = [lax.abs(x), lax.abs(y)]
  const [large, small] = [lax.max(a, b), lax.min(a, b)]
  const ratio = div(small, select(isZero(large), fullLike(large, 1), large))
  const length = mul(large, lax.sqrt(plus(mul(ratio, ratio), 1)))
  const isEndless = lax.logicalOr(isInfinite(x), isInfinite(y))
  return [
    select(isEndless, fullLike(x, Number.POSITIVE_INFINITY), length),
    (g: Tensor) => {
      const again = hypotOf(x, y)
      const divisor = select(isZero(again), fullLike(again, 1), again)
      return [mul(g, div(x, divisor)), mul(g, div(y, divisor))]
    },
  ]
})
/** √(x1² + x2²), where the squares need not be floats. */
export const hypot = preciseBinary('Hypot', hypotOf)

/** log of a sum of powers of e^`unit`: exact where one of them dwarfs the other, or both are infinite. */
const logarithmOfSum = (unit: number): ((x: Tensor, y: Tensor) => Tensor) =>
  customGradient((x: Tensor, y: Tensor) => {
    const difference = sub(x, y)
    const isSame = isNaN(difference)
    const distance = select(isSame, zerosLike(x), difference)
    const over = times(lax.log1p(lax.exp(times(neg(lax.abs(distance)), unit))), 1 / unit)
    const sum = add(lax.max(x, y), over)
    // Two equal infinities, or a NaN.
    return [
      select(isSame, add(x, y), sum),
      (g: Tensor) => {
        const scaled = times(sub(x, y), unit)
        const share = select(isNaN(scaled), fullLike(x, 0.5), lax.sigmoid(scaled))
        return [mul(g, share), mul(g, sub(fullLike(share, 1), share))]
      },
    ]
  })
/** log(e^x1 + e^x2), without overflow. */
export const logaddexp = preciseBinary('Logaddexp', logarithmOfSum(1))
/** log2(2^x1 + 2^x2), without overflow. */
export const logaddexp2 = preciseBinary('Logaddexp2', logarithmOfSum(Math.LN2))

/** sin(πx) / πx, 1 at 0. */
export const sinc = precise('Sinc', (x) => {
  const t = times(x, Math.PI)
  const isNear = lax.lt(lax.abs(t), fullLike(x, 0.1))
  const far = select(isNear, fullLike(t, 1), t)
  const squared = mul(t, t)
  // 1 - t²/6 (1 - t²/20): what is left out is below half a unit in the last place.
  const near = sub(fullLike(x, 1), mul(times(squared, 1 / 6), sub(fullLike(x, 1), times(squared, 1 / 20))))
  return select(isNear, near, div(lax.sin(far), far))
})

/** Σ c_k t^k. */
const polynomial = (t: Tensor, factors: readonly number[]): Tensor => factors.reduceRight((sum, c) => plus(mul(sum, t), c), zerosLike(t))
/** Where the series of I₀ in powers and its series at infinity are both exact enough. */
const BESSEL_EDGE = 12
/** 1, ratio(1), ratio(1) · ratio(2), … */
function coefficients(length: number, ratio: (k: number) => number): number[] {
  const all = [1]
  for (let k = 1; k < length; k++) all.push((all[k - 1] as number) * ratio(k))
  return all
}
/** I₀(x) = Σ (x²/4)^k / k!²: all terms positive, so nothing cancels. */
const POWER_SERIES = coefficients(36, (k) => 1 / (k * k))
/** I₀(x) ≈ eˣ / √(2πx) · Σ ((2k-1)!!)² / k! (8x)^k. */
const ASYMPTOTIC = coefficients(14, (k) => (2 * k - 1) ** 2 / (8 * k))
/** Bessel's modified function of the first kind, order 0. */
export const i0 = precise('I0', (x) => {
  const edge = fullLike(x, BESSEL_EDGE)
  const inner = lax.max(lax.min(x, edge), neg(edge))
  const near = polynomial(times(mul(inner, inner), 1 / 4), POWER_SERIES)
  // Infinite from long before 2000 on.
  const outer = lax.min(lax.max(lax.abs(x), edge), fullLike(x, 2000))
  // Half of the exponential twice: I₀ is still a float where eˣ is none.
  const root = lax.exp(times(outer, 0.5))
  const series = polynomial(div(fullLike(x, 1), outer), ASYMPTOTIC)
  const far = mul(root, mul(root, mul(lax.rsqrt(times(outer, 2 * Math.PI)), series)))
  return select(lax.le(lax.abs(x), edge), near, far)
})

/** The greater of two; the other one where one is NaN. */
export const fmax = binary('Fmax', (x, y) => select(isNaN(x), y, select(isNaN(y), x, lax.max(x, y))))
/** The smaller of two; the other one where one is NaN. */
export const fmin = binary('Fmin', (x, y) => select(isNaN(x), y, select(isNaN(y), x, lax.min(x, y))))
/** The remainder with the sign of `x1`, as in C. */
export const fmod = binary(
  'Fmod',
  (x, y) => {
    const floored = lax.mod(x, y)
    const zero = zerosLike(x)
    const hasOtherSign = lax.logicalXor(lax.lt(floored, zero), lax.lt(x, zero))
    return select(lax.logicalAnd(lax.ne(floored, zero), hasOtherSign), sub(floored, y), floored)
  },
  'int',
)
/** 0 below 0, 1 above, `x2` at 0. */
export const heaviside = binary(
  'Heaviside',
  (x, y) => {
    const zero = zerosLike(x)
    const step = select(lax.lt(x, zero), zero, select(lax.gt(x, zero), fullLike(x, 1), x))
    return select(isZero(x), y, step)
  },
  'float',
)

/** Euclid's algorithm on all elements at once. */
function greatestDivisor(x: Tensor, y: Tensor): Tensor {
  const [divisor] = whileLoop(
    (_, b) => {
      const rest = b as Tensor
      return lax.reduceMax(
        lax.ne(rest, zerosLike(rest)),
        rest.shape.map((_size, axis) => axis),
      )
    },
    (a, b) => {
      const [whole, rest] = [a as Tensor, b as Tensor]
      const isDone = isZero(rest)
      const safe = select(isDone, fullLike(rest, 1), rest)
      return [select(isDone, whole, rest), select(isDone, rest, lax.mod(whole, safe))]
    },
    [lax.abs(x), lax.abs(y)],
  )
  return divisor as Tensor
}
/** The greatest common divisor of whole numbers; of 0 and 0, 0. */
export const gcd = integral('Gcd', greatestDivisor)
/** The least common multiple of whole numbers; 0 if one is 0. */
export const lcm = integral('Lcm', (x, y) => {
  const divisor = greatestDivisor(x, y)
  return mul(lax.floorDiv(lax.abs(x), select(isZero(divisor), fullLike(divisor, 1), divisor)), lax.abs(y))
})

/** The largest finite number of a float dtype. */
const LARGEST: Partial<Record<DType, number>> = {
  float64: Number.MAX_VALUE,
  float32: (2 - 2 ** -23) * 2 ** 127,
  bfloat16: (2 - 2 ** -7) * 2 ** 127,
  float16: 65504,
}
/** NaN as `nan`, infinities as `posinf` and `neginf` (the largest and the smallest number unless given). */
export const nanToNum = onTensor<{ nan?: number; posinf?: number | null; neginf?: number | null }>(
  'NanToNum',
  ['nan', 'posinf', 'neginf'],
  (x, { nan = 0, posinf, neginf }) => {
    if (!isFloat(x.dtype)) return x
    const largest = LARGEST[x.dtype] as number
    const replace = (test: Tensor, value: number, otherwise: Tensor): Tensor => select(test, fullLike(x, value), otherwise)
    const low = replace(lax.eq(x, fullLike(x, Number.NEGATIVE_INFINITY)), neginf ?? -largest, x)
    const both = replace(lax.eq(x, fullLike(x, Number.POSITIVE_INFINITY)), posinf ?? largest, low)
    return replace(isNaN(x), nan, both)
  },
)
