/** Drops nodes that no output needs. */
import type { Graph, Node, Value } from '../graph.js'

export function eliminateDeadCode(graph: Graph): Graph {
  const needed = new Set<Node>()
  const stack: Value[] = [...graph.outputs]
  for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
    if (value.node === null || needed.has(value.node)) continue
    needed.add(value.node)
    stack.push(...value.node.inputs)
  }
  return needed.size === graph.nodes.length ? graph : { ...graph, nodes: graph.nodes.filter((node) => needed.has(node)) }
}
