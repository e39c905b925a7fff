/** Object headers (spec IV.A.1): the messages that say what an object is. Versions 1 and 2, with their continuations. */
import { type Cursor, damagedAt, unsupported, unsupportedAt } from './cursor.js'
import { type FileBytes, verifyChecksum, Walk } from './file-bytes.js'
import { MESSAGE } from './messages.js'

export interface Message {
  readonly kind: number
  readonly shared: boolean
  readonly body: Cursor
}

export interface ObjectHeader {
  /** The file, as read for this object. */
  readonly file: FileBytes
  readonly address: number
  readonly messages: readonly Message[]
}

const SHARED = 2
/** Who does not know the message must not open the object. */
const FAIL_IF_UNKNOWN = 0x80
const HIGHEST_KNOWN = 0x18

export async function readObjectHeader(anyFile: FileBytes, address: number): Promise<ObjectHeader> {
  const file = anyFile.ownedBy(address)
  const start = await file.beginning(address, 34)
  const isNew = start.bytes[0] === 0x4f // 'O' of OHDR
  const header = isNew ? await readNew(file, address, start) : await readOld(file, address, start)
  for (const { kind, body, flags } of header)
    if (kind > HIGHEST_KNOWN && flags & FAIL_IF_UNKNOWN) throw unsupported(body, `the header message ${kind}`)
  return { file, address, messages: header.filter(({ kind }) => kind !== MESSAGE.nil) }
}

type RawMessage = Message & { readonly flags: number }

async function readOld(file: FileBytes, address: number, start: Cursor): Promise<RawMessage[]> {
  start.expectVersion('the object header', 1)
  const count = start.skip(1).u16()
  const size = start.skip(4).u32()
  const block = (at: number, blockSize: number): Promise<Cursor> => file.cursor(at, blockSize)
  const parse = (cursor: Cursor): RawMessage | undefined => {
    if (cursor.remaining < 8) return undefined
    const [kind, bodySize, flags] = [cursor.u16(), cursor.u16(), cursor.u8()]
    return { kind, flags, shared: (flags & SHARED) !== 0, body: cursor.skip(3).part(bodySize) }
  }
  return readBlocks(file, { at: address + 16, size }, block, parse, count)
}

async function readNew(file: FileBytes, address: number, start: Cursor): Promise<RawMessage[]> {
  start.expectSignature('OHDR').expectVersion('the object header', 2)
  const flags = start.u8()
  start.skip((flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0))
  const size = start.uint(1 << (flags & 3))
  const prefix = start.offset
  const parse = (cursor: Cursor): RawMessage | undefined => {
    const headerSize = flags & 4 ? 6 : 4
    if (cursor.remaining < headerSize) return undefined // a gap
    const [kind, bodySize, messageFlags] = [cursor.u8(), cursor.u16(), cursor.u8()]
    const body = cursor.skip(headerSize - 4).part(bodySize)
    return { kind, flags: messageFlags, shared: (messageFlags & SHARED) !== 0, body }
  }
  const block = async (at: number, blockSize: number): Promise<Cursor> => {
    const isFirst = at === address
    if (!isFirst && blockSize < 8) throw damagedAt(file.base + at, `a continuation of ${blockSize} bytes is too small`)
    const cursor = await file.cursor(at, blockSize)
    verifyChecksum(cursor)
    if (isFirst) cursor.skip(prefix)
    else cursor.expectSignature('OCHK')
    return cursor.part(cursor.remaining - 4)
  }
  return readBlocks(file, { at: address, size: prefix + size + 4 }, block, parse, Number.POSITIVE_INFINITY)
}

/** Reads the first block and those that continuation messages name. */
async function readBlocks(
  file: FileBytes,
  first: { at: number; size: number },
  read: (at: number, size: number) => Promise<Cursor>,
  parse: (cursor: Cursor) => RawMessage | undefined,
  count: number,
): Promise<RawMessage[]> {
  const walk = new Walk(file)
  const messages: RawMessage[] = []
  const waiting = [first]
  for (const { at, size } of waiting) {
    walk.claim(at, size)
    const cursor = await read(at, size)
    while (messages.length < count) {
      const message = parse(cursor)
      if (message === undefined) break
      messages.push(message)
      if (message.kind !== MESSAGE.continuation) continue
      const next = message.body.address()
      if (next === undefined) throw message.body.damaged('a continuation leads nowhere')
      waiting.push({ at: next, size: message.body.length() })
    }
  }
  return messages
}

/** The body of the message of this kind, if there is one; a shared one is fetched from where it is (spec IV.A.2, shared messages). */
export async function findMessage(header: ObjectHeader, kind: number): Promise<Cursor | undefined> {
  const message = header.messages.find((candidate) => candidate.kind === kind)
  if (message === undefined || !message.shared) return message?.body.again()
  return sharedMessage(header.file, message.body.again(), kind)
}

/** Follows a shared message to the object header that holds it, such as a committed datatype. */
export async function sharedMessage(file: FileBytes, cursor: Cursor, kind: number): Promise<Cursor> {
  const version = cursor.expectVersion('a shared message', 1, 2, 3)
  const place = cursor.u8()
  const IN_SHARED_HEAP = 1
  if (version === 3 && place === IN_SHARED_HEAP) throw unsupported(cursor, 'a message in the shared message table')
  if (version === 1) cursor.skip(6)
  const address = cursor.address()
  if (address === undefined) throw cursor.damaged('a shared message is nowhere')
  const owner = await readObjectHeader(file, address)
  const message = owner.messages.find((candidate) => candidate.kind === kind)
  if (message === undefined) throw damagedAt(file.base + address, 'the object here has no message to share')
  if (message.shared) throw unsupportedAt(file.base + address, 'a shared message that is itself shared')
  return message.body.again()
}
