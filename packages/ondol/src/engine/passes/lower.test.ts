import { describe, expect, it } from 'vitest'
import type { Graph, Value } from '../graph.js'
import type { LoopStep, Plan } from '../plan.js'
import { printPlan } from '../plan-print.js'
import { lowerToPlan } from './lower.js'
import { optimize } from './optimize.js'
import { expectSameAsHost, type GraphBuilder, graphOf } from './testing/graphs.js'

const target = { epilogues: true, fusion: true }
const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' }) as const
const i32 = (...shape: number[]) => ({ shape, dtype: 'int32' }) as const

/** The plan of a graph that has been shown to compute the same in every way of lowering it. */
function planOf(graph: Graph): Plan {
  expectSameAsHost(graph, target)
  expectSameAsHost(graph, { epilogues: false, fusion: false })
  return lowerToPlan(optimize(graph), target)
}

const loops = (plan: Plan): LoopStep[] => plan.steps.filter((step) => step.kind === 'loop')
const kinds = (plan: Plan): string[] => plan.steps.map((step) => (step.kind === 'kernel' ? step.kernel : step.kind))

describe('loops', () => {
  it('runs element-wise chains as one loop, broadcasts as strides', () => {
    const graph = graphOf([f32(2, 3), f32(3)], (g, [x, b]) => [g.unary('exp', g.binary('add', x, g.broadcast(b, [2, 3], [1])))])
    expect(printPlan(planOf(graph))).toMatchInlineSnapshot(`
      "arena 0 bytes
      b0 float32[6] 24 bytes, input 0
      b1 float32[3] 12 bytes, input 1
      b2 float32[6] 24 bytes, output 0
      0: loop 2 × 3
           %0:f32 = b0·(3,1)
           %1:f32 = b1·(0,1)
           %2:f32 = add %0 %1
           %3:f32 = exp %2
           b2·(3,1) ← %3"
    `)
  })

  it('reduces with a prologue and an epilogue in one loop', () => {
    const graph = graphOf([f32(4, 3)], (g, [x]) => {
      const squares = g.sum(g.binary('mul', x, x), [0])
      return [g.unary('sqrt', squares), g.sum(x, [0])]
    })
    expect(printPlan(planOf(graph))).toMatchInlineSnapshot(`
      "arena 0 bytes
      b0 float32[12] 48 bytes, input 0
      b1 float32[3] 12 bytes, output 0
      b2 float32[3] 12 bytes, output 1
      0: loop 4r × 3
           %0:f32 = b0·(3,1)
           %1:f32 = mul %0 %0
           r0 = sum %1
           r1 = sum %0
           $0:f32 = r1
           $1:f32 = r0
           $2:f32 = sqrt $1
           b2·(0,1) ← $0
           b1·(0,1) ← $2"
    `)
  })

  it('makes random masks where they are applied, from indices alone', () => {
    const graph = graphOf([f32(4, 3), i32(2), f32(4, 3)], (g, [x, key, dy]) => {
      const bits = g.binary('shiftRightLogical', g.one('randomBits', { shape: [4, 3] }, key), g.full([4, 3], 'int32', 8))
      const mask = g.binary('lt', g.one('cast', { dtype: 'float32' }, bits), g.full([4, 3], 'float32', 2 ** 23))
      const zero = g.full([4, 3], 'float32', 0)
      const y = g.one('select', {}, mask, x, zero)
      const product = g.dot(y, y, { batchA: [], batchB: [], contractA: [0], contractB: [0] })
      return [product, g.one('select', {}, mask, g.binary('mul', dy, g.broadcast(g.sum(product, [0, 1]), [4, 3], [])), zero)]
    })
    const plan = planOf(graph)
    expect(loops(plan).map(({ body }) => body.some(({ op }) => op === 'randomBits'))).toEqual([true, false, false])
  })

  it('walks memory in its order and merges dims', () => {
    const graph = graphOf([f32(2, 3, 4), f32(2, 3, 4)], (g, [x, y]) => {
      const order = [2, 0, 1]
      return [g.transpose(g.unary('exp', g.binary('add', g.transpose(x, order), g.transpose(y, order))), [1, 2, 0])]
    })
    expect(loops(planOf(graph)).some(({ dims }) => dims.length === 1)).toBe(true)
  })

  it('takes big graphs apart', () => {
    const graph = graphOf([f32(2)], (g, [x]) => {
      let y = x
      for (let i = 0; i < 5000; i++) y = g.unary(i % 2 ? 'tanh' : 'sin', y)
      return [y]
    })
    expect(lowerToPlan(graph, target).steps.length).toBeLessThan(20)
  })
})

describe('kernels', () => {
  it('multiplies transposed operands as they lie, with bias and relu on top', () => {
    const graph = graphOf([f32(5, 4), f32(3, 5), f32(3)], (g, [a, b, bias]) => {
      const product = g.dot(a, b, { batchA: [], batchB: [], contractA: [0], contractB: [1] })
      const sum = g.binary('add', product, g.broadcast(bias, [4, 3], [1]))
      return [g.binary('max', sum, g.full([4, 3], 'float32', 0))]
    })
    expect(printPlan(planOf(graph))).toMatchInlineSnapshot(`
      "arena 0 bytes
      b0 float32[20] 80 bytes, input 0
      b1 float32[15] 60 bytes, input 1
      b2 float32[3] 12 bytes, input 2
      b3 float32[12] 48 bytes, output 0
      0: b3[1,4,3]·(0,3,1) = matmul b0[1,4,5]·(0,1,4) b1[1,5,3]·(0,1,5) b2[3]·(1) bias=true activation="relu""
    `)
  })

  it('takes one of two products that are added as the bias of the other, and computes both', () => {
    const graph = graphOf([f32(1, 5), f32(5, 3), f32(1, 4), f32(4, 3)], (g, [a, b, c, d]) => {
      const spec = { batchA: [], batchB: [], contractA: [1], contractB: [0] }
      return [g.binary('add', g.dot(a, b, spec), g.dot(c, d, spec))]
    })
    expect(kinds(planOf(graph))).toEqual(['matmul', 'matmul'])
  })

  it('keeps a batch, and copies what one stride per axis cannot say', () => {
    const graph = graphOf([f32(2, 3, 4, 5), f32(2, 5, 4, 6)], (g, [a, b]) => [
      g.dot(a, b, { batchA: [0, 2], batchB: [0, 2], contractA: [3], contractB: [1] }),
    ])
    expect(kinds(planOf(graph)).at(-1)).toBe('matmul')
  })

  it('stores pool positions in a byte', () => {
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
      const [y, positions] = g.all('maxPool', spec, x) as [Value, Value]
      return [y, g.one('maxPoolGrad', { ...spec, inputShape: x.shape }, dy, positions), positions]
    })
    const plan = planOf(graph)
    expect(plan.buffers.filter(({ role }) => role.kind === 'temporary').map(({ dtype }) => dtype)).toEqual(['uint8'])
  })
})

describe('memory', () => {
  it('writes the parts of a concat in place', () => {
    const graph = graphOf([f32(4, 2), f32(4, 3)], (g, [a, b]) => {
      const inner = g.one('concat', { axis: 1 }, g.unary('exp', a), g.unary('tanh', b))
      return [g.one('concat', { axis: 1 }, inner, g.unary('neg', a))]
    })
    const plan = planOf(graph)
    expect(plan.arenaBytes).toBe(0)
    expect(kinds(plan)).toEqual(['loop', 'loop'])
  })

  it('fills the borders of a pad and nothing else', () => {
    const graph = graphOf([f32(2, 3)], (g, [x]) => [g.pad(g.unary('exp', x), g.full([], 'float32', 7), [1, 0], [0, 2])])
    const plan = planOf(graph)
    expect(
      loops(plan)
        .map(({ dims }) => dims.map(({ size }) => size))
        .sort(),
    ).toEqual([[2, 2], [2, 3], [5]])
    expect(plan.arenaBytes).toBe(0)
  })

  it('scatters in place where the base is not wanted any more', () => {
    const graph = graphOf([i32(3), f32(3, 2)], (g, [at, updates]) => [
      g.one('scatterAdd', { axis: 0 }, g.full([5, 2], 'float32', 0), at, updates),
    ])
    const plan = planOf(graph)
    expect(kinds(plan)).toEqual(['loop', 'scatterAdd'])
    expect(plan.arenaBytes).toBe(0)
  })

  it('updates weights in place, after everybody has read them', () => {
    const build = (g: GraphBuilder, [w, x]: Value[] & { 0: Value; 1: Value }): Value[] => {
      const product = { batchA: [], batchB: [], contractA: [1], contractB: [0] }
      const y = g.dot(x, w, product)
      const gradient = g.dot(g.transpose(x, [1, 0]), y, product)
      const back = g.dot(y, g.transpose(w, [1, 0]), product)
      return [g.binary('sub', w, g.binary('mul', gradient, g.full([3, 3], 'float32', 0.1))), back]
    }
    const plan = planOf(graphOf([f32(3, 3), f32(3, 3)], build, [[0, 0]]))
    expect(kinds(plan)).toEqual(['matmul', 'matmul', 'matmul', 'loop'])
  })

  it('swaps donated values by way of a temporary', () => {
    const product = { batchA: [], batchB: [], contractA: [1], contractB: [0] }
    const build = (g: GraphBuilder, [a, b]: Value[] & { 0: Value; 1: Value }): Value[] => [g.dot(b, b, product), g.dot(a, a, product)]
    const plan = planOf(
      graphOf([f32(3, 3), f32(3, 3)], build, [
        [0, 0],
        [1, 1],
      ]),
    )
    expect(kinds(plan)).toEqual(['matmul', 'matmul', 'loop'])
  })
})

describe('training steps', () => {
  it('runs batch normalization backwards in two loops', () => {
    const graph = graphOf([f32(2048, 3), f32(2048, 3), f32(3)], (g, [x, dy, gamma]) => {
      const wide = (v: Value): Value => g.broadcast(v, [2048, 3], [1])
      const [mean, variance] = g.all('moments', { axes: [0] }, x) as [Value, Value]
      const scale = g.unary('rsqrt', g.binary('add', variance, g.full([3], 'float32', 1e-3)))
      const normalized = g.binary('mul', g.binary('sub', x, wide(mean)), wide(scale))
      const y = g.binary('mul', normalized, wide(gamma))
      const dGamma = g.sum(g.binary('mul', dy, normalized), [0])
      const dBeta = g.sum(dy, [0])
      const share = (v: Value): Value => wide(g.binary('div', v, g.full([3], 'float32', 2048)))
      const centred = g.binary('sub', g.binary('sub', dy, share(dBeta)), g.binary('mul', normalized, share(dGamma)))
      return [y, g.binary('mul', centred, wide(g.binary('mul', gamma, scale))), dGamma, dBeta]
    })
    const big = loops(planOf(graph)).filter(({ dims }) => dims.some(({ size }) => size === 2048))
    expect(big.map(({ reductions, stores }) => [reductions.length, stores.length])).toEqual([
      [2, 1],
      [0, 1],
    ])
  })

  it('makes one loop of a softmax row sum and one of the rest', () => {
    const graph = graphOf([f32(16, 10)], (g, [x]) => {
      const rows = (v: Value): Value => g.broadcast(v, [16, 10], [0])
      const e = g.unary('exp', g.binary('sub', x, rows(g.one('reduceMax', { axes: [1] }, x))))
      return [g.binary('div', e, rows(g.sum(e, [1])))]
    })
    expect(loops(planOf(graph))).toHaveLength(3)
  })
})

describe('control flow', () => {
  const step = (): Graph =>
    graphOf([f32(3, 3), f32(2, 3), f32(2, 3)], (g, [w, h, x]) => {
      const next = g.unary('tanh', g.binary('add', x, g.dot(h, w, { batchA: [], batchB: [], contractA: [1], contractB: [0] })))
      return [next, g.binary('mul', next, h)]
    })

  for (const reverse of [false, true]) {
    it(`scans with the elements as views (reverse ${reverse})`, () => {
      const graph = graphOf([f32(3, 3), f32(2, 3), f32(2, 4, 3)], (g, [w, h, x]) =>
        g.all('scan', { body: step(), constants: 1, carries: 1, length: 4, reverse }, w, h, g.transpose(x, [1, 0, 2])),
      )
      expect(kinds(planOf(graph)).at(-1)).toBe('scan')
    })
  }

  it('loops while a condition holds', () => {
    const condition = graphOf([f32(), f32()], (g, [limit, x]) => [g.binary('lt', x, limit)])
    const body = graphOf([f32()], (g, [x]) => [g.binary('add', x, g.full([], 'float32', 1.5))])
    const graph = graphOf([f32(), f32()], (g, [limit, x]) =>
      g.all('while', { condition, body, conditionConstants: 1, bodyConstants: 0 }, g.unary('exp', limit), x),
    )
    expect(kinds(planOf(graph))).toContain('while')
  })

  it('takes one of two branches', () => {
    const branch = (name: 'exp' | 'neg'): Graph => graphOf([f32(3)], (g, [x]) => [g.unary(name, x)])
    const graph = graphOf([f32(), f32(3)], (g, [x, y]) =>
      g.all('cond', { whenTrue: branch('exp'), whenFalse: branch('neg') }, g.binary('lt', x, g.full([], 'float32', 0)), y),
    )
    expect(kinds(planOf(graph))).toContain('cond')
  })
})
