/** Element-wise primitives: a table of scalar functions and the one loop that applies them. */
import { isFloat, readElement, roundHalfEven, writeElement } from '../../core/dtype.js'
import {
  ARITHMETIC,
  BIT_UNARY,
  BITWISE,
  type BinaryName,
  COMPARISON,
  FLOAT_UNARY,
  LOGICAL,
  NUMBER_UNARY,
  type UnaryName,
} from '../../engine/primitives.js'
import { numbersOf } from './array.js'
import type { HostKernel, HostKernels } from './kernel.js'
import { digamma, erf, erfInv, lgamma } from './special.js'

type Scalar = (x: number, y: number) => number

/** A function of numbers, or a pair where wrapping 32-bit integers need their own. */
type Definition = Scalar | { readonly float: Scalar; readonly integer: Scalar }

const truth = (value: boolean): number => (value ? 1 : 0)

/** C's `pow`, which knows more than JavaScript's: 1 to any power, and -1 to an infinite one, is 1. */
const power: Scalar = (x, y) => (x === 1 || (x === -1 && Math.abs(y) === Number.POSITIVE_INFINITY) ? 1 : x ** y)

/** Wrapping integer power; a negative exponent gives the reciprocal, truncated (0 to a negative power is 0). */
const integerPower: Scalar = (x, y) => {
  if (y < 0) return x === 1 ? 1 : x === -1 ? 1 - 2 * (y & 1) : 0
  let result = 1
  let square = x
  for (let exponent = y; exponent > 0; exponent >>>= 1) {
    if (exponent & 1) result = Math.imul(result, square)
    square = Math.imul(square, square)
  }
  return result
}

/** Remainder with the divisor's sign. */
const modulo: Scalar = (x, y) => {
  const remainder = x % y
  return remainder !== 0 && remainder < 0 !== y < 0 ? remainder + y : remainder
}

export const SCALARS: { readonly [N in UnaryName | BinaryName]: Definition } = {
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  sqrt: Math.sqrt,
  rsqrt: (x) => 1 / Math.sqrt(x),
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  erf,
  erfInv,
  lgamma,
  digamma,
  floor: Math.floor,
  ceil: Math.ceil,
  round: roundHalfEven,

  neg: { float: (x) => -x, integer: (x) => -x | 0 },
  abs: { float: Math.abs, integer: (x) => Math.abs(x) | 0 },
  sign: Math.sign,
  logicalNot: (x) => truth(x === 0),
  bitwiseNot: (x) => ~x,

  add: { float: (x, y) => x + y, integer: (x, y) => (x + y) | 0 },
  sub: { float: (x, y) => x - y, integer: (x, y) => (x - y) | 0 },
  mul: { float: (x, y) => x * y, integer: Math.imul },
  div: (x, y) => x / y,
  pow: { float: power, integer: integerPower },
  max: Math.max,
  min: Math.min,
  floorDiv: { float: (x, y) => Math.floor(x / y), integer: (x, y) => (y === 0 ? 0 : Math.floor(x / y) | 0) },
  mod: { float: modulo, integer: (x, y) => (y === 0 ? 0 : modulo(x, y)) },
  atan2: Math.atan2,

  bitwiseAnd: (x, y) => x & y,
  bitwiseOr: (x, y) => x | y,
  bitwiseXor: (x, y) => x ^ y,
  shiftLeft: (x, y) => x << y,
  shiftRight: (x, y) => x >> y,
  shiftRightLogical: (x, y) => (x >>> y) | 0,

  eq: (x, y) => truth(x === y),
  ne: (x, y) => truth(x !== y),
  lt: (x, y) => truth(x < y),
  le: (x, y) => truth(x <= y),
  gt: (x, y) => truth(x > y),
  ge: (x, y) => truth(x >= y),

  logicalAnd: (x, y) => truth(x !== 0 && y !== 0),
  logicalOr: (x, y) => truth(x !== 0 || y !== 0),
  logicalXor: (x, y) => truth((x !== 0) !== (y !== 0)),
}

/** The function that a primitive applies to elements of one kind. */
export function scalarOf(name: UnaryName | BinaryName, float: boolean): Scalar {
  const definition = SCALARS[name]
  if (typeof definition === 'function') return definition
  return float ? definition.float : definition.integer
}

const apply =
  (name: UnaryName | BinaryName): HostKernel<UnaryName | BinaryName> =>
  (_, [x, y = x], [output]) => {
    const scalar = scalarOf(name, isFloat(x.dtype))
    const left = numbersOf(x)
    const right = numbersOf(y)
    for (let i = 0; i < output.storage.length; i++)
      writeElement(output.dtype, output.storage, i, scalar(left[i] as number, right[i] as number))
  }

const table = <N extends UnaryName | BinaryName>(names: readonly N[]): HostKernels<N> =>
  Object.fromEntries(names.map((name) => [name, apply(name)])) as unknown as HostKernels<N>

export const elementwiseKernels: HostKernels<UnaryName | BinaryName | 'select' | 'cast'> = {
  ...table([...FLOAT_UNARY, ...NUMBER_UNARY, ...BIT_UNARY]),
  ...table([...ARITHMETIC, ...BITWISE, ...COMPARISON, ...LOGICAL]),

  select: (_, [condition, whenTrue, whenFalse], [output]) => {
    condition.storage.forEach((chosen, i) => {
      output.storage[i] = (chosen ? whenTrue : whenFalse).storage[i] as number
    })
  },

  cast: (_, [x], [output]) => {
    for (let i = 0; i < x.storage.length; i++) writeElement(output.dtype, output.storage, i, readElement(x.dtype, x.storage, i))
  },
}
