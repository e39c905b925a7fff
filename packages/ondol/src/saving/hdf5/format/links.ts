/**
 * The links of a group: of an old-style one (symbol table), or of a new-style one, in link messages (spec IV.A.2.g) in its
 * header, or in a fractal heap indexed by a B-tree of version 2.
 */
import { GROUP_TREE, leafChildren } from './btree1.js'
import { LINK_NAMES, treeRecords } from './btree2.js'
import { type Cursor, unsupported } from './cursor.js'
import { compareBytes } from './encoder.js'
import { type FileBytes, Walk } from './file-bytes.js'
import { FractalHeap } from './fractal-heap.js'
import { LocalHeap } from './local-heap.js'
import { MESSAGE } from './messages.js'
import { findMessage, type ObjectHeader } from './object-header.js'

export interface Link {
  /** Where the object is; undefined for links that lead elsewhere by name. */
  readonly address?: number
  readonly kind: 'hard' | 'soft' | 'external'
  /** When it was made, if the group remembers. */
  readonly order?: number
}

/** Whether the object is a group, and so has links. */
export const isGroup = ({ messages }: ObjectHeader): boolean =>
  messages.some(({ kind }) => kind === MESSAGE.symbolTable || kind === MESSAGE.linkInfo || kind === MESSAGE.link)

/** Links by name, in the order in which h5py lists them: as they were made if the group remembers, by name otherwise. */
export async function readLinks(header: ObjectHeader): Promise<ReadonlyMap<string, Link>> {
  const { file } = header
  const links = new Map<string, Link>()
  const add = (name: string, link: Link, cursor: Cursor): void => {
    if (name === '' || name === '.' || name.includes('/')) throw cursor.damaged(`${JSON.stringify(name)} cannot be a name`)
    if (links.has(name)) throw cursor.damaged(`the name '${name}' comes twice`)
    links.set(name, link)
  }
  const table = await findMessage(header, MESSAGE.symbolTable)
  if (table !== undefined) await readSymbolTable(file, table, add)
  for (const { kind, body } of header.messages) if (kind === MESSAGE.link) decodeLink(body.again(), add)
  const info = await findMessage(header, MESSAGE.linkInfo)
  if (info !== undefined) await readDenseLinks(file, info, add)
  return inOrder(links)
}

const HARD = 0
const SOFT = 1
const EXTERNAL = 64

type Add = (name: string, link: Link, cursor: Cursor) => void

async function readSymbolTable(file: FileBytes, message: Cursor, add: Add): Promise<void> {
  const [tree, heapAt] = [message.address(), message.address()]
  if (tree === undefined || heapAt === undefined) throw message.damaged('a group has no B-tree or no heap')
  const heap = await LocalHeap.read(file, heapAt)
  const walk = new Walk(file)
  const { address: width, length } = file.widths
  const entrySize = length + width + 24
  for await (const { address } of leafChildren(file, tree, GROUP_TREE, length)) {
    const header = (await file.cursor(address, 8)).expectSignature('SNOD')
    header.expectVersion('a symbol table node', 1)
    const size = header.skip(1).u16() * entrySize
    walk.claim(address, 8 + size)
    const entries = await file.cursor(address + 8, size)
    while (entries.remaining > 0) {
      const entry = entries.part(entrySize)
      const name = heap.name(entry.length())
      const object = entry.address()
      const CACHED_SOFT_LINK = 2
      const isSoft = entry.u32() === CACHED_SOFT_LINK
      if (object === undefined && !isSoft) throw entry.damaged(`the link '${name}' leads nowhere`)
      add(name, isSoft ? { kind: 'soft' } : { kind: 'hard', address: object! }, entry)
    }
  }
}

async function readDenseLinks(file: FileBytes, info: Cursor, add: Add): Promise<void> {
  info.expectVersion('the link info message', 0)
  const flags = info.u8()
  if (flags & 1) info.skip(8)
  const [heapAt, tree] = [info.address(), info.address()]
  if (heapAt === undefined) return
  if (tree === undefined) throw info.damaged('a group has a heap of links without a B-tree')
  const heap = await FractalHeap.open(file, heapAt)
  for await (const record of treeRecords(file, tree, LINK_NAMES)) decodeLink(await heap.object(record.skip(4)), add)
}

function decodeLink(cursor: Cursor, add: Add): void {
  cursor.expectVersion('a link message', 1)
  const flags = cursor.u8()
  const type = flags & 8 ? cursor.u8() : HARD
  const made = flags & 4 ? { order: cursor.uint(8) } : {}
  if (flags & 16) cursor.skip(1)
  const name = cursor.text(cursor.uint(1 << (flags & 3)))
  if (type === SOFT || type === EXTERNAL) {
    add(name, { kind: type === SOFT ? 'soft' : 'external', ...made }, cursor)
    return
  }
  if (type !== HARD) throw unsupported(cursor, `a link of kind ${type}`)
  const address = cursor.address()
  if (address === undefined) throw cursor.damaged(`the link '${name}' leads nowhere`)
  add(name, { kind: 'hard', address, ...made }, cursor)
}

function inOrder(links: ReadonlyMap<string, Link>): ReadonlyMap<string, Link> {
  const utf8 = new TextEncoder()
  const all = [...links].map(([name, link]) => ({ name, link, bytes: utf8.encode(name) }))
  const isTracked = all.every(({ link }) => link.order !== undefined)
  all.sort(isTracked ? (a, b) => a.link.order! - b.link.order! : (a, b) => compareBytes(a.bytes, b.bytes))
  return new Map(all.map(({ name, link }) => [name, link]))
}
