/** What the compiler knows of elements on their way through a pipeline. */
import { describe, expectTypeOf, it } from 'vitest'
import type { Tensor } from '../engine/index.js'
import type { BatchIterable } from '../training/index.js'
import { type Batched, DataLoader, Dataset, type HostArray, type MapDataset, type PyDataset, type Sliced, TensorDataset } from './index.js'

declare const tensors: [Tensor, Float32Array]

describe('types of elements', () => {
  it('follow from the arrays that are cut', () => {
    expectTypeOf<Sliced<[Tensor, Float32Array, number[], string[]]>>().toEqualTypeOf<[HostArray, HostArray, number, string]>()
    expectTypeOf<Sliced<number[]>>().toEqualTypeOf<number>()
    expectTypeOf<Sliced<number[][]>>().toEqualTypeOf<HostArray>()
    expectTypeOf<Sliced<{ x: HostArray; y: number[] }>>().toEqualTypeOf<{ x: HostArray; y: number }>()
    expectTypeOf<Sliced<[number[][], number[]]>>().toEqualTypeOf<[HostArray, number]>()
    expectTypeOf(Dataset.fromTensorSlices([[1, 2], [3, 4]])).toEqualTypeOf<Dataset<HostArray>>() // biome-ignore format: one line
    expectTypeOf(Dataset.fromTensorSlices([[[1, 2], [3, 4]], [5, 6]])).toEqualTypeOf<Dataset<[HostArray, number]>>() // biome-ignore format: one line
    expectTypeOf(Dataset.fromTensorSlices([1, 2])).toEqualTypeOf<Dataset<number>>()
    expectTypeOf(Dataset.fromTensorSlices({ x: [[1], [2]], y: ['a', 'b'] })).toEqualTypeOf<Dataset<{ x: HostArray; y: string }>>()
    expectTypeOf(() => Dataset.fromTensorSlices(tensors)).returns.toEqualTypeOf<Dataset<[HostArray, HostArray]>>()
  })

  it('follow map, batch, zip and their like', () => {
    const numbers = Dataset.range(3)
    expectTypeOf(numbers).toEqualTypeOf<Dataset<number>>()
    expectTypeOf(numbers.map(async (i) => ({ id: i, name: String(i) }))).toEqualTypeOf<
      Dataset<{ readonly id: number; readonly name: string }>
    >()
    expectTypeOf(numbers.map((i) => [i, String(i)])).toEqualTypeOf<Dataset<readonly [number, string]>>()
    expectTypeOf(numbers.map((i) => [i, [i, i], String(i)]).batch(2)).toEqualTypeOf<Dataset<[HostArray, HostArray, string[]]>>()
    expectTypeOf(numbers.batch(2).batch(2)).toEqualTypeOf<Dataset<HostArray>>()
    expectTypeOf<Batched<{ a: number; b: null }>>().toEqualTypeOf<{ a: HostArray; b: null }>()
    expectTypeOf(numbers.batch(2).unbatch()).toEqualTypeOf<Dataset<HostArray>>()
    expectTypeOf(numbers.zip(Dataset.from(['a']))).toEqualTypeOf<Dataset<[number, string]>>()
    expectTypeOf(Dataset.zip(numbers, Dataset.from(['a']))).toEqualTypeOf<Dataset<[number, string]>>()
    expectTypeOf(Dataset.zip({ a: numbers, b: numbers.batch(1) })).toEqualTypeOf<Dataset<{ a: number; b: HostArray }>>()
    expectTypeOf(numbers.flatMap((i) => [String(i)])).toEqualTypeOf<Dataset<string>>()
    expectTypeOf(numbers.window(2)).toEqualTypeOf<Dataset<Dataset<number>>>()
    expectTypeOf(numbers.enumerate()).toEqualTypeOf<Dataset<[index: number, element: number]>>()
  })

  it('follow loaders, and fit takes them', () => {
    const pairs = Dataset.range(3).map((i) => [new Float32Array(2), i])
    expectTypeOf(pairs.batch(2)).toMatchTypeOf<BatchIterable>()
    const loader = () => new DataLoader(new TensorDataset(...tensors), { batchSize: 2 })
    expectTypeOf(loader).returns.toMatchTypeOf<AsyncIterable<[HostArray, HostArray]>>()
    expectTypeOf(loader).returns.toMatchTypeOf<BatchIterable>()
    const joined = () => new DataLoader({ length: 1, getItem: () => 1 } satisfies MapDataset<number>, { collateFn: (items) => `${items}` })
    expectTypeOf(joined).returns.toEqualTypeOf<DataLoader<number, string>>()
    expectTypeOf<PyDataset<[HostArray, HostArray]>>().toMatchTypeOf<BatchIterable>()
  })

  it('refuse what cannot be', () => {
    // @ts-expect-error the elements are numbers
    Dataset.range(3).map((i: string) => i)
    // @ts-expect-error a map-style dataset has getItem
    void (() => new DataLoader({ length: 3 }))
    // @ts-expect-error the other dataset has other elements
    Dataset.range(3).concatenate(Dataset.from(['a']))
  })
})
