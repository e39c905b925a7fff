/** Layers that ONNX has one operator for. What a table here declines goes the way of all others, primitive by primitive. */
import * as activations from '../activations/index.js'
import { allocate, type TypedArray } from '../core/dtype.js'
import { normalizeAxis } from '../core/shape.js'
import type { Value } from '../engine/graph.js'
import type { Variable } from '../engine/index.js'
import {
  BatchNormalization,
  ELU,
  GlobalAveragePooling1D,
  GlobalAveragePooling2D,
  GlobalAveragePooling3D,
  GRU,
  type Layer,
  LayerNormalization,
  LeakyReLU,
  LSTM,
  SimpleRNN,
  Softmax,
} from '../layers/index.js'
import type { Named } from './builder.js'
import type { Lowering } from './lowering.js'
import type { OnnxAttribute } from './model-proto.js'
import { emitUnary } from './regions.js'
import { reduceValue } from './rules/reductions.js'
import { known, type Size } from './sizes.js'

/** A layer as it was called: its first argument and what it gave. */
export interface LayerCall {
  readonly layer: Layer
  readonly input: Value
  readonly outputs: readonly Value[]
  /** Whether it was given anything else to compute with: masks, states. */
  readonly hasMore: boolean
}

type Emit = (lowering: Lowering) => void

/** How a call becomes operators; undefined if it is like no operator of ONNX. */
export function emitterOf(call: LayerCall): Emit | undefined {
  const { layer, hasMore, input } = call
  if (hasMore || input.dtype !== 'float32' || layer.computeDtype !== 'float32') return undefined
  for (const [Class, rule] of RULES) if (layer.constructor === Class) return rule(call)
  return undefined
}

type LayerRule = (call: LayerCall) => Emit | undefined

const unary =
  (op: string, attributes: (layer: Layer, axisAt: (axis: number) => number) => Readonly<Record<string, OnnxAttribute>>): LayerRule =>
  ({ layer, input, outputs: [output] }) =>
  (lowering) =>
    emitUnary(lowering, op, input, output as Value, (order) =>
      attributes(layer, (axis) => order.indexOf(normalizeAxis(axis, order.length, 'axis'))),
    )

const globalAverage: LayerRule = ({ layer, input, outputs: [output] }) => {
  const { keepdims, dataFormat } = layer as GlobalAveragePooling2D
  if (keepdims) return undefined
  const rank = input.shape.length
  const first = dataFormat === 'channels_first' ? 2 : 1
  return (lowering) =>
    reduceValue(
      lowering,
      'ReduceMean',
      input,
      Array.from({ length: rank - 2 }, (_, i) => first + i),
      output as Value,
    )
}

const RULES: readonly (readonly [unknown, LayerRule])[] = [
  [LeakyReLU, unary('LeakyRelu', (layer) => ({ alpha: { float: (layer as LeakyReLU).negativeSlope } }))],
  [ELU, unary('Elu', (layer) => ({ alpha: { float: (layer as ELU).alpha } }))],
  [
    Softmax,
    (call) => {
      const { axis } = call.layer as Softmax
      return typeof axis === 'number' ? unary('Softmax', (_, at) => ({ axis: at(axis) }))(call) : undefined
    },
  ],
  [GlobalAveragePooling1D, globalAverage],
  [GlobalAveragePooling2D, globalAverage],
  [GlobalAveragePooling3D, globalAverage],

  [
    BatchNormalization,
    ({ layer, input, outputs: [output] }) =>
      (lowering) => {
        const { axis: given, gamma, beta, movingMean, movingVariance, epsilon } = layer as BatchNormalization
        const rank = input.shape.length
        const axis = normalizeAxis(given, rank, 'axis')
        const present = lowering.orderOf(input)
        const rest = Array.from({ length: rank }, (_, at) => at).filter((at) => at !== axis)
        const order = present?.[1] === axis ? present : [...rest.slice(0, 1), axis, ...rest.slice(1)]
        const [features] = movingMean.shape as readonly [number]
        const orFilled = (variable: Variable | null, value: number, name: string): Named =>
          variable === null ? filled(lowering, name, features, value) : lowering.weight(variable)
        const x = lowering.whole(input, order)
        const statistics = [lowering.weight(movingMean), lowering.weight(movingVariance)]
        const inputs = [x, orFilled(gamma, 1, 'gamma'), orFilled(beta, 0, 'beta'), ...statistics]
        const y = lowering.builder.node('BatchNormalization', inputs, x.shape, { epsilon: { float: epsilon } })
        lowering.setOrdered(output as Value, y, order)
      },
  ],

  [
    LayerNormalization,
    ({ layer, input, outputs: [output] }) => {
      const { axis: given, gamma, beta, epsilon } = layer as LayerNormalization
      const axes = [given].flat().map((axis) => normalizeAxis(axis as number, input.shape.length, 'axis'))
      if (gamma === null || axes.length !== 1 || axes[0] !== input.shape.length - 1) return undefined
      return (lowering) => {
        const x = lowering.whole(input)
        const weights = [gamma, ...(beta === null ? [] : [beta])].map((variable) => lowering.weight(variable))
        lowering.setPlain(
          output as Value,
          lowering.builder.node('LayerNormalization', [x, ...weights], x.shape, { axis: -1, epsilon: { float: epsilon } }),
        )
      }
    },
  ],

  // ONNX has the gates of an LSTM in the order input, output, forget, candidate; those of a GRU as Keras has them.
  [LSTM, (call) => recurrent('LSTM', call, [0, 3, 1, 2])],
  [GRU, (call) => recurrent('GRU', call, [0, 1, 2])],
  [SimpleRNN, (call) => recurrent('RNN', call, [0])],
]

function filled(lowering: Lowering, name: string, length: number, value: number): Named {
  const { builder } = lowering
  return builder.store(`${builder.scope}/${name}`, 'float32', [length], allocate('float32', length).fill(value))
}

/** What the built-in recurrent layers have in common. */
type Recurrent = LSTM | GRU | SimpleRNN

/** Outputs that are computed: a sequence or the last step, then the states. */
function recurrent(op: 'LSTM' | 'GRU' | 'RNN', { layer, input, outputs }: LayerCall, gates: readonly number[]): Emit | undefined {
  const { cell, returnSequences, goBackwards, stateful } = layer as Recurrent
  const usual =
    cell.activation === activations.tanh && (!('recurrentActivation' in cell) || cell.recurrentActivation === activations.sigmoid)
  // Going backwards Keras gives the steps in the order in which they are computed, ONNX in that of the sequence.
  if (!usual || stateful || (goBackwards && returnSequences)) return undefined
  return (lowering) => {
    const { builder } = lowering
    const { units } = cell
    const rows = gates.length * units
    const resetAfter = 'resetAfter' in cell && cell.resetAfter
    const kernels = [cell.kernel, cell.recurrentKernel].map((variable) => {
      const inOrder = gatesInOrder(lowering, lowering.weight(variable), gates)
      return builder.unsqueeze(builder.transpose(inOrder, [1, 0]), [0])
    })
    const bias = cell.bias === null ? [] : [biasOf(lowering, gatesInOrder(lowering, lowering.weight(cell.bias), gates), rows, resetAfter)]
    const x = lowering.whole(input, [1, 0, 2])
    const [steps, batch] = x.shape as readonly [Size, Size, Size]
    const state = [known(1), batch, known(units)]
    const shapes = [[steps, known(1), batch, known(units)], state, ...(op === 'LSTM' ? [state] : [])]
    const made = builder.nodeOf(
      op,
      [x, ...kernels, ...bias],
      { hidden_size: units, ...(goBackwards && { direction: 'reverse' }), ...(resetAfter && { linear_before_reset: 1 }) },
      shapes.map((shape) => ({ dtype: 'float32', shape })),
    )
    const [result, ...states] = outputs as readonly [Value, ...Value[]]
    if (returnSequences) lowering.set(result, { tensor: made[0] as Named, axes: [2, 0, 3] })
    else lowering.set(result, { tensor: made[1] as Named, axes: [1, 2] })
    states.forEach((value, i) => lowering.set(value, { tensor: made[1 + i] as Named, axes: [1, 2] }))
  }
}

/** The groups of columns of the last axis in another order. */
function gatesInOrder(lowering: Lowering, weight: Named, gates: readonly number[]): Named {
  if (gates.every((gate, i) => gate === i)) return weight
  const data = lowering.builder.dataOf(weight) as TypedArray
  const shape = weight.shape.map(([size]) => size)
  const columns = shape.at(-1) as number
  const units = columns / gates.length
  const result = allocate('float32', data.length)
  for (let row = 0; row < data.length; row += columns)
    gates.forEach((gate, i) => result.set(data.subarray(row + gate * units, row + (gate + 1) * units), row + i * units))
  return lowering.builder.store(`${weight.name}/gates`, 'float32', shape, result)
}

/** ONNX has a bias for the input and one for the state. */
function biasOf(lowering: Lowering, bias: Named, rows: number, hasBoth: boolean): Named {
  const data = lowering.builder.dataOf(bias) as TypedArray
  const both = allocate('float32', 2 * rows)
  both.set(data.subarray(0, hasBoth ? 2 * rows : rows))
  return lowering.builder.store(`${bias.name}/both`, 'float32', [1, 2 * rows], both)
}
