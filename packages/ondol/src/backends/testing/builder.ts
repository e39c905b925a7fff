/** Graphs by hand, for tests: values together with the data their inputs are bound to. */
import { type Graph, makeInput, makeNode, type Node, type Value } from '../../engine/graph.js'
import { inferOutputs, type PrimitiveAttributes, type PrimitiveName } from '../../engine/primitives.js'
import type { HostArray } from '../host/index.js'

/** A graph and what to run it on. */
export interface Trial {
  readonly graph: Graph
  readonly inputs: readonly HostArray[]
}

/** One primitive: its attributes and operands. */
export interface Case<Attributes> {
  readonly attributes: Attributes
  readonly inputs: readonly HostArray[]
}

export class GraphBuilder {
  readonly #inputs: Value[] = []
  readonly #nodes: Node[] = []
  readonly data: HostArray[] = []

  /** A graph input bound to `array`. */
  input(array: HostArray): Value {
    const value = makeInput(array, this.#inputs.length)
    this.#inputs.push(value)
    this.data.push(array)
    return value
  }

  /** All outputs of a new node. */
  applyAll<P extends PrimitiveName>(primitive: P, attributes: PrimitiveAttributes[P], ...inputs: Value[]): readonly Value[] {
    const node = makeNode(primitive, attributes, inputs, inferOutputs(primitive, attributes, inputs))
    this.#nodes.push(node as unknown as Node)
    return node.outputs
  }

  /** The first output of a new node. */
  apply<P extends PrimitiveName>(primitive: P, attributes: PrimitiveAttributes[P], ...inputs: Value[]): Value {
    return this.applyAll(primitive, attributes, ...inputs)[0] as Value
  }

  graph(outputs: readonly Value[], donations: Graph['donations'] = []): Graph {
    return { inputs: this.#inputs, nodes: this.#nodes, outputs, donations }
  }

  trial(outputs: readonly Value[], donations: Graph['donations'] = []): Trial {
    return { graph: this.graph(outputs, donations), inputs: this.data }
  }
}
