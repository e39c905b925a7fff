/** From a traced graph to ONNX nodes: what the outputs need, region by region and primitive by primitive. */
import type { Graph, Node, Value } from '../engine/graph.js'
import type { PrimitiveName } from '../engine/primitives.js'
import type { Lowering, Pair } from './lowering.js'
import type { Recogniser, Region } from './regions.js'
import { contractionRules } from './rules/contractions.js'
import { controlRules } from './rules/control.js'
import { elementwiseRules } from './rules/elementwise.js'
import { movementRules } from './rules/movement.js'
import { reductionRules } from './rules/reductions.js'
import type { Rule, Rules } from './rules/rule.js'

const RULES: Rules<PrimitiveName> = {
  ...elementwiseRules,
  ...movementRules,
  ...reductionRules,
  ...contractionRules,
  ...controlRules,
}

type Step = { readonly scope: string } & ({ readonly region: Region } | { readonly pair: Pair })

export interface LoweringOptions {
  readonly regions: readonly Region[]
  readonly recognise: Recogniser
  /** The name of a node's layer, from the path that was recorded. */
  readonly scopeOf: (path: string) => string
}

export const lowerGraph =
  ({ regions, recognise, scopeOf }: LoweringOptions) =>
  (lowering: Lowering, graph: Graph, twin: Graph): void => {
    const { builder } = lowering
    const outer = builder.scope
    for (const step of plan(graph, twin, regions, recognise)) {
      builder.scope = scopeOf(step.scope)
      if ('region' in step) step.region.emit(lowering)
      else (RULES[step.pair.node.primitive] as Rule<PrimitiveName>)(lowering, step.pair)
    }
    builder.scope = outer
  }

function plan(graph: Graph, twin: Graph, regions: readonly Region[], recognise: Recogniser): Step[] {
  const regionOf = new Map(regions.flatMap((region) => region.outputs.map((output) => [output, region] as const)))
  const needed = new Set<Value>(graph.outputs)
  const taken = new Set<Region>()
  const steps: Step[] = []
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i] as Node
    const wanted = node.outputs.filter((output) => needed.has(output))
    if (wanted.length === 0) continue
    const region = wanted.map((output) => regionOf.get(output) ?? recognise(output)).find((found) => found !== undefined)
    if (region !== undefined && taken.has(region)) continue
    for (const input of region?.inputs ?? node.inputs) needed.add(input)
    if (region === undefined) steps.push({ scope: node.scope, pair: { node, twin: twin.nodes[i] as Node } })
    else steps.push({ scope: node.scope, region })
    if (region !== undefined) taken.add(region)
  }
  return steps.reverse()
}
