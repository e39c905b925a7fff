/**
 * The weights in a file, or of a model, as a tree: objects by the names under which files have them, arrays by number.
 * Arrays of a file stay in the file. What an object has of its own (`vars` in files) and what is in it stand side by side.
 */
import type { DType } from '../core/dtype.js'
import { SavingError } from '../core/errors.js'
import type { Shape } from '../core/shape.js'
import { Tensor } from '../engine/index.js'
import { asTensor, type TensorLike } from '../ops/define.js'
import { GroupDraft, type H5Group, type H5NumericDType } from './hdf5/index.js'
import { ownVariablesOf, placesOf, type Saveable } from './saveable.js'
import { bytesOfElements, snapshot } from './values.js'
import { requireBuilt } from './weights.js'
import { addArray } from './weights-h5.js'

/** An array: what it is, and where it is, unless it is of a model that is looked at only. */
export interface WeightEntry {
  readonly dtype: H5NumericDType
  readonly shape: Shape
  /** Its path in the file, or the value itself. */
  readonly from?: string | Tensor
}

/** An object: arrays and objects by name, and what the layer was called when it was saved. */
export class WeightNode {
  readonly children = new Map<string, WeightNode | WeightEntry>()

  constructor(public name?: string) {}
}

const VARIABLES = 'vars'

/** All groups and arrays of a file. What is empty is left out. */
export async function treeOfFile(group: H5Group): Promise<WeightNode> {
  const node = new WeightNode()
  await addGroup(node, group, true)
  return node
}

async function addGroup(node: WeightNode, group: H5Group, isObject: boolean): Promise<void> {
  for (const key of group.keys()) {
    const child = await group.get(key)
    if (child?.kind === 'dataset') {
      if (child.dtype !== 'string') node.children.set(key, { dtype: child.dtype, shape: child.shape, from: child.path })
    } else if (child !== undefined && isObject && key === VARIABLES) {
      const name = await child.attribute('name')
      if (typeof name === 'string') node.name = name
      await addGroup(node, child, false)
    } else if (child !== undefined) {
      const inner = new WeightNode()
      await addGroup(inner, child, true)
      if (inner.children.size > 0) node.children.set(key, inner)
    }
  }
}

/** What a file of `model` would have. */
export function treeOfModel(model: Saveable): WeightNode {
  requireBuilt(model, 'compare')
  const root = new WeightNode()
  for (const { object, paths } of placesOf(model)) {
    const own = Object.entries(ownVariablesOf(object))
    if (own.length === 0) continue
    let node = root
    for (const part of (paths[0] as string).split('/').filter((name) => name !== '')) {
      const child = node.children.get(part) ?? new WeightNode()
      if (!(child instanceof WeightNode))
        throw new SavingError({ where: paths[0] as string, problem: 'a weight stands where an object is' })
      node.children.set(part, child)
      node = child
    }
    for (const [key, { dtype, shape }] of own) node.children.set(key, { dtype, shape })
  }
  return root
}

/** Numbers, arrays, tensors and Variables as an array to write. */
export function entryOf(value: TensorLike): WeightEntry {
  const tensor = value instanceof Tensor ? value : asTensor(value)
  const kept = snapshot(tensor)
  return { dtype: kept.dtype as DType, shape: kept.shape, from: kept }
}

/** A file with this tree; `source` has what is in it of a file, open for reading. */
export function draftOfTree(root: WeightNode, source: H5Group): GroupDraft {
  const draft = new GroupDraft()
  const visit = (node: WeightNode, path: string): void => {
    const own = [...node.children].filter((child): child is [string, WeightEntry] => !(child[1] instanceof WeightNode))
    if (own.length > 0) {
      const group = draft.group(path === '' ? VARIABLES : `${path}/${VARIABLES}`)
      if (node.name !== undefined) group.attribute('name', node.name)
      for (const [key, entry] of own) addEntry(group, key, entry, source)
    }
    for (const [key, child] of node.children) if (child instanceof WeightNode) visit(child, path === '' ? key : `${path}/${key}`)
  }
  visit(root, '')
  return draft
}

function addEntry(group: GroupDraft, key: string, { dtype, shape, from }: WeightEntry, source: H5Group): void {
  if (from instanceof Tensor) {
    addArray(group, key, from)
    return
  }
  const data = async function* (): AsyncGenerator<Uint8Array> {
    yield bytesOfElements(await (await source.dataset(from as string)).read())
  }
  const isBfloat16 = dtype === 'bfloat16'
  const dataset = group.dataset(key, isBfloat16 ? { dtype: 'opaque', itemSize: 2, shape, data } : { dtype, shape, data })
  if (isBfloat16) dataset.attribute('dtype', 'bfloat16')
}
