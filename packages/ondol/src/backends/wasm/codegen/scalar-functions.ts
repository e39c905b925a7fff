/**
 * Functions too rare to vectorise: JavaScript's `Math`, imported, and what it lacks, in float64.
 * Loops call them lane by lane.
 */
import { type FunctionBuilder, type FunctionReference, f64, i32, i64, type ModuleBuilder, type Value } from '../assembler/index.js'

type Scalar = Value<'f64'>
type Unary = FunctionReference<readonly ['f64'], 'f64'>
type Binary = FunctionReference<readonly ['f64', 'f64'], 'f64'>
type IntegerBinary = FunctionReference<readonly ['i32', 'i32'], 'i32'>

export const IMPORTED_UNARY = ['sin', 'cos', 'tan', 'asin', 'acos', 'atan', 'log'] as const
export const IMPORTED_BINARY = ['pow', 'atan2'] as const
export type ScalarUnary = (typeof IMPORTED_UNARY)[number] | 'lgamma' | 'digamma' | 'erfInv'
export type ScalarBinary = (typeof IMPORTED_BINARY)[number] | 'mod'
export type ScalarInteger = 'integerFloorDiv' | 'integerMod' | 'integerPow'
export type ScalarName = ScalarUnary | ScalarBinary | ScalarInteger

const NEEDS: Partial<Record<ScalarName, readonly ScalarName[]>> = { lgamma: ['sin', 'log'], digamma: ['tan', 'log'], erfInv: ['log'] }

export interface ScalarFunctions {
  readonly unary: ReadonlyMap<string, Unary>
  readonly binary: ReadonlyMap<string, Binary>
  readonly integer: ReadonlyMap<string, IntegerBinary>
}

/** Adds the functions named in `wanted`, and what they need, to a module that has no definitions yet. */
export function addScalarFunctions(module: ModuleBuilder, wanted: ReadonlySet<ScalarName>): ScalarFunctions {
  const names = new Set(wanted)
  for (const name of wanted) for (const needed of NEEDS[name] ?? []) names.add(needed)
  const unary = new Map<string, Unary>()
  const binary = new Map<string, Binary>()
  const integer = new Map<string, IntegerBinary>()
  for (const name of IMPORTED_UNARY) if (names.has(name)) unary.set(name, module.import('math', name, ['f64'], 'f64'))
  for (const name of IMPORTED_BINARY) if (names.has(name)) binary.set(name, module.import('math', name, ['f64', 'f64'], 'f64'))
  const math = (name: string, x: Scalar): Scalar => (unary.get(name) as Unary).call(x)

  if (names.has('lgamma'))
    unary.set(
      'lgamma',
      module.function(null, ['f64'], 'f64', (f, x) => lgamma(f, x, math)),
    )
  if (names.has('digamma'))
    unary.set(
      'digamma',
      module.function(null, ['f64'], 'f64', (f, x) => digamma(f, x, math)),
    )
  if (names.has('erfInv'))
    unary.set(
      'erfInv',
      module.function(null, ['f64'], 'f64', (f, x) => erfInv(f, x, math)),
    )
  if (names.has('mod')) binary.set('mod', defineMod(module))
  if (names.has('integerFloorDiv')) integer.set('integerFloorDiv', defineIntegerFloorDiv(module))
  if (names.has('integerMod')) integer.set('integerMod', defineIntegerMod(module))
  if (names.has('integerPow')) integer.set('integerPow', defineIntegerPow(module))
  return { unary, binary, integer }
}

type MathCall = (name: string, x: Scalar) => Scalar

function horner(x: Scalar, coefficients: readonly number[]): Scalar {
  let sum: Scalar = f64.const(coefficients.at(-1) as number)
  for (const coefficient of coefficients.slice(0, -1).reverse()) sum = f64.add(f64.mul(sum, x), coefficient)
  return sum
}

const LANCZOS = [
  676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905, -0.13857109526572012,
  9.984369578019572e-6, 1.5056327351493116e-7,
]

/** Lanczos's approximation (g = 7), reflected for x < ½. */
function lgamma(f: FunctionBuilder, x: Value<'f64'>, math: MathCall): void {
  const reflected = f.let(f64.lt(x, 0.5))
  f.if(f64.eq(f64.abs(x), Number.POSITIVE_INFINITY), () => f.return(f64.const(Number.POSITIVE_INFINITY)))
  const z = f.let(f64.sub(x, 1))
  f.if(reflected, () => f.set(z, f64.neg(x)))
  const sum = f.let(f64.const(0.9999999999998099))
  LANCZOS.forEach((coefficient, at) => {
    f.set(sum, f64.add(sum, f64.div(coefficient, f64.add(z, at + 1))))
  })
  const t = f.let(f64.add(z, 7.5))
  const result = f.let(f64.add(f64.sub(f64.mul(f64.add(z, 0.5), math('log', t)), t), f64.add(math('log', sum), 0.9189385332046727)))
  f.if(reflected, () => {
    // Γ(x) Γ(1 - x) = π / sin πx, with sin taken of the distance to the nearest integer.
    const sine = math('sin', f64.mul(f64.sub(x, f64.nearest(x)), Math.PI))
    f.set(result, f64.sub(f64.sub(1.1447298858494002, math('log', f64.abs(sine))), result))
  })
  f.return(result)
}

/** Upward recurrence to x ≥ 10, then the asymptotic series; reflected for x ≤ 0. */
function digamma(f: FunctionBuilder, x: Value<'f64'>, math: MathCall): void {
  const y = f.let(x)
  const result = f.local('f64')
  f.if(f64.le(x, 0), () => {
    f.if(f64.eq(f64.floor(x), x), () => f.return(f64.const(Number.NaN)))
    f.set(y, f64.sub(1, x))
    f.set(result, f64.div(-Math.PI, math('tan', f64.mul(f64.sub(x, f64.nearest(x)), Math.PI))))
  })
  f.while(f64.lt(y, 10), () => {
    f.set(result, f64.sub(result, f64.div(1, y)))
    f.set(y, f64.add(y, 1))
  })
  const inverse = f.let(f64.div(1, f64.mul(y, y)))
  const series = f64.mul(inverse, horner(inverse, [1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132]))
  f.return(f64.add(result, f64.sub(f64.sub(math('log', y), f64.div(0.5, y)), series)))
}

const ERF_INV_CENTRE = [
  1.50140941, 0.246640727, -0.00417768164, -0.00125372503, 0.00021858087, -4.39150654e-6, -3.5233877e-6, 3.43273939e-7, 2.81022636e-8,
]
const ERF_INV_TAIL = [
  2.83297682, 1.00167406, 0.00943887047, -0.0076224613, 0.00573950773, -0.00367342844, 0.00134934322, 0.000100950558, -0.000200214257,
]

/** M. Giles, "Approximating the erfinv function" (single precision). */
function erfInv(f: FunctionBuilder, x: Value<'f64'>, math: MathCall): void {
  f.if(f64.eq(f64.abs(x), 1), () => f.return(f64.mul(x, Number.POSITIVE_INFINITY)))
  const w = f.let(f64.neg(math('log', f64.mul(f64.sub(1, x), f64.add(x, 1)))))
  f.if(f64.lt(w, 5), () => f.return(f64.mul(horner(f64.sub(w, 2.5), ERF_INV_CENTRE), x)))
  const root = f.let(f64.sub(f64.sqrt(w), 3))
  f.return(f64.mul(horner(root, ERF_INV_TAIL), x))
}

/**
 * Remainder with the divisor's sign, exact: quotients are cut to 24 bits, so that quotient times a
 * float32 divisor fits a float64, until the rest is smaller than the divisor.
 */
const defineMod = (module: ModuleBuilder): Binary =>
  module.function(null, ['f64', 'f64'], 'f64', (f, a, b) => {
    f.if(f64.eq(f64.abs(a), Number.POSITIVE_INFINITY), () => f.return(f64.const(Number.NaN)))
    f.if(f64.eq(b, 0), () => f.return(f64.const(Number.NaN)))
    const rest = f.let(a)
    f.if(f64.lt(f64.abs(b), Number.POSITIVE_INFINITY), () => {
      f.while(f64.ge(f64.abs(rest), f64.abs(b)), () => {
        const quotient = f64.trunc(f64.div(rest, b))
        const cut = f64.reinterpretI64(i64.and(i64.reinterpretF64(quotient), -536870912))
        f.set(rest, f64.sub(rest, f64.mul(cut, b)))
      })
    })
    f.if(f64.eq(rest, 0), () => f.return(f64.copysign(0, b)))
    f.if(i32.ne(f64.lt(rest, 0), f64.lt(b, 0)), () => f.set(rest, f64.add(rest, b)))
    f.return(rest)
  })

const defineIntegerFloorDiv = (module: ModuleBuilder): IntegerBinary =>
  module.function(null, ['i32', 'i32'], 'i32', (f, a, b) => {
    f.if(i32.eqz(b), () => f.return(i32.const(0)))
    f.if(i32.eq(b, -1), () => f.return(i32.sub(0, a)))
    const quotient = f.let(i32.divS(a, b))
    // Truncated, so one too high where a rest is left and the signs differ.
    const isRounded = i32.ne(i32.mul(quotient, b), a)
    f.return(i32.sub(quotient, i32.and(isRounded, i32.ltS(i32.xor(a, b), 0))))
  })

const defineIntegerMod = (module: ModuleBuilder): IntegerBinary =>
  module.function(null, ['i32', 'i32'], 'i32', (f, a, b) => {
    f.if(i32.eqz(b), () => f.return(i32.const(0)))
    f.if(i32.eq(b, -1), () => f.return(i32.const(0)))
    const rest = f.let(i32.remS(a, b))
    f.if(i32.and(i32.ne(rest, 0), i32.ltS(i32.xor(rest, b), 0)), () => f.set(rest, i32.add(rest, b)))
    f.return(rest)
  })

/** By squaring, wrapping; a negative exponent truncates 1 / x^|n| (0 but for ±1). */
const defineIntegerPow = (module: ModuleBuilder): IntegerBinary =>
  module.function(null, ['i32', 'i32'], 'i32', (f, base, exponent) => {
    f.if(i32.ltS(exponent, 0), () => {
      f.if(i32.gtU(i32.add(base, 1), 2), () => f.return(i32.const(0)))
      f.if(i32.eqz(base), () => f.return(i32.const(0)))
      f.set(exponent, i32.and(exponent, 1))
    })
    const result = f.let(i32.const(1))
    f.while(i32.ne(exponent, 0), () => {
      f.if(i32.and(exponent, 1), () => f.set(result, i32.mul(result, base)))
      f.set(base, i32.mul(base, base))
      f.set(exponent, i32.shrU(exponent, 1))
    })
    f.return(result)
  })
