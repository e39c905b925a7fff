/** Attributes (spec IV.A.2.m): in the object header, or in a fractal heap where there are many or large ones. */
import { ATTRIBUTE_NAMES, treeRecords } from './btree2.js'
import { type Cursor, unsupported } from './cursor.js'
import { type Dataspace, decodeDataspace } from './dataspace.js'
import { type Datatype, decodeDatatype } from './datatype.js'
import type { FileBytes } from './file-bytes.js'
import { FractalHeap } from './fractal-heap.js'
import { MESSAGE } from './messages.js'
import { findMessage, type ObjectHeader, sharedMessage } from './object-header.js'

/** An attribute whose value is yet to be decoded. */
export interface RawAttribute {
  readonly name: string
  read(): Promise<{ datatype: Datatype; dataspace: Dataspace; value: Cursor }>
}

export async function readAttributes(header: ObjectHeader): Promise<ReadonlyMap<string, RawAttribute>> {
  const { file } = header
  const attributes = new Map<string, RawAttribute>()
  const add = (cursor: Cursor): void => {
    const attribute = decodeAttribute(file, cursor)
    if (attributes.has(attribute.name)) throw cursor.damaged(`the attribute '${attribute.name}' comes twice`)
    attributes.set(attribute.name, attribute)
  }
  for (const { kind, shared, body } of header.messages) {
    if (kind !== MESSAGE.attribute) continue
    if (shared) throw unsupported(body, 'a shared attribute')
    add(body.again())
  }
  const info = await findMessage(header, MESSAGE.attributeInfo)
  if (info !== undefined) await readDense(file, info, add)
  return attributes
}

async function readDense(file: FileBytes, info: Cursor, add: (cursor: Cursor) => void): Promise<void> {
  info.expectVersion('the attribute info message', 0)
  const flags = info.u8()
  if (flags & 1) info.skip(2)
  const [heapAt, tree] = [info.address(), info.address()]
  if (heapAt === undefined) return
  if (tree === undefined) throw info.damaged('an object has a heap of attributes without a B-tree')
  const heap = await FractalHeap.open(file, heapAt)
  for await (const record of treeRecords(file, tree, ATTRIBUTE_NAMES)) {
    const SHARED = 2
    if (
      record
        .again()
        .skip(record.remaining - 9)
        .u8() & SHARED
    )
      throw unsupported(record, 'a shared attribute')
    add(await heap.object(record))
  }
}

function decodeAttribute(file: FileBytes, cursor: Cursor): RawAttribute {
  const version = cursor.expectVersion('an attribute', 1, 2, 3)
  const flags = cursor.u8()
  const [nameSize, typeSize, spaceSize] = [cursor.u16(), cursor.u16(), cursor.u16()]
  if (version === 3) cursor.skip(1)
  const padding = (size: number): number => (version === 1 ? (8 - (size % 8)) % 8 : 0)
  const field = (size: number): Cursor => {
    const part = cursor.part(size)
    cursor.skip(padding(size))
    return part
  }
  const name = field(nameSize).cString()
  const [type, space] = [field(typeSize), field(spaceSize)]
  const value = cursor.part(cursor.remaining)
  const [TYPE_SHARED, SPACE_SHARED] = [1, 2]
  return {
    name,
    async read() {
      const typeMessage = version > 1 && flags & TYPE_SHARED ? await sharedMessage(file, type.again(), MESSAGE.datatype) : type.again()
      if (version > 1 && flags & SPACE_SHARED) throw unsupported(space, 'a shared dataspace')
      const [datatype, dataspace] = [decodeDatatype(typeMessage), decodeDataspace(space.again())]
      const size = dataspace.size * datatype.itemSize
      if (size > value.bytes.byteLength)
        throw value.damaged(`${size} bytes should follow, but the attribute ends after ${value.bytes.byteLength}`)
      return { datatype, dataspace, value: value.again().part(size) }
    },
  }
}
