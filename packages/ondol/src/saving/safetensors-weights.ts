/** Weights in a safetensors file, under the paths that they have in `.weights.h5`. */
import type { ByteSink, ByteSource } from '../core/bytes.js'
import type { DType } from '../core/dtype.js'
import { SavingError } from '../core/errors.js'
import { H5_DTYPES, type H5NumericDType } from './hdf5/index.js'
import { readSafetensors, type SafetensorsDType, type StoredTensor, writeSafetensors } from './safetensors.js'
import { bytesOfElements, rawElements, type StoredArray } from './values.js'
import type { SavedObject } from './weights.js'
import { type NamedArrays, namedArrays } from './weights-by-name.js'

const DTYPES = {
  BOOL: 'bool',
  U8: 'uint8',
  I8: 'int8',
  I16: 'int16',
  U16: 'uint16',
  F16: 'float16',
  BF16: 'bfloat16',
  I32: 'int32',
  U32: 'uint32',
  F32: 'float32',
  I64: 'int64',
  U64: 'uint64',
  F64: 'float64',
} as const satisfies Partial<Record<SafetensorsDType, H5NumericDType>>

const WRITTEN = Object.fromEntries(Object.entries(DTYPES).map(([stored, dtype]) => [dtype, stored])) as Record<DType, SafetensorsDType>

/** Writes weights one after the other: no more than one of them is copied at a time. */
export async function writeSafetensorsWeights(objects: readonly SavedObject[], sink: ByteSink): Promise<void> {
  const tensors = namedArrays(objects).map(([name, value]): [string, StoredTensor] => [
    name,
    { dtype: WRITTEN[value.dtype], shape: value.shape, bytes: async () => bytesOfElements(await rawElements(value)) },
  ])
  await writeSafetensors(sink, new Map(tensors), { format: 'keras' })
}

export async function openSafetensors(source: ByteSource): Promise<NamedArrays> {
  const { tensors } = await readSafetensors(source)
  const arrays = new Map<string, StoredArray>()
  for (const [name, entry] of tensors) {
    const dtype = Object.hasOwn(DTYPES, entry.dtype) ? DTYPES[entry.dtype as keyof typeof DTYPES] : undefined
    if (dtype === undefined)
      throw new SavingError({ where: `${source.name} → ${name}`, problem: 'numbers of this type are not read', received: entry.dtype })
    const { array: Elements, bytes: itemSize } = H5_DTYPES[dtype]
    const read = async (): Promise<InstanceType<typeof Elements>> => {
      const { buffer, byteLength } = await entry.read()
      return new Elements(buffer as ArrayBuffer, 0, byteLength / itemSize)
    }
    arrays.set(name, { dtype, shape: entry.shape, read })
  }
  return { name: source.name, arrays }
}
