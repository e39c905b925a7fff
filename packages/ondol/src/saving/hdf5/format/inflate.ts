/** Inflates a chunk (zlib, RFC 1950) with the platform's own inflater, into no more room than it was told to expect. */
import { damagedAt } from './cursor.js'

/** Deflate cannot make more bytes of one. */
export const BEST_PACKING = 1032

/** Unpacks at most `limit` bytes; `position` says where `packed` lies in the file, for errors. */
export async function inflateZlib(packed: Uint8Array, limit: number, position: number): Promise<Uint8Array> {
  const { readable, writable } = new DecompressionStream('deflate')
  const writer = writable.getWriter()
  // What fails here fails again, and is caught, when the other end is read.
  const ignore = (): void => undefined
  writer.write(packed as Uint8Array<ArrayBuffer>).catch(ignore)
  writer.close().catch(ignore)
  const reader = readable.getReader()
  const bytes = new Uint8Array(Math.min(limit, BEST_PACKING * packed.byteLength))
  let length = 0
  for (;;) {
    const { done, value } = await reader.read().catch((): never => {
      throw damagedAt(position, 'packed data cannot be unpacked')
    })
    if (done) return bytes.subarray(0, length)
    if (length + value.byteLength > bytes.byteLength) {
      await reader.cancel().catch(ignore)
      throw damagedAt(position, `more than ${bytes.byteLength} bytes come out of packed data`)
    }
    bytes.set(value, length)
    length += value.byteLength
  }
}
