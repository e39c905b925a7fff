/**
 * The traced program: values and the nodes that make them, in an order that runs.
 * Graphs are built by `trace.ts`, rewritten by `passes/`, and compiled by backends.
 */
import type { DType } from '../core/dtype.js'
import type { Shape } from '../core/shape.js'
import type { PrimitiveAttributes, PrimitiveName } from './primitives.js'

/** What is known of a tensor before it has a value. */
export interface Abstract {
  readonly shape: Shape
  readonly dtype: DType
}

export interface Value extends Abstract {
  readonly id: number
  /** What makes it; `null` for a graph's inputs. */
  readonly node: Node | null
  /** Which of the node's outputs, or of the graph's inputs. */
  readonly index: number
}

export interface Node<P extends PrimitiveName = PrimitiveName> {
  readonly primitive: P
  readonly attributes: PrimitiveAttributes[P]
  readonly inputs: readonly Value[]
  readonly outputs: readonly Value[]
  /** Path of the layer that asked for it (`convnet/dense`), for messages and listings. */
  readonly scope: string
}

export interface Graph {
  readonly inputs: readonly Value[]
  readonly nodes: readonly Node[]
  readonly outputs: readonly Value[]
  /**
   * Pairs [input, output]: the output is written into the input's buffer, which its owner gave up
   * (a Variable that the function assigns).
   */
  readonly donations: readonly (readonly [input: number, output: number])[]
  /** Inputs whose content lasts from run to run, until a run says that some of it is new. Default: none. */
  readonly lasting?: readonly number[]
}

let nextId = 0

export function makeInput(abstract: Abstract, index: number): Value {
  return { id: nextId++, shape: abstract.shape, dtype: abstract.dtype, node: null, index }
}

export function makeNode<P extends PrimitiveName>(
  primitive: P,
  attributes: PrimitiveAttributes[P],
  inputs: readonly Value[],
  outputs: readonly Abstract[],
  scope = '',
): Node<P> {
  const values: Value[] = []
  const node: Node<P> = { primitive, attributes, inputs, outputs: values, scope }
  outputs.forEach(({ shape, dtype }, index) => values.push({ id: nextId++, shape, dtype, node: node as unknown as Node, index }))
  return node
}

/** Narrows a node to one primitive, attributes included. */
export function isNode<P extends PrimitiveName>(node: Node | null, primitive: P): node is Node<P> & Node {
  return node !== null && node.primitive === primitive
}

/** The one output of a node that has one. */
export const resultOf = (node: Node): Value => node.outputs[0] as Value

/** How often each value is used, by nodes and as graph output. */
export function countUses(graph: Graph): Map<Value, number> {
  const uses = new Map<Value, number>()
  const add = (value: Value): void => void uses.set(value, (uses.get(value) ?? 0) + 1)
  for (const node of graph.nodes) node.inputs.forEach(add)
  graph.outputs.forEach(add)
  return uses
}

/** A graph as text: `%3 f32(2,4) = add %1 %2`; one line a node, sub-graphs indented. */
export function printGraph(graph: Graph, indent = ''): string {
  const names = new Map<Value, string>()
  const nameOf = (value: Value): string => {
    let name = names.get(value)
    if (name === undefined) {
      name = `%${names.size}`
      names.set(value, name)
    }
    return name
  }
  const typed = (value: Value): string => `${nameOf(value)}:${value.dtype}(${value.shape.join(',')})`
  const lines = [`${indent}inputs ${graph.inputs.map(typed).join(' ')}`]
  for (const node of graph.nodes) {
    const entries = Object.entries(node.attributes).filter(([, attribute]) => !isGraph(attribute))
    const attributes = entries.map(([key, attribute]) => ` ${key}=${printAttribute(attribute)}`).join('')
    const scope = node.scope === '' ? '' : `   # ${node.scope}`
    lines.push(
      `${indent}${node.outputs.map(typed).join(' ')} = ${node.primitive} ${node.inputs.map(nameOf).join(' ')}${attributes}${scope}`,
    )
    for (const [key, attribute] of Object.entries(node.attributes)) {
      if (isGraph(attribute)) lines.push(`${indent}  ${key}:`, printGraph(attribute, `${indent}    `))
    }
  }
  const donated = new Map(graph.donations.map(([input, output]) => [output, input]))
  const outputs = graph.outputs.map((value, index) => nameOf(value) + (donated.has(index) ? `→input${donated.get(index)}` : ''))
  lines.push(`${indent}return ${outputs.join(' ')}`)
  return lines.join('\n')
}

function printAttribute(attribute: unknown): string {
  if (ArrayBuffer.isView(attribute)) {
    const numbers = Array.from(attribute as unknown as ArrayLike<number>)
    return numbers.length > 8 ? `[${numbers.slice(0, 8).join(',')},… ${numbers.length}]` : `[${numbers.join(',')}]`
  }
  return JSON.stringify(attribute)
}

export function isGraph(value: unknown): value is Graph {
  return typeof value === 'object' && value !== null && 'nodes' in value && 'donations' in value
}
