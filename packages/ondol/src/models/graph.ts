/**
 * A model cut out of the graph of symbolic calls: everything between some inputs and some outputs.
 * Depths and orders follow `keras/src/ops/function.py`, because names, files and summaries depend on them.
 */
import { DataError, GraphError } from '../core/errors.js'
import { formatShape } from '../core/shape.js'
import { flatten, mapTree, type Tree, unflatten } from '../core/tree.js'
import type { Tensor } from '../engine/index.js'
import { isSymbolic, type KerasTensor, type Operation, type SymbolicNode } from '../ops/operation.js'

/** The call that made a symbolic tensor. */
export function nodeOf({ history }: KerasTensor): SymbolicNode {
  const { operation, nodeIndex } = history as NonNullable<KerasTensor['history']>
  return operation.inboundNodes[nodeIndex] as SymbolicNode
}

export const isInputNode = (node: SymbolicNode): boolean => node.inputs.length === 0

export class ModelGraph {
  readonly inputs: readonly KerasTensor[]
  readonly outputs: readonly KerasTensor[]
  /** Input layers and operations, deepest first. */
  readonly operations: readonly Operation[]
  /** Calls in an order that runs, deepest first; those of one depth together. */
  readonly nodesByDepth: readonly (readonly SymbolicNode[])[]
  readonly #steps: readonly SymbolicNode[]

  constructor(
    readonly inputTree: Tree<KerasTensor>,
    readonly outputTree: Tree<KerasTensor>,
    where: string,
  ) {
    this.inputs = requireSymbols(where, 'inputs', inputTree)
    this.outputs = requireSymbols(where, 'outputs', outputTree)
    const { nodes, order } = collect(this.inputs, this.outputs, where)
    const { nodeDepths, operationDepths } = depths(nodes)
    this.inputs.forEach((input) => {
      const node = nodeOf(input)
      if (!isInputNode(node) || operationDepths.has(node.operation)) return
      operationDepths.set(node.operation, 0)
      order.set(node.operation, -1)
      nodeDepths.set(node, 0)
    })
    this.nodesByDepth = grouped(nodeDepths)
    this.operations = grouped(operationDepths).flatMap((group) => group.sort((a, b) => (order.get(a) as number) - (order.get(b) as number)))
    requireDistinctNames(where, this.operations)
    this.#steps = this.nodesByDepth.flat().filter((node) => !isInputNode(node))
  }

  /** Runs every call on real (or traced) tensors, one for each of `inputs`. */
  run(values: readonly Tensor[]): Tree<Tensor> {
    const known = new Map<KerasTensor, Tensor>()
    this.inputs.forEach((input, index) => known.set(input, values[index] as Tensor))
    const filled = (leaf: unknown): unknown => (isSymbolic(leaf) ? known.get(leaf) : leaf)
    for (const { operation, args, options, outputs } of this.#steps) {
      if (outputs.every((output) => known.has(output))) continue
      const results = operation.callOn(
        mapTree(args as Tree<unknown>, filled) as unknown[],
        mapTree(options as Tree<unknown>, filled) as Record<string, unknown>,
      )
      flatten(results).forEach((result, index) => {
        const output = outputs[index] as KerasTensor
        if (!known.has(output)) known.set(output, result)
      })
    }
    return unflatten(
      this.outputTree,
      this.outputs.map((output) => known.get(output) as Tensor),
    )
  }

  /** What people call the inputs: the names of their layers. */
  get inputNames(): string[] {
    return this.inputs.map((input) => input.history?.operation.name ?? input.name)
  }

  /** The names of the layers that make the outputs; a name that comes again gets a number. */
  get outputNames(): string[] {
    const counts = new Map<string, number>()
    return this.outputs.map((output) => {
      const name = output.history?.operation.name ?? output.name
      const count = counts.get(name) ?? 0
      counts.set(name, count + 1)
      return count === 0 ? name : `${name}_${count}`
    })
  }

  /** Whether the calls form one chain, in which no operation comes twice. */
  get isChain(): boolean {
    const nodes = this.nodesByDepth.flat()
    if (this.nodesByDepth.some((group) => group.length > 1) || nodes.some(({ inputs }) => inputs.length > 1)) return false
    return new Set(nodes.map(({ operation }) => operation)).size === nodes.length
  }
}

function requireSymbols(where: string, what: string, tree: Tree<KerasTensor>): KerasTensor[] {
  const leaves = flatten(tree)
  leaves.forEach((leaf, index) => {
    if (isSymbolic(leaf) && leaf.history !== undefined) return
    throw new GraphError({
      where,
      problem: `${what} must be symbolic tensors`,
      expected: 'what Input(...) gives, or a layer called on it',
      received: isSymbolic(leaf) ? `${what}[${index}] = ${leaf}, which no operation made` : `${what}[${index}] = ${String(leaf)}`,
    })
  })
  if (leaves.length === 0)
    throw new GraphError({ where, problem: `there are no ${what}`, hint: `new Model({ inputs, outputs }) needs at least one of each` })
  return leaves
}

/** All calls that the outputs need, each after those that it needs, and the order in which operations are met. */
function collect(
  inputs: readonly KerasTensor[],
  outputs: readonly KerasTensor[],
  where: string,
): { nodes: SymbolicNode[]; order: Map<Operation, number> } {
  const given = new Set(inputs)
  const nodes: SymbolicNode[] = []
  const order = new Map<Operation, number>()
  const seen = new Set<SymbolicNode>()
  const visit = (tensor: KerasTensor, path: readonly KerasTensor[]): void => {
    const node = nodeOf(tensor)
    if (seen.has(node)) return
    if (!isInputNode(node) && given.has(tensor)) return
    if (isInputNode(node) && !given.has(tensor)) throw disconnected(where, tensor, path, inputs)
    if (!order.has(node.operation)) order.set(node.operation, order.size)
    seen.add(node)
    for (const input of node.inputs) visit(input, [...path, tensor])
    nodes.push(node)
  }
  for (const output of outputs) visit(output, [])
  return { nodes, order }
}

function disconnected(where: string, source: KerasTensor, path: readonly KerasTensor[], inputs: readonly KerasTensor[]): GraphError {
  const nameOf = (tensor: KerasTensor): string => tensor.history?.operation.name ?? tensor.name
  const [output, user] = [path[0], path.at(-1)]
  return new GraphError({
    where,
    problem:
      output === undefined
        ? `output '${nameOf(source)}' is an Input that is not among the inputs`
        : `output '${nameOf(output)}' is not connected to the inputs alone`,
    expected: `outputs that depend on ${inputs.map((input) => `'${nameOf(input)}'`).join(', ')} only`,
    received: `${user === undefined ? 'it' : `'${nameOf(user)}'`} needs the Input '${nameOf(source)}', shape ${formatShape(source.shape)}`,
    hint: `add the tensor of Input '${nameOf(source)}' to inputs`,
  })
}

/** How far each call and each operation is from the outputs. */
function depths(nodes: readonly SymbolicNode[]): { nodeDepths: Map<SymbolicNode, number>; operationDepths: Map<Operation, number> } {
  const nodeDepths = new Map<SymbolicNode, number>()
  const operationDepths = new Map<Operation, number>()
  const inGraph = new Set(nodes)
  for (const node of [...nodes].reverse()) {
    const depth = Math.max(nodeDepths.get(node) ?? 0, operationDepths.get(node.operation) ?? 0)
    operationDepths.set(node.operation, depth)
    nodeDepths.set(node, depth)
    for (const input of node.inputs) {
      const parent = nodeOf(input)
      if (inGraph.has(parent)) nodeDepths.set(parent, Math.max(depth + 1, nodeDepths.get(parent) ?? 0))
    }
  }
  return { nodeDepths, operationDepths }
}

/** Items by depth, deepest group first; in a group as they were met. */
function grouped<T>(depthOf: ReadonlyMap<T, number>): T[][] {
  const groups = new Map<number, T[]>()
  for (const [item, depth] of depthOf) groups.set(depth, [...(groups.get(depth) ?? []), item])
  return [...groups].sort(([a], [b]) => b - a).map(([, group]) => group)
}

function requireDistinctNames(where: string, operations: readonly Operation[]): void {
  const names = operations.map(({ name }) => name)
  const repeated = names.find((name, index) => names.indexOf(name) !== index)
  if (repeated === undefined) return
  throw new GraphError({
    where,
    problem: `the name '${repeated}' is used ${names.filter((name) => name === repeated).length} times in the model`,
    hint: 'give each layer a name of its own',
  })
}

/** Values in the order of the graph's inputs: by name from a record, by place from a list. */
export function matchInputs(graph: ModelGraph, values: Tree<Tensor>, where: string): Tensor[] {
  const names = graph.inputNames
  const leaves = flatten(values)
  if (isPlainRecord(values)) return matchByName(graph, values as Readonly<Record<string, Tree<Tensor>>>, where)
  if (leaves.length === names.length) return leaves
  throw new DataError({
    where,
    problem: 'the model got another number of inputs than it has',
    expected: `${names.length}: ${names.join(', ')}`,
    received: `${leaves.length}`,
    hint: names.length > 1 ? 'pass a list in this order, or a record with these names' : 'pass one tensor',
  })
}

function matchByName(graph: ModelGraph, values: Readonly<Record<string, Tree<Tensor>>>, where: string): Tensor[] {
  const { inputTree } = graph
  // A model made with a record of inputs goes by its keys; any model goes by its inputs' names.
  const keys =
    isPlainRecord(inputTree) && flatten(inputTree).length === Object.keys(inputTree).length ? Object.keys(inputTree) : graph.inputNames
  const pick = (names: readonly string[]): Tensor[] | undefined => {
    const found = names.map((name) => values[name])
    return found.every((value) => value !== undefined) ? (found as Tensor[]) : undefined
  }
  const picked = pick(keys) ?? pick(graph.inputNames)
  if (picked !== undefined) return picked
  const missing = keys.filter((key) => values[key] === undefined)
  throw new DataError({
    where,
    problem: `there is no data for input ${missing.map((name) => `'${name}'`).join(', ')}`,
    expected: `a record with ${keys.join(', ')}`,
    received: `a record with ${Object.keys(values).join(', ')}`,
  })
}

export function isPlainRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
