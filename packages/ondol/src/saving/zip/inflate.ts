/** Inflates one member of an archive with the platform's own inflater, which checks length and checksum too. */
import type { ByteSource } from '../../core/bytes.js'
import { SavingError } from '../../core/errors.js'

const CHUNK = 2 ** 20
/** A gzip file around raw deflate data: older Nodes inflate gzip, but not raw data. */
const GZIP_HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255)

/** @throws SavingError when the data is not what `byteLength` and `crc` say. */
export async function inflate(stored: ByteSource, byteLength: number, crc: number): Promise<Uint8Array> {
  const fail = (cause?: unknown): SavingError =>
    new SavingError({ where: stored.name, problem: 'the compressed data is damaged', ...(cause !== undefined && { cause }) })
  const reader = gzipped(stored, byteLength, crc).pipeThrough(new DecompressionStream('gzip')).getReader()
  const parts: Uint8Array[] = []
  let length = 0
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      length += next.value.length
      // What is longer than declared is a bomb, or damaged: nothing more of it is inflated.
      if (length > byteLength) break
      parts.push(next.value)
    }
  } catch (error) {
    throw fail(error)
  }
  if (length !== byteLength) {
    await reader.cancel().catch(() => undefined)
    throw fail()
  }
  const bytes = new Uint8Array(byteLength)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

function gzipped(stored: ByteSource, byteLength: number, crc: number): ReadableStream<BufferSource> {
  const trailer = new DataView(new ArrayBuffer(8))
  trailer.setUint32(0, crc, true)
  trailer.setUint32(4, byteLength % 2 ** 32, true)
  let at = -1
  return new ReadableStream({
    async pull(controller) {
      if (at < 0) {
        controller.enqueue(GZIP_HEADER)
        at = 0
      } else if (at < stored.byteLength) {
        const part = new Uint8Array(Math.min(CHUNK, stored.byteLength - at))
        await stored.read(at, part)
        at += part.length
        controller.enqueue(part)
      } else {
        controller.enqueue(trailer)
        controller.close()
      }
    },
  })
}
