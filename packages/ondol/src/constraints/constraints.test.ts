import { describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { type Tensor, tensor, useBackend } from '../engine/index.js'
import * as ops from '../ops/index.js'
import * as constraints from './index.js'

useBackend(createHostBackend())

// Columns of norm 5 and 0.5.
const w = tensor([[3, 0.3], [-4, 0.4]]) // biome-ignore format: a matrix
const norms = (x: Tensor, axis = 0): number[] => [...ops.sqrt(ops.sum(ops.square(x), { axis })).dataSync()]
const expectNorms = (x: Tensor, wanted: readonly number[], axis = 0): void =>
  norms(x, axis).forEach((norm, i) => expect(norm).toBeCloseTo(wanted[i] as number, 5))

describe('constraints', () => {
  it('project', () => {
    expectNorms(constraints.maxNorm(2)(w), [2, 0.5])
    expectNorms(constraints.unitNorm()(w), [1, 1])
    expectNorms(constraints.unitNorm({ axis: [0, 1] })(w), [5 / norms(tensor([5, 0.5]))[0]!, 0.5 / norms(tensor([5, 0.5]))[0]!])
    expectNorms(constraints.minMaxNorm({ minValue: 1, maxValue: 2 })(w), [2, 1])
    expectNorms(constraints.minMaxNorm({ minValue: 1, maxValue: 2, rate: 0.5 })(w), [3.5, 0.75])
    expect(constraints.nonNeg()(w).dataSync()[2]).toBe(0)
  })

  it('are found by name, go through files, and can be functions', () => {
    expect(constraints.get('non_neg')).toBeInstanceOf(constraints.NonNeg)
    expect(
      constraints
        .get((x: Tensor) => ops.multiply(x, 2))?.(w)
        .dataSync()[0],
    ).toBe(6)
    for (const constraint of [
      constraints.maxNorm(3, { axis: [0, 1] }),
      constraints.minMaxNorm({ rate: 0.5 }),
      constraints.nonNeg(),
      constraints.unitNorm({ axis: 1 }),
    ]) {
      const description = constraints.serialize(constraint)
      expect(constraints.serialize(constraints.get(JSON.parse(JSON.stringify(description))))).toEqual(description)
    }
    expect(() => constraints.get('max_nrom')).toThrow(/did you mean 'MaxNorm'/)
  })
})
