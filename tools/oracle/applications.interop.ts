/**
 * A network of each family of keras.applications: what the real Keras made and saved computes the same here, loaded from its
 * `.keras` file, and made here with its weights; and so does what is exported from here as ONNX.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { applications, loadModel, type Model, type Tensor, tensor } from 'ondol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toCamelCase } from '../../packages/ondol/src/core/spelling.js'
import { pythonPath } from './setup.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const folder = process.env.ONDOL_APPLICATIONS ?? mkdtempSync(join(tmpdir(), 'ondol-applications-'))
const NAMES = [
  'ConvNeXtTiny', 'DenseNet121', 'EfficientNetB0', 'EfficientNetV2B0', 'InceptionResNetV2', 'InceptionV3', 'MobileNet', 'MobileNetV2',
  'MobileNetV3Small', 'NASNetMobile', 'ResNet50', 'ResNet50V2', 'VGG16', 'VGG19', 'Xception',
] as const // biome-ignore format: a list
/** Those with layers that Keras has in its networks only. */
const WITH_OWN_LAYERS = ['ConvNeXtTiny', 'InceptionResNetV2'] as const
/** Processes that share the networks: Keras compiles one at a time. */
const PARTS = 2
/** Relative to the largest number of the output. */
const TOLERANCE = 1e-4
const ONNX_TOLERANCE = 1e-4

interface Given {
  readonly options: Readonly<Record<string, unknown>>
  readonly x: readonly number[]
  readonly shape: readonly number[]
  readonly y: readonly number[]
}
interface Outcome {
  readonly difference?: number
  readonly error?: string
}

const failures = new Map<string, unknown>()
const found = new Map<string, { readonly given: Given; readonly loaded: number[]; readonly made: number[] }>()
let exported: Readonly<Record<string, Outcome>> = {}
let back: Readonly<Record<string, readonly number[]>> = {}

async function python(...args: readonly string[]): Promise<string> {
  const path = pythonPath()
  if (path === undefined) throw new Error('there is no Python environment: node tools/oracle/setup.mjs makes it')
  return (await promisify(execFile)(path, args, { maxBuffer: 2 ** 26 })).stdout
}

const numbers = async (x: Tensor): Promise<object> => ({ dtype: x.dtype, shape: x.shape, data: Array.from(await x.data()) })

type Make = (options: Readonly<Record<string, unknown>>) => Promise<Model>

/** Loads, makes and exports a network; returns what the ONNX file must compute. */
async function use(name: (typeof NAMES)[number]): Promise<object> {
  const given = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Given
  const options = Object.fromEntries(Object.entries(given.options).map(([key, value]) => [toCamelCase(key), value]))
  const x = tensor(Float32Array.from(given.x), given.shape)
  const loaded = await loadModel(join(folder, `${name}.keras`))
  const prediction = (await loaded.predict(x, { verbose: 0 })) as Tensor
  const model = await (applications[name] as unknown as Make)({ ...options, weights: join(folder, `${name}.weights.h5`) })
  const same = (await model.predict(x, { verbose: 0 })) as Tensor
  found.set(name, { given, loaded: Array.from(await prediction.data()), made: Array.from(await same.data()) })
  await model.export(join(folder, `${name}.onnx`), { format: 'onnx' })
  if (WITH_OWN_LAYERS.some((other) => other === name)) await model.save(join(folder, `${name}.ondol.keras`))
  return { name, runs: [{ inputs: { [model.inputNames?.[0] as string]: await numbers(x) }, outputs: [await numbers(same)] }] }
}

beforeAll(async () => {
  if (!readdirSync(folder).includes(`${NAMES.at(-1)}.json`))
    await Promise.all(
      Array.from({ length: PARTS }, (_, part) => python(join(here, 'applications_files.py'), 'make', folder, `${part}/${PARTS}`)),
    )
  const cases: object[] = []
  for (const name of NAMES) {
    try {
      cases.push(await use(name))
    } catch (error) {
      failures.set(name, error)
    }
  }
  writeFileSync(join(folder, 'cases.json'), JSON.stringify(cases))
  exported = JSON.parse(await python(join(here, 'onnx_files.py'), folder)) as typeof exported
  const saved = WITH_OWN_LAYERS.filter((name) => !failures.has(name))
  back = JSON.parse(await python(join(here, 'applications_files.py'), 'check', folder, ...saved)) as typeof back
}, 900_000)

afterAll(() => {
  if (process.env.ONDOL_APPLICATIONS === undefined) rmSync(folder, { recursive: true })
})

function expectNear(actual: readonly number[], expected: readonly number[]): void {
  const scale = Math.max(...expected.map(Math.abs))
  expect(scale).toBeGreaterThan(1e-3)
  const differences = expected.map((value, i) => Math.abs(value - (actual[i] as number)) / scale)
  expect(actual.length).toBe(expected.length)
  expect(Math.max(...differences)).toBeLessThan(TOLERANCE)
}

describe.each(NAMES)('%s', (name) => {
  const mine = (): NonNullable<ReturnType<typeof found.get>> => {
    if (failures.has(name)) throw failures.get(name)
    return found.get(name) as NonNullable<ReturnType<typeof found.get>>
  }

  it('is loaded from the file of Keras', () => expectNear(mine().loaded, mine().given.y))
  it('is made here with the weights of Keras', () => expectNear(mine().made, mine().given.y))
  it('is exported as ONNX', () => {
    mine()
    const { error, difference } = exported[name] as Outcome
    expect(error).toBeUndefined()
    expect(difference).toBeLessThan(ONNX_TOLERANCE)
  })
})

it.each(WITH_OWN_LAYERS)('%s saved here is loaded by Keras', (name) => {
  if (failures.has(name)) throw failures.get(name)
  expectNear(back[name] as readonly number[], found.get(name)?.given.y as readonly number[])
})
