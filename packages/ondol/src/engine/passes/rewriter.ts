/**
 * Rebuilds a graph node by node: each node meets the simplification rules, then hash-consing (equal primitive,
 * attributes and inputs: one node). What rules build goes the same way, so one pass settles nearly everything.
 */
import type { DType } from '../../core/dtype.js'
import { type Shape, sameShape } from '../../core/shape.js'
import { type Graph, isGraph, makeNode, type Node, type Value } from '../graph.js'
import { inferOutputs, type PrimitiveAttributes, type PrimitiveName } from '../primitives.js'

/** What a rule makes of a node: other values in the place of its outputs, or null to leave it. */
export type Rule<P extends PrimitiveName> = (
  rewriter: Rewriter,
  attributes: PrimitiveAttributes[P],
  inputs: readonly Value[],
) => Value | readonly Value[] | null
export type Rules = { readonly [P in PrimitiveName]?: readonly Rule<P>[] }

export class Rewriter {
  readonly #nodes: Node[] = []
  readonly #known = new Map<string, readonly Value[]>()
  readonly #storages = new Map<object, number>()
  #scope = ''

  constructor(
    readonly rules: Rules,
    readonly onSubgraph: (graph: Graph) => Graph,
  ) {}

  /** `replace` may make the outputs of a node in a way of its own, from what the values before have become. */
  run(graph: Graph, replace?: (node: Node, now: (value: Value) => Value) => readonly Value[] | undefined): Graph {
    const values = new Map<Value, Value>(graph.inputs.map((value) => [value, value]))
    const now = (value: Value): Value => values.get(value) as Value
    for (const node of graph.nodes) {
      this.#scope = node.scope
      const results = replace?.(node, now) ?? this.all(node.primitive, this.#attributes(node), node.inputs.map(now))
      node.outputs.forEach((value, i) => void values.set(value, results[i] as Value))
    }
    return { ...graph, nodes: this.#nodes, outputs: graph.outputs.map(now) }
  }

  all<P extends PrimitiveName>(primitive: P, attributes: PrimitiveAttributes[P], inputs: readonly Value[]): readonly Value[] {
    for (const rule of (this.rules[primitive] ?? []) as readonly Rule<P>[]) {
      const result = rule(this, attributes, inputs)
      if (result !== null) return Array.isArray(result) ? (result as readonly Value[]) : [result as Value]
    }
    const key = `${primitive}|${this.#keyOf(attributes)}|${inputs.map(({ id }) => id).join(',')}`
    let outputs = this.#known.get(key)
    if (outputs === undefined) {
      const node = makeNode(primitive, attributes, inputs, inferOutputs(primitive, attributes, inputs), this.#scope)
      this.#nodes.push(node as unknown as Node)
      outputs = node.outputs
      this.#known.set(key, outputs)
    }
    return outputs
  }

  one<P extends PrimitiveName>(primitive: P, attributes: PrimitiveAttributes[P], ...inputs: Value[]): Value {
    return this.all(primitive, attributes, inputs)[0] as Value
  }

  /** A node that exists already for these, if one does. */
  find<P extends PrimitiveName>(primitive: P, attributes: PrimitiveAttributes[P], ...inputs: Value[]): Value | undefined {
    return this.#known.get(`${primitive}|${this.#keyOf(attributes)}|${inputs.map(({ id }) => id).join(',')}`)?.[0]
  }

  full(shape: Shape, dtype: DType, value: number): Value {
    return this.one('full', { shape, dtype, value })
  }

  reshape(x: Value, shape: Shape): Value {
    return sameShape(x.shape, shape) ? x : this.one('reshape', { shape }, x)
  }

  #attributes(node: Node): PrimitiveAttributes[PrimitiveName] {
    const entries = Object.entries(node.attributes)
    if (!entries.some(([, attribute]) => isGraph(attribute))) return node.attributes
    return Object.fromEntries(
      entries.map(([key, attribute]) => [key, isGraph(attribute) ? this.onSubgraph(attribute) : attribute]),
    ) as never
  }

  #keyOf(attributes: object): string {
    return JSON.stringify(attributes, (_, value: unknown) => {
      if (Object.is(value, -0)) return '-0'
      if (typeof value === 'number' && !Number.isFinite(value)) return `${value}`
      if (typeof value !== 'object' || value === null) return value
      if (ArrayBuffer.isView(value)) return this.#storageKey(value)
      return isGraph(value) ? `graph ${this.#idOf(value)}` : value
    })
  }

  /** Small constants are equal by content, big ones by identity. */
  #storageKey(storage: ArrayBufferView): string {
    const numbers = storage as unknown as ArrayLike<number>
    return numbers.length <= 16
      ? Array.from(numbers, (value) => (Object.is(value, -0) ? '-0' : `${value}`)).join(' ')
      : `storage ${this.#idOf(storage)}`
  }

  #idOf(object: object): number {
    let id = this.#storages.get(object)
    if (id === undefined) {
      id = this.#storages.size
      this.#storages.set(object, id)
    }
    return id
  }
}
