import { describe, expect, it } from 'vitest'
import { type Graph, printGraph } from '../graph.js'
import { optimize } from './optimize.js'
import { expectSameAsHost, graphOf } from './testing/graphs.js'

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' }) as const
const i32 = (...shape: number[]) => ({ shape, dtype: 'int32' }) as const

/** The optimised graph as text, after proof that it computes the same. */
function optimized(graph: Graph): string {
  expectSameAsHost(graph, { epilogues: false, fusion: true })
  return printGraph(optimize(graph))
}

describe('movements', () => {
  it('cancels and merges transposes, reshapes and broadcasts', () => {
    const graph = graphOf([f32(2, 3), f32(3)], (g, [x, b]) => {
      const back = g.transpose(g.transpose(x, [1, 0]), [1, 0])
      const wide = g.broadcast(g.reshape(b, [1, 3]), [2, 3], [0, 1])
      return [g.binary('add', g.reshape(g.reshape(back, [6]), [2, 3]), wide)]
    })
    expect(optimized(graph)).toMatchInlineSnapshot(`
      "inputs %0:float32(2,3) %1:float32(3)
      %2:float32(2,3) = broadcast %1 shape=[2,3] axes=[1]
      %3:float32(2,3) = add %0 %2
      return %3"
    `)
  })

  it('turns a product instead of transposing it', () => {
    const graph = graphOf([f32(4, 2), f32(4, 3)], (g, [x, dy]) => [
      g.transpose(g.dot(dy, x, { batchA: [], batchB: [], contractA: [0], contractB: [0] }), [1, 0]),
    ])
    expect(optimized(graph)).toMatchInlineSnapshot(`
      "inputs %0:float32(4,2) %1:float32(4,3)
      %2:float32(2,3) = dot %0 %1 batchA=[] batchB=[] contractA=[0] contractB=[0]
      return %2"
    `)
  })

  it('takes slices of a concat from its parts', () => {
    const graph = graphOf([f32(2, 3), f32(2, 2)], (g, [a, b]) => {
      const both = g.one('concat', { axis: 1 }, a, b)
      return [g.unary('neg', g.slice(both, [0, 3], [2, 2])), g.unary('exp', g.slice(both, [0, 1], [2, 2]))]
    })
    expect(optimized(graph)).toMatchInlineSnapshot(`
      "inputs %0:float32(2,3) %1:float32(2,2)
      %2:float32(2,2) = neg %1
      %3:float32(2,2) = slice %0 start=[0,1] size=[2,2] step=[1,1]
      %4:float32(2,2) = exp %3
      return %2 %4"
    `)
  })

  it('looks embeddings up in the order wanted', () => {
    const graph = graphOf([f32(5, 2), i32(3, 4)], (g, [table, ids]) => [g.transpose(g.one('gather', { axis: 0 }, table, ids), [1, 0, 2])])
    expect(optimized(graph)).toMatchInlineSnapshot(`
      "inputs %0:float32(5,2) %1:int32(3,4)
      %2:int32(4,3) = transpose %1 permutation=[1,0]
      %3:float32(4,3,2) = gather %0 %2 axis=0
      return %3"
    `)
  })
})

describe('algebra', () => {
  it('folds numbers and drops what changes nothing', () => {
    const graph = graphOf([f32(2)], (g, [x]) => {
      const two = g.binary('add', g.full([2], 'float32', 1), g.full([2], 'float32', 1))
      const same = g.one('cast', { dtype: 'float32' }, g.one('cast', { dtype: 'float64' }, g.binary('mul', g.full([2], 'float32', 1), x)))
      return [g.binary('div', g.unary('neg', g.unary('neg', same)), two)]
    })
    expect(optimized(graph)).toMatchInlineSnapshot(`
      "inputs %0:float32(2)
      %1:float32(2) = full  shape=[2] dtype="float32" value=0.5
      %2:float32(2) = mul %0 %1
      return %2"
    `)
  })

  it('keeps casts that lose something', () => {
    const graph = graphOf([f32(2)], (g, [x]) => [g.one('cast', { dtype: 'float32' }, g.one('cast', { dtype: 'bfloat16' }, x))])
    expect(optimized(graph)).toMatchInlineSnapshot(`
      "inputs %0:float32(2)
      %1:bfloat16(2) = cast %0 dtype="bfloat16"
      %2:float32(2) = cast %1 dtype="float32"
      return %2"
    `)
  })

  it('computes on vectors before spreading them', () => {
    const graph = graphOf([f32(4, 3), f32(3), f32(3)], (g, [x, gamma, variance]) => {
      const spread = (v: typeof x) => g.broadcast(v, [4, 3], [1])
      return [g.binary('mul', x, g.binary('mul', spread(gamma), g.unary('rsqrt', spread(variance))))]
    })
    expect(optimized(graph)).toMatchInlineSnapshot(`
      "inputs %0:float32(4,3) %1:float32(3) %2:float32(3)
      %3:float32(3) = rsqrt %2
      %4:float32(3) = mul %1 %3
      %5:float32(4,3) = broadcast %4 shape=[4,3] axes=[1]
      %6:float32(4,3) = mul %0 %5
      return %6"
    `)
  })

  it("takes relu's mask from its output", () => {
    const graph = graphOf([f32(4), f32(4)], (g, [x, dy]) => {
      const zero = g.full([4], 'float32', 0)
      return [g.binary('max', x, zero), g.one('select', {}, g.binary('gt', x, zero), dy, zero)]
    })
    expect(optimized(graph)).toMatchInlineSnapshot(`
      "inputs %0:float32(4) %1:float32(4)
      %2:float32(4) = full  shape=[4] dtype="float32" value=0
      %3:float32(4) = max %0 %2
      %4:bool(4) = gt %3 %2
      %5:float32(4) = select %4 %1 %2
      return %3 %5"
    `)
  })
})

describe('structure', () => {
  it('computes the statistics of each feature map once', () => {
    const graph = graphOf([f32(4, 2), f32(4, 3)], (g, [a, b]) => {
      const [mean] = g.all('moments', { axes: [0] }, g.one('concat', { axis: 1 }, a, b))
      const [again] = g.all('moments', { axes: [0] }, a)
      return [mean as typeof a, g.unary('neg', again as typeof a)]
    })
    expect(optimized(graph)).toMatchInlineSnapshot(`
      "inputs %0:float32(4,2) %1:float32(4,3)
      %2:float32(2) %3:float32(2) = moments %0 axes=[0]
      %4:float32(3) %5:float32(3) = moments %1 axes=[0]
      %6:float32(5) = concat %2 %4 axis=0
      %7:float32(2) = neg %2
      return %6 %7"
    `)
  })

  it('takes statistics of widened numbers without writing those down', () => {
    const bf16 = { shape: [4, 2], dtype: 'bfloat16' } as const
    const graph = graphOf([bf16], (g, [x]) => g.all('moments', { axes: [0] }, g.one('cast', { dtype: 'float32' }, x)))
    expect(optimized(graph)).toMatchInlineSnapshot(`
      "inputs %0:bfloat16(4,2)
      %1:float32(4,2) = cast %0 dtype="float32"
      %2:float32(2) = reduceSum %1 axes=[0]
      %3:float32(2) = full  shape=[2] dtype="float32" value=0.25
      %4:float32(2) = mul %2 %3
      %5:float32(4,2) = broadcast %4 shape=[4,2] axes=[1]
      %6:float32(4,2) = sub %1 %5
      %7:float32(4,2) = mul %6 %6
      %8:float32(2) = reduceSum %7 axes=[0]
      %9:float32(2) = mul %8 %3
      return %4 %9"
    `)
  })

  it('makes one concat of the gradients of a split', () => {
    const graph = graphOf([f32(2, 2), f32(2, 1), f32(2, 3)], (g, [a, b, c]) => {
      const zero = g.full([], 'float32', 0)
      const pads = [g.pad(a, zero, [0, 0], [0, 4]), g.pad(c, zero, [0, 3], [0, 0]), g.pad(b, zero, [0, 2], [0, 3])] as const
      return [g.binary('add', g.binary('add', pads[0], pads[1]), pads[2])]
    })
    expect(optimized(graph)).toMatchInlineSnapshot(`
      "inputs %0:float32(2,2) %1:float32(2,1) %2:float32(2,3)
      %3:float32(2,6) = concat %0 %1 %2 axis=1
      return %3"
    `)
  })

  it('masks the gradient of a max-pool before spreading it', () => {
    const spec = {
      window: [2, 2],
      strides: [2, 2],
      padding: [
        [0, 0],
        [0, 0],
      ],
      layout: 'channelsLast',
    } as const
    const graph = graphOf([f32(1, 4, 4, 2), f32(1, 2, 2, 2)], (g, [x, dy]) => {
      const zero = g.full([1, 4, 4, 2], 'float32', 0)
      const y = g.binary('max', x, zero)
      const [, positions] = g.all('maxPool', spec, y)
      const dx = g.one(
        'select',
        {},
        g.binary('gt', y, zero),
        g.one('maxPoolGrad', { ...spec, inputShape: y.shape }, dy, positions as typeof y),
        zero,
      )
      return [dx, g.sum(dx, [0, 1, 2])]
    })
    expect(optimized(graph)).toMatchInlineSnapshot(`
      "inputs %0:float32(1,4,4,2) %1:float32(1,2,2,2)
      %2:float32(1,4,4,2) = full  shape=[1,4,4,2] dtype="float32" value=0
      %3:float32(1,4,4,2) = max %0 %2
      %4:float32(1,2,2,2) %5:int32(1,2,2,2) = maxPool %3 window=[2,2] strides=[2,2] padding=[[0,0],[0,0]] layout="channelsLast"
      %6:float32(1,2,2,2) = full  shape=[1,2,2,2] dtype="float32" value=0
      %7:bool(1,2,2,2) = gt %4 %6
      %8:float32(1,2,2,2) = select %7 %1 %6
      %9:float32(1,4,4,2) = maxPoolGrad %8 %5 window=[2,2] strides=[2,2] padding=[[0,0],[0,0]] layout="channelsLast" inputShape=[1,4,4,2]
      %10:float32(2,2,2) = reshape %8 shape=[2,2,2]
      %11:float32(2) = reduceSum %10 axes=[0,1]
      return %9 %11"
    `)
  })

  it('removes equal and dead nodes', () => {
    const graph = graphOf([f32(2)], (g, [x]) => {
      g.unary('log', x)
      return [g.binary('add', g.unary('exp', x), g.unary('exp', x))]
    })
    expect(optimized(graph)).toMatchInlineSnapshot(`
      "inputs %0:float32(2)
      %1:float32(2) = exp %0
      %2:float32(2) = add %1 %1
      return %2"
    `)
  })
})

it('goes through deep graphs without deep recursion', () => {
  const graph = graphOf([f32(2)], (g, [x]) => {
    let y = x
    for (let i = 0; i < 20000; i++) y = g.unary(i % 2 ? 'tanh' : 'sin', y)
    return [y]
  })
  expect(optimize(graph).nodes).toHaveLength(20000)
})
