// Constraints and regularizers against the real Keras (tools/oracle/penalties.py).
import { describe, expect, it } from 'vitest'
import { setBackend } from '../backends/load.js'
import * as constraints from '../constraints/index.js'
import type { SerializedObject } from '../core/spelling.js'
import { elements, readVectors, type VectorTensor } from '../testing/vectors.js'
import { backends } from '../training/testing/backends.js'
import { asTensor, expectClose } from '../training/testing/vectors.js'
import * as regularizers from './index.js'

interface Penalty {
  readonly serialized: SerializedObject
  readonly x: VectorTensor
  readonly y: VectorTensor
}

describe.each(backends)('constraints and regularizers on %s', (backend) => {
  it.each(
    readVectors<Penalty[]>('penalties').map(
      (vector) => [`${vector.serialized.class_name} ${JSON.stringify(vector.serialized.config)}`, vector] as const,
    ),
  )('%s', async (_, { serialized, x, y }) => {
    await setBackend(backend)
    const family = serialized.module?.endsWith('constraints') === true ? constraints : regularizers
    const made = family.deserialize(serialized)
    const result = made(asTensor(x))
    expect(result.shape).toEqual(y.shape)
    expectClose(result.dataSync(), elements(y), 2e-6)
    expect(family.serialize(made as never)).toMatchObject({ class_name: serialized.class_name, config: serialized.config })
  })
})
