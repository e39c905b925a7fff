/** What symbolic tensors are, and where they come from. */
import { flatten, type Tree } from '../core/tree.js'
import { KerasTensor, type SymbolicNode } from '../ops/operation.js'

/** Whether `x` is symbolic: a placeholder in the graph of a model. */
export const isKerasTensor = (x: unknown): x is KerasTensor => x instanceof KerasTensor

/** The inputs that a symbolic tensor is computed from, each once. */
export function getSourceInputs(tensor: Tree<KerasTensor>): KerasTensor[] {
  const sources = new Set<KerasTensor>()
  const seen = new Set<SymbolicNode>()
  const visit = (current: KerasTensor): void => {
    const { history } = current
    const node = history?.operation.inboundNodes[history.nodeIndex]
    if (node === undefined || node.inputs.length === 0) {
      sources.add(current)
      return
    }
    if (seen.has(node)) return
    seen.add(node)
    node.inputs.forEach(visit)
  }
  flatten<KerasTensor>(tensor).forEach(visit)
  return [...sources]
}
