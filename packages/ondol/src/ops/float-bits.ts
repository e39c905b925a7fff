/**
 * Floats and their bits: scaling by powers of two, bit patterns, and what is told by them (`ldexp`, `nextafter`, `signbit`,
 * `view`). Everything is exact arithmetic, so it needs no primitive of its own and fuses like the rest.
 */
import { bytesOf, type DType, isFloat } from '../core/dtype.js'
import { DTypeError, ShapeError } from '../core/errors.js'
import { formatShape } from '../core/shape.js'
import { lax, type Tensor } from '../engine/index.js'
import { asTensor, defineOp } from './define.js'
import { binary, inFloat32, type None, onTensor, toBool, unary } from './kinds.js'
import { broadcastTogether, toDType, toFloat } from './promotion.js'

const { select, withNumber, fullLike, zerosLike } = lax

/** How a float is written: sign, exponent (moved up by `bias`), `mantissa` bits after the point. */
interface Format {
  readonly mantissa: number
  readonly bias: number
}
const FORMATS: Partial<Record<DType, Format>> = {
  float32: { mantissa: 23, bias: 127 },
  bfloat16: { mantissa: 7, bias: 127 },
  float16: { mantissa: 10, bias: 15 },
}

/** Powers of two whose product with a number can be found by binary digits: 2^64, 2^32, …, 2. */
const STEPS = [64, 32, 16, 8, 4, 2, 1] as const

/** `x · 2^n` for int32 `n`, rounded once unless the result is subnormal. */
export function scaleByPower(x: Tensor, n: Tensor): Tensor {
  const isDown = lax.lt(n, zerosLike(n))
  // Nothing is left, or finite, beyond 2^±300 times a float32; a float64 takes 2^±2200.
  const limit = x.dtype === 'float64' ? 2200 : 300
  const count = lax.min(lax.abs(n), fullLike(n, limit))
  let result = x
  const times = (condition: Tensor, power: number): void => {
    const factor = select(isDown, fullLike(x, 2 ** -power), fullLike(x, 2 ** power))
    result = select(condition, lax.mul(result, factor), result)
  }
  for (let reached = 64; reached <= limit; reached += 64) times(lax.ge(count, fullLike(n, reached)), 64)
  let rest = withNumber(count, lax.mod, 64)
  for (const step of STEPS.slice(1)) {
    const isIn = withNumber(rest, lax.ge, step)
    times(isIn, step)
    rest = select(isIn, withNumber(rest, lax.sub, step), rest)
  }
  return result
}

/** -0 and what is below; NaN counts as positive. */
function isNegative(x: Tensor): Tensor {
  const zero = zerosLike(x)
  const isBelow = lax.lt(x, zero)
  if (!isFloat(x.dtype)) return isBelow
  return lax.logicalOr(isBelow, lax.logicalAnd(lax.eq(x, zero), lax.lt(lax.div(fullLike(x, 1), x), zero)))
}

/** The bit pattern of a float32 (of a half float: of its 16 bits) as int32; every NaN has the pattern of the usual one. */
function floatBits(input: Tensor): Tensor {
  const { mantissa, bias } = FORMATS[input.dtype] as Format
  const x = lax.cast(input, 'float32')
  const magnitude = lax.abs(x)
  // Bring the mantissa to [1, 2): each step halves the distance that is left.
  let exponent = fullLike(lax.cast(x, 'int32'), bias)
  let scaled = magnitude
  const bring = (condition: Tensor, power: number): void => {
    scaled = select(condition, withNumber(scaled, lax.mul, 2 ** power), scaled)
    exponent = select(condition, withNumber(exponent, lax.sub, power), exponent)
  }
  for (const step of STEPS) bring(lax.ge(scaled, fullLike(x, 2 ** step)), -step)
  for (const step of STEPS) bring(lax.lt(scaled, fullLike(x, 2 ** (1 - step))), step)
  const shift = fullLike(exponent, mantissa)
  const fraction = lax.cast(withNumber(withNumber(scaled, lax.sub, 1), lax.mul, 2 ** mantissa), 'int32')
  const normal = lax.add(lax.shiftLeft(exponent, shift), fraction)
  // 2^149 itself is no float32.
  const smallest = bias - 1 + mantissa
  const half = Math.floor(smallest / 2)
  const isSubnormal = lax.lt(magnitude, fullLike(x, 2 ** (1 - bias)))
  const subnormal = lax.cast(withNumber(withNumber(magnitude, lax.mul, 2 ** half), lax.mul, 2 ** (smallest - half)), 'int32')
  const infinity = (2 * bias + 1) * 2 ** mantissa
  const isInfinite = lax.eq(magnitude, fullLike(x, Number.POSITIVE_INFINITY))
  const finite = select(isSubnormal, subnormal, normal)
  const positive = select(isInfinite, fullLike(finite, infinity), finite)
  const sign = input.dtype === 'float32' ? -2147483648 : 32768
  const signed = select(isNegative(x), withNumber(positive, lax.bitwiseOr, sign), positive)
  return select(lax.ne(x, x), fullLike(signed, infinity + 2 ** (mantissa - 1)), signed)
}

/** The float whose bit pattern is given as int32. */
function floatOfBits(bits: Tensor, dtype: DType): Tensor {
  const { mantissa, bias } = FORMATS[dtype] as Format
  const exponent = withNumber(withNumber(bits, lax.shiftRightLogical, mantissa), lax.bitwiseAnd, 2 * bias + 1)
  const fraction = lax.cast(withNumber(bits, lax.bitwiseAnd, 2 ** mantissa - 1), 'float32')
  const isSubnormal = lax.eq(exponent, zerosLike(exponent))
  const significand = select(isSubnormal, fraction, withNumber(fraction, lax.add, 2 ** mantissa))
  const power = withNumber(lax.max(exponent, fullLike(exponent, 1)), lax.sub, bias + mantissa)
  const finite = scaleByPower(significand, power)
  const isLast = lax.eq(exponent, fullLike(exponent, 2 * bias + 1))
  const isWhole = lax.eq(fraction, zerosLike(fraction))
  const special = select(isWhole, fullLike(finite, Number.POSITIVE_INFINITY), fullLike(finite, Number.NaN))
  const magnitude = select(isLast, special, finite)
  const signBit = withNumber(bits, lax.bitwiseAnd, dtype === 'float32' ? -2147483648 : 32768)
  const signed = select(lax.ne(signBit, zerosLike(bits)), lax.neg(magnitude), magnitude)
  return lax.cast(signed, dtype)
}

/** Whether a number is below 0, or -0. */
export const signbit = unary('Signbit', (input) => isNegative(asTensor(input)))

/** The neighbour of `x1` on the side of `x2` among the floats of their dtype. */
export const nextafter = binary(
  'Nextafter',
  (x, y) => {
    if (FORMATS[x.dtype] === undefined)
      throw new DTypeError({ where: 'nextafter', problem: 'neighbours are known for floats of 16 and 32 bits', received: x.dtype })
    const bits = floatBits(x)
    // Counting from 0, floats are whole numbers: those below 0 are counted by their magnitude.
    const magnitude = withNumber(bits, lax.bitwiseAnd, x.dtype === 'float32' ? 2147483647 : 32767)
    const count = select(isNegative(x), lax.neg(magnitude), magnitude)
    const step = lax.sub(lax.cast(lax.gt(y, x), 'int32'), lax.cast(lax.lt(y, x), 'int32'))
    const next = lax.add(count, step)
    const neighbour = floatOfBits(lax.abs(next), x.dtype)
    const signed = select(lax.lt(next, zerosLike(next)), lax.neg(neighbour), neighbour)
    const isNaN = lax.logicalOr(lax.ne(x, x), lax.ne(y, y))
    return select(isNaN, fullLike(x, Number.NaN), select(lax.eq(x, y), y, signed))
  },
  'float',
)

/** `x1 · 2^x2`, exactly, for whole `x2`. */
export const ldexp = defineOp<[Tensor, Tensor], None, Tensor>({
  name: 'Ldexp',
  module: 'numpy',
  tensors: 2,
  parameters: [],
  call: ([x1, x2]) => {
    const exponent = typeof x2 === 'number' && Number.isInteger(x2) ? toDType(x2, 'int32') : asTensor(x2)
    if (exponent.dtype !== 'int32' && exponent.dtype !== 'uint8')
      throw new DTypeError({ where: 'ldexp', problem: 'the exponent must be whole', expected: 'int32 or uint8', received: exponent.dtype })
    const [x, n] = broadcastTogether([toFloat(x1), lax.cast(exponent, 'int32')], 'ldexp') as [Tensor, Tensor]
    return inFloat32([x], (wide) => scaleByPower(wide, n))
  },
})

/** What a dtype is stored as: unsigned numbers of so many bytes. */
const bitsOf = (x: Tensor): Tensor => (FORMATS[x.dtype] === undefined ? lax.cast(x, 'int32') : floatBits(x))
function fromBits(bits: Tensor, dtype: DType): Tensor {
  if (FORMATS[dtype] !== undefined) return floatOfBits(bits, dtype)
  return dtype === 'bool' ? toBool(bits) : lax.cast(bits, dtype)
}

/**
 * The same bytes taken as another dtype; where sizes differ the last axis grows or shrinks. Bits of a NaN are those of the
 * usual one.
 *
 * @example
 * view(tensor([1]), 'int32') // [1065353216]
 */
export const view = onTensor<{ dtype?: DType | null }>('View', ['dtype'], (x, { dtype }) => {
  if (dtype === undefined || dtype === null || dtype === x.dtype) return x
  const has64 = [x.dtype, dtype].find((type) => isFloat(type) && FORMATS[type] === undefined)
  if (has64 !== undefined) throw new DTypeError({ where: 'view', problem: 'floats of 64 bits cannot be taken apart', received: has64 })
  const [from, to] = [bytesOf(x.dtype), bytesOf(dtype)]
  if (from === to) return fromBits(bitsOf(x), dtype)
  const last = x.shape.at(-1)
  if (last === undefined || (last * from) % to !== 0) {
    throw new ShapeError({
      where: 'view',
      problem: 'the last axis does not fill whole elements',
      expected: `a last axis of a multiple of ${to} bytes`,
      received: `${formatShape(x.shape)} of ${x.dtype}, ${from} bytes each`,
    })
  }
  const outer = x.shape.slice(0, -1)
  const bits = bitsOf(x)
  const places = Math.max(from, to) / Math.min(from, to)
  const width = 8 * Math.min(from, to)
  if (from > to) {
    const wide = [...x.shape, places]
    const shifts = withNumber(lax.iota(wide, 'int32', x.rank), lax.mul, width)
    const spread = lax.broadcast(
      bits,
      wide,
      x.shape.map((_, i) => i),
    )
    const parts = withNumber(lax.shiftRightLogical(spread, shifts), lax.bitwiseAnd, 2 ** width - 1)
    return lax.reshape(fromBits(parts, dtype), [...outer, last * places])
  }
  const wide = lax.reshape(bits, [...outer, last / places, places])
  const shifts = withNumber(lax.iota(wide.shape, 'int32', x.rank), lax.mul, width)
  return fromBits(lax.reduceSum(lax.shiftLeft(wide, shifts), [x.rank]), dtype)
})
