/** Inflates one member of an archive, to exactly what its header says of it. */
import type { ByteSource } from '../../core/bytes.js'
import { SavingError } from '../../core/errors.js'
import { inflate } from '../../core/inflate.js'

const CHUNK = 2 ** 20
/** A gzip file around raw deflate data: older Nodes inflate gzip, but not raw data. */
const GZIP_HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255)

/** @throws SavingError when the data is not what `byteLength` and `crc` say. */
export async function inflateMember(stored: ByteSource, byteLength: number, crc: number): Promise<Uint8Array> {
  const fail = (problem: string, cause?: unknown): Error =>
    new SavingError({ where: stored.name, problem, ...(cause !== undefined && { cause }) })
  const bytes = await inflate(gzipped(stored, byteLength, crc), { format: 'gzip', limit: byteLength, fail })
  if (bytes.length !== byteLength) throw fail('less comes out of the packed data than the archive says')
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
