/** Attention layers beyond the vectors: masks that travel, dropout, and bad input. */
import { beforeAll, describe, expect, it } from 'vitest'
import { setBackend } from '../../backends/load.js'
import { type Tensor, tensor } from '../../engine/index.js'
import * as ops from '../../ops/index.js'
import * as layers from '../index.js'
import { maskOf, setMask } from '../masks.js'

beforeAll(() => setBackend('host'))

const wave = (...shape: number[]): Tensor =>
  tensor(
    Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i * 1.3 + 0.2)),
    shape,
  )

describe('heads', () => {
  const make = [
    ['multi-head', () => layers.multiHeadAttention(2, 3)],
    ['group-query', () => layers.groupQueryAttention(3, 2, 1)],
  ] as const

  it.each(make)('%s: goes through a file, and keeps the paths of its weights', (_, create) => {
    const layer = create()
    layer(wave(2, 3, 4), wave(2, 3, 4))
    expect(layer.weights.map(({ path }) => path.replace(layer.name, ''))).toEqual(
      ['query', 'key', 'value', 'attention_output'].flatMap((name) => [`/${name}/kernel`, `/${name}/bias`]),
    )
    const again = layers.deserialize(JSON.parse(JSON.stringify(layer.serialize())))
    expect(again.weights.map(({ shape }) => shape)).toEqual(layer.weights.map(({ shape }) => shape))
    expect(layer.serialize().build_config).toEqual({ shapes_dict: { query_shape: [2, 3, 4], value_shape: [2, 3, 4] } })
  })

  it.each(make)('%s: looks at the masks that come with its tensors, and hands on the query’s', (_, create) => {
    const layer = create()
    const [query, value] = [wave(1, 2, 4), wave(1, 3, 4)]
    const valueMask = tensor([1, 1, 0], [1, 3], 'bool')
    const given = layer<Tensor>(query, value, { valueMask }).dataSync()
    const seen = layer<Tensor>(query, ops.slice(value, [0, 0, 0], [1, 2, 4])).dataSync()
    given.forEach((x, i) => expect(x).toBeCloseTo(seen[i] as number, 5))
    setMask(value, valueMask)
    setMask(query, tensor([1, 1], [1, 2], 'bool'))
    const output = layer<Tensor>(query, value)
    expect([...output.dataSync()]).toEqual([...given])
    expect(maskOf(output)?.shape).toEqual([1, 2])
  })

  it.each(make)('%s: gives one answer with and without scores', (_, create) => {
    const layer = create()
    const x = wave(2, 4, 4)
    const alone = layer<Tensor>(x, x, { useCausalMask: true })
    const [output, scores] = layer<[Tensor, Tensor]>(x, x, { useCausalMask: true, returnAttentionScores: true })
    expect(scores.shape).toEqual([2, 2, 4, 4])
    output.dataSync().forEach((value, i) => expect(value).toBeCloseTo(alone.dataSync()[i] as number, 5))
    expect(scores.dataSync()[1]).toBe(0)
  })

  it('computes in the dtype of its policy, and drops weights in training only', () => {
    const x = wave(1, 3, 4)
    expect(layers.multiHeadAttention(2, 3, { dtype: 'mixed_bfloat16' })<Tensor>(x, x).dtype).toBe('bfloat16')
    const layer = layers.multiHeadAttention(2, 3, { dropout: 0.5, seed: 1 })
    const rest = layer<Tensor>(x, x).dataSync()
    expect(layer<Tensor>(x, x).dataSync()).toEqual(rest)
    expect(layer<Tensor>(x, x, { training: true }).dataSync()).not.toEqual(rest)
  })

  it('refuses what cannot be', () => {
    const x = wave(1, 3, 4)
    expect(() => layers.multiHeadAttention(2, 3)(x)).toThrow(/needs a query and a value/)
    expect(() => layers.multiHeadAttention(0, 3)).toThrow(/positive/)
    expect(() => layers.multiHeadAttention(2, 3)(x, x, wave(1, 2, 4))).toThrow(/same axes/)
    expect(() => layers.multiHeadAttention(2, 3, { flashAttention: true, dropout: 0.1 })).toThrow(/no dropout/)
    expect(() => layers.multiHeadAttention(2, 3, { flashAttention: true })(x, x, { returnAttentionScores: true })).toThrow(
      /gives no scores/,
    )
    expect(() => layers.multiHeadAttention(2, 3, { slidingWindow: 0 })).toThrow(/slidingWindow/)
    expect(() => layers.groupQueryAttention(3, 4, 3)).toThrow(/multiple/)
    expect(() => layers.attention()(x)).toThrow(/a list \[query, value\]/)
    expect(() => layers.attention({ scoreMode: 'sum' as never })).toThrow(/unknown way to score/)
  })
})
