/** Scan, while and cond → steps with sub-plans. */
import { sizeOf } from '../../core/shape.js'
import { type Graph, isNode, type Node, type Value } from '../graph.js'
import type { Plan, ScanStep, Step, View } from '../plan.js'
import type { Operation } from './legalize.js'
import type { Place } from './loops.js'

export interface ControlContext {
  readonly viewOf: (value: Value) => Place
  /** A new temporary like a value. */
  readonly scratch: (like: Pick<Value, 'shape' | 'dtype'>) => View
  readonly lower: (graph: Graph) => Plan
}

export const isControl = (node: Node): boolean => node.primitive === 'scan' || node.primitive === 'while' || node.primitive === 'cond'

export function controlStep({ node, inputs, outputs }: Operation, { viewOf, scratch, lower }: ControlContext): Step {
  const { scope } = node
  const arenaOf = (...plans: Plan[]): View => scratch({ dtype: 'uint8', shape: [Math.max(...plans.map((plan) => plan.arenaBytes))] })
  const carriesOf = (initial: readonly Value[]): ScanStep['carries'] =>
    initial.map((value, i) => ({ initial: viewOf(value), final: viewOf(outputs[i] as Value), other: scratch(value) }))

  if (isNode(node, 'scan')) {
    const { constants, carries, length, reverse } = node.attributes
    const body = lower(node.attributes.body)
    const element = (value: Value): { view: View; stride: number } => {
      const { buffer, offset, shape, strides } = viewOf(value)
      return { view: { buffer, offset, shape: shape.slice(1), strides: strides.slice(1) }, stride: sizeOf(shape.slice(1)) }
    }
    return {
      kind: 'scan',
      body,
      length,
      reverse,
      constants: inputs.slice(0, constants).map(viewOf),
      carries: carriesOf(inputs.slice(constants, constants + carries)),
      elements: inputs.slice(constants + carries).map(element),
      results: outputs.slice(carries).map(element),
      arena: arenaOf(body),
      scope,
    }
  }
  if (isNode(node, 'while')) {
    const { conditionConstants, bodyConstants } = node.attributes
    const condition = lower(node.attributes.condition)
    const body = lower(node.attributes.body)
    const given = conditionConstants + bodyConstants
    return {
      kind: 'while',
      condition,
      body,
      conditionConstants: inputs.slice(0, conditionConstants).map(viewOf),
      bodyConstants: inputs.slice(conditionConstants, given).map(viewOf),
      carries: carriesOf(inputs.slice(given)),
      flag: scratch({ dtype: 'bool', shape: [] }),
      arena: arenaOf(condition, body),
      scope,
    }
  }
  if (isNode(node, 'cond')) {
    const [whenTrue, whenFalse] = [lower(node.attributes.whenTrue), lower(node.attributes.whenFalse)]
    const [predicate, ...operands] = inputs.map(viewOf) as [Place, ...Place[]]
    return {
      kind: 'cond',
      predicate,
      whenTrue,
      whenFalse,
      inputs: operands,
      outputs: outputs.map(viewOf),
      arena: arenaOf(whenTrue, whenFalse),
      scope,
    }
  }
  throw new TypeError(`${(node as Node).primitive} is no control flow`)
}
