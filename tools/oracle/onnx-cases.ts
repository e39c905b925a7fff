/** Models exported and predicted with here, then checked by the real onnx.checker and run by onnxruntime (`onnx_files.py`). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Input, type KerasTensor, type Model, random, type Tensor } from 'ondol'
import { run } from '../setup/command.mjs'
import { pythonPath } from './setup.mjs'

export const TOLERANCE = 1e-4

/** What came of a case. */
export interface Outcome {
  /** The largest difference of an element, relative to it where it is above 1. */
  readonly difference?: number
  /** The largest difference, relative to the largest element of the output. */
  readonly relative?: number
  readonly operators?: readonly string[]
  readonly error?: string
}

/** A model in a file, with inputs, and what it gave here. */
export interface Case {
  readonly name: string
  readonly runs: readonly object[]
}

/** Sizes of the batch, and of axes of any size. */
export interface Sizes {
  readonly batch: number
  readonly size: number
}

const numbers = async (x: Tensor): Promise<object> => ({ dtype: x.dtype, shape: x.shape, data: Array.from(await x.data()) })

function inputFor({ shape, dtype }: KerasTensor, { batch, size }: Sizes): Tensor {
  const sizes = shape.map((known, axis) => known ?? (axis === 0 ? batch : size))
  return dtype === 'int32' ? random.randint(sizes, 0, 10, { dtype }) : random.normal(sizes)
}

/** Exports a model and predicts with it; `shape` is what one without a graph is called on. */
export async function makeCase(
  folder: string,
  name: string,
  model: Model,
  sizes: readonly Sizes[],
  shape?: readonly number[],
): Promise<Case> {
  await model.export(join(folder, `${name}.onnx`), { format: 'onnx' })
  const symbols = shape === undefined ? model.inputs : [Input({ shape: [...shape] })]
  const runs: object[] = []
  for (const each of sizes) {
    const inputs = symbols.map((symbol) => inputFor(symbol, each))
    const predicted = await model.predict((inputs.length === 1 ? inputs[0] : inputs) as Tensor, { verbose: 0 })
    const named = inputs.map(async (x, i) => [(shape === undefined ? model.inputNames?.[i] : 'input') as string, await numbers(x)] as const)
    runs.push({
      inputs: Object.fromEntries(await Promise.all(named)),
      outputs: await Promise.all([predicted].flat().map((x) => numbers(x as Tensor))),
    })
  }
  return { name, runs }
}

/** Lets `make` fill a folder with cases, and checks them. */
export async function checkCases(make: (folder: string) => Promise<readonly Case[]>): Promise<Readonly<Record<string, Outcome>>> {
  const python = pythonPath()
  if (python === undefined) throw new Error('there is no Python environment: node tools/oracle/setup.mjs makes it')
  const folder = mkdtempSync(join(tmpdir(), 'ondol-onnx-'))
  try {
    writeFileSync(join(folder, 'cases.json'), JSON.stringify(await make(folder)))
    const script = join(dirname(fileURLToPath(import.meta.url)), 'onnx_files.py')
    return JSON.parse(run(python, [script, folder])) as Record<string, Outcome>
  } finally {
    rmSync(folder, { recursive: true })
  }
}
