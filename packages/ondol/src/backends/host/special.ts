/**
 * Functions that `Math` lacks, in float64 to about 1e-15: series and continued fractions from
 * Abramowitz & Stegun (numbers in brackets), chosen for shortness over speed.
 */

/** Beyond this, 1 - erf is what keeps its digits. */
const TAIL = 1.4

/** The error function [7.1.6]; a sum of terms of one sign, so nothing cancels. */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x
  const magnitude = Math.abs(x)
  if (magnitude > TAIL) return Math.sign(x) * (1 - erfcTail(magnitude))
  let term = x
  let sum = x
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1)
    sum += term
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum
}

/** 1 - erf(x) beyond `TAIL`, by the continued fraction [7.1.14]. */
function erfcTail(x: number): number {
  if (x > 27) return 0
  let fraction = x
  for (let n = 200; n > 0; n--) fraction = x + n / 2 / fraction
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction
}

/** Inverse of `erf`: Winitzki's estimate, then Newton's method on whichever of erf and 1 - erf is small. */
export function erfInv(x: number): number {
  const magnitude = Math.abs(x)
  if (!(magnitude < 1)) return magnitude === 1 ? x * Number.POSITIVE_INFINITY : Number.NaN
  if (magnitude < 1e-9) return (x * Math.sqrt(Math.PI)) / 2
  const log = Math.log1p(-x * x)
  const half = 2 / (Math.PI * 0.147) + log / 2
  let y = Math.sqrt(Math.sqrt(half * half - log / 0.147) - half)
  for (let i = 0; i < 8; i++) {
    const excess = y > TAIL ? 1 - magnitude - erfcTail(y) : erf(y) - magnitude
    const step = (excess * Math.sqrt(Math.PI) * Math.exp(y * y)) / 2
    y -= step / (1 + y * step) // Halley: the curvature of erf is -2y times its slope
    if (Math.abs(step) < 1e-16 * y) break
  }
  return Math.sign(x) * y
}

const BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510]

/** log |Γ(x)|: reflection [6.1.17] below 1/2, recurrence up to 12, then Stirling's series [6.1.41]. Infinite at the poles. */
export function lgamma(x: number): number {
  if (Math.abs(x) === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY
  if (x < 0.5) return Math.log(Math.PI / Math.abs(sinPi(x))) - lgamma(1 - x)
  let product = 1
  let z = x
  for (; z < 12; z++) product *= z
  let series = 0
  BERNOULLI.forEach((bernoulli, i) => {
    const k = 2 * (i + 1)
    series += bernoulli / (k * (k - 1) * z ** (k - 1))
  })
  return (z - 0.5) * Math.log(z) - z + Math.log(2 * Math.PI) / 2 + series - Math.log(product)
}

/** Derivative of `lgamma`: reflection [6.3.7], recurrence, then the asymptotic series [6.3.18]. NaN at the poles. */
export function digamma(x: number): number {
  if (x <= 0 && Number.isInteger(x)) return Number.NaN
  if (x === Number.NEGATIVE_INFINITY) return Number.NaN
  if (x < 0.5) return digamma(1 - x) - (Math.PI * sinPi(x + 0.5)) / sinPi(x)
  let sum = 0
  let z = x
  for (; z < 12; z++) sum -= 1 / z
  sum += Math.log(z) - 1 / (2 * z)
  BERNOULLI.forEach((bernoulli, i) => {
    const k = 2 * (i + 1)
    sum -= bernoulli / (k * z ** k)
  })
  return sum
}

/** sin(πx), exact at whole and half numbers however large. */
function sinPi(x: number): number {
  const turn = x % 2
  const nearest = Math.round(2 * turn) / 2
  const rest = Math.PI * (turn - nearest)
  switch ((((nearest * 2) % 4) + 4) % 4) {
    case 0:
      return Math.sin(rest)
    case 1:
      return Math.cos(rest)
    case 2:
      return -Math.sin(rest)
    default:
      return -Math.cos(rest)
  }
}
