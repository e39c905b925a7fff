import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { HostArray } from '../../backends/host/array.js'
import { interpret } from '../../backends/host/interpret.js'
import { type Graph, printGraph } from '../graph.js'
import { prepare } from './prepare.js'
import { graphOf, randomStorage } from './testing/graphs.js'
import { randomGraph } from './testing/random-graph.js'

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' }) as const

const PRODUCT = { batchA: [], batchB: [], contractA: [1], contractB: [0] } as const

const arraysOf = (graph: Graph): HostArray[] =>
  graph.inputs.map((abstract, i) => ({ ...abstract, storage: randomStorage(abstract, i + 1) }))

/** What the two parts compute, one after the other. */
function runParts(graph: Graph, lasting: readonly number[], leastWork: number): HostArray[] {
  const arrays = arraysOf(graph)
  const parts = prepare(graph, lasting, leastWork)
  const given =
    parts.preparation === null
      ? []
      : interpret(
          parts.preparation,
          lasting.map((index) => arrays[index] as HostArray),
        )
  return interpret(parts.graph, [...arrays, ...given])
}

describe('prepare', () => {
  it('takes out weights in another dtype, and scales', () => {
    const graph = graphOf([f32(2, 8), f32(8, 4), f32(4)], (g, [x, kernel, variance]) => {
      const half = g.one('cast', { dtype: 'bfloat16' }, kernel)
      const y = g.one('cast', { dtype: 'float32' }, g.dot(g.one('cast', { dtype: 'bfloat16' }, x), half, PRODUCT))
      const scale = g.unary('rsqrt', g.binary('add', variance, g.full([4], 'float32', 0.001)))
      return [g.binary('mul', y, g.broadcast(scale, [2, 4], [1]))]
    })
    const { preparation, graph: rest } = prepare(graph, [1, 2], 0)
    expect(printGraph(preparation as Graph)).toMatchInlineSnapshot(`
      "inputs %0:float32(8,4) %1:float32(4)
      %2:bfloat16(8,4) = cast %0 dtype="bfloat16"
      %3:float32(4) = full  shape=[4] dtype="float32" value=0.001
      %4:float32(4) = add %1 %3
      %5:float32(4) = rsqrt %4
      return %2 %5"
    `)
    expect(printGraph(rest)).toMatchInlineSnapshot(`
      "inputs %0:float32(2,8) %1:float32(8,4) %2:float32(4) %3:bfloat16(8,4) %4:float32(4)
      %5:bfloat16(2,8) = cast %0 dtype="bfloat16"
      %6:bfloat16(2,4) = dot %5 %3 batchA=[] batchB=[] contractA=[1] contractB=[0]
      %7:float32(2,4) = cast %6 dtype="float32"
      %8:float32(2,4) = broadcast %4 shape=[2,4] axes=[1]
      %9:float32(2,4) = mul %7 %8
      return %9"
    `)
    expect(rest.lasting).toEqual([1, 2, 3, 4])
  })

  it('leaves what is spread over a batch, and what only shows weights in another way', () => {
    const graph = graphOf([f32(64, 4), f32(4), f32(4, 3)], (g, [x, bias, kernel]) => {
      const spread = g.unary('exp', g.broadcast(bias, [64, 4], [1]))
      return [g.dot(g.binary('add', x, spread), g.transpose(g.transpose(kernel, [1, 0]), [1, 0]), PRODUCT)]
    })
    expect(prepare(graph, [1, 2], 0).preparation).toBeNull()
  })

  it('does not trouble itself with a few numbers', () => {
    const graph = graphOf([f32(8), f32(8)], (g, [x, rate]) => [g.binary('mul', x, g.unary('exp', rate))])
    expect(prepare(graph, [1]).preparation).toBeNull()
    expect(prepare(graph, [1], 0).preparation).not.toBeNull()
  })

  it('keeps the meaning of random graphs', () => {
    let prepared = 0
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 20, maxLength: 160 }), fc.nat(15), (choices, mask) => {
        const graph = randomGraph(choices)
        const donated = new Set(graph.donations.map(([input]) => input))
        const lasting = graph.inputs.flatMap((_, i) => ((mask >> i) & 1 && !donated.has(i) ? [i] : []))
        if (prepare(graph, lasting, 0).preparation !== null) prepared++
        expect(runParts(graph, lasting, 0)).toEqual(interpret(graph, arraysOf(graph)))
      }),
      { numRuns: 400 },
    )
    expect(prepared).toBeGreaterThan(50)
  })
})
