/** Loops and branches: graphs inside the graph, which read outer tensors by name. */
import { countUses, type Graph, type Value } from '../../engine/graph.js'
import type { Named } from '../builder.js'
import type { Lowering } from '../lowering.js'
import type { OnnxGraph, OnnxValue } from '../model-proto.js'
import { isKnown } from '../sizes.js'
import type { Rules } from './rule.js'

/** Sizes that are not known have names in interfaces of inner graphs, where nobody asks what they are. */
export const describe = ({ name, dtype, shape }: Named): OnnxValue => ({
  name,
  dtype,
  shape: shape.map((size) => (isKnown(size) ? size[0] : `size_${size[0]}`)),
})

interface Inner {
  readonly graph: Graph
  readonly twin: Graph
  /** Outer values that its first inputs stand for. */
  readonly captured: readonly Value[]
  readonly name: string
  /** Inputs and outputs that ONNX wants before the graph's own. */
  readonly before?: { readonly inputs: readonly OnnxValue[]; readonly outputs: (inner: Lowering) => readonly Named[] }
}

/** An inner graph: the rest of its inputs are inputs in ONNX too. */
function innerGraph(outer: Lowering, { graph, twin, captured, name, before }: Inner, pickOutputs = graph.outputs): OnnxGraph {
  const builder = outer.builder.inner()
  outer.twins.pairGraphs(graph, twin)
  const inner = outer.within(builder, countUses(graph))
  captured.forEach((value, i) => inner.set(graph.inputs[i] as Value, outer.view(value)))
  const own = graph.inputs.slice(captured.length).map((value, i) => {
    const tensor = builder.declare({ name: builder.claim(`${name}:in${i}`), dtype: value.dtype, shape: inner.shapeOf(value) })
    inner.setPlain(value, tensor)
    return describe(tensor)
  })
  inner.run(graph, twin)
  // An output must be made inside, and only once.
  const outputs = [...(before?.outputs(inner) ?? []), ...pickOutputs.map((value) => inner.whole(value))].map((tensor, i, all) => {
    const isOwn = builder.makerOf(tensor) !== undefined && all.indexOf(tensor) === i
    return describe(isOwn ? tensor : builder.copy(tensor))
  })
  return builder.finish(name, [...(before?.inputs ?? []), ...own], outputs)
}

export const controlRules: Rules<'scan' | 'while' | 'cond'> = {
  scan: (lowering, { node, twin }) => {
    const { body, constants, carries, reverse } = node.attributes
    const { builder } = lowering
    const sequences = node.inputs.slice(constants + carries)
    if (sequences.length === 0) lowering.refuse('a scan without sequences')
    const name = builder.claim(`${builder.scope}/step`)
    const graph = innerGraph(lowering, { graph: body, twin: twin.attributes.body, captured: node.inputs.slice(0, constants), name })
    const results = body.outputs.length - carries
    const outputs = builder.nodeOf(
      'Scan',
      node.inputs.slice(constants).map((input) => lowering.whole(input)),
      {
        body: graph,
        num_scan_inputs: sequences.length,
        ...(reverse && { scan_input_directions: sequences.map(() => 1) }),
        ...(reverse && results > 0 && { scan_output_directions: Array.from({ length: results }, () => 1) }),
      },
      node.outputs.map((output) => ({ dtype: output.dtype, shape: lowering.shapeOf(output) })),
    )
    node.outputs.forEach((output, i) => lowering.setPlain(output, outputs[i] as Named))
  },

  while: (lowering, { node, twin }) => {
    const { condition, body, conditionConstants, bodyConstants } = node.attributes
    const { builder } = lowering
    const [forCondition, forBody] = [
      node.inputs.slice(0, conditionConstants),
      node.inputs.slice(conditionConstants, conditionConstants + bodyConstants),
    ]
    const carried = node.inputs.slice(conditionConstants + bodyConstants)
    const start = carried.map((value) => lowering.whole(value))
    /** The condition on values that are at hand. */
    const test = (where: Lowering, values: readonly Value[]): Named => {
      where.twins.pairGraphs(condition, twin.attributes.condition)
      const inner = where.within(where.builder, countUses(condition))
      forCondition.forEach((value, i) => inner.set(condition.inputs[i] as Value, lowering.view(value)))
      values.forEach((value, i) => inner.setPlain(condition.inputs[conditionConstants + i] as Value, where.whole(value)))
      inner.run(condition, twin.attributes.condition)
      return inner.whole(condition.outputs[0] as Value)
    }
    const name = builder.claim(`${builder.scope}/loop`)
    const graph = innerGraph(lowering, {
      graph: body,
      twin: twin.attributes.body,
      captured: forBody,
      name,
      before: {
        inputs: [
          { name: builder.claim(`${name}:count`), dtype: 'int64', shape: [] },
          { name: builder.claim(`${name}:goes_on`), dtype: 'bool', shape: [] },
        ],
        outputs: (inner) => [test(inner, body.outputs)],
      },
    })
    const outputs = builder.nodeOf(
      'Loop',
      [undefined, test(lowering, carried), ...start],
      { body: graph },
      node.outputs.map((output) => ({ dtype: output.dtype, shape: lowering.shapeOf(output) })),
    )
    node.outputs.forEach((output, i) => lowering.setPlain(output, outputs[i] as Named))
  },

  cond: (lowering, { node, twin }) => {
    const { builder } = lowering
    const [predicate, ...operands] = node.inputs as [Value, ...Value[]]
    const branch = (which: 'whenTrue' | 'whenFalse'): OnnxGraph =>
      innerGraph(lowering, {
        graph: node.attributes[which],
        twin: twin.attributes[which],
        captured: operands,
        name: builder.claim(`${builder.scope}/${which}`),
      })
    const outputs = builder.nodeOf(
      'If',
      [lowering.whole(predicate)],
      { then_branch: branch('whenTrue'), else_branch: branch('whenFalse') },
      node.outputs.map((output) => ({ dtype: output.dtype, shape: lowering.shapeOf(output) })),
    )
    node.outputs.forEach((output, i) => lowering.setPlain(output, outputs[i] as Named))
  },
}
