/**
 * Datatype messages (spec IV.A.2.d): how the bytes of an element are to be understood.
 * Compound, array, reference, time and bit-field types are refused by name.
 */
import { H5_DTYPES, type H5DType, type H5NumericDType } from '../types.js'
import { type Cursor, unsupported } from './cursor.js'
import { Encoder } from './encoder.js'

export interface Datatype {
  readonly dtype: H5DType
  /** Bytes that an element takes in the file. */
  readonly itemSize: number
  readonly bigEndian: boolean
  /** For strings: of variable length (in the global heap), or how fixed ones are filled up. */
  readonly text?: 'variable' | 'zero' | 'space'
}

const CLASSES = [
  'fixed-point',
  'floating-point',
  'time',
  'string',
  'bit-field',
  'opaque',
  'compound',
  'reference',
  'enumeration',
  'variable-length',
  'array',
  'complex',
]
const FIXED = 0
const FLOAT = 1
const STRING = 3
const OPAQUE = 5
const ENUM = 8
const VARIABLE = 9

/** Where the fields of a floating-point number lie; bias and sizes tell the formats apart. */
const FLOATS = {
  float16: { bits: 16, exponentAt: 10, exponentBits: 5, fractionBits: 10, bias: 15 },
  bfloat16: { bits: 16, exponentAt: 7, exponentBits: 8, fractionBits: 7, bias: 127 },
  float32: { bits: 32, exponentAt: 23, exponentBits: 8, fractionBits: 23, bias: 127 },
  float64: { bits: 64, exponentAt: 52, exponentBits: 11, fractionBits: 52, bias: 1023 },
} as const

/** The message for elements of `dtype`; strings without `itemSize` have variable length. */
export function encodeDatatype(dtype: H5DType, itemSize?: number): Uint8Array {
  const out = new Encoder()
  switch (dtype) {
    case 'string':
      if (itemSize !== undefined) return header(out, STRING, [1, 0, 0], itemSize).bytes
      return fixedPoint(header(out, VARIABLE, [1, 1, 0], 16), 1, false).bytes
    case 'bool': {
      header(out, ENUM, [2, 0, 0], 1)
      return fixedPoint(out, 1, true).ascii('FALSE\0\0\0TRUE\0\0\0\0').u8(0, 1).bytes
    }
    case 'opaque':
      return header(out, OPAQUE, [0, 0, 0], itemSize ?? 1).bytes
    // h5py does not know ml_dtypes' bfloat16 and writes two opaque bytes; Keras says with an attribute what they are.
    case 'bfloat16':
      return header(out, OPAQUE, [0, 0, 0], 2).bytes
    case 'float16':
    case 'float32':
    case 'float64': {
      const { bits, exponentAt, exponentBits, fractionBits, bias } = FLOATS[dtype]
      header(out, FLOAT, [0x20, bits - 1, 0], bits / 8)
        .u16(0)
        .u16(bits)
      return out.u8(exponentAt, exponentBits, 0, fractionBits).u32(bias).bytes
    }
    default:
      return fixedPoint(out, H5_DTYPES[dtype].bytes, !dtype.startsWith('u')).bytes
  }
}

const header = (out: Encoder, kind: number, bits: readonly [number, number, number], size: number): Encoder =>
  out.u8(0x10 | kind, ...bits).u32(size)

const fixedPoint = (out: Encoder, size: number, signed: boolean): Encoder =>
  header(out, FIXED, [signed ? 8 : 0, 0, 0], size)
    .u16(0)
    .u16(8 * size)

export function decodeDatatype(cursor: Cursor): Datatype {
  const first = cursor.u8()
  const [version, kind] = [first >> 4, first & 15]
  const bits = cursor.u8() | (cursor.u8() << 8) | (cursor.u8() << 16)
  const itemSize = cursor.u32()
  if (itemSize === 0) throw cursor.damaged('a datatype has elements of 0 bytes')
  switch (kind) {
    case FIXED:
      return { dtype: integerOf(cursor, bits, itemSize), itemSize, bigEndian: (bits & 1) === 1 }
    case FLOAT:
      return { dtype: floatOf(cursor, bits, itemSize), itemSize, bigEndian: (bits & 1) === 1 }
    case STRING:
      return { dtype: 'string', itemSize, bigEndian: false, text: (bits & 15) === 2 ? 'space' : 'zero' }
    case OPAQUE:
      return { dtype: 'opaque', itemSize, bigEndian: false }
    case ENUM:
      return enumeration(cursor, version, bits & 0xffff, itemSize)
    case VARIABLE:
      if ((bits & 15) !== 1) throw unsupported(cursor, 'sequences of variable length')
      if (itemSize < 16) throw cursor.damaged(`a reference to a string of variable length has only ${itemSize} bytes`)
      return { dtype: 'string', itemSize, bigEndian: false, text: 'variable' }
    default:
      throw unsupported(cursor, `the ${CLASSES[kind] ?? `unknown (class ${kind})`} datatype`)
  }
}

function integerOf(cursor: Cursor, bits: number, itemSize: number): H5NumericDType {
  const [offset, precision] = [cursor.u16(), cursor.u16()]
  const name = `${bits & 8 ? '' : 'u'}int${8 * itemSize}`
  if (offset !== 0 || precision !== 8 * itemSize || !Object.hasOwn(H5_DTYPES, name))
    throw unsupported(cursor, `integers of ${precision} bits in ${itemSize} bytes`)
  return name as H5NumericDType
}

function floatOf(cursor: Cursor, bits: number, itemSize: number): H5NumericDType {
  const [offset, precision] = [cursor.u16(), cursor.u16()]
  const [exponentAt, exponentBits, fractionAt, fractionBits] = [cursor.u8(), cursor.u8(), cursor.u8(), cursor.u8()]
  const bias = cursor.u32()
  for (const [name, format] of Object.entries(FLOATS)) {
    const isSame =
      format.bits === precision &&
      format.bits === 8 * itemSize &&
      format.exponentAt === exponentAt &&
      format.exponentBits === exponentBits &&
      format.fractionBits === fractionBits &&
      format.bias === bias
    // Bit 6 together with bit 0 would be the VAX order; bits 4 and 5 say that the leading 1 is implied.
    const isPlain =
      offset === 0 && fractionAt === 0 && (bits & 0x40) === 0 && ((bits >> 4) & 3) === 2 && ((bits >> 8) & 255) === format.bits - 1
    if (isSame && isPlain) return name as keyof typeof FLOATS
  }
  throw unsupported(cursor, `floating-point numbers of ${precision} bits with ${exponentBits} for the exponent`)
}

/** h5py's bool is an enumeration of FALSE and TRUE; others are read as the integers they stand for. */
function enumeration(cursor: Cursor, version: number, count: number, itemSize: number): Datatype {
  const base = decodeDatatype(cursor)
  if (base.dtype === 'string' || !base.dtype.includes('int') || base.itemSize !== itemSize)
    throw cursor.damaged(`an enumeration of ${itemSize} bytes has ${base.dtype} values`)
  if (count !== 2 || itemSize !== 1) return base
  const names = Array.from({ length: 2 }, () => cursor.cString(version < 3))
  const values = [cursor.u8(), cursor.u8()]
  const isBool = names.join() === 'FALSE,TRUE' && values.join() === '0,1'
  return isBool ? { ...base, dtype: 'bool' } : base
}
