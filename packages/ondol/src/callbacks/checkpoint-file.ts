/**
 * A file that holds a tree of plain data with tensors in it: safetensors, with the tree as JSON in the metadata.
 * It is written beside its place and renamed, so that there is always a whole one, and it says the same bits again.
 */
import { platform } from '#platform'
import { allocate, bytesOf, type DType } from '../core/dtype.js'
import { SavingError } from '../core/errors.js'
import { sizeOf } from '../core/shape.js'
import { Buffer } from '../engine/buffer.js'
import { currentBackend, Tensor, Variable } from '../engine/index.js'
import { readSafetensors, type SafetensorsDType, type StoredTensor, writeSafetensors } from '../saving/safetensors.js'
import { bytesOfElements } from '../saving/values.js'
import type { CallbackState } from './callback.js'

const FORMAT = 'ondol.checkpoint'

const STORED = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  int32: 'I32',
  uint8: 'U8',
  bool: 'BOOL',
} as const satisfies Record<DType, SafetensorsDType>

/** Stand for what JSON has not. */
const TENSOR = '$tensor'
const NUMBER = '$number'

/** Writes the tree as it is at the moment of the call. */
export async function writeCheckpoint(path: string, state: CallbackState): Promise<void> {
  const tensors: Promise<[string, StoredTensor]>[] = []
  const encode = (value: CallbackState): unknown => {
    if (value instanceof Tensor || value instanceof Variable) {
      const name = String(tensors.length)
      tensors.push(stored(value).then((bytes) => [name, bytes]))
      return { [TENSOR]: name }
    }
    if (typeof value === 'number')
      return Number.isFinite(value) && !Object.is(value, -0) ? value : { [NUMBER]: Object.is(value, -0) ? '-0' : String(value) }
    if (Array.isArray(value)) return value.map(encode)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, encode(item)]))
  }
  const tree = JSON.stringify(encode(state))
  const entries = new Map(await Promise.all(tensors))
  await platform.writeParts(path, (sink) => writeSafetensors(sink, entries, { format: FORMAT, state: tree }))
}

async function stored(value: Tensor | Variable): Promise<StoredTensor> {
  const { dtype, shape } = value
  // A Variable's memory is read as it is: to hand its value out would have it copied when it changes next.
  const memory = value instanceof Variable ? value.bufferToRead(currentBackend()) : value.buffer('checkpoint')
  return { dtype: STORED[dtype], shape, bytes: bytesOfElements(await memory.read(dtype, sizeOf(shape))) }
}

/**
 * The tree as it was written; undefined if there is no file.
 *
 * @throws SavingError when the file is damaged, or something else.
 */
export async function readCheckpoint(path: string): Promise<CallbackState | undefined> {
  const file = await platform.openFile(path)
  if (file === undefined) return undefined
  try {
    const { tensors, metadata } = await readSafetensors(file)
    if (metadata.format !== FORMAT || metadata.state === undefined)
      throw new SavingError({ where: path, problem: 'this file is no checkpoint', expected: `safetensors with format=${FORMAT}` })
    const values = new Map<string, Tensor>()
    for (const [name, { dtype, shape, read }] of tensors) values.set(name, revive(path, dtype, shape, await read()))
    return decode(JSON.parse(metadata.state), (name) => {
      const value = values.get(name)
      if (value !== undefined) return value
      throw new SavingError({ where: path, problem: `tensor ${name} is missing` })
    })
  } finally {
    await file.close()
  }
}

function revive(path: string, stored: SafetensorsDType, shape: readonly number[], bytes: Uint8Array): Tensor {
  const dtype = (Object.keys(STORED) as DType[]).find((known) => STORED[known] === stored)
  if (dtype === undefined) throw new SavingError({ where: path, problem: `a checkpoint has no tensors of dtype ${stored}` })
  const data = allocate(dtype, sizeOf(shape))
  new Uint8Array(data.buffer, data.byteOffset, data.length * bytesOf(dtype)).set(bytes)
  return new Tensor({ shape, dtype }, { buffer: Buffer.from(data) })
}

function decode(value: unknown, tensorOf: (name: string) => Tensor): CallbackState {
  if (Array.isArray(value)) return value.map((item) => decode(item, tensorOf))
  if (typeof value !== 'object' || value === null) return value as CallbackState
  const record = value as Record<string, unknown>
  if (typeof record[TENSOR] === 'string') return tensorOf(record[TENSOR])
  if (typeof record[NUMBER] === 'string') return Number(record[NUMBER])
  return Object.fromEntries(Object.entries(record).map(([key, item]) => [key, decode(item, tensorOf)]))
}
