import { beforeEach, describe, expect, it } from 'vitest'
import { setGlobalSeed } from '../ops/random.js'
import {
  array,
  BatchedSampler,
  ConcatDataset,
  DataLoader,
  Dataset,
  type HostArray,
  type MapDataset,
  MappedDataset,
  PyDataset,
  RandomSampler,
  randomSplit,
  Sequence,
  Subset,
  SubsetRandomSampler,
  splitDataset,
  TensorDataset,
  WeightedRandomSampler,
} from './index.js'

beforeEach(() => setGlobalSeed(7))

const read = async <B>(source: AsyncIterable<B>): Promise<B[]> => {
  const batches: B[] = []
  for await (const batch of source) batches.push(batch)
  return batches
}
const numbers = (length: number): MapDataset<number> => ({ length, getItem: (index) => index })
const values = async (source: AsyncIterable<HostArray>): Promise<number[][]> => (await read(source)).map((batch) => [...batch.data])
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

describe('DataLoader', () => {
  it('makes batches of items, the last one short or left out', async () => {
    expect(await values(new DataLoader(numbers(5), { batchSize: 2 }))).toEqual([[0, 1], [2, 3], [4]])
    const dropping = new DataLoader(numbers(5), { batchSize: 2, dropLast: true })
    expect([await values(dropping), dropping.length]).toEqual([[[0, 1], [2, 3]], 2]) // biome-ignore format: one line
    expect(await values(new DataLoader(numbers(2)))).toEqual([[0], [1]])
    const pairs = new TensorDataset(array([[1, 2], [3, 4]]), Int32Array.of(5, 6)) // biome-ignore format: one line
    const [[x, y]] = (await read(new DataLoader(pairs, { batchSize: 2 }))) as [[HostArray, HostArray]]
    expect([x.array(), y.array(), y.dtype]).toEqual([[[1, 2], [3, 4]], [5, 6], 'int32']) // biome-ignore format: one line
  })

  it('mixes anew for each epoch, the same for a seed', async () => {
    const epochs = async (): Promise<number[][][]> => {
      const loader = new DataLoader(numbers(12), { batchSize: 4, shuffle: true, seed: 3 })
      return [await values(loader), await values(loader)]
    }
    const [first, second] = await epochs()
    expect(first).not.toEqual(second)
    expect(first!.flat().sort((a, b) => a - b)).toEqual([...Array(12).keys()])
    expect(await epochs()).toEqual([first, second])
  })

  it('loads batches side by side, in order, as many as asked', async () => {
    let [now, most] = [0, 0]
    const slow: MapDataset<number> = {
      length: 8,
      async getItem(index) {
        most = Math.max(most, ++now)
        await wait((8 - index) % 3)
        now--
        return index
      },
    }
    expect(await values(new DataLoader(slow, { batchSize: 1, numWorkers: 2, prefetchFactor: 2 }))).toEqual([
      [0],
      [1],
      [2],
      [3],
      [4],
      [5],
      [6],
      [7],
    ])
    expect(most).toBe(4)
    most = 0
    await values(new DataLoader(slow, { batchSize: 2 }))
    expect(most).toBe(2)
  })

  it('gives items random numbers that follow from seed, epoch and index', async () => {
    const noisy: MapDataset<number> = { length: 6, getItem: async (_, { random }) => random() }
    const one = await values(new DataLoader(noisy, { seed: 1, batchSize: 6 }))
    expect(await values(new DataLoader(noisy, { seed: 1, batchSize: 2, numWorkers: 3 })).then((batches) => [batches.flat()])).toEqual(one)
    const loader = new DataLoader(noisy, { seed: 1, batchSize: 6 })
    expect([await values(loader), await values(loader)][1]).not.toEqual(one)
  })

  it('takes samplers and functions that put items together', async () => {
    const sampler = new SubsetRandomSampler([3, 5, 7])
    expect((await values(new DataLoader(numbers(9), { sampler, batchSize: 3 })))[0]!.sort()).toEqual([3, 5, 7])
    const batchSampler = { length: 2, batches: () => [[0, 2], [1]] }
    expect(await read(new DataLoader(numbers(3), { batchSampler, collateFn: (items) => items.join('+') }))).toEqual(['0+2', '1'])
    expect(await read(new DataLoader(numbers(2), { collateFn: async ([item]) => item }))).toEqual([0, 1])
    expect(new BatchedSampler(new RandomSampler(numbers(5)), 2, false).length).toBe(3)
  })

  it('says what was wrong', async () => {
    const failing: MapDataset<number> = {
      length: 4,
      getItem(index) {
        if (index === 2) throw new RangeError('damaged')
        return index
      },
    }
    await expect(read(new DataLoader(failing, { batchSize: 3 }))).rejects.toThrow(/getItem, element 2: damaged/)
    expect(() => new DataLoader({} as never)).toThrow(/length and getItem/)
    expect(() => new DataLoader(numbers(3), { batchSize: 0 })).toThrow(/DataLoader batchSize/)
    expect(() => new DataLoader(numbers(3), { shuffle: true, sampler: new RandomSampler(numbers(3)) })).toThrow(
      /sampler decides already what shuffle/,
    )
    expect(() => new DataLoader(numbers(3), { batchSize: 2, batchSampler: { length: 0, batches: () => [] } })).toThrow(/batchSampler/)
  })
})

describe('samplers', () => {
  it('draw in proportion to weights', () => {
    const drawn = [...new WeightedRandomSampler([1, 0, 3], 8000).indices(1)]
    const share = drawn.filter((item) => item === 2).length / 8000
    expect(Math.abs(share - 0.75)).toBeLessThan(0.02)
    expect(drawn).not.toContain(1)
    const once = [...new WeightedRandomSampler([1, 0, 3], 2, { replacement: false }).indices(1)]
    expect(once.sort()).toEqual([0, 2])
    expect(() => new WeightedRandomSampler([1, 0], 2, { replacement: false })).toThrow(/not enough items/)
    expect(() => new WeightedRandomSampler([1, -1], 2)).toThrow(/weights\[1\]/)
  })

  it('draw with replacement, or go round more than once', () => {
    const twice = [...new RandomSampler(numbers(3), { numSamples: 5 }).indices(1)]
    expect(twice).toHaveLength(5)
    expect(twice.slice(0, 3).sort()).toEqual([0, 1, 2])
    expect(
      [...new RandomSampler(numbers(2), { replacement: true, numSamples: 50 }).indices(1)].filter((i) => i === 0).length,
    ).toBeGreaterThan(10)
  })
})

describe('map-style datasets', () => {
  it('are parts and sums of others', async () => {
    const context = { index: 0, random: Math.random }
    const both = new ConcatDataset([numbers(2), new Subset(numbers(9), [7, 8])])
    expect([both.length, ...[0, 1, 2, 3].map((i) => both.getItem(i, context))]).toEqual([4, 0, 1, 7, 8])
    expect(() => both.getItem(4, context)).toThrow(/0 to 3/)
    expect(await values(new DataLoader(new MappedDataset(numbers(3), (i) => i * 10), { batchSize: 3 }))).toEqual([[0, 10, 20]])
  })

  it('are split at random', () => {
    const [a, b, c] = randomSplit(numbers(10), [0.5, 0.25, 0.25], { seed: 1 }) as [Subset<number>, Subset<number>, Subset<number>]
    expect([a.length, b.length, c.length]).toEqual([6, 2, 2])
    const items = [a, b, c].flatMap(({ indices }) => Array.from(indices))
    expect(items.sort((x, y) => x - y)).toEqual([...Array(10).keys()])
    expect(randomSplit(numbers(10), [7, 3], { seed: 1 })[1]!.length).toBe(3)
    expect(() => randomSplit(numbers(10), [7, 4])).toThrow(/do not add up/)
  })
})

describe('PyDataset', () => {
  class Squares extends PyDataset<number> {
    readonly made: number[] = []
    override get length(): number {
      return 6
    }
    override async getItem(index: number): Promise<number> {
      this.made.push(index)
      await wait(index % 2)
      return index * index
    }
  }

  it('is read in order, ahead as far as its queue goes', async () => {
    const squares = new Squares({ workers: 2, maxQueueSize: 3 })
    expect(Sequence).toBe(PyDataset)
    expect(await read(squares)).toEqual([0, 1, 4, 9, 16, 25])
    const cursor = squares.open({ epoch: 0, seed: 1 })
    squares.made.length = 0
    expect(await cursor.next()).toBe(0)
    await wait(20)
    expect(squares.made.length).toBe(4)
    await cursor.close()
  })

  it('has an order of its own for each epoch of a seed', async () => {
    const order = async (epoch: number): Promise<unknown[]> => {
      const cursor = new Squares({ workers: 3 }).open({ epoch, seed: 5 }, true)
      return Promise.all(Array.from({ length: 6 })).then(async (items) => {
        for (let i = 0; i < items.length; i++) items[i] = await cursor.next()
        return items
      })
    }
    expect(await order(0)).toEqual(await order(0))
    expect(await order(0)).not.toEqual(await order(1))
    expect(() => new Squares({ maxQueueSize: 0 })).toThrow(/maxQueueSize/)
  })
})

describe('splitDataset', () => {
  const sizes = async (source: Dataset<unknown>, options: Parameters<typeof splitDataset>[1]): Promise<(number | null)[]> =>
    (await splitDataset(source, options)).map(({ cardinality }) => cardinality)

  it('splits as the real Keras does', async () => {
    const ten = Dataset.range(10)
    expect(await sizes(ten, { leftSize: 0.8 })).toEqual([8, 2])
    expect(await sizes(ten, { rightSize: 3 })).toEqual([7, 3])
    expect(await sizes(ten, { leftSize: 0.5, rightSize: 0.2 })).toEqual([5, 2])
    // Python rounds a half to the even number.
    expect(await sizes(Dataset.range(5), { leftSize: 0.5 })).toEqual([2, 3])
    const [left, right] = await splitDataset([Float32Array.of(1, 2, 3), ['a', 'b', 'c']], { leftSize: 2 })
    expect((await left.toArray()).map(([x, name]) => [Number(x), name])).toEqual([[1, 'a'], [2, 'b']]) // biome-ignore format: one line
    expect((await right.toArray()).map(([x]) => Number(x))).toEqual([3])
  })

  it('mixes before, the same for a seed', async () => {
    const split = async (seed: number): Promise<number[]> =>
      (await splitDataset(Dataset.range(9), { leftSize: 5, shuffle: true, seed }))[0].toArray()
    expect(await split(1)).toEqual(await split(1))
    expect(await split(1)).not.toEqual([0, 1, 2, 3, 4])
  })

  it('refuses what leaves a part empty', async () => {
    const ten = Dataset.range(10)
    for (const options of [{}, { leftSize: 0 }, { leftSize: 10 }, { leftSize: 1.5 }, { leftSize: 0.01 }, { leftSize: 6, rightSize: 5 }]) {
      await expect(splitDataset(ten, options)).rejects.toThrow(/splitDataset/)
    }
  })
})
