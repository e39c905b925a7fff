/** Kernels at sizes where oneDNN and several threads take part. */
import { afterAll, describe, expect, it } from 'vitest'
import { bytesOf, type DType, readElement, type TypedArray } from '../../core/dtype.js'
import { sizeOf } from '../../core/shape.js'
import type { Graph } from '../../engine/graph.js'
import { makeInput, makeNode } from '../../engine/graph.js'
import { inferOutputs, type PrimitiveAttributes, type PrimitiveName } from '../../engine/primitives.js'
import { createHostBackend } from '../host/index.js'
import { createNativeBackend } from './index.js'
import { filled } from './testing/plans.js'

const backend = createNativeBackend()
const host = createHostBackend()
afterAll(() => backend.dispose())

function graphOf<P extends PrimitiveName>(
  primitive: P,
  attributes: PrimitiveAttributes[P],
  shapes: readonly (readonly number[])[],
  dtypes: readonly DType[],
): Graph {
  const inputs = shapes.map((shape, index) => makeInput({ shape, dtype: dtypes[index] as DType }, index))
  const { outputs, ...node } = makeNode(primitive, attributes, inputs, inferOutputs(primitive, attributes, inputs))
  return { inputs, nodes: [{ ...node, outputs }] as unknown as Graph['nodes'], outputs, donations: [] }
}

async function run(on: typeof backend | typeof host, graph: Graph, storages: readonly TypedArray[]): Promise<TypedArray[]> {
  const program = on.compile(graph)
  const inputs = storages.map((storage) => {
    const memory = on.allocate(storage.byteLength)
    on.write(memory, storage)
    return memory
  })
  const outputs = graph.outputs.map(({ shape, dtype }) => on.allocate(sizeOf(shape) * bytesOf(dtype)))
  program.run(inputs, outputs)
  const results = await Promise.all(
    outputs.map((memory, i) => on.read(memory, graph.outputs[i]?.dtype as DType, sizeOf(graph.outputs[i]?.shape ?? []))),
  )
  for (const memory of [...inputs, ...outputs]) on.free(memory)
  return results
}

async function check<P extends PrimitiveName>(
  primitive: P,
  attributes: PrimitiveAttributes[P],
  shapes: readonly (readonly number[])[],
  dtype: DType = 'float32',
  more: { readonly dtypes?: readonly DType[]; readonly tolerance?: number; readonly storages?: readonly (TypedArray | undefined)[] } = {},
): Promise<void> {
  const dtypes = shapes.map((_, index) => more.dtypes?.[index] ?? dtype)
  const graph = graphOf(primitive, attributes, shapes, dtypes)
  const storages = shapes.map((shape, index) => more.storages?.[index] ?? filled({ dtype: dtypes[index] as DType, size: sizeOf(shape) }))
  const [expected, received] = [await run(host, graph, storages), await run(backend, graph, storages)]
  const tolerance = more.tolerance ?? (dtype === 'bfloat16' ? 0.02 : 1e-5)
  graph.outputs.forEach((output, n) => {
    let worst = 0
    for (let i = 0; i < sizeOf(output.shape); i++) {
      const [a, b] = [readElement(output.dtype, received[n] as TypedArray, i), readElement(output.dtype, expected[n] as TypedArray, i)]
      worst = Math.max(worst, Math.abs(a - b) / (1 + Math.abs(b)))
    }
    expect(worst).toBeLessThanOrEqual(tolerance)
  })
}

const conv = (stride: number, pad: number, more: Partial<PrimitiveAttributes['conv']> = {}): PrimitiveAttributes['conv'] => ({
  strides: [stride, stride],
  padding: [
    [pad, pad],
    [pad, pad],
  ],
  dilation: [1, 1],
  groups: 1,
  layout: 'channelsLast',
  ...more,
})

describe('products', () => {
  it.each(['float32', 'bfloat16', 'float64', 'int32'] as const)('multiplies %s matrices', (dtype) =>
    check(
      'dot',
      { batchA: [], batchB: [], contractA: [1], contractB: [0] },
      [
        [70, 90],
        [90, 50],
      ],
      dtype,
      { tolerance: dtype === 'bfloat16' ? 0.05 : 1e-5 },
    ),
  )
  it('takes transposed and batched operands', async () => {
    await check('dot', { batchA: [], batchB: [], contractA: [0], contractB: [1] }, [
      [64, 70],
      [60, 64],
    ])
    await check('dot', { batchA: [0], batchB: [1], contractA: [2], contractB: [0] }, [
      [6, 40, 50],
      [50, 6, 30],
    ])
    await check('dot', { batchA: [], batchB: [], contractA: [1], contractB: [0] }, [
      [1, 500],
      [500, 200],
    ])
  })
})

describe('convolutions', () => {
  const cases = [
    ['3x3', conv(1, 1), [2, 12, 12, 16], [3, 3, 16, 24]],
    ['strided', conv(2, 1), [2, 13, 13, 8], [3, 3, 8, 16]],
    ['1x1', conv(1, 0), [2, 12, 12, 40], [1, 1, 40, 12]],
    ['one channel', conv(1, 0), [4, 14, 14, 1], [3, 3, 1, 32]],
    ['grouped', conv(1, 1, { groups: 4 }), [2, 10, 10, 16], [3, 3, 4, 32]],
    ['depthwise', conv(1, 1, { groups: 16 }), [2, 10, 10, 16], [3, 3, 1, 16]],
    ['dilated', conv(1, 2, { dilation: [2, 2] }), [2, 12, 12, 8], [3, 3, 8, 8]],
    ['channelsFirst', conv(1, 1, { layout: 'channelsFirst' }), [2, 16, 12, 12], [3, 3, 16, 24]],
  ] as const
  it.each(cases)('%s', async (_, spec, x, kernel) => {
    const { shape: y } = graphOf('conv', spec, [x, kernel], ['float32', 'float32']).outputs[0] as { shape: readonly number[] }
    for (const dtype of ['float32', 'bfloat16'] as const) {
      const tolerance = dtype === 'bfloat16' ? 0.05 : 1e-4
      await check('conv', spec, [x, kernel], dtype, { tolerance })
      await check('convInputGrad', { ...spec, inputShape: x }, [y, kernel], dtype, { tolerance })
      await check('convKernelGrad', { ...spec, kernelShape: kernel }, [x, y], dtype, { tolerance })
    }
  })
  it('works on one and three axes', async () => {
    const one = { strides: [1], padding: [[1, 1]], dilation: [1], groups: 1, layout: 'channelsLast' } as const
    await check('conv', one, [
      [3, 40, 8],
      [3, 8, 16],
    ])
    await check('convKernelGrad', { ...one, kernelShape: [3, 8, 16] }, [
      [3, 40, 8],
      [3, 40, 16],
    ])
    const three = {
      strides: [1, 1, 1],
      padding: [
        [1, 1],
        [1, 1],
        [1, 1],
      ],
      dilation: [1, 1, 1],
      groups: 1,
      layout: 'channelsLast',
    } as const
    await check('conv', three, [
      [2, 6, 7, 8, 4],
      [3, 3, 3, 4, 16],
    ])
    await check('convInputGrad', { ...three, inputShape: [2, 6, 7, 8, 4] }, [
      [2, 6, 7, 8, 16],
      [3, 3, 3, 4, 16],
    ])
  })
})

describe('windows and statistics', () => {
  const pool: PrimitiveAttributes['maxPool'] = {
    window: [3, 3],
    strides: [2, 2],
    padding: [
      [1, 1],
      [1, 1],
    ],
    layout: 'channelsLast',
  }
  it.each([12, 64, 100])('pools %i channels', async (channels) => {
    const x = [8, 15, 15, channels]
    await check('maxPool', pool, [x])
    await check('avgPool', pool, [x])
    await check('avgPoolGrad', { ...pool, inputShape: x }, [[8, 8, 8, channels]])
    await check('maxPool', { ...pool, layout: 'channelsFirst' }, [[8, channels, 15, 15]])
  })
  it.each([12, 48, 342, 3000])('finds moments of %i columns', async (channels) => {
    const rows = Math.ceil(60_000 / channels)
    await check('moments', { axes: [0] }, [[rows, channels]])
    await check('moments', { axes: [1] }, [[rows, channels]])
    await check('moments', { axes: [0, 2] }, [[4, channels, 30]])
  })
  it('finds moments far from zero', async () => {
    const rows = 5000
    const storage = Float32Array.from({ length: rows * 20 }, (_, i) => 1000 + ((i * 7919) % 31) / 64)
    await check('moments', { axes: [0] }, [[rows, 20]], 'float32', { storages: [storage] })
  })
})

describe('indexing', () => {
  const indices = Int32Array.from({ length: 5000 }, (_, i) => (i * 7919) % 1100)
  it('gathers and scatters many rows', async () => {
    const more = { dtypes: ['float32', 'int32', 'float32'] as const, storages: [undefined, indices, undefined] }
    await check('gather', { axis: 0 }, [[1000, 32], [5000]], 'float32', more)
    for (const dtype of ['float32', 'bfloat16', 'int32'] as const) {
      await check('scatterAdd', { axis: 0 }, [[1000, 32], [5000], [5000, 32]], dtype, { ...more, dtypes: [dtype, 'int32', dtype] })
      await check('scatterSet', { axis: 0 }, [[1000, 32], [5000], [5000, 32]], dtype, { ...more, dtypes: [dtype, 'int32', dtype] })
    }
  })
  it('sorts and finds extremes in many lines', async () => {
    await check('sort', { axis: 1, descending: false }, [[300, 200]])
    await check('argMax', { axis: 1 }, [[3000, 33]])
    await check('cumSum', { axis: 0, reverse: true }, [[200, 300]], 'float32', { tolerance: 1e-4 })
  })
})

describe('a kernel that lasts', () => {
  it.each([
    ['conv', [1, 7, 7, 64]],
    ['convInputGrad', [1, 7, 7, 32]],
  ] as const)('is put in order when it is new: %s', async (primitive, shape) => {
    const spec = {
      strides: [1, 1],
      padding: [
        [1, 1],
        [1, 1],
      ],
      dilation: [1, 1],
      groups: 1,
      layout: 'channelsLast',
    } as const
    const attributes = primitive === 'conv' ? spec : { ...spec, inputShape: [1, 7, 7, 64] }
    const graph = graphOf(primitive, attributes as never, [shape, [3, 3, 64, 32]], ['float32', 'float32'])
    const [x, kernel] = [sizeOf(shape), 9 * 64 * 32].map((size) => filled({ dtype: 'float32', size })) as [TypedArray, TypedArray]
    const other = kernel.slice().reverse()
    const [expected, expectedOther] = [await run(host, graph, [x, kernel]), await run(host, graph, [x, other])]
    const program = backend.compile({ ...graph, lasting: [1] })
    const [image, weights, result] = [x, kernel, expected[0] as TypedArray].map((storage) => backend.allocate(storage.byteLength))
    if (image === undefined || weights === undefined || result === undefined) throw new Error('three memories were asked for')
    const next = async (renewed: boolean): Promise<TypedArray> => {
      program.run([image, weights], [result], renewed)
      return backend.read(result, 'float32', expected[0]?.length as number)
    }
    const largest = (found: TypedArray, wanted: TypedArray | undefined): number =>
      Math.max(...Array.from(found, (value, i) => Math.abs(value - (wanted?.[i] as number))))
    backend.write(image, x)
    backend.write(weights, kernel)
    expect(largest(await next(true), expected[0])).toBeLessThan(1e-4)
    backend.write(weights, other)
    expect(largest(await next(false), expected[0])).toBeLessThan(1e-4)
    expect(largest(await next(true), expectedOther[0])).toBeLessThan(1e-4)
    program.dispose()
    for (const memory of [image, weights, result]) backend.free(memory)
  })
})
