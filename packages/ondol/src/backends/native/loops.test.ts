/** Loops large enough for many blocks and several threads, against a point-by-point reference. */
import { afterAll, describe, expect, it } from 'vitest'
import { allocate, type DType, readElement, type TypedArray } from '../../core/dtype.js'
import type { LoopInput, LoopInstruction, LoopStep } from '../../engine/plan.js'
import { createNativeBackend } from './index.js'
import { filled, loopOf, planOf, runLoop, runPlan, type Sized } from './testing/plans.js'

const backend = createNativeBackend()
afterAll(() => backend.dispose())

const f32 = (size: number): Sized => ({ dtype: 'float32', size })
const memory = (buffer: number, strides: readonly number[], offset = 0): LoopInput => ({ kind: 'memory', buffer, offset, strides })
const load = (input: number): LoopInstruction => ({ op: 'load', input, type: 'f32' })
const kept = (size: number): LoopStep['dims'][number] => ({ size, reduced: false })
const reduced = (size: number): LoopStep['dims'][number] => ({ size, reduced: true })
const affine: readonly LoopInstruction[] = [
  load(0),
  load(1),
  load(2),
  { op: 'mul', args: [0, 1], type: 'f32' },
  { op: 'add', args: [3, 2], type: 'f32' },
]

async function check(inputs: readonly Sized[], outputs: readonly Sized[], step: LoopStep, tolerance = 1e-5): Promise<void> {
  const plan = planOf(inputs, outputs, [step])
  const given = inputs.map(filled)
  const expected = [...given.map((storage) => storage.slice()), ...outputs.map(({ dtype, size }) => allocate(dtype, size))]
  runLoop(step, plan, expected)
  const results = await runPlan(backend, plan, given)
  results.forEach((result, i) => expectClose(result, expected[inputs.length + i] as TypedArray, (outputs[i] as Sized).dtype, tolerance))
}

function expectClose(received: TypedArray, expected: TypedArray, dtype: DType, tolerance: number): void {
  let worst = 0
  let where = 0
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [readElement(dtype, received, i), readElement(dtype, expected, i)]
    const error = Object.is(a, b) || a === b ? 0 : Math.abs(a - b) / (1 + Math.abs(b))
    if (!(error <= worst)) [worst, where] = [error, i]
  }
  expect(worst, `element ${where}: ${received[where]} instead of ${expected[where]}`).toBeLessThanOrEqual(tolerance)
}

describe('element-wise loops', () => {
  it.each([1, 15, 17, 1000, 40_001, 300_000])('work on %i contiguous points', (size) =>
    check(
      [f32(size), f32(1), f32(1)],
      [f32(size)],
      loopOf({
        dims: [kept(size)],
        inputs: [memory(0, [1]), memory(1, [0]), memory(2, [0])],
        body: affine,
        stores: [{ value: 4, buffer: 3, offset: 0, strides: [1] }],
      }),
    ),
  )

  it.each([1, 3, 10, 12, 16, 48, 342, 700, 3000])('repeat a row of %i over all rows', async (columns) => {
    const rows = Math.ceil(90_000 / columns)
    await check(
      [f32(rows * columns), f32(columns), f32(rows)],
      [f32(rows * columns)],
      loopOf({
        dims: [kept(rows), kept(columns)],
        inputs: [memory(0, [columns, 1]), memory(1, [0, 1]), memory(2, [1, 0])],
        body: affine,
        stores: [{ value: 4, buffer: 3, offset: 0, strides: [columns, 1] }],
      }),
    )
  })

  it('transpose, slice and reverse', () =>
    check(
      [f32(200 * 300), f32(200 * 310), f32(200 * 300)],
      [f32(200 * 600)],
      loopOf({
        dims: [kept(200), kept(300)],
        inputs: [memory(0, [1, 200]), memory(1, [310, 1], 5), memory(2, [300, -1], 299)],
        body: affine,
        stores: [
          { value: 3, buffer: 3, offset: 0, strides: [600, 1] },
          { value: 4, buffer: 3, offset: 300, strides: [600, 1] },
        ],
      }),
    ))

  it.each([[64, 7, 9, 33] as const, [5, 40, 3, 130] as const])('permute axes of %i×%i×%i×%i', async (a, b, c, d) => {
    const size = a * b * c * d
    await check(
      [f32(size), f32(d), f32(1)],
      [f32(size)],
      loopOf({
        dims: [kept(a), kept(b), kept(c), kept(d)],
        inputs: [memory(0, [b * c * d, 1, b * d, b]), memory(1, [0, 0, 0, 1]), memory(2, [0, 0, 0, 0])],
        body: affine,
        stores: [{ value: 4, buffer: 3, offset: 0, strides: [b * c * d, c * d, d, 1] }],
      }),
    )
  })

  it.each(['bfloat16', 'float16', 'int32', 'uint8', 'float64'] as const)('read and write %s', async (dtype) => {
    const type = dtype === 'float64' ? 'f64' : dtype === 'int32' || dtype === 'uint8' ? 'i32' : 'f32'
    const size = 50_003
    await check(
      [
        { dtype, size },
        { dtype, size },
      ],
      [{ dtype, size }, f32(size)],
      loopOf({
        dims: [kept(size)],
        inputs: [memory(0, [1]), memory(1, [1])],
        body: [
          { op: 'load', input: 0, type },
          { op: 'load', input: 1, type },
          { op: 'add', args: [0, 1], type },
          { op: 'cast', args: [2], type: 'f32' },
          { op: 'gt', args: [0, 1], type: 'bool' },
          { op: 'select', args: [4, 0, 1], type },
        ],
        stores: [
          { value: 5, buffer: 2, offset: 0, strides: [1] },
          { value: 3, buffer: 3, offset: 0, strides: [1] },
        ],
      }),
    )
  })

  it('count places', () =>
    check(
      [],
      [{ dtype: 'int32', size: 60_000 }],
      loopOf({
        dims: [kept(300), kept(200)],
        inputs: [{ kind: 'index', offset: 7, strides: [1, 300] }],
        body: [{ op: 'load', input: 0, type: 'i32' }],
        stores: [{ value: 0, buffer: 0, offset: 0, strides: [200, 1] }],
      }),
    ))

  it('update memory in place, and swap two buffers', async () => {
    const size = 70_001
    const buffers = [f32(size), f32(size)]
    const plan = planOf(buffers, buffers, [
      loopOf({
        dims: [kept(size)],
        inputs: [memory(0, [1]), memory(1, [1])],
        body: [load(0), load(1)],
        stores: [
          { value: 0, buffer: 3, offset: 0, strides: [1] },
          { value: 1, buffer: 2, offset: 0, strides: [1] },
        ],
      }),
    ])
    const program = backend.compilePlan(plan)
    const memories = buffers.map(({ size: length }, i) => {
      const made = backend.allocate(length * 4)
      backend.write(made, new Float32Array(length).fill(i + 1))
      return made
    })
    program.run(memories, memories)
    const [first, second] = (await Promise.all(memories.map((one) => backend.read(one, 'float32', size)))) as [TypedArray, TypedArray]
    expect([first[0], first[size - 1], second[0], second[size - 1]]).toEqual([2, 2, 1, 1])
    for (const one of memories) backend.free(one)
  })
})

// Large loops run as machine code where the processor has AVX-512 (packages/native/src/code).
describe('loops over rows', () => {
  const ROWS = 700
  const dtypes = ['float32', 'bfloat16', 'float16'] as const
  it.each([16, 24, 33, 36, 48, 156, 1030].flatMap((columns) => dtypes.map((dtype) => [columns, dtype] as const)))(
    'of %i %s: slices, vectors, scalars, masks, sums',
    async (columns, dtype) => {
      const wide = columns + 20
      const sized = (of: DType, size: number): Sized => ({ dtype: of, size })
      await check(
        [
          sized(dtype, ROWS * wide),
          sized(dtype, ROWS * columns),
          sized('bool', ROWS * columns),
          f32(columns),
          f32(ROWS),
          sized('int32', ROWS * wide),
        ],
        [
          sized(dtype, ROWS * 2 * columns),
          sized('bool', ROWS * columns),
          f32(columns),
          f32(columns),
          sized('int32', ROWS * columns),
          f32(columns),
        ],
        loopOf({
          dims: [reduced(ROWS), kept(columns)],
          inputs: [
            memory(0, [wide, 1], 3),
            memory(1, [columns, 1]),
            memory(2, [columns, 1]),
            memory(3, [0, 1]),
            memory(4, [1, 0]),
            memory(5, [wide, 1], 7),
          ],
          body: [
            load(0),
            load(1),
            { op: 'load', input: 2, type: 'bool' },
            load(3),
            load(4),
            { op: 'load', input: 5, type: 'i32' },
            { op: 'select', args: [2, 0, 1], type: 'f32' },
            { op: 'mul', args: [6, 3], type: 'f32' },
            { op: 'add', args: [7, 4], type: 'f32' },
            { op: 'gt', args: [8, 1], type: 'bool' },
            { op: 'exp', args: [0], type: 'f32' },
            { op: 'max', args: [10, 8], type: 'f32' },
            { op: 'add', args: [5, 5], type: 'i32' },
          ],
          stores: [
            { value: 11, buffer: 6, offset: 0, strides: [2 * columns, 1] },
            { value: 7, buffer: 6, offset: columns, strides: [2 * columns, 1] },
            { value: 9, buffer: 7, offset: 0, strides: [columns, 1] },
            { value: 12, buffer: 10, offset: 0, strides: [columns, 1] },
          ],
          reductions: [
            { op: 'sum', value: 8 },
            { op: 'max', value: 11 },
            { op: 'sum', value: 7 },
          ],
          epilogue: [0, 1, 2].map((reduction) => ({ op: 'reduced', reduction, type: 'f32' })),
          epilogueStores: [8, 9, 11].map((buffer, value) => ({ value, buffer, offset: 0, strides: [0, 1] })),
        }),
        dtype === 'bfloat16' ? 8e-3 : dtype === 'float16' ? 1e-3 : 1e-5,
      )
    },
  )

  // More operands than the processor has registers for pointers, and for values.
  it.each([9, 16, 40])('read %i tensors at once', (count) =>
    check(
      Array.from({ length: count }, () => f32(ROWS * 40)),
      [f32(ROWS * 80)],
      loopOf({
        dims: [kept(ROWS), kept(40)],
        inputs: Array.from({ length: count }, (_, i) => memory(i, [40, 1])),
        body: [
          ...Array.from({ length: count }, (_, i) => load(i)),
          { op: 'mul', args: [0, count - 1], type: 'f32' },
          ...Array.from(
            { length: count - 1 },
            (_, i): LoopInstruction => ({ op: i % 2 === 0 ? 'add' : 'sub', args: [count + i, count - 1 - i], type: 'f32' }),
          ),
        ],
        stores: [0, 40].map((offset) => ({ value: 2 * count - 1, buffer: count, offset, strides: [80, 1] })),
      }),
    ),
  )
})

describe('reducing loops', () => {
  const sums = (
    dims: LoopStep['dims'],
    strides: readonly number[],
    output: readonly number[],
    size: number,
    results: number,
  ): [Sized[], Sized[], LoopStep] => [
    [f32(size)],
    [f32(results), f32(results), f32(size)],
    loopOf({
      dims,
      inputs: [memory(0, strides)],
      body: [load(0), { op: 'mul', args: [0, 0], type: 'f32' }],
      stores: [{ value: 1, buffer: 3, offset: 0, strides }],
      reductions: [
        { op: 'sum', value: 1 },
        { op: 'max', value: 0 },
      ],
      epilogue: [
        { op: 'reduced', reduction: 0, type: 'f32' },
        { op: 'sqrt', args: [0], type: 'f32' },
        { op: 'reduced', reduction: 1, type: 'f32' },
      ],
      epilogueStores: [
        { value: 1, buffer: 1, offset: 0, strides: output },
        { value: 2, buffer: 2, offset: 0, strides: output },
      ],
    }),
  ]

  it.each([1, 2, 10, 12, 33, 64, 342, 1000, 5000])('fold rows of %i, all rows, and columns', async (columns) => {
    const rows = Math.ceil(100_000 / columns)
    const size = rows * columns
    await check(...sums([kept(rows), reduced(columns)], [columns, 1], [1, 0], size, rows))
    await check(...sums([reduced(rows), kept(columns)], [columns, 1], [0, 1], size, columns))
    await check(...sums([reduced(rows), reduced(columns)], [columns, 1], [0, 0], size, 1))
  })

  it.each([[8, 30, 400] as const, [50, 12, 49] as const, [3, 700, 40] as const])('fold around a kept axis: %i×%i×%i', async (a, b, c) => {
    await check(...sums([reduced(a), kept(b), reduced(c)], [b * c, c, 1], [0, 1, 0], a * b * c, b))
    await check(...sums([kept(a), reduced(b), kept(c)], [b * c, c, 1], [c, 0, 1], a * b * c, a * c))
    await check(...sums([reduced(a), kept(b), reduced(c)], [1, a, a * b], [0, 1, 0], a * b * c, b))
  })

  it('stays accurate over millions of terms', async () => {
    const size = 4_000_001
    const plan = planOf(
      [f32(size)],
      [f32(1)],
      [
        loopOf({
          dims: [reduced(size)],
          inputs: [memory(0, [1])],
          body: [load(0)],
          reductions: [{ op: 'sum', value: 0 }],
          epilogue: [{ op: 'reduced', reduction: 0, type: 'f32' }],
          epilogueStores: [{ value: 0, buffer: 1, offset: 0, strides: [0] }],
        }),
      ],
    )
    const storage = new Float32Array(size).fill(0.1)
    const [sum] = (await runPlan(backend, plan, [storage])) as [Float32Array]
    expect(Math.abs((sum[0] as number) / (size * Math.fround(0.1)) - 1)).toBeLessThan(1e-6)
  })

  it('gives the same bits every time', async () => {
    const [inputs, outputs, step] = sums([reduced(100_003)], [1], [0], 100_003, 1)
    const plan = planOf(inputs, outputs, [step])
    const given = inputs.map(filled)
    const first = await runPlan(backend, plan, given)
    for (let i = 0; i < 5; i++) expect(await runPlan(backend, plan, given)).toEqual(first)
  })
})
