import { describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { type Tensor, tensor, useBackend } from '../engine/index.js'
import { KerasTensor } from '../ops/operation.js'
import * as activations from './index.js'

useBackend(createHostBackend())

const x = tensor([-3, -0.5, 0, 1, 8])
const values = (y: Tensor): number[] => [...y.dataSync()]

describe('activations', () => {
  it('have the defaults of keras.activations', () => {
    expect(values(activations.gelu(tensor([1])))[0]).toBeCloseTo(0.841345, 5)
    expect(values(activations.gelu(tensor([1]), { approximate: true }))[0]).toBeCloseTo(0.841192, 5)
    expect(values(activations.leakyRelu(x))[0]).toBeCloseTo(-0.6)
    expect(values(activations.linear(x))).toEqual(values(x))
    expect(values(activations.exponential(tensor([1])))[0]).toBeCloseTo(Math.E, 5)
  })

  it('have a relu with options', () => {
    expect(values(activations.relu(x))).toEqual([0, 0, 0, 1, 8])
    expect(values(activations.relu(x, { maxValue: 6 }))).toEqual([0, 0, 0, 1, 6])
    expect(values(activations.relu(x, { maxValue: 2, negativeSlope: 0.5, threshold: 1.5 }))).toEqual([-2.25, -1, -0.75, -0.25, 2])
    expect(activations.relu(new KerasTensor([null, 3])).shape).toEqual([null, 3])
  })

  it('are found in all spellings', () => {
    expect(activations.get('log_softmax')).toBe(activations.get('logSoftmax'))
    expect(activations.get('swish')).toBe(activations.silu)
    expect(activations.get(null)).toBe(activations.linear)
    expect(() => activations.get('rleu')).toThrow(/no activation called 'rleu'[\s\S]*did you mean 'relu'/)
    expect(() => activations.get(3)).toThrow(/This is no activation/)
  })

  it('go through files by name', () => {
    for (const name of ['linear', 'relu', 'leaky_relu', 'log_softmax', 'hard_sigmoid', 'silu', 'gelu', 'mish', 'celu'])
      expect(activations.serialize(activations.get(name))).toBe(name)
    expect(activations.get({ module: 'builtins', class_name: 'function', config: 'relu', registered_name: 'function' })).toBe(
      activations.relu,
    )
    const cube = (y: Tensor): Tensor => y
    expect(activations.serialize(cube)).toMatchObject({ class_name: 'function', config: 'cube' })
  })
})
