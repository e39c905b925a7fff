/**
 * Graph → operations with every operand in a form its kernel takes. Copies (casts to the same dtype, which
 * fuse like any element-wise node) go in where a view will not do; kernels swallow bias and relu;
 * parts of concats, pads and scatters are claimed, so that their producers write them in place.
 */

import { sizeOf } from '../../core/shape.js'
import type { Graph, Node, Value } from '../graph.js'
import { countUses, isNode, makeNode, resultOf } from '../graph.js'
import type { PrimitiveName } from '../primitives.js'
import { type Kind, kindOf, REDUCTIONS } from './classify.js'
import { type Epilogue, matchEpilogues } from './epilogues.js'
import { hasUnitStride, matmulOperands, momentsOperand } from './operands.js'
import { dense, isDense, moveView, type Strided, sliceView } from './strided.js'
import type { LoweringTarget } from './target.js'

/** A node on its way to a step. */
export interface Operation {
  readonly node: Node
  readonly kind: Kind
  readonly inputs: readonly Value[]
  readonly outputs: readonly Value[]
  /** Kernels with an epilogue. */
  readonly bias?: Value
  readonly relu?: boolean
}

/** A value that lives inside the memory of an assembly's result. */
export interface Claim {
  readonly owner: Value
  /** First index of the part in the owner, per axis. */
  readonly start: readonly number[]
}

export interface Program {
  readonly graph: Graph
  /** In an order that runs. */
  readonly operations: readonly Operation[]
  /** What makes a value; nothing for graph inputs. */
  readonly producer: ReadonlyMap<Value, Operation>
  readonly claims: ReadonlyMap<Value, Claim>
  /** The value whose (reshaped) elements are graph output i. */
  readonly outputs: readonly Value[]
  /** Values that must lie in memory, densely: operands of kernels. */
  readonly operands: ReadonlySet<Value>
  /** Values that loops must read from memory, because no index map leads through what follows. */
  readonly pinned: ReadonlySet<Value>
}

/** What one attempt at lowering leaves for the next. */
export class Findings {
  /** Inputs of movements that no index map leads through. */
  readonly forced = new Set<Value>()
  /** Movements made for kernel operands: the same ones in each attempt. */
  readonly moves = new Map<Node, readonly (readonly Node[])[]>()
}

export function legalize(graph: Graph, target: LoweringTarget, findings: Findings): Program {
  return new Legalizer(graph, target, findings).run()
}

class Legalizer {
  readonly #operations: Operation[] = []
  readonly #producer = new Map<Value, Operation>()
  readonly #operands = new Set<Value>()
  readonly #copies = new Map<Value, Value>()
  readonly #claims = new Map<Value, Claim>()
  readonly #taken = new Set<Value>()
  readonly #pinned = new Set<Value>()

  constructor(
    readonly graph: Graph,
    readonly target: LoweringTarget,
    readonly findings: Findings,
  ) {}

  run(): Program {
    const { graph } = this
    const epilogues = matchEpilogues(graph, this.target)
    for (const node of graph.nodes) {
      if (epilogues.absorbed.has(node)) continue
      const epilogue = epilogues.byLast.get(node)
      if (epilogue === undefined) this.#visit(node, node.outputs)
      else this.#visit(epilogue.kernel, node.outputs, epilogue)
    }
    const outputs = graph.outputs.map((value, index) => this.#outputBase(value, index))
    const operations = this.#claimParts()
    return { graph, operations, producer: this.#producer, claims: this.#claims, outputs, operands: this.#operands, pinned: this.#pinned }
  }

  #visit(node: Node, outputs: readonly Value[], epilogue?: Epilogue): void {
    const kind = isEmptyReduction(node) ? 'source' : kindOf(node)
    const inputs = kind === 'source' ? [] : this.#inputsOf(node, kind)
    const bias = epilogue?.bias && this.#operand(epilogue.bias)
    this.#add({ node, kind, inputs, outputs, ...(bias && { bias }), ...(epilogue?.relu && { relu: true }) })
  }

  #add(operation: Operation): void {
    this.#operations.push(operation)
    for (const output of operation.outputs) this.#producer.set(output, operation)
  }

  #kind(value: Value): Kind | 'input' {
    return this.#producer.get(value)?.kind ?? 'input'
  }

  /** The value in memory that a chain of movements looks at, and the view, if it is one. */
  #resolve(value: Value): { readonly base: Value; readonly view: Strided | null } {
    const chain: Node[] = []
    let base = value
    while (this.#kind(base) === 'movement') {
      const { node, inputs } = this.#producer.get(base) as Operation
      chain.push(node)
      base = inputs[0] as Value
    }
    const view = chain.reduceRight<Strided | null>((from, node) => from && moveView(node, from), dense(base.shape))
    return { base, view }
  }

  #copy(value: Value): Value {
    const node = makeNode('cast', { dtype: value.dtype }, [value], [value], value.node?.scope ?? '')
    const kind = 'elementwise'
    this.#add({ node, kind, inputs: [value], outputs: node.outputs })
    return resultOf(node)
  }

  #copyOnce(value: Value): Value {
    let copy = this.#copies.get(value)
    if (copy === undefined) {
      copy = this.#copy(value)
      this.#copies.set(value, copy)
      this.#operands.add(copy)
    }
    return copy
  }

  /** The value itself if it can be looked at in the wanted way, else a dense copy. */
  #operand(value: Value, accepts: (view: Strided) => boolean = isDense): Value {
    const { base, view } = this.#resolve(value)
    if (view === null || this.#kind(base) === 'source' || !accepts(view) || this.#isNarrow(base)) return this.#copyOnce(value)
    this.#operands.add(base)
    return value
  }

  /** Pool positions are uint8 in memory: whoever is not a pool's gradient takes a copy in int32. */
  #isNarrow(base: Value): boolean {
    const maker = this.#producer.get(base)
    return maker?.node.primitive === 'maxPool' && base.index === 1
  }

  #inputsOf(node: Node, kind: Kind): readonly Value[] {
    if (kind === 'kernel') return this.#kernelInputs(node)
    if (kind === 'assembly') return this.#assemblyInputs(node)
    const [input] = node.inputs
    if (kind !== 'movement' || input === undefined || !this.findings.forced.has(input)) return node.inputs
    const copy = this.#copyOnce(input)
    this.#pinned.add(copy)
    return [copy]
  }

  #kernelInputs(node: Node): Value[] {
    if (isNode(node, 'dot'))
      return this.#moved(node, matmulOperands).map((value) => this.#operand(value, ({ shape, strides }) => hasUnitStride(shape, strides)))
    if (isNode(node, 'moments')) {
      return this.#moved(node, momentsOperand).map((value) => this.#operand(value, (view) => isDense(view) || view.strides[2] === 1))
    }
    if (node.primitive === 'maxPoolGrad' || node.primitive === 'maxPoolGather') {
      const [values, positions] = node.inputs as [Value, Value]
      const { base, view } = this.#resolve(positions)
      const keeps = this.#isNarrow(base) && view !== null && isDense(view)
      if (keeps) this.#operands.add(base)
      return [this.#operand(values), keeps ? positions : this.#operand(positions)]
    }
    return node.inputs.map((value) => this.#operand(value))
  }

  /** Adds the movements that bring operands into form; returns what they lead to. */
  #moved<P extends PrimitiveName>(node: Node<P>, arrange: (node: Node<P>) => readonly (readonly Node[])[]): Value[] {
    const key = node as unknown as Node
    const moves = this.findings.moves.get(key) ?? arrange(node)
    this.findings.moves.set(key, moves)
    return moves.map((chain) => {
      for (const move of chain) this.#visit(move, move.outputs)
      return resultOf(chain[chain.length - 1] as Node)
    })
  }

  #assemblyInputs(node: Node): readonly Value[] {
    if (isNode(node, 'concat')) return node.inputs
    if (isNode(node, 'pad')) {
      const [value, filling] = node.inputs as [Value, Value]
      const isKnown = isNode(filling.node, 'full') || (isNode(filling.node, 'constant') && this.#kind(filling) === 'source')
      return [isSpread(node) ? this.#operand(value) : value, isKnown ? filling : this.#operand(filling)]
    }
    const [base, indices, updates] = node.inputs as [Value, Value, Value]
    this.#operands.add(resultOf(node))
    return [base, this.#operand(indices), this.#operand(updates)]
  }

  /** Outputs are written by whoever computes them; inputs, constants and what is already an output are copied. */
  #outputBase(value: Value, index: number): Value {
    const { graph } = this
    const donor = graph.donations.find(([, output]) => output === index)
    if (donor !== undefined && graph.inputs[donor[0]] === value) return value
    const { base } = this.#resolve(value)
    const kind = this.#kind(base)
    const isWhole = base === value || this.#isReshaped(value)
    const isComputed = kind === 'elementwise' || kind === 'reduction' || kind === 'assembly' || kind === 'kernel'
    const result = isWhole && isComputed && !this.#taken.has(base) && !this.#isNarrow(base) ? base : this.#copy(value)
    this.#taken.add(result)
    return result
  }

  #isReshaped(value: Value): boolean {
    let at = value
    while (this.#kind(at) === 'movement') {
      const { node, inputs } = this.#producer.get(at) as Operation
      if (node.primitive !== 'reshape') return false
      at = inputs[0] as Value
    }
    return true
  }

  /** Gives each part of each assembly its place in the result: its producer's, or a copy's. */
  #claimParts(): Operation[] {
    const uses = countUses(this.graph)
    const operations = [...this.#operations]
    this.#operations.length = 0
    for (const operation of operations) {
      if (operation.kind !== 'assembly') {
        this.#add(operation)
        continue
      }
      const owner = operation.outputs[0] as Value
      const isScatter = operation.node.primitive.startsWith('scatter')
      const inputs = [...operation.inputs]
      for (const { at, start } of isSpread(operation.node) ? [] : partsOf(operation)) {
        const part = inputs[at] as Value
        const isShared = isScatter && ((uses.get(part) ?? 0) > 1 || this.#kind(part) === 'assembly')
        const isRow = isDense(sliceView(dense(owner.shape), start, part.shape))
        const claimed = !isShared && this.#claimable(part, isRow) ? part : this.#copy(part)
        inputs[at] = claimed
        this.#claims.set(claimed, { owner, start })
        this.#taken.add(claimed)
        if (this.#operands.has(claimed) || this.#kind(claimed) === 'kernel') this.#operands.add(owner)
      }
      this.#add({ ...operation, inputs })
    }
    return [...this.#operations]
  }

  /** Kernels write, and read, dense memory only; loops do not care. */
  #claimable(part: Value, isRow: boolean): boolean {
    if (this.#taken.has(part) || this.#isNarrow(part)) return false
    const kind = this.#kind(part)
    if (kind === 'kernel') return isRow
    return (kind === 'elementwise' || kind === 'reduction' || kind === 'assembly') && (isRow || !this.#operands.has(part))
  }
}

/** Where in an assembly's result each part begins. */
export function partsOf({
  node,
  outputs,
}: Pick<Operation, 'node' | 'outputs'>): readonly { readonly at: number; readonly start: readonly number[] }[] {
  const result = outputs[0] as Value
  if (isNode(node, 'concat')) {
    let from = 0
    return node.inputs.map(({ shape }, at) => {
      const start = shape.map((_, axis) => (axis === node.attributes.axis ? from : 0))
      from += shape[node.attributes.axis] as number
      return { at, start }
    })
  }
  return [{ at: 0, start: isNode(node, 'pad') ? node.attributes.low : result.shape.map(() => 0) }]
}

/** Sums of nothing and matrix products over nothing are numbers known beforehand. */
const isEmptyReduction = (node: Node): boolean => {
  const [input] = node.inputs
  if (input === undefined || sizeOf(input.shape) > 0) return false
  return node.primitive === 'dot' || Object.hasOwn(REDUCTIONS, node.primitive)
}

/** A pad between elements: written by a fill and a copy after it. */
export const isSpread = (node: Node): boolean => isNode(node, 'pad') && node.attributes.interior.some((gap) => gap > 0)
