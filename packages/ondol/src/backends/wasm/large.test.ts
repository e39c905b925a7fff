/** Sizes at which blocks, tails, threads and split sums come into play: the conformance suite draws small ones. */
import { afterAll, describe, expect, it } from 'vitest'
import { allocate, type DType, isFloat, writeElement } from '../../core/dtype.js'
import { type Shape, sizeOf } from '../../core/shape.js'
import type { Value } from '../../engine/graph.js'
import type { ConvSpec } from '../../engine/primitives.js'
import type { HostArray } from '../host/index.js'
import { GraphBuilder } from '../testing/builder.js'
import { checkTrial } from '../testing/check.js'
import { createWasmBackend } from './index.js'

let state = 1
const random = (): number => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return state / 2 ** 32
}

function array(shape: Shape, dtype: DType = 'float32', draw = (): number => random() * 2 - 1): HostArray {
  const storage = allocate(dtype, sizeOf(shape))
  for (let at = 0; at < storage.length; at++) writeElement(dtype, storage, at, isFloat(dtype) ? draw() : Math.floor(draw() * 100))
  return { dtype, shape, storage }
}

/** A graph of `build` over random inputs. */
function trial(inputs: readonly HostArray[], build: (builder: GraphBuilder, ...values: Value[]) => readonly Value[]) {
  const builder = new GraphBuilder()
  const values = inputs.map((input) => builder.input(input))
  return builder.trial(build(builder, ...values))
}

const backends = [
  createWasmBackend({ threads: 1 }),
  createWasmBackend({ threads: 3 }),
  createWasmBackend({ threads: 1, relaxed: false }),
] as const
afterAll(() => {
  for (const backend of backends) backend.dispose()
})

const conv2d = (changes: Partial<ConvSpec> = {}): ConvSpec => ({
  strides: [1, 1],
  padding: [
    [0, 0],
    [0, 0],
  ],
  dilation: [1, 1],
  groups: 1,
  layout: 'channelsLast',
  ...changes,
})

const convolutions: readonly (readonly [string, Shape, Shape, ConvSpec])[] = [
  ['one channel', [3, 20, 19, 1], [3, 3, 1, 20], conv2d()],
  [
    'padded',
    [2, 15, 14, 12],
    [3, 3, 12, 21],
    conv2d({
      padding: [
        [1, 1],
        [1, 1],
      ],
    }),
  ],
  [
    'strided and dilated',
    [2, 17, 16, 5],
    [3, 2, 5, 9],
    conv2d({
      strides: [2, 3],
      dilation: [2, 1],
      padding: [
        [2, 1],
        [0, 3],
      ],
    }),
  ],
  ['pointwise', [2, 13, 11, 40], [1, 1, 40, 24], conv2d()],
  [
    'grouped',
    [2, 9, 10, 12],
    [3, 3, 4, 18],
    conv2d({
      groups: 3,
      padding: [
        [1, 1],
        [1, 1],
      ],
    }),
  ],
  [
    'depthwise',
    [2, 12, 11, 22],
    [3, 3, 1, 22],
    conv2d({
      groups: 22,
      padding: [
        [1, 1],
        [1, 1],
      ],
    }),
  ],
  [
    'depthwise, strided',
    [2, 12, 11, 22],
    [3, 3, 1, 22],
    conv2d({
      groups: 22,
      strides: [2, 2],
      padding: [
        [0, 1],
        [1, 1],
      ],
    }),
  ],
  ['depthwise, twofold', [1, 8, 9, 6], [3, 3, 1, 12], conv2d({ groups: 6 })],
  [
    'channels first',
    [2, 10, 13, 12],
    [3, 3, 10, 16],
    conv2d({
      layout: 'channelsFirst',
      padding: [
        [1, 1],
        [0, 2],
      ],
    }),
  ],
  ['of one axis', [4, 60, 18], [5, 18, 33], { strides: [1], padding: [[2, 2]], dilation: [1], groups: 1, layout: 'channelsLast' }],
  [
    'of many channels',
    [1, 6, 6, 260],
    [3, 3, 260, 16],
    conv2d({
      padding: [
        [1, 1],
        [1, 1],
      ],
    }),
  ],
]

describe.each(backends.map((backend) => [backend.description, backend] as const))('%s', (_, backend) => {
  it.each([
    [70, 90, 130],
    [201, 37, 300],
    [5, 520, 65],
    [1, 300, 40],
    [12, 6, 4500],
    [130, 1, 77],
  ])('multiplies %i × %i over %i, turned in all ways', async (m, n, k) => {
    for (const [turnA, turnB] of [
      [false, false],
      [true, false],
      [false, true],
    ]) {
      const a = array(turnA ? [k, m] : [m, k])
      const b = array(turnB ? [n, k] : [k, n])
      const spec = { batchA: [], batchB: [], contractA: [turnA ? 0 : 1], contractB: [turnB ? 1 : 0] }
      await checkTrial(
        backend,
        trial([a, b], (g, x, y) => [g.apply('dot', spec, x as Value, y as Value)]),
      )
    }
  })

  it.each(['float32', 'bfloat16', 'int32', 'uint8'] as const)('multiplies batches with bias and relu in %s', async (dtype) => {
    const spec = { batchA: [0], batchB: [0], contractA: [2], contractB: [1] }
    const inputs = [array([3, 40, 20], dtype), array([3, 20, 50], dtype), array([50], dtype)]
    await checkTrial(
      backend,
      trial(inputs, (g, a, b, bias) => {
        const product = g.apply('dot', spec, a as Value, b as Value)
        const sum = g.apply('add', {}, product, g.apply('broadcast', { shape: [3, 40, 50], axes: [2] }, bias as Value))
        return [g.apply('max', {}, sum, g.apply('full', { shape: [3, 40, 50], dtype, value: 0 }))]
      }),
    )
  })

  it.each(convolutions)('convolves and differentiates: %s', async (_name, xShape, kernelShape, spec) => {
    const x = array(xShape)
    const kernel = array(kernelShape)
    const forward = trial([x, kernel], (g, a, b) => [g.apply('conv', spec, a as Value, b as Value)])
    await checkTrial(backend, forward)
    const dy = array(forward.graph.outputs[0]?.shape as Shape)
    await checkTrial(
      backend,
      trial([x, kernel, dy], (g, a, b, c) => [
        g.apply('convInputGrad', { ...spec, inputShape: xShape }, c as Value, b as Value),
        g.apply('convKernelGrad', { ...spec, kernelShape }, a as Value, c as Value),
      ]),
    )
  })

  it('reduces long rows, long columns and everything', async () => {
    const x = array([1300, 70])
    const all = array([300_001])
    await checkTrial(
      backend,
      trial([x, all], (g, a, b) => [
        g.apply('reduceSum', { axes: [0] }, a as Value),
        g.apply('reduceSum', { axes: [1] }, a as Value),
        g.apply('reduceMax', { axes: [0] }, a as Value),
        g.apply('reduceSum', { axes: [0] }, b as Value),
        g.apply('reduceMin', { axes: [0] }, b as Value),
      ]),
    )
  })

  it('sums a million ones exactly, and numbers far from zero closely', async () => {
    const ones = array([1 << 20], 'float32', () => 1)
    const far = array([1 << 18], 'float32', () => 1000 + random())
    const graph = trial([ones, far], (g, a, b) => [
      g.apply('reduceSum', { axes: [0] }, a as Value),
      g.apply('reduceSum', { axes: [0] }, b as Value),
    ])
    const [first, second] = await run(backend, graph)
    expect(first?.[0]).toBe(1 << 20)
    const exact = Array.from(far.storage).reduce((sum, value) => sum + value, 0)
    expect(Math.abs((second?.[0] as number) / exact - 1)).toBeLessThan(1e-6)
  })

  it('finds mean and variance of columns and rows far from zero', async () => {
    const x = array([5000, 33], 'float32', () => 10_000 + random())
    const graph = trial([x], (g, a) => [
      ...g.applyAll('moments', { axes: [0] }, a as Value),
      ...g.applyAll('moments', { axes: [1] }, a as Value),
    ])
    await checkTrial(backend, graph)
  })

  it('pools large images and spreads gradients', async () => {
    const spec = {
      window: [3, 3],
      strides: [2, 2],
      padding: [
        [1, 1],
        [0, 1],
      ] as const,
      layout: 'channelsLast' as const,
    }
    const x = array([5, 40, 41, 19])
    await checkTrial(
      backend,
      trial([x], (g, a) => {
        const [y, positions] = g.applyAll('maxPool', spec, a as Value) as [Value, Value]
        const mean = g.apply('avgPool', spec, a as Value)
        return [
          y,
          g.apply('maxPoolGrad', { ...spec, inputShape: x.shape }, y, positions),
          g.apply('avgPoolGrad', { ...spec, inputShape: x.shape }, mean),
        ]
      }),
    )
  })

  it('sorts, gathers and scatters many', async () => {
    const x = array([3000, 7])
    const indices = array([4000], 'int32', () => random() * 31)
    const updates = array([4000, 7])
    await checkTrial(
      backend,
      trial([x, indices, updates], (g, a, b, c) => [
        ...g.applyAll('sort', { axis: 0, descending: true }, a as Value),
        g.apply('gather', { axis: 0 }, a as Value, b as Value),
        g.apply('scatterAdd', { axis: 0 }, a as Value, b as Value, c as Value),
        g.apply('scatterSet', { axis: 0 }, a as Value, b as Value, c as Value),
      ]),
    )
  })

  it('turns and adds large matrices', async () => {
    const x = array([300, 410])
    const y = array([410, 300])
    await checkTrial(
      backend,
      trial([x, y], (g, a, b) => [g.apply('add', {}, g.apply('transpose', { permutation: [1, 0] }, a as Value), b as Value)]),
    )
  })
})

async function run(backend: (typeof backends)[number], { graph, inputs }: ReturnType<typeof trial>): Promise<ArrayLike<number>[]> {
  const program = backend.compile(graph)
  const memories = inputs.map(({ storage }) => {
    const memory = backend.allocate(storage.byteLength)
    backend.write(memory, storage)
    return memory
  })
  const outputs = graph.outputs.map(({ shape }) => backend.allocate(4 * sizeOf(shape)))
  program.run(memories, outputs)
  const results = outputs.map((memory, at) => backend.readSync(memory, 'float32', sizeOf(graph.outputs[at]?.shape as Shape)))
  for (const memory of [...memories, ...outputs]) backend.free(memory)
  return results
}

describe('threads', () => {
  it('give the same bits as one thread', async () => {
    const inputs = [array([64, 20, 20, 8]), array([3, 3, 8, 24]), array([64, 18, 18, 24])]
    const graph = trial(inputs, (g, x, kernel, dy) => [
      g.apply('conv', conv2d(), x as Value, kernel as Value),
      g.apply('convKernelGrad', { ...conv2d(), kernelShape: [3, 3, 8, 24] }, x as Value, dy as Value),
      g.apply('reduceSum', { axes: [0, 1, 2, 3] }, dy as Value),
    ])
    const [one, three] = [await run(backends[0], graph), await run(backends[1], graph)]
    expect(three).toEqual(one)
  })
})
