/** What kind of work each primitive is, for lowering and fusion. */
import type { Node, Value } from '../graph.js'
import {
  ARITHMETIC,
  BIT_UNARY,
  BITWISE,
  COMPARISON,
  type ElementwiseName,
  FLOAT_UNARY,
  LOGICAL,
  NUMBER_UNARY,
  type PrimitiveName,
} from '../primitives.js'

const ELEMENTWISE: ReadonlySet<string> = new Set<ElementwiseName>([
  ...FLOAT_UNARY,
  ...NUMBER_UNARY,
  ...BIT_UNARY,
  ...ARITHMETIC,
  ...BITWISE,
  ...COMPARISON,
  ...LOGICAL,
  'select',
  'cast',
  'randomBits',
])
const MOVEMENT: ReadonlySet<string> = new Set<PrimitiveName>(['reshape', 'transpose', 'broadcast', 'slice'])
const ASSEMBLY: ReadonlySet<string> = new Set<PrimitiveName>(['concat', 'pad', 'scatterAdd', 'scatterSet'])

export const REDUCTIONS = { reduceSum: 'sum', reduceProd: 'prod', reduceMax: 'max', reduceMin: 'min' } as const

export type Kind =
  /** A scalar function at each point: lives in fused loops. */
  | 'elementwise'
  /** The same elements seen differently: strided views, or index maps inside loops. */
  | 'movement'
  /** Needs no memory: literals and indices inside loops. */
  | 'source'
  | 'constant'
  /** Sum, product, maximum, minimum over axes: the end of a fused loop. */
  | 'reduction'
  /** A result whose parts others write in place: concat, pad, scatter. */
  | 'assembly'
  /** Everything with a kernel or a sub-plan. */
  | 'kernel'

export function kindOf(node: Node): Kind {
  const { primitive } = node
  if (ELEMENTWISE.has(primitive)) return 'elementwise'
  if (MOVEMENT.has(primitive)) return 'movement'
  if (primitive === 'full' || primitive === 'iota') return 'source'
  if (primitive === 'constant') return (node.outputs[0] as Value).shape.every((size) => size === 1) ? 'source' : 'constant'
  if (Object.hasOwn(REDUCTIONS, primitive)) return 'reduction'
  return ASSEMBLY.has(primitive) ? 'assembly' : 'kernel'
}
