/** Kernel operands as 3-D views: matrix products take (batch, m, k) · (batch, k, n), moments (outer, reduced, inner). */
import { type Shape, sizeOf } from '../../core/shape.js'
import { type Abstract, makeNode, type Node, resultOf, type Value } from '../graph.js'
import { INFER } from '../primitives.js'

/** Movement nodes that bring each operand into form; the last one's result is the operand. */
export function matmulOperands(node: Node<'dot'>): readonly (readonly Node[])[] {
  const { batchA, batchB, contractA, contractB } = node.attributes
  const [a, b] = node.inputs as [Value, Value]
  const pairs = contractA.map((axis, i) => [axis, contractB[i] as number] as const).sort(([x], [y]) => x - y)
  const left = arrange(a, [batchA, freeAxes(a.shape, batchA, contractA), pairs.map(([axis]) => axis)], node.scope)
  const right = arrange(b, [batchB, pairs.map(([, axis]) => axis), freeAxes(b.shape, batchB, contractB)], node.scope)
  return [left, right]
}

/** The input with its reduced axes together: in the middle where they are neighbours, else last. */
export function momentsOperand(node: Node<'moments'>): readonly (readonly Node[])[] {
  const [x] = node.inputs as [Value]
  const axes = [...node.attributes.axes].sort((a, b) => a - b)
  const first = axes[0] ?? x.shape.length
  const past = axes.length === 0 ? first : (axes[axes.length - 1] as number) + 1
  const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)
  const between = range(first, past).filter((axis) => !axes.includes(axis) && x.shape[axis] !== 1)
  if (between.length === 0) {
    const kept = range(first, past).filter((axis) => !axes.includes(axis))
    return [arrange(x, [[...range(0, first), ...kept], axes, range(past, x.shape.length)], node.scope)]
  }
  return [arrange(x, [x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis)), axes, []], node.scope)]
}

function arrange(value: Value, groups: readonly (readonly number[])[], scope: string): Node[] {
  const permutation = groups.flat()
  const nodes: Node[] = []
  let result = value
  const isIdentity = permutation.every((axis, at) => axis === at)
  if (!isIdentity) {
    const shaped = (INFER.transpose as (attributes: { permutation: number[] }, input: Abstract) => Abstract)({ permutation }, value)
    nodes.push(makeNode('transpose', { permutation }, [value], [shaped], scope))
    result = resultOf(nodes[0] as Node)
  }
  const shape = groups.map((axes) => sizeOf(axes.map((axis) => value.shape[axis] as number)))
  nodes.push(makeNode('reshape', { shape }, [result], [{ shape, dtype: value.dtype }], scope))
  return nodes
}

const freeAxes = (shape: Shape, ...used: (readonly number[])[]): number[] =>
  shape.map((_, axis) => axis).filter((axis) => !used.some((axes) => axes.includes(axis)))

/** True if the strides of a matrix (the two last axes) are what the product kernel takes. */
export const hasUnitStride = (shape: Shape, strides: readonly number[]): boolean =>
  sizeOf(shape) === 0 || [1, 2].some((axis) => strides[axis] === 1 || shape[axis] === 1)
