/**
 * Reads zip archives from strangers: every size is checked against the bytes that are there before it is
 * believed, members may not overlap, names may not leave the archive, and inflating stops at the declared size.
 */
import { type ByteSource, rangeOf, sourceOf } from '../../core/bytes.js'
import { SavingError } from '../../core/errors.js'
import { crc32 } from './crc32.js'
import { inflateMember } from './inflate.js'
import { DEFLATE, ENCRYPTED_FLAG, ESCAPE_16, ESCAPE_32, extra64, LENGTHS, SIGNATURES, type ZipEntry } from './records.js'

/** Far more than any model has; each entry costs memory. */
const MOST_MEMBERS = 65_536
const LONGEST_DIRECTORY = 64 * 2 ** 20
/** Deflated members may not grow more than this, once they are larger than the floor: nothing that Keras writes does. */
const LARGEST_EXPANSION = 100
const EXPANSION_FLOOR = 64 * 2 ** 20
const CHUNK = 2 ** 22

export class ZipReader {
  readonly #source: ByteSource
  /** By name, in the order of the archive. Folders are left out. */
  readonly members: ReadonlyMap<string, ZipEntry>

  private constructor(source: ByteSource, members: ReadonlyMap<string, ZipEntry>) {
    this.#source = source
    this.members = members
  }

  /** @throws SavingError when the archive is damaged, or made to do harm. */
  static async open(source: ByteSource): Promise<ZipReader> {
    const directory = await findDirectory(source)
    const entries = readDirectory(source, await readRange(source, directory.offset, directory.size), directory)
    await checkPlaces(source, entries, directory.offset)
    return new ZipReader(source, new Map(entries.filter(({ name }) => !name.endsWith('/')).map((entry) => [entry.name, entry])))
  }

  #entry(name: string): ZipEntry {
    const entry = this.members.get(name)
    if (entry !== undefined) return entry
    const names = [...this.members.keys()].slice(0, 10).join(', ')
    throw new SavingError({
      where: this.#source.name,
      problem: `the archive has no member '${name}'`,
      received: names || 'an empty archive',
    })
  }

  /** A whole member of at most `limit` bytes. */
  async read(name: string, limit: number): Promise<Uint8Array> {
    const entry = this.#entry(name)
    if (entry.byteLength > limit) {
      throw damaged(this.#source, `'${name}' is too large`, `${entry.byteLength} bytes; at most ${limit} make sense`)
    }
    const member = await this.open(name)
    return readRange(member, 0, member.byteLength)
  }

  /** A member to read ranges of. Its checksum has been checked: one that is stored is read through once. */
  async open(name: string): Promise<ByteSource> {
    const entry = this.#entry(name)
    const where = `${this.#source.name} → ${name}`
    const stored = rangeOf(this.#source, await dataStart(this.#source, entry), entry.storedLength, where)
    if (!entry.isDeflated) {
      if ((await checksumOf(stored)) !== entry.crc) throw damaged(this.#source, `the contents of '${name}' do not match their checksum`)
      return stored
    }
    const { byteLength, storedLength } = entry
    if (byteLength > EXPANSION_FLOOR && byteLength > LARGEST_EXPANSION * storedLength) {
      throw damaged(this.#source, `'${name}' would grow to much more than is stored of it`, `${storedLength} bytes for ${byteLength}`)
    }
    return sourceOf(await inflateMember(stored, entry.byteLength, entry.crc), where)
  }
}

function damaged(source: ByteSource, problem: string, received?: string): SavingError {
  return new SavingError({
    where: source.name,
    problem,
    ...(received !== undefined && { received }),
    hint: 'the archive is damaged, was not written to its end, or was made to do harm',
  })
}

async function readRange(source: ByteSource, position: number, byteLength: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(byteLength)
  await source.read(position, bytes)
  return bytes
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView => new DataView(buffer, byteOffset, byteLength)

async function checksumOf(source: ByteSource): Promise<number> {
  const chunk = new Uint8Array(Math.min(CHUNK, source.byteLength))
  let crc = 0
  for (let at = 0; at < source.byteLength; at += chunk.length) {
    const part = chunk.subarray(0, Math.min(chunk.length, source.byteLength - at))
    await source.read(at, part)
    crc = crc32(part, crc)
  }
  return crc
}

interface Directory {
  readonly count: number
  readonly offset: number
  readonly size: number
}

/** The end record stands at the end of the file, before a comment of at most 64 KiB. */
async function findDirectory(source: ByteSource): Promise<Directory> {
  const tailLength = Math.min(source.byteLength, LENGTHS.end + ESCAPE_16)
  const tailStart = source.byteLength - tailLength
  const tail = viewOf(await readRange(source, tailStart, tailLength))
  for (let at = tailLength - LENGTHS.end; at >= 0; at--) {
    const isEnd = tail.getUint32(at, true) === SIGNATURES.end && at + LENGTHS.end + tail.getUint16(at + 20, true) === tailLength
    if (!isEnd) continue
    const short = { count: tail.getUint16(at + 10, true), size: tail.getUint32(at + 12, true), offset: tail.getUint32(at + 16, true) }
    const is64 = short.count === ESCAPE_16 || short.size === ESCAPE_32 || short.offset === ESCAPE_32
    const directory = is64 ? await findDirectory64(source, tailStart + at) : short
    const { count, offset, size } = directory
    if (offset + size > tailStart + at) throw damaged(source, 'the table of contents does not lie in the archive')
    if (count > MOST_MEMBERS || size > LONGEST_DIRECTORY || count * LENGTHS.central > size)
      throw damaged(source, 'the table of contents cannot be true', `${count} members in ${size} bytes`)
    return directory
  }
  throw new SavingError({
    where: source.name,
    problem: 'this is no zip archive, so no .keras file, or one without its end',
    received: `${source.byteLength} bytes`,
    hint: 'a download or a copy may have stopped halfway',
  })
}

async function findDirectory64(source: ByteSource, end: number): Promise<Directory> {
  const fail = (): SavingError => damaged(source, 'the 64-bit end record is not where it should be')
  if (end < LENGTHS.locator64) throw fail()
  const locator = viewOf(await readRange(source, end - LENGTHS.locator64, LENGTHS.locator64))
  const position = Number(locator.getBigUint64(8, true))
  if (locator.getUint32(0, true) !== SIGNATURES.locator64 || position + LENGTHS.end64 > end) throw fail()
  const record = viewOf(await readRange(source, position, LENGTHS.end64))
  if (record.getUint32(0, true) !== SIGNATURES.end64) throw fail()
  const u64 = (at: number): number => Number(record.getBigUint64(at, true))
  return { count: u64(32), size: u64(40), offset: u64(48) }
}

function readDirectory(source: ByteSource, bytes: Uint8Array, { count }: Directory): ZipEntry[] {
  const view = viewOf(bytes)
  const names = new Set<string>()
  const entries: ZipEntry[] = []
  let at = 0
  for (let i = 0; i < count; i++) {
    if (at + LENGTHS.central > bytes.length || view.getUint32(at, true) !== SIGNATURES.central)
      throw damaged(source, `entry ${i} of the table of contents is not there`)
    const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)]
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) => view.getUint16(at + field, true)) as [
      number,
      number,
      number,
    ]
    const nameStart = at + LENGTHS.central
    const next = nameStart + nameLength + extraLength + commentLength
    if (next > bytes.length) throw damaged(source, `entry ${i} of the table of contents is cut off`)
    const name = new TextDecoder().decode(bytes.subarray(nameStart, nameStart + nameLength))
    requireSafeName(source, name)
    if (names.has(name)) throw damaged(source, `there are two members called '${name}'`)
    names.add(name)
    if ((flags & ENCRYPTED_FLAG) !== 0) throw damaged(source, `'${name}' is encrypted`)
    if (method !== 0 && method !== DEFLATE)
      throw damaged(source, `'${name}' is compressed in a way that is not known here`, `method ${method}`)
    const large = extra64(viewOf(bytes.subarray(nameStart + nameLength, nameStart + nameLength + extraLength)))
    const wide = (field: number): number => {
      const value = view.getUint32(at + field, true)
      return value === ESCAPE_32 ? (large.shift() ?? value) : value
    }
    const [byteLength, storedLength, offset] = [wide(24), wide(20), wide(42)] as [number, number, number]
    if (method === 0 && byteLength !== storedLength)
      throw damaged(source, `'${name}' is stored, but in another size`, `${storedLength} for ${byteLength} bytes`)
    entries.push({ name, isDeflated: method === DEFLATE, crc: view.getUint32(at + 16, true), byteLength, storedLength, offset })
    at = next
  }
  return entries
}

/** Names are paths inside the archive. */
function requireSafeName(source: ByteSource, name: string): void {
  const isUnsafe = name === '' || name.startsWith('/') || /[\\\0]/.test(name) || /^[a-z]:/i.test(name) || name.split('/').includes('..')
  if (isUnsafe) throw damaged(source, 'the name of a member leads out of the archive', JSON.stringify(name))
}

/** Members lie one after the other, before the table of contents. */
async function checkPlaces(source: ByteSource, entries: readonly ZipEntry[], limit: number): Promise<void> {
  const sorted = [...entries].sort((a, b) => a.offset - b.offset)
  for (const [index, entry] of sorted.entries()) {
    const end = (sorted[index + 1]?.offset ?? limit) as number
    if (entry.offset + LENGTHS.local + entry.storedLength > end) throw damaged(source, `'${entry.name}' overlaps what comes after it`)
  }
}

/** Where a member's bytes begin, by its local header, which must tell the same name. */
async function dataStart(source: ByteSource, { name, offset }: ZipEntry): Promise<number> {
  const header = viewOf(await readRange(source, offset, LENGTHS.local))
  const nameLength = header.getUint16(26, true)
  if (header.getUint32(0, true) !== SIGNATURES.local) throw damaged(source, `the header of '${name}' is not where it should be`)
  const nameStart = offset + LENGTHS.local
  if (nameStart + nameLength > source.byteLength) throw damaged(source, `the header of '${name}' is cut off`)
  if (new TextDecoder().decode(await readRange(source, nameStart, nameLength)) !== name)
    throw damaged(source, `the header of '${name}' tells another name`)
  return nameStart + nameLength + header.getUint16(28, true)
}
