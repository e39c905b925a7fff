/**
 * What an HDF5 file can hold here: element types named as NumPy names them, arrays, strings, and the drafts of which
 * a new file is made.
 */

/** Numbers as they lie in a file. `bool` is one byte, `float16` and `bfloat16` raw 16-bit patterns, `opaque` bytes without meaning. */
export type H5NumericDType =
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'float16'
  | 'bfloat16'
  | 'float32'
  | 'float64'
  | 'bool'
  | 'opaque'

export type H5DType = H5NumericDType | 'string'

/** Elements in the storage of their dtype: see `H5_DTYPES`. */
export type H5Data =
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Float32Array
  | Float64Array

interface H5DTypeInfo {
  /** Bytes of an element; an opaque dtype says its own. */
  readonly bytes: number
  readonly array: new (buffer: ArrayBuffer, byteOffset: number, length: number) => H5Data
}

export const H5_DTYPES = {
  int8: { bytes: 1, array: Int8Array },
  int16: { bytes: 2, array: Int16Array },
  int32: { bytes: 4, array: Int32Array },
  int64: { bytes: 8, array: BigInt64Array },
  uint8: { bytes: 1, array: Uint8Array },
  uint16: { bytes: 2, array: Uint16Array },
  uint32: { bytes: 4, array: Uint32Array },
  uint64: { bytes: 8, array: BigUint64Array },
  float16: { bytes: 2, array: Uint16Array },
  bfloat16: { bytes: 2, array: Uint16Array },
  float32: { bytes: 4, array: Float32Array },
  float64: { bytes: 8, array: Float64Array },
  bool: { bytes: 1, array: Uint8Array },
  opaque: { bytes: 1, array: Uint8Array },
} as const satisfies Record<H5NumericDType, H5DTypeInfo>

/** The value of an attribute, as plain as it can be: a scalar, a list of strings, or the elements of an array in row-major order. */
export type H5Value = string | number | bigint | boolean | null | readonly string[] | H5Data

/** Numbers to write. */
export interface H5Array {
  readonly dtype: H5NumericDType
  readonly shape: readonly number[]
  /** Bytes of one element of an opaque dtype. */
  readonly itemSize?: number
  readonly data: H5Data
}

/** Numbers to write that are asked for, part by part, when their turn comes: little-endian bytes, cut anywhere. */
export interface H5Stream extends Omit<H5Array, 'data'> {
  readonly data: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

export type H5Numbers = H5Array | H5Stream

/** Text to write: of variable length (UTF-8), or with `itemSize` of that many bytes each, padded with zeros (ASCII), as NumPy's `S7`. */
export interface H5Strings {
  readonly dtype: 'string'
  readonly shape: readonly number[]
  readonly itemSize?: number
  readonly data: readonly string[]
}

/** A dataspace without elements, h5py's `Empty`. */
export interface H5Nothing {
  readonly dtype: H5DType
  readonly shape: null
  readonly itemSize?: number
}

export type H5Content = H5Array | H5Strings | H5Nothing
