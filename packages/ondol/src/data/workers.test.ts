import { describe, expect, it } from 'vitest'
import { DataLoader, Dataset, type HostArray, type MapDataset, type ModuleDataset } from './index.js'

const functions = new URL('./testing/functions.mjs', import.meta.url)

describe('map in worker threads', () => {
  it('sends arrays there and back', async () => {
    const rows = Dataset.fromTensorSlices(new Float32Array([1, 2, 3])).batch(1)
    const results = (await rows.map(functions).toArray()) as [HostArray, { index: number; note: string }][]
    expect(results.map(([sum]) => [sum.shape, sum.dtype, ...sum.data])).toEqual([
      [[1], 'float32', 1],
      [[1], 'float32', 3],
      [[1], 'float32', 5],
    ])
    expect(results.map(([, record]) => record)).toEqual([0, 1, 2].map((index) => ({ index, note: 'done' })))
  })

  it('keeps the order, and uses the threads', async () => {
    const results = await Dataset.range(10).map<[number, number]>(functions, { export: 'identify', workers: 3 }).toArray()
    expect(results.map(([value]) => value)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(new Set(results.map(([, thread]) => thread)).size).toBe(3)
  })

  it('keeps its threads for the next pass, and stops them when a pass is broken off', async () => {
    const threads = async (dataset: Dataset<[number, number]>): Promise<Set<number>> =>
      new Set((await dataset.toArray()).map(([, thread]) => thread))
    const dataset = Dataset.range(6).map<[number, number]>(functions, { export: 'identify', workers: 2 })
    const first = await threads(dataset)
    expect(await threads(dataset)).toEqual(first)
    for await (const _ of dataset) break
    const after = await threads(dataset)
    expect([...after].some((thread) => first.has(thread))).toBe(false)
  })

  it('draws the same numbers as on this thread', async () => {
    const there = await Dataset.range(5).map<number>(functions, { export: 'draw', workers: 2 }).open({ epoch: 2, seed: 9 }).next()
    const here = await Dataset.range(5).map((_, { random }) => random()).open({ epoch: 2, seed: 9 }).next() // biome-ignore format: one line
    expect(there).toBe(here)
  })

  it('brings errors back with their stack and the number of the element', async () => {
    const run = (name: string): Promise<unknown> =>
      Dataset.range(5).map(functions, { export: name, workers: 2 }).toArray().catch((error: unknown) => error) // biome-ignore format: one line
    const error = (await run('fail')) as Error
    expect(error.message).toMatch(/Dataset.map, element 3: no such picture/)
    expect(error.stack).toMatch(/at fail .*functions\.mjs/)
    expect((error.cause as Error).name).toBe('TypeError')
    expect(String(await run('missing'))).toMatch(/exports no function called missing/)
    expect(String(await run('notAFunction'))).toMatch(/exports no function/)
    expect(String(await run('die'))).toMatch(/worker thread died/)
    const unsendable = Dataset.from([() => 1]).map(functions)
    await expect(unsendable.toArray()).rejects.toThrow(/element 0[\s\S]*cannot be sent/)
    expect(() => Dataset.range(1).map(functions, { workers: 0 }).open()).toThrow(/workers/)
  })

  it('can be left while threads are busy', async () => {
    const iterator = Dataset.range(5).map(functions, { export: 'hang' })[Symbol.asyncIterator]()
    const never = iterator.next()
    await iterator.return?.()
    await expect(never).rejects.toThrow(/was stopped/)
  })
})

describe('DataLoader over a module', () => {
  it('makes items in threads, in order, with the same random numbers', async () => {
    const loader = new DataLoader<[number, number], [HostArray, HostArray]>(
      { length: 7, module: functions, export: 'identify' },
      { batchSize: 2, numWorkers: 2 },
    )
    const batches: number[][] = []
    const threads = new Set<number>()
    for await (const [values, ids] of loader) {
      batches.push([...values.data])
      for (const id of ids.data) threads.add(id)
    }
    expect(batches).toEqual([[0, 1], [2, 3], [4, 5], [6]])
    expect(threads.size).toBe(2)
    const draws = async (dataset: ModuleDataset | MapDataset<number>): Promise<unknown> =>
      ((await new DataLoader<number>(dataset, { batchSize: 4, shuffle: true, seed: 3 }).open().next()) as HostArray).array()
    const here: MapDataset<number> = { length: 4, getItem: (_, { random }) => random() }
    expect(await draws({ length: 4, module: functions, export: 'draw' })).toEqual(await draws(here))
  })

  it('brings errors back', async () => {
    const loader = new DataLoader({ length: 6, module: functions, export: 'fail' }, { batchSize: 2, numWorkers: 2 })
    const read = async (): Promise<void> => {
      for await (const _ of loader);
    }
    await expect(read()).rejects.toThrow(/getItem, element 3: no such picture/)
  })
})
