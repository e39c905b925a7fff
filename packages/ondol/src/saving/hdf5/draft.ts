/** The contents of a file that is yet to be written: a tree of groups and datasets. */
import { SavingError } from '../../core/errors.js'
import type { H5Content, H5Stream } from './types.js'

/** What an attribute may be given as: integers become int64, other numbers float64, strings UTF-8 text of variable length. */
export type AttributeDraft = string | number | bigint | boolean | readonly string[] | H5Content

class ObjectDraft {
  readonly attributes = new Map<string, H5Content>()

  /** Gives this object an attribute. */
  attribute(name: string, value: AttributeDraft): this {
    checkName(name, 'attribute')
    if (this.attributes.has(name)) throw new SavingError({ problem: `there is an attribute '${name}' already` })
    this.attributes.set(name, contentOf(value))
    return this
  }
}

/** A dataset to write. */
export class DatasetDraft extends ObjectDraft {
  constructor(readonly content: H5Content | H5Stream) {
    super()
  }
}

/**
 * A group to write; the root of a file is one.
 *
 * @example
 * const root = new GroupDraft()
 * root.group('layers/dense/vars').attribute('name', 'dense').dataset('0', { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) })
 */
export class GroupDraft extends ObjectDraft {
  readonly children = new Map<string, GroupDraft | DatasetDraft>()

  /** The group at `path` below this one, made with all on its way if it is not there. */
  group(path: string): GroupDraft {
    let group: GroupDraft = this
    for (const name of partsOf(path)) {
      const child: GroupDraft | DatasetDraft = group.children.get(name) ?? new GroupDraft()
      if (child instanceof DatasetDraft) throw new SavingError({ where: path, problem: `'${name}' is a dataset, not a group` })
      group.children.set(name, child)
      group = child
    }
    return group
  }

  /** Adds a dataset at `path` below this group. */
  dataset(path: string, content: H5Content | H5Stream): DatasetDraft {
    const parts = partsOf(path)
    const name = parts.pop() as string
    const parent = this.group(parts.join('/'))
    if (parent.children.has(name)) throw new SavingError({ where: path, problem: `there is a '${name}' already` })
    const dataset = new DatasetDraft(content)
    parent.children.set(name, dataset)
    // The format has no such type that h5py knows: Keras writes opaque bytes, and this beside them.
    return content.dtype === 'bfloat16' ? dataset.attribute('dtype', 'bfloat16') : dataset
  }
}

function partsOf(path: string): string[] {
  if (path === '') return []
  const parts = path.split('/')
  for (const part of parts) checkName(part, 'link')
  return parts
}

function checkName(name: string, kind: string): void {
  if (name === '' || (kind === 'link' && name === '.') || name.includes('\0'))
    throw new SavingError({
      problem: `${JSON.stringify(name)} cannot be the name of ${kind === 'link' ? 'a group or dataset' : 'an attribute'}`,
    })
}

function contentOf(value: AttributeDraft): H5Content {
  switch (typeof value) {
    case 'string':
      return { dtype: 'string', shape: [], data: [value] }
    case 'boolean':
      return { dtype: 'bool', shape: [], data: Uint8Array.of(Number(value)) }
    case 'bigint':
      return { dtype: 'int64', shape: [], data: BigInt64Array.of(value) }
    case 'number':
      if (Number.isSafeInteger(value)) return { dtype: 'int64', shape: [], data: BigInt64Array.of(BigInt(value)) }
      return { dtype: 'float64', shape: [], data: Float64Array.of(value) }
    default:
      return 'dtype' in value ? value : { dtype: 'string', shape: [value.length], data: value }
  }
}
