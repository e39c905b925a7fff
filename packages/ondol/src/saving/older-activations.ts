/** Activations whose meaning changed: Keras 1 and 2 and TensorFlow.js call another function `hard_sigmoid` than Keras 3. */
import { registerKerasSerializable } from '../core/custom-objects.js'
import type { Tensor } from '../engine/index.js'
import * as ops from '../ops/index.js'
import type { Json } from './json.js'

/** `max(0, min(1, 0.2 x + 0.5))`; Keras 3's has the slope 1/6. */
const olderHardSigmoid = (x: Tensor): Tensor => ops.clip(ops.add(ops.multiply(x, 0.2), 0.5), 0, 1)

const NAME = 'ondol>older_hard_sigmoid'
registerKerasSerializable('ondol', 'older_hard_sigmoid')(olderHardSigmoid)

/** What a file may name without having been told of it. */
export const OLDER_ACTIVATIONS = { [NAME]: olderHardSigmoid } as const

/** A config of an older Keras, with what its `hard_sigmoid` was. */
export function withOlderActivations(value: Json): Json {
  if (Array.isArray(value)) return value.map(withOlderActivations)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      item === 'hard_sigmoid' && key.endsWith('activation')
        ? { module: 'builtins', class_name: 'function', config: NAME, registered_name: 'function' }
        : withOlderActivations(item),
    ]),
  )
}
