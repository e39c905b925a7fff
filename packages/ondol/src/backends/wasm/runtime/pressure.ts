/**
 * Telling the garbage collector of memory that it cannot see. Tensors inside the WebAssembly memory look
 * tiny to it, so it would collect dropped ones too late. For every 32 MiB of tensors one of them holds an
 * ArrayBuffer of that size until it is freed: the system never backs its untouched pages, but the collector
 * counts it, and comes round when a few have gathered. Blocks of this size are always mapped freshly.
 */
const TOKEN_BYTES = 32 * 2 ** 20

export class Pressure {
  #untold = 0

  /** What the owner of `bytes` new bytes has to hold until they are freed. */
  tokenFor(bytes: number): ArrayBuffer | undefined {
    this.#untold += bytes
    if (this.#untold < TOKEN_BYTES) return undefined
    this.#untold %= TOKEN_BYTES
    return new ArrayBuffer(TOKEN_BYTES)
  }
}
