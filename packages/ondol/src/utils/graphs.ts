/** What symbolic tensors are, and where they come from. */
import { type DType, isDType } from '../core/dtype.js'
import { DTypeError } from '../core/errors.js'
import { flatten, type Tree } from '../core/tree.js'
import { floatx } from '../ops/config.js'
import { KerasTensor, type SymbolicNode } from '../ops/operation.js'

/** Whether `x` is symbolic: a placeholder in the graph of a model. */
export const isKerasTensor = (x: unknown): x is KerasTensor => x instanceof KerasTensor

/** Wide integers that are kept as narrower ones. */
const NARROWED: Readonly<Record<string, DType>> = {
  int64: 'int32',
  int: 'int32',
  uint32: 'int32',
  int16: 'int32',
  int8: 'int32',
  float: 'float32',
  double: 'float64',
}

/**
 * The dtype by its name; null gives `floatx()`, and integers that do not exist here become int32.
 *
 * @throws DTypeError when there is none.
 */
export function standardizeDtype(dtype: string | null | undefined): DType {
  if (dtype === null || dtype === undefined) return floatx()
  if (isDType(dtype)) return dtype
  const narrowed = Object.hasOwn(NARROWED, dtype) ? NARROWED[dtype] : undefined
  if (narrowed !== undefined) return narrowed
  throw new DTypeError({
    where: 'standardizeDtype',
    problem: 'unknown dtype',
    expected: "a name such as 'float32'",
    received: String(dtype),
  })
}

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
