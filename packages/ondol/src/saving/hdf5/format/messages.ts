/** The messages of an object header (spec IV.A.2): their numbers, and how those of a new object are written. */
import { SavingError } from '../../../core/errors.js'
import { Encoder } from './encoder.js'

export const MESSAGE = {
  nil: 0x00,
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  fillValueOld: 0x04,
  fillValue: 0x05,
  link: 0x06,
  externalFiles: 0x07,
  layout: 0x08,
  groupInfo: 0x0a,
  filters: 0x0b,
  attribute: 0x0c,
  continuation: 0x10,
  symbolTable: 0x11,
  attributeInfo: 0x15,
} as const

/** The value does not change: what the library marks datatypes and fill values with. */
const CONSTANT = 1
const LARGEST_MESSAGE = 0xffff
const PREFIX_SIZE = 16

export interface MessageToWrite {
  readonly kind: number
  readonly body: Uint8Array
}

/** An object header of version 1 (spec IV.A.1.a) in one piece. */
export function encodeObjectHeader(messages: readonly MessageToWrite[]): Uint8Array {
  if (messages.length > 0xffff) throw new SavingError({ problem: `an object cannot have ${messages.length} attributes` })
  const out = new Encoder()
    .u8(1, 0)
    .u16(messages.length)
    .u32(1)
    .u32(objectHeaderSize(messages) - PREFIX_SIZE)
    .zeros(4)
  for (const { kind, body } of messages) {
    const size = Math.ceil(body.byteLength / 8) * 8
    const isConstant = kind === MESSAGE.datatype || kind === MESSAGE.fillValue
    out
      .u16(kind)
      .u16(size)
      .u8(isConstant ? CONSTANT : 0, 0, 0, 0)
      .raw(body)
      .zeros(size - body.byteLength)
  }
  return out.bytes
}

export const objectHeaderSize = (messages: readonly MessageToWrite[]): number =>
  messages.reduce((size, { body }) => size + 8 + Math.ceil(body.byteLength / 8) * 8, PREFIX_SIZE)

/** An attribute message of version 3 (spec IV.A.2.m). */
export function encodeAttribute(name: string, datatype: Uint8Array, dataspace: Uint8Array, value: Uint8Array): MessageToWrite {
  const nameBytes = new TextEncoder().encode(`${name}\0`)
  const UTF8 = 1
  const size = 9 + nameBytes.length + datatype.length + dataspace.length + value.length
  if (size > LARGEST_MESSAGE - 7)
    throw new SavingError({
      where: `attribute '${name}'`,
      problem: 'the value does not fit into an attribute',
      expected: 'less than 64 KiB, with name and type',
      received: `${size} bytes`,
      hint: 'split it over several attributes, as Keras does with weight_names0, weight_names1, or make it a dataset',
    })
  const out = new Encoder().u8(3, 0).u16(nameBytes.length).u16(datatype.length).u16(dataspace.length).u8(UTF8)
  return { kind: MESSAGE.attribute, body: out.raw(nameBytes).raw(datatype).raw(dataspace).raw(value).bytes }
}

/** Contiguous storage (spec IV.A.2.i); nothing is stored of a dataset without elements. */
export const encodeContiguousLayout = (address: number, size: number): Uint8Array =>
  new Encoder()
    .u8(3, 1)
    .u64(size === 0 ? undefined : address)
    .u64(size).bytes

/** Unset elements are zero, as the library's default says: allocate late, write if set (spec IV.A.2.f). */
export const encodeDefaultFill = (): Uint8Array => new Encoder().u8(2, 2, 2, 1).u32(0).bytes
