/** Random small graphs out of a list of numbers, so that fast-check can shrink them. */
import { type Shape, sizeOf } from '../../../core/shape.js'
import type { Graph, Value } from '../../graph.js'
import { type GraphBuilder, graphOf } from './graphs.js'

const SHAPES: readonly Shape[] = [[2, 3, 4], [4, 6], [3, 4], [4], [], [1, 4], [2, 3, 2, 2], [6, 4], [24]]

export function randomGraph(choices: readonly number[]): Graph {
  let at = 0
  const choose = (limit: number): number => (limit <= 1 ? 0 : (choices[at++ % choices.length] as number) % limit)
  const pick = <T>(list: readonly T[]): T => list[choose(list.length)] as T
  const inputs = Array.from({ length: 1 + choose(4) }, () => ({ shape: pick(SHAPES), dtype: 'float32' as const }))
  const count = 2 + choose(14)
  return withDonations(
    graphOf(inputs, (g, given) => {
      const values: Value[] = [...given]
      for (let i = 0; i < count; i++) values.push(...step(g, values, choose, pick))
      const outputs = Array.from({ length: 1 + choose(4) }, () => pick(values.slice(-8)))
      return [values[values.length - 1] as Value, ...outputs]
    }),
    choose,
  )
}

/** Donates an input to an output of its shape now and then. */
function withDonations(graph: Graph, choose: (limit: number) => number): Graph {
  const donations: [number, number][] = []
  graph.outputs.forEach(({ shape }, output) => {
    const input = graph.inputs.findIndex(
      (value, i) =>
        `${value.shape}` === `${shape}` && value.dtype === graph.outputs[output]?.dtype && !donations.some(([used]) => used === i),
    )
    if (input >= 0 && choose(2) === 0) donations.push([input, output])
  })
  return { ...graph, donations }
}

type Choose = (limit: number) => number
type Pick = <T>(list: readonly T[]) => T

function step(g: GraphBuilder, values: readonly Value[], choose: Choose, pick: Pick): Value[] {
  const x = pick(values)
  const { shape } = x
  const rank = shape.length
  const like = (value: Value): Value => moulded(g, value, shape, x.dtype)
  const axes = (): number[] => shape.map((_, axis) => axis).filter(() => choose(2) === 0)
  switch (choose(18)) {
    case 0:
      return [
        g.unary(
          x.dtype === 'float32' ? pick(['tanh', 'neg', 'abs', 'sigmoid', 'floor'] as const) : x.dtype === 'bool' ? 'logicalNot' : 'neg',
          x,
        ),
      ]
    case 1:
    case 2:
      return [
        x.dtype === 'bool'
          ? g.binary('logicalAnd', x, like(pick(values)))
          : g.binary(pick(['add', 'sub', 'mul', 'max', 'min'] as const), x, like(pick(values))),
      ]
    case 3:
      return [g.binary(pick(['lt', 'ge', 'eq'] as const), x, like(pick(values)))]
    case 4:
      return [g.one('cast', { dtype: pick(['float32', 'int32', 'bool', 'uint8', 'bfloat16', 'float64'] as const) }, x)].map((value) =>
        value.dtype === 'float32' ? value : g.one('cast', { dtype: 'float32' }, value),
      )
    case 5:
      return [g.reshape(x, pick(SHAPES.filter((other) => sizeOf(other) === sizeOf(shape)).concat([[...shape, 1]])))]
    case 6: {
      const permutation = shape.map((_, axis) => axis)
      for (let i = rank - 1; i > 0; i--) {
        const j = choose(i + 1)
        ;[permutation[i], permutation[j]] = [permutation[j] as number, permutation[i] as number]
      }
      return [g.transpose(x, permutation)]
    }
    case 7:
      return sizeOf(shape) > 24
        ? []
        : [
            g.broadcast(
              x,
              [2, ...shape],
              shape.map((_, axis) => axis + 1),
            ),
          ]
    case 8: {
      const size = shape.map((extent) => 1 + choose(extent))
      const step = shape.map((extent, axis) => (((size[axis] as number) - 1) * 2 < extent ? pick([1, 2, -1]) : pick([1, -1])))
      const start = shape.map((extent, axis) => {
        const span = Math.abs(step[axis] as number) * ((size[axis] as number) - 1)
        const low = choose(extent - span)
        return (step[axis] as number) < 0 ? low + span : low
      })
      return [g.slice(x, start, size, step)]
    }
    case 9: {
      if (rank === 0 || sizeOf(shape) > 60) return []
      const few = (): number[] => shape.map(() => choose(2))
      const value = choose(2) === 0 ? g.full([], x.dtype, 1) : moulded(g, pick(values), [], x.dtype)
      return [g.pad(x, value, few(), few(), choose(3) === 0 ? few() : undefined)]
    }
    case 10: {
      if (rank === 0 || sizeOf(shape) > 60) return []
      return [g.one('concat', { axis: choose(rank) }, x, like(pick(values)), ...(choose(2) === 0 ? [x] : []))]
    }
    case 11:
    case 12:
      return [g.one(x.dtype === 'bool' ? 'reduceMax' : pick(['reduceSum', 'reduceMax', 'reduceMin'] as const), { axes: axes() }, x)]
    case 13:
      return x.dtype === 'float32' ? g.all('moments', { axes: axes() }, x) : []
    case 14: {
      const y = pick(values)
      if (rank < 1 || y.shape.length < 1 || x.dtype !== 'float32') return []
      const b = moulded(g, y, [shape[rank - 1] as number, 3], 'float32')
      return [g.dot(x, b, { batchA: [], batchB: [], contractA: [rank - 1], contractB: [0] })]
    }
    case 15: {
      if (rank === 0) return []
      const axis = choose(rank)
      const indices = g.one('cast', { dtype: 'int32' }, moulded(g, pick(values), [3], 'float32'))
      if (choose(2) === 0) return [g.one('gather', { axis }, x, indices)]
      const updates = moulded(g, pick(values), [...shape.slice(0, axis), 3, ...shape.slice(axis + 1)], x.dtype)
      return [x.dtype === 'bool' ? g.one('scatterSet', { axis }, x, indices, updates) : g.one('scatterAdd', { axis }, x, indices, updates)]
    }
    case 16:
      return [g.one('select', {}, g.binary('lt', x, like(pick(values))), x, like(pick(values)))]
    default: {
      if (rank === 0) return []
      return pick([
        () => [g.one('cast', { dtype: 'float32' }, g.one('iota', { shape, dtype: 'int32', axis: choose(rank) }))],
        () => (x.dtype === 'bool' ? [] : [g.one('cumSum', { axis: choose(rank), reverse: choose(2) === 0 }, x)]),
        () => [g.one('cast', { dtype: 'float32' }, g.one('argMax', { axis: choose(rank) }, x))],
        () => [
          g.binary(
            'mul',
            g.one(
              'cast',
              { dtype: 'float32' },
              g.one('randomBits', { shape }, g.one('constant', { shape: [2], dtype: 'int32', storage: new Int32Array([7, 9]) })),
            ),
            g.full(shape, 'float32', 1e-9),
          ),
        ],
      ])()
    }
  }
}

/** Some value of the wanted shape and dtype made from `value`. */
function moulded(g: GraphBuilder, value: Value, shape: Shape, dtype: Value['dtype']): Value {
  let x = value.dtype === dtype ? value : g.one('cast', { dtype }, value)
  if (`${x.shape}` === `${shape}`) return x
  if (sizeOf(x.shape) === sizeOf(shape)) return g.reshape(x, shape)
  const small = x.shape.map(() => 0)
  x = g.reshape(
    g.slice(
      x,
      small,
      x.shape.map(() => 1),
    ),
    [],
  )
  return g.broadcast(x, shape, [])
}
