import { beforeAll, describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { memory, tensor, useBackend, Variable } from '../engine/index.js'
import * as layers from '../layers/index.js'
import { clearSession, normalize, padSequences, setRandomSeed, toCategorical } from './index.js'

beforeAll(() => useBackend(createHostBackend()))

describe('arrays', () => {
  it('makes class numbers one-hot', () => {
    expect(toCategorical([0, 2, 1]).arraySync()).toEqual([
      [1, 0, 0],
      [0, 0, 1],
      [0, 1, 0],
    ])
    expect(toCategorical(tensor([[1], [0]]), 3).shape).toEqual([2, 3])
    expect(() => toCategorical([0, -1])).toThrow(/must not be negative/)
  })

  it('normalizes vectors', () => {
    expect(
      normalize([
        [3, 4],
        [0, 0],
      ]).arraySync(),
    ).toEqual([
      [expect.closeTo(0.6, 6), expect.closeTo(0.8, 6)],
      [0, 0],
    ])
    expect(normalize([[1, 3]], { order: 1 }).arraySync()).toEqual([[0.25, 0.75]])
  })

  it('pads and cuts sequences', () => {
    const rows = [[1], [2, 3], [4, 5, 6]]
    expect(padSequences(rows).arraySync()).toEqual([
      [0, 0, 1],
      [0, 2, 3],
      [4, 5, 6],
    ])
    expect(padSequences(rows, { maxlen: 2, padding: 'post', truncating: 'post', value: -1 }).arraySync()).toEqual([
      [1, -1],
      [2, 3],
      [4, 5],
    ])
    expect(padSequences([[0.5]], { maxlen: 2, dtype: 'float32' }).arraySync()).toEqual([[0, 0.5]])
  })
})

describe('session', () => {
  it('makes what follows repeatable', () => {
    const draw = (): Float32Array => {
      setRandomSeed(3)
      const dense = layers.dense(2)
      dense.build([null, 2])
      return dense.getWeights()[0]?.dataSync() as Float32Array
    }
    expect(draw()).toEqual(draw())
    expect(() => setRandomSeed(-1)).toThrow(/whole number/)
  })

  it('starts names afresh', () => {
    clearSession()
    expect([layers.dense(1).name, layers.dense(1).name]).toEqual(['dense', 'dense_1'])
    clearSession()
    expect(layers.dense(1).name).toBe('dense')
  })

  it('tells who holds memory', () => {
    const before = memory()
    const variable = new Variable(() => tensor(new Float32Array(1000)), { name: 'large' })
    const { bytes, tensors, variables } = memory()
    expect(bytes - before.bytes).toBe(4000)
    expect(tensors - before.tensors).toBe(1)
    expect(variables[0]).toEqual({ path: 'large', bytes: 4000 })
    variable.dispose()
    expect(memory().bytes).toBe(before.bytes)
  })
})
