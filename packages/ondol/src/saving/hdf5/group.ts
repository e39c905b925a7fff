/** A group of a file: named links to groups and datasets. */
import { SavingError } from '../../core/errors.js'
import { type H5Dataset, readDataset } from './dataset.js'
import { type RawAttribute, readAttributes } from './format/attribute.js'
import type { FileBytes } from './format/file-bytes.js'
import { isGroup, type Link, readLinks } from './format/links.js'
import { MESSAGE } from './format/messages.js'
import { type ObjectHeader, readObjectHeader } from './format/object-header.js'
import { H5Object, located } from './object.js'

const DEEPEST = 512

export class H5Group extends H5Object {
  readonly kind = 'group'
  readonly #links: ReadonlyMap<string, Link>
  readonly #address: number
  readonly #parent: H5Group | undefined
  readonly #children = new Map<string, Promise<H5Group>>()

  constructor(
    file: FileBytes,
    path: string,
    attributes: ReadonlyMap<string, RawAttribute>,
    links: ReadonlyMap<string, Link>,
    address: number,
    parent: H5Group | undefined,
  ) {
    super(file, path, attributes)
    this.#links = links
    this.#address = address
    this.#parent = parent
  }

  /** Names of what is in the group, as h5py lists them: in the order in which they were made if the file says so, by name otherwise. */
  keys(): readonly string[] {
    return [...this.#links.keys()]
  }

  /** The group or dataset at `path` below this group, or undefined if there is none. Links that leave the file or lead to other names are refused. */
  async get(path: string): Promise<H5Group | H5Dataset | undefined> {
    let node: H5Group | H5Dataset | undefined = this
    for (const name of path.split('/')) {
      if (name === '') continue
      if (node?.kind !== 'group') return undefined
      node = await node.#child(name)
    }
    return node
  }

  async has(path: string): Promise<boolean> {
    return (await this.get(path)) !== undefined
  }

  /** The group at `path`; throws a `SavingError` if there is none. */
  async group(path: string): Promise<H5Group> {
    const node = await this.get(path)
    if (node?.kind !== 'group') throw this.#missing('group', path, node)
    return node
  }

  /** The dataset at `path`; throws a `SavingError` if there is none. */
  async dataset(path: string): Promise<H5Dataset> {
    const node = await this.get(path)
    if (node?.kind !== 'dataset') throw this.#missing('dataset', path, node)
    return node
  }

  async #child(name: string): Promise<H5Group | H5Dataset | undefined> {
    const link = this.#links.get(name)
    if (link === undefined) return undefined
    const known = this.#children.get(name)
    if (known !== undefined) return known
    const path = `${this.path === '/' ? '' : this.path}/${name}`
    const node = await located(this.file, path, async () => {
      const { kind, address } = link
      if (kind !== 'hard' || address === undefined)
        throw new SavingError({
          problem: kind === 'external' ? 'the link leads to another file' : 'the link leads to a name (a soft link)',
          hint: 'only objects that are in the file, at this place, are read: store the object itself',
        })
      this.#checkWayTo(address)
      const header = await readObjectHeader(this.file, address)
      if (isGroup(header)) return readGroup(this.file, path, header, this)
      if (header.messages.some((message) => message.kind === MESSAGE.layout)) return readDataset(this.file, path, header)
      throw new SavingError({ problem: 'this is neither a group nor a dataset' })
    })
    if (node.kind === 'group') this.#children.set(name, Promise.resolve(node))
    return node
  }

  /** A group in itself has no end, and whoever walks through groups one in the other should not run out of stack. */
  #checkWayTo(address: number): void {
    let depth = 1
    for (let group: H5Group | undefined = this; group !== undefined; group = group.#parent, depth++)
      if (group.#address === address) throw new SavingError({ problem: 'the group contains itself', hint: 'no such file comes from Keras' })
    if (depth > DEEPEST) throw new SavingError({ problem: `groups are nested more than ${DEEPEST} deep` })
  }

  #missing(kind: string, path: string, found: H5Group | H5Dataset | undefined): SavingError {
    return new SavingError({
      where: `${this.file.source.name} → ${this.path}`,
      problem: `there is no ${kind} '${path}'`,
      received: found === undefined ? `here are ${this.keys().slice(0, 20).join(', ') || 'none'}` : `a ${found.kind}`,
    })
  }
}

export async function readGroup(file: FileBytes, path: string, header: ObjectHeader, parent?: H5Group): Promise<H5Group> {
  const [attributes, links] = [await readAttributes(file, header), await readLinks(file, header)]
  return new H5Group(file, path, attributes, links, header.address, parent)
}
