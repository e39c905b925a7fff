import { beforeEach, describe, expect, it, vi } from 'vitest'
import { setBackend } from '../backends/load.js'
import { Callback } from '../callbacks/callback.js'
import { array, DataLoader, Dataset, type HostArray, type MapDataset, PyDataset, TensorDataset } from '../data/index.js'
import { currentBackend, tensor } from '../engine/index.js'
import * as layers from '../layers/index.js'
import { Model, Sequential } from '../models/index.js'
import { setGlobalSeed } from '../ops/random.js'
import { backends } from './testing/backends.js'

beforeEach(async () => {
  await setBackend('host')
  setGlobalSeed(11)
})

const { Input } = layers
const silent = { verbose: 0 } as const
const count = 12
const features = array(
  Float32Array.from({ length: count * 2 }, (_, i) => Math.sin(i)),
  [count, 2],
)
const targets = array(
  Float32Array.from({ length: count }, (_, i) => Math.cos(i)),
  [count, 1],
)
const samples = Dataset.fromTensorSlices([features, targets])

/** The same weights each time. */
function regressor(): Sequential {
  const model = new Sequential([Input({ shape: [2] }), layers.dense(3, { activation: 'tanh' }), layers.dense(1)])
  model.setWeights(
    model.getWeights().map((weight, k) =>
      tensor(
        Float32Array.from({ length: weight.size }, (_, i) => Math.sin(i + k)),
        weight.shape,
      ),
    ),
  )
  model.compile({ optimizer: 'sgd', loss: 'mse' })
  return model
}

/** Sees in what order batches were used. */
class Seen extends PyDataset<[HostArray, HostArray]> {
  readonly order: number[] = []
  readonly hooks: string[] = []
  override get length(): number {
    return 4
  }
  override async getItem(index: number): Promise<[HostArray, HostArray]> {
    this.order.push(index)
    await Promise.resolve()
    return [features.slice(index * 3, index * 3 + 3), targets.slice(index * 3, index * 3 + 3)]
  }
  override onEpochBegin(): void {
    this.hooks.push('begin')
  }
  override async onEpochEnd(): Promise<void> {
    this.hooks.push('end')
  }
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

describe.each(backends)('batches on %s', (backend) => {
  it('train, test and predict as arrays do', async () => {
    await setBackend(backend)
    const expected = regressor()
    const options = { ...silent, batchSize: 5, epochs: 2, shuffle: false }
    const { history } = await expected.fit(features, targets, options)
    const evaluated = await expected.evaluate(features, targets, { ...silent, batchSize: 5 })
    const predicted = await ((await expected.predict(features, silent)) as ReturnType<typeof tensor>).data()
    class Fives extends PyDataset<[HostArray, HostArray]> {
      override readonly length = 3
      override getItem(index: number): [HostArray, HostArray] {
        const [from, to] = [index * 5, Math.min(count, index * 5 + 5)]
        return [features.slice(from, to), targets.slice(from, to)]
      }
    }
    const sources = {
      dataset: samples.batch(5),
      mapped: samples.map(async ([x, y]) => [x, y], { parallel: 4 }).batch(5).prefetch(3), // biome-ignore format: one line
      loader: new DataLoader(new TensorDataset(features, targets), { batchSize: 5, numWorkers: 2 }),
      pyDataset: new Fives({ workers: 2, maxQueueSize: 2 }),
      generator: () => samples.batch(5),
    }
    for (const source of Object.values(sources)) {
      const model = regressor()
      const run = await model.fit(source, { ...silent, epochs: 2, shuffle: false })
      run.history.loss!.forEach((loss, epoch) => expect(loss).toBeCloseTo(history.loss![epoch]!, 6))
      expect(await model.evaluate(source, silent)).toBeCloseTo(evaluated as number, 6)
      const outputs = (await model.predict(source, silent)) as ReturnType<typeof tensor>
      expect(outputs.shape).toEqual([count, 1])
      ;(await outputs.data()).forEach((value, i) => expect(value).toBeCloseTo(predicted[i]!, 6))
    }
  })
})

describe('steps', () => {
  it('are known from datasets, and validated on datasets', async () => {
    const steps: (number | null)[] = []
    class Params extends Callback {
      override onTrainBegin(): void {
        steps.push(this.params.steps)
      }
    }
    const options = { ...silent, callbacks: [new Params()] }
    const { history } = await regressor().fit(samples.batch(5), { ...options, validationData: samples.batch(4) })
    await regressor().fit(samples.filter(() => true).batch(5), options)
    expect(steps).toEqual([3, null])
    expect(Object.keys(history)).toEqual(['loss', 'val_loss'])
  })

  it('go on where stepsPerEpoch stopped, in endless data too', async () => {
    const used: number[] = []
    const endless = Dataset.range(1000).map((i) => {
      used.push(i)
      return [array([[1, 1]]), array([[i]])]
    })
    await regressor().fit(endless.repeat(), { ...silent, epochs: 3, stepsPerEpoch: 2 })
    expect(used.slice(0, 6)).toEqual([0, 1, 2, 3, 4, 5])
    expect(used.length).toBeLessThanOrEqual(9)
  })

  it('are asked for where data has no end', async () => {
    const endless = samples.batch(4).repeat()
    const model = regressor()
    await expect(model.fit(endless, silent)).rejects.toThrow(/stepsPerEpoch: the data never ends/)
    await expect(model.fit(samples.batch(4), { ...silent, validationData: endless })).rejects.toThrow(/validationSteps/)
    await expect(model.evaluate(endless, silent)).rejects.toThrow(/steps: the data never ends/)
    await expect(model.predict(endless, silent)).rejects.toThrow(/steps: the data never ends/)
    expect(await model.evaluate(endless, { ...silent, steps: 2 })).toBeGreaterThan(0)
  })

  it('are fewer than asked for with a warning, and none with an error', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    await regressor().fit(samples.batch(6), { ...silent, stepsPerEpoch: 4 })
    expect(warn.mock.calls.flat().join()).toMatch(/ran out of data: it ended after 2 of 4 batches[\s\S]*repeat\(\)/)
    warn.mockRestore()
    await expect(regressor().fit(samples.take(0).batch(2), silent)).rejects.toThrow(/no batches/)
    await expect(regressor().fit(samples.batch(2), { ...silent, validationSplit: 0.5 })).rejects.toThrow(/splitDataset/)
  })
})

describe('producers', () => {
  it('run ahead of the model by a few batches, and no more', async () => {
    let made = 0
    async function* produce(): AsyncGenerator<[HostArray, HostArray]> {
      for (let i = 0; i < 12; i++) {
        made++
        yield [features.slice(i, i + 1), targets.slice(i, i + 1)]
      }
    }
    const ahead: number[] = []
    class Count extends Callback {
      override async onTrainBatchEnd(batch: number): Promise<void> {
        await wait(5)
        ahead.push(made - (batch + 1))
      }
    }
    await regressor().fit(produce, { ...silent, callbacks: [new Count()] })
    // Two batches ahead, except where there are no more.
    expect(ahead).toEqual([2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 0])
  })

  it('are closed however the run ends', async () => {
    let closed = 0
    const endless = Dataset.fromGenerator(async function* () {
      try {
        for (let i = 0; ; i++) yield [features.slice(0, 3), i < 50 ? targets.slice(0, 3) : targets.slice(0, 2)] as const
      } finally {
        closed++
      }
    })
    const model = regressor()
    class Stop extends Callback {
      override onTrainBatchEnd(batch: number): void {
        if (batch === 2) this.model.stopTraining = true
      }
    }
    class Fail extends Callback {
      override onTrainBatchEnd(): void {
        throw new RangeError('enough')
      }
    }
    const abort = new AbortController()
    class Abort extends Callback {
      override onTrainBatchEnd(): void {
        abort.abort(new Error('aborted'))
      }
    }
    await model.fit(endless, { ...silent, callbacks: [new Stop()] })
    expect(closed).toBe(1)
    await expect(model.fit(endless, { ...silent, callbacks: [new Fail()] })).rejects.toThrow('enough')
    expect(closed).toBe(2)
    await expect(model.fit(endless, { ...silent, signal: abort.signal, callbacks: [new Abort()] })).rejects.toThrow('aborted')
    expect(closed).toBe(3)
    await expect(model.fit(endless, silent)).rejects.toThrow(
      /batch 50 → data: the arrays do not have the same number of samples[\s\S]*x: 3; y: 2/,
    )
    expect(closed).toBe(4)
    await model.fit(samples.batch(4), silent)
  })

  it('that hang do not hold up an aborted run', async () => {
    const abort = new AbortController()
    const hanging = async function* (): AsyncGenerator<[HostArray, HostArray]> {
      yield [features, targets]
      await new Promise(() => undefined)
    }
    setTimeout(() => abort.abort(new Error('aborted')), 30)
    await expect(regressor().fit(hanging, { ...silent, signal: abort.signal })).rejects.toThrow('aborted')
  })

  it('tell their errors with stack and place, and leave the model usable', async () => {
    const model = regressor()
    const failing: MapDataset<HostArray> = {
      length: 9,
      getItem: async function readImage(index) {
        if (index === 7) throw new RangeError('not a picture')
        return features.row(index)
      },
    }
    const error = (await model.predict(new DataLoader(failing, { batchSize: 2 }), silent).catch((reason: unknown) => reason)) as Error
    expect(error.message).toMatch(/getItem, element 7: not a picture/)
    expect(error.stack).toMatch(/readImage/)
    const inWorker = samples
      .map<[HostArray, HostArray]>(new URL('../data/testing/functions.mjs', import.meta.url), { export: 'explode' })
      .batch(2)
    await expect(model.fit(inWorker, silent)).rejects.toThrow(/element 0: [\s\S]*no function called explode/)
    expect(await model.evaluate(samples.batch(3), silent)).toBeGreaterThan(0)
  })
})

describe('batches are checked', () => {
  it('by name where there are several', async () => {
    const [left, right] = [Input({ shape: [2], name: 'left' }), Input({ shape: [null, 3], name: 'right' })]
    const joined = layers.concatenate([left, layers.globalAveragePooling1d()(right)])
    const model = new Model({ inputs: [left, right], outputs: layers.dense(1)(joined) })
    model.compile({ loss: 'mse' })
    const batch = (size: number): Dataset<unknown> => Dataset.fromTensors([{ right: tensor([[[1, 2, 3]]]), left: array([new Array<number>(size).fill(1)]), extra: array([[1]]) }, array([[1]])]) // biome-ignore format: one line
    await model.fit(batch(2) as never, silent)
    await expect(model.fit(batch(3) as never, silent)).rejects.toThrow(/batch 0 → input 'left'[\s\S]*\(None, 2\)[\s\S]*\(1, 3\)/)
    const lists = Dataset.fromTensors([[array([[1, 2]]), array([[1, 2]])], array([[1]])])
    await expect(model.fit(lists as never, silent)).rejects.toThrow(/batch 0 → input 'right'[\s\S]*\(None, None, 3\)[\s\S]*\(1, 2\)/)
  })

  it('against the inputs of the model, each of them', async () => {
    const bad = Dataset.range(4).map((i) => [new Float32Array(i < 3 ? 2 : 3), [i]]).batch(1) // biome-ignore format: one line
    await expect(regressor().fit(bad, silent)).rejects.toThrow(
      /batch 3 → input 'input_layer.*': the data does not have the shape of the input[\s\S]*\(None, 2\)[\s\S]*\(1, 3\)/,
    )
    await expect(regressor().fit(samples, silent)).rejects.toThrow(/batch 0 → [\s\S]*\(2,\)[\s\S]*\.batch\(n\)/)
    const many = Dataset.fromTensors([1, 2, 3, 4])
    await expect(regressor().fit(many as never, silent)).rejects.toThrow(
      /batch 0 → data: this is no batch[\s\S]*a list of 4[\s\S]*\[\[a, b\], y\]/,
    )
    await expect(regressor().fit(new TensorDataset(features, targets) as never, silent)).rejects.toThrow(
      /map-style[\s\S]*new data\.DataLoader/,
    )
    const words = Dataset.fromTensorSlices([
      ['a', 'b'],
      [1, 2],
    ]).batch(2)
    await expect(regressor().fit(words as never, silent)).rejects.toThrow(/batch 0/)
  })

  it('and may have unknown sizes and one axis more or less', async () => {
    const columns = Dataset.range(4).map((i) => [[1, i], i]).batch(2) // biome-ignore format: one line
    await regressor().fit(columns, silent)
    const single = new Sequential([Input({ shape: [1] }), layers.dense(1)])
    single.compile({ loss: 'mse' })
    await single.fit(Dataset.range(4).map((i) => [i, i]).batch(2), silent) // biome-ignore format: one line
  })
})

describe('PyDataset', () => {
  it('is mixed by fit, its hooks are called, and its epochs end', async () => {
    const orders = async (): Promise<Seen> => {
      setGlobalSeed(5)
      const seen = new Seen({ workers: 3, maxQueueSize: 4 })
      await regressor().fit(seen, { ...silent, epochs: 30 })
      return seen
    }
    const [one, two] = [await orders(), await orders()]
    expect(one.order).toEqual(two.order)
    expect(one.order.slice(0, 4)).not.toEqual(one.order.slice(4, 8))
    for (let epoch = 0; epoch < 30; epoch++) expect(one.order.slice(epoch * 4, epoch * 4 + 4).sort()).toEqual([0, 1, 2, 3])
    expect(one.hooks).toEqual(Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? 'begin' : 'end')))
    const long = new Seen()
    await regressor().fit(long, { ...silent, epochs: 4, stepsPerEpoch: 2, shuffle: false, validationData: new Seen() })
    expect([long.order, long.hooks.length]).toEqual([[0, 1, 2, 3, 0, 1, 2, 3], 8])
    const straight = new Seen()
    await regressor().fit(straight, { ...silent, shuffle: false })
    expect(straight.order).toEqual([0, 1, 2, 3])
  })
})

describe('a run that is taken up again', () => {
  it('sees the batches that the first one would have seen', async () => {
    const sources = {
      dataset: () => samples.map(([x, y], { random }) => [array([x.data[0]! + random(), x.data[1]!]), y]).shuffle(12).batch(3), // biome-ignore format: one line
      loader: () => new DataLoader(new TensorDataset(features, targets), { batchSize: 3, shuffle: true }),
      pyDataset: () => new Seen({ workers: 2 }),
    }
    for (const make of Object.values(sources)) {
      setGlobalSeed(5)
      const positions: { epoch: number; batch: number; shuffleSeed: number }[] = []
      const whole = regressor()
      class Note extends Callback {
        override onTrainBatchEnd(): void {
          positions.push({ ...(this.model as unknown as { fitPosition: (typeof positions)[number] }).fitPosition })
        }
      }
      let saved: ReturnType<typeof whole.getWeights> = []
      class Save extends Callback {
        seen = 0
        override onTrainBatchEnd(): void {
          if (++this.seen === 6) saved = whole.getWeights().map((weight) => tensor(weight.dataSync(), weight.shape))
        }
      }
      await whole.fit(make(), { ...silent, epochs: 3, callbacks: [new Note(), new Save()] })
      const there = positions[5]!
      setGlobalSeed(99)
      const resumed = regressor()
      resumed.setWeights(saved)
      class Resume extends Callback {
        override onTrainBegin(): void {
          ;(this.model as unknown as { fitPosition: unknown }).fitPosition = there
        }
      }
      await resumed.fit(make(), { ...silent, epochs: 3, callbacks: [new Resume()] })
      resumed.getWeights().forEach((weight, i) => expect(weight.dataSync()).toEqual(whole.getWeights()[i]!.dataSync()))
    }
  })
})

it('holds nothing of batches that are done', async () => {
  const model = regressor()
  const source = samples.shuffle(12).batch(5).prefetch(2)
  await model.fit(source, { ...silent, epochs: 2 })
  const before = currentBackend().allocatedBytes
  await model.fit(source, { ...silent, epochs: 40 })
  // A batch has 60 bytes.
  expect((currentBackend().allocatedBytes - before) / 120).toBeLessThan(20)
})
