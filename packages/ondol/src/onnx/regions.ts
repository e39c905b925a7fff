/**
 * Parts of a traced graph that ONNX has one operator for: what certain layers do, and activations. An activation is
 * recognised by what it does: it is traced, and the same nodes are looked for.
 */

import type { Activation } from '../activations/index.js'
import * as activations from '../activations/index.js'
import { type Graph, isGraph, type Value } from '../engine/graph.js'
import { type Abstract, Trace, withTrace } from '../engine/index.js'
import type { Lowering } from './lowering.js'
import type { OnnxAttribute } from './model-proto.js'

/** Everything between some inputs and some outputs. */
export interface Region {
  readonly inputs: readonly Value[]
  readonly outputs: readonly Value[]
  /** Sets where the outputs are. */
  emit(lowering: Lowering): void
}

interface Recognised {
  readonly activation: Activation
  readonly op: string
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>
  /** Name of the attribute for the last axis. */
  readonly axis?: boolean
  readonly opset?: number
}

const RECOGNISED: readonly Recognised[] = [
  { activation: activations.relu, op: 'Relu' },
  { activation: activations.softmax, op: 'Softmax', axis: true },
  { activation: activations.logSoftmax, op: 'LogSoftmax', axis: true },
  { activation: activations.elu, op: 'Elu' },
  { activation: activations.selu, op: 'Selu' },
  { activation: activations.softplus, op: 'Softplus' },
  { activation: activations.softsign, op: 'Softsign' },
  { activation: activations.hardSigmoid, op: 'HardSigmoid', attributes: { alpha: { float: 1 / 6 }, beta: { float: 0.5 } } },
  { activation: activations.hardSilu, op: 'HardSwish' },
  { activation: activations.leakyRelu, op: 'LeakyRelu', attributes: { alpha: { float: 0.2 } } },
  { activation: activations.mish, op: 'Mish', opset: 18 },
  { activation: activations.gelu, op: 'Gelu', opset: 20 },
  { activation: (x) => activations.gelu(x, { approximate: true }), op: 'Gelu', attributes: { approximate: 'tanh' }, opset: 20 },
]

/** The activation that makes a value, if it is one. */
export type Recogniser = (value: Value) => Region | undefined

export function makeRecogniser(opset: number): Recogniser {
  const wanted = RECOGNISED.filter(({ opset: from = 1 }) => opset >= from)
  const patterns = new Map<string, Graph[]>()
  return (value) => {
    if (!value.dtype.includes('float') || value.shape.length === 0) return undefined
    const key = `${value.dtype}:${value.shape}`
    let known = patterns.get(key)
    if (known === undefined) patterns.set(key, (known = wanted.map(({ activation }) => traced(activation, value))))
    for (const [i, pattern] of known.entries()) {
      const input = match(pattern, value)
      if (input !== undefined) return regionOf(wanted[i] as Recognised, input, value)
    }
    return undefined
  }
}

function traced(activation: Activation, { shape, dtype }: Abstract): Graph {
  const trace = new Trace(undefined, false)
  const x = trace.input({ shape, dtype })
  return trace.finish([withTrace(trace, () => activation(x))])
}

function regionOf({ op, attributes = {}, axis }: Recognised, input: Value, output: Value): Region {
  return {
    inputs: [input],
    outputs: [output],
    emit: (lowering) =>
      emitUnary(lowering, op, input, output, (order) => ({ ...attributes, ...(axis && { axis: order.indexOf(output.shape.length - 1) }) })),
  }
}

/** One operator on one value, in the order of axes at hand. */
export function emitUnary(
  lowering: Lowering,
  op: string,
  input: Value,
  output: Value,
  attributes: (order: readonly number[]) => Readonly<Record<string, OnnxAttribute>>,
): void {
  const order = lowering.orderOf(input) ?? input.shape.map((_, axis) => axis)
  const x = lowering.whole(input, order)
  lowering.setOrdered(output, lowering.builder.node(op, [x], x.shape, attributes(order)), order)
}

/** The value that stands where the pattern has its input, if `value` is made as the pattern's output is. */
function match(pattern: Graph, value: Value): Value | undefined {
  const [place] = pattern.inputs
  let input: Value | undefined
  const seen = new Map<Value, Value>()
  const fits = (wanted: Value, found: Value): boolean => {
    if (wanted === place) {
      input ??= found
      return input === found
    }
    if (seen.get(wanted) === found) return true
    const [a, b] = [wanted.node, found.node]
    if (a === null || b === null || a.primitive !== b.primitive || wanted.index !== found.index) return false
    if (a.inputs.length !== b.inputs.length || !sameAttributes(a.attributes, b.attributes)) return false
    if (!a.inputs.every((of, i) => fits(of, b.inputs[i] as Value))) return false
    seen.set(wanted, found)
    return true
  }
  return fits(pattern.outputs[0] as Value, value) && input !== value ? input : undefined
}

function sameAttributes(a: object, b: object): boolean {
  const [left, right] = [Object.values(a), Object.values(b)]
  return !left.some(isGraph) && JSON.stringify(left) === JSON.stringify(right)
}
