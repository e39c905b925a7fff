/** Huffman's codes and the bits between a scan's markers. */

/** Codes up to this length are looked up at once. */
const SHORT = 9

export interface HuffmanTable {
  /** By the next bits: 256 times the length of the code, plus its value; 0 where the code is longer. */
  readonly short: Uint16Array
  /** For each length: the last code of it (-1: none), and what to add to a code for the place of its value. */
  readonly lastCodes: Int32Array
  readonly offsets: Int32Array
  readonly values: Uint8Array
}

/** The table of these numbers of codes of 1 to 16 bits; undefined if there are more codes than bits allow. */
export function huffmanTable(counts: Uint8Array, values: Uint8Array): HuffmanTable | undefined {
  const short = new Uint16Array(1 << SHORT)
  const lastCodes = new Int32Array(17).fill(-1)
  const offsets = new Int32Array(17)
  let [code, place] = [0, 0]
  for (let length = 1; length <= 16; length++, code <<= 1) {
    const count = counts[length - 1] ?? 0
    if (code + count > 1 << length) return undefined
    offsets[length] = place - code
    for (let i = 0; i < count; i++, code++, place++) {
      if (length > SHORT) continue
      const start = code << (SHORT - length)
      short.fill(256 * length + (values[place] as number), start, start + (1 << (SHORT - length)))
    }
    if (count > 0) lastCodes[length] = code - 1
  }
  return { short, lastCodes, offsets, values }
}

/** Reads bits up to the next marker; whoever wants more gets an error. */
export class BitReader {
  readonly #bytes: Uint8Array
  readonly #fail: (at: number, problem: string) => Error
  #at: number
  #bits = 0
  #held = 0
  /** Bits among those held that stand for none. */
  #invented = 0

  constructor(bytes: Uint8Array, at: number, fail: (at: number, problem: string) => Error) {
    this.#bytes = bytes
    this.#at = at
    this.#fail = fail
  }

  /** Holds at least 16 bits (of which the last may be invented). */
  #fill(): void {
    while (this.#held <= 16) {
      const byte = this.#bytes[this.#at]
      if (byte === undefined || (byte === 0xff && this.#bytes[this.#at + 1] !== 0)) {
        this.#bits <<= 8
        this.#invented += 8
      } else {
        this.#bits = (this.#bits << 8) | byte
        this.#at += byte === 0xff ? 2 : 1
      }
      this.#held += 8
    }
  }

  #drop(count: number): void {
    this.#held -= count
    if (this.#held < this.#invented) throw this.#fail(this.#at, 'the data of the picture end too early')
  }

  bit(): number {
    if (this.#held < 1) this.#fill()
    const bit = (this.#bits >>> (this.#held - 1)) & 1
    this.#drop(1)
    return bit
  }

  /** Up to 16 bits. */
  bits(count: number): number {
    if (count === 0) return 0
    if (this.#held < count) this.#fill()
    const value = (this.#bits >>> (this.#held - count)) & ((1 << count) - 1)
    this.#drop(count)
    return value
  }

  /** A number of so many bits, the upper half of which is positive. */
  signed(count: number): number {
    if (count === 0) return 0
    const value = this.bits(count)
    return value < 1 << (count - 1) ? value - (1 << count) + 1 : value
  }

  value({ short, lastCodes, offsets, values }: HuffmanTable): number {
    if (this.#held < 16) this.#fill()
    const found = short[(this.#bits >>> (this.#held - SHORT)) & ((1 << SHORT) - 1)] as number
    if (found !== 0) {
      this.#drop(found >> 8)
      return found & 255
    }
    for (let length = SHORT + 1; length <= 16; length++) {
      const code = (this.#bits >>> (this.#held - length)) & ((1 << length) - 1)
      if (code > (lastCodes[length] as number)) continue
      this.#drop(length)
      return values[code + (offsets[length] as number)] as number
    }
    throw this.#fail(this.#at, 'there is no such code')
  }

  /** Goes over a restart marker. */
  restart(index: number): void {
    this.#bits = this.#held = this.#invented = 0
    while (this.#bytes[this.#at] === 0xff && this.#bytes[this.#at + 1] === 0xff) this.#at++
    if (this.#bytes[this.#at] !== 0xff || this.#bytes[this.#at + 1] !== 0xd0 + (index & 7))
      throw this.#fail(this.#at, `restart ${index & 7} is not where it should be`)
    this.#at += 2
  }

  /** Where the next marker is. */
  end(): number {
    let at = this.#at
    while (at < this.#bytes.length && (this.#bytes[at] !== 0xff || this.#bytes[at + 1] === 0)) at++
    return at
  }
}
