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
  /** Paths of the groups that were met in this file, by address. */
  readonly #places: Map<number, string>
  readonly #children = new Map<string, Promise<H5Group>>()

  constructor(
    file: FileBytes,
    path: string,
    attributes: ReadonlyMap<string, RawAttribute>,
    links: ReadonlyMap<string, Link>,
    places: Map<number, string>,
  ) {
    super(file, path, attributes)
    this.#links = links
    this.#places = places
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
      const header = await readObjectHeader(this.file, address)
      if (isGroup(header)) return readGroup(path, header, this.#places)
      if (header.messages.some((message) => message.kind === MESSAGE.layout)) return readDataset(path, header)
      throw new SavingError({ problem: 'this is neither a group nor a dataset' })
    })
    if (node.kind === 'group') this.#children.set(name, Promise.resolve(node))
    return node
  }

  #missing(kind: string, path: string, found: H5Group | H5Dataset | undefined): SavingError {
    return new SavingError({
      where: `${this.file.source.name} → ${this.path}`,
      problem: `there is no ${kind} '${path}'`,
      received: found === undefined ? `here are ${this.keys().slice(0, 20).join(', ') || 'none'}` : `a ${found.kind}`,
    })
  }
}

/**
 * The group with this header. A group at two places is refused, and so is one in itself: who walks through all groups would walk for
 * ever, or through more paths than there are groups; so is one so deep that who walks may run out of stack.
 */
export async function readGroup(path: string, header: ObjectHeader, places = new Map<number, string>()): Promise<H5Group> {
  const other = places.get(header.address)
  if (other !== undefined && other !== path)
    throw new SavingError({
      problem: `the group is also ${other}`,
      hint: 'groups that are linked twice do not come from Keras: copy instead',
    })
  if (path.split('/').length > DEEPEST) throw new SavingError({ problem: `groups are nested more than ${DEEPEST} deep` })
  places.set(header.address, path)
  const [attributes, links] = [await readAttributes(header), await readLinks(header)]
  return new H5Group(header.file, path, attributes, links, places)
}
