/** The values of Variables to and from arrays in files, bit for bit. */

import { type DType, isDType, type TypedArray } from '../core/dtype.js'
import { SavingError } from '../core/errors.js'
import type { Shape } from '../core/shape.js'
import { Buffer } from '../engine/buffer.js'
import { lax, Tensor, tensor, type Variable, withoutTapes } from '../engine/index.js'
import type { H5Data, H5NumericDType } from './hdf5/index.js'

/** An array in a file: what it is, and a way to get its elements. */
export interface StoredArray {
  readonly dtype: H5NumericDType
  readonly shape: Shape
  read(): Promise<H5Data>
}

/** The value of a tensor as it is now, whatever happens to a Variable later. */
export const snapshot = (value: Variable | Tensor): Tensor => (value instanceof Tensor ? value : value.uncastValue)

/** Elements as they are stored: halves as 16-bit patterns, bool as bytes. */
export const rawElements = (value: Tensor): Promise<TypedArray> => value.buffer('saving').read(value.dtype, value.size)

export const bytesOfElements = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength)

/** A tensor of the elements of `array`, in `dtype`, or else in the nearest dtype that there is here. */
export async function tensorOf(array: StoredArray, where: string, dtype?: DType): Promise<Tensor> {
  const elements = await array.read()
  const stored = isDType(array.dtype) ? fromRaw(elements as TypedArray, array.shape, array.dtype) : narrowed(elements, array, where)
  if (dtype === undefined || stored.dtype === dtype) return stored
  const cast = withoutTapes(() => lax.cast(stored, dtype))
  stored.dispose()
  return cast
}

const fromRaw = (storage: TypedArray, shape: Shape, dtype: DType): Tensor =>
  new Tensor({ shape: [...shape], dtype }, { buffer: Buffer.from(storage) })

/** Integers of other widths as int32. */
function narrowed(elements: H5Data, { dtype, shape }: StoredArray, where: string): Tensor {
  if (dtype === 'opaque') throw new SavingError({ where, problem: 'this is not an array of numbers', received: 'bytes without a dtype' })
  for (const value of elements as Iterable<number | bigint>) {
    if (value >= -2147483648 && value <= 2147483647) continue
    throw new SavingError({ where, problem: `a number of type ${dtype} does not fit int32`, received: `${value}` })
  }
  return tensor(Int32Array.from(elements as Iterable<number | bigint>, Number), shape, 'int32')
}
