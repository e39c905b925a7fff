/** The real onnx.checker accepts what ondol exports, and onnxruntime computes the same, with two sizes of batch: layers and small networks. */
import { ops, random, type Tensor, utils } from 'ondol'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Case, checkCases, makeCase, type Outcome, TOLERANCE } from './onnx-cases.js'
import { MODELS } from './onnx-models.js'

/** Sizes of batch and of what else is unknown. */
const RUNS = [
  { batch: 2, size: 24 },
  { batch: 3, size: 31 },
] as const

let outcomes: Readonly<Record<string, Outcome>> = {}
const failures = new Map<string, unknown>()

beforeAll(async () => {
  utils.setRandomSeed(3)
  outcomes = await checkCases(async (folder) => {
    const cases: Case[] = []
    for (const [name, make] of Object.entries(MODELS)) {
      try {
        const model = make()
        // Weights that are not what initializers give: no zeros, no ones.
        model.setWeights(
          model.weights.map(({ value }) => ops.add(value, random.uniform(value.shape, { minval: 0.05, maxval: 0.3 })) as Tensor),
        )
        cases.push(await makeCase(folder, name, model, RUNS))
      } catch (error) {
        failures.set(name, error)
      }
    }
    return cases
  })
}, 280_000)

describe('onnxruntime', () => {
  it.each(Object.keys(MODELS))('computes %s as ondol does', (name) => {
    if (failures.has(name)) throw failures.get(name)
    const { error, difference } = outcomes[name] as Outcome
    expect(error).toBeUndefined()
    expect(difference).toBeLessThan(TOLERANCE)
  })

  it('gets networks of images with one transpose at each edge', () => {
    const transposes = (name: string): number => (outcomes[name]?.operators ?? []).filter((op) => op === 'Transpose').length
    expect(transposes('resnet')).toBe(1)
    expect(transposes('inception')).toBe(2)
    expect(transposes('separable')).toBe(1)
    expect(transposes('squeeze')).toBeLessThanOrEqual(2)
  })

  it('gets layers as the operators that ONNX has for them', () => {
    expect(outcomes.question?.operators).toEqual(expect.arrayContaining(['Gather', 'LSTM', 'Gemm', 'Softmax']))
    expect(outcomes.resnet?.operators).toEqual(expect.arrayContaining(['Conv', 'BatchNormalization', 'LeakyRelu', 'MaxPool']))
    expect(outcomes.multiHot?.operators).toEqual(['Gemm', 'Relu', 'Gemm', 'Sigmoid'])
  })
})
