/**
 * MATLAB's files of version 5 to 7 ("MAT-File Format", MathWorks): arrays of numbers by their names, packed or not. Texts,
 * cells, structures, sparse and complex arrays are passed over; version 7.3 is HDF5.
 */
import { DataError } from '../core/errors.js'
import { BEST_PACKING, inflate } from '../core/inflate.js'
import { sizeOf } from '../core/shape.js'

export type MatData = Float64Array | Float32Array | Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array

export interface MatArray {
  readonly shape: readonly number[]
  /** Elements column by column: the first axis runs fastest. */
  readonly data: MatData
}

/** Types of stored elements: miINT8 and so on. */
const TYPES = {
  1: { array: Int8Array, read: 'getInt8' },
  2: { array: Uint8Array, read: 'getUint8' },
  3: { array: Int16Array, read: 'getInt16' },
  4: { array: Uint16Array, read: 'getUint16' },
  5: { array: Int32Array, read: 'getInt32' },
  6: { array: Uint32Array, read: 'getUint32' },
  7: { array: Float32Array, read: 'getFloat32' },
  9: { array: Float64Array, read: 'getFloat64' },
} as const

/** Classes of arrays: mxDOUBLE_CLASS and so on. Small numbers of a wide class may be stored in a narrow type. */
const CLASSES: Readonly<Record<number, (length: number) => MatData>> = {
  6: (length) => new Float64Array(length),
  7: (length) => new Float32Array(length),
  8: (length) => new Int8Array(length),
  9: (length) => new Uint8Array(length),
  10: (length) => new Int16Array(length),
  11: (length) => new Uint16Array(length),
  12: (length) => new Int32Array(length),
  13: (length) => new Uint32Array(length),
}

const MATRIX = 14
const PACKED = 15
const COMPLEX_FLAG = 0x08
const HEADER = 128
const HIGHEST_RANK = 32

/** One element: its type, and where its content lies. */
interface Element {
  readonly type: number
  readonly start: number
  readonly length: number
  /** Where the next one begins. */
  readonly next: number
}

type Fail = (at: number, problem: string, received?: string) => DataError

/**
 * The arrays of numbers in a file.
 *
 * @throws DataError, naming the place, when it is no such file, damaged or cut off.
 */
export async function readMat(bytes: Uint8Array, where: string): Promise<Map<string, MatArray>> {
  const fail: Fail = (at, problem, received) =>
    new DataError({
      where: `${where}, byte ${at}`,
      problem,
      ...(received !== undefined && { received }),
      hint: 'the file is damaged, was cut off, or is another one: get it again',
    })
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const mark = bytes.length < HEADER ? '' : String.fromCharCode(bytes[126] as number, bytes[127] as number)
  if (mark !== 'IM' && mark !== 'MI') throw fail(0, 'this is no MATLAB file of version 5', `${bytes.length} bytes`)
  const isLittle = mark === 'IM'
  const arrays = new Map<string, MatArray>()
  for (let at = HEADER; at < bytes.length; ) {
    const element = elementAt(view, at, bytes.length, isLittle, fail)
    const content = bytes.subarray(element.start, element.start + element.length)
    if (element.type === PACKED) readMatrix(await unpacked(content, isLittle, at, fail), isLittle, arrays, at, fail)
    else if (element.type === MATRIX) readMatrix(bytes.subarray(at, element.start + element.length), isLittle, arrays, at, fail)
    at = element.type === PACKED ? element.start + element.length : element.next
  }
  return arrays
}

function elementAt(view: DataView, at: number, end: number, isLittle: boolean, fail: Fail): Element {
  if (at + 8 > end) throw fail(at, 'an element is cut off', `${end - at} bytes of its tag`)
  const first = view.getUint32(at, isLittle)
  const isSmall = first >>> 16 !== 0
  const [type, length, start] = isSmall ? [first & 0xffff, first >>> 16, at + 4] : [first, view.getUint32(at + 4, isLittle), at + 8]
  if (isSmall && length > 4) throw fail(at, 'a short element is too long', `${length} bytes`)
  if (start + length > end) throw fail(at, 'an element is cut off', `${end - start} of ${length} bytes`)
  return { type, start, length, next: isSmall ? at + 8 : start + Math.ceil(length / 8) * 8 }
}

/** What is in a packed element. Its first bytes say how much it is; more is not made room for. */
async function unpacked(packed: Uint8Array, isLittle: boolean, at: number, fail: Fail): Promise<Uint8Array> {
  const damaged = (problem: string): DataError => fail(at, problem, `${packed.length} packed bytes`)
  const start = await firstBytes(packed, 8).catch(() => undefined)
  if (start === undefined) throw damaged('the packed data are damaged')
  const size = 8 + new DataView(start.buffer, start.byteOffset, 8).getUint32(4, isLittle)
  if (size > BEST_PACKING * packed.length + 8) throw fail(at, 'a packed array says that it is larger than it can be', `${size} bytes`)
  return inflate(packed, { format: 'deflate', limit: size, fail: damaged })
}

async function firstBytes(packed: Uint8Array, count: number): Promise<Uint8Array | undefined> {
  const stream = new ReadableStream<BufferSource>({
    start(controller) {
      controller.enqueue(packed.slice(0, 1024))
      controller.close()
    },
  })
  const reader = stream.pipeThrough(new DecompressionStream('deflate')).getReader()
  try {
    const { value } = await reader.read()
    return value !== undefined && value.length >= count ? value.subarray(0, count) : undefined
  } finally {
    reader.cancel().catch(() => undefined)
  }
}

/** One array, from its tag on: flags, sizes, name, elements. */
function readMatrix(bytes: Uint8Array, isLittle: boolean, arrays: Map<string, MatArray>, at: number, fail: Fail): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const matrix = elementAt(view, 0, bytes.length, isLittle, (_, problem, received) => fail(at, problem, received))
  if (matrix.type !== MATRIX) return
  const end = matrix.start + matrix.length
  const within: Fail = (place, problem, received) => fail(at, `byte ${place} of the array: ${problem}`, received)
  const flags = elementAt(view, matrix.start, end, isLittle, within)
  if (flags.length !== 8) throw within(flags.start, 'the flags are not there')
  const word = view.getUint32(flags.start, isLittle)
  const make = CLASSES[word & 0xff]
  if (make === undefined || ((word >>> 8) & COMPLEX_FLAG) !== 0) return
  const sizes = elementAt(view, flags.next, end, isLittle, within)
  const rank = sizes.length / 4
  if (sizes.type !== 5 || !Number.isInteger(rank) || rank > HIGHEST_RANK) throw within(sizes.start, 'the sizes are not there')
  const shape = Array.from({ length: rank }, (_, axis) => view.getInt32(sizes.start + 4 * axis, isLittle))
  const name = elementAt(view, sizes.next, end, isLittle, within)
  const elements = elementAt(view, name.next, end, isLittle, within)
  const type = Object.hasOwn(TYPES, elements.type) ? TYPES[elements.type as keyof typeof TYPES] : undefined
  if (type === undefined) throw within(elements.start, 'elements of this type are not read', `type ${elements.type}`)
  const count = sizeOf(shape)
  const width = type.array.BYTES_PER_ELEMENT
  if (shape.some((size) => size < 0) || count * width !== elements.length)
    throw within(
      elements.start,
      'the elements do not fill the array',
      `${elements.length} bytes for ${shape.join(' x ')} of ${width} bytes`,
    )
  const key = new TextDecoder().decode(bytes.subarray(name.start, name.start + name.length))
  arrays.set(key, { shape, data: elementsIn(view, elements.start, count, type, make, isLittle) })
}

function elementsIn(
  view: DataView,
  start: number,
  count: number,
  { array, read }: (typeof TYPES)[keyof typeof TYPES],
  make: (length: number) => MatData,
  isLittle: boolean,
): MatData {
  const data = make(count)
  if (data instanceof Uint8Array && array === Uint8Array) {
    data.set(new Uint8Array(view.buffer, view.byteOffset + start, count))
    return data
  }
  for (let i = 0; i < count; i++) data[i] = view[read](start + i * array.BYTES_PER_ELEMENT, isLittle)
  return data
}
