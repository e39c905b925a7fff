/** That every layer is compared with the real Keras: two configurations, with outputs and gradients, or a reason. */
import { expect, it } from 'vitest'
import { type LayerVector, listVectors, readVectors, type SerializedObject, type VectorTensor } from '../testing/vectors.js'
import * as layers from './index.js'

/** Classes without vectors, and why. */
const NO_VECTORS: Readonly<Record<string, string>> = {
  Layer: 'computes nothing',
  Wrapper: 'computes nothing',
  InputLayer: 'computes nothing',
  ConvLSTMCell: 'runs inside of ConvLSTM1D, 2D and 3D, which have vectors',
}

/** Classes that have outputs to compare, but no gradients, and why. */
const NO_GRADIENTS: Readonly<Record<string, string>> = {
  CategoryEncoding: 'reads whole numbers',
  Discretization: 'gives whole numbers',
  HashedCrossing: 'gives whole numbers',
  Hashing: 'gives whole numbers',
  IntegerLookup: 'reads whole numbers',
  StringLookup: 'reads texts',
  TextVectorization: 'reads texts',
}

interface Found {
  readonly configurations: Set<string>
  readonly differentiated: Set<string>
}

/** By class, what is special about each of its vectors. Layers inside of layers do not count. */
function findConfigurations(): Map<string, Found> {
  const found = new Map<string, Found>()
  const note = (serialized: SerializedObject, circumstances: unknown, hasGradients: boolean): void => {
    const { name: _, ...config } = serialized.config
    const { configurations, differentiated } = found.get(serialized.class_name) ?? { configurations: new Set(), differentiated: new Set() }
    const configuration = JSON.stringify([config, circumstances])
    configurations.add(configuration)
    if (hasGradients) differentiated.add(configuration)
    found.set(serialized.class_name, { configurations, differentiated })
  }
  for (const family of listVectors('layers'))
    for (const { serialized, inputs, inputMasks, training, call, inputGradients, weightGradients } of readVectors<LayerVector[]>(
      `layers/${family}`,
    )) {
      const shapes = inputs.map(({ shape }) => shape)
      note(
        serialized,
        [shapes, inputMasks !== null, training, call],
        [...inputGradients, ...weightGradients].some((gradient) => gradient !== null),
      )
    }
  type ImageVector = { readonly serialized: SerializedObject; readonly images: VectorTensor; readonly gradient: VectorTensor | null }
  for (const family of listVectors('image-layers'))
    for (const { serialized, images, gradient } of readVectors<ImageVector[]>(`image-layers/${family}`))
      note(serialized, images.shape, gradient !== null)
  const { layers: preprocessing } = readVectors<{ layers: readonly { readonly serialized: SerializedObject }[] }>('layers-preprocessing')
  for (const { serialized } of preprocessing) note(serialized, null, false)
  return found
}

/** Keras's names of the classes that are exported. */
const classes = new Set(
  Object.values(layers as Readonly<Record<string, unknown>>).flatMap((value) =>
    value === layers.Layer || (typeof value === 'function' && value.prototype instanceof layers.Layer && Object.hasOwn(value, 'className'))
      ? [(value as typeof layers.Layer).className]
      : [],
  ),
)

it('every layer has two configurations with outputs and gradients', () => {
  const found = findConfigurations()
  const lacking = (kind: keyof Found): string[] => [...classes].filter((name) => (found.get(name)?.[kind].size ?? 0) < 2).sort()
  expect(lacking('configurations')).toEqual(Object.keys(NO_VECTORS).sort())
  expect(lacking('differentiated')).toEqual(Object.keys({ ...NO_VECTORS, ...NO_GRADIENTS }).sort())
})
