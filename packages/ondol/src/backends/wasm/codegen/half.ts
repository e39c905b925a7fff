/** Four lanes between float32 and the 16-bit formats, whose bits lie in the low halves of int32 lanes. */
import { type FunctionBuilder, f32x4, i32x4, type Value, v128 } from '../assembler/index.js'

type Vector = Value<'v128'>

export const fromBfloat16 = (bits: Vector): Vector => i32x4.shl(bits, 16)

/** Nearest, ties to even; NaN stays NaN. */
export function toBfloat16(f: FunctionBuilder, value: Vector): Vector {
  const x = f.let(value)
  const odd = v128.and(i32x4.shrU(x, 16), i32x4.splat(1))
  const rounded = i32x4.add(i32x4.add(x, i32x4.splat(0x7fff)), odd)
  const quiet = v128.or(x, i32x4.splat(0x400000))
  return i32x4.shrU(v128.bitselect(quiet, rounded, f32x4.ne(x, x)), 16)
}

/** The exponent is moved by a multiplication, which also makes subnormal halves normal. */
export function fromFloat16(f: FunctionBuilder, bits: Vector): Vector {
  const half = f.let(bits)
  const magnitude = f.let(v128.and(half, i32x4.splat(0x7fff)))
  const finite = f32x4.mul(i32x4.shl(magnitude, 13), 2 ** 112)
  const special = v128.and(i32x4.gtS(magnitude, i32x4.splat(0x7bff)), i32x4.splat(0x7f800000))
  return v128.or(v128.or(finite, special), i32x4.shl(v128.and(half, i32x4.splat(0x8000)), 16))
}

/** Nearest, ties to even; what is too large becomes infinite (after F. Giesen's float_to_half_fast3_rtne). */
export function toFloat16(f: FunctionBuilder, value: Vector): Vector {
  const x = f.let(value)
  const magnitude = f.let(v128.and(x, i32x4.splat(0x7fffffff)))
  const odd = v128.and(i32x4.shrU(magnitude, 13), i32x4.splat(1))
  const normal = i32x4.shrU(i32x4.add(i32x4.add(magnitude, i32x4.splat(0xfff - 0x38000000)), odd), 13)
  // Adding ½ lets the float addition round at 2^-24, the unit of subnormal halves.
  const subnormal = i32x4.sub(f32x4.add(magnitude, 0.5), i32x4.splat(0x3f000000))
  const finite = f.let(v128.bitselect(subnormal, normal, i32x4.ltS(magnitude, i32x4.splat(0x38800000))))
  const infinite = v128.bitselect(i32x4.splat(0x7e00), i32x4.splat(0x7c00), f32x4.ne(x, x))
  const bits = v128.bitselect(infinite, finite, i32x4.gtS(magnitude, i32x4.splat(0x477fffff)))
  return v128.or(bits, v128.and(i32x4.shrU(x, 16), i32x4.splat(0x8000)))
}
