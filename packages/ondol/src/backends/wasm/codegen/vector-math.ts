/**
 * Functions of four float32 lanes, within 2-3 units in the last place over the whole range, NaN and infinities
 * included. exp and log follow Cephes (Moshier), erf follows N. Juffa's two-piece approximation.
 */
import { type FunctionBuilder, f32x4, i32x4, type Local, type Value, v128 } from '../assembler/index.js'

type Vector = Value<'v128'>
export type VectorFunction = (f: FunctionBuilder, x: Local<'v128'>) => Vector

/** c0 + x (c1 + x (c2 + …)). */
function polynomial(x: Vector, coefficients: readonly number[]): Vector {
  let sum = f32x4.splat(coefficients.at(-1) as number)
  for (const coefficient of coefficients.slice(0, -1).reverse()) sum = f32x4.add(f32x4.mul(sum, x), coefficient)
  return sum
}

const LN2_HIGH = 0.693359375
const LN2_LOW = -2.1219444e-4
const EXP = [0.5, 1.6666665459e-1, 4.1665795894e-2, 8.3334519073e-3, 1.3981999507e-3, 1.98756915e-4]

/** 2^n of integers in -126..127. */
const powerOfTwo = (n: Vector): Vector => i32x4.shl(i32x4.add(n, i32x4.splat(127)), 23)

/** x = n ln 2 + r: n as integral floats, and r. */
function reduceByLn2(f: FunctionBuilder, x: Vector): { n: Local<'v128'>; r: Local<'v128'> } {
  const n = f.let(f32x4.nearest(f32x4.mul(x, Math.LOG2E)))
  const r = f.let(f32x4.sub(f32x4.sub(x, f32x4.mul(n, LN2_HIGH)), f32x4.mul(n, LN2_LOW)))
  return { n, r }
}

/** e^r - 1 for |r| ≤ ln 2 / 2. */
const expReduced = (r: Vector): Vector => f32x4.add(f32x4.mul(f32x4.mul(r, r), polynomial(r, EXP)), r)

export const exp: VectorFunction = (f, x) => {
  // pmin and pmax keep a NaN in their first operand.
  const clamped = f.let(f32x4.pmax(f32x4.pmin(x, 89), -105))
  const { n, r } = reduceByLn2(f, clamped)
  const whole = f.let(i32x4.truncSatF32x4S(n))
  // In two steps, so that subnormal results and 2^128 on the way come out right.
  const half = f.let(i32x4.shrS(whole, 1))
  const scaled = f32x4.mul(f32x4.add(expReduced(r), 1), powerOfTwo(half))
  return f32x4.mul(scaled, powerOfTwo(i32x4.sub(whole, half)))
}

export const expm1: VectorFunction = (f, x) => {
  const clamped = f.let(f32x4.pmax(f32x4.pmin(x, 89), -20))
  const { n, r } = reduceByLn2(f, clamped)
  const scale = f.let(powerOfTwo(i32x4.sub(i32x4.truncSatF32x4S(n), i32x4.splat(1))))
  const half = f32x4.add(f32x4.mul(scale, expReduced(r)), f32x4.sub(scale, 0.5))
  const result = f.let(f32x4.add(half, half))
  // n = 128 means 2^127 here: fine. A zero keeps its sign.
  return v128.bitselect(x, result, f32x4.eq(x, 0))
}

const LOG = [
  3.3333331174e-1, -2.4999993993e-1, 2.0000714765e-1, -1.6668057665e-1, 1.4249322787e-1, -1.2420140846e-1, 1.167699874e-1, -1.151461031e-1,
  7.0376836292e-2,
]

export const log: VectorFunction = (f, x) => {
  const isSubnormal = f.let(f32x4.lt(x, 1.1754943508222875e-38))
  const normal = f.let(v128.bitselect(f32x4.mul(x, 8388608), x, isSubnormal))
  // Mantissa in [√½, √2): subtracting the bits of √½ carries into the exponent.
  const shifted = f.let(i32x4.sub(normal, i32x4.splat(0x3f3504f3)))
  const exponent = f.let(f32x4.sub(f32x4.convertI32x4S(i32x4.shrS(shifted, 23)), v128.and(f32x4.splat(23), isSubnormal)))
  const m = f.let(f32x4.sub(i32x4.add(v128.and(shifted, i32x4.splat(0x007fffff)), i32x4.splat(0x3f3504f3)), 1))
  const square = f.let(f32x4.mul(m, m))
  const tail = f.let(f32x4.add(f32x4.mul(f32x4.mul(polynomial(m, LOG), m), square), f32x4.mul(exponent, LN2_LOW)))
  const sum = f32x4.add(f32x4.add(m, f32x4.sub(tail, f32x4.mul(square, 0.5))), f32x4.mul(exponent, LN2_HIGH))
  const finite = f.let(v128.bitselect(x, sum, v128.or(f32x4.eq(x, Number.POSITIVE_INFINITY), f32x4.ne(x, x))))
  const orInvalid = f.let(v128.bitselect(f32x4.splat(Number.NaN), finite, f32x4.lt(x, 0)))
  return v128.bitselect(f32x4.splat(Number.NEGATIVE_INFINITY), orInvalid, f32x4.eq(x, 0))
}

/** log(1 + x) = log(u) x / (u - 1) with u = 1 + x rounded (Hewlett-Packard's trick). */
export const log1p: VectorFunction = (f, x) => {
  const u = f.let(f32x4.add(x, 1))
  const logarithm = f.let(log(f, u))
  const corrected = f32x4.mul(logarithm, f32x4.div(x, f32x4.sub(u, 1)))
  const large = f.let(v128.bitselect(u, corrected, f32x4.eq(u, Number.POSITIVE_INFINITY)))
  return v128.bitselect(x, large, f32x4.eq(u, 1))
}

const signMask = (): Vector => i32x4.splat(-2147483648)
const withSignOf = (magnitude: Vector, x: Vector): Vector => v128.or(magnitude, v128.and(x, signMask()))

/** With t = e^(-2|x|) - 1, tanh |x| = -t / (t + 2). */
export const tanh: VectorFunction = (f, x) => {
  const argument = f.let(f32x4.mul(f32x4.abs(x), -2))
  const t = f.let(expm1(f, argument))
  const magnitude = f32x4.abs(f32x4.div(t, f32x4.add(t, 2)))
  return withSignOf(magnitude, x)
}

export const sigmoid: VectorFunction = (f, x) => {
  const negative = f.let(f32x4.neg(x))
  return f32x4.div(f32x4.splat(1), f32x4.add(exp(f, negative), 1))
}

const ERF_TAIL = [-1.28717512e-1, -6.34846687e-1, -1.06777877e-1, 2.42546219e-2, -3.88396438e-3, 3.83197126e-4, -1.7285347e-5]
const ERF_CENTRE = [1.28379166e-1, -3.76125336e-1, 1.12819925e-1, -2.67681349e-2, 4.99119423e-3, -5.96761703e-4]

export const erf: VectorFunction = (f, x) => {
  const size = f.let(f32x4.abs(x))
  const exponent = f.let(f32x4.sub(f32x4.mul(polynomial(size, ERF_TAIL), size), size))
  const tail = f.let(f32x4.sub(f32x4.splat(1), exp(f, exponent)))
  const square = f.let(f32x4.mul(size, size))
  const centre = f32x4.add(f32x4.mul(polynomial(square, ERF_CENTRE), size), size)
  // Far out the tail's polynomial turns, where erf is 1 to the last bit.
  const bounded = v128.bitselect(f32x4.splat(1), tail, f32x4.gt(size, 4))
  const magnitude = v128.bitselect(bounded, centre, f32x4.gt(size, 0.927734375))
  return withSignOf(magnitude, x)
}

export const rsqrt: VectorFunction = (_f, x) => f32x4.div(f32x4.splat(1), f32x4.sqrt(x))
