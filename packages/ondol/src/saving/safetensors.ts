/**
 * Reads and writes safetensors (https://huggingface.co/docs/safetensors): a length, a JSON header that says
 * where each tensor's bytes are, the bytes. Nothing in such a file is code, and nothing in its header is believed
 * before it was checked against the bytes that are there.
 */
import type { ByteSink, ByteSource } from '../core/bytes.js'
import { SavingError } from '../core/errors.js'

/** Bytes an element takes, by the format's names of element types. */
const ELEMENT_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  I64: 8,
  U64: 8,
  F64: 8,
} as const

export type SafetensorsDType = keyof typeof ELEMENT_BYTES

/** A tensor as bytes: little-endian, row by row. */
export interface StoredTensor {
  readonly dtype: SafetensorsDType
  readonly shape: readonly number[]
  /** Or what gives them, when their turn has come. */
  readonly bytes: Uint8Array | (() => Promise<Uint8Array>)
}

/** A tensor in a file, not read yet. */
export interface TensorEntry {
  readonly dtype: SafetensorsDType
  readonly shape: readonly number[]
  readonly byteLength: number
  read(): Promise<Uint8Array>
}

export interface Safetensors {
  readonly tensors: ReadonlyMap<string, TensorEntry>
  readonly metadata: Readonly<Record<string, string>>
}

/** Readers refuse longer headers. */
const LONGEST_HEADER = 100_000_000
const LENGTH_BYTES = 8
const METADATA = '__metadata__'

/**
 * Writes tensors by name, and strings by name beside them.
 *
 * @throws SavingError when the bytes of a tensor are not what its shape and dtype say.
 * @example
 * await writeSafetensors(sink, new Map([['kernel', { dtype: 'F32', shape: [2, 3], bytes }]]), { format: 'ondol' })
 */
export async function writeSafetensors(
  sink: ByteSink,
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  // Wide elements first: then every tensor begins at a multiple of its element's size.
  const order = [...tensors].sort(([, a], [, b]) => ELEMENT_BYTES[b.dtype] - ELEMENT_BYTES[a.dtype])
  const header: [string, unknown][] = Object.keys(metadata).length > 0 ? [[METADATA, metadata]] : []
  let end = 0
  for (const [name, { dtype, shape, bytes }] of order) {
    if (name === METADATA) throw new SavingError({ where: name, problem: 'a tensor cannot have the name of the metadata' })
    const expected = byteLengthOf(dtype, shape)
    if (bytes instanceof Uint8Array) requireSize(name, { dtype, shape }, bytes)
    header.push([name, { dtype, shape, data_offsets: [end, end + expected] }])
    end += expected
  }
  // Not fromEntries: a tensor may be called __proto__.
  const text = new TextEncoder().encode(`{${header.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`)
  if (text.byteLength > LONGEST_HEADER - LENGTH_BYTES)
    throw new SavingError({
      where: 'safetensors',
      problem: 'the names and metadata are too long for a header',
      received: `${text.byteLength} bytes`,
    })
  const padded = new Uint8Array(Math.ceil(text.byteLength / LENGTH_BYTES) * LENGTH_BYTES).fill(0x20)
  padded.set(text)
  const length = new Uint8Array(LENGTH_BYTES)
  new DataView(length.buffer).setBigUint64(0, BigInt(padded.byteLength), true)
  await sink.write(length)
  await sink.write(padded)
  for (const [name, { bytes, ...tensor }] of order) {
    const content = bytes instanceof Uint8Array ? bytes : await bytes()
    requireSize(name, tensor, content)
    await sink.write(content)
  }
}

function requireSize(name: string, { dtype, shape }: Omit<StoredTensor, 'bytes'>, { byteLength }: Uint8Array): void {
  const expected = byteLengthOf(dtype, shape)
  if (byteLength === expected) return
  throw new SavingError({
    where: name,
    problem: 'the bytes are not those of the shape',
    expected: `${expected} bytes for (${shape}) ${dtype}`,
    received: `${byteLength} bytes`,
  })
}

/**
 * Reads the header; tensors are read when asked for.
 *
 * @throws SavingError when anything in the file contradicts something else in it.
 */
export async function readSafetensors(source: ByteSource): Promise<Safetensors> {
  const refuse = (problem: string, facts: { readonly expected?: string; readonly received?: string } = {}): never => {
    throw new SavingError({
      where: source.name,
      problem: `not a whole safetensors file: ${problem}`,
      ...facts,
      hint: 'the file is damaged, or was not written to its end',
    })
  }
  if (source.byteLength < LENGTH_BYTES + 2) refuse('it is too short', { received: `${source.byteLength} bytes` })
  const prefix = new Uint8Array(LENGTH_BYTES)
  await source.read(0, prefix)
  const declared = new DataView(prefix.buffer).getBigUint64(0, true)
  if (declared > BigInt(Math.min(LONGEST_HEADER, source.byteLength - LENGTH_BYTES)))
    refuse('the header would be longer than the file, or than any header may be', { received: `${declared} bytes` })
  const start = LENGTH_BYTES + Number(declared)
  const text = new Uint8Array(Number(declared))
  await source.read(LENGTH_BYTES, text)
  const header = parseHeader(text) ?? refuse('the header is no JSON object')
  let metadata: Record<string, string> = {}
  const places: { readonly name: string; readonly begin: number; readonly end: number }[] = []
  const tensors = new Map<string, TensorEntry>()
  for (const [name, value] of Object.entries(header)) {
    if (name === METADATA) {
      metadata = isStrings(value) ? value : refuse('its metadata are not strings by name')
      continue
    }
    const { dtype, shape, begin, end } = describe(value) ?? refuse(`what its header says of '${name}' makes no sense`)
    const byteLength = byteLengthOf(dtype, shape)
    if (end - begin !== byteLength)
      refuse(`the place of '${name}' is not of its size`, {
        expected: `${byteLength} bytes for (${shape}) ${dtype}`,
        received: `${end - begin}`,
      })
    if (start + end > source.byteLength) refuse(`'${name}' would end after the file`)
    places.push({ name, begin, end })
    tensors.set(name, { dtype, shape, byteLength, read: () => read(source, start + begin, byteLength) })
  }
  places.sort((a, b) => a.begin - b.begin || a.end - b.end)
  const last = places.reduce(
    (end, place) => (place.begin === end ? place.end : refuse(`'${place.name}' overlaps another or leaves a hole`)),
    0,
  )
  if (start + last !== source.byteLength)
    refuse('there are bytes that belong to no tensor', { received: `${source.byteLength - start - last} bytes` })
  return { tensors, metadata }
}

async function read(source: ByteSource, position: number, byteLength: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(byteLength)
  await source.read(position, bytes)
  return bytes
}

/** Infinite where the shape is beyond counting. */
function byteLengthOf(dtype: SafetensorsDType, shape: readonly number[]): number {
  const bytes = shape.reduce((product, size) => product * size, ELEMENT_BYTES[dtype])
  return Number.isSafeInteger(bytes) ? bytes : Number.POSITIVE_INFINITY
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
const isStrings = (value: unknown): value is Record<string, string> =>
  isRecord(value) && Object.values(value).every((item) => typeof item === 'string')
const areCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0)

function parseHeader(bytes: Uint8Array): Record<string, unknown> | undefined {
  if (bytes[0] !== 0x7b) return undefined
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

interface Description {
  readonly dtype: SafetensorsDType
  readonly shape: readonly number[]
  readonly begin: number
  readonly end: number
}

function describe(value: unknown): Description | undefined {
  if (!isRecord(value)) return undefined
  const { dtype, shape, data_offsets: offsets } = value
  if (typeof dtype !== 'string' || !Object.hasOwn(ELEMENT_BYTES, dtype)) return undefined
  if (!areCounts(shape) || !areCounts(offsets) || offsets.length !== 2) return undefined
  const [begin, end] = offsets as [number, number]
  return begin <= end ? { dtype: dtype as SafetensorsDType, shape, begin, end } : undefined
}
