// Every activation on a grid with extreme values, and its gradient, against the real Keras (tools/oracle/activations.py).
import { describe, expect, it } from 'vitest'
import { setBackend } from '../backends/load.js'
import { toCamelCase } from '../core/spelling.js'
import { GradientTape, type Tensor, tensor } from '../engine/index.js'
import * as ops from '../ops/index.js'
import { elements, readVectors, type VectorTensor } from '../testing/vectors.js'
import { backends } from '../training/testing/backends.js'
import { asTensor } from '../training/testing/vectors.js'
import * as activations from './index.js'

interface Case {
  readonly title: string
  readonly name: string
  readonly arguments: Readonly<Record<string, unknown>>
  readonly x: 'grid' | 'rows'
  readonly y: VectorTensor
  readonly cotangent: VectorTensor
  readonly gradient: VectorTensor
}

type Vectors = Readonly<Record<'grid' | 'rows', VectorTensor>> & { readonly cases: readonly Case[] }

/** Close relative to each number: the grid goes from 1e-6 to 1e30. */
function expectClose(actual: Tensor, expected: VectorTensor, what: string): void {
  const wanted = elements(expected)
  expect(actual.shape, what).toEqual(expected.shape)
  actual.dataSync().forEach((value, i) => {
    const want = wanted[i] as number
    const isClose = Object.is(value, want) || Math.abs((value as number) - want) <= 3e-6 * Math.max(1, Math.abs(want))
    if (!isClose) expect.fail(`${what}[${i}]: ${value} instead of ${want}`)
  })
}

const { cases: all, ...inputs } = readVectors<Vectors>('activations')
// Keras's threshold is a sum of cumulative sums, so its shares do not add up to 1 (docs/differences.md).
const cases = all.filter(({ name }) => name !== 'sparsemax')

describe.each(backends)('activations give what Keras gives on %s', (backend) => {
  it.each(cases.map((vector) => [vector.title, vector] as const))('%s', async (_, vector) => {
    await setBackend(backend)
    const activation = (activations as unknown as Record<string, (x: Tensor, options: object) => Tensor>)[toCamelCase(vector.name)]
    if (activation === undefined) throw new Error(`activations.${vector.name} is missing`)
    const options = Object.fromEntries(Object.entries(vector.arguments).map(([key, value]) => [toCamelCase(key), value]))
    const x = asTensor(inputs[vector.x])
    using tape = new GradientTape()
    tape.watch(x)
    const y = activation(x, options)
    expectClose(y, vector.y, 'value')
    expectClose(tape.gradient(ops.sum(ops.multiply(y, asTensor(vector.cotangent))), x) as Tensor, vector.gradient, 'gradient')
  })
})

describe.each(backends)('sparsemax on %s', (backend) => {
  it('is the nearest point of the simplex', async () => {
    await setBackend(backend)
    const x = tensor([
      [0.1, 1.1, 0.2],
      [3, 0, 0],
      [0.5, 0.5, 0.5],
    ])
    using tape = new GradientTape()
    tape.watch(x)
    const y = activations.sparsemax(x)
    const expected = [0, 0.95, 0.05, 1, 0, 0, 1 / 3, 1 / 3, 1 / 3]
    y.dataSync().forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] as number, 6)
    })
    const weights = tensor([
      [1, 2, 4],
      [1, 2, 4],
      [1, 2, 4],
    ])
    // Within the support, the gradient minus its mean there.
    const gradient = tape.gradient(ops.sum(ops.multiply(y, weights)), x) as Tensor
    const wanted = [0, -1, 1, 0, 0, 0, -4 / 3, -1 / 3, 5 / 3]
    gradient.dataSync().forEach((value, i) => {
      expect(value).toBeCloseTo(wanted[i] as number, 5)
    })
  })
})
