/**
 * Files both ways: models that the real Keras saved load here, models saved here load in the real Keras, and both
 * predict the same, describe themselves the same, and train on with the same loss.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { layers, loadModel, Model, ops, saving, type Tensor, type Tree, tensor, type Variable } from 'ondol'
import { afterAll, describe, expect, it } from 'vitest'
import { elements, isVectorTensor, type VectorTensor } from '../../packages/ondol/src/testing/vectors.js'
import { pythonPath } from './setup.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const folder = process.env.ONDOL_SAVED_MODELS ?? mkdtempSync(join(tmpdir(), 'ondol-saved-'))
const script = join(here, 'saved_models.py')

interface Facts {
  readonly prediction: Tree<VectorTensor>
  readonly config: Config
  readonly loss?: number
  readonly trained?: Tree<VectorTensor>
}
interface Config {
  readonly class_name: string
  readonly config: Readonly<Record<string, unknown>>
  readonly compile_config: Readonly<Record<string, unknown>>
}
interface Description extends Facts {
  readonly x: Tree<VectorTensor>
  readonly y: Tree<VectorTensor> | null
  /** What Keras loads of what it wrote in the older format: all, so that it trains on, or no optimizer's state, or the model alone; or nothing. */
  readonly legacy: 'trains' | 'compiled' | 'model' | null
}
interface Check extends Facts {
  readonly fromWeights: Tree<VectorTensor>
  readonly error?: string
  /** The same of the file in the older format. */
  readonly legacy?: Check
}

/** What went wrong here, by model: told by that model's test. */
const failures = new Map<string, unknown>()
interface Result {
  readonly prediction: number[][]
  readonly config: Config
  readonly loss?: number
  readonly trained?: number[][]
  readonly fromWeights: number[][]
  /** What Keras's file in the older format predicts here. */
  readonly fromLegacy?: number[][]
}
const results = new Map<string, Result>()

class Scale extends layers.Layer {
  static override readonly configTable = { factor: 'value' } as const
  readonly factor: number
  scale!: Variable
  constructor({ factor = 1, ...options }: layers.LayerOptions & { factor?: number } = {}) {
    super(options)
    this.factor = factor
  }
  override build(shape: readonly number[]): void {
    this.scale = this.addWeight({ name: 'scale', shape: [shape.at(-1) as number], initializer: 'ones' })
  }
  override call(x: Tensor): Tensor {
    return ops.multiply(ops.multiply(x, this.scale), this.factor)
  }
}

class Perceptron extends Model {
  static override readonly configTable = { units: 'value' } as const
  readonly units: number
  readonly dense1: layers.Dense
  readonly out = new layers.Dense(2)
  readonly blocks: layers.Dense[]
  readonly table: Record<string, layers.Layer>
  readonly drop = new layers.Dropout(0)
  constructor({ units = 4, ...options }: { units?: number; name?: string } = {}) {
    super(options)
    this.units = units
    this.dense1 = new layers.Dense(units, { activation: 'relu' })
    this.blocks = [new layers.Dense(units), new layers.Dense(units)]
    this.table = { b: new layers.Dense(units), a: new Scale({ factor: 0.5 }) }
  }
  override call(x: Tensor): Tensor {
    const hidden = this.blocks.reduce<Tensor>((y, block) => block(y), this.dense1(x))
    const { a, b } = this.table as { a: layers.Layer; b: layers.Layer }
    return this.out(this.drop(a(b(hidden))))
  }
}

const cubed = (x: Tensor): Tensor => ops.multiply(x, ops.multiply(x, x))
const quartic = (yTrue: Tensor, yPred: Tensor): Tensor => ops.mean(ops.power(ops.subtract(yTrue, yPred), 4), -1)

/** Processes that share the models: Keras does one thing at a time. */
const PARTS = 2

/** Runs the script on all models; returns what it told of each. */
async function python<T>(command: 'make' | 'check', result: string): Promise<Record<string, T>> {
  const path = pythonPath()
  if (path === undefined) throw new Error('there is no Python environment: node tools/oracle/setup.mjs makes it')
  const parts = Array.from({ length: PARTS }, (_, part) => part)
  if (command === 'check' || process.env.ONDOL_SAVED_MODELS === undefined) {
    const execute = promisify(execFile)
    await Promise.all(parts.map((part) => execute(path, [script, command, folder, `${part}/${PARTS}`], { maxBuffer: 2 ** 26 })))
  }
  const texts = parts.map((part) => readFileSync(join(folder, `${result}-${part}.json`), 'utf8'))
  return Object.assign({}, ...texts.map((text) => JSON.parse(text) as object)) as Record<string, T>
}

const isLeaf = (value: unknown): value is VectorTensor => isVectorTensor(value)
function decode(tree: Tree<VectorTensor>): Tree<Tensor> {
  if (isLeaf(tree)) return tensor(elements(tree), tree.shape, tree.dtype)
  if (Array.isArray(tree)) return tree.map(decode)
  return Object.fromEntries(Object.entries(tree).map(([key, item]) => [key, decode(item as Tree<VectorTensor>)]))
}
function numbersOf(tree: Tree<VectorTensor>): number[][] {
  if (isLeaf(tree)) return [Array.from(elements(tree), Number)]
  return Object.values(tree).flatMap((item) => numbersOf(item as Tree<VectorTensor>))
}
async function readAll(tree: Tree<Tensor>): Promise<number[][]> {
  if ('dtype' in tree && 'data' in tree) return [Array.from(await (tree as Tensor).data(), Number)]
  return (await Promise.all(Object.values(tree).map((item) => readAll(item as Tree<Tensor>)))).flat()
}

const quiet = { verbose: 0 } as const
const predict = async (model: Model, x: Tree<Tensor>): Promise<number[][]> => readAll(await model.predict(x, quiet))

async function useHere(name: string, { x, y, legacy }: Description): Promise<void> {
  const input = decode(x)
  const model = await loadModel(join(folder, `${name}.keras`))
  await model.save(join(folder, `${name}.ondol.keras`))
  await model.saveWeights(join(folder, `${name}.ondol.weights.h5`))
  const other = await loadModel(join(folder, `${name}.keras`))
  for (const variable of other.variables) variable.assign(ops.zerosLike(variable.value))
  await other.loadWeights(join(folder, `${name}.weights.h5`))
  const facts = {
    prediction: await predict(model, input),
    config: JSON.parse(model.toJson()) as Config,
    fromWeights: await predict(other, input),
    ...(legacy !== null && { fromLegacy: await useLegacy(name, model, input, legacy) }),
  }
  if (y === null || !model.compiled) {
    results.set(name, facts)
    return
  }
  const { loss } = await model.trainOnBatch(input, decode(y), { returnDict: true })
  results.set(name, { ...facts, loss: loss as number, trained: await predict(model, input) })
}

/** Writes the model in the format of Keras 1 and 2, and predicts with what Keras wrote in it. */
async function useLegacy(name: string, model: Model, input: Tree<Tensor>, way: string): Promise<number[][]> {
  await model.save(join(folder, `${name}.ondol.h5`))
  writeFileSync(join(folder, `${name}.legacy.json`), JSON.stringify(way))
  return predict(await loadModel(join(folder, `${name}.h5`), { compile: way !== 'model' }), input)
}

saving.registerKerasSerializable('interop')(Scale)
saving.registerKerasSerializable('interop')(Perceptron)
saving.registerKerasSerializable('interop', 'cubed')(cubed)
saving.registerKerasSerializable('interop', 'quartic')(quartic)

// Here, not before the tests: the tests are named after the models.
const made = Object.entries(await python<Description | { readonly missing: string }>('make', 'models'))
const described = Object.fromEntries(made.flatMap(([name, model]) => ('missing' in model ? [] : [[name, model] as const])))
const missing = made.flatMap(([name, model]) => ('missing' in model ? [`${name}: ${model.missing}`] : []))
for (const [name, description] of Object.entries(described)) {
  await useHere(name, description).catch((error: unknown) => failures.set(name, error))
}
const checked = await python<Check>('check', 'checks')

afterAll(() => {
  if (process.env.ONDOL_SAVED_MODELS === undefined) rmSync(folder, { recursive: true, force: true })
})

/** Half-precision layers round at other places. */
const toleranceOf = (name: string): number => (/float16|half|loss_scaling/.test(name) ? 2e-2 : 1e-5)

function expectAllClose(actual: readonly number[][], expected: readonly number[][], tolerance: number): void {
  expect(actual.map(({ length }) => length)).toEqual(expected.map(({ length }) => length))
  actual.forEach((values, index) => {
    values.forEach((value, i) => {
      const wanted = (expected[index] as number[])[i] as number
      if (Math.abs(value - wanted) > tolerance * (1 + Math.abs(wanted))) expect.fail(`element ${i}: ${value} instead of ${wanted}`)
    })
  })
}

/** Integers have one width here, arrays are tensors, and an op with two names has one. */
const ALIKE: Readonly<Record<string, string>> = { int64: 'int32', __numpy__: '__tensor__', Amax: 'Max' }

/** Configs without what need not be the same: `jit_compile` is Keras's own, the batch that a subclassed model met first is chance. */
function comparable(config: Config): unknown {
  const strip = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(strip)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value)
        .filter(([key]) => !['jit_compile', 'build_config', 'module', 'shared_object_id', 'quantization_config'].includes(key))
        .map(([key, item]) => [key, typeof item === 'string' ? (ALIKE[item] ?? item) : strip(item)]),
    )
  }
  return strip(config)
}

if (missing.length > 0) it.skip.each(missing)('%s', () => undefined)

describe.each(Object.keys(described))('%s', (name) => {
  const mine = (): NonNullable<ReturnType<typeof results.get>> => {
    const error = failures.get(name)
    if (error !== undefined) throw error
    return results.get(name) as NonNullable<ReturnType<typeof results.get>>
  }
  const theirs = (): Check => {
    mine()
    const check = checked[name] as Check
    if (check.error !== undefined) expect.fail(`Keras: ${check.error}`)
    return check
  }
  const original = (): Description => described[name] as Description

  it('predicts here as in Keras', () => {
    expectAllClose(mine().prediction, numbersOf(original().prediction), toleranceOf(name))
    expectAllClose(mine().fromWeights, numbersOf(original().prediction), toleranceOf(name))
  })

  it('predicts in Keras as before', () => {
    expectAllClose(numbersOf(theirs().prediction), numbersOf(original().prediction), toleranceOf(name))
    expectAllClose(numbersOf(theirs().fromWeights), numbersOf(original().prediction), toleranceOf(name))
  })

  it('goes both ways in the format of Keras 1 and 2, where Keras writes it', () => {
    const { legacy, prediction, loss } = original()
    expect(legacy === null).toBe(mine().fromLegacy === undefined)
    if (legacy === null) return
    const expected = numbersOf(prediction)
    expectAllClose(mine().fromLegacy as number[][], expected, toleranceOf(name))
    const check = (checked[name] as Check).legacy as Check
    if (check.error !== undefined) expect.fail(`Keras: ${check.error}`)
    expectAllClose(numbersOf(check.fromWeights), expected, toleranceOf(name))
    expectAllClose(numbersOf(check.prediction), expected, toleranceOf(name))
    if (legacy === 'trains' && loss !== undefined) expectAllClose([[check.loss as number]], [[loss]], 10 * toleranceOf(name))
  })

  it('describes itself the same', () => {
    // Some losses here write more of their options than Keras's do, so that none is lost.
    expect(comparable(mine().config)).toMatchObject(comparable(original().config) as object)
    // Keras forgets the dtype policy of a Sequential when it loads one.
    if (name !== 'loss_scaling') expect(comparable(theirs().config)).toMatchObject(comparable(original().config) as object)
  })

  it('trains on in the same way', () => {
    const { loss, trained } = original()
    if (loss === undefined) expect([mine().loss, theirs().loss]).toEqual([undefined, undefined])
    else {
      expectAllClose([[mine().loss as number, theirs().loss as number]], [[loss, loss]], 10 * toleranceOf(name))
      // On JAX, Keras forgets what a call assigns to trainable weights; here it stays, as on TensorFlow and PyTorch.
      if (name === 'layer_spectral_normalization') return
      expectAllClose(mine().trained as number[][], numbersOf(trained as Tree<VectorTensor>), 10 * toleranceOf(name))
      expectAllClose(numbersOf(theirs().trained as Tree<VectorTensor>), numbersOf(trained as Tree<VectorTensor>), 10 * toleranceOf(name))
    }
  })
})
