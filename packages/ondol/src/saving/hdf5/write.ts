/**
 * Writes a file as h5py does by default: superblock 0, symbol tables, contiguous datasets, so that every HDF5 library
 * reads it. All sizes are known beforehand, so the file is written from front to back: first everything that
 * describes, then the numbers, part by part.
 */
import type { ByteSink } from '../../core/bytes.js'
import { SavingError } from '../../core/errors.js'
import { DatasetDraft, type GroupDraft } from './draft.js'
import { encodeDataspace } from './format/dataspace.js'
import { encodeDatatype } from './format/datatype.js'
import { aligned, Encoder } from './format/encoder.js'
import { GlobalHeapWriter } from './format/global-heap.js'
import {
  encodeAttribute,
  encodeContiguousLayout,
  encodeDefaultFill,
  encodeObjectHeader,
  MESSAGE,
  type MessageToWrite,
  objectHeaderSize,
} from './format/messages.js'
import { encodeSuperblock, SUPERBLOCK_SIZE } from './format/superblock.js'
import { planSymbolTable, type SymbolTableAddresses } from './format/symbol-table.js'
import type { H5Content, H5Stream } from './types.js'
import { storedBytes, storedSize, streamedBytes } from './values.js'

/**
 * Writes the file with this root group, from front to back. Throws a `SavingError` where the elements of a dataset do not
 * fill its shape.
 *
 * @example
 * const root = new GroupDraft()
 * root.dataset('vars/0', { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) })
 * const sink = new MemorySink(hdf5Size(root))
 * await writeHdf5(root, sink)
 */
export async function writeHdf5(root: GroupDraft, sink: ByteSink): Promise<void> {
  const plan = new FilePlan(root)
  await sink.write(plan.description())
  for (const { path, size, parts } of plan.values) {
    await inObject(path, async () => {
      for await (const part of parts) await sink.write(part)
    })
    if (size % 8 !== 0) await sink.write(new Uint8Array(aligned(size) - size))
  }
}

const utf8 = new TextEncoder()

/** How many bytes `writeHdf5` will write. */
export const hdf5Size = (root: GroupDraft): number => new FilePlan(root).byteLength

interface Values {
  readonly path: string
  readonly size: number
  readonly parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
  address: number
}

interface Node {
  readonly path: string
  readonly draft: GroupDraft | DatasetDraft
  address: number
}

/** Gives everything its place. What refers to others is encoded when all places are known. */
class FilePlan {
  readonly values: Values[] = []
  readonly #pieces: (() => Uint8Array)[] = []
  #end = 0
  readonly #heap = new GlobalHeapWriter((size, encode) => this.#allocate(size, encode))

  constructor(draft: GroupDraft) {
    const root: Node = { path: '', draft, address: 0 }
    this.#allocate(SUPERBLOCK_SIZE, () => encodeSuperblock(this.byteLength, root.address, table))
    const { table, children } = this.#planGroup(root, draft)
    const waiting = children
    for (const node of waiting) {
      if (node.draft instanceof DatasetDraft) this.#planDataset(node, node.draft)
      else for (const child of this.#planGroup(node, node.draft).children) waiting.push(child)
    }
    for (const values of this.values) {
      values.address = this.#end
      this.#end += aligned(values.size)
    }
  }

  get byteLength(): number {
    return this.#end
  }

  /** All but the numbers of datasets: the first part of the file. */
  description(): Uint8Array {
    const out = new Encoder()
    for (const encode of this.#pieces) out.raw(encode()).align()
    return out.bytes
  }

  /** Reserves the next `size` bytes for what `encode` will give. */
  #allocate(size: number, encode: () => Uint8Array): number {
    const address = this.#end
    this.#end += aligned(size)
    this.#pieces.push(encode)
    return address
  }

  #planGroup(node: Node, draft: GroupDraft): { table: SymbolTableAddresses; children: Node[] } {
    const children: Node[] = []
    const links = [...draft.children].map(([name, childDraft]) => {
      const child: Node = { path: `${node.path}/${name}`, draft: childDraft, address: 0 }
      children.push(child)
      return { name: utf8.encode(name), address: () => child.address }
    })
    const table = planSymbolTable(links, (size, encode) => this.#allocate(size, encode))
    this.#planHeader(node, () => [{ kind: MESSAGE.symbolTable, body: new Encoder().u64(table.tree).u64(table.heap).bytes }])
    return { table, children }
  }

  #planDataset(node: Node, { content }: DatasetDraft): void {
    const values = inObject(node.path, (): Values => {
      const isStream = content.shape !== null && typeof content.data === 'function'
      const parts = isStream ? streamedBytes(content as H5Stream) : [storedBytes(content as H5Content, this.#heap)]
      return { path: node.path, size: storedSize(content), parts, address: 0 }
    })
    this.values.push(values)
    this.#planHeader(node, () => [
      { kind: MESSAGE.dataspace, body: encodeDataspace(content.shape) },
      { kind: MESSAGE.datatype, body: encodeDatatype(content.dtype, content.itemSize) },
      { kind: MESSAGE.fillValue, body: encodeDefaultFill() },
      { kind: MESSAGE.layout, body: encodeContiguousLayout(values.address, values.size) },
    ])
  }

  /** `ownMessages` is called twice: for their size now, and once all addresses are known. */
  #planHeader(node: Node, ownMessages: () => MessageToWrite[]): void {
    const attributes = inObject(node.path, () =>
      [...node.draft.attributes].map(([name, content]) =>
        encodeAttribute(
          name,
          encodeDatatype(content.dtype, content.itemSize),
          encodeDataspace(content.shape),
          storedBytes(content, this.#heap),
        ),
      ),
    )
    const size = objectHeaderSize([...ownMessages(), ...attributes])
    node.address = this.#allocate(size, () => encodeObjectHeader([...ownMessages(), ...attributes]))
  }
}

/** Runs `action`; an error says at which object it happened. */
function inObject<T>(path: string, action: () => T): T {
  const within = (error: unknown): never => {
    throw error instanceof SavingError ? error.within(path || '/') : error
  }
  try {
    const result = action()
    return result instanceof Promise ? (result.catch(within) as T) : result
  } catch (error) {
    return within(error)
  }
}
