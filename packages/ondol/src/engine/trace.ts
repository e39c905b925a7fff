/**
 * Tracing: recording what a function does to tensors as a Graph.
 *
 * Traces nest (the body of a scan inside a jitted function). A tensor from outside that the inner
 * function uses is *captured*: it becomes an input of the inner graph.
 */
import { TracingError } from '../core/errors.js'
import { type Abstract, type Graph, makeInput, makeNode, type Node, type Value } from './graph.js'
import { inferOutputs, type PrimitiveAttributes, type PrimitiveName } from './primitives.js'
import { Tensor, type TraceOwner } from './tensor.js'

/** What a trace needs of a Variable: see variable.ts. */
export interface TracedState {
  readonly shape: Abstract['shape']
  readonly dtype: Abstract['dtype']
  readonly name: string
}

export class Trace implements TraceOwner {
  isOpen = true
  readonly nodes: Node[] = []
  readonly inputs: Value[] = []
  readonly #captured = new Map<Tensor, Tensor>()
  readonly #state = new Map<TracedState, { readonly initial: Tensor; current: Tensor }>()

  constructor(
    readonly parent: Trace | undefined,
    /** Whether Variables may be assigned: in a whole function yes, in the body of a loop or branch no. */
    readonly takesState: boolean,
  ) {}

  input(abstract: Abstract): Tensor {
    const value = makeInput(abstract, this.inputs.length)
    this.inputs.push(value)
    return new Tensor(abstract, { value, trace: this })
  }

  /** The graph value of any tensor, capturing it if it comes from outside. */
  valueOf(tensor: Tensor): Value {
    const own = tensor.traced()
    if (own?.trace === this) return own.value
    if (own !== undefined && !own.trace.isOpen) tensor.buffer('traced function') // explains
    let inner = this.#captured.get(tensor)
    if (inner === undefined) {
      inner = this.input(tensor)
      this.#captured.set(tensor, inner)
    }
    return (inner.traced() as { value: Value }).value
  }

  /** Outer tensors that became inputs, in input order. */
  get captured(): { readonly tensor: Tensor; readonly value: Value }[] {
    return [...this.#captured].map(([tensor, inner]) => ({ tensor, value: this.valueOf(inner) }))
  }

  record<P extends PrimitiveName>(primitive: P, attributes: PrimitiveAttributes[P], inputs: readonly Tensor[]): Tensor[] {
    const values = inputs.map((tensor) => this.valueOf(tensor))
    const node = makeNode(primitive, attributes, values, inferOutputs(primitive, attributes, values), scopes.join('/'))
    this.nodes.push(node as unknown as Node)
    return node.outputs.map((value) => new Tensor(value, { value, trace: this }))
  }

  /** The value a Variable has at this point of the function. */
  readState(state: TracedState): Tensor {
    return this.#stateOf(state).current
  }

  /** The enclosing trace whose Variables are inputs and outputs; none while a loop is traced eagerly. */
  get stateOwner(): Trace | undefined {
    return this.takesState ? this : this.parent?.stateOwner
  }

  writeState(state: TracedState, value: Tensor): void {
    if (!this.takesState) {
      throw new TracingError({
        where: state.name,
        problem: 'a Variable cannot be assigned inside the body of a scan, while or cond',
        hint: 'carry the value through the loop and assign it after',
      })
    }
    this.valueOf(value)
    this.#stateOf(state).current = value
  }

  get state(): ReadonlyMap<TracedState, { readonly initial: Tensor; readonly current: Tensor }> {
    return this.#state
  }

  #stateOf(state: TracedState): { readonly initial: Tensor; current: Tensor } {
    let entry = this.#state.get(state)
    if (entry === undefined) {
      const initial = this.input(state)
      entry = { initial, current: initial }
      this.#state.set(state, entry)
    }
    return entry
  }

  finish(outputs: readonly Tensor[], donations: Graph['donations'] = []): Graph {
    const values = outputs.map((tensor) => this.valueOf(tensor))
    this.isOpen = false
    return { inputs: this.inputs, nodes: this.nodes, outputs: values, donations }
  }
}

let current: Trace | undefined
let scopes: string[] = []

export const currentTrace = (): Trace | undefined => current

/** Runs `body` with `trace` recording. */
export function withTrace<R>(trace: Trace | undefined, body: () => R): R {
  const outer = current
  current = trace
  try {
    return body()
  } finally {
    current = outer
  }
}

/** Runs `body` for real even while a function is being traced: what makes the first value of a Variable. */
export const withoutTrace = <R>(body: () => R): R => withTrace(undefined, body)

/** Names everything recorded in `body` after the layer that asks for it. */
export function withScope<R>(name: string, body: () => R): R {
  scopes = [...scopes, name]
  try {
    return body()
  } finally {
    scopes = scopes.slice(0, -1)
  }
}

/**
 * Records `body` over abstract inputs as a closed sub-graph: its captures come first among the inputs
 * (as `constants`, the outer tensors), then `inputs` in order.
 */
export function traceSubgraph(
  inputs: readonly Abstract[],
  body: (...args: Tensor[]) => readonly Tensor[],
): { graph: Graph; constants: Tensor[] } {
  const trace = new Trace(current, false)
  const args = inputs.map((abstract) => trace.input({ shape: abstract.shape, dtype: abstract.dtype }))
  const graph = trace.finish(withTrace(trace, () => body(...args)))
  const captured = trace.captured
  const own = args.map((tensor) => (tensor.traced() as { value: Value }).value)
  return { graph: reorderInputs(graph, [...captured.map(({ value }) => value), ...own]), constants: captured.map(({ tensor }) => tensor) }
}

/** The same graph with its inputs in another order (`index` of an input is its place). */
export function reorderInputs(graph: Graph, inputs: readonly Value[]): Graph {
  inputs.forEach((value, index) => {
    ;(value as { index: number }).index = index
  })
  return { ...graph, inputs }
}
