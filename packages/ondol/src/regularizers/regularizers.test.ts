import { describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { type Tensor, tensor, useBackend } from '../engine/index.js'
import * as ops from '../ops/index.js'
import * as regularizers from './index.js'

useBackend(createHostBackend())

const x = tensor([[1, -2], [3, 0]]) // biome-ignore format: a matrix
const valueOf = (penalty: Tensor): number => penalty.dataSync()[0] as number

describe('regularizers', () => {
  it('penalise', () => {
    expect(valueOf(regularizers.l1(0.1)(x))).toBeCloseTo(0.6)
    expect(valueOf(regularizers.l2(0.1)(x))).toBeCloseTo(1.4)
    expect(valueOf(regularizers.l1L2({ l1: 0.1, l2: 0.1 })(x))).toBeCloseTo(2)
    expect(valueOf(regularizers.l1L2()(x))).toBe(0)
    // Rows (1, -2) and (3, 0): their cosine is 3 / (√5 · 3).
    expect(valueOf(regularizers.orthogonalRegularizer({ factor: 0.1 })(x))).toBeCloseTo(0.1 / Math.sqrt(5))
    expect(valueOf(regularizers.orthogonalRegularizer({ factor: 0.1, mode: 'columns' })(x))).toBeCloseTo((0.1 * 2) / (Math.sqrt(10) * 2))
  })

  it('take their numbers by position or by name', () => {
    expect(new regularizers.L2({ l2: 0.3 }).l2).toBe(0.3)
    expect(new regularizers.L1(0.3).l1).toBe(0.3)
    expect(new regularizers.L1L2(0.1, 0.2).getConfig()).toEqual({ l1: 0.1, l2: 0.2 })
  })

  it('are found by name, and can be functions', () => {
    expect(valueOf((regularizers.get('l2') as regularizers.Regularizer)(x))).toBeCloseTo(0.14)
    expect(regularizers.get('l1_l2')).toBeInstanceOf(regularizers.L1L2)
    expect(regularizers.get(null)).toBeNull()
    expect(valueOf((regularizers.get((w: Tensor) => ops.max(w)) as regularizers.Regularizer)(x))).toBe(3)
    expect(() => regularizers.get('l3')).toThrow(/did you mean 'L1' or 'L2'/)
    expect(() => regularizers.l1(-1)).toThrow(/at least 0/)
    expect(() => regularizers.orthogonalRegularizer()(tensor([1]))).toThrow(/only matrices/)
  })

  it('go through files', () => {
    for (const regularizer of [
      regularizers.l1(0.2),
      regularizers.l2(0.3),
      regularizers.l1L2({ l1: 1 }),
      regularizers.orthogonalRegularizer({ mode: 'columns' }),
    ]) {
      const description = regularizers.serialize(regularizer)
      expect(regularizers.serialize(regularizers.get(JSON.parse(JSON.stringify(description))))).toEqual(description)
    }
    expect(regularizers.serialize(regularizers.l1L2({ l1: 1 }))).toMatchObject({ class_name: 'L1L2', config: { l1: 1, l2: 0 } })
  })
})
