import { describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import type { DType } from '../core/dtype.js'
import type { Shape } from '../core/shape.js'
import { type Tensor, tensor, useBackend } from '../engine/index.js'
import * as ops from '../ops/index.js'
import { SeedGenerator, setGlobalSeed } from '../ops/random.js'
import * as initializers from './index.js'
import { fansOf } from './variance-scaling.js'

useBackend(createHostBackend())

function statistics(x: Tensor): { mean: number; deviation: number; least: number; greatest: number } {
  const data = [...x.dataSync()]
  const mean = data.reduce((a, b) => a + b, 0) / data.length
  return {
    mean,
    deviation: Math.sqrt(data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length),
    least: Math.min(...data),
    greatest: Math.max(...data),
  }
}

describe('initializers without chance', () => {
  it('fill', () => {
    expect(initializers.zeros()([2]).arraySync()).toEqual([0, 0])
    expect(initializers.ones()([2], 'int32').arraySync()).toEqual([1, 1])
    expect(initializers.constant(0.5)([2, 1]).arraySync()).toEqual([[0.5], [0.5]])
    expect(initializers.identity(2)([2, 3]).arraySync()).toEqual([[2, 0, 0], [0, 2, 0]]) // biome-ignore format: a matrix
    expect(() => initializers.identity()([2])).toThrow(/only a matrix/)
  })
})

describe('random initializers', () => {
  // [initializer, deviation, limit] for a kernel of 60 inputs and 40 outputs.
  const rows: [string, initializers.Initializer, number, number][] = [
    ['RandomNormal', initializers.randomNormal({ mean: 0, stddev: 0.2, seed: 1 }), 0.2, Number.POSITIVE_INFINITY],
    ['TruncatedNormal', initializers.truncatedNormal({ stddev: 0.2, seed: 1 }), 0.2 * 0.87962566, 0.4],
    ['RandomUniform', initializers.randomUniform({ minval: -0.3, maxval: 0.3, seed: 1 }), 0.3 / Math.sqrt(3), 0.3],
    ['GlorotUniform', initializers.glorotUniform({ seed: 1 }), Math.sqrt(1 / 50), Math.sqrt(3 / 50)],
    ['GlorotNormal', initializers.glorotNormal({ seed: 1 }), Math.sqrt(1 / 50), (2 * Math.sqrt(1 / 50)) / 0.87962566],
    ['HeUniform', initializers.heUniform({ seed: 1 }), Math.sqrt(2 / 60), Math.sqrt(6 / 60)],
    ['HeNormal', initializers.heNormal({ seed: 1 }), Math.sqrt(2 / 60), (2 * Math.sqrt(2 / 60)) / 0.87962566],
    ['LecunUniform', initializers.lecunUniform({ seed: 1 }), Math.sqrt(1 / 60), Math.sqrt(3 / 60)],
    ['LecunNormal', initializers.lecunNormal({ seed: 1 }), Math.sqrt(1 / 60), (2 * Math.sqrt(1 / 60)) / 0.87962566],
    [
      'VarianceScaling',
      initializers.varianceScaling({ scale: 3, mode: 'fan_out', distribution: 'untruncated_normal', seed: 1 }),
      Math.sqrt(3 / 40),
      Number.POSITIVE_INFINITY,
    ],
  ]
  it.each(rows)('%s spreads as it says', (_, initializer, deviation, limit) => {
    const found = statistics(initializer([60, 40]))
    expect(found.deviation / deviation).toBeGreaterThan(0.95)
    expect(found.deviation / deviation).toBeLessThan(1.05)
    expect(Math.abs(found.mean)).toBeLessThan(deviation / 10)
    expect(found.greatest).toBeLessThanOrEqual(limit * (1 + 1e-6))
    expect(found.least).toBeGreaterThanOrEqual(-limit * (1 + 1e-6))
  })

  it('count inputs and outputs of kernels', () => {
    expect(fansOf([])).toEqual({ fanIn: 1, fanOut: 1 })
    expect(fansOf([7])).toEqual({ fanIn: 7, fanOut: 7 })
    expect(fansOf([3, 5, 4, 8])).toEqual({ fanIn: 60, fanOut: 120 })
    expect(fansOf([2, 3, 4], [0, 1], [2])).toEqual({ fanIn: 6, fanOut: 4 })
  })

  it('repeat by number, and go on by generator', () => {
    const same = initializers.randomUniform({ seed: 3 })
    expect(same([4]).dataSync()).toEqual(same([4]).dataSync())
    const stream = initializers.randomUniform({ seed: new SeedGenerator(3) })
    expect(stream([4]).dataSync()).not.toEqual(stream([4]).dataSync())
    const draw = (): ArrayLike<number> => initializers.get('he_normal')([4]).dataSync()
    expect(draw()).not.toEqual(draw())
    setGlobalSeed(5)
    const first = draw()
    setGlobalSeed(5)
    expect(draw()).toEqual(first)
    setGlobalSeed(undefined)
  })

  it.each([[[6, 4]], [[4, 6]], [[2, 3, 5]], [[100, 100]], [[70, 33]]])('are orthogonal: %j', (shape) => {
    const matrix = ops.reshape(initializers.orthogonal({ gain: 2, seed: 1 })(shape), [-1, shape.at(-1) as number])
    const [rows, columns] = matrix.shape as [number, number]
    const product = rows < columns ? ops.matmul(matrix, ops.transpose(matrix)) : ops.matmul(ops.transpose(matrix), matrix)
    const wanted = ops.multiply(ops.eye(Math.min(rows, columns)), 4).dataSync()
    product.dataSync().forEach((value, i) => expect(value).toBeCloseTo(wanted[i] as number, 5))
  })

  it('take modes in camelCase, and write them as Keras does', () => {
    const { config } = initializers.serialize(
      initializers.varianceScaling({ mode: 'fanOut', distribution: 'untruncatedNormal', seed: 1 }),
    ) as {
      config: object
    }
    expect(config).toMatchObject({ mode: 'fan_out', distribution: 'untruncated_normal' })
  })

  it('refuse what makes no sense', () => {
    expect(() => initializers.varianceScaling({ scale: 0 })).toThrow(/scale must be positive/)
    expect(() => initializers.varianceScaling({ mode: 'fan' as 'fan_in' })).toThrow(/unknown mode/)
    expect(() => initializers.varianceScaling({ distribution: 'gaussian' as 'normal' })).toThrow(/unknown distribution/)
    expect(() => initializers.heNormal({ seed: 'x' as unknown as number })).toThrow(/neither a whole number nor a SeedGenerator/)
  })
})

describe('initializers.get', () => {
  it('knows all spellings', () => {
    for (const name of ['glorot_uniform', 'GlorotUniform', 'glorotUniform'])
      expect(initializers.get(name)).toBeInstanceOf(initializers.GlorotUniform)
    expect(initializers.get('uniform')).toBeInstanceOf(initializers.RandomUniform)
    expect(initializers.get('OrthogonalInitializer')).toBeInstanceOf(initializers.Orthogonal)
    expect(() => initializers.get('glorot_unifrom')).toThrow(/no initializer called 'glorot_unifrom'[\s\S]*did you mean 'GlorotUniform'/)
  })

  it('takes functions and tensors', () => {
    const twos = initializers.get((shape: Shape, dtype?: DType) => ops.full(shape, 2, dtype))
    expect(twos([2]).arraySync()).toEqual([2, 2])
    expect(initializers.get(tensor([1, 2]))([2], 'int32').dtype).toBe('int32')
    expect(() => initializers.get(tensor([1, 2]))([3])).toThrow(/another shape than the weight/)
    expect(() => initializers.get(3 as unknown as string)).toThrow(/This is no initializer/)
  })

  it('goes through files', () => {
    const all = [
      initializers.constant(3),
      initializers.identity(2),
      initializers.orthogonal({ gain: 3, seed: 1 }),
      initializers.randomNormal({ mean: 1, seed: 2 }),
      initializers.varianceScaling({ scale: 2, mode: 'fan_avg', distribution: 'normal' }),
      initializers.heNormal({ seed: 4 }),
    ]
    for (const initializer of all) {
      const description = initializers.serialize(initializer)
      expect(initializers.serialize(initializers.get(JSON.parse(JSON.stringify(description))))).toEqual(description)
    }
    expect(initializers.serialize(initializers.heNormal({ seed: 4 }))).toEqual({
      module: 'keras.initializers',
      class_name: 'HeNormal',
      config: { seed: 4, input_axes: null, output_axes: null },
      registered_name: null,
    })
  })
})
