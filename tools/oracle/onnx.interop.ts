/** The real onnx.checker accepts what ondol exports, and onnxruntime computes the same, with two sizes of batch. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type KerasTensor, type Model, ops, random, type Tensor, utils } from 'ondol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../setup/command.mjs'
import { MODELS } from './onnx-models.js'
import { pythonPath } from './setup.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'ondol-onnx-'))
const TOLERANCE = 1e-4

interface Outcome {
  readonly difference?: number
  readonly operators?: readonly string[]
  readonly error?: string
}

/** Sizes of batch and of what else is unknown. */
const RUNS = [
  { batch: 2, size: 24 },
  { batch: 3, size: 31 },
] as const

let outcomes: Readonly<Record<string, Outcome>> = {}
const failures = new Map<string, unknown>()

const numbers = async (x: Tensor): Promise<object> => ({ dtype: x.dtype, shape: x.shape, data: Array.from(await x.data()) })

/** Weights that are not what initializers give: no zeros, no ones. */
function disturb(model: Model): void {
  model.setWeights(model.weights.map(({ value }) => ops.add(value, random.uniform(value.shape, { minval: 0.05, maxval: 0.3 })) as Tensor))
}

function inputFor({ shape, dtype }: KerasTensor, { batch, size }: (typeof RUNS)[number]): Tensor {
  const sizes = shape.map((known, axis) => known ?? (axis === 0 ? batch : size))
  return dtype === 'int32' ? random.randint(sizes, 0, 10, { dtype }) : random.normal(sizes)
}

async function exported(name: string, model: Model): Promise<object> {
  disturb(model)
  await model.export(join(folder, `${name}.onnx`), { format: 'onnx' })
  const runs: object[] = []
  for (const sizes of RUNS) {
    const inputs = model.inputs.map((symbol) => inputFor(symbol, sizes))
    const predicted = await model.predict((inputs.length === 1 ? inputs[0] : inputs) as Tensor, { verbose: 0 })
    const named = inputs.map(async (x, i) => [model.inputNames?.[i] as string, await numbers(x)] as const)
    runs.push({
      inputs: Object.fromEntries(await Promise.all(named)),
      outputs: await Promise.all([predicted].flat().map((x) => numbers(x as Tensor))),
    })
  }
  return { name, runs }
}

beforeAll(async () => {
  const python = pythonPath()
  if (python === undefined) throw new Error('there is no Python environment: node tools/oracle/setup.mjs makes it')
  utils.setRandomSeed(3)
  const cases: object[] = []
  for (const [name, make] of Object.entries(MODELS)) {
    try {
      cases.push(await exported(name, make()))
    } catch (error) {
      failures.set(name, error)
    }
  }
  writeFileSync(join(folder, 'cases.json'), JSON.stringify(cases))
  outcomes = JSON.parse(run(python, [join(here, 'onnx_files.py'), folder])) as typeof outcomes
}, 280_000)

afterAll(() => rmSync(folder, { recursive: true }))

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
