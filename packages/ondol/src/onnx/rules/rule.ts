/** How a primitive becomes ONNX nodes. */
import type { Node } from '../../engine/graph.js'
import type { PrimitiveName } from '../../engine/primitives.js'
import type { Lowering, Pair } from '../lowering.js'

/** Sets where the node's outputs are. */
export type Rule<P extends PrimitiveName> = (lowering: Lowering, pair: Pair<Node<P>>) => void

export type Rules<P extends PrimitiveName> = { readonly [N in P]: Rule<N> }
