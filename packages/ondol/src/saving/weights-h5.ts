/** `.weights.h5`: one HDF5 group `vars` for each object, its arrays numbered in it. */
import type { ByteSink } from '../core/bytes.js'
import type { Tensor } from '../engine/index.js'
import { GroupDraft, type H5Stream, writeHdf5 } from './hdf5/index.js'
import { bytesOfElements, rawElements } from './values.js'
import type { SavedObject } from './weights.js'

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
function addArray(group: GroupDraft, key: string, value: Tensor): void {
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
