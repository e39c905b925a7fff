/**
 * Takes out of a graph what only its lasting inputs decide (weights in another dtype, scales of a normalisation, folded kernels):
 * a graph of its own, which runs when one of them has changed.
 */
import { sizeOf } from '../../core/shape.js'
import { type Graph, makeInput, type Node, type Value } from '../graph.js'
import { eliminateDeadCode } from './dce.js'
import { isView, lastingValues } from './lasting.js'
import { Rewriter } from './rewriter.js'

export interface Prepared {
  /** From the lasting inputs, in their order, to what `graph` has as its last inputs; null if that is nothing. */
  readonly preparation: Graph | null
  readonly graph: Graph
}

/** Fewer elements than these are computed as fast as they are looked up. */
const LEAST_WORK = 1024

export function prepare(graph: Graph, lasting: readonly number[], leastWork = LEAST_WORK): Prepared {
  const inputs = new Set(graph.inputs)
  const found = lastingValues(graph, lasting)
  const isKept = (value: Value): boolean => found.has(value) && !inputs.has(value)
  const kept = frontier(graph, isKept)
  const preparation = eliminateDeadCode({
    inputs: lasting.map((index) => graph.inputs[index] as Value),
    nodes: graph.nodes,
    outputs: kept,
    donations: [],
  })
  const work = preparation.nodes.filter((node) => !isView(node)).flatMap(({ outputs }) => outputs.map(({ shape }) => sizeOf(shape)))
  if (kept.length === 0 || work.reduce((a, b) => a + b, 0) < leastWork) return { preparation: null, graph: { ...graph, lasting } }

  const given = new Map(kept.map((value, i) => [value, makeInput(value, graph.inputs.length + i)]))
  const rest = new Rewriter({}, (inner) => inner).run(graph, (node) =>
    node.outputs.some((value) => given.has(value)) ? node.outputs.map((value) => given.get(value) ?? value) : undefined,
  )
  const main = {
    ...rest,
    inputs: [...graph.inputs, ...given.values()],
    lasting: [...lasting, ...kept.map((_, i) => graph.inputs.length + i)],
  }
  return { preparation, graph: eliminateDeadCode(main) }
}

/** The values that the rest of the graph needs; where that is a view, what it shows. */
function frontier(graph: Graph, isKept: (value: Value) => boolean): Value[] {
  const needed = new Set<Value>()
  const need = (value: Value): void => {
    if (!isKept(value)) return
    const node = value.node as Node
    if (isView(node)) node.inputs.forEach(need)
    else needed.add(value)
  }
  for (const node of graph.nodes) if (!node.outputs.some(isKept)) node.inputs.forEach(need)
  graph.outputs.forEach(need)
  return [...needed]
}
