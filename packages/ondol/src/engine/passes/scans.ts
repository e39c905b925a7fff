/**
 * Work that leaves a scan: sums of products over the steps become one product over the whole sequence, values
 * saved for the way back that follow from others saved are computed there, and what nobody reads is not stacked.
 */
import { countUses, type Graph, isNode, makeInput, makeNode, type Node, resultOf, type Value } from '../graph.js'
import { type DotSpec, inferOutputs, type PrimitiveAttributes, type PrimitiveName } from '../primitives.js'
import { kindOf } from './classify.js'
import { eliminateDeadCode } from './dce.js'

interface Bound {
  /** The value outside: whole sequences for elements. */
  readonly outer: Value
  /** The body's input. */
  readonly inner: Value
}

/** A scan taken apart. */
interface Parts {
  readonly constants: readonly Bound[]
  readonly carries: readonly (Bound & { readonly next: Value })[]
  readonly elements: readonly Bound[]
  /** Values of the body that are stacked. */
  readonly results: readonly Value[]
}

type Emit = <P extends PrimitiveName>(primitive: P, attributes: PrimitiveAttributes[P], inputs: readonly Value[]) => readonly Value[]
/** Gives values in the place of a scan's outputs, or null to leave it as it is. `inputs` are already rewritten. */
type Change = (scan: Node<'scan'>, parts: Parts, emit: Emit) => readonly Value[] | null

/** The graph with less work inside its scans; bodies of bodies are for their own turn. */
export function improveScans(graph: Graph): Graph {
  if (!graph.nodes.some((node) => isNode(node, 'scan'))) return graph
  const outside = rewriteScans(rewriteScans(graph, sumOutside), computeAgain)
  const uses = countUses(eliminateDeadCode(outside))
  return eliminateDeadCode(rewriteScans(outside, (scan, parts, emit) => dropUnused(scan, parts, emit, (output) => uses.has(output))))
}

/** A carry that only gathers a · b from step to step: both are stacked, and multiplied once over steps and all. */
const sumOutside: Change = (scan, parts, emit) => {
  const { body } = scan.attributes
  const uses = countUses(body)
  const elements = new Map(parts.elements.map(({ inner, outer }) => [inner, outer]))
  const constants = new Set(parts.constants.map(({ inner }) => inner))
  const gathered = parts.carries.map(({ inner, next }) => {
    const { node } = next
    if (!isNode(node, 'add') || uses.get(inner) !== 1 || uses.get(next) !== 1) return null
    const [x, y] = node.inputs as [Value, Value]
    const product = x === inner ? y : y === inner ? x : null
    if (product === null || !isNode(product.node, 'dot') || product.node.attributes.batchA.length > 0) return null
    return product.node.inputs.some((operand) => constants.has(operand)) ? null : product.node
  })
  if (gathered.every((product) => product === null)) return null
  const results = [...parts.results]
  const stack = (value: Value): void => {
    if (!elements.has(value) && !results.includes(value)) results.push(value)
  }
  for (const product of gathered) product?.inputs.forEach(stack)
  const carries = parts.carries.filter((_, i) => gathered[i] === null)
  const outputs = build(scan, { ...parts, carries, results }, emit)
  const stacked = (value: Value): Value => elements.get(value) ?? (outputs[carries.length + results.indexOf(value)] as Value)
  const lasts = parts.carries.map((carry, i) => {
    const product = gathered[i]
    if (product === null || product === undefined) return outputs[carries.indexOf(carry)] as Value
    const whole = emit('dot', overSteps(product.attributes), product.inputs.map(stacked))[0] as Value
    return emit('add', {}, [carry.outer, whole])[0] as Value
  })
  return [...lasts, ...outputs.slice(carries.length, carries.length + parts.results.length)]
}

/** The same product with a leading axis of steps summed over too. */
function overSteps({ contractA, contractB }: DotSpec): DotSpec {
  const shifted = (axes: readonly number[]): number[] => [0, ...axes.map((axis) => axis + 1)]
  return { batchA: [], batchB: [], contractA: shifted(contractA), contractB: shifted(contractB) }
}

const MAX_OPERATIONS = 8

/** An element that another scan has saved, and that follows from other elements at hand, is computed from those. */
const computeAgain: Change = (scan, parts, emit) => {
  const { length } = scan.attributes
  const extra: Node[] = []
  const replaced = new Map<Value, Value>()
  let elements = parts.elements
  for (const element of parts.elements) {
    const maker = element.outer.node
    if (!isNode(maker, 'scan') || maker.attributes.length !== length || element.outer.index < maker.attributes.carries) continue
    const known = savedBy(
      maker,
      elements.filter((other) => other !== element),
    )
    const copied = new Map<Value, Value>()
    const result = copyExpression(maker.attributes.body.outputs[element.outer.index] as Value, known, copied)
    if (result === null) continue
    // What is computed here may read an element that a later turn computes too: that comes first.
    extra.unshift(...new Set([...copied.values()].flatMap(({ node }) => (node === null ? [] : [node]))))
    replaced.set(element.inner, result)
    elements = elements.filter((other) => other !== element)
  }
  if (replaced.size === 0) return null
  return build(scan, { ...parts, elements }, emit, extra, replaced)
}

/** Values of a scan's body that are at hand, step by step, as elements of another scan. */
function savedBy(maker: Node<'scan'>, elements: readonly Bound[]): Map<Value, Value> {
  const { body, carries, constants } = maker.attributes
  const known = new Map<Value, Value>()
  for (const { outer, inner } of elements) {
    if (outer.node === (maker as unknown as Node) && outer.index >= carries) known.set(body.outputs[outer.index] as Value, inner)
    maker.inputs.forEach((value, index) => {
      if (value === outer && index >= constants + carries) known.set(body.inputs[index] as Value, inner)
    })
  }
  return known
}

/** A cheap element-wise expression over known values, or null. */
function copyExpression(value: Value, known: ReadonlyMap<Value, Value>, copied: Map<Value, Value>): Value | null {
  const at = known.get(value) ?? copied.get(value)
  if (at !== undefined) return at
  const { node } = value
  if (node === null || copied.size >= MAX_OPERATIONS) return null
  const kind = kindOf(node)
  if (kind !== 'source' && (kind !== 'elementwise' || EXPENSIVE.has(node.primitive))) return null
  const inputs: Value[] = []
  for (const input of node.inputs) {
    const copy = copyExpression(input, known, copied)
    if (copy === null) return null
    inputs.push(copy)
  }
  const result = resultOf(makeNode(node.primitive, node.attributes, inputs, node.outputs, node.scope) as unknown as Node)
  copied.set(value, result)
  return result
}

const EXPENSIVE: ReadonlySet<string> = new Set([
  'exp',
  'log',
  'tanh',
  'sigmoid',
  'pow',
  'sin',
  'cos',
  'erf',
  'randomBits',
  'expm1',
  'log1p',
])

/** Results that nobody reads, that are there twice or that are elements passed through; constants and elements that the body ignores. */
function dropUnused(scan: Node<'scan'>, parts: Parts, emit: Emit, isUsed: (output: Value) => boolean): readonly Value[] | null {
  const { body, carries } = scan.attributes
  const elements = new Map(parts.elements.map(({ inner, outer }) => [inner, outer]))
  const results = [...new Set(parts.results.filter((value, i) => !elements.has(value) && isUsed(scan.outputs[carries + i] as Value)))]
  const kept = [...parts.carries.map(({ next }) => next), ...results]
  const needed = countUses(eliminateDeadCode({ ...body, outputs: kept }))
  const constants = parts.constants.filter(({ inner }) => needed.has(inner))
  const read = parts.elements.filter(({ inner }) => needed.has(inner))
  const isSame =
    results.length === parts.results.length && constants.length === parts.constants.length && read.length === parts.elements.length
  if (isSame) return null
  const outputs = build(scan, { ...parts, constants, elements: read, results }, emit)
  const ofResult = (value: Value): Value => elements.get(value) ?? (outputs[carries + results.indexOf(value)] as Value)
  return [
    ...outputs.slice(0, carries),
    ...parts.results.map((value, i) =>
      isUsed(scan.outputs[carries + i] as Value) ? ofResult(value) : (scan.outputs[carries + i] as Value),
    ),
  ]
}

/** Emits the scan of these parts; `extra` nodes come first in its body, `replaced` inputs are gone. */
function build(
  scan: Node<'scan'>,
  parts: Parts,
  emit: Emit,
  extra: readonly Node[] = [],
  replaced: ReadonlyMap<Value, Value> = new Map(),
): readonly Value[] {
  const { body, length, reverse } = scan.attributes
  const bound = [...parts.constants, ...parts.carries, ...parts.elements]
  const fresh = new Map<Value, Value>(bound.map(({ inner }, index) => [inner, makeInput(inner, index)]))
  const valueOf = (value: Value): Value => {
    const other = replaced.get(value)
    return fresh.get(other ?? value) ?? other ?? value
  }
  const nodes = [...extra, ...body.nodes].map((node) => {
    const copy = makeNode(node.primitive, node.attributes, node.inputs.map(valueOf), node.outputs, node.scope) as unknown as Node
    node.outputs.forEach((output, i) => void fresh.set(output, copy.outputs[i] as Value))
    return copy
  })
  const outputs = [...parts.carries.map(({ next }) => next), ...parts.results].map(valueOf)
  const inputs = bound.map(({ inner }) => fresh.get(inner) as Value)
  const attributes = {
    body: eliminateDeadCode({ inputs, nodes, outputs, donations: [] }),
    constants: parts.constants.length,
    carries: parts.carries.length,
    length,
    reverse,
  }
  return emit(
    'scan',
    attributes,
    bound.map(({ outer }) => outer),
  )
}

function rewriteScans(graph: Graph, change: Change): Graph {
  const nodes: Node[] = []
  const values = new Map<Value, Value>()
  const valueOf = (value: Value): Value => values.get(value) ?? value
  for (const node of graph.nodes) {
    const emit: Emit = (primitive, attributes, inputs) => {
      const made = makeNode(primitive, attributes, inputs, inferOutputs(primitive, attributes, inputs), node.scope)
      nodes.push(made as unknown as Node)
      return made.outputs
    }
    const inputs = node.inputs.map(valueOf)
    const changed = isNode(node, 'scan') ? change(node, takeApart(node, inputs), emit) : null
    const outputs = changed ?? emit(node.primitive, node.attributes, inputs)
    node.outputs.forEach((output, i) => void values.set(output, outputs[i] as Value))
  }
  return { ...graph, nodes, outputs: graph.outputs.map(valueOf) }
}

function takeApart({ attributes }: Node<'scan'>, inputs: readonly Value[]): Parts {
  const { body, constants, carries } = attributes
  const bound = inputs.map((outer, index) => ({ outer, inner: body.inputs[index] as Value }))
  return {
    constants: bound.slice(0, constants),
    carries: bound.slice(constants, constants + carries).map((pair, i) => ({ ...pair, next: body.outputs[i] as Value })),
    elements: bound.slice(constants + carries),
    results: body.outputs.slice(carries),
  }
}
