/** What networks are made of, as whole graphs: layers with their epilogues, normalisation, a recurrent scan, an optimizer step. */
import type { DType } from '../../core/dtype.js'
import type { Shape } from '../../core/shape.js'
import type { Value } from '../../engine/graph.js'
import { GraphBuilder, type Trial } from './builder.js'
import { between, type Draw, finite } from './draw.js'

type ProgramMaker = (draw: Draw, dtype: DType) => Trial

const unit = between(-1, 1)

const like = (builder: GraphBuilder, { shape, dtype }: Value, value: number): Value => builder.apply('full', { shape, dtype, value })
const along = (builder: GraphBuilder, shape: Shape, value: Value, ...axes: number[]): Value =>
  builder.apply('broadcast', { shape, axes }, value)
const matmul = (builder: GraphBuilder, a: Value, b: Value): Value =>
  builder.apply('dot', { batchA: [], batchB: [], contractA: [a.shape.length - 1], contractB: [0] }, a, b)

export const PROGRAMS: Readonly<Record<string, ProgramMaker>> = {
  'softmax of the last axis': (draw, dtype) => {
    const builder = new GraphBuilder()
    const shape = [draw.size(), draw.size(1)]
    const x = builder.input(draw.array(dtype, shape, finite))
    const shifted = builder.apply('sub', {}, x, along(builder, shape, builder.apply('reduceMax', { axes: [1] }, x), 0))
    const exponentials = builder.apply('exp', {}, shifted)
    const total = builder.apply('reduceSum', { axes: [1] }, exponentials)
    return builder.trial([builder.apply('div', {}, exponentials, along(builder, shape, total, 0))])
  },

  'dense layer with bias and relu, and its gradients': (draw, dtype) => {
    const builder = new GraphBuilder()
    const [batch, inputs, outputs] = [draw.size(), draw.size(), draw.size()]
    const x = builder.input(draw.array(dtype, [batch, inputs], unit))
    const kernel = builder.input(draw.array(dtype, [inputs, outputs], unit))
    const bias = builder.input(draw.array(dtype, [outputs], unit))
    const upstream = builder.input(draw.array(dtype, [batch, outputs], unit))
    const sum = builder.apply('add', {}, matmul(builder, x, kernel), along(builder, [batch, outputs], bias, 1))
    const zero = like(builder, sum, 0)
    const y = builder.apply('max', {}, sum, zero)
    const dy = builder.apply('select', {}, builder.apply('gt', {}, y, zero), upstream, zero)
    const dx = builder.apply('dot', { batchA: [], batchB: [], contractA: [1], contractB: [1] }, dy, kernel)
    const dkernel = builder.apply('dot', { batchA: [], batchB: [], contractA: [0], contractB: [0] }, x, dy)
    return builder.trial([y, dx, dkernel, builder.apply('reduceSum', { axes: [0] }, dy)])
  },

  'convolution with bias and relu, then pooling': (draw, dtype) => {
    const builder = new GraphBuilder()
    const layout = draw.of(['channelsLast', 'channelsFirst'] as const)
    const [channels, filters] = [draw.of([1, 3, 8, 16]), draw.of([4, 8, 16, 5])]
    const shape = layout === 'channelsLast' ? [2, 8, 8, channels] : [2, channels, 8, 8]
    const x = builder.input(draw.array(dtype, shape, unit))
    const kernel = builder.input(draw.array(dtype, [3, 3, channels, filters], unit))
    const bias = builder.input(draw.array(dtype, [filters], unit))
    const padding = [
      [1, 1],
      [1, 1],
    ] as const
    const y = builder.apply('conv', { strides: [1, 1], padding, dilation: [1, 1], groups: 1, layout }, x, kernel)
    const sum = builder.apply('add', {}, y, along(builder, y.shape, bias, layout === 'channelsLast' ? 3 : 1))
    const rectified = builder.apply('max', {}, sum, like(builder, sum, 0))
    const pool = {
      window: [2, 2],
      strides: [2, 2],
      padding: [
        [0, 0],
        [0, 0],
      ] as const,
      layout,
    }
    return builder.trial([builder.apply('maxPool', pool, rectified), builder.apply('avgPool', pool, rectified), sum])
  },

  'batch normalisation with its statistics': (draw, dtype) => {
    const builder = new GraphBuilder()
    const shape = [draw.size(1), draw.size(1), draw.size(1)]
    const x = builder.input(draw.array(dtype, shape, finite))
    const scale = builder.input(draw.array(dtype, shape.slice(-1), unit))
    const offset = builder.input(draw.array(dtype, shape.slice(-1), unit))
    const average = builder.input(draw.array(dtype, shape.slice(-1), unit))
    const [mean, variance] = builder.applyAll('moments', { axes: [0, 1] }, x) as [Value, Value]
    const inverse = builder.apply('rsqrt', {}, builder.apply('add', {}, variance, like(builder, variance, 0.5)))
    const factor = builder.apply('mul', {}, inverse, scale)
    const centred = builder.apply('sub', {}, x, along(builder, shape, mean, 2))
    const y = builder.apply(
      'add',
      {},
      builder.apply('mul', {}, centred, along(builder, shape, factor, 2)),
      along(builder, shape, offset, 2),
    )
    const step = builder.apply('mul', {}, builder.apply('sub', {}, mean, average), like(builder, mean, 0.25))
    return builder.trial([y, builder.apply('add', {}, average, step)], [[3, 1]])
  },

  'recurrent scan with a hoisted projection': (draw, dtype) => {
    const builder = new GraphBuilder()
    const [steps, batch, units] = [draw.of([1, 2, 4]), draw.of([1, 2, 5]), draw.of([1, 3, 8])]
    const recurrent = draw.array(dtype, [units, units], unit)
    const initial = draw.array(dtype, [batch, units], unit)
    const projected = draw.array(dtype, [batch, steps, units], unit)
    const inside = new GraphBuilder()
    const weights = inside.input(recurrent)
    const state = inside.input(initial)
    const element = inside.input(initial)
    const next = inside.apply('tanh', {}, inside.apply('add', {}, element, matmul(inside, state, weights)))
    const body = inside.graph([next, next])
    const timeMajor = builder.apply('transpose', { permutation: [1, 0, 2] }, builder.input(projected))
    const attributes = { body, constants: 1, carries: 1, length: steps, reverse: draw.once(2) }
    const [last, states] = builder.applyAll('scan', attributes, builder.input(recurrent), builder.input(initial), timeMajor) as [
      Value,
      Value,
    ]
    return builder.trial([last, builder.apply('transpose', { permutation: [1, 0, 2] }, states)])
  },

  'momentum step of several variables in place': (draw, dtype) => {
    const builder = new GraphBuilder()
    const shapes = Array.from({ length: draw.int(1, 5) }, () => draw.shape(0, 2, 1))
    const rate = builder.input(draw.array('float32', [], unit))
    const factor = dtype === 'float32' ? rate : builder.apply('cast', { dtype }, rate)
    const outputs: Value[] = []
    const donations: [number, number][] = []
    for (const shape of shapes) {
      const [variable, velocity, gradient] = [0, 1, 2].map(() => builder.input(draw.array(dtype, shape, unit))) as [Value, Value, Value]
      const kept = builder.apply('mul', {}, velocity, like(builder, velocity, 0.875))
      const moved = builder.apply('sub', {}, kept, builder.apply('mul', {}, gradient, along(builder, shape, factor)))
      donations.push([variable.index, outputs.length], [velocity.index, outputs.length + 1])
      outputs.push(builder.apply('add', {}, variable, moved), moved)
    }
    return builder.trial(outputs, donations)
  },

  'dropout from counter-based bits': (draw, dtype) => {
    const builder = new GraphBuilder()
    const shape = draw.shape(1, 3)
    const x = builder.input(draw.array(dtype, shape, finite))
    const key = builder.input(draw.array('int32', [2], between(-(2 ** 31), 2 ** 31)))
    const bits = builder.apply('randomBits', { shape }, key)
    const keep = builder.apply('lt', {}, bits, like(builder, bits, 2 ** 30))
    const scaled = builder.apply('mul', {}, x, like(builder, x, 1.25))
    return builder.trial([builder.apply('select', {}, keep, scaled, like(builder, x, 0)), keep])
  },
}
