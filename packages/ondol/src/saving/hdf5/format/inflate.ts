/**
 * Inflate (RFC 1951) in a zlib wrapper (RFC 1950). It never writes more than it was told to expect, so that packed data cannot
 * grow beyond a chunk; it works the same in every runtime, at once, and without a stream for each chunk.
 */
import { damagedAt } from './cursor.js'

const LENGTH_BASE = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258]
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]
const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385,
  24577,
]
const DISTANCE_EXTRA = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13]
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

const END_OF_BLOCK = 256
const LONGEST_CODE = 15

/** Unpacks at most `limit` bytes; `position` says where `packed` lies in the file, for errors. */
export function inflateZlib(packed: Uint8Array, limit: number, position: number): Uint8Array {
  const bad = (problem: string): Error => damagedAt(position, `packed data cannot be unpacked: ${problem}`)
  const method = packed[0] ?? 0
  const flags = packed[1] ?? 0
  if (packed.byteLength < 6 || (method & 15) !== 8 || (method * 256 + flags) % 31 !== 0 || flags & 32)
    throw bad('it does not begin as zlib does')
  const inflater = new Inflater(packed, limit, bad)
  const bytes = inflater.run()
  const at = inflater.end
  if (at + 4 > packed.byteLength) throw bad('it ends too early')
  const stored = new DataView(packed.buffer, packed.byteOffset + at, 4).getUint32(0)
  if (adler32(bytes) !== stored) throw bad('its checksum is wrong')
  return bytes
}

/** A Huffman code: for the next 15 bits the symbol (in the high bits) and the length of its code (low four), 0 where there is none. */
type Code = Uint16Array

class Inflater {
  #at = 2
  #bits = 0
  #bitCount = 0
  #out: Uint8Array
  #length = 0

  constructor(
    readonly packed: Uint8Array,
    readonly limit: number,
    readonly bad: (problem: string) => Error,
  ) {
    // Deflate cannot make more than 1032 bytes of one, so this is never too much to ask for.
    this.#out = new Uint8Array(Math.min(limit, 1032 * packed.byteLength))
  }

  /** Where the next whole byte of `packed` is. */
  get end(): number {
    return this.#at - (this.#bitCount >> 3)
  }

  run(): Uint8Array {
    for (let isLast = false; !isLast; ) {
      isLast = this.#take(1) === 1
      const kind = this.#take(2)
      if (kind === 0) this.#stored()
      else if (kind === 1) this.#compressed(FIXED_LITERALS, FIXED_DISTANCES)
      else if (kind === 2) this.#dynamic()
      else throw this.bad('a block is of no known kind')
    }
    return this.#out.subarray(0, this.#length)
  }

  #stored(): void {
    this.#at = this.end
    this.#bits = this.#bitCount = 0
    const { packed } = this
    const size = (packed[this.#at] ?? 0) | ((packed[this.#at + 1] ?? 0) << 8)
    const inverse = (packed[this.#at + 2] ?? 0) | ((packed[this.#at + 3] ?? 0) << 8)
    this.#at += 4
    if (size !== (~inverse & 0xffff) || this.#at + size > packed.byteLength) throw this.bad('it ends too early')
    if (this.#length + size > this.#out.byteLength) throw this.bad(`more than ${this.limit} bytes come out`)
    this.#out.set(packed.subarray(this.#at, this.#at + size), this.#length)
    this.#at += size
    this.#length += size
  }

  #dynamic(): void {
    const [literals, distances, codes] = [this.#take(5) + 257, this.#take(5) + 1, this.#take(4) + 4]
    const codeLengths = new Uint8Array(19)
    for (let i = 0; i < codes; i++) codeLengths[CODE_LENGTH_ORDER[i]!] = this.#take(3)
    const lengthCode = this.#code(codeLengths)
    const lengths = new Uint8Array(literals + distances)
    for (let i = 0; i < lengths.length; ) {
      const symbol = this.#symbol(lengthCode)
      if (symbol < 16) {
        lengths[i++] = symbol
        continue
      }
      const isRepeat = symbol === 16
      const count = isRepeat ? 3 + this.#take(2) : symbol === 17 ? 3 + this.#take(3) : 11 + this.#take(7)
      if (i + count > lengths.length || (isRepeat && i === 0)) throw this.bad('a code is longer than said')
      lengths.fill(isRepeat ? lengths[i - 1]! : 0, i, i + count)
      i += count
    }
    this.#compressed(this.#code(lengths.subarray(0, literals)), this.#code(lengths.subarray(literals)))
  }

  #compressed(literals: Code, distances: Code): void {
    const out = this.#out
    for (;;) {
      const symbol = this.#symbol(literals)
      if (symbol === END_OF_BLOCK) return
      if (symbol < END_OF_BLOCK) {
        if (this.#length === out.byteLength) throw this.bad(`more than ${this.limit} bytes come out`)
        out[this.#length++] = symbol
        continue
      }
      const lengthIndex = symbol - 257
      if (lengthIndex >= LENGTH_BASE.length) throw this.bad('a length has no meaning')
      const length = LENGTH_BASE[lengthIndex]! + this.#take(LENGTH_EXTRA[lengthIndex]!)
      const distanceIndex = this.#symbol(distances)
      if (distanceIndex >= DISTANCE_BASE.length) throw this.bad('a distance has no meaning')
      const distance = DISTANCE_BASE[distanceIndex]! + this.#take(DISTANCE_EXTRA[distanceIndex]!)
      const from = this.#length - distance
      if (from < 0) throw this.bad('a distance leads before the beginning')
      if (this.#length + length > out.byteLength) throw this.bad(`more than ${this.limit} bytes come out`)
      if (distance >= length) out.copyWithin(this.#length, from, from + length)
      else for (let i = 0; i < length; i++) out[this.#length + i] = out[from + i]!
      this.#length += length
    }
  }

  #fill(count: number): void {
    while (this.#bitCount < count) {
      // A few zeros beyond the end let the last code be looked up; more means that it ended too early.
      if (this.#at > this.packed.byteLength + 4) throw this.bad('it ends too early')
      this.#bits |= (this.packed[this.#at++] ?? 0) << this.#bitCount
      this.#bitCount += 8
    }
  }

  #take(count: number): number {
    if (count === 0) return 0
    this.#fill(count)
    const value = this.#bits & ((1 << count) - 1)
    this.#bits >>>= count
    this.#bitCount -= count
    return value
  }

  #symbol(code: Code): number {
    this.#fill(LONGEST_CODE)
    const entry = code[this.#bits & 0x7fff]!
    const length = entry & 15
    if (length === 0) throw this.bad('a code has no meaning')
    this.#bits >>>= length
    this.#bitCount -= length
    return entry >> 4
  }

  #code(lengths: Uint8Array): Code {
    const code = buildCode(lengths)
    if (code === undefined) throw this.bad('a code is not whole')
    return code
  }
}

/** Canonical Huffman codes as a table over their bits in the order in which they come; undefined if more codes are asked for than exist. */
function buildCode(lengths: Uint8Array): Code | undefined {
  const counts = new Uint16Array(LONGEST_CODE + 1)
  for (const length of lengths) if (length > 0) counts[length]!++
  const next = new Uint16Array(LONGEST_CODE + 1)
  let code = 0
  for (let length = 1; length <= LONGEST_CODE; length++) {
    code = (code + (length > 1 ? counts[length - 1]! : 0)) << 1
    next[length] = code
    if (code + counts[length]! > 1 << length) return undefined
  }
  const table = new Uint16Array(1 << LONGEST_CODE)
  for (const [symbol, length] of lengths.entries()) {
    if (length === 0) continue
    const entry = (symbol << 4) | length
    for (let bits = reversed(next[length]!++, length); bits < table.length; bits += 1 << length) table[bits] = entry
  }
  return table
}

function reversed(code: number, length: number): number {
  let result = 0
  for (let i = 0; i < length; i++) result |= ((code >> i) & 1) << (length - 1 - i)
  return result
}

const FIXED_LITERALS = buildCode(Uint8Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8))) as Code
const FIXED_DISTANCES = buildCode(new Uint8Array(30).fill(5)) as Code

export function adler32(bytes: Uint8Array): number {
  let [a, b] = [1, 0]
  for (let i = 0; i < bytes.byteLength; ) {
    for (const end = Math.min(i + 3800, bytes.byteLength); i < end; i++) {
      a += bytes[i]!
      b += a
    }
    a %= 65521
    b %= 65521
  }
  return ((b << 16) | a) >>> 0
}
