/** Element-wise arithmetic, comparison and logic: `keras.ops.numpy` and `keras.ops.math`. */
import { type DType, isFloat } from '../core/dtype.js'
import { ValueError } from '../core/errors.js'
import { lax, type Tensor, stopGradient as withoutGradient } from '../engine/index.js'
import { floatx } from './config.js'
import { asTensor, defineOp, type Op, type TensorLike } from './define.js'
import { binary, floating, inFloat32, integral, keeping, logical, type None, requireIntegers, toBool, unary } from './kinds.js'
import { broadcastTogether, resultType, toDType, toFloat, together } from './promotion.js'
import { nonzero } from './search.js'

/** Sum; booleans add as logical or, as in NumPy. */
export const add = binary('Add', (x, y) => (x.dtype === 'bool' ? lax.logicalOr(x, y) : lax.add(x, y)))
/** x1 - x2, broadcast. */
export const subtract = binary('Subtract', lax.sub)
/** Product, broadcast; of booleans logical and. */
export const multiply = binary('Multiply', (x, y) => (x.dtype === 'bool' ? lax.logicalAnd(x, y) : lax.mul(x, y)))
/** True division: integers give floats. */
export const divide = binary('Divide', lax.div, 'float')
/** As `divide`. */
export const trueDivide = binary('TrueDivide', lax.div, 'float')
/** Quotient, 0 where the divisor is 0. */
export const divideNoNan = binary(
  'DivideNoNan',
  (x, y) => {
    const isZero = lax.eq(y, lax.zerosLike(y))
    return lax.select(isZero, lax.zerosLike(x), lax.div(x, lax.select(isZero, lax.fullLike(y, 1), y)))
  },
  'float',
)
/** x1^x2, broadcast. */
export const power = binary('Power', lax.pow)
/** The greater of two, broadcast; NaN if one is. */
export const maximum = binary('Maximum', lax.max)
/** The smaller of two, broadcast; NaN if one is. */
export const minimum = binary('Minimum', lax.min)
/** The quotient rounded down. */
export const floorDivide = binary('FloorDivide', lax.floorDiv, 'int')
/** The remainder, with the sign of the divisor. */
export const mod = binary('Mod', lax.mod, 'int')
export const remainder = mod
/** The angle of the point (x2, x1), -π to π. */
export const arctan2 = binary('Arctan2', lax.atan2, 'float')

/** Where two are equal: bool. */
export const equal = binary('Equal', lax.eq)
/** Where two differ: bool. */
export const notEqual = binary('NotEqual', lax.ne)
/** Where x1 < x2: bool. */
export const less = binary('Less', lax.lt)
/** Where x1 ≤ x2: bool. */
export const lessEqual = binary('LessEqual', lax.le)
/** Where x1 > x2: bool. */
export const greater = binary('Greater', lax.gt)
/** Where x1 ≥ x2: bool. */
export const greaterEqual = binary('GreaterEqual', lax.ge)

/** Whether both are true (not 0): bool. */
export const logicalAnd = logical('LogicalAnd', lax.logicalAnd)
/** Whether one is true (not 0): bool. */
export const logicalOr = logical('LogicalOr', lax.logicalOr)
/** Whether just one is true (not 0): bool. */
export const logicalXor = logical('LogicalXor', lax.logicalXor)
/** Whether it is 0: bool. */
export const logicalNot = unary('LogicalNot', (x) => lax.logicalNot(toBool(x)))

/** Bits of both; for booleans, logical and. */
export const bitwiseAnd = integral('BitwiseAnd', lax.bitwiseAnd)
/** Bits of either; for booleans, logical or. */
export const bitwiseOr = integral('BitwiseOr', lax.bitwiseOr)
/** Bits that differ. */
export const bitwiseXor = integral('BitwiseXor', lax.bitwiseXor)
/** `x · 2^y` of integers; bits that leave are lost. */
export const leftShift = integral('LeftShift', lax.shiftLeft)
export const bitwiseLeftShift = leftShift
/** `x / 2^y` rounded down. */
export const rightShift = integral('RightShift', lax.shiftRight)
export const bitwiseRightShift = rightShift
/** Every bit the other way; for booleans, logical not. */
export const bitwiseInvert = unary('BitwiseInvert', (input) => {
  const x = asTensor(input)
  requireIntegers(x, 'bitwiseInvert')
  return x.dtype === 'bool' ? lax.logicalNot(x) : lax.bitwiseNot(x)
})
export const bitwiseNot = bitwiseInvert

/** -x. */
export const negative = keeping('Negative', lax.neg)
/** Magnitude, in the dtype of x. */
export const absolute = keeping('Absolute', lax.abs)
export const abs = absolute
/** -1, 0 or 1; NaN of NaN. */
export const sign = keeping('Sign', lax.sign)
/** x²; of booleans int32. */
export const square = keeping('Square', (x) => {
  const number = x.dtype === 'bool' ? lax.cast(x, 'int32') : x
  return lax.mul(number, number)
})
/** Rounded down; always a float. */
export const floor = floating('Floor', lax.unary.floor)
/** Rounded up; always a float. */
export const ceil = floating('Ceil', lax.unary.ceil)

/** Nearest integer, ties to even; with `decimals`, that many places. */
export const round = defineOp<[Tensor], { decimals?: number }, Tensor>({
  name: 'Round',
  module: 'numpy',
  tensors: 1,
  parameters: ['decimals'],
  call: ([input], { decimals = 0 }) => {
    const x = asTensor(input)
    if (!isFloat(x.dtype)) return decimals >= 0 ? x : lax.cast(rounded(lax.cast(x, floatx()), decimals), x.dtype)
    return inFloat32([x], (wide) => rounded(wide, decimals))
  },
})

function rounded(x: Tensor, decimals: number): Tensor {
  if (decimals === 0) return lax.unary.round(x)
  // Powers of ten are exact, their inverses are not.
  const factor = lax.fullLike(x, 10 ** Math.abs(decimals))
  const [there, back] = decimals > 0 ? [lax.mul, lax.div] : [lax.div, lax.mul]
  return back(lax.unary.round(there(x, factor)), factor)
}

/** e^x. */
export const exp = floating('Exp', lax.exp)
/** e^x - 1, exact near 0. */
export const expm1 = floating('Expm1', lax.unary.expm1)
/** Natural logarithm. */
export const log = floating('Log', lax.log)
/** log(1 + x), exact near 0. */
export const log1p = floating('Log1p', lax.log1p)
/** Logarithm to base 2. */
export const log2 = floating('Log2', (x) => lax.withNumber(lax.log(x), lax.mul, Math.LOG2E))
/** Logarithm to base 10. */
export const log10 = floating('Log10', (x) => lax.withNumber(lax.log(x), lax.mul, Math.LOG10E))
/** Square root. */
export const sqrt = floating('Sqrt', lax.sqrt)
/** 1 / √x. */
export const rsqrt = floating('Rsqrt', lax.rsqrt, 'math')
/** 1 / x. */
export const reciprocal = floating('Reciprocal', (x) => lax.div(lax.fullLike(x, 1), x))
/** Sine of radians. */
export const sin = floating('Sin', lax.sin)
/** Cosine of radians. */
export const cos = floating('Cos', lax.cos)
/** Tangent of radians. */
export const tan = floating('Tan', lax.unary.tan)
/** The angle with this sine, -π/2 to π/2. */
export const arcsin = floating('Arcsin', lax.unary.asin)
/** The angle with this cosine, 0 to π. */
export const arccos = floating('Arccos', lax.unary.acos)
/** The angle with this tangent, -π/2 to π/2. */
export const arctan = floating('Arctan', lax.unary.atan)
/** Hyperbolic tangent. */
export const tanh = floating('Tanh', lax.tanh)
/** The error function. */
export const erf = floating('Erf', lax.erf, 'math')
/** The x with erf(x) given. */
export const erfinv = floating('Erfinv', lax.unary.erfInv, 'math')

/** Where it is NaN: bool. */
export const isnan = unary('Isnan', (x) => {
  const value = asTensor(x)
  return lax.ne(value, value)
})
/** Where it is neither infinite nor NaN: bool. */
export const isfinite = unary('Isfinite', (x) => {
  const value = toFloat(x)
  return lax.lt(lax.abs(value), lax.fullLike(value, Number.POSITIVE_INFINITY))
})
/** Where it is infinite: bool. */
export const isinf = unary('Isinf', (x) => {
  const value = toFloat(x)
  return lax.eq(lax.abs(value), lax.fullLike(value, Number.POSITIVE_INFINITY))
})

/** Values limited to [xMin, xMax]. */
export const clip = defineOp<[Tensor], { xMin?: TensorLike; xMax?: TensorLike }, Tensor>({
  name: 'Clip',
  module: 'numpy',
  tensors: 1,
  parameters: ['xMin', 'xMax'],
  call: ([x], { xMin, xMax }) => {
    const given = asTensor(x)
    let value = given.dtype === 'bool' ? lax.cast(given, 'int32') : given
    if (xMin !== undefined) value = lax.max(...(together([value, xMin], 'clip') as [Tensor, Tensor]))
    return xMax === undefined ? value : lax.min(...(together([value, xMax], 'clip') as [Tensor, Tensor]))
  },
})

/** Tensors in one dtype and in one shape with conditions. */
function choices(conditions: readonly TensorLike[], values: readonly TensorLike[], name: string): [tests: Tensor[], values: Tensor[]] {
  const dtype = resultType(values)
  const all = [...conditions.map(toBool), ...values.map((value) => toDType(value, dtype))]
  const wide = broadcastTogether(all, name)
  return [wide.slice(0, conditions.length), wide.slice(conditions.length)]
}

const choose = defineOp<[Tensor, Tensor, Tensor], None, Tensor>({
  name: 'Where',
  module: 'numpy',
  tensors: 3,
  parameters: [],
  call: ([condition, x1, x2]) => {
    const [[test], [yes, no]] = choices([condition], [x1, x2], 'where') as [[Tensor], [Tensor, Tensor]]
    return lax.select(test, yes, no)
  },
})

interface Where extends Op<[Tensor, Tensor, Tensor], None, Tensor> {
  (condition: TensorLike): Tensor[]
}
/** Elements of `x1` where the condition holds, of `x2` elsewhere; of a condition alone the indices where it holds (`nonzero`). */
export const where: Where = Object.assign(
  (...args: Parameters<typeof choose>) => (args.length === 1 ? nonzero(...(args as unknown as [TensorLike])) : choose(...args)),
  { definition: choose.definition },
) as unknown as Where

/** Of several conditions the first that holds chooses its element of `choicelist`; `default` (0) where none does. */
export const select = defineOp<[Tensor[], Tensor[]], { default?: TensorLike }, Tensor>({
  name: 'Select',
  module: 'numpy',
  tensors: 2,
  parameters: ['default'],
  call: ([conditions, values], { default: otherwise = 0 }) => {
    if (conditions.length !== values.length || conditions.length === 0) {
      throw new ValueError({
        where: 'select',
        problem: 'there must be one choice for each condition',
        received: `${conditions.length} conditions and ${values.length} choices`,
      })
    }
    const [tests, wide] = choices(conditions, [...values, otherwise], 'select')
    const last = wide[values.length] as Tensor
    return tests.reduceRight((rest, test, i) => lax.select(test, wide[i] as Tensor, rest), last)
  },
})

/** The same values in another dtype; rules of narrowing are in core/dtype.ts. */
export const cast = defineOp<[Tensor], { dtype: DType }, Tensor>({
  name: 'Cast',
  module: 'core',
  tensors: 1,
  parameters: ['dtype'],
  call: ([x], { dtype }) => toDType(x, dtype),
})

interface Closeness {
  rtol?: number
  atol?: number
  equalNan?: boolean
}

function nearness(operands: readonly TensorLike[], { rtol = 1e-5, atol = 1e-8, equalNan = false }: Closeness, where: string): Tensor {
  const [x, y] = together(operands, where, 'float') as [Tensor, Tensor]
  const bound = lax.withNumber(lax.withNumber(lax.abs(y), lax.mul, rtol), lax.add, atol)
  // Infinite numbers are near to themselves only.
  const isFinite = lax.lt(lax.abs(y), lax.fullLike(y, Number.POSITIVE_INFINITY))
  const isNear = lax.logicalAnd(isFinite, lax.le(lax.abs(lax.sub(x, y)), bound))
  const isEqual = lax.logicalOr(lax.eq(x, y), isNear)
  return equalNan ? lax.logicalOr(isEqual, lax.logicalAnd(lax.ne(x, x), lax.ne(y, y))) : isEqual
}

/** Whether |x1 - x2| ≤ atol + rtol · |x2|. */
export const isclose = defineOp<[Tensor, Tensor], Closeness, Tensor>({
  name: 'Isclose',
  module: 'numpy',
  tensors: 2,
  parameters: ['rtol', 'atol', 'equalNan'],
  call: (operands, closeness) => nearness(operands, closeness, 'isclose'),
})

/** `x`, which no gradient flows through. */
export const stopGradient = unary('StopGradient', (x) => withoutGradient(asTensor(x)), 'core')

/** Whether `isclose` holds everywhere: a bool scalar. */
export const allclose = defineOp<[Tensor, Tensor], Closeness, Tensor>({
  name: 'AllClose',
  module: 'numpy',
  tensors: 2,
  parameters: ['rtol', 'atol', 'equalNan'],
  call: (operands, closeness) => {
    const near = nearness(operands, closeness, 'allclose')
    return lax.reduceMin(
      near,
      near.shape.map((_, axis) => axis),
    )
  },
})

/** `floatx` unless the tensor is a float already. */
export const floatTypeOf = (x: Tensor): DType => (isFloat(x.dtype) ? x.dtype : floatx())
