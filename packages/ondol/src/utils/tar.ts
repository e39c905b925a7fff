/**
 * Tar archives (POSIX ustar with pax headers, and GNU's long names), packed with gzip or not, read front to back. Only
 * plain files come out: links, devices and folders are passed over.
 */
import type { ByteSource } from '../core/bytes.js'
import { DataError } from '../core/errors.js'
import { piecesOf } from './gzip.js'

const BLOCK = 512
/** Names and pax headers are no longer than this. */
const LONGEST_NAME = 2 ** 16

export interface TarMember {
  /** As the archive has it: whoever makes a path of it checks where it leads. */
  readonly name: string
  readonly byteLength: number
  /** Its content, in pieces; what is not read is passed over. */
  pieces(): AsyncGenerator<Uint8Array, void, undefined>
}

/** @throws DataError, naming the place, when it is no tar file, damaged, or ends too early. */
export async function* tarMembers(source: ByteSource): AsyncGenerator<TarMember, void, undefined> {
  const input = new Input(source)
  let longName: string | undefined
  for (let index = 0; ; index++) {
    const start = input.position
    const header = await input.take(BLOCK, index === 0)
    if (header === undefined || header.every((byte) => byte === 0)) return
    const fail = (problem: string, received?: string): DataError =>
      new DataError({ where: `${source.name}, byte ${start} of the tar file`, problem, ...(received !== undefined && { received }) })
    const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0)
    if (Number.parseInt(textOf(header, 148, 8), 8) !== sum) throw fail('this is no tar file, or it is damaged')
    const size = sizeIn(header)
    if (!Number.isSafeInteger(size) || size < 0) throw fail('the size of a member makes no sense', textOf(header, 124, 12))
    const type = String.fromCharCode(header[156] as number)
    const prefix = textOf(header, 257, 6) === 'ustar' ? textOf(header, 345, 155) : ''
    const shortName = prefix === '' ? textOf(header, 0, 100) : `${prefix}/${textOf(header, 0, 100)}`
    const padded = Math.ceil(size / BLOCK) * BLOCK
    if (type === 'L' || type === 'x') {
      if (size > LONGEST_NAME) throw fail('a name is too long', `${size} bytes`)
      const text = ((await input.take(padded)) as Uint8Array).subarray(0, size)
      longName = type === 'L' ? textOf(text, 0, size) : (paxPath(text) ?? longName)
      continue
    }
    const name = longName ?? shortName
    if (type !== 'g') longName = undefined
    const end = input.position + padded
    if (!name.endsWith('/') && (type === '0' || type === '\0' || type === '7')) {
      const contentEnd = input.position + size
      yield { name, byteLength: size, pieces: () => input.until(contentEnd, name) }
    }
    for await (const _ of input.until(end, name));
  }
}

const textOf = (bytes: Uint8Array, from: number, length: number): string => {
  const field = bytes.subarray(from, from + length)
  const end = field.indexOf(0)
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end))
}

/** Octal digits, or, for large files, GNU's binary form. */
function sizeIn(header: Uint8Array): number {
  if (((header[124] as number) & 0x80) === 0) return Number.parseInt(textOf(header, 124, 12).trim() || '0', 8)
  return header.subarray(125, 136).reduce((total, byte) => total * 256 + byte, 0)
}

/** The `path` of a pax header: lines of `LENGTH KEY=VALUE`. */
function paxPath(bytes: Uint8Array): string | undefined {
  return /(?:^|\n)\d+ path=([^\n]*)\n/.exec(new TextDecoder().decode(bytes))?.[1]
}

/** Bytes as they come, counted. */
class Input {
  readonly #pieces: AsyncGenerator<Uint8Array, void, undefined>
  readonly #source: ByteSource
  #piece: Uint8Array = new Uint8Array(0)
  position = 0

  constructor(source: ByteSource) {
    this.#source = source
    this.#pieces = piecesOf(source)
  }

  /** Up to `most` bytes that lie together; none at the end. */
  async #next(most: number): Promise<Uint8Array> {
    while (this.#piece.length === 0) {
      const { done, value } = await this.#pieces.next()
      if (done) return new Uint8Array(0)
      this.#piece = value as Uint8Array
    }
    const part = this.#piece.subarray(0, most)
    this.#piece = this.#piece.subarray(part.length)
    this.position += part.length
    return part
  }

  /** `length` bytes; undefined at the very end, if the archive may end here. */
  async take(length: number, mustBe = false): Promise<Uint8Array | undefined> {
    const bytes = new Uint8Array(length)
    for (let have = 0; have < length; ) {
      const part = await this.#next(length - have)
      if (part.length === 0) {
        if (have === 0 && !mustBe) return undefined
        throw this.#cutOff()
      }
      bytes.set(part, have)
      have += part.length
    }
    return bytes
  }

  /** What comes up to a place. */
  async *until(end: number, member: string): AsyncGenerator<Uint8Array, void, undefined> {
    while (this.position < end) {
      const part = await this.#next(end - this.position)
      if (part.length === 0) throw this.#cutOff(member)
      yield part
    }
  }

  #cutOff(member?: string): DataError {
    return new DataError({
      where: `${this.#source.name}${member === undefined ? '' : ` → ${member}`}`,
      problem: 'the tar file ends too early',
      received: `${this.position} bytes`,
      hint: 'the file is damaged or was cut off: get it again',
    })
  }
}
