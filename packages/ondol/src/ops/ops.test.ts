import { describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { type Tensor, tensor, useBackend } from '../engine/index.js'
import { OpNode } from './define.js'
import * as ops from './index.js'
import { resetNames, toSnakeCase, uniqueName } from './naming.js'
import { KerasTensor } from './operation.js'
import * as random from './random.js'

useBackend(createHostBackend())

const values = async (x: Tensor): Promise<unknown> => x.array()

describe('arithmetic', () => {
  it('broadcasts and promotes as Keras does', async () => {
    expect(await values(ops.add(tensor([[1], [2]]), tensor([10, 20])))).toEqual([
      [11, 21],
      [12, 22],
    ])
    expect(ops.add(tensor([1], [1], 'int32'), 2).dtype).toBe('int32')
    expect(ops.add(tensor([1], [1], 'int32'), 2.5).dtype).toBe('float32')
    expect(ops.multiply(tensor([1], [1], 'bfloat16'), 2.5).dtype).toBe('bfloat16')
    expect(ops.add(tensor([1], [1], 'bfloat16'), tensor([1], [1], 'float16')).dtype).toBe('float32')
    expect(ops.divide(tensor([1], [1], 'int32'), 2).dtype).toBe('float32')
    expect(ops.add(tensor([true]), tensor([2], [1], 'uint8')).dtype).toBe('uint8')
    expect(ops.exp(tensor([0], [1], 'int32')).dtype).toBe('float32')
  })

  it('names both shapes when they do not fit', () => {
    expect(() => ops.add(tensor([1, 2]), tensor([1, 2, 3]))).toThrow(
      /Add: shapes \(2,\) and \(3,\) cannot be broadcast together[\s\S]*2 against 3 on axis -1/,
    )
  })

  it('rounds toward minus infinity and to even', async () => {
    expect(await values(ops.floorDivide(tensor([-7, 7], [2], 'int32'), 2))).toEqual([-4, 3])
    expect(await values(ops.mod(tensor([-7, 7]), 3))).toEqual([2, 1])
    expect(await values(ops.round(tensor([0.5, 1.5, -2.5])))).toEqual([0, 2, -2])
    expect(await values(ops.round(tensor([1.25]), 1))).toEqual([expect.closeTo(1.2, 6)])
    expect(await values(ops.divideNoNan(tensor([1, 2]), tensor([0, 4])))).toEqual([0, 0.5])
  })

  it('chooses and clips', async () => {
    expect(await values(ops.where(tensor([true, false]), tensor([1, 2]), 9))).toEqual([1, 9])
    expect(await values(ops.clip(tensor([-2, 0.5, 3]), 0, 1))).toEqual([0, 0.5, 1])
    expect(await values(ops.isnan(tensor([Number.NaN, 1])))).toEqual([true, false])
    expect(await values(ops.isclose(tensor([1, Number.NaN]), tensor([1 + 1e-7, Number.NaN]), { equalNan: true }))).toEqual([true, true])
  })
})

describe('reductions', () => {
  const x = tensor([
    [1, 2, 3],
    [4, 5, 6],
  ])

  it('take an axis by position or by name', async () => {
    expect(await values(ops.sum(x))).toBe(21)
    expect(await values(ops.sum(x, 1))).toEqual([6, 15])
    expect(await values(ops.sum(x, { axis: 0, keepdims: true }))).toEqual([[5, 7, 9]])
    expect(await values(ops.mean(x, -1, { keepdims: true }))).toEqual([[2], [5]])
    expect(await values(ops.max(x, [0, 1]))).toBe(6)
    expect(await values(ops.variance(x, 1))).toEqual([expect.closeTo(2 / 3, 6), expect.closeTo(2 / 3, 6)])
    expect(await values(ops.argmax(x))).toBe(5)
    expect(await values(ops.argmin(x, { axis: 1, keepdims: true }))).toEqual([[0], [0]])
    expect(await values(ops.cumsum(x, 1))).toEqual([
      [1, 3, 6],
      [4, 9, 15],
    ])
    expect(
      await values(
        ops.any(
          tensor([
            [0, 1],
            [0, 0],
          ]),
          1,
        ),
      ),
    ).toEqual([true, false])
  })

  it('stay finite', async () => {
    expect(await values(ops.logSumExp(tensor([1000, 1000])))).toBeCloseTo(1000 + Math.LN2, 3)
    expect(await values(ops.logSumExp(tensor([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY])))).toBe(Number.NEGATIVE_INFINITY)
  })

  it('refuse unknown options, axes and emptiness', () => {
    expect(() => ops.sum(x, { axes: 1 } as never)).toThrow(/ops\.Sum: unknown option 'axes'[\s\S]*Expected: axis, keepdims/)
    expect(() => ops.sum(x, 2)).toThrow(/Sum: axis 2 does not exist[\s\S]*from -2 to 1/)
    expect(() => ops.max(tensor([]))).toThrow(/max: there is nothing to reduce/)
  })
})

describe('shapes', () => {
  const x = tensor([
    [1, 2, 3],
    [4, 5, 6],
  ])

  it('change', async () => {
    expect(ops.reshape(x, [-1, 2]).shape).toEqual([3, 2])
    expect(await values(ops.transpose(x))).toEqual([
      [1, 4],
      [2, 5],
      [3, 6],
    ])
    expect(ops.expandDims(x, [0, -1]).shape).toEqual([1, 2, 3, 1])
    expect(ops.squeeze(ops.expandDims(x, 0)).shape).toEqual([2, 3])
    expect(ops.moveaxis(ops.zeros([2, 3, 4]), 0, -1).shape).toEqual([3, 4, 2])
    expect(await values(ops.concatenate([x, tensor([[7], [8]])], { axis: -1 }))).toEqual([
      [1, 2, 3, 7],
      [4, 5, 6, 8],
    ])
    expect(ops.stack([x, x], 1).shape).toEqual([2, 2, 3])
    expect(ops.split(x, 3, 1).map((part) => part.shape)).toEqual([
      [2, 1],
      [2, 1],
      [2, 1],
    ])
    expect(await values(ops.pad(tensor([1, 2, 3]), [2, 1], 'reflect'))).toEqual([3, 2, 1, 2, 3, 2])
    expect(await values(ops.pad(tensor([1, 2]), 1, { mode: 'symmetric' }))).toEqual([1, 1, 2, 2])
    expect(await values(ops.repeat(tensor([1, 2]), 2))).toEqual([1, 1, 2, 2])
    expect(await values(ops.tile(tensor([1, 2]), [2, 2]))).toEqual([
      [1, 2, 1, 2],
      [1, 2, 1, 2],
    ])
    expect(await values(ops.arange(1, 7, 2))).toEqual([1, 3, 5])
    expect(await values(ops.eye(2))).toEqual([
      [1, 0],
      [0, 1],
    ])
    expect(await values(ops.flip(tensor([1, 2, 3])))).toEqual([3, 2, 1])
    expect(await values(ops.slice(x, [0, 1], [2, -1]))).toEqual([
      [2, 3],
      [5, 6],
    ])
  })

  it('say what does not fit', () => {
    expect(() => ops.reshape(x, [4, -1])).toThrow(/the number of elements must stay the same[\s\S]*6 elements/)
    expect(() => ops.concatenate([x, tensor([[1]])], 1)).toThrow(/shapes must agree on every axis but 1[\s\S]*\(2, 3\) and \(1, 1\)/)
    expect(() => ops.squeeze(x, 0)).toThrow(/axis 0 is not of size 1/)
  })
})

describe('products', () => {
  it('follow NumPy', async () => {
    const a = tensor([
      [1, 2],
      [3, 4],
    ])
    expect(await values(ops.matmul(a, a))).toEqual([
      [7, 10],
      [15, 22],
    ])
    expect(await values(ops.matmul(tensor([1, 1]), a))).toEqual([4, 6])
    expect(await values(ops.matmul(a, tensor([1, 1])))).toEqual([3, 7])
    expect(ops.matmul(ops.ones([5, 1, 2, 3]), ops.ones([4, 3, 6])).shape).toEqual([5, 4, 2, 6])
    expect(ops.matmul(ops.ones([5, 2, 3]), ops.ones([3, 6])).shape).toEqual([5, 2, 6])
    expect(await values(ops.tensordot(a, a, 2))).toBe(30)
    expect(await values(ops.outer(tensor([1, 2]), tensor([3, 4])))).toEqual([
      [3, 4],
      [6, 8],
    ])
    expect(await values(ops.einsum('ij,ij->', a, a))).toBe(30)
    expect(await values(ops.einsum('ii->i', a))).toEqual([1, 4])
    expect(await values(ops.einsum('...ij->...ji', a))).toEqual([
      [1, 3],
      [2, 4],
    ])
    expect(ops.einsum('bhqd,bhkd->bhqk', ops.ones([2, 3, 4, 5]), ops.ones([2, 3, 6, 5])).shape).toEqual([2, 3, 4, 6])
    expect(await values(ops.einsum('i,j,k->', tensor([1, 2]), tensor([3]), tensor([4])))).toBe(36)
    expect(() => ops.matmul(a, tensor([1, 2, 3]))).toThrow(/inner dimensions differ[\s\S]*\(2, 2\) and \(3,\)/)
  })
})

describe('indexing', () => {
  it('takes, with negative indices', async () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ])
    expect(await values(ops.take(x, tensor([-1, 0], [2], 'int32'), 1))).toEqual([
      [3, 1],
      [6, 4],
    ])
    expect(await values(ops.takeAlongAxis(x, tensor([[2], [0]], [2, 1], 'int32'), 1))).toEqual([[3], [4]])
    expect(await values(ops.oneHot(tensor([1, -1], [2], 'int32'), 3))).toEqual([
      [0, 1, 0],
      [0, 0, 0],
    ])
    const [top, at] = ops.topK(tensor([1, 9, 3]), 2)
    expect([await values(top), await values(at)]).toEqual([
      [9, 3],
      [1, 2],
    ])
    expect(await values(ops.inTopK(tensor([0, 2], [2], 'int32'), x, 1))).toEqual([false, true])
  })
})

describe('nn', () => {
  it('has activations with Keras’s values', async () => {
    expect(await values(ops.gelu(tensor([1])))).toEqual([expect.closeTo(0.841192, 6)])
    expect(await values(ops.gelu(tensor([1]), { approximate: false }))).toEqual([expect.closeTo(0.841345, 6)])
    expect(await values(ops.softmax(tensor([1000, 1000])))).toEqual([0.5, 0.5])
    expect(await values(ops.softplus(tensor([100, -100])))).toEqual([100, expect.closeTo(0, 6)])
    expect(await values(ops.leakyRelu(tensor([-1, 2])))).toEqual([expect.closeTo(-0.2, 6), 2])
  })

  it('pads convolutions as Keras does', async () => {
    const line = (n: number): Tensor => ops.reshape(ops.arange(1, n + 1, 1, 'float32'), [1, n, 1])
    const run = async (n: number, k: number, strides: number): Promise<unknown> =>
      await ops.reshape(ops.conv(line(n), ops.ones([k, 1, 1]), { strides, padding: 'same' }), [-1]).array()
    expect(await run(5, 3, 2)).toEqual([3, 9, 9])
    expect(await run(6, 3, 2)).toEqual([6, 12, 11])
    expect(await run(4, 2, 1)).toEqual([3, 5, 7, 4])
    expect(await run(7, 4, 3)).toEqual([6, 18, 13])
    expect(await values(ops.reshape(ops.averagePool(line(5), 2, 1, 'same'), [-1]))).toEqual([1.5, 2.5, 3.5, 4.5, 5])
    expect(() => ops.conv(line(2), ops.ones([3, 1, 1]))).toThrow(/the kernel is larger than the input[\s\S]*padding: 'same'/)
    expect(() => ops.conv(ops.ones([1, 3, 4]), ops.ones([1, 3, 2]))).toThrow(
      /does not fit the number of channels[\s\S]*dataFormat is 'channels_last'/,
    )
  })

  it('has cross-entropies that say what labels they want', async () => {
    const p = tensor([
      [0.6, 0.4],
      [0.4, 0.6],
    ])
    expect(await values(ops.sparseCategoricalCrossentropy(tensor([[0], [1]], [2, 1], 'int32'), p))).toEqual([
      expect.closeTo(0.510826, 5),
      expect.closeTo(0.510826, 5),
    ])
    expect(() =>
      ops.sparseCategoricalCrossentropy(
        tensor([
          [0, 1],
          [1, 0],
        ]),
        p,
      ),
    ).toThrow(/the labels do not fit the predictions[\s\S]*one-hot labels belong to categorical_crossentropy/)
  })
})

describe('random', () => {
  it('repeats with a seed and moves on with a generator', async () => {
    const a = await random.uniform([4], { seed: 7 }).array()
    expect(await random.uniform([4], { seed: 7 }).array()).toEqual(a)
    const generator = new random.SeedGenerator(7)
    expect(await random.uniform([4], { seed: generator }).array()).toEqual(a)
    expect(await random.uniform([4], { seed: generator }).array()).not.toEqual(a)
    expect(await generator.state.array()).toEqual([7, 2])
  })

  it('has the moments and limits it should', async () => {
    const n = 20000
    const stats = (data: ArrayLike<number>): [number, number, number, number] => {
      const list = Array.from(data)
      const mean = list.reduce((s, x) => s + x, 0) / n
      return [mean, Math.sqrt(list.reduce((s, x) => s + (x - mean) ** 2, 0) / n), Math.min(...list), Math.max(...list)]
    }
    const [um, us, lo, hi] = stats(await random.uniform([n], { minval: -1, maxval: 3, seed: 1 }).data())
    expect(um).toBeCloseTo(1, 1)
    expect(us).toBeCloseTo(4 / Math.sqrt(12), 1)
    expect(lo).toBeGreaterThanOrEqual(-1)
    expect(hi).toBeLessThan(3)
    const [nm, ns] = stats(await random.normal([n], { mean: 2, stddev: 3, seed: 2 }).data())
    expect(Math.abs(nm - 2)).toBeLessThan(0.1)
    expect(Math.abs(ns - 3)).toBeLessThan(0.1)
    const [, ts, tlo, thi] = stats(await random.truncatedNormal([n], { seed: 3 }).data())
    expect(Math.abs(ts - 0.8796)).toBeLessThan(0.02)
    expect(tlo).toBeGreaterThanOrEqual(-2)
    expect(thi).toBeLessThanOrEqual(2)
    const kept = Array.from(await random.dropout(ops.ones([n]), 0.3, { seed: 4 }).data())
    expect(kept.filter((x) => x === 0).length / n).toBeCloseTo(0.3, 1)
    expect(new Set(kept.map((x) => x.toFixed(4)))).toEqual(new Set(['0.0000', (1 / 0.7).toFixed(4)]))
    expect(new Set(await random.randint([n], -1, 2, { seed: 5 }).data())).toEqual(new Set([-1, 0, 1]))
    expect([...(await random.shuffle(ops.arange(10), { seed: 6 }).data())].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    const drawn = await random.categorical(tensor([[Math.log(0.8), Math.log(0.2)]]), n, { seed: 8 }).data()
    expect(Array.from(drawn).filter((x) => x === 1).length / n).toBeCloseTo(0.2, 1)
  })
})

describe('symbols', () => {
  it('get shapes with unknown sizes', () => {
    const x = new KerasTensor([null, 8, 3])
    expect(ops.sum(x, 1).shape).toEqual([null, 3])
    expect(ops.reshape(x, [-1, 24]).shape).toEqual([null, 24])
    expect(ops.concatenate([x, x], 0).shape).toEqual([null, 8, 3])
    expect(ops.matmul(x, ops.ones([3, 5])).shape).toEqual([null, 8, 5])
    expect(ops.conv(new KerasTensor([null, null, 3]), ops.ones([3, 3, 4])).shape).toEqual([null, null, 4])
    expect(ops.argmax(x, 2).dtype).toBe('int32')
  })

  it('become nodes with a config that gives the op back', () => {
    resetNames()
    const x = new KerasTensor([null, 4])
    const y = ops.sum(x, { axis: 1, keepdims: true })
    const node = y.history?.operation as OpNode
    expect(node.getConfig()).toEqual({ name: 'sum', axis: 1, keepdims: true })
    expect([node.className, node.module]).toEqual(['Sum', 'keras.src.ops.numpy'])
    expect(node.inboundNodes[0]?.inputs).toEqual([x])
    const again = OpNode.fromConfig(ops.sum.definition as never, node.getConfig())
    expect((again.callSymbolically([x]) as KerasTensor).shape).toEqual([null, 1])
    expect(again.name).toBe('sum')
    const second = ops.sum(x).history as NonNullable<KerasTensor['history']>
    expect(second.operation.name).toBe('sum_1')
  })

  it('refuse to be numbers', () => {
    const x = new KerasTensor([null])
    expect(() => (x as unknown as number) > 1).toThrow(/symbolic tensor has no value/)
  })

  it('are named as Keras names', () => {
    const names = {
      Conv2D: 'conv2d',
      BatchNormalization: 'batch_normalization',
      GlobalAveragePooling1D: 'global_average_pooling1d',
      ReLU: 're_lu',
      LSTM: 'lstm',
      ConvLSTM2D: 'conv_lstm2d',
      RMSprop: 'rm_sprop',
      PReLU: 'p_re_lu',
    }
    for (const [name, snake] of Object.entries(names)) expect(toSnakeCase(name)).toBe(snake)
    resetNames()
    expect([uniqueName('dense'), uniqueName('dense'), uniqueName('dense')]).toEqual(['dense', 'dense_1', 'dense_2'])
  })
})
