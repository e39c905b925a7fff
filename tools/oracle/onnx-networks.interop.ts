/** The networks of the tutorials in their own size: onnx.checker accepts them, and onnxruntime computes the same, with two batches. */
import { type Model, ops, random, type Tensor, utils } from 'ondol'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Case, checkCases, makeCase, type Outcome, TOLERANCE } from './onnx-cases.js'
import { NETWORKS } from './onnx-networks.js'

/** Sequences must be long enough for two poolings by five. */
const RUNS = [
  { batch: 1, size: 310 },
  { batch: 2, size: 347 },
] as const

let outcomes: Readonly<Record<string, Outcome>> = {}
const failures = new Map<string, unknown>()
const counts = new Map<string, number>()

const countOf = ({ shape }: { readonly shape: readonly number[] }): number => shape.reduce((a, b) => a * b, 1)

/** Biases and what normalizations have learnt are no zeros and ones, as after training. */
function trained(model: Model): void {
  for (const variable of model.weights)
    if (variable.shape.length === 1)
      variable.assign(ops.add(variable.value, random.uniform(variable.shape, { minval: 0, maxval: 0.2 })) as Tensor)
}

beforeAll(async () => {
  utils.setRandomSeed(5)
  outcomes = await checkCases(async (folder) => {
    const cases: Case[] = []
    for (const [name, { make, shape, isTrainable }] of Object.entries(NETWORKS)) {
      try {
        const model = make()
        if (shape !== undefined) model.build([null, ...shape])
        const variables = isTrainable === true ? model.trainableVariables : model.weights
        counts.set(
          name,
          variables.reduce((sum, variable) => sum + countOf(variable), 0),
        )
        trained(model)
        cases.push(await makeCase(folder, name, model, RUNS, shape))
      } catch (error) {
        failures.set(name, error)
      }
    }
    return cases
  })
}, 290_000)

describe('onnxruntime', () => {
  it.each(Object.entries(NETWORKS))('computes %s as ondol does', (name, { parameters }) => {
    if (failures.has(name)) throw failures.get(name)
    expect(counts.get(name)).toBe(parameters)
    const { error, difference, relative } = outcomes[name] as Outcome
    expect(error).toBeUndefined()
    expect(difference).toBeLessThan(TOLERANCE)
    expect(relative).toBeLessThan(TOLERANCE)
  })
})
