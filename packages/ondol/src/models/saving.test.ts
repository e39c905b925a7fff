import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { sourceOf } from '../core/bytes.js'
import { SavingError } from '../core/errors.js'
import type { PartialShape } from '../core/shape.js'
import type { Tree } from '../core/tree.js'
import { type Tensor, tensor, useBackend, type Variable } from '../engine/index.js'
import * as initializers from '../initializers/index.js'
import { setDtypePolicy } from '../layers/config.js'
import * as layers from '../layers/index.js'
import * as losses from '../losses/index.js'
import * as metrics from '../metrics/index.js'
import * as ops from '../ops/index.js'
import { resetNames } from '../ops/naming.js'
import * as optimizers from '../optimizers/index.js'
import { bytesFrom } from '../saving/location.js'
import { ZipReader } from '../saving/zip/reader.js'
import { ZipWriter } from '../saving/zip/writer.js'
import { elements, isVectorTensor, readVectors, type VectorTensor } from '../testing/vectors.js'
import { Model, Sequential } from './index.js'
import * as saving from './saving.js'

const { Input } = layers
const { loadModel } = saving
const quiet = { verbose: 0 } as const

let folder = ''
const inFolder = (name: string): string => join(folder, name)
beforeAll(() => {
  useBackend(createHostBackend())
  folder = mkdtempSync(join(tmpdir(), 'ondol-saving-'))
})
afterAll(() => rmSync(folder, { recursive: true }))
beforeEach(resetNames)
afterEach(() => vi.restoreAllMocks())

const ramp = (shape: number[], seed = 0): Tensor =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * 1.3 + seed)),
    shape,
  )
const numbers = async (model: Model, x: Tensor): Promise<unknown> => ((await model.predict(x, quiet)) as Tensor).array()

class Scale extends layers.Layer {
  static override readonly configTable = { factor: 'value' } as const
  readonly factor: number
  scale!: Variable
  constructor({ factor = 1, ...options }: layers.LayerOptions & { factor?: number } = {}) {
    super(options)
    this.factor = factor
  }
  override build(shape: PartialShape): void {
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

const custom = { 'interop>Perceptron': Perceptron, 'interop>Scale': Scale, Perceptron, Scale }

/** The archive with another config. */
async function withConfig(bytes: Uint8Array, change: (config: string) => string): Promise<Uint8Array> {
  const zip = await ZipReader.open(sourceOf(bytes))
  return bytesFrom(async (sink) => {
    const writer = new ZipWriter(sink)
    for (const name of zip.members.keys()) {
      const member = await zip.read(name, 1e8)
      await writer.add(name, name === 'config.json' ? new TextEncoder().encode(change(new TextDecoder().decode(member))) : member)
    }
    await writer.finish()
  })
}

describe('files of the real Keras', () => {
  interface Description {
    readonly x: Tree<VectorTensor>
    readonly y: Tree<VectorTensor> | null
    readonly prediction: Tree<VectorTensor>
    readonly loss?: number
  }
  const models = readVectors<Record<string, Description>>('saved/models')
  const fileOf = (name: string): string => new URL(`../testing/vectors/saved/${name}`, import.meta.url).pathname
  const decode = (tree: Tree<VectorTensor>): Tree<Tensor> => {
    if (isVectorTensor(tree)) return tensor(elements(tree), tree.shape, tree.dtype)
    return Object.fromEntries(Object.entries(tree).map(([key, item]) => [key, decode(item)]))
  }
  const flat = async (tree: Tree<Tensor | VectorTensor>): Promise<number[]> => {
    if (isVectorTensor(tree))
      return typeof (tree as { data: unknown }).data === 'function'
        ? Array.from(await (tree as unknown as Tensor).data())
        : Array.from(elements(tree))
    return (await Promise.all(Object.values(tree).map((item) => flat(item as Tree<Tensor>)))).flat()
  }
  const expectClose = (actual: readonly number[], expected: readonly number[], tolerance: number): void => {
    expect(actual.length).toBe(expected.length)
    actual.forEach((value, i) =>
      expect(Math.abs(value - (expected[i] as number))).toBeLessThan(tolerance * (1 + Math.abs(expected[i] as number))),
    )
  }

  it.each(Object.keys(models))('%s predicts the same and trains on, and so does its copy', async (name) => {
    const { x, y, prediction, loss } = models[name] as Description
    const tolerance = /half|scaling/.test(name) ? 1e-2 : 1e-5
    const original = await loadModel(fileOf(`${name}.keras`), { customObjects: custom })
    const copy = await loadModel(await original.save(), { customObjects: custom })
    for (const model of [original, copy]) {
      expectClose(await flat(await model.predict(decode(x), quiet)), await flat(prediction), tolerance)
      if (loss === undefined) expect(model.compiled).toBe(false)
      else
        expectClose(
          [(await model.trainOnBatch(decode(x), decode(y as Tree<VectorTensor>), { returnDict: true })).loss as number],
          [loss],
          tolerance,
        )
    }
  })

  it.each(Object.keys(models))('%s loads as Keras 3.0 described it', async (name) => {
    // Dtypes were names, and inputs had fewer options; weights were where they are now.
    const older = (_key: string, value: unknown): unknown => {
      if (typeof value !== 'object' || value === null || !('class_name' in value)) return value
      const { class_name: className, config } = value as { readonly class_name: string; config: Record<string, unknown> }
      if (className === 'DTypePolicy') return config.name
      if (className === 'InputLayer') for (const option of ['optional', 'ragged']) delete config[option]
      return value
    }
    const bytes = Uint8Array.from(readFileSync(fileOf(`${name}.keras`)))
    const { x, prediction } = models[name] as Description
    const model = await loadModel(await withConfig(bytes, (config) => JSON.stringify(JSON.parse(config, older))), { customObjects: custom })
    expectClose(await flat(await model.predict(decode(x), quiet)), await flat(prediction), /half|scaling/.test(name) ? 1e-2 : 1e-5)
    expect(model.toJson()).toBe((await loadModel(bytes, { customObjects: custom })).toJson())
  })

  it('have the same weights in .weights.h5, the optimizer included', async () => {
    const { x, y, loss } = models.optimizer_adam as Description
    const model = await loadModel(fileOf('optimizer_adam.keras'))
    for (const variable of [...model.variables, ...(model.optimizer as optimizers.Optimizer).variables])
      variable.assign(ops.zerosLike(variable.value))
    await model.loadWeights(fileOf('optimizer_adam.weights.h5'))
    const logs = await model.trainOnBatch(decode(x) as Tensor, decode(y as VectorTensor) as Tensor, { returnDict: true })
    expect(logs.loss).toBeCloseTo(loss as number, 5)
  })
})

describe('save and loadModel', () => {
  const small = (): Model => {
    const model = new Sequential([Input({ shape: [3] }), layers.dense(4, { activation: 'tanh' }), layers.dense(2)])
    model.compile({ optimizer: new optimizers.Adam({ learningRate: 0.1 }), loss: 'mse', metrics: ['mae'] })
    return model
  }

  it('keep weights, compilation and optimizer: training goes on as if nothing had happened', async () => {
    const [x, y] = [ramp([6, 3]), ramp([6, 2], 1)]
    const model = small()
    for (let i = 0; i < 3; i++) await model.trainOnBatch(x, y)
    await model.save(inFolder('model.keras'))
    const again = await loadModel(inFolder('model.keras'))
    expect(await numbers(again, x)).toEqual(await numbers(model, x))
    expect(await again.trainOnBatch(x, y, { returnDict: true })).toEqual(await model.trainOnBatch(x, y, { returnDict: true }))
    expect(await numbers(again, x)).toEqual(await numbers(model, x))
    expect((await loadModel(inFolder('model.keras'), { compile: false })).compiled).toBe(false)
  })

  it('give the same from a path, a file: URL, bytes, an ArrayBuffer, a Blob, and a folder', async () => {
    const model = small()
    const x = ramp([2, 3])
    const bytes = await model.save()
    writeFileSync(inFolder('bytes.keras'), bytes)
    await model.save(inFolder('folder'), { zipped: false })
    expect(readdirSync(inFolder('folder')).sort()).toEqual(['config.json', 'metadata.json', 'model.weights.h5'])
    const sources = [
      inFolder('bytes.keras'),
      new URL(`file://${inFolder('bytes.keras')}`),
      bytes,
      bytes.slice().buffer,
      new Blob([bytes.slice().buffer]),
      inFolder('folder'),
    ]
    for (const source of sources) expect(await numbers(await loadModel(source), x)).toEqual(await numbers(model, x))
  })

  it('write what was at the time of saving, whatever is trained meanwhile', async () => {
    const model = small()
    const [x, y] = [ramp([6, 3]), ramp([6, 2], 1)]
    const before = await numbers(model, x)
    const saved = saving.saveModel(model)
    await model.trainOnBatch(x, y)
    expect(await numbers(await loadModel(await saved), x)).toEqual(before)
  })

  it('leave the old file when saving fails, and nothing else', async () => {
    const model = small()
    await model.save(inFolder('kept.keras'))
    const old = readFileSync(inFolder('kept.keras'))
    const names = readdirSync(folder)
    const broken = new Sequential([
      Input({ shape: [3] }),
      new layers.Dense(2, { activation: Object.defineProperty((x: Tensor) => x, 'name', { value: '' }) }),
    ])
    const unbuilt = new Sequential([layers.dense(1)])
    for (const model of [broken, unbuilt]) await expect(model.save(inFolder('kept.keras'))).rejects.toThrow(SavingError)
    await expect(small().save(inFolder('kept.keras'), { overwrite: false })).rejects.toThrow(/there is a file already/)
    expect(readFileSync(inFolder('kept.keras')).equals(old)).toBe(true)
    expect(readdirSync(folder)).toEqual(names)
    await expect(model.save(inFolder('model.pb'))).rejects.toThrow(/ends in '\.keras'/)
    await expect(loadModel(inFolder('absent.keras'))).rejects.toThrow(/no such file/)
  })

  it('keep custom losses, metrics and activations by their registered names, and ask for them by name', async () => {
    const cubed = (x: Tensor): Tensor => ops.multiply(x, ops.multiply(x, x))
    const quartic = (yTrue: Tensor, yPred: Tensor): Tensor => ops.mean(ops.power(ops.subtract(yTrue, yPred), 4), -1)
    class Doubled extends losses.Loss {
      override call(yTrue: Tensor, yPred: Tensor): Tensor {
        return ops.mean(ops.multiply(2, ops.abs(ops.subtract(yTrue, yPred))), -1)
      }
    }
    const model = new Sequential([Input({ shape: [3] }), new Scale({ factor: 3 }), layers.dense(2, { activation: cubed })])
    model.compile({ optimizer: 'sgd', loss: new Doubled(), metrics: [quartic] })
    const bytes = await model.save()
    await expect(loadModel(bytes)).rejects.toThrow(/there is no layer class 'Scale'[\s\S]*registerKerasSerializable/)
    const again = await loadModel(bytes, { customObjects: { Scale, cubed, quartic, Doubled } })
    const [x, y] = [ramp([4, 3]), ramp([4, 2], 1)]
    expect(await again.trainOnBatch(x, y, { returnDict: true })).toEqual(await model.trainOnBatch(x, y, { returnDict: true }))
    expect(await numbers(again, x)).toEqual(await numbers(model, x))
  })

  it('keep what layers save besides weights', async () => {
    class Words extends layers.Layer implements saving.CustomState {
      words: string[] = []
      override call(x: Tensor): Tensor {
        return x
      }
      saveAssets(): Record<string, string> {
        return { 'vocabulary.txt': this.words.join('\n') }
      }
      loadAssets(assets: ReadonlyMap<string, Uint8Array>): void {
        this.words = new TextDecoder().decode(assets.get('vocabulary.txt')).split('\n')
      }
    }
    const [first, second] = [new Words(), new Words()]
    first.words = ['a', 'größe']
    second.words = ['b']
    const model = new Sequential([Input({ shape: [3] }), first, layers.dense(2), second])
    await model.save(inFolder('assets'), { zipped: false })
    for (const source of [await model.save(), inFolder('assets')]) {
      const again = await loadModel(source, { customObjects: { Words } })
      expect(again.layers.map((layer) => (layer as Words).words)).toEqual([['a', 'größe'], undefined, ['b']])
    }
  })

  it('say what to do when a class has its own compile', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    class Own extends Perceptron {
      override compile(): void {
        super.compile({ optimizer: 'sgd', loss: 'mse' })
      }
    }
    const model = new Own()
    await model.predict(ramp([2, 3]), quiet)
    model.compile()
    const again = await loadModel(await model.save(), { customObjects: { Own, Scale } })
    expect(again.compiled).toBe(false)
    expect(warn.mock.calls.flat().join()).toMatch(/compile\(\) of its own/)
    expect(await numbers(again, ramp([2, 3]))).toEqual(await numbers(model, ramp([2, 3])))
  })
})

describe('saveWeights and loadWeights', () => {
  const build = (units = 4): Model => {
    const x = Input({ shape: [3] })
    const hidden = layers.dense(units, { name: 'hidden' })(x)
    return new Model({ inputs: x, outputs: layers.dense(2, { name: 'answer' })(layers.batchNormalization()(hidden)) })
  }

  it('carry weights from one model to another', async () => {
    const [one, other] = [build(), build()]
    await one.saveWeights(inFolder('one.weights.h5'))
    const x = ramp([2, 3])
    await other.loadWeights(inFolder('one.weights.h5'))
    expect(await numbers(other, x)).toEqual(await numbers(one, x))
    const third = build()
    await third.loadWeights(await one.save())
    expect(await numbers(third, x)).toEqual(await numbers(one, x))
    await expect(one.saveWeights(inFolder('one.bin'))).rejects.toThrow(/ends in '\.weights\.h5'/)
  })

  it('refuse weights that do not fit, before anything is changed', async () => {
    const bytes = await build(5).saveWeights()
    const model = build()
    const before = await numbers(model, ramp([2, 3]))
    await expect(model.loadWeights(bytes)).rejects.toThrow(
      /Dense 'hidden' \(layers\/dense\): the weights do not fit the model: its weights have other shapes; nor are there for BatchNormalization[\s\S]*Expected: 2: kernel \(3, 4\), bias \(4,\)[\s\S]*Received: 2: 0 \(3, 5\), 1 \(5,\)/,
    )
    expect(await numbers(model, ramp([2, 3]))).toEqual(before)
    const x = Input({ shape: [3] })
    const deeper = new Model({ inputs: x, outputs: layers.dense(2)(layers.dense(2)(layers.dense(3)(x))) })
    await expect(deeper.loadWeights(await build(3).saveWeights())).rejects.toThrow(
      /there are no weights for it[\s\S]*nothing at 'layers\/dense_2'; there is 'layers\/dense(_1)?'/,
    )
  })

  it('leave what does not fit with skipMismatch', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const wide = build(5)
    const model = build()
    const kept = await (model.getLayer('hidden') as layers.Dense).kernel.array()
    const x = Input({ shape: [4] })
    const head = new Model({ inputs: x, outputs: layers.dense(2)(x) })
    await model.loadWeights(await wide.saveWeights(), { skipMismatch: true })
    expect(await (model.getLayer('hidden') as layers.Dense).kernel.array()).toEqual(kept)
    expect(warn.mock.calls.flat().join()).toMatch(/left as it was: Dense 'hidden'/)
    await expect(head.loadWeights(await head.saveWeights())).resolves.toBeUndefined()
  })

  it('go over several files', async () => {
    const model = build(64)
    await model.saveWeights(inFolder('big.weights.json'), { maxShardSize: 1000 / 2 ** 30 })
    const names = readdirSync(folder).filter((name) => name.startsWith('big'))
    expect(names.sort()).toEqual([
      'big.weights.json',
      'big_00000.weights.h5',
      'big_00001.weights.h5',
      'big_00002.weights.h5',
      'big_00003.weights.h5',
    ])
    const index = JSON.parse(readFileSync(inFolder('big.weights.json'), 'utf8'))
    expect(index.weight_map['/layers/batch_normalization/vars']).toEqual(['big_00001.weights.h5', 'big_00002.weights.h5'])
    const other = build(64)
    await other.loadWeights(inFolder('big.weights.json'))
    expect(await numbers(other, ramp([2, 3]))).toEqual(await numbers(model, ramp([2, 3])))
    await expect(model.saveWeights(inFolder('big.weights.json'), { maxShardSize: 100 / 2 ** 30 })).rejects.toThrow(/larger than a shard/)
    index.weight_map['/layers/dense/vars'] = '../../elsewhere.weights.h5'
    writeFileSync(inFolder('bad.weights.json'), JSON.stringify(index))
    await expect(other.loadWeights(inFolder('bad.weights.json'))).rejects.toThrow(/no name of a shard/)
  })

  it("make the optimizer's state when the file has some, and leave another optimizer's", async () => {
    const [x, y] = [ramp([4, 3]), ramp([4, 2], 1)]
    const trained = build()
    trained.compile({ optimizer: 'adam', loss: 'mse' })
    for (let i = 0; i < 2; i++) await trained.trainOnBatch(x, y)
    const bytes = await trained.saveWeights()
    const other = build()
    other.compile({ optimizer: 'adam', loss: 'mse' })
    await other.loadWeights(bytes)
    expect(await other.trainOnBatch(x, y)).toEqual(await trained.trainOnBatch(x, y))
    expect(await numbers(other, x)).toEqual(await numbers(trained, x))
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const third = build()
    third.compile({ optimizer: 'sgd', loss: 'mse' })
    await third.loadWeights(bytes)
    expect(warn.mock.calls.flat().join()).toMatch(/state of optimizer 'sgd' is not loaded/)
  })

  it('keep the loss scaling of a graph in mixed_float16', async () => {
    setDtypePolicy('mixed_float16')
    const model = build()
    setDtypePolicy(null)
    model.compile({ optimizer: 'adam', loss: 'mse' })
    const [x, y] = [ramp([4, 3]), ramp([4, 2], 1)]
    await model.trainOnBatch(x, y)
    const again = await loadModel(await model.save())
    expect(again.optimizer).toBeInstanceOf(optimizers.LossScaleOptimizer)
    expect(await again.trainOnBatch(x, y)).toEqual(await model.trainOnBatch(x, y))
    expect(await numbers(again, x)).toEqual(await numbers(model, x))
  })

  it('keep bfloat16 and float16 bit for bit', async () => {
    const x = Input({ shape: [3] })
    const model = new Model({ inputs: x, outputs: [layers.dense(2, { dtype: 'bfloat16' })(x), layers.dense(2, { dtype: 'float16' })(x)] })
    const again = await loadModel(await model.save())
    for (const [i, variable] of again.weights.entries()) {
      expect(variable.dtype).toBe((model.weights[i] as Variable).dtype)
      expect(await variable.array()).toEqual(await (model.weights[i] as Variable).array())
    }
  })
})

describe('hostile files', () => {
  const small = async (): Promise<Uint8Array> => {
    const x = Input({ shape: [3] })
    const model = new Model({ inputs: x, outputs: ops.add(layers.dense(2, { activation: 'relu' })(x), 1) })
    model.compile({ optimizer: 'sgd', loss: 'mse', metrics: ['mae'] })
    return model.save()
  }
  it('cost no first values of weights, which the file replaces or lacks', async () => {
    const made = vi.spyOn(initializers.Orthogonal.prototype, 'make')
    const x = Input({ shape: [null, 2] })
    const bytes = await new Model({ inputs: x, outputs: layers.lstm(2)(x) }).save()
    made.mockClear()
    await saving.loadModel(bytes)
    // An orthogonal matrix of that size takes half a minute.
    const large = await withConfig(bytes, (config) => config.replaceAll('"units": 2', '"units": 1000'))
    await expect(saving.loadModel(large)).rejects.toThrow(SavingError)
    expect(made).not.toHaveBeenCalled()
  })

  it('get no memory for metrics that they make up', async () => {
    const model = new Sequential([Input({ shape: [2] }), layers.dense(1, { activation: 'sigmoid' })])
    model.compile({ optimizer: 'sgd', loss: 'mse', metrics: [new metrics.AUC(), new metrics.PrecisionAtRecall(0.5)] })
    const bytes = await model.save()
    expect(await withConfig(bytes, (config) => config).then((same) => saving.loadModel(same))).toBeInstanceOf(Sequential)
    const large = await withConfig(bytes, (config) => config.replaceAll('"num_thresholds": 200', '"num_thresholds": 4294967295'))
    await expect(saving.loadModel(large)).rejects.toThrow(/too many thresholds/)
  })

  it('are refused with the place: code, unknown names, keys of prototypes, endless nesting', async () => {
    const bytes = await small()
    const cases: [RegExp, (config: string) => string][] = [
      [
        /line 1, column \d+: the key '__proto__' is not allowed/,
        (config) => config.replace('"trainable"', '"__proto__": {"polluted": true}, "trainable"'),
      ],
      [/config\.json, line 1, column \d+: it is nested deeper/, (config) => config.replace('"relu"', '['.repeat(1e5))],
      [/config\.json: there is no layer class 'Denss'[\s\S]*did you mean 'Dense'/, (config) => config.replace('"Dense"', '"Denss"')],
      [
        /config\.json: .*there is no layer class 'system'/s,
        (config) => config.replace('"keras.layers", "class_name": "Dense"', '"os", "class_name": "system"'),
      ],
      [/config\.json/, (config) => config.replace('"relu"', '{"class_name": "__lambda__", "config": {"value": "4wEA"}}')],
      [/config\.json/, (config) => config.replace('"units": 2', '"units": -2')],
      [
        /more weights than the file holds[\s\S]*kernel \(3, 1000000000000\)/,
        (config) => config.replace('"units": 2', '"units": 1000000000000'),
      ],
      [/config\.json/, () => '[1, 2'],
      [/does not describe a model/, () => '{}'],
    ]
    for (const [message, change] of cases) {
      const error = await loadModel(await withConfig(bytes, change)).then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(error).toBeInstanceOf(SavingError)
      expect((error as Error).message).toMatch(message)
    }
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
    const without = await bytesFrom(async (sink) => {
      const zip = new ZipWriter(sink)
      await zip.add('model.weights.h5', new Uint8Array())
      await zip.finish()
    })
    await expect(loadModel(without)).rejects.toThrow(/no member 'config\.json'/)
  })

  it('whose config is changed anywhere load, or are refused with a SavingError', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const bytes = await small()
    const values = fc.oneof(
      fc.constantFrom(null, true, 0, -1, 1.5, '', 'x', 'keras.layers', [], {}, [[]]),
      fc.integer({ min: -3, max: 3 }),
      fc.json({ maxDepth: 2 }).map((text) => JSON.parse(text)),
    )
    await fc.assert(
      fc.asyncProperty(fc.nat(), values, async (place, value) => {
        const broken = await withConfig(bytes, (text) => {
          const config = JSON.parse(text)
          const places: [Record<string, unknown>, string][] = []
          const visit = (node: unknown): void => {
            if (typeof node !== 'object' || node === null) return
            for (const [key, item] of Object.entries(node)) {
              places.push([node as Record<string, unknown>, key])
              visit(item)
            }
          }
          visit(config)
          const [node, key] = places[place % places.length] as [Record<string, unknown>, string]
          node[key] = value
          return JSON.stringify(config)
        })
        await loadModel(broken).catch((error) => {
          if (!(error instanceof SavingError)) throw error
        })
      }),
      { numRuns: 300 },
    )
  })

  it('of any damage are refused or read, and never more', async () => {
    const bytes = await small()
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), async (changes) => {
        const broken = bytes.slice()
        for (const [at, value] of changes) broken[at] = value
        await loadModel(broken).catch((error) => {
          if (!(error instanceof SavingError)) throw error
        })
      }),
      { numRuns: 200 },
    )
  })
})
