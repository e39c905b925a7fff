import { describe, expect, it } from 'vitest'
import { interpret } from '../../backends/host/interpret.js'
import { fromBfloat16Bits, type TypedArray } from '../../core/dtype.js'
import { type Graph, printGraph, type Value } from '../graph.js'
import { foldScales } from './fold-scales.js'
import { expectSameAsHost, type GraphBuilder, graphOf, randomStorage } from './testing/graphs.js'

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' }) as const
const SPEC = {
  strides: [1, 1],
  padding: [
    [0, 0],
    [0, 0],
  ],
  dilation: [1, 1],
  groups: 1,
  layout: 'channelsLast',
} as const
const image = [2, 3, 3, 4] as const

const spread = (g: GraphBuilder, vector: Value): Value => g.broadcast(vector, image, [3])
const affine = (g: GraphBuilder, x: Value, scale: Value, shift: Value): Value =>
  g.binary('add', g.binary('mul', x, spread(g, scale)), spread(g, shift))

/** The folded graph as text, after proof that it computes the same. */
function folded(graph: Graph, lasting: readonly number[]): string {
  for (const epilogues of [true, false]) expectSameAsHost(graph, { epilogues, fusion: true }, (whole) => foldScales(whole, lasting))
  return printGraph(foldScales(graph, lasting))
}

describe('foldScales', () => {
  const inputs = [f32(2, 5, 5, 3), f32(3, 3, 3, 4), f32(4), f32(4), f32(4)]

  it('takes bias, scale and shift into the convolution', () => {
    const graph = graphOf(inputs, (g, [x, kernel, bias, scale, shift]) => [
      affine(g, g.binary('add', g.one('conv', SPEC, x, kernel), spread(g, bias)), scale, shift),
    ])
    expect(folded(graph, [1, 2, 3, 4])).toMatchInlineSnapshot(`
      "inputs %0:float32(2,5,5,3) %1:float32(3,3,3,4) %2:float32(4) %3:float32(4) %4:float32(4)
      %5:float32(3,3,3,4) = broadcast %3 shape=[3,3,3,4] axes=[3]
      %6:float32(3,3,3,4) = mul %1 %5
      %7:float32(4) = mul %2 %3
      %8:float32(2,3,3,4) = conv %0 %6 strides=[1,1] padding=[[0,0],[0,0]] dilation=[1,1] groups=1 layout="channelsLast"
      %9:float32(4) = add %7 %4
      %10:float32(2,3,3,4) = broadcast %9 shape=[2,3,3,4] axes=[3]
      %11:float32(2,3,3,4) = add %8 %10
      return %11"
    `)
  })

  it('rounds the folded kernel instead of the image in mixed precision', () => {
    const graph = graphOf(inputs, (g, [x, kernel, , scale, shift]) => {
      const half = (value: Value): Value => g.one('cast', { dtype: 'bfloat16' }, value)
      const y = g.one('cast', { dtype: 'float32' }, g.one('conv', SPEC, half(x), half(kernel)))
      return [half(affine(g, y, scale, shift))]
    })
    const after = foldScales(graph, [1, 3, 4])
    expect(printGraph(after)).toMatchInlineSnapshot(`
      "inputs %0:float32(2,5,5,3) %1:float32(3,3,3,4) %2:float32(4) %3:float32(4) %4:float32(4)
      %5:bfloat16(2,5,5,3) = cast %0 dtype="bfloat16"
      %6:float32(3,3,3,4) = broadcast %3 shape=[3,3,3,4] axes=[3]
      %7:float32(3,3,3,4) = mul %1 %6
      %8:bfloat16(3,3,3,4) = cast %7 dtype="bfloat16"
      %9:bfloat16(2,3,3,4) = conv %5 %8 strides=[1,1] padding=[[0,0],[0,0]] dilation=[1,1] groups=1 layout="channelsLast"
      %10:bfloat16(4) = cast %4 dtype="bfloat16"
      %11:bfloat16(2,3,3,4) = broadcast %10 shape=[2,3,3,4] axes=[3]
      %12:bfloat16(2,3,3,4) = add %9 %11
      return %12"
    `)
    const arrays = graph.inputs.map((abstract, i) => ({ ...abstract, storage: randomStorage(abstract, i + 1) }))
    const numbers = (of: Graph): number[] => Array.from(interpret(of, arrays)[0]?.storage as TypedArray, (bits) => fromBfloat16Bits(bits))
    const before = numbers(graph)
    // Numbers of 8 bits, rounded a few times.
    const tolerance = Math.max(...before.map(Math.abs)) / 64
    for (const [i, value] of numbers(after).entries()) expect(Math.abs(value - (before[i] as number))).toBeLessThan(tolerance)
  })

  it('leaves a convolution that something else needs too', () => {
    const graph = graphOf(inputs, (g, [x, kernel, , scale, shift]) => {
      const y = g.one('conv', SPEC, x, kernel)
      return [affine(g, y, scale, shift), y]
    })
    expect(folded(graph, [1, 3, 4])).toBe(printGraph(graph))
  })

  it('leaves scales that each run decides, and kernels that do', () => {
    const graph = graphOf(inputs, (g, [x, kernel, , scale, shift]) => [affine(g, g.one('conv', SPEC, x, kernel), scale, shift)])
    expect(folded(graph, [1, 4])).toBe(printGraph(graph))
    expect(folded(graph, [3, 4])).toBe(printGraph(graph))
  })
})
