/**
 * Distributions that are sampled by rejection: a loop tries again where a proposal was refused, with bits that follow
 * from those before.
 */
import type { DType } from '../core/dtype.js'
import { isFloat } from '../core/dtype.js'
import { DTypeError } from '../core/errors.js'
import type { Shape } from '../core/shape.js'
import { lax, type Tensor, whileLoop } from '../engine/index.js'
import { floatx } from './config.js'
import { asTensor, type TensorLike } from './define.js'
import { keyOf, type RandomOptions } from './random.js'

const { withNumber } = lax

/** Far more tries than chance needs; parameters without a distribution (NaN) end the loop here. */
const MOST_TRIES = 200

/** 24 random bits as a float32 in (0, 1). */
function unit(key: Tensor, shape: Shape): Tensor {
  const bits = withNumber(lax.randomBits(key, shape), lax.shiftRightLogical, 9)
  return withNumber(withNumber(lax.cast(bits, 'float32'), lax.add, 0.5), lax.mul, 2 ** -23)
}

const gaussian = (key: Tensor, shape: Shape): Tensor =>
  withNumber(lax.unary.erfInv(withNumber(withNumber(unit(key, shape), lax.mul, 2), lax.sub, 1)), lax.mul, Math.SQRT2)

/** Three keys from one: the first to go on with. */
function split(key: Tensor): [next: Tensor, first: Tensor, second: Tensor] {
  const bits = lax.randomBits(key, [6])
  const part = (start: number): Tensor => lax.slice(bits, [start], [2])
  return [part(0), part(2), part(4)]
}

/** Samples where `propose` says yes; elsewhere tries again. */
function reject(start: Tensor, shape: Shape, propose: (first: Tensor, second: Tensor) => { value: Tensor; isAccepted: Tensor }): Tensor {
  const [, , result] = whileLoop(
    (tries, open) =>
      lax.logicalAnd(
        lax.reduceMax(
          open as Tensor,
          shape.map((_, axis) => axis),
        ),
        withNumber(tries as Tensor, lax.lt, MOST_TRIES),
      ),
    (tries, open, value, key) => {
      const [next, first, second] = split(key as Tensor)
      const proposal = propose(first, second)
      const takes = lax.logicalAnd(open as Tensor, proposal.isAccepted)
      return [
        withNumber(tries as Tensor, lax.add, 1),
        lax.logicalAnd(open as Tensor, lax.logicalNot(proposal.isAccepted)),
        lax.select(takes, proposal.value, value as Tensor),
        next,
      ]
    },
    [lax.full([], 'int32', 0), lax.full(shape, 'bool', 1), lax.full(shape, 'float32', Number.NaN), start],
  )
  return result as Tensor
}

const parameter = (value: TensorLike, shape: Shape): Tensor => lax.broadcastTo(lax.cast(asTensor(value), 'float32'), shape)

function requireFloat(dtype: DType, where: string): void {
  if (!isFloat(dtype))
    throw new DTypeError({ where, problem: 'this distribution is continuous', expected: 'a float dtype', received: dtype })
}

/** Marsaglia and Tsang (2000); below 1 by the distribution of alpha + 1. */
function gammaOf(key: Tensor, alpha: Tensor): Tensor {
  const { shape } = alpha
  const [rest, boostKey] = split(key)
  const isSmall = withNumber(alpha, lax.lt, 1)
  const d = withNumber(lax.select(isSmall, withNumber(alpha, lax.add, 1), alpha), lax.sub, 1 / 3)
  const c = lax.unary.rsqrt(withNumber(d, lax.mul, 9))
  const sample = reject(rest, shape, (first, second) => {
    const x = gaussian(first, shape)
    const root = withNumber(lax.mul(c, x), lax.add, 1)
    const isPositive = withNumber(root, lax.gt, 0)
    const v = lax.select(isPositive, lax.mul(root, lax.mul(root, root)), lax.full(shape, 'float32', 1))
    const limit = lax.add(withNumber(lax.mul(x, x), lax.mul, 0.5), lax.mul(d, lax.add(withNumber(lax.neg(v), lax.add, 1), lax.log(v))))
    return { value: lax.mul(d, v), isAccepted: lax.logicalAnd(isPositive, lax.lt(lax.log(unit(second, shape)), limit)) }
  })
  const boost = lax.exp(lax.div(lax.log(unit(boostKey, shape)), alpha))
  return lax.select(isSmall, lax.mul(sample, boost), sample)
}

/**
 * Gamma with shape parameter `alpha` (broadcast to `shape`) and scale 1.
 *
 * @example
 * const waits = random.gamma([1000], 2, { seed: 1 })
 */
export function gamma(shape: Shape, alpha: TensorLike, { dtype = floatx(), seed }: RandomOptions = {}): Tensor {
  requireFloat(dtype, 'random.gamma')
  return lax.cast(gammaOf(keyOf(seed), parameter(alpha, shape)), dtype)
}

/** Beta with parameters `alpha` and `beta`, broadcast to `shape`. */
export function beta(shape: Shape, alpha: TensorLike, betaParameter: TensorLike, { dtype = floatx(), seed }: RandomOptions = {}): Tensor {
  requireFloat(dtype, 'random.beta')
  const [, first, second] = split(keyOf(seed))
  const [a, b] = [gammaOf(first, parameter(alpha, shape)), gammaOf(second, parameter(betaParameter, shape))]
  return lax.cast(lax.div(a, lax.add(a, b)), dtype)
}

/** The logarithm of the gamma function for x ≥ 1, by Stirling's series after a shift by 7. */
function logGamma(x: Tensor): Tensor {
  let product = x
  for (let i = 1; i < 7; i++) product = lax.mul(product, withNumber(x, lax.add, i))
  const y = withNumber(x, lax.add, 7)
  const inverse = lax.div(lax.full(y.shape, 'float32', 1), y)
  const series = lax.mul(inverse, withNumber(withNumber(lax.mul(inverse, inverse), lax.mul, -1 / 360), lax.add, 1 / 12))
  const stirling = lax.sub(lax.mul(withNumber(y, lax.sub, 0.5), lax.log(y)), y)
  return lax.sub(lax.add(withNumber(stirling, lax.add, 0.5 * Math.log(2 * Math.PI)), series), lax.log(product))
}

/** Hörmann's transformed rejection (1993), for counts · p of at least 10 and p up to a half. */
function binomialByRejection(key: Tensor, n: Tensor, p: Tensor): Tensor {
  const { shape } = n
  const number = (value: number): Tensor => lax.full(shape, 'float32', value)
  const q = lax.sub(number(1), p)
  const spread = lax.sqrt(lax.mul(lax.mul(n, p), q))
  const b = withNumber(withNumber(spread, lax.mul, 2.53), lax.add, 1.15)
  const a = lax.add(withNumber(b, lax.mul, 0.0248), withNumber(withNumber(p, lax.mul, 0.01), lax.sub, 0.0873))
  const centre = withNumber(lax.mul(n, p), lax.add, 0.5)
  const height = lax.sub(number(0.92), lax.div(number(4.2), b))
  const alpha = lax.mul(lax.add(number(2.83), lax.div(number(5.1), b)), spread)
  const odds = lax.log(lax.div(p, q))
  const mode = lax.unary.floor(lax.mul(withNumber(n, lax.add, 1), p))
  const logFactorial = (k: Tensor): Tensor => logGamma(withNumber(k, lax.add, 1))
  const best = lax.add(logFactorial(mode), logFactorial(lax.sub(n, mode)))
  return reject(key, shape, (first, second) => {
    const u = withNumber(unit(first, shape), lax.sub, 0.5)
    const v = unit(second, shape)
    const us = lax.sub(number(0.5), lax.abs(u))
    const k = lax.unary.floor(lax.add(lax.mul(lax.add(lax.div(withNumber(a, lax.mul, 2), us), b), u), centre))
    const isInside = lax.logicalAnd(withNumber(k, lax.ge, 0), lax.le(k, n))
    const safe = lax.select(isInside, k, mode)
    const isClear = lax.logicalAnd(withNumber(us, lax.ge, 0.07), lax.le(v, height))
    const tried = lax.log(lax.div(lax.mul(v, alpha), lax.add(lax.div(a, lax.mul(us, us)), b)))
    const limit = lax.add(lax.sub(best, lax.add(logFactorial(safe), logFactorial(lax.sub(n, safe)))), lax.mul(lax.sub(safe, mode), odds))
    return { value: k, isAccepted: lax.logicalAnd(isInside, lax.logicalOr(isClear, lax.le(tried, limit))) }
  })
}

/** Adds up chances from 0 successes on until they reach a random number; for counts · p below 10. */
function binomialByInversion(key: Tensor, n: Tensor, p: Tensor): Tensor {
  const { shape } = n
  const u = unit(key, shape)
  const q = lax.sub(lax.full(shape, 'float32', 1), p)
  const first = lax.exp(lax.mul(n, lax.unary.log1p(lax.neg(p))))
  const isOpen = (k: Tensor, sum: Tensor): Tensor => lax.logicalAnd(lax.gt(u, sum), lax.lt(k, n))
  const all = shape.map((_, axis) => axis)
  const [k] = whileLoop(
    (successes, sum) => lax.reduceMax(isOpen(successes as Tensor, sum as Tensor), all),
    (successes, sum, chance) => {
      const [before, total, last] = [successes, sum, chance] as [Tensor, Tensor, Tensor]
      const open = isOpen(before, total)
      const after = withNumber(before, lax.add, 1)
      const next = lax.mul(last, lax.div(lax.mul(lax.sub(n, before), p), lax.mul(after, q)))
      return [lax.select(open, after, before), lax.select(open, lax.add(total, next), total), lax.select(open, next, last)]
    },
    [lax.full(shape, 'float32', 0), first, first],
  )
  return k as Tensor
}

/**
 * Numbers of successes in `counts` tries with chance `probabilities` each, both broadcast to `shape`.
 *
 * @example
 * const heads = random.binomial([1000], 10, 0.5, { seed: 1 })
 */
export function binomial(
  shape: Shape,
  counts: TensorLike,
  probabilities: TensorLike,
  { dtype = floatx(), seed }: RandomOptions = {},
): Tensor {
  const n = parameter(counts, shape)
  const given = parameter(probabilities, shape)
  // More than a half is counted from the other end.
  const isMirrored = withNumber(given, lax.gt, 0.5)
  const p = lax.select(isMirrored, lax.sub(lax.full(shape, 'float32', 1), given), given)
  const isLarge = withNumber(lax.mul(n, p), lax.ge, 10)
  const [, first, second] = split(keyOf(seed))
  const number = (value: number): Tensor => lax.full(shape, 'float32', value)
  const large = binomialByRejection(first, lax.select(isLarge, n, number(100)), lax.select(isLarge, p, number(0.5)))
  const small = binomialByInversion(second, lax.select(isLarge, number(0), n), lax.select(isLarge, number(0), p))
  const sample = lax.select(isLarge, large, small)
  return lax.cast(lax.select(isMirrored, lax.sub(n, sample), sample), dtype)
}
