/** Element-wise arithmetic, comparison and logic: `keras.ops.numpy` and `keras.ops.math`. */
import { type DType, isFloat } from '../core/dtype.js'
import { ValueError } from '../core/errors.js'
import { lax, type Tensor } from '../engine/index.js'
import { floatx } from './config.js'
import { asTensor, defineOp, type Op, type TensorLike } from './define.js'
import { binary, floating, inFloat32, integral, keeping, logical, type None, requireIntegers, toBool, unary } from './kinds.js'
import { broadcastTogether, resultType, toDType, toFloat, together } from './promotion.js'
import { nonzero } from './search.js'

/** Sum; booleans add as logical or, as in NumPy. */
export const add = binary('Add', (x, y) => (x.dtype === 'bool' ? lax.logicalOr(x, y) : lax.add(x, y)))
export const subtract = binary('Subtract', lax.sub)
export const multiply = binary('Multiply', (x, y) => (x.dtype === 'bool' ? lax.logicalAnd(x, y) : lax.mul(x, y)))
/** True division: integers give floats. */
export const divide = binary('Divide', lax.div, 'float')
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
export const power = binary('Power', lax.pow)
export const maximum = binary('Maximum', lax.max)
export const minimum = binary('Minimum', lax.min)
export const floorDivide = binary('FloorDivide', lax.floorDiv, 'int')
export const mod = binary('Mod', lax.mod, 'int')
export const remainder = mod
export const arctan2 = binary('Arctan2', lax.atan2, 'float')

export const equal = binary('Equal', lax.eq)
export const notEqual = binary('NotEqual', lax.ne)
export const less = binary('Less', lax.lt)
export const lessEqual = binary('LessEqual', lax.le)
export const greater = binary('Greater', lax.gt)
export const greaterEqual = binary('GreaterEqual', lax.ge)

export const logicalAnd = logical('LogicalAnd', lax.logicalAnd)
export const logicalOr = logical('LogicalOr', lax.logicalOr)
export const logicalXor = logical('LogicalXor', lax.logicalXor)
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

export const negative = keeping('Negative', lax.neg)
export const absolute = keeping('Absolute', lax.abs)
export const abs = absolute
export const sign = keeping('Sign', lax.sign)
/** x²; of booleans int32. */
export const square = keeping('Square', (x) => {
  const number = x.dtype === 'bool' ? lax.cast(x, 'int32') : x
  return lax.mul(number, number)
})
export const floor = floating('Floor', lax.unary.floor)
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

export const exp = floating('Exp', lax.exp)
export const expm1 = floating('Expm1', lax.unary.expm1)
export const log = floating('Log', lax.log)
export const log1p = floating('Log1p', lax.log1p)
export const log2 = floating('Log2', (x) => lax.withNumber(lax.log(x), lax.mul, Math.LOG2E))
export const log10 = floating('Log10', (x) => lax.withNumber(lax.log(x), lax.mul, Math.LOG10E))
export const sqrt = floating('Sqrt', lax.sqrt)
export const rsqrt = floating('Rsqrt', lax.rsqrt, 'math')
export const reciprocal = floating('Reciprocal', (x) => lax.div(lax.fullLike(x, 1), x))
export const sin = floating('Sin', lax.sin)
export const cos = floating('Cos', lax.cos)
export const tan = floating('Tan', lax.unary.tan)
export const arcsin = floating('Arcsin', lax.unary.asin)
export const arccos = floating('Arccos', lax.unary.acos)
export const arctan = floating('Arctan', lax.unary.atan)
export const tanh = floating('Tanh', lax.tanh)
export const erf = floating('Erf', lax.erf, 'math')
export const erfinv = floating('Erfinv', lax.unary.erfInv, 'math')

export const isnan = unary('Isnan', (x) => {
  const value = asTensor(x)
  return lax.ne(value, value)
})
export const isfinite = unary('Isfinite', (x) => {
  const value = toFloat(x)
  return lax.lt(lax.abs(value), lax.fullLike(value, Number.POSITIVE_INFINITY))
})
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

/** Whether `isclose` holds everywhere: a bool scalar. */
export const allclose = defineOp<[Tensor, Tensor], Closeness, Tensor>({
  name: 'Allclose',
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
