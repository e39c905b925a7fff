/** Scalars inside loops: how dtypes map to loop types, and which conversions need an instruction. */
import {
  type DType,
  fromBfloat16Bits,
  fromFloat16Bits,
  readElement,
  type TypedArray,
  toBfloat16Bits,
  toFloat16Bits,
  toInt32,
} from '../../core/dtype.js'
import type { LoopType } from '../plan.js'
import type { ReduceName } from '../primitives.js'

export function loopType(dtype: DType): LoopType {
  switch (dtype) {
    case 'float64':
      return 'f64'
    case 'float32':
    case 'float16':
    case 'bfloat16':
      return 'f32'
    case 'int32':
    case 'uint8':
      return 'i32'
    case 'bool':
      return 'bool'
    default:
      return dtype satisfies never
  }
}

/** A number as an element of `dtype` holds it. */
export function literalOf(dtype: DType, value: number): number {
  switch (dtype) {
    case 'float64':
      return value
    case 'float32':
      return Math.fround(value)
    case 'float16':
      return fromFloat16Bits(toFloat16Bits(value))
    case 'bfloat16':
      return fromBfloat16Bits(toBfloat16Bits(value))
    case 'int32':
      return toInt32(value)
    case 'uint8':
      return toInt32(value) & 255
    case 'bool':
      return value === 0 ? 0 : 1
    default:
      return dtype satisfies never
  }
}

export const firstElement = (dtype: DType, storage: TypedArray): number => readElement(dtype, storage, 0)

/**
 * How a cast shows in a loop: nothing (the loop's type holds the value as it is), or a conversion to a loop type,
 * with the narrower dtype whose loss it keeps.
 */
export function conversion(from: DType, to: DType): { readonly type: LoopType; readonly rounding?: DType } | null {
  const type = loopType(to)
  if (from === to) return null
  switch (to) {
    case 'float16':
    case 'bfloat16':
      return from === 'bool' ? { type } : { type, rounding: to }
    case 'uint8':
      return from === 'bool' ? { type } : { type, rounding: to }
    default:
      return loopType(from) === type ? null : { type }
  }
}

/** What an empty reduction gives. */
export function identityOf(primitive: ReduceName, dtype: DType): number {
  const isInteger = dtype === 'int32' || dtype === 'uint8'
  switch (primitive) {
    case 'reduceSum':
      return 0
    case 'reduceProd':
      return 1
    case 'reduceMax':
      if (dtype === 'bool' || dtype === 'uint8') return 0
      return isInteger ? -2147483648 : Number.NEGATIVE_INFINITY
    case 'reduceMin':
      if (dtype === 'bool') return 1
      if (dtype === 'uint8') return 255
      return isInteger ? 2147483647 : Number.POSITIVE_INFINITY
    default:
      return primitive satisfies never
  }
}
