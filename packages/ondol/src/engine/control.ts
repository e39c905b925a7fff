/**
 * Control flow with sub-graphs, and its gradients.
 *
 * The gradient of a scan is a scan backwards over what the forward pass saved. What has to be saved is
 * found by differentiating the body once: of the joint graph, what the body's outputs need is computed on
 * the way forward (and stacked where the way back reads it), the rest on the way back. The gradient of a
 * weight, a sum over all steps of products, is one product of stacked operands after the loop.
 */
import { ShapeError, TracingError } from '../core/errors.js'
import { formatShape, sameShape } from '../core/shape.js'
import { backpropagate, type Rules } from './autodiff.js'
import { bind } from './bind.js'
import { type ControlFlow, type Cotangent, GRADIENTS, type Vjp } from './gradients.js'
import { type Abstract, type Graph, isNode, type Node, type Value } from './graph.js'
import * as lax from './lax.js'
import type { PrimitiveAttributes, PrimitiveName } from './primitives.js'
import { isFollowed, startTape, stopTape, Tape, withoutTapes } from './tape.js'
import { isDifferentiable, type Tensor } from './tensor.js'
import { Trace, traceSubgraph, withTrace } from './trace.js'

export interface ScanOptions {
  /** Steps; needed only when there are no sequences. */
  readonly length?: number
  /** From the last step to the first. */
  readonly reverse?: boolean
}

const abstractOf = ({ shape, dtype }: Abstract): Abstract => ({ shape, dtype })

/**
 * Runs `body(carries, elements) → [carries, results]` for each step along axis 0 of `sequences`.
 * Gives the last carries and the stacked results, (length, …) each.
 */
export function scan(
  body: (carries: Tensor[], elements: Tensor[]) => readonly [carries: readonly Tensor[], results: readonly Tensor[]],
  initial: readonly Tensor[],
  sequences: readonly Tensor[],
  { length: given, reverse = false }: ScanOptions = {},
): [carries: Tensor[], results: Tensor[]] {
  const length = given ?? sequences[0]?.shape[0]
  if (length === undefined || sequences.some(({ shape }) => shape[0] !== length)) {
    throw new ShapeError({
      where: 'scan',
      problem: length === undefined ? 'the number of steps is unknown' : 'the sequences differ in length',
      expected: length === undefined ? 'sequences, or a length' : `${length} steps on axis 0 of each`,
      received: sequences.map(({ shape }) => formatShape(shape)).join(', '),
    })
  }
  const abstracts = [...initial.map(abstractOf), ...sequences.map(({ shape, dtype }) => ({ shape: shape.slice(1), dtype }))]
  const { graph, constants } = traceSubgraph(abstracts, (...args) => {
    const [carries, results] = body(args.slice(0, initial.length), args.slice(initial.length))
    requireSameCarries('scan', initial, carries)
    return [...carries, ...results]
  })
  const attributes = { body: graph, constants: constants.length, carries: initial.length, length, reverse }
  const outputs = bindScan(attributes, [...constants, ...initial, ...sequences])
  return [outputs.slice(0, initial.length), outputs.slice(initial.length)]
}

/** Runs `body` on the carries as long as `condition` holds. Not differentiable backwards: the number of steps is not known. */
export function whileLoop(
  condition: (...carries: Tensor[]) => Tensor,
  body: (...carries: Tensor[]) => readonly Tensor[],
  initial: readonly Tensor[],
): Tensor[] {
  const abstracts = initial.map(abstractOf)
  const test = traceSubgraph(abstracts, (...carries) => [condition(...carries)])
  const step = traceSubgraph(abstracts, (...carries) => {
    const next = body(...carries)
    requireSameCarries('whileLoop', initial, next)
    return next
  })
  const attributes = {
    condition: test.graph,
    body: step.graph,
    conditionConstants: test.constants.length,
    bodyConstants: step.constants.length,
  }
  return bind('while', attributes, [...test.constants, ...step.constants, ...initial])
}

/** The results of one of two functions of no arguments, by a bool scalar. Both must give the same shapes and dtypes. */
export function cond(predicate: Tensor, whenTrue: () => readonly Tensor[], whenFalse: () => readonly Tensor[]): Tensor[] {
  const yes = traceSubgraph([], whenTrue)
  const no = traceSubgraph([], whenFalse)
  requireSameCarries('cond', yes.graph.outputs, no.graph.outputs)
  // Both branches take all captures: first those of the one, then those of the other.
  const widen = (graph: Graph, before: readonly Tensor[], after: readonly Tensor[]): Graph =>
    evaluateAsGraph([...before, ...after], (args) =>
      evaluate(graph, graph === yes.graph ? args.slice(0, before.length) : args.slice(before.length)),
    )
  const attributes = { whenTrue: widen(yes.graph, yes.constants, no.constants), whenFalse: widen(no.graph, yes.constants, no.constants) }
  return bind('cond', attributes, [predicate, ...yes.constants, ...no.constants])
}

function requireSameCarries(where: string, expected: readonly Abstract[], received: readonly Abstract[]): void {
  const print = (values: readonly Abstract[]): string => values.map(({ shape, dtype }) => `${dtype}${formatShape(shape)}`).join(', ')
  const agrees =
    expected.length === received.length &&
    expected.every((value, i) => sameShape(value.shape, (received[i] as Abstract).shape) && value.dtype === (received[i] as Abstract).dtype)
  if (!agrees) {
    throw new ShapeError({
      where,
      problem: 'values change shape or dtype from step to step or from branch to branch',
      expected: print(expected),
      received: print(received),
    })
  }
}

/** Applies a graph to tensors, node by node, in whatever mode is current. */
export function evaluate(graph: Graph, inputs: readonly Tensor[]): Tensor[] {
  const values = new Map<Value, Tensor>()
  graph.inputs.forEach((value, index) => values.set(value, inputs[index] as Tensor))
  for (const node of graph.nodes) {
    const outputs = bindAny(
      node.primitive,
      node.attributes,
      node.inputs.map((value) => values.get(value) as Tensor),
    )
    node.outputs.forEach((value, index) => values.set(value, outputs[index] as Tensor))
  }
  return graph.outputs.map((value) => values.get(value) as Tensor)
}

const bindAny = <P extends PrimitiveName>(primitive: P, attributes: PrimitiveAttributes[P], inputs: readonly Tensor[]): Tensor[] =>
  primitive === 'scan' ? bindScan(attributes as ScanAttributes, inputs) : bind(primitive, attributes, inputs)

function evaluateAsGraph(inputs: readonly Abstract[], body: (args: Tensor[]) => readonly Tensor[]): Graph {
  return traceSubgraph(inputs, (...args) => body(args)).graph
}

type ScanAttributes = PrimitiveAttributes['scan']

/** How to go back through one step of a scan: see `differentiateBody`. */
interface Adjoint {
  /** (constants, carries, elements) → (carries, results, saved): what the forward scan runs. */
  readonly forward: Graph
  readonly saved: readonly Value[]
  /**
   * (saved, constants, carries, elements, cotangents of carries and results) → cotangents of
   * constants, carries and elements that are wanted; only the inputs in `uses` are read.
   */
  readonly backward: Graph
  readonly wanted: readonly number[]
  readonly results: number
}

const adjoints = new WeakMap<Graph, Adjoint>()

/** Binds a scan; on a tape it saves what its gradient will need, as additional results. */
function bindScan(attributes: ScanAttributes, inputs: readonly Tensor[]): Tensor[] {
  if (!isFollowed(inputs)) return bind('scan', attributes, inputs)
  const adjoint = differentiateBody(attributes)
  const outputs = bind('scan', { ...attributes, body: adjoint.forward }, inputs)
  return outputs.slice(0, attributes.body.outputs.length)
}

/**
 * Splits the body's joint forward-and-backward graph in two. A value goes forward if the body's outputs need
 * it; forward values that the backward half reads are saved (unless they are inputs of the body: constants
 * and elements are at hand anyway, carries are saved).
 */
function differentiateBody({ body, constants, carries }: ScanAttributes): Adjoint {
  const inputs = body.inputs.map(abstractOf)
  const wanted = body.inputs.map((_, index) => index).filter((index) => (body.inputs[index] as Value).dtype.includes('float'))
  const trace = new Trace(undefined, false)
  const primal = inputs.map((abstract) => trace.input(abstract))
  const cotangents = body.outputs.map((output) => (output.dtype.includes('float') ? trace.input(abstractOf(output)) : null))
  let outputs: Tensor[] = []
  const back = withTrace(trace, () =>
    withoutTapes(() => {
      const tape = new Tape()
      primal.forEach((tensor) => void tape.watch(tensor))
      startTape(tape)
      try {
        outputs = evaluate(body, primal)
      } finally {
        stopTape(tape)
      }
      const targets = outputs.flatMap((tensor, index) =>
        cotangents[index] === null ? [] : [[tensor, cotangents[index] as Tensor] as const],
      )
      const sources = wanted.map((index) => primal[index] as Tensor)
      return backpropagate(tape.records, targets, sources, RULES).map((cotangent, i) => cotangent ?? lax.zerosLike(sources[i] as Tensor))
    }),
  )
  const joint = trace.finish([...outputs, ...back])
  const primalValues = joint.inputs.slice(0, inputs.length)
  const cotangentValues = joint.inputs.slice(inputs.length)
  const goesForward = new Set<Value>(joint.outputs.slice(0, outputs.length))
  for (const node of [...joint.nodes].reverse()) {
    if (node.outputs.some((value) => goesForward.has(value))) for (const value of node.inputs) goesForward.add(value)
  }
  const isForward = (node: Node): boolean => node.outputs.some((value) => goesForward.has(value))
  // Constants are cheaper to make again than to save.
  const isMadeTwice = (node: Node): boolean => isNode(node, 'full') || isNode(node, 'iota') || isNode(node, 'constant')
  const forwardNodes = joint.nodes.filter(isForward)
  const backwardNodes = joint.nodes.filter((node) => !isForward(node) || isMadeTwice(node))
  const madeBackward = new Set(backwardNodes.flatMap((node) => node.outputs))
  const available = new Set([...primalValues.slice(0, constants), ...primalValues.slice(constants + carries), ...cotangentValues])
  const saved: Value[] = []
  const save = (value: Value): void => {
    if (!madeBackward.has(value) && !available.has(value) && !saved.includes(value)) saved.push(value)
  }
  for (const node of backwardNodes) node.inputs.forEach(save)
  const backOutputs = joint.outputs.slice(outputs.length)
  backOutputs.forEach(save)
  const forward: Graph = {
    inputs: primalValues,
    nodes: forwardNodes,
    outputs: [...joint.outputs.slice(0, outputs.length), ...saved],
    donations: [],
  }
  const backward: Graph = { inputs: [...primalValues, ...cotangentValues], nodes: backwardNodes, outputs: backOutputs, donations: [] }
  const adjoint: Adjoint = { forward, saved, backward, wanted, results: body.outputs.length - carries }
  adjoints.set(forward, adjoint)
  return adjoint
}

const scanGradient: Vjp<'scan'> = ({ attributes, inputs, outputs, needs }, ...flowing) => {
  const adjoint = adjoints.get(attributes.body)
  if (adjoint === undefined)
    throw new TracingError({ where: 'scan', problem: 'its gradient was asked for, but nothing was saved on the way forward' })
  const { constants, carries, length, reverse } = attributes
  const { saved, backward, wanted, results } = adjoint
  const plain = carries + results
  if (flowing.slice(plain).some((cotangent) => cotangent !== null && cotangent !== undefined)) {
    // A second derivative: what was saved for the first one has a gradient too. Save again, for all outputs.
    const wider = { ...attributes, body: differentiateBody(attributes).forward }
    return scanGradient({ attributes: wider, inputs, outputs: bind('scan', wider, inputs), needs }, ...flowing)
  }
  const savedStacks = outputs.slice(plain)
  const constantInputs = inputs.slice(0, constants)
  const sequences = inputs.slice(constants + carries)
  const zeroOf = (index: number): Tensor => lax.zerosLike(outputs[index] as Tensor)
  const isFlowing = (index: number): boolean => isDifferentiable(outputs[index] as Tensor)
  const carryIndices = Array.from({ length: carries }, (_, i) => i).filter(isFlowing)
  const resultIndices = Array.from({ length: results }, (_, i) => carries + i).filter(isFlowing)
  const carryCotangents = carryIndices.map((index) => flowing[index] ?? zeroOf(index))
  const resultCotangents = resultIndices.map((index) => flowing[index] ?? zeroOf(index))
  const wantedConstants = wanted.filter((index) => index < constants && needs[index])
  const wantedElements = wanted.filter((index) => index >= constants + carries && needs[index])
  const cotangentValue = (index: number): Value => backward.outputs[wanted.indexOf(index)] as Value

  // What a constant gets is a sum over steps. Some sums are one operation on stacked operands, after the loop.
  const constantValues = new Set(backward.inputs.slice(0, constants))
  const summaries = new Map(wantedConstants.map((index) => [index, summaryOf(backward, cotangentValue(index), constantValues)]))
  const totalled = wantedConstants.filter((index) => summaries.get(index) === undefined)
  const elementValues = wantedElements.map(cotangentValue)
  const firstFlow = constants + carries + sequences.length
  const known = new Map<Value, Tensor>()
  saved.forEach((value, i) => known.set(value, savedStacks[i] as Tensor))
  const elementInput = (index: number): Value => backward.inputs[constants + carries + index] as Value
  sequences.forEach((sequence, index) => known.set(elementInput(index), sequence))
  // A sequence that the way back does not read need not live so long.
  const readSequences = sequences
    .map((_, index) => index)
    .filter((index) => backward.nodes.some(({ inputs: read }) => read.includes(elementInput(index))))
  resultCotangents.forEach((cotangent, i) => known.set(backward.inputs[firstFlow + carryIndices.length + i] as Value, cotangent))
  const operands = [...summaries.values()].flatMap((summary) => summary?.operands ?? [])
  const stackedValues = [...new Set([...elementValues, ...operands])].filter((value) => !known.has(value))
  const sums = totalled.map((index) => lax.zerosLike(inputs[index] as Tensor))
  const nextCarries = carryIndices.map((index) => cotangentValue(constants + index))

  const [last, stacked] = scan(
    (state, elements) => {
      const flowingCarries = state.slice(0, carryIndices.length)
      const totals = state.slice(carryIndices.length)
      const kept = elements.slice(0, savedStacks.length)
      const inElements = elements.slice(savedStacks.length, savedStacks.length + readSequences.length)
      const resultFlow = elements.slice(savedStacks.length + readSequences.length)
      const flow = new Map<number, Tensor>()
      carryIndices.forEach((index, i) => flow.set(index, flowingCarries[i] as Tensor))
      resultIndices.forEach((index, i) => flow.set(index, resultFlow[i] as Tensor))
      const ordered = [...flow.keys()].sort((a, b) => a - b).map((index) => flow.get(index) as Tensor)
      const values = new Map<Value, Tensor>()
      saved.forEach((value, i) => values.set(value, kept[i] as Tensor))
      constantInputs.forEach((constant, i) => values.set(backward.inputs[i] as Value, constant))
      readSequences.forEach((index, i) => values.set(elementInput(index), inElements[i] as Tensor))
      backward.inputs.slice(firstFlow).forEach((value, i) => values.set(value, ordered[i] as Tensor))
      evaluateWith(backward, values, [...nextCarries, ...totalled.map(cotangentValue), ...stackedValues])
      const valueOf = (value: Value): Tensor => values.get(value) as Tensor
      const nextTotals = totals.map((total, i) => lax.add(total, valueOf(cotangentValue(totalled[i] as number))))
      return [[...nextCarries.map(valueOf), ...nextTotals], stackedValues.map(valueOf)]
    },
    [...carryCotangents, ...sums],
    [...savedStacks, ...readSequences.map((index) => sequences[index] as Tensor), ...resultCotangents],
    { length, reverse: !reverse },
  )
  const stackOf = (value: Value): Tensor => known.get(value) ?? (stacked[stackedValues.indexOf(value)] as Tensor)
  const result: Cotangent[] = inputs.map(() => null)
  carryIndices.forEach((index, i) => {
    result[constants + index] = last[i] as Tensor
  })
  totalled.forEach((index, i) => {
    result[index] = last[carryIndices.length + i] as Tensor
  })
  for (const [index, summary] of summaries) if (summary !== undefined) result[index] = summary.sum(summary.operands.map(stackOf))
  wantedElements.forEach((index, i) => {
    result[index] = stackOf(elementValues[i] as Value)
  })
  return result
}

/** The sum over steps of a value, as one operation on its operands stacked over the steps. */
interface Summary {
  readonly operands: readonly Value[]
  readonly sum: (stacks: readonly Tensor[]) => Tensor
}

/** Products and sums have one, unless an operand is the same at each step: then adding up is less work. */
function summaryOf(graph: Graph, value: Value, constants: ReadonlySet<Value>): Summary | undefined {
  const node = graph.nodes.find(({ outputs }) => outputs.includes(value))
  if (node === undefined || node.inputs.some((input) => constants.has(input))) return undefined
  if (isNode(node, 'transpose')) {
    const { permutation } = node.attributes
    const inner = summaryOf(graph, node.inputs[0] as Value, constants)
    return inner && { operands: inner.operands, sum: (stacks) => lax.transpose(inner.sum(stacks), permutation) }
  }
  const overSteps = (axes: readonly number[]): number[] => [0, ...axes.map((axis) => axis + 1)]
  if (isNode(node, 'dot') && node.attributes.batchA.length === 0) {
    const { contractA, contractB } = node.attributes
    const spec = { batchA: [], batchB: [], contractA: overSteps(contractA), contractB: overSteps(contractB) }
    return { operands: node.inputs, sum: ([a, b]) => lax.dot(a as Tensor, b as Tensor, spec) }
  }
  if (isNode(node, 'reduceSum')) {
    const { axes } = node.attributes
    return { operands: node.inputs, sum: ([x]) => lax.reduceSum(x as Tensor, overSteps(axes)) }
  }
  return undefined
}

/** As `evaluate`, for a graph part of whose values are given: adds those that `wanted` needs. */
function evaluateWith(graph: Graph, values: Map<Value, Tensor>, wanted: readonly Value[]): void {
  const needed = new Set(wanted.filter((value) => !values.has(value)))
  const nodes = graph.nodes.filter((node) => !node.outputs.every((value) => values.has(value)))
  for (const node of [...nodes].reverse()) {
    if (node.outputs.some((value) => needed.has(value))) for (const value of node.inputs) if (!values.has(value)) needed.add(value)
  }
  for (const node of nodes) {
    if (!node.outputs.some((value) => needed.has(value))) continue
    const outputs = bindAny(
      node.primitive,
      node.attributes,
      node.inputs.map((value) => values.get(value) as Tensor),
    )
    node.outputs.forEach((value, index) => values.set(value, outputs[index] as Tensor))
  }
}

/** A branch is run again on the way back, and only the one that was taken. */
const condGradient: Vjp<'cond'> = ({ attributes: { whenTrue, whenFalse }, inputs, outputs, needs }, ...flowing) => {
  const [predicate, ...operands] = inputs as [Tensor, ...Tensor[]]
  const wanted = operands.map((_, index) => index).filter((index) => needs[index + 1])
  const given = outputs.map((output, index) => (isDifferentiable(output) ? (flowing[index] ?? lax.zerosLike(output)) : null))
  const back = (branch: Graph) => (): Tensor[] => {
    const tape = new Tape()
    const copies = operands.map((operand) =>
      isDifferentiable(operand) ? lax.select(lax.full(operand.shape, 'bool', 1), operand, operand) : operand,
    )
    for (const copy of copies) tape.watch(copy)
    startTape(tape)
    let results: Tensor[]
    try {
      results = evaluate(branch, copies)
    } finally {
      stopTape(tape)
    }
    const targets = results.flatMap((tensor, index) => (given[index] === null ? [] : [[tensor, given[index] as Tensor] as const]))
    const sources = wanted.map((index) => copies[index] as Tensor)
    return backpropagate(tape.records, targets, sources, RULES).map((cotangent, i) => cotangent ?? lax.zerosLike(sources[i] as Tensor))
  }
  const gradients = cond(predicate, back(whenTrue), back(whenFalse))
  const result: Cotangent[] = inputs.map(() => null)
  wanted.forEach((index, i) => {
    result[index + 1] = gradients[i] as Tensor
  })
  return result
}

const whileGradient: Vjp<'while'> = () => {
  throw new TracingError({
    where: 'whileLoop',
    problem: 'a loop of unknown length has no reverse-mode gradient',
    hint: 'use ops.scan or ops.foriLoop with a fixed number of steps',
  })
}

const CONTROL: { readonly [P in ControlFlow]: Vjp<P> } = { scan: scanGradient, while: whileGradient, cond: condGradient }

/** The gradient of every primitive. */
export const RULES: Rules = { ...GRADIENTS, ...CONTROL }
