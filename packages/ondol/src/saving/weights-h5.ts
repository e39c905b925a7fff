/** `.weights.h5`: one HDF5 group `vars` for each object, its arrays numbered in it. */
import type { ByteSink, ByteSource } from '../core/bytes.js'
import { SavingError } from '../core/errors.js'
import type { Tensor } from '../engine/index.js'
import { GroupDraft, type H5Dataset, type H5Group, type H5Stream, openHdf5, writeHdf5 } from './hdf5/index.js'
import { bytesOfElements, rawElements, type StoredArray } from './values.js'
import type { SavedObject, WeightReader } from './weights.js'

const inside = (path: string): string => (path === '' ? 'vars' : `${path}/vars`)

/** What a file with these objects holds. */
export function draftOf(objects: readonly SavedObject[]): GroupDraft {
  const root = new GroupDraft()
  for (const { path, name, arrays } of objects) {
    const group = root.group(inside(path))
    if (!group.attributes.has('name')) group.attribute('name', name)
    for (const [key, value] of arrays) addArray(group, key, value)
  }
  return root
}

/** NumPy has no bfloat16, so Keras writes its bytes, and says in an attribute what they are. */
export function addArray(group: GroupDraft, key: string, value: Tensor): void {
  const { shape, dtype } = value
  const data = async function* (): AsyncGenerator<Uint8Array> {
    yield bytesOfElements(await rawElements(value))
  }
  const isBfloat16 = dtype === 'bfloat16'
  const content: H5Stream = isBfloat16 ? { dtype: 'opaque', itemSize: 2, shape, data } : { dtype, shape, data }
  const dataset = group.dataset(key, content)
  if (isBfloat16) dataset.attribute('dtype', 'bfloat16')
}

export const writeWeights = (objects: readonly SavedObject[], sink: ByteSink): Promise<void> => writeHdf5(draftOf(objects), sink)

/** Groups that are looked through for paths to tell in messages. */
const MOST_GROUPS = 10_000

/** A `.weights.h5` file, open for reading. */
export const openWeights = async (source: ByteSource): Promise<WeightReader> => readerOf(await openHdf5(source), source)

export function readerOf(root: H5Group, source: ByteSource): WeightReader {
  return {
    name: source.name,
    async arraysAt(path) {
      const group = await variablesAt(root, path)
      return group === undefined ? new Map() : arraysIn(group)
    },
    paths: () => pathsIn(root),
  }
}

/** Keras 2.13 calls the layers of a model otherwise. */
async function variablesAt(root: H5Group, path: string): Promise<H5Group | undefined> {
  const found = (await root.get(inside(path))) ?? (await root.get(inside(path.replaceAll('layers', '_layer_checkpoint_dependencies'))))
  if (found?.kind !== 'dataset') return found
  throw new SavingError({ where: found.path, problem: 'this should be a group of weights, and is a dataset' })
}

async function arraysIn(group: H5Group): Promise<Map<string, StoredArray>> {
  const arrays = new Map<string, StoredArray>()
  for (const key of group.keys()) {
    arrays.set(key, arrayOf(await group.dataset(key)))
  }
  return arrays
}

/** A dataset as an array of numbers. */
export function arrayOf(dataset: H5Dataset): StoredArray {
  const { dtype, shape } = dataset
  if (dtype === 'string') throw new SavingError({ where: dataset.path, problem: 'weights are numbers', received: 'text' })
  return { dtype, shape, read: () => dataset.read() }
}

/** Paths of all groups that have arrays in `vars`. */
async function pathsIn(root: H5Group): Promise<string[]> {
  const paths: string[] = []
  const waiting: [path: string, group: H5Group][] = [['', root]]
  for (let count = 0; waiting.length > 0 && count < MOST_GROUPS; count++) {
    const [path, group] = waiting.pop() as [string, H5Group]
    for (const name of group.keys()) {
      const child = await group.get(name)
      if (child?.kind !== 'group') continue
      if (name === 'vars') {
        if (child.keys().length > 0) paths.push(path)
      } else waiting.push([path === '' ? name : `${path}/${name}`, child])
    }
  }
  return paths.sort()
}
