/** Protocol Buffers, writing only: messages as lists of chunks, so that weights are never copied. */

const utf8 = new TextEncoder()

/** A message under construction. Fields go out in the order in which they are added. */
export class Message {
  readonly chunks: Uint8Array[] = []
  byteLength = 0

  /** A whole number; negative ones take ten bytes, as `int64` wants it. */
  int(field: number, value: number | bigint): this {
    return this.#push(varint(field << 3), varint(value))
  }

  float(field: number, value: number): this {
    return this.#push(varint((field << 3) | 5), new Uint8Array(Float32Array.of(value).buffer))
  }

  string(field: number, text: string): this {
    return this.bytes(field, utf8.encode(text))
  }

  bytes(field: number, bytes: Uint8Array): this {
    return this.#push(varint((field << 3) | 2), varint(bytes.byteLength), bytes)
  }

  message(field: number, message: Message): this {
    this.#push(varint((field << 3) | 2), varint(message.byteLength))
    for (const chunk of message.chunks) this.chunks.push(chunk)
    this.byteLength += message.byteLength
    return this
  }

  /** Whole numbers side by side in one field. */
  packed(field: number, values: readonly (number | bigint)[]): this {
    const content = new Message()
    for (const value of values) content.#push(varint(value))
    return this.message(field, content)
  }

  #push(...chunks: Uint8Array[]): this {
    for (const chunk of chunks) {
      this.chunks.push(chunk)
      this.byteLength += chunk.byteLength
    }
    return this
  }
}

function varint(value: number | bigint): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value))
  const bytes: number[] = []
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}
