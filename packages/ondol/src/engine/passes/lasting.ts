/** Which values only lasting inputs decide: the same from run to run, until one of those inputs changes. */
import { sizeOf } from '../../core/shape.js'
import type { Graph, Node, Value } from '../graph.js'
import { kindOf } from './classify.js'

/** Whether a node only shows its input in another way, which costs its readers nothing. */
export const isView = (node: Node): boolean => kindOf(node) === 'movement'

/**
 * The values that follow from `lasting` inputs and constants alone, those inputs included, and how many elements there are to keep
 * for each. None is larger than what it is made of: a vector added to a whole batch is not worth keeping.
 */
export function lastingValues(graph: Graph, lasting: readonly number[]): ReadonlyMap<Value, number> {
  const found = new Map<Value, number>()
  const constants = new Set<Value>()
  for (const index of lasting) {
    const input = graph.inputs[index] as Value
    found.set(input, sizeOf(input.shape))
  }
  for (const node of graph.nodes) {
    const { inputs, outputs } = node
    if (inputs.every((value) => constants.has(value))) for (const value of outputs) constants.add(value)
    else if (inputs.every((value) => found.has(value) || constants.has(value))) {
      const largest = Math.max(...inputs.map((value) => found.get(value) ?? 0))
      for (const value of outputs) {
        const size = isView(node) ? Math.min(sizeOf(value.shape), largest) : sizeOf(value.shape)
        if (size <= largest) found.set(value, size)
      }
    }
  }
  return found
}
