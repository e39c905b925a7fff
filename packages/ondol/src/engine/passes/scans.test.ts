import { describe, expect, it } from 'vitest'
import { type Graph, printGraph, type Value } from '../graph.js'
import { optimize } from './optimize.js'
import { expectSameAsHost, graphOf } from './testing/graphs.js'

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' }) as const
const product = { batchA: [], batchB: [], contractA: [1], contractB: [0] }

/** h ← tanh(x + h·w), saving h before, h after, and the slope of tanh for the way back. */
const forward = (): Graph =>
  graphOf([f32(3, 3), f32(2, 3), f32(2, 3)], (g, [w, h, x]) => {
    const next = g.unary('tanh', g.binary('add', x, g.dot(h, w, product)))
    const slope = g.binary('sub', g.full([2, 3], 'float32', 1), g.binary('mul', next, next))
    return [next, next, h, slope]
  })

/** The way back: carries dh and the sum dW of hᵀ·dz. */
const backward = (): Graph =>
  graphOf([f32(3, 3), f32(2, 3), f32(3, 3), f32(2, 3), f32(2, 3), f32(2, 3), f32(2, 3)], (g, [w, dh, dw, dy, slope, h, y]) => {
    const dz = g.binary('mul', g.binary('mul', g.binary('add', dh, dy), y), slope)
    const before = g.dot(dz, w, { ...product, contractB: [1] })
    return [before, g.binary('add', dw, g.dot(h, dz, { ...product, contractA: [0] })), dz]
  })

const recurrence = (): Graph =>
  graphOf([f32(3, 3), f32(2, 3), f32(4, 2, 3), f32(4, 2, 3)], (g, [w, h, x, dy]) => {
    const [, ys, hs, slopes] = g.all('scan', { body: forward(), constants: 1, carries: 1, length: 4, reverse: false }, w, h, x) as [
      Value,
      Value,
      Value,
      Value,
    ]
    const zeros = (shape: number[]): Value => g.full(shape, 'float32', 0)
    const attributes = { body: backward(), constants: 1, carries: 2, length: 4, reverse: true }
    return g.all('scan', attributes, w, zeros([2, 3]), zeros([3, 3]), dy, slopes, hs, ys)
  })

describe('improveScans', () => {
  it('multiplies once over all steps, and computes again what follows from what is saved', () => {
    const graph = recurrence()
    expectSameAsHost(graph, { epilogues: true, fusion: true })
    expect(printGraph(optimize(graph))).toMatchInlineSnapshot(`
      "inputs %0:float32(3,3) %1:float32(2,3) %2:float32(4,2,3) %3:float32(4,2,3)
      %4:float32(2,3) %5:float32(4,2,3) %6:float32(4,2,3) = scan %0 %1 %2 constants=1 carries=1 length=4 reverse=false
        body:
          inputs %0:float32(3,3) %1:float32(2,3) %2:float32(2,3)
          %3:float32(2,3) = dot %1 %0 batchA=[] batchB=[] contractA=[1] contractB=[0]
          %4:float32(2,3) = add %2 %3
          %5:float32(2,3) = tanh %4
          return %5 %5 %1
      %7:float32(2,3) = full  shape=[2,3] dtype="float32" value=0
      %8:float32(3,3) = full  shape=[3,3] dtype="float32" value=0
      %9:float32(2,3) %10:float32(4,2,3) = scan %0 %7 %3 %5 constants=1 carries=1 length=4 reverse=true
        body:
          inputs %0:float32(3,3) %1:float32(2,3) %2:float32(2,3) %3:float32(2,3)
          %4:float32(2,3) = full  shape=[2,3] dtype="float32" value=1
          %5:float32(2,3) = mul %3 %3
          %6:float32(2,3) = sub %4 %5
          %7:float32(2,3) = add %1 %2
          %8:float32(2,3) = mul %7 %3
          %9:float32(2,3) = mul %8 %6
          %10:float32(2,3) = dot %9 %0 batchA=[] batchB=[] contractA=[1] contractB=[1]
          return %10 %9
      %11:float32(3,3) = dot %6 %10 batchA=[] batchB=[] contractA=[0,1] contractB=[0,1]
      %12:float32(3,3) = add %8 %11
      return %9 %12 %10"
    `)
  })

  it('computes in order what follows from something that is computed again itself', () => {
    const graph = graphOf([f32(2, 3), f32(4, 2, 3), f32(4, 2, 3)], (g, [h, x, dy]) => {
      const bent = graphOf([f32(2, 3), f32(2, 3)], (b, [before, element]) => {
        const sum = b.binary('add', before, element)
        const low = b.binary('max', sum, b.full([2, 3], 'float32', -1))
        const gate = b.binary('min', low, b.full([2, 3], 'float32', 1))
        // The later value comes first among what is saved.
        return [gate, sum, gate, low]
      })
      const back = graphOf([f32(2, 3), f32(2, 3), f32(2, 3), f32(2, 3), f32(2, 3)], (b, [dh, flow, sum, gate, low]) => {
        const slope = b.binary('mul', b.binary('add', dh, flow), b.binary('mul', gate, low))
        return [slope, b.binary('mul', slope, sum)]
      })
      const [, sums, gates, lows] = g.all('scan', { body: bent, constants: 0, carries: 1, length: 4, reverse: false }, h, x) as Value[]
      const zeros = g.full([2, 3], 'float32', 0)
      const attributes = { body: back, constants: 0, carries: 1, length: 4, reverse: true }
      return g.all('scan', attributes, zeros, dy, sums as Value, gates as Value, lows as Value)
    })
    expectSameAsHost(graph, { epilogues: true, fusion: true })
  })

  it('stacks nothing that nobody reads', () => {
    const graph = graphOf([f32(3, 3), f32(2, 3), f32(4, 2, 3)], (g, [w, h, x]) =>
      g.all('scan', { body: forward(), constants: 1, carries: 1, length: 4, reverse: false }, w, h, x).slice(0, 1),
    )
    expectSameAsHost(graph, { epilogues: true, fusion: true })
    expect(optimize(graph).nodes.at(-1)?.outputs).toHaveLength(1)
  })
})
