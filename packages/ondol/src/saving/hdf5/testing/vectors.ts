/** The files that h5py wrote (`tools/oracle/hdf5.py`), and what it reads in them. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { H5_DTYPES, type H5DType } from '../types.js'

export interface ExpectedValue {
  readonly dtype: H5DType
  readonly shape: readonly number[] | null
  /** Bytes that are kept for each text; without it texts are of any length. */
  readonly itemSize?: number
  /** Texts, or base64 of little-endian elements. */
  readonly data?: readonly string[] | string
}

export interface ExpectedObject {
  readonly path: string
  readonly attributes?: Readonly<Record<string, ExpectedValue>>
  /** Of a group. */
  readonly keys?: readonly string[]
  /** Of a dataset; an object with neither is refused. */
  readonly value?: ExpectedValue
}

export interface H5Vector {
  readonly name: string
  readonly bytes: Uint8Array
  readonly objects: readonly ExpectedObject[]
}

/** All files of a folder of vectors: those that are committed, unless told otherwise. */
export function h5Vectors(folder: URL = new URL('../../../testing/vectors/hdf5/', import.meta.url)): H5Vector[] {
  const read = (name: string): Uint8Array => new Uint8Array(gunzipSync(readFileSync(new URL(name, folder))))
  const lines = new TextDecoder().decode(read('contents.jsonl.gz')).split('\n')
  return lines.map((line) => {
    const { name, objects } = JSON.parse(line) as { name: string; objects: ExpectedObject[] }
    return { name, objects, bytes: read(`${name}.h5.gz`) }
  })
}

/** The elements that are expected, in the storage of their dtype. */
export function expectedElements({ dtype, data }: ExpectedValue): unknown {
  if (dtype === 'string') return data
  const bytes = Uint8Array.from(Buffer.from(data as string, 'base64'))
  const { array: Elements, bytes: size } = H5_DTYPES[dtype]
  return new Elements(bytes.buffer, 0, bytes.byteLength / size)
}

/** What `attribute()` should give. */
export function expectedAttribute(value: ExpectedValue): unknown {
  if (value.shape === null) return null
  const elements = expectedElements(value) as ArrayLike<unknown>
  if (value.shape.length > 0 || value.dtype === 'opaque' || value.dtype === 'float16') return elements
  const scalar = elements[0]
  if (value.dtype === 'bool') return scalar === 1
  return typeof scalar === 'bigint' ? Number(scalar) : scalar
}
