/** Dataspace messages (spec IV.A.2.b): how many elements there are, and in which shape. */
import { type Cursor, unsupported } from './cursor.js'
import { Encoder } from './encoder.js'

export interface Dataspace {
  /** `[]` is one element; null is a dataspace without any (h5py's `Empty`). */
  readonly shape: readonly number[] | null
  /** What the shape may grow to; Infinity where there is no limit. */
  readonly maxShape: readonly number[]
  readonly size: number
}

/** The format's own limit. */
const MAX_RANK = 32

export function encodeDataspace(shape: readonly number[] | null): Uint8Array {
  const out = new Encoder()
  // Only version 2 has a place to say that there are no elements.
  if (shape === null) return out.u8(2, 0, 0, 2).bytes
  out.u8(1, shape.length, 0, 0).u32(0)
  for (const size of shape) out.u64(size)
  return out.bytes
}

export function decodeDataspace(cursor: Cursor): Dataspace {
  const version = cursor.u8()
  const rank = cursor.u8()
  const flags = cursor.u8()
  if (version !== 1 && version !== 2) throw unsupported(cursor, `version ${version} of the dataspace message`)
  if (rank > MAX_RANK) throw cursor.damaged(`a shape has ${rank} axes, more than ${MAX_RANK}`)
  const kind = cursor.u8()
  if (version === 1) cursor.skip(4)
  else if (kind === 2) return { shape: null, maxShape: [], size: 0 }
  const shape = Array.from({ length: rank }, () => cursor.length())
  const maxShape = flags & 1 ? Array.from({ length: rank }, () => cursor.unlimitedLength()) : shape
  const size = shape.reduce((product, axis) => product * axis, 1)
  if (!Number.isSafeInteger(size)) throw cursor.damaged(`the shape [${shape}] has more elements than can be counted`)
  if (shape.some((axis, i) => axis > maxShape[i]!)) throw cursor.damaged(`the shape [${shape}] is larger than its limit [${maxShape}]`)
  return { shape, maxShape, size }
}
