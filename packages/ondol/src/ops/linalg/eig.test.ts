import { beforeAll, describe, expect, it } from 'vitest'
import { setBackend } from '../../backends/load.js'
import { GradientTape, jit, type Tensor, tensor } from '../../engine/index.js'
import { Input } from '../../layers/index.js'
import { Model, modelFromJson } from '../../models/index.js'
import { elements, readVectors, type VectorTensor } from '../../testing/vectors.js'
import { backends } from '../../training/testing/backends.js'
import * as ops from '../index.js'
import { expectEqual, expectGradient, matrix, numbers } from './testing/numbers.js'

/** What `tools/oracle/ops_linalg.py` recorded of a stack of matrices. */
interface Vector {
  readonly title: string
  readonly x: VectorTensor
  readonly values: readonly [VectorTensor, VectorTensor]
  readonly vectors: readonly [VectorTensor, VectorTensor]
  readonly weights: VectorTensor
  readonly gradient: VectorTensor
}

type Pair = readonly [re: Tensor, im: Tensor]
type Spectrum = readonly [values: Pair, vectors: Pair]

const load = (stored: VectorTensor): Tensor => tensor(elements(stored), stored.shape, stored.dtype)
const squares = ([re, im]: Pair): Tensor => ops.add(ops.square(re), ops.square(im))
const largestOf = (x: Tensor): number => Math.max(0, ...numbers(ops.abs(x)))
const filled = (n: number, value: (i: number, j: number) => number): Tensor =>
  tensor(Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => value(i, j))))

/** That A · V = V · Λ within `tolerance` of the largest element, that columns have length 1 and a largest element real and positive. */
function expectSpectrum(a: Tensor, [[re, im], [vectorsRe, vectorsIm]]: Spectrum, tolerance = 1e-5): void {
  const [row, column] = [ops.expandDims(re, -2), ops.expandDims(im, -2)]
  const off = [
    ops.subtract(ops.matmul(a, vectorsRe), ops.subtract(ops.multiply(vectorsRe, row), ops.multiply(vectorsIm, column))),
    ops.subtract(ops.matmul(a, vectorsIm), ops.add(ops.multiply(vectorsIm, row), ops.multiply(vectorsRe, column))),
  ]
  for (const part of off) expect(largestOf(part)).toBeLessThanOrEqual(tolerance * largestOf(a))
  expectEqual(ops.sum(squares([vectorsRe, vectorsIm]), -2), ops.onesLike(re), 1e-6)
  expectEqual(ops.max(vectorsRe, -2), ops.sqrt(ops.max(squares([vectorsRe, vectorsIm]), -2)), 1e-6)
}

/** Rows of n found numbers in the order of the expected ones, each nearest to its own. */
function placesFor(found: readonly (readonly [number, number])[], expected: readonly (readonly [number, number])[]): number[] {
  const left = new Set(found.keys())
  return expected.map(([re, im]) => {
    const distance = (i: number): number => Math.hypot((found[i]?.[0] ?? 0) - re, (found[i]?.[1] ?? 0) - im)
    const nearest = [...left].reduce((best, i) => (distance(i) < distance(best) ? i : best))
    left.delete(nearest)
    return nearest
  })
}

const pairsOf = ([re, im]: Pair): [number, number][] => {
  const parts = numbers(im)
  return numbers(re).map((value, i) => [value, parts[i] as number])
}

/** Eigenvalues and vectors of each matrix in the order of the recorded ones. */
function inOrderOf(recorded: Pair, [values, vectors]: Spectrum): Spectrum {
  const n = recorded[0].shape.at(-1) as number
  const [found, expected] = [pairsOf(values), pairsOf(recorded)]
  const places = Array.from({ length: expected.length / n }, (_, at) =>
    placesFor(found.slice(at * n, at * n + n), expected.slice(at * n, at * n + n)),
  )
  const along = tensor(places.flat(), recorded[0].shape, 'int32')
  const taken = (x: Tensor, indices: Tensor): Tensor => ops.takeAlongAxis(x, indices, { axis: -1 })
  const columns = ops.broadcastTo(ops.expandDims(along, -2), vectors[0].shape)
  return [
    [taken(values[0], along), taken(values[1], along)],
    [taken(vectors[0], columns), taken(vectors[1], columns)],
  ]
}

function expectValues(values: Pair, expected: readonly (readonly [number, number])[], tolerance: number): void {
  const found = pairsOf(values)
  const places = placesFor(found, expected)
  const distances = expected.map(([re, im], i) => {
    const [x, y] = found[places[i] as number] as [number, number]
    return Math.hypot(x - re, y - im)
  })
  expect(Math.max(...distances)).toBeLessThanOrEqual(tolerance)
}

const circle = (n: number): [number, number][] =>
  Array.from({ length: n }, (_, k) => [Math.cos((2 * Math.PI * k) / n), Math.sin((2 * Math.PI * k) / n)])
const repeated = (n: number, value: number): [number, number][] => Array.from({ length: n }, () => [value, 0])
const shift = (n: number): Tensor => filled(n, (i, j) => Number(i === (j + 1) % n))

/** `f` of one matrix whose spectrum is known: what it is, and how near values must be. */
const KNOWN: readonly [title: string, a: () => Tensor, values: readonly [number, number][], tolerance: number][] = [
  ['one number', () => tensor([[-3]]), [[-3, 0]], 0],
  ['a quarter turn', () => tensor([[0, -1], [1, 0]]), [[0, 1], [0, -1]], 1e-6], // biome-ignore format: a matrix
  ['the unit matrix', () => ops.eye(4), repeated(4, 1), 0],
  ['zeros', () => ops.zeros([4, 4]), repeated(4, 0), 0],
  ['ones', () => ops.ones([6, 6]), [...repeated(5, 0), [6, 0]], 1e-5],
  ['a Jordan block', () => filled(5, (i, j) => (i === j ? 2 : Number(j === i + 1))), repeated(5, 2), 0],
  ['a Jordan block below', () => filled(5, (i, j) => (i === j ? 2 : Number(j === i - 1))), repeated(5, 2), 0],
  ['a defective pair in the middle', () => tensor([[3, 1], [-1, 1]]), repeated(2, 2), 2e-3], // biome-ignore format: a matrix
  ['a nilpotent shuffle', () => tensor([[0, 0, 5], [7, 0, 3], [0, 0, 0]]), repeated(3, 0), 0], // biome-ignore format: a matrix
  ['a triangle', () => filled(5, (i, j) => (j < i ? 0 : 1 + i * j)), [1, 2, 5, 10, 17].map((value) => [value, 0]), 0],
  ['a triangle below', () => filled(5, (i, j) => (j > i ? 0 : 1 + i * j)), [1, 2, 5, 10, 17].map((value) => [value, 0]), 0],
  ['a circle of 2', () => shift(2), circle(2), 1e-6],
  ['a circle of 6', () => shift(6), circle(6), 1e-5],
  ['a circle of 17', () => shift(17), circle(17), 1e-5],
  ['a turn about an axis', () => tensor([[0, 3, -4], [-3, 0, 12], [4, -12, 0]]), [[0, 0], [0, 13], [0, -13]], 1e-5], // biome-ignore format: a matrix
  ['small beside large', () => tensor([[1, 1e15], [4e-15, 1]]), [[3, 0], [-1, 0]], 1e-5], // biome-ignore format: a matrix
  ['small blocks beside a large one', () => filled(3, (i, j) => [[1, 0, 0], [0, 0, 1e-25], [0, -1e-25, 0]][i]?.[j] ?? 0), [[1, 0], [0, 1e-25], [0, -1e-25]], 1e-30], // biome-ignore format: a matrix
  ['a loose corner', () => tensor([[9.13e7, -3.2e-7], [-1.12e8, 1.2e-7]]), [[9.13e7, 0], [-2.7e-7, 0]], 10], // biome-ignore format: a matrix
  ['large numbers', () => ops.multiply(shift(5), 1e35), circle(5).map(([re, im]) => [re * 1e35, im * 1e35]), 1e30],
  ['small numbers', () => ops.multiply(shift(5), 1e-35), circle(5).map(([re, im]) => [re * 1e-35, im * 1e-35]), 1e-40],
]

describe.each(backends)('eig on %s', (backend) => {
  beforeAll(() => setBackend(backend))

  it.each(readVectors<Vector[]>('eig').map((vector) => [vector.title, vector] as const))('is that of Keras: %s', (_, vector) => {
    const x = load(vector.x)
    using tape = new GradientTape()
    tape.watch(x)
    const found = ops.eig(x)
    const [values, vectors] = found
    const fourth = ops.multiply(ops.square(squares(vectors)), load(vector.weights))
    const measured = [ops.sum(ops.square(values[0])), ops.multiply(ops.sum(ops.square(values[1])), 0.5), ops.sum(fourth)]
    const gradient = tape.gradient(
      measured.reduce((a, b) => ops.add(a, b)),
      x,
    ) as Tensor
    expectSpectrum(x, found)
    const recorded = [load(vector.values[0]), load(vector.values[1])] as const
    const [inOrder, columns] = inOrderOf(recorded, found)
    inOrder.forEach((part, i) => void expectEqual(part, recorded[i] as Tensor, 1e-5))
    // Vectors and their way back lose what nearness of eigenvalues costs.
    expectEqual(squares(columns), squares([load(vector.vectors[0]), load(vector.vectors[1])]), 1e-4)
    columns.forEach((part, i) => void expectEqual(part, load(vector.vectors[i] as VectorTensor), 1e-4))
    expectEqual(gradient, load(vector.gradient), 1e-3)
  })

  it.each(KNOWN)('of %s', (_, make, values, tolerance) => {
    const a = make()
    const found = ops.eig(a)
    expectValues(found[0], values, tolerance)
    expectSpectrum(a, found)
  })

  it.each([[1], [2], [3], [8], [33], [7, 2, 4]])('of random matrices %j…', (...shape) => {
    const a = matrix(...shape, shape.at(-1) as number)
    const [values, vectors] = ops.eig(a)
    expect([...values, ...vectors].map((part) => part.shape)).toEqual([shape, shape, a.shape, a.shape])
    expectSpectrum(a, [values, vectors])
  })

  it('puts conjugate ones side by side, and makes real ones and their vectors real', () => {
    const [[re, im], vectors] = ops.eig(matrix(9, 9))
    const [values, parts] = [numbers(re), numbers(im)]
    const [columns, columnParts] = vectors.map((x) => ops.transpose(x).arraySync()) as [number[][], number[][]]
    expect(parts.some((part) => part > 0) && parts.some((part) => part === 0)).toBe(true)
    parts.forEach((part, i) => {
      if (part === 0) expect(columnParts[i]?.every((x) => x === 0)).toBe(true)
      if (part <= 0) return
      expect([values[i + 1], parts[i + 1]]).toEqual([values[i], -part])
      expect([columns[i + 1], columnParts[i + 1]]).toEqual([columns[i], columnParts[i]?.map((x) => 0 - x)])
    })
  })

  it('works on each matrix of a stack by itself', () => {
    const single = [matrix(6, 6), shift(6), ops.eye(6), ops.zeros([6, 6]), filled(6, (i, j) => (i + 1) / (j + 1))]
    const [values, vectors] = ops.eig(ops.stack(single))
    single.forEach((a, i) => {
      const at = (x: Tensor): Tensor => ops.take(x, i, { axis: 0 })
      expectSpectrum(a, [[at(values[0]), at(values[1])], [at(vectors[0]), at(vectors[1])]]) // biome-ignore format: a pair of pairs
      expectValues([at(values[0]), at(values[1])], pairsOf(ops.eig(a)[0]), 2e-5)
    })
  })

  it('runs compiled', () => {
    const a = matrix(3, 6, 6)
    expectSpectrum(a, jit((x: Tensor) => ops.eig(x))(a))
  })

  it('is NaN where numbers are, without spoiling the rest of a stack', () => {
    const spoilt = filled(4, (i, j) => (i === 1 && j === 2 ? Number.NaN : i - j))
    const a = matrix(4, 4)
    const [values, vectors] = ops.eig(ops.stack([spoilt, a, ops.multiply(ops.eye(4), Number.POSITIVE_INFINITY)]))
    const at = ([re, im]: Pair, i: number): Pair => [ops.take(re, i, { axis: 0 }), ops.take(im, i, { axis: 0 })]
    expect(numbers(at(values, 0)[0])).toEqual([NaN, NaN, NaN, NaN])
    expect(numbers(at(values, 2)[0])).toEqual([NaN, NaN, NaN, NaN])
    expectSpectrum(a, [at(values, 1), at(vectors, 1)])
  })

  it('has gradients, of phases too', () => {
    const [values, first, second] = [matrix(5), matrix(5, 5), matrix(5, 5, 1)]
    const weighted = (x: Tensor, weights: Tensor): Tensor => ops.sum(ops.multiply(x, ops.reshape(weights, x.shape)))
    const a = tensor([[0.3, 1.9, -0.6, 0.2, 0.4], [-1.2, 0.5, 0.8, 1.1, -0.3], [0.7, -0.4, -1.5, 0.6, 0.9], [0.1, 0.8, -0.9, 2.1, 0.5], [-0.6, 0.2, 1.3, -0.7, -2.8]]) // biome-ignore format: a matrix
    expectGradient((x) => weighted(ops.eig(x)[0][0], values), a)
    expectGradient((x) => weighted(ops.eig(x)[0][1], values), a)
    expectGradient((x) => weighted(ops.square(squares(ops.eig(x)[1])), first), a)
    expectGradient((x) => {
      const [re, im] = ops.eig(x)[1]
      return ops.add(weighted(re, first), weighted(im, second))
    }, a)
  })

  it('has a gradient of 0 between equal eigenvalues', () => {
    const x = ops.eye(3)
    using tape = new GradientTape()
    tape.watch(x)
    const gradient = tape.gradient(ops.sum(ops.eig(x)[0][0]), x) as Tensor
    expectEqual(gradient, ops.eye(3), 1e-6)
  })
})

describe('eig', () => {
  beforeAll(() => setBackend('host'))

  it('computes in float32 at least', () => {
    const types = (x: Tensor): string[] => ops.eig(x).flatMap((pair) => pair.map(({ dtype }) => dtype))
    for (const dtype of ['bool', 'int32', 'bfloat16', 'float16', 'float32'] as const) {
      expect(types(ops.cast(ops.eye(2), dtype))).toEqual(Array.from({ length: 4 }, () => 'float32'))
    }
    expect(types(ops.cast(ops.eye(2), 'float64'))).toEqual(Array.from({ length: 4 }, () => 'float64'))
    const a = ops.cast(matrix(8, 8), 'float64')
    expectSpectrum(a, ops.eig(a), 1e-14)
  })

  it('takes stacks of nothing', () => {
    for (const shape of [
      [0, 3, 3],
      [2, 0, 0],
      [0, 0],
    ]) {
      // biome-ignore format: shapes
      const [[re], [vectors]] = ops.eig(ops.zeros(shape))
      expect([re.shape, vectors.shape]).toEqual([shape.slice(0, -1), shape])
    }
  })

  it('is part of models', async () => {
    const x = Input({ shape: [4, 4] })
    const [values, vectors] = ops.eig(x)
    expect([...values, ...vectors].map(({ shape }) => shape)).toEqual([[null, 4], [null, 4], [null, 4, 4], [null, 4, 4]]) // biome-ignore format: shapes
    const model = new Model({ inputs: x, outputs: [...values, ...vectors] })
    const a = matrix(3, 4, 4)
    for (const one of [model, modelFromJson(model.toJson()) as Model]) {
      const [re, im, vectorsRe, vectorsIm] = (await one.predict(a, { verbose: 0 })) as Tensor[] as [Tensor, Tensor, Tensor, Tensor]
      expectSpectrum(a, [[re, im], [vectorsRe, vectorsIm]]) // biome-ignore format: a pair of pairs
    }
  })

  it('says which shapes it needs', () => {
    expect(() => ops.eig(ops.zeros([2, 3]))).toThrow(/eig: the matrices must be square[\s\S]*\(…, n, n\)[\s\S]*\(2, 3\)/)
    expect(() => ops.eig(ops.zeros([3]))).toThrow(/eig: matrices are needed[\s\S]*\(3,\)/)
    expect(() => ops.eig(Input({ shape: [2, 3] }))).toThrow(/must be square[\s\S]*\(None, 2, 3\)/)
  })
})
