/** The passes from graph to graph, in order. */
import type { Graph } from '../graph.js'
import { eliminateDeadCode } from './dce.js'

export function optimize(graph: Graph): Graph {
  return eliminateDeadCode(graph)
}
