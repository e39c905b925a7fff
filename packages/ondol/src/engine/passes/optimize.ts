/** The passes from graph to graph, in order. */
import type { Graph } from '../graph.js'
import { eliminateDeadCode } from './dce.js'
import { Rewriter, type Rules } from './rewriter.js'
import { ELEMENTWISE_RULES } from './simplify-elementwise.js'
import { MOVEMENT_RULES } from './simplify-movement.js'
import { STRUCTURE_RULES, sumOfPads } from './simplify-structure.js'

const RULES: Rules = {
  ...ELEMENTWISE_RULES,
  ...MOVEMENT_RULES,
  ...STRUCTURE_RULES,
  add: [sumOfPads, ...(ELEMENTWISE_RULES.add ?? [])],
}

/** Simplified, without common sub-expressions and dead nodes. Inputs, outputs and donations stay in their places. */
export function optimize(graph: Graph): Graph {
  const simplify = (from: Graph): Graph => eliminateDeadCode(new Rewriter(RULES, optimize).run(eliminateDeadCode(from)))
  return simplify(simplify(graph))
}
