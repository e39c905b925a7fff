/** The passes from graph to graph, in order. */
import type { Graph } from '../graph.js'
import { CHANNELS_LAST_RULES } from './channels-last.js'
import { eliminateDeadCode } from './dce.js'
import { Rewriter, type Rules } from './rewriter.js'
import { improveScans } from './scans.js'
import { ELEMENTWISE_RULES } from './simplify-elementwise.js'
import { KERNEL_RULES, maskBeforePool, orderBeforeGather } from './simplify-kernels.js'
import { MOVEMENT_RULES } from './simplify-movement.js'
import { STRUCTURE_RULES, sumOfPads } from './simplify-structure.js'

const RULES: Rules = merged(
  CHANNELS_LAST_RULES,
  { add: [sumOfPads], select: [maskBeforePool], transpose: [orderBeforeGather] },
  KERNEL_RULES,
  ELEMENTWISE_RULES,
  MOVEMENT_RULES,
  STRUCTURE_RULES,
)

/** All rules of a primitive, in the order of the tables. */
function merged(...tables: readonly Rules[]): Rules {
  const all: { [primitive: string]: unknown[] } = {}
  for (const table of tables) for (const [primitive, rules] of Object.entries(table)) all[primitive] = [...(all[primitive] ?? []), ...rules]
  return all as Rules
}

/** Simplified, without common sub-expressions and dead nodes. Inputs, outputs and donations stay in their places. */
export function optimize(graph: Graph): Graph {
  const simplify = (from: Graph): Graph => eliminateDeadCode(new Rewriter(RULES, optimize).run(eliminateDeadCode(from)))
  return simplify(improveScans(simplify(graph)))
}
