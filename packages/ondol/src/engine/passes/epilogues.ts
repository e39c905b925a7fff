/** Finds `relu(kernel + bias)`: what matrix products and convolutions can do while they store. */
import { sizeOf } from '../../core/shape.js'
import type { Graph, Node, Value } from '../graph.js'
import { isNode, resultOf } from '../graph.js'
import { layoutAxes } from '../primitives.js'
import { kindOf } from './classify.js'
import { dense, moveView } from './strided.js'
import type { LoweringTarget } from './target.js'

export interface Epilogue {
  /** The kernel that takes the others in. */
  readonly kernel: Node
  readonly bias?: Value
  readonly relu: boolean
}

export interface Epilogues {
  /** By the last node taken in, in whose place the kernel runs. */
  readonly byLast: ReadonlyMap<Node, Epilogue>
  /** All other nodes taken in, kernels included. */
  readonly absorbed: ReadonlySet<Node>
}

export function matchEpilogues(graph: Graph, target: LoweringTarget): Epilogues {
  const byLast = new Map<Node, Epilogue>()
  const absorbed = new Set<Node>()
  if (!target.epilogues) return { byLast, absorbed }
  const users = new Map<Value, Node[]>()
  for (const node of graph.nodes) {
    for (const input of node.inputs) {
      const list = users.get(input)
      if (list === undefined) users.set(input, [node])
      else list.push(node)
    }
  }
  const kept = new Set(graph.outputs)
  const onlyUser = (value: Value): Node | undefined => {
    const list = users.get(value)
    return list?.length === 1 && !kept.has(value) ? list[0] : undefined
  }
  for (const kernel of graph.nodes) {
    const channel = channelAxis(kernel)
    if (channel === undefined) continue
    const chain = [kernel]
    let bias: Value | undefined
    let user = onlyUser(resultOf(kernel))
    // Of two kernels that are added, each could be the other's bias: the first takes the sum.
    const isTaken = user !== undefined && (absorbed.has(user) || byLast.has(user))
    if (user !== undefined && isNode(user, 'add') && !isTaken) {
      bias = biasOf(otherInput(user, resultOf(kernel)), channel)
      if (bias !== undefined) {
        chain.push(user)
        user = onlyUser(resultOf(user))
      }
    }
    const top = resultOf(chain[chain.length - 1] as Node)
    const relu = user !== undefined && isNode(user, 'max') && isZero(otherInput(user, top))
    if (relu) chain.push(user as Node)
    if (chain.length === 1) continue
    const last = chain.pop() as Node
    byLast.set(last, { kernel, relu, ...(bias && { bias }) })
    for (const node of chain) absorbed.add(node)
  }
  return { byLast, absorbed }
}

/** The axis of a kernel's result that a bias runs along. */
function channelAxis(node: Node): number | undefined {
  const rank = resultOf(node).shape.length
  if (isNode(node, 'conv')) return layoutAxes(node.attributes.layout, rank).channel
  if (!isNode(node, 'dot')) return undefined
  const { batchB, contractB } = node.attributes
  const [left, right] = node.inputs as [Value, Value]
  // A product over nothing is a fill, which has no epilogue.
  if (sizeOf(left.shape) === 0) return undefined
  return right.shape.length - batchB.length - contractB.length === 1 ? rank - 1 : undefined
}

const otherInput = (node: Node, input: Value): Value => (node.inputs[0] === input ? node.inputs[1] : node.inputs[0]) as Value

export const isZero = (value: Value): boolean => {
  if (isNode(value.node, 'full')) return value.node.attributes.value === 0
  return (isNode(value.node, 'broadcast') || isNode(value.node, 'reshape')) && isZero(value.node.inputs[0] as Value)
}

/** The vector that `value` repeats along every axis but `channel`. */
function biasOf(value: Value, channel: number): Value | undefined {
  const chain: Node[] = []
  let base = value
  while (base.node !== null && kindOf(base.node) === 'movement') {
    chain.push(base.node)
    base = base.node.inputs[0] as Value
  }
  let view: ReturnType<typeof moveView> = dense(base.shape)
  for (const node of chain.reverse()) view = view && moveView(node, view)
  const size = value.shape[channel] as number
  if (view === null || view.offset !== 0 || base.shape.reduce((product, extent) => product * extent, 1) !== size) return undefined
  const fits = view.shape.every((extent, axis) => extent === 1 || view.strides[axis] === (axis === channel ? 1 : 0))
  return fits && (base.node === null || kindOf(base.node) !== 'source') ? base : undefined
}
