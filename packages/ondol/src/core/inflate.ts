/** Unpacks what gzip or zlib packed, with the platform's own inflater, which checks checksums too. */

/** Deflate cannot make more bytes of one. */
export const BEST_PACKING = 1032

/** Room to begin with: what is packed well needs more. */
const FIRST_GUESS = 4

export interface InflateOptions {
  readonly format: 'gzip' | 'deflate'
  /** More than this does not come out: a packed file can hold a thousand times its size. */
  readonly limit: number
  /** Makes the error, in the words of whoever asks. `cause` is missing where there is more than `limit`. */
  readonly fail: (problem: string, cause?: unknown) => Error
}

/**
 * What is in `packed`. Room is made for what has come out, whatever is said of the size.
 *
 * @throws what `fail` makes, when the data are damaged, or hold more than `limit` bytes.
 */
export async function inflate(packed: Uint8Array | ReadableStream<BufferSource>, options: InflateOptions): Promise<Uint8Array> {
  const { format, limit, fail } = options
  const stream = packed instanceof Uint8Array ? streamOf(packed) : packed
  const reader = stream.pipeThrough(new DecompressionStream(format)).getReader()
  let bytes = new Uint8Array(packed instanceof Uint8Array ? Math.min(limit, FIRST_GUESS * packed.byteLength) : 0)
  let length = 0
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw fail('the packed data are damaged', cause)
    })
    if (done) return bytes.subarray(0, length)
    const end = length + value.byteLength
    if (end > limit) {
      await reader.cancel().catch(() => undefined)
      throw fail(`more than ${limit} bytes come out of the packed data`)
    }
    if (end > bytes.byteLength) {
      const larger = new Uint8Array(Math.min(limit, Math.max(end, 2 * bytes.byteLength)))
      larger.set(bytes.subarray(0, length))
      bytes = larger
    }
    bytes.set(value, length)
    length = end
  }
}

function streamOf(bytes: Uint8Array): ReadableStream<BufferSource> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(bytes as Uint8Array<ArrayBuffer>)
      controller.close()
    },
  })
}
