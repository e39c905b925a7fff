/** Dtypes of weights and outputs under each policy, and what is left of the numbers in half the width. */
import { expect } from 'vitest'
import { isFloat } from '../../../core/dtype.js'
import type { Subject } from '../layer-case.js'
import { expectNear } from './near.js'

/** How far, for outputs around 1, numbers may be from those of float32: some roundings of the dtype. */
const POLICIES = { float32: ['float32', 1e-6], mixed_bfloat16: ['bfloat16', 0.06], mixed_float16: ['float16', 0.01] } as const

export function followsPolicies(subject: Subject): void {
  for (const [policy, [computeDtype]] of Object.entries(POLICIES)) {
    const layer = subject.make({ dtype: policy as keyof typeof POLICIES })
    expect([layer.dtypePolicy.name, layer.variableDtype, layer.computeDtype]).toEqual([policy, 'float32', computeDtype])
    const expectedDtype = subject.given.outputDtype ?? computeDtype
    for (const outputs of [subject.call(layer), subject.call(layer, undefined, { training: true }), subject.describe(layer)])
      expect(
        outputs.map(({ dtype }) => dtype),
        policy,
      ).toEqual(subject.outputShapes.map(() => expectedDtype))
    for (const { dtype, path } of layer.weights) if (isFloat(dtype)) expect(dtype, path).toBe('float32')
  }
}

export function staysNear(subject: Subject): void {
  for (const [policy, [, tolerance]] of Object.entries(POLICIES)) {
    const wide = subject.makeBuilt({ dtype: 'float32' })
    expectNear(subject.call(subject.twinOf(wide, { dtype: policy as keyof typeof POLICIES })), subject.call(wide), tolerance)
  }
}
