/** How layers in the vectors of the real Keras are called. */
import { registerKerasSerializable } from '../../core/custom-objects.js'
import { toCamelCase } from '../../core/spelling.js'
import type { Tree } from '../../core/tree.js'
import { type Tensor, tensor } from '../../engine/index.js'
import * as ops from '../../ops/index.js'
import { KerasTensor } from '../../ops/operation.js'
import { elements, isVectorTensor, type LayerVector, type VectorTensor } from '../../testing/vectors.js'
import type { SerializedLayer } from '../sharing.js'
import { asOne, inPlaces } from './places.js'

// The functions of the oracle's Lambda layers.
const functions = {
  scaled: (x: Tensor, { by = 0.5 } = {}): Tensor => ops.multiply(ops.tanh(x), by),
  everywhere: (x: Tensor): Tensor => ops.ones(x.shape.slice(0, -1), 'bool'),
}
Object.values(functions).forEach(registerKerasSerializable('oracle'))

export const load = (vector: VectorTensor): Tensor => tensor(elements(vector), vector.shape, vector.dtype)

/** A symbol for it; `isUnknown` says for which axes the size is not known. */
export const symbolOf = ({ shape, dtype }: VectorTensor, isUnknown = (axis: number): boolean => axis === 0): KerasTensor =>
  new KerasTensor(
    shape.map((size, axis) => (isUnknown(axis) ? null : size)),
    { dtype },
  )

/** `reverse_dtype` → `reverseDtype`; tensors among the options as `make` makes them. */
export const optionsOf = ({ call = {} }: LayerVector, make: (vector: VectorTensor) => unknown = load): Record<string, unknown> =>
  Object.fromEntries(Object.entries(call).map(([name, value]) => [toCamelCase(name), isVectorTensor(value) ? make(value) : value]))

/** The inputs as they stand in a call: alone, as a list, or one after the other. */
export function positionally<T>({ spread = false }: LayerVector, inputs: readonly T[]): Tree<T>[] {
  if (typeof spread === 'object') return inPlaces(spread, inputs)
  return spread ? [...inputs] : [asOne(inputs)]
}

/** A layer as it was before it was built, and the layers in it. */
export function unbuilt(description: LayerVector['serialized']): SerializedLayer {
  const without = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(without)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).flatMap(([key, item]) => (key === 'build_config' ? [] : [[key, without(item)]])))
  }
  return without(description) as SerializedLayer
}
