import { beforeAll, describe, expect, it } from 'vitest'
import { setBackend } from '../backends/load.js'
import { jit, type Tensor } from '../engine/index.js'
import { backends } from '../training/testing/backends.js'
import * as random from './index.js'

const N = 5000
const moments = (x: Tensor): [mean: number, variance: number] => {
  const values = Array.from(x.dataSync(), Number)
  const mean = values.reduce((a, b) => a + b, 0) / values.length
  return [mean, values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length]
}

/** Within five standard errors of the mean, and of the variance (both with the distribution's own spread). */
function expectMoments(x: Tensor, mean: number, variance: number): void {
  const [foundMean, foundVariance] = moments(x)
  expect(Math.abs(foundMean - mean)).toBeLessThan(5 * Math.sqrt(variance / N) + 1e-6)
  expect(Math.abs(foundVariance / variance - 1)).toBeLessThan(0.2)
}

describe.each(backends)('distributions on %s', (backend) => {
  beforeAll(() => setBackend(backend))

  it.each([0.3, 1, 2.5, 40])('gamma of %d', (alpha) => {
    const x = random.gamma([N], alpha, { seed: 7 })
    expectMoments(x, alpha, alpha)
    expect(Math.min(...x.dataSync().map(Number))).toBeGreaterThanOrEqual(0)
  })

  it('beta', () => {
    expectMoments(random.beta([N], 2, 5, { seed: 1 }), 2 / 7, 10 / (49 * 8))
    expectMoments(random.beta([N], 0.5, 0.5, { seed: 2 }), 0.5, 1 / 8)
  })

  it.each([
    [8, 0.3],
    [8, 0.9],
    [100, 0.5],
    [1000, 0.02],
    [5000, 0.97],
  ])('binomial of %d and %d', (n, p) => {
    const x = random.binomial([N], n, p, { seed: 3 })
    expectMoments(x, n * p, n * p * (1 - p))
    for (const value of x.dataSync()) if (!(Number.isInteger(value) && Number(value) >= 0 && Number(value) <= n)) expect.fail(`${value}`)
  })

  it('give the same numbers for a seed, new ones for a generator, also compiled', () => {
    const at = (seed: number): number[] => [...random.gamma([4], 2, { seed }).dataSync()].map(Number)
    expect(at(5)).toEqual(at(5))
    expect(at(5)).not.toEqual(at(6))
    const seed = new random.SeedGenerator(1)
    const draw = jit(() => random.binomial([8], 20, 0.4, { seed }))
    expect([...draw().dataSync()]).not.toEqual([...draw().dataSync()])
  })

  it('take a parameter for each place', () => {
    const x = random.gamma([2, 3], [1, 100, 10_000], { seed: 9 })
    const values = [...x.dataSync()].map(Number)
    expect(values[0]).toBeLessThan(30)
    expect(values[5]).toBeGreaterThan(9000)
    expect(Number.isNaN(random.gamma([1], Number.NaN, { seed: 1 }).dataSync()[0])).toBe(true)
  })
})
