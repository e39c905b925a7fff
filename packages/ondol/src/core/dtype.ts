/**
 * Element types and Keras's promotion rules.
 *
 * bfloat16 and float16 travel as raw 16-bit patterns (`Uint16Array`): no engine has a
 * typed array for the first and Node 20 has none for the second.
 * The lattice follows `keras/src/backend/common/dtypes.py`.
 */

export type DType = 'float64' | 'float32' | 'float16' | 'bfloat16' | 'int32' | 'uint8' | 'bool'

/** A JavaScript number takes part in promotion without fixing a width. */
export type WeakDType = 'int' | 'float'

export type TypedArray = Float64Array | Float32Array | Uint16Array | Int32Array | Uint8Array

type TypedArrayConstructor =
  | Float64ArrayConstructor
  | Float32ArrayConstructor
  | Uint16ArrayConstructor
  | Int32ArrayConstructor
  | Uint8ArrayConstructor

interface DTypeInfo {
  readonly bytes: number
  readonly kind: 'float' | 'int' | 'bool'
  /** Height in the promotion lattice; weak types sit between the strong ones. */
  readonly rank: number
  readonly array: TypedArrayConstructor
}

export const DTYPES = {
  bool: { bytes: 1, kind: 'bool', rank: 0, array: Uint8Array },
  uint8: { bytes: 1, kind: 'int', rank: 2, array: Uint8Array },
  int32: { bytes: 4, kind: 'int', rank: 3, array: Int32Array },
  bfloat16: { bytes: 2, kind: 'float', rank: 5, array: Uint16Array },
  float16: { bytes: 2, kind: 'float', rank: 5, array: Uint16Array },
  float32: { bytes: 4, kind: 'float', rank: 6, array: Float32Array },
  float64: { bytes: 8, kind: 'float', rank: 7, array: Float64Array },
} as const satisfies Record<DType, DTypeInfo>

const WEAK_RANK = { int: 1, float: 4 } as const satisfies Record<WeakDType, number>

export const isDType = (name: unknown): name is DType => typeof name === 'string' && Object.hasOwn(DTYPES, name)
/** The dtype for what files name: integers of the widths that are not kept here are int32. */
export const storedDType = (name: unknown): DType | undefined => {
  if (isDType(name)) return name
  return typeof name === 'string' && /^u?int(8|16|32|64)$/.test(name) ? 'int32' : undefined
}
export const bytesOf = (dtype: DType): number => DTYPES[dtype].bytes
export const isFloat = (dtype: DType): boolean => DTYPES[dtype].kind === 'float'
export const isInteger = (dtype: DType): boolean => DTYPES[dtype].kind === 'int'

/** A zeroed array that holds `length` elements of `dtype` in their storage form. */
export function allocate(dtype: DType, length: number): TypedArray {
  return new DTYPES[dtype].array(length)
}

/** The storage of `dtype` as a view on existing bytes; `offset` in bytes, `length` in elements. */
export function viewOf(dtype: DType, buffer: ArrayBufferLike, offset = 0, length?: number): TypedArray {
  return new DTYPES[dtype].array(buffer as ArrayBuffer, offset, length)
}

const rankOf = (type: DType | WeakDType): number => (type === 'int' || type === 'float' ? WEAK_RANK[type] : DTYPES[type].rank)

/**
 * The dtype of an operation over `types`, as Keras promotes: `uint8 + int32 → int32`,
 * `int32 + float16 → float16`, `float16 + bfloat16 → float32`; plain numbers ('int', 'float')
 * never widen, and mean int32 and `floatx` when nothing stronger is there.
 */
export function promote(types: readonly (DType | WeakDType)[], floatx: DType = 'float32'): DType {
  let best: DType | WeakDType = 'bool'
  for (const type of types) {
    const isHalfPair = (best === 'bfloat16' && type === 'float16') || (best === 'float16' && type === 'bfloat16')
    if (isHalfPair) best = 'float32'
    else if (rankOf(type) > rankOf(best)) best = type
  }
  if (best === 'int') return 'int32'
  return best === 'float' ? floatx : best
}

const scratch = new DataView(new ArrayBuffer(4))

/** Bits of the bfloat16 nearest to `value`, ties to even; NaN stays NaN. */
export function toBfloat16Bits(value: number): number {
  scratch.setFloat32(0, value)
  const bits = scratch.getUint32(0)
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff
}

export function fromBfloat16Bits(bits: number): number {
  scratch.setUint32(0, bits << 16)
  return scratch.getFloat32(0)
}

/** Bits of the IEEE half nearest to `value` (through float32), ties to even; overflow gives infinity. */
export function toFloat16Bits(value: number): number {
  scratch.setFloat32(0, value)
  const bits = scratch.getUint32(0)
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00
  if (magnitude >= 0x477ff000) return sign | 0x7c00 // rounds past 65504
  if (magnitude < 0x38800000) {
    // Subnormal: count in units of 2^-24 and let the multiplication's value round to even.
    scratch.setUint32(0, magnitude)
    return sign | roundHalfEven(scratch.getFloat32(0) * 16777216)
  }
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13)
}

export function fromFloat16Bits(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >>> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return sign * (exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24)
}

/** Nearest integer, ties to the even one (NumPy's `rint`). */
export function roundHalfEven(value: number): number {
  const rounded = Math.round(value)
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded
}

/** Reads element `index` of storage as a JavaScript number (bool as 0 or 1). */
export function readElement(dtype: DType, storage: TypedArray, index: number): number {
  const stored = storage[index] as number
  if (dtype === 'bfloat16') return fromBfloat16Bits(stored)
  return dtype === 'float16' ? fromFloat16Bits(stored) : stored
}

/**
 * Writes a number as an element, with the engine's conversion rules: floats to integers truncate
 * and saturate at int32 (NaN is 0), uint8 wraps modulo 256, anything but 0 is true.
 */
export function writeElement(dtype: DType, storage: TypedArray, index: number, value: number): void {
  switch (dtype) {
    case 'float64':
    case 'float32':
      storage[index] = value
      return
    case 'bfloat16':
      storage[index] = toBfloat16Bits(value)
      return
    case 'float16':
      storage[index] = toFloat16Bits(value)
      return
    case 'int32':
      storage[index] = toInt32(value)
      return
    case 'uint8':
      storage[index] = toInt32(value) & 255
      return
    case 'bool':
      storage[index] = value !== 0 ? 1 : 0
      return
    default:
      dtype satisfies never
  }
}

/** Truncates toward zero and saturates; NaN becomes 0 (WebAssembly's `trunc_sat`). */
export function toInt32(value: number): number {
  if (value >= 2147483647) return 2147483647
  if (value <= -2147483648) return -2147483648
  return value | 0
}
