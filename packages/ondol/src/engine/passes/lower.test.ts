import { describe, expect, it } from 'vitest'
import { expectSameAsHost, type GraphBuilder, graphOf } from './testing/graphs.js'
import { lowerToPlan } from './lower.js'
import { printPlan } from '../plan-print.js'

const target = { epilogues: true, fusion: true }
const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' }) as const

describe('lowerToPlan', () => {
  it('runs element-wise chains as one loop', () => {
    const graph = graphOf([f32(2, 3), f32(3)], (g: GraphBuilder, [x, b]) => {
      const wide = g.broadcast(b, [2, 3], [1])
      return [g.unary('exp', g.binary('add', x, wide))]
    })
    const plan = lowerToPlan(graph, target)
    expect(plan.steps).toHaveLength(1)
    expect(printPlan(plan)).toMatchInlineSnapshot(`
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
    expectSameAsHost(graph, target)
  })

  it('multiplies matrices with transposed operands as views', () => {
    const graph = graphOf([f32(5, 4), f32(3, 5), f32(3)], (g, [a, b, bias]) => {
      const product = g.dot(a, b, { batchA: [], batchB: [], contractA: [0], contractB: [1] })
      const sum = g.binary('add', product, g.broadcast(bias, [4, 3], [1]))
      return [g.binary('max', sum, g.full([4, 3], 'float32', 0))]
    })
    const plan = lowerToPlan(graph, target)
    expect(plan.steps).toHaveLength(1)
    expectSameAsHost(graph, target)
    expectSameAsHost(graph, { epilogues: false, fusion: false })
  })
})
