/** The value of elements that were never written (spec IV.A.2.e and f). */
import type { Cursor } from './cursor.js'

/** The bytes of one element, or undefined for zero. */
export function decodeFill(cursor: Cursor): Uint8Array | undefined {
  const version = cursor.expectVersion('the fill value', 1, 2, 3)
  if (version === 3) {
    const flags = cursor.u8()
    return flags & 0x20 ? sized(cursor) : undefined
  }
  const isDefined = cursor.skip(2).u8() !== 0
  return version === 1 || isDefined ? sized(cursor) : undefined
}

/** The message of old files: only size and value. */
export const decodeOldFill = (cursor: Cursor): Uint8Array | undefined => sized(cursor)

function sized(cursor: Cursor): Uint8Array | undefined {
  const size = cursor.u32()
  return size === 0 ? undefined : cursor.take(size)
}
