/**
 * The IDX format of the MNIST family: a big-endian header (element type, rank, sizes) and the elements.
 * http://yann.lecun.com/exdb/mnist describes it. Nothing is allocated before the header has been
 * checked against the bytes that are really there.
 */
import { DataError } from '../core/errors.js'
import { formatShape, sizeOf } from '../core/shape.js'

const ELEMENT_TYPES = {
  8: { name: 'uint8', array: Uint8Array, read: 'getUint8' },
  9: { name: 'int8', array: Int8Array, read: 'getInt8' },
  11: { name: 'int16', array: Int16Array, read: 'getInt16' },
  12: { name: 'int32', array: Int32Array, read: 'getInt32' },
  13: { name: 'float32', array: Float32Array, read: 'getFloat32' },
  14: { name: 'float64', array: Float64Array, read: 'getFloat64' },
} as const

type ElementCode = keyof typeof ELEMENT_TYPES
export type IdxData = Uint8Array | Int8Array | Int16Array | Int32Array | Float32Array | Float64Array

export interface IdxArray {
  readonly shape: readonly number[]
  /** Row-major elements; for uint8 a view of the given bytes. */
  readonly data: IdxData
}

/**
 * Reads an IDX file.
 *
 * @param where Names the file in errors.
 * @throws DataError when the bytes are no IDX file, or more or fewer than their header says.
 */
export function parseIdx(bytes: Uint8Array, where = 'parseIdx()'): IdxArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const code = bytes[2]
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0 || !isElementCode(code)) {
    const start = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0'))
    throw new DataError({
      where,
      problem: 'this is not an IDX file',
      expected: 'bytes 00 00, then an element type of 08, 09 or 0b to 0e, then the rank',
      received: `${bytes.length} bytes${start.length > 0 ? ` that start with ${start.join(' ')}` : ''}`,
      hint: 'was it decompressed?',
    })
  }
  const rank = bytes[3] as number
  const header = 4 + 4 * rank
  if (bytes.length < header) {
    throw new DataError({
      where,
      problem: 'the IDX header is cut off',
      expected: `${header} bytes of header for rank ${rank}`,
      received: `${bytes.length} bytes`,
    })
  }
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis))
  const { name, array, read } = ELEMENT_TYPES[code]
  const size = sizeOf(shape)
  const expected = header + size * array.BYTES_PER_ELEMENT
  if (bytes.length !== expected) {
    throw new DataError({
      where,
      problem: 'the IDX header does not fit the file',
      expected: `${expected} bytes for ${name} ${formatShape(shape)}`,
      received: `${bytes.length} bytes`,
      hint: 'the file is damaged or was cut off: get it again',
    })
  }
  if (array === Uint8Array) return { shape, data: bytes.subarray(header) }
  const data = new array(size)
  for (let i = 0; i < size; i++) data[i] = view[read](header + i * array.BYTES_PER_ELEMENT)
  return { shape, data }
}

const isElementCode = (code: number | undefined): code is ElementCode => code !== undefined && Object.hasOwn(ELEMENT_TYPES, code)
