/**
 * A model cut out of the graph of symbolic calls: everything between some inputs and some outputs.
 * Depths and orders follow `keras/src/ops/function.py`, because names, files and summaries depend on them.
 */
import { DataError, GraphError } from '../core/errors.js'
import { formatShape } from '../core/shape.js'
import { flatten, mapTree, type Tree, unflatten } from '../core/tree.js'
import { Tensor } from '../engine/index.js'
import { isRecord } from '../layers/convert.js'
import { Input, InputLayer } from '../layers/input-layer.js'
import { isSymbolic, KerasTensor, type Operation, recordCall, type SymbolicNode } from '../ops/operation.js'

/** The call that made a symbolic tensor. */
export function nodeOf({ history }: KerasTensor): SymbolicNode {
  const { operation, nodeIndex } = history as NonNullable<KerasTensor['history']>
  return operation.inboundNodes[nodeIndex] as SymbolicNode
}

export const isInputNode = (node: SymbolicNode): boolean => node.inputs.length === 0

export class ModelGraph {
  readonly inputTree: Tree<KerasTensor>
  readonly outputTree: Tree<KerasTensor>
  readonly inputs: readonly KerasTensor[]
  readonly outputs: readonly KerasTensor[]
  /** The inputs in the order in which they were given. */
  readonly declaredInputs: readonly KerasTensor[]
  /** Input layers and operations, deepest first. */
  readonly operations: readonly Operation[]
  /** Calls in an order that runs, deepest first; those of one depth together. */
  readonly nodesByDepth: readonly (readonly SymbolicNode[])[]
  readonly #steps: readonly SymbolicNode[]

  constructor(inputTree: Tree<KerasTensor>, outputTree: Tree<KerasTensor>, where: string) {
    const given = requireSymbols(where, 'inputs', inputTree)
    const wanted = requireSymbols(where, 'outputs', outputTree)
    const ends = given.every((input) => isInputNode(nodeOf(input)))
      ? { inputTree, outputTree }
      : onInputsOfItsOwn(inputTree, outputTree, collect(given, wanted, where).nodes)
    this.inputTree = withSortedKeys(ends.inputTree)
    this.outputTree = withSortedKeys(ends.outputTree)
    this.declaredInputs = flatten(ends.inputTree)
    this.inputs = flatten(this.inputTree)
    this.outputs = flatten(this.outputTree)
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
  run(values: readonly (Tensor | null)[]): Tree<Tensor> {
    const known = new Map<KerasTensor, Tensor | null>()
    this.inputs.forEach((input, index) => known.set(input, values[index] as Tensor | null))
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
    return this.inputs.map(nameOf)
  }

  /** The names of the layers that make the outputs; a name that comes again gets a number. */
  get outputNames(): string[] {
    const counts = new Map<string, number>()
    return this.outputs.map((output) => {
      const name = nameOf(output)
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

/** A copy, with records in the order of their keys: so Keras goes through them, and layers and weights are in that order. */
function withSortedKeys(tree: Tree<KerasTensor>): Tree<KerasTensor> {
  if (Array.isArray(tree)) return tree.map(withSortedKeys)
  if (!isRecord(tree)) return tree
  const entries = Object.entries(tree) as [string, Tree<KerasTensor>][]
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, withSortedKeys(item)]))
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
      ...(typeof leaf === 'function' && { hint: 'this is a layer, not what it gives: call it on a tensor first' }),
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

/**
 * The same graph with an `Input` in the place of each input that a layer or op makes: its calls are recorded once more,
 * on new tensors, as if the layers had been called on these inputs.
 */
function onInputsOfItsOwn(
  inputTree: Tree<KerasTensor>,
  outputTree: Tree<KerasTensor>,
  nodes: readonly SymbolicNode[],
): { inputTree: Tree<KerasTensor>; outputTree: Tree<KerasTensor> } {
  const copies = new Map<KerasTensor, KerasTensor>()
  const copyOf = (leaf: unknown): unknown => (isSymbolic(leaf) ? (copies.get(leaf) ?? leaf) : leaf)
  const inputs = mapTree(inputTree, (tensor) => {
    const copy = isInputNode(nodeOf(tensor))
      ? tensor
      : Input({ batchShape: tensor.shape, dtype: tensor.dtype, name: `${tensor.name}CLONE` })
    copies.set(tensor, copy)
    return copy
  })
  for (const { operation, args, options, output, inputs: sources } of nodes) {
    if (sources.length === 0) continue
    const outputs = mapTree(output, (tensor) => {
      const copy = new KerasTensor(tensor.shape, { dtype: tensor.dtype, name: `${tensor.name}_clone` })
      copy.mask = tensor.mask
      // An input that is one of several outputs of this call keeps its Input.
      if (!copies.has(tensor)) copies.set(tensor, copy)
      return copy
    })
    recordCall(
      operation,
      mapTree(args as Tree<unknown>, copyOf) as unknown[],
      mapTree(options as Tree<unknown>, copyOf) as Record<string, unknown>,
      outputs,
    )
  }
  return { inputTree: inputs, outputTree: mapTree(outputTree, (tensor) => copyOf(tensor) as KerasTensor) }
}

function disconnected(where: string, source: KerasTensor, path: readonly KerasTensor[], inputs: readonly KerasTensor[]): GraphError {
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

/** What the inputs are called, and by which keys a record may name them: keys of the model's own record, or names. */
const nameOf = (tensor: KerasTensor): string => tensor.history?.operation.name ?? tensor.name

const isOptional = (input: KerasTensor): boolean => {
  const operation = input.history?.operation
  return operation instanceof InputLayer && operation.optional
}

/**
 * Values in the order of the graph's inputs: by name from a record (in any order, others ignored), by place from a
 * list; nested as the model's inputs are, or flat. `null` where an optional input is left out.
 *
 * @throws DataError that names what is missing.
 */
export function matchInputs(graph: ModelGraph, values: Tree<Tensor | null>, where: string): (Tensor | null)[] {
  const matched = matchTree(graph.inputTree, values) ?? matchNames(graph, values) ?? matchFlat(graph, values)
  const missing = matched?.findIndex((value, index) => value === null && !isOptional(graph.inputs[index] as KerasTensor)) ?? -1
  if (matched !== undefined && missing < 0) return matched
  throw missing >= 0
    ? new DataError({
        where,
        problem: `input '${nameOf(graph.inputs[missing] as KerasTensor)}' is not optional, but null came`,
        hint: 'only an Input({ …, optional: true }) may be left out',
      })
    : mismatch(graph, values, where)
}

/** Values whose structure follows the model's: records by key, lists by place. */
function matchTree(expected: Tree<KerasTensor>, values: Tree<Tensor | null> | undefined): (Tensor | null)[] | undefined {
  if (values === undefined) return isSymbolic(expected) && isOptional(expected) ? [null] : undefined
  if (isSymbolic(expected)) return values === null || values instanceof Tensor ? [values] : undefined
  const isList = Array.isArray(expected)
  const hasKind = isList ? Array.isArray(values) && values.length === expected.length : isRecord(values)
  if (!hasKind) return undefined
  const found: (Tensor | null)[] = []
  for (const [key, child] of Object.entries(expected)) {
    const matched = matchTree(child as Tree<KerasTensor>, (values as Readonly<Record<string, Tree<Tensor>>>)[key])
    if (matched === undefined) return undefined
    found.push(...matched)
  }
  return found
}

/** A record with the names of the inputs, whatever structure the model was made with. */
function matchNames({ inputs }: ModelGraph, values: Tree<Tensor | null>): (Tensor | null)[] | undefined {
  if (!isRecord(values)) return undefined
  const found = inputs.map((input) => values[nameOf(input)] ?? (isOptional(input) ? null : undefined))
  return found.every((value) => value === null || value instanceof Tensor) ? (found as (Tensor | null)[]) : undefined
}

/** As many values as inputs, in a list of whatever depth, in the order in which the inputs were given. */
function matchFlat({ inputs, declaredInputs }: ModelGraph, values: Tree<Tensor | null>): (Tensor | null)[] | undefined {
  const leaves = flatten(values)
  if (leaves.length !== inputs.length || isRecord(values)) return undefined
  return inputs.map((input) => leaves[declaredInputs.indexOf(input)] as Tensor | null)
}

function mismatch(graph: ModelGraph, values: Tree<Tensor | null>, where: string): DataError {
  const { inputTree, inputs } = graph
  const names = inputs.map(nameOf)
  const count = flatten(values).length
  if (isRecord(values)) {
    const keys = isRecord(inputTree) ? Object.keys(inputTree) : names
    const missing = keys.filter((key) => (values as Readonly<Record<string, unknown>>)[key] === undefined)
    return new DataError({
      where,
      problem: `there is no data for input ${missing.map((name) => `'${name}'`).join(', ')}`,
      expected: `a record with ${keys.join(', ')}`,
      received: `a record with ${Object.keys(values).join(', ')}`,
    })
  }
  return new DataError({
    where,
    problem: 'the model got another number of inputs than it has',
    expected: `${names.length}: ${names.join(', ')}`,
    received: `${count}`,
    hint: names.length > 1 ? 'pass a list in this order, or a record with these names' : 'pass one tensor',
  })
}
