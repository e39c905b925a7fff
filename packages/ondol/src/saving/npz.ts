/**
 * NumPy's `.npy` (one array) and `.npz` (a zip archive of them). Follows `numpy/lib/format.py`; arrays of Python
 * objects are refused, for reading them would run code.
 */
import type { ByteSource } from '../core/bytes.js'
import { sourceOf } from '../core/bytes.js'
import { bytesOf, type DType } from '../core/dtype.js'
import { SavingError } from '../core/errors.js'
import { type Shape, sizeOf } from '../core/shape.js'
import type { Tensor, Variable } from '../engine/index.js'
import * as ops from '../ops/index.js'
import { H5_DTYPES, type H5NumericDType } from './hdf5/index.js'
import { bytesFrom, type Readable, type WriteOptions, withSource, writeFile } from './location.js'
import { bytesOfElements, rawElements, snapshot, tensorOf } from './values.js'
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
    if (latin1(start) === MAGIC) return { '': await readArray(source) }
    const zip = await ZipReader.open(source)
    const arrays: [string, Tensor][] = []
    for (const name of zip.members.keys()) {
      const bytes = await zip.read(name, LARGEST_ARRAY)
      arrays.push([name.replace(/\.npy$/, ''), await readArray(sourceOf(bytes, `${source.name} → ${name}`))])
    }
    return Object.fromEntries(arrays)
  })
}

/** Writes arrays by name to an `.npz` file, or gives its bytes. */
export function writeNpz(arrays: Readonly<Record<string, Tensor | Variable>>): Promise<Uint8Array>
export function writeNpz(arrays: Readonly<Record<string, Tensor | Variable>>, path: string | URL, options?: WriteOptions): Promise<void>
export async function writeNpz(
  arrays: Readonly<Record<string, Tensor | Variable>>,
  path?: string | URL,
  options: WriteOptions = {},
): Promise<unknown> {
  const members = Object.entries(arrays).map(([name, value]) => [`${name}.npy`, snapshot(value)] as const)
  const write = async (zip: ZipWriter): Promise<void> => {
    for (const [name, value] of members) await zip.add(name, await npyOf(value))
    await zip.finish()
  }
  if (path === undefined) return bytesFrom((sink) => write(new ZipWriter(sink)))
  return writeFile(path, options, (sink) => write(new ZipWriter(sink)))
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

async function readArray(source: ByteSource): Promise<Tensor> {
  const { dtype, isBigEndian, isFortran, shape, start } = await readHeader(source)
  const { array: Elements, bytes: itemSize } = H5_DTYPES[dtype]
  const bytes = new Uint8Array(source.byteLength - start)
  await source.read(start, bytes)
  if (isBigEndian) for (let at = 0; at < bytes.length; at += itemSize) bytes.subarray(at, at + itemSize).reverse()
  const stored = isFortran ? [...shape].reverse() : shape
  const read = async (): Promise<InstanceType<typeof Elements>> => new Elements(bytes.buffer, 0, bytes.length / itemSize)
  const value = await tensorOf({ dtype, shape: stored, read }, source.name)
  return isFortran ? ops.transpose(value) : value
}

async function npyOf(value: Tensor): Promise<Uint8Array> {
  const { dtype } = value
  if (dtype === 'bfloat16') return npyOf(ops.cast(value, 'float32'))
  const { shape } = value
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  const dict = `{'descr': '${WRITTEN[dtype]}', 'fortran_order': False, 'shape': (${sizes}), }`
  const length = Math.ceil((MAGIC.length + 4 + dict.length + 1) / ALIGNMENT) * ALIGNMENT
  const npy = new Uint8Array(length + value.size * bytesOf(dtype))
  npy.set(Uint8Array.from(`${MAGIC}\x01\x00\x00\x00${dict}`.padEnd(length - 1, ' '), (letter) => letter.charCodeAt(0)))
  new DataView(npy.buffer).setUint16(MAGIC.length + 2, length - MAGIC.length - 4, true)
  npy[length - 1] = 0x0a
  npy.set(bytesOfElements(await rawElements(value)), length)
  return npy
}
