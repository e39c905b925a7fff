import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { setBackend } from '../backends/load.js'
import { tensor } from '../engine/index.js'
import { setGlobalSeed } from '../ops/random.js'
import { array, Dataset, HostArray } from './index.js'

beforeAll(() => setBackend('host'))
beforeEach(() => setGlobalSeed(7))

/** Elements as plain numbers and nested arrays. */
const plain = (value: unknown): unknown => {
  if (value instanceof HostArray) return value.array()
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
}
const all = async (dataset: Dataset<unknown>): Promise<unknown[]> => (await dataset.toArray()).map(plain)
const slowly = <T>(value: T, ms = 0): Promise<T> => new Promise((resolve) => setTimeout(() => resolve(value), ms))

describe('sources', () => {
  it('cut arrays, lists and records into rows', async () => {
    expect(await all(Dataset.fromTensorSlices([1, 2, 3]))).toEqual([1, 2, 3])
    expect(await all(Dataset.fromTensorSlices([[1, 2], [3, 4]]))).toEqual([[1, 2], [3, 4]]) // biome-ignore format: rows
    expect(await all(Dataset.fromTensorSlices(Float32Array.of(1.5, 2)))).toEqual([1.5, 2])
    expect(await all(Dataset.fromTensorSlices(tensor([[1, 2]])))).toEqual([[1, 2]])
    expect(await all(Dataset.fromTensorSlices({ x: array(new Uint8Array([1, 2, 3, 4]), [2, 2]), name: ['a', 'b'] }))).toEqual([
      { x: [1, 2], name: 'a' },
      { x: [3, 4], name: 'b' },
    ])
    expect(await all(Dataset.fromTensorSlices([[[1, 2], [3, 4]], [0, 1]]))).toEqual([[[1, 2], 0], [[3, 4], 1]]) // biome-ignore format: rows
    expect(await all(Dataset.fromTensorSlices({ data: new Float32Array([1, 2, 3, 4]), shape: [2, 2] }))).toEqual([[1, 2], [3, 4]]) // biome-ignore format: rows
    expect(await all(Dataset.fromTensors([1, 2]))).toEqual([[1, 2]])
  })

  it('keep dtypes', async () => {
    const [[x, y]] = (await Dataset.fromTensorSlices([new Uint8Array(2), Int32Array.of(7, 8)]).toArray()) as [[HostArray, HostArray]]
    expect([x.dtype, y.dtype, y.item(), Number(y)]).toEqual(['uint8', 'int32', 7, 7])
  })

  it('say whose number of rows differs', () => {
    expect(() => Dataset.fromTensorSlices({ x: new Float32Array(3), y: new Float32Array(4) })).toThrow(
      /same number of rows[\s\S]*x: 3; y: 4/,
    )
    expect(() => Dataset.fromTensorSlices({ x: 3 })).toThrow(/x: a single number has no rows/)
    expect(() => Dataset.fromTensorSlices(null as never)).toThrow(/this has no rows/)
  })

  it('come from generators, sync and async, anew for each pass', async () => {
    let calls = 0
    const counted = Dataset.fromGenerator(function* () {
      calls++
      yield* [1, 2]
    })
    expect([await counted.toArray(), await counted.toArray(), calls]).toEqual([[1, 2], [1, 2], 2])
    const later = Dataset.fromGenerator(async function* () {
      for (const i of [1, 2]) yield await slowly(i)
    })
    expect(await later.toArray()).toEqual([1, 2])
    expect(await Dataset.from(new Set([3, 4])).toArray()).toEqual([3, 4])
  })

  it('count', async () => {
    expect(await Dataset.range(3).toArray()).toEqual([0, 1, 2])
    expect(await Dataset.range(1, 8, 3).toArray()).toEqual([1, 4, 7])
    expect(await Dataset.range(3, 0, -1).toArray()).toEqual([3, 2, 1])
    expect(await Dataset.range(3, 1).toArray()).toEqual([])
    expect(() => Dataset.range(0, 1, 0)).toThrow(/step/)
  })

  it('go side by side', async () => {
    const [a, b] = [Dataset.range(3), Dataset.from(['x', 'y'])]
    expect(await Dataset.zip([a, b]).toArray()).toEqual([[0, 'x'], [1, 'y']]) // biome-ignore format: rows
    expect(await Dataset.zip(a, b).take(1).toArray()).toEqual([[0, 'x']])
    expect(await Dataset.zip({ a, b }).toArray()).toEqual([
      { a: 0, b: 'x' },
      { a: 1, b: 'y' },
    ])
    expect(await a.zip(a.map((i) => slowly(i * 2))).toArray()).toEqual([[0, 0], [1, 2], [2, 4]]) // biome-ignore format: rows
    expect(Dataset.zip([a, b.repeat()]).cardinality).toBe(3)
  })
})

describe('one element at a time', () => {
  it('is mapped and filtered, at once or later', async () => {
    const numbers = Dataset.range(6)
    expect(await numbers.map((i) => i * i).toArray()).toEqual([0, 1, 4, 9, 16, 25])
    expect(await numbers.map((i) => slowly(i + 1)).toArray()).toEqual([1, 2, 3, 4, 5, 6])
    expect(await numbers.filter((i) => i % 2 === 0).toArray()).toEqual([0, 2, 4])
    expect(await numbers.filter((i) => slowly(i > 3)).map((i) => -i).toArray()).toEqual([-4, -5]) // biome-ignore format: one line
    expect(await numbers.enumerate(10).take(2).toArray()).toEqual([[10, 0], [11, 1]]) // biome-ignore format: rows
  })

  it('keeps its order however many are under way', async () => {
    let [now, most] = [0, 0]
    const work = async (i: number): Promise<number> => {
      most = Math.max(most, ++now)
      await slowly(0, (5 - i) * 2)
      now--
      return i
    }
    expect(await Dataset.range(6).map(work, { parallel: 3 }).toArray()).toEqual([0, 1, 2, 3, 4, 5])
    expect(most).toBe(3)
    const source = Dataset.fromGenerator(async function* () {
      for (let i = 0; i < 6; i++) yield await slowly(i)
    })
    most = 0
    expect(await source.map(work, { parallel: 4 }).toArray()).toEqual([0, 1, 2, 3, 4, 5])
    expect(most).toBeGreaterThan(1)
  })

  it('has random numbers that follow from seed, epoch and index, however many are under way', async () => {
    const draws = (parallel: number): Dataset<number> => Dataset.range(5).map(async (_, { random }) => random(), { parallel })
    const read = async (dataset: Dataset<number>, epoch: number): Promise<number[]> => {
      const values: number[] = []
      const cursor = dataset.open({ epoch, seed: 3 })
      for (let value = await cursor.next(); typeof value === 'number'; value = await cursor.next()) values.push(value)
      return values
    }
    const first = await read(draws(1), 0)
    expect(await read(draws(4), 0)).toEqual(first)
    expect(new Set([...first, ...(await read(draws(1), 1))]).size).toBe(10)
  })

  it('is made into several, one after the other or in turns', async () => {
    expect(await Dataset.range(3).flatMap((i) => Dataset.range(i + 1)).toArray()).toEqual([0, 0, 1, 0, 1, 2]) // biome-ignore format: one line
    expect(await Dataset.range(2).flatMap((i) => [i, i]).toArray()).toEqual([0, 0, 1, 1]) // biome-ignore format: one line
    // The example of TensorFlow's documentation.
    const repeated = Dataset.range(1, 6).interleave((i) => Dataset.from([i]).repeat(6), { cycleLength: 2, blockLength: 4 })
    expect(await repeated.toArray()).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 3, 3, 4, 4, 5, 5, 5, 5, 5, 5])
    expect(await Dataset.range(0).flatMap(() => [1]).toArray()).toEqual([]) // biome-ignore format: one line
  })
})

describe('order', () => {
  it('is mixed within the buffer, new for each pass, the same for a seed', async () => {
    const mixed = Dataset.range(20).shuffle(20)
    const [one, two] = [await mixed.toArray(), await mixed.toArray()]
    expect(one).not.toEqual(two)
    expect([...one].sort((a, b) => a - b)).toEqual(await Dataset.range(20).toArray())
    setGlobalSeed(7)
    const again = Dataset.range(20).shuffle(20)
    expect([await again.toArray(), await again.toArray()]).toEqual([one, two])
    const still = Dataset.range(20).shuffle(20, { seed: 1, reshuffleEachIteration: false })
    expect(await still.toArray()).toEqual(await still.toArray())
    const near = await Dataset.range(20).shuffle(3).toArray()
    near.forEach((value, place) => expect(value).toBeLessThan(place + 3))
  })

  it('mixes every round of a repetition differently, and every stage', async () => {
    const rounds = await Dataset.range(10).shuffle(10).repeat(2).toArray()
    expect(rounds.slice(0, 10)).not.toEqual(rounds.slice(10))
    const pass = { epoch: 0, seed: 1 }
    const pairs = Dataset.zip([Dataset.range(50).shuffle(50), Dataset.range(50).shuffle(50)])
    const cursor = pairs.open(pass)
    let equal = 0
    for (let pair = await cursor.next(); Array.isArray(pair); pair = await cursor.next()) equal += pair[0] === pair[1] ? 1 : 0
    expect(equal).toBeLessThan(10)
  })

  it('is uniform', async () => {
    const counts = new Array<number>(4).fill(0)
    for (let seed = 0; seed < 4000; seed++) counts[(await Dataset.range(4).shuffle(4, { seed }).take(1).toArray())[0] as number]!++
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(120)
  })

  it('is repeated, cut and put together', async () => {
    const three = Dataset.range(3)
    expect(await three.repeat(2).toArray()).toEqual([0, 1, 2, 0, 1, 2])
    expect(await three.repeat().take(7).toArray()).toEqual([0, 1, 2, 0, 1, 2, 0])
    expect(await three.repeat(0).toArray()).toEqual([])
    expect(await Dataset.range(0).repeat().toArray().catch(() => [])).toEqual([]) // biome-ignore format: one line
    expect(await three.skip(1).toArray()).toEqual([1, 2])
    expect(await three.skip(5).toArray()).toEqual([])
    expect(await Dataset.range(7).shard(3, 1).toArray()).toEqual([1, 4])
    expect(await three.concatenate(Dataset.range(2)).toArray()).toEqual([0, 1, 2, 0, 1])
    expect(() => three.shard(3, 3)).toThrow(/no such part/)
    expect(() => three.take(-1)).toThrow(/Dataset.take/)
    await expect(three.repeat().toArray()).rejects.toThrow(/never ends/)
  })

  it('asks for no more than is taken', async () => {
    let made = 0
    const source = Dataset.fromGenerator(function* () {
      for (;;) yield made++
    })
    await source.take(3).toArray()
    expect(made).toBe(3)
  })
})

describe('groups', () => {
  it('are batches of arrays, tuples and records', async () => {
    expect(await all(Dataset.range(5).batch(2))).toEqual([[0, 1], [2, 3], [4]]) // biome-ignore format: rows
    expect(await all(Dataset.range(5).batch(2, { dropRemainder: true }))).toEqual([[0, 1], [2, 3]]) // biome-ignore format: rows
    const [batch] = await Dataset.range(2).map((i) => ({ pair: [i, [i, i]], name: `n${i}`, flag: i > 0, none: null }) as const).batch(2).toArray() // biome-ignore format: one line
    expect(plain(batch)).toEqual({ pair: [[0, 1], [[0, 0], [1, 1]]], name: ['n0', 'n1'], flag: [false, true], none: null }) // biome-ignore format: one line
    expect(batch!.flag.dtype).toBe('bool')
    const twice = Dataset.fromTensorSlices(new Uint8Array([1, 2, 3, 4]))
      .batch(2)
      .batch(2)
    const [nested] = await twice.toArray()
    expect([nested!.shape, nested!.dtype, nested!.array()]).toEqual([[2, 2], 'uint8', [[1, 2], [3, 4]]]) // biome-ignore format: one line
  })

  it('take plain arrays inside a tuple as arrays, and a tuple as a tuple', async () => {
    const source = Dataset.fromGenerator(function* () {
      yield [[1, 2, 3], 0]
      yield [[4, 5, 6], 1]
    })
    expect(await all(source.batch(2))).toEqual([[[[1, 2, 3], [4, 5, 6]], [0, 1]]]) // biome-ignore format: one line
    expect(await all(Dataset.range(2).map((i) => [i, 10 * i]).batch(2))).toEqual([[[0, 1], [0, 10]]]) // biome-ignore format: one line
  })

  it('copy their rows', async () => {
    const source = new Float32Array([1, 2])
    const [batch] = await Dataset.fromTensorSlices(source).batch(2).toArray()
    source[0] = 9
    expect(batch!.array()).toEqual([1, 2])
  })

  it('name the element that does not fit', async () => {
    const shapes = Dataset.range(5).map((i) => ({ x: new Float32Array(i < 3 ? 2 : 3) }))
    await expect(shapes.batch(4).toArray()).rejects.toThrow(
      /element 3, 'x'[\s\S]*shape \(2,\), as in element 0[\s\S]*\(3,\)[\s\S]*paddedBatch/,
    )
    const dtypes = Dataset.range(4).map((i) => [i < 3 ? new Float32Array(1) : new Int32Array(1)])
    await expect(dtypes.batch(2).toArray()).rejects.toThrow(/element 3, '0'[\s\S]*dtype float32, as in element 2[\s\S]*int32/)
    const missing = Dataset.range(2).map((i) => (i === 0 ? { a: 1 } : { b: 1 }))
    await expect(missing.batch(2).toArray()).rejects.toThrow(/element 1, 'a'[\s\S]*an entry 'a'/)
    const mixed = Dataset.range(2).map((i) => (i === 0 ? 1 : 'one'))
    await expect(mixed.batch(2).toArray()).rejects.toThrow(/element 1[\s\S]*a number/)
    await expect(Dataset.range(1).map(() => () => 1).batch(1).toArray()).rejects.toThrow(/function/) // biome-ignore format: one line
    expect(() => Dataset.range(1).batch(0)).toThrow(/Dataset.batch size/)
  })

  it('are padded', async () => {
    const ragged = Dataset.range(1, 4).map((i) => [new Int32Array(i).fill(i), i] as const)
    expect(await all(ragged.paddedBatch(2))).toEqual([[[[1, 0], [2, 2]], [1, 2]], [[[3, 3, 3]], [3]]]) // biome-ignore format: one line
    const wide = ragged.padToBatch(3, { paddedShapes: [[4], []], paddingValues: [-1, 0] })
    expect(await all(wide)).toEqual([[[[1, -1, -1, -1], [2, 2, -1, -1], [3, 3, 3, -1]], [1, 2, 3]]]) // biome-ignore format: one line
    const images = Dataset.from([array([[1, 2]]), array([[3], [4]])])
    expect(await all(images.paddedBatch(2, { paddingValues: 9 }))).toEqual([[[[1, 2], [9, 9]], [[3, 9], [4, 9]]]]) // biome-ignore format: one line
    await expect(ragged.paddedBatch(3, { paddedShapes: [[2], []] }).toArray()).rejects.toThrow(
      /element 2, '0'[\s\S]*at most \(2,\)[\s\S]*\(3,\)/,
    )
  })

  it('are taken apart', async () => {
    expect(await all(Dataset.fromTensorSlices([new Float32Array([1, 2, 3]), [4, 5, 6]]).batch(2).unbatch())).toEqual([[1, 4], [2, 5], [3, 6]]) // biome-ignore format: one line
  })

  it('are windows', async () => {
    const windows = async (options: Parameters<Dataset<number>['window']>[1], size = 3): Promise<number[][]> =>
      Promise.all((await Dataset.range(7).window(size, options).toArray()).map((window) => window.toArray()))
    // As in TensorFlow's documentation.
    expect(await windows({})).toEqual([[0, 1, 2], [3, 4, 5], [6]]) // biome-ignore format: one line
    expect(await windows({ shift: 2, dropRemainder: true })).toEqual([[0, 1, 2], [2, 3, 4], [4, 5, 6]]) // biome-ignore format: one line
    expect(await windows({ shift: 1, stride: 2, dropRemainder: true })).toEqual([[0, 2, 4], [1, 3, 5], [2, 4, 6]]) // biome-ignore format: one line
    expect(await windows({ shift: 5 }, 2)).toEqual([[0, 1], [5, 6]]) // biome-ignore format: one line
    expect(await all(Dataset.range(4).window(2).flatMap((window) => window.batch(2)))).toEqual([[0, 1], [2, 3]]) // biome-ignore format: one line
  })
})

describe('ahead', () => {
  it('remembers a complete pass', async () => {
    let made = 0
    const cached = Dataset.range(3)
      .map((i) => {
        made++
        return i
      })
      .cache()
    await cached.take(1).toArray()
    expect([await cached.toArray(), await cached.toArray(), made]).toEqual([[0, 1, 2], [0, 1, 2], 4])
  })

  it('prepares so many elements and no more', async () => {
    let made = 0
    const source = Dataset.fromGenerator(async function* () {
      for (let i = 0; i < 100; i++) {
        made++
        yield await slowly(i)
      }
    })
    const iterator = source.prefetch(3)[Symbol.asyncIterator]()
    for (let used = 1; used <= 3; used++) {
      expect((await iterator.next()).value).toBe(used - 1)
      await slowly(0, 30)
      expect(made).toBe(used + 3)
    }
    await iterator.return?.()
    await slowly(0, 10)
    expect(made).toBe(6)
    expect(await Dataset.range(5).prefetch(2).toArray()).toEqual([0, 1, 2, 3, 4])
    expect(await source.prefetch(200).toArray()).toHaveLength(100)
  })

  it('prepares what is computed at once while nobody waits', async () => {
    let made = 0
    const iterator = Dataset.range(100)
      .map((i) => {
        made++
        return i
      })
      .prefetch(2)
      [Symbol.asyncIterator]()
    await iterator.next()
    await slowly(0, 20)
    expect(made).toBe(3)
    await iterator.return?.()
  })
})

describe('cardinality', () => {
  it('is known, unknown or endless', () => {
    const ten = Dataset.range(10)
    const unknown = ten.filter(Boolean)
    const cases: [Dataset<unknown>, number | null][] = [
      [ten.map(String), 10],
      [ten.batch(3), 4],
      [ten.batch(3, { dropRemainder: true }), 3],
      [ten.window(3, { shift: 1, dropRemainder: true }), 8],
      [ten.take(3), 3],
      [ten.skip(3), 7],
      [ten.shard(3, 0), 4],
      [ten.repeat(3), 30],
      [ten.repeat(), Number.POSITIVE_INFINITY],
      [ten.repeat().batch(2).take(5), 5],
      [ten.concatenate(ten), 20],
      [ten.shuffle(3).cache().prefetch(1), 10],
      [unknown, null],
      [unknown.batch(2), null],
      [unknown.repeat(), Number.POSITIVE_INFINITY],
      [ten.flatMap((i) => [i]), null],
      [Dataset.fromGenerator(() => [1], { cardinality: 1 }), 1],
    ]
    for (const [dataset, expected] of cases) expect(dataset.cardinality).toBe(expected)
  })
})

describe('ends', () => {
  it('reduce, and call', async () => {
    expect(await Dataset.range(5).reduce(0, (sum, i) => sum + i)).toBe(10)
    expect(await Dataset.range(3).reduce('', async (text, i) => text + i)).toBe('012')
    const seen: number[][] = []
    await Dataset.range(3).forEach((element, index) => seen.push([element, index]))
    expect(seen).toEqual([[0, 0], [1, 1], [2, 2]]) // biome-ignore format: rows
  })

  it('close what they opened, also when left early', async () => {
    let closed = 0
    const source = Dataset.fromGenerator(function* () {
      try {
        for (let i = 0; ; i++) yield i
      } finally {
        closed++
      }
    })
    const pipeline = source
      .map((i) => slowly(i), { parallel: 3 })
      .shuffle(4)
      .batch(2)
      .prefetch(2)
    for await (const batch of pipeline) if (batch.shape[0] === 2) break
    expect(closed).toBe(1)
    await expect(
      source.forEach((i) => {
        if (i === 2) throw new RangeError('enough')
      }),
    ).rejects.toThrow('enough')
    expect(closed).toBe(2)
    await Dataset.zip([source, Dataset.range(2)])
      .concatenate(Dataset.zip([source, Dataset.range(1)]))
      .toArray()
    expect(closed).toBe(4)
  })

  it('tell which element failed, with the stack of the cause', async () => {
    const failing = Dataset.range(10).map(function readSample(i) {
      if (i === 4) throw new RangeError('damaged file')
      return i
    })
    for (const dataset of [failing, failing.prefetch(2), failing.batch(2)]) {
      const error = (await dataset.toArray().catch((reason: unknown) => reason)) as Error
      expect(error.message).toMatch(/Dataset.map, element 4: damaged file/)
      expect(error.cause).toBeInstanceOf(RangeError)
      expect(error.stack).toMatch(/readSample/)
    }
    const later = Dataset.range(10).map(async (i) => (i === 4 ? Promise.reject(new Error('gone')) : i), { parallel: 3 })
    await expect(later.toArray()).rejects.toThrow(/Dataset.map, element 4: gone/)
    const generator = Dataset.fromGenerator(function* () {
      yield 1
      throw new Error('disk')
    })
    await expect(generator.toArray()).rejects.toThrow(/Dataset.fromGenerator, element 1: disk/)
  })
})
