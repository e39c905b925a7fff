/** The elements of a dataset or attribute to write, as bytes; what does not fit its shape or dtype is refused. */
import { SavingError } from '../../core/errors.js'
import type { GlobalHeapWriter } from './format/global-heap.js'
import { H5_DTYPES, type H5Content, type H5Data, type H5NumericDType, type H5Stream, type H5Strings } from './types.js'

const utf8 = new TextEncoder()

/** Bytes of a reference into the global heap: length, collection, index. */
const REFERENCE_SIZE = 16

/** Bytes that the elements take in the file. */
export function storedSize(content: H5Content | H5Stream): number {
  if (content.shape === null) return 0
  for (const axis of content.shape)
    if (!Number.isSafeInteger(axis) || axis < 0) throw new SavingError({ problem: `[${content.shape}] is not a shape` })
  const itemSize = content.dtype === 'string' ? (content.itemSize ?? REFERENCE_SIZE) : itemSizeOf(content.dtype, content.itemSize)
  return content.shape.reduce((size, axis) => size * axis, itemSize)
}

/** The elements of `content` as bytes; text of variable length goes to `heap`. */
export function storedBytes(content: H5Content, heap: GlobalHeapWriter): Uint8Array {
  const size = storedSize(content)
  if (content.shape === null) return new Uint8Array()
  const bytes = content.dtype === 'string' ? stringBytes(content, heap) : elementBytes(content.dtype, content.data)
  if (bytes.byteLength !== size) throw wrongSize(content, size, bytes.byteLength)
  return bytes
}

/** The bytes of a dataset whose parts are made when asked for. */
export async function* streamedBytes(content: H5Stream): AsyncGenerator<Uint8Array> {
  const size = storedSize(content)
  let done = 0
  for await (const part of content.data()) {
    done += part.byteLength
    if (done > size) throw wrongSize(content, size, done)
    yield part
  }
  if (done < size) throw wrongSize(content, size, done)
}

const itemSizeOf = (dtype: H5NumericDType, itemSize = 1): number => (dtype === 'opaque' ? itemSize : H5_DTYPES[dtype].bytes)

function elementBytes(dtype: H5NumericDType, data: H5Data): Uint8Array {
  const { array } = H5_DTYPES[dtype]
  if (!(data instanceof array))
    throw new SavingError({ problem: `${dtype} elements are in the wrong array`, expected: array.name, received: data.constructor.name })
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

function stringBytes({ data, itemSize }: H5Strings, heap: GlobalHeapWriter): Uint8Array {
  const out = new Uint8Array(data.length * (itemSize ?? REFERENCE_SIZE))
  for (const [i, text] of data.entries()) {
    const bytes = utf8.encode(text)
    if (itemSize !== undefined && bytes.byteLength > itemSize)
      throw new SavingError({ problem: `'${text}' does not fit into ${itemSize} bytes` })
    out.set(itemSize === undefined ? heap.put(bytes) : bytes, i * (itemSize ?? REFERENCE_SIZE))
  }
  return out
}

function wrongSize({ shape, dtype }: H5Content | H5Stream, expected: number, received: number): SavingError {
  return new SavingError({
    problem: `the elements do not fill the shape [${shape}] of ${dtype}`,
    expected: `${expected} bytes`,
    received: `${received} bytes`,
  })
}
