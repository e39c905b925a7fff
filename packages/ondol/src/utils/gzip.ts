/** Gzip files, whole or as they come. */
import type { ByteSource } from '../core/bytes.js'
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
        : damaged(where, `${bytes.length} bytes`, cause),
  })

const damaged = (where: string, received: string, cause: unknown): DataError =>
  new DataError({ where, problem: 'the gzip file is damaged or was cut off', received, hint: 'get it again', cause })

const PIECE = 2 ** 20

/** The bytes of a file piece by piece, unpacked if it is a gzip file: only a few pieces are in memory at once. */
export async function* piecesOf(source: ByteSource): AsyncGenerator<Uint8Array, void, undefined> {
  const start = new Uint8Array(Math.min(2, source.byteLength))
  await source.read(0, start)
  if (!isGzip(start)) {
    yield* rawPieces(source)
    return
  }
  const packed = rawPieces(source)
  const stream = new ReadableStream<BufferSource>({
    async pull(controller) {
      const { done, value } = await packed.next()
      if (done) controller.close()
      else controller.enqueue(value as Uint8Array<ArrayBuffer>)
    },
  })
  const reader = stream.pipeThrough(new DecompressionStream('gzip')).getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        throw damaged(source.name, `${source.byteLength} bytes`, cause)
      })
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

async function* rawPieces(source: ByteSource): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < source.byteLength; at += PIECE) {
    const piece = new Uint8Array(Math.min(PIECE, source.byteLength - at))
    await source.read(at, piece)
    yield piece
  }
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
