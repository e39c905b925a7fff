/**
 * NumPy's `.npy` (one array) and `.npz` (a zip archive of them). Follows `numpy/lib/format.py`; arrays of Python
 * objects are refused, for reading them would run code.
 */
import type { ByteSink, ByteSource } from '../core/bytes.js'
import type { DType } from '../core/dtype.js'
import { SavingError } from '../core/errors.js'
import { type Shape, sizeOf } from '../core/shape.js'
import type { Tensor, Variable } from '../engine/index.js'
import * as ops from '../ops/index.js'
import { H5_DTYPES, type H5Data, type H5NumericDType } from './hdf5/index.js'
import { bytesFrom, type Readable, type WriteOptions, withSource, writeFile } from './location.js'
import { bytesOfElements, rawElements, type StoredArray, snapshot, tensorOf } from './values.js'
import type { NamedArrays } from './weights-by-name.js'
import { ZipReader } from './zip/reader.js'
import { ZipWriter } from './zip/writer.js'

const MAGIC = '\x93NUMPY'
const ALIGNMENT = 64
const LONGEST_HEADER = 65_536
/** Whoever has more uses HDF5. */
const LARGEST_ARRAY = 2 ** 32

/** NumPy's codes of element types, without the order of bytes. */
const CODES: Readonly<Record<string, H5NumericDType>> = {
  b1: 'bool',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  u8: 'uint64',
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
}

/** NumPy has no bfloat16: its values go as float32, which holds them all. */
const WRITTEN = { bool: '|b1', uint8: '|u1', int32: '<i4', float16: '<f2', float32: '<f4', float64: '<f8' } as const satisfies Record<
  Exclude<DType, 'bfloat16'>,
  string
>

/**
 * The arrays in an `.npz` file, by name, or the one in an `.npy` file under the name `''`. 64-bit integers become
 * int32, checked.
 *
 * @throws SavingError for files that are damaged, and for arrays of objects or text.
 * @example
 * const { x_train, y_train } = await saving.readNpz('mnist.npz')
 */
export function readNpz(from: Readable): Promise<Record<string, Tensor>> {
  return withSource(from, async (source) => {
    const start = new Uint8Array(Math.min(MAGIC.length, source.byteLength))
    await source.read(0, start)
    if (latin1(start) === MAGIC) return { '': await tensorOf(await storedArray(source), source.name) }
    const arrays: [string, Tensor][] = []
    for (const [name, array] of (await openNpz(source)).arrays) arrays.push([name, await tensorOf(array, `${source.name} → ${name}`)])
    return Object.fromEntries(arrays)
  })
}

/** What is in an `.npz` file, to be read array by array. */
export async function openNpz(source: ByteSource): Promise<NamedArrays> {
  const zip = await ZipReader.open(source)
  const arrays = new Map<string, StoredArray>()
  for (const [member, { byteLength }] of zip.members) {
    if (byteLength > LARGEST_ARRAY)
      throw new SavingError({ where: `${source.name} → ${member}`, problem: 'the array is too large', received: `${byteLength} bytes` })
    const { dtype, shape } = await storedArray(await zip.open(member))
    // What was packed is unpacked again when its turn has come, and not kept until then.
    arrays.set(member.replace(/\.npy$/, ''), { dtype, shape, read: async () => (await storedArray(await zip.open(member))).read() })
  }
  return { name: source.name, arrays }
}

/** Writes arrays by name to an `.npz` file, or gives its bytes. */
export function writeNpz(arrays: Readonly<Record<string, Tensor | Variable>>): Promise<Uint8Array>
export function writeNpz(arrays: Readonly<Record<string, Tensor | Variable>>, path: string | URL, options?: WriteOptions): Promise<void>
export async function writeNpz(
  arrays: Readonly<Record<string, Tensor | Variable>>,
  path?: string | URL,
  options: WriteOptions = {},
): Promise<unknown> {
  const values = Object.entries(arrays).map(([name, value]) => [name, snapshot(value)] as const)
  if (path === undefined) return bytesFrom((sink) => writeArrays(values, sink))
  return writeFile(path, options, (sink) => writeArrays(values, sink))
}

/** An archive of arrays. */
export async function writeArrays(arrays: Iterable<readonly [name: string, value: Tensor]>, sink: ByteSink): Promise<void> {
  const zip = new ZipWriter(sink)
  for (const [name, value] of arrays) await zip.addParts(`${name}.npy`, (member) => writeArray(value, member))
  await zip.finish()
}

const latin1 = (bytes: Uint8Array): string => String.fromCharCode(...bytes)

interface Header {
  readonly dtype: H5NumericDType
  readonly isBigEndian: boolean
  readonly isFortran: boolean
  readonly shape: Shape
  /** Where the elements begin. */
  readonly start: number
}

async function readHeader(source: ByteSource): Promise<Header> {
  const fail = (problem: string, received?: string): SavingError =>
    new SavingError({ where: source.name, problem, ...(received !== undefined && { received }) })
  const preamble = new Uint8Array(Math.min(12, source.byteLength))
  await source.read(0, preamble)
  if (preamble.length < 12 || latin1(preamble.subarray(0, 6)) !== MAGIC) throw fail('this is no .npy array')
  const view = new DataView(preamble.buffer)
  const isFirst = preamble[6] === 1
  const [length, begin] = isFirst ? [view.getUint16(8, true), 10] : [view.getUint32(8, true), 12]
  if (length > LONGEST_HEADER || begin + length > source.byteLength) throw fail('the header is longer than the file')
  const bytes = new Uint8Array(length)
  await source.read(begin, bytes)
  const text = latin1(bytes)
  const found = /^\{'descr': '([<>|=])([a-zA-Z])(\d*)', 'fortran_order': (True|False), 'shape': \(([\d, ]*)\),? *\} *\n?$/.exec(text)
  if (found === null) throw fail('the header says nothing that is known here', text.slice(0, 100))
  const [, order, kind, size, fortran, sizes] = found as unknown as [string, string, string, string, string, string]
  const dtype = Object.hasOwn(CODES, kind + size) ? CODES[kind + size] : undefined
  if (dtype === undefined)
    throw fail(kind === 'O' ? 'an array of Python objects is code, and is not read' : 'elements of this type are not read', kind + size)
  const shape = sizes.split(',').flatMap((part) => (part.trim() === '' ? [] : [Number(part)]))
  const start = begin + length
  if (sizeOf(shape) * H5_DTYPES[dtype].bytes !== source.byteLength - start)
    throw fail('the elements do not fill the shape', `shape [${shape}] of ${dtype}, ${source.byteLength - start} bytes`)
  return { dtype, isBigEndian: order === '>', isFortran: fortran === 'True' && shape.length > 1, shape, start }
}

/** One `.npy` array. */
export async function storedArray(source: ByteSource): Promise<StoredArray> {
  const { dtype, isBigEndian, isFortran, shape, start } = await readHeader(source)
  const { array: Elements, bytes: itemSize } = H5_DTYPES[dtype]
  const read = async (): Promise<H5Data> => {
    const bytes = new Uint8Array(source.byteLength - start)
    await source.read(start, bytes)
    if (isBigEndian) for (let at = 0; at < bytes.length; at += itemSize) bytes.subarray(at, at + itemSize).reverse()
    const elements = new Elements(bytes.buffer, 0, bytes.length / itemSize)
    return isFortran ? rowByRow(elements, shape) : elements
  }
  return { dtype, shape, read }
}

/** Elements that lie column by column, row by row. */
function rowByRow<E extends H5Data>(columns: E, shape: Shape): E {
  const rows = columns.slice() as E
  const strides = shape.map((_, axis) => sizeOf(shape.slice(0, axis)))
  const index = shape.map(() => 0)
  for (let to = 0, from = 0; to < rows.length; to++) {
    rows[to] = columns[from] as number & bigint
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const [stride, size, at] = [strides[axis], shape[axis], index[axis]] as [number, number, number]
      from += stride
      index[axis] = at + 1
      if (at + 1 < size) break
      from -= size * stride
      index[axis] = 0
    }
  }
  return rows
}

async function writeArray(value: Tensor, sink: ByteSink): Promise<void> {
  const { dtype, shape } = value
  if (dtype === 'bfloat16') return writeArray(ops.cast(value, 'float32'), sink)
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  const dict = `{'descr': '${WRITTEN[dtype]}', 'fortran_order': False, 'shape': (${sizes}), }`
  const length = Math.ceil((MAGIC.length + 4 + dict.length + 1) / ALIGNMENT) * ALIGNMENT
  const header = Uint8Array.from(`${MAGIC}\x01\x00\x00\x00${dict}`.padEnd(length - 1, ' '), (letter) => letter.charCodeAt(0))
  new DataView(header.buffer).setUint16(MAGIC.length + 2, length - MAGIC.length - 4, true)
  await sink.write(header)
  await sink.write(Uint8Array.of(0x0a))
  await sink.write(bytesOfElements(await rawElements(value)))
}
