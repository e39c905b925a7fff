/** Decompression with a limit, on the platform's own streams (Node and browsers alike). */
import { DataError } from '../core/errors.js'

/** Whether the bytes start as a gzip file does. */
export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b

/**
 * The content of a gzip file.
 *
 * @throws DataError when it is damaged, or holds more than `limit` bytes.
 */
export async function gunzip(bytes: Uint8Array, limit: number, where: string): Promise<Uint8Array> {
  const stream = new Blob([bytes as BlobPart]).stream().pipeThrough(new DecompressionStream('gzip'))
  const reader = stream.getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw new DataError({ where, problem: 'the gzip file is damaged', received: `${bytes.length} bytes`, hint: 'get it again', cause })
    })
    if (done) break
    length += value.length
    if (length > limit) {
      await reader.cancel()
      throw new DataError({ where, problem: 'the gzip file holds more than it may', expected: `at most ${limit} bytes`, received: 'more' })
    }
    chunks.push(value)
  }
  return concatenate(chunks, length)
}

/** The chunks in one array. */
export function concatenate(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.length
  }
  return whole
}
