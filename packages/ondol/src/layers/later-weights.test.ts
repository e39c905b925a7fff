// Weights are made when they are first needed, and are the same as if they had been made at once.
import { afterEach, describe, expect, it } from 'vitest'
import { loadDefaultBackend } from '../backends/load.js'
import { memory } from '../engine/index.js'
import { Initializer, Orthogonal } from '../initializers/index.js'
import * as ops from '../ops/index.js'
import { setGlobalSeed } from '../ops/random.js'
import * as layers from './index.js'

await loadDefaultBackend()
afterEach(() => setGlobalSeed(undefined))

function two(): layers.Dense[] {
  setGlobalSeed(7)
  return [0, 1].map((i) => {
    const layer = new layers.Dense(3, { name: `d${i}` })
    layer.build([null, 4])
    return layer
  })
}
const kernel = (layer: layers.Dense | undefined): unknown => (layer as layers.Dense).weights[0]?.dataSync()

describe('weights', () => {
  it('do not depend on which is read first', () => {
    const [a, b] = two()
    const forwards = [kernel(a), kernel(b)]
    const [c, d] = two()
    const backwards = [kernel(d), kernel(c)].reverse()
    expect(backwards).toEqual(forwards)
    expect(forwards[0]).not.toEqual(forwards[1])
  })

  it('take no memory before', () => {
    const before = memory().bytes
    const layer = new layers.Dense(1000)
    layer.build([null, 1000])
    expect(layer.countParams()).toBe(1_001_000)
    expect(memory().bytes - before).toBeLessThan(1000)
    layer.call(ops.ones([1, 1000]))
    expect(memory().bytes - before).toBeGreaterThan(4_000_000)
  })

  it('of initializers that may change, or refuse, are made at once', () => {
    let calls = 0
    class Counting extends Initializer {
      override make(shape: readonly number[]) {
        calls++
        return ops.full(shape, calls)
      }
    }
    new layers.Dense(2, { kernelInitializer: new Counting() }).build([null, 2])
    expect(calls).toBe(1)
    expect(() => new layers.Dense(2, { biasInitializer: new Orthogonal() }).build([null, 2])).toThrow()
  })
})
