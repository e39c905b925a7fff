/** Gzip files as data sets come. */
import { DataError } from '../core/errors.js'
import { inflate } from '../core/inflate.js'

/** Whether the bytes start as a gzip file does. */
export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b

/**
 * The content of a gzip file.
 *
 * @throws DataError when it is damaged, or holds more than `limit` bytes.
 */
export const gunzip = (bytes: Uint8Array, limit: number, where: string): Promise<Uint8Array> =>
  inflate(bytes, {
    format: 'gzip',
    limit,
    fail: (_problem, cause) =>
      cause === undefined
        ? new DataError({ where, problem: 'the gzip file holds more than it may', expected: `at most ${limit} bytes`, received: 'more' })
        : new DataError({ where, problem: 'the gzip file is damaged', received: `${bytes.length} bytes`, hint: 'get it again', cause }),
  })

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
