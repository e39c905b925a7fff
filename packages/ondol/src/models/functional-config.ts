/**
 * Graphs to and from Keras's configs: each layer with the calls it takes part in, the calls' arguments with symbolic
 * tensors as [layer, call, output]. Follows `Functional.get_config` and `functional_from_config`.
 */
import type { CustomObjects } from '../core/custom-objects.js'
import { SavingError } from '../core/errors.js'
import { isSerializedObject, toCamelCase, toSnakeCase } from '../core/spelling.js'
import { mapTree, type Tree } from '../core/tree.js'
import { isRecord } from '../layers/convert.js'
import { Layer } from '../layers/layer.js'
import { deserializeOperation } from '../layers/serialization.js'
import type { SerializedLayer } from '../layers/sharing.js'
import { OpNode } from '../ops/define.js'
import { isSymbolic, type KerasTensor, type Operation, type SymbolicNode } from '../ops/operation.js'
import { describeArray, isArrayConstant, reviveConstant } from '../saving/constants.js'
import { defaultsOf, withoutDefaults } from './call-defaults.js'
import { isInputNode, type ModelGraph, nodeOf } from './graph.js'

/** Which output of which call of which layer; calls are counted within the model. */
type Reference = readonly [layer: string, node: number, output: number]

interface CallConfig {
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
}

interface OperationConfig extends SerializedLayer {
  readonly name: string
  readonly inbound_nodes: readonly unknown[]
}

export interface FunctionalConfig {
  readonly name: string
  readonly trainable: boolean
  readonly layers: readonly OperationConfig[]
  readonly input_layers: Tree<Reference>
  readonly output_layers: Tree<Reference>
}

export const isFunctionalConfig = (config: object): config is FunctionalConfig =>
  ['name', 'layers', 'input_layers', 'output_layers'].every((key) => key in config)

/** Keras counts the calls of a model inside from 1 where it names a model's outputs, and only there. */
const hasFirstNode = (operation: Operation): boolean => operation.className === 'Functional'

// ---- writing ----

export function functionalConfig(graph: ModelGraph, name: string, trainable: boolean): FunctionalConfig {
  const inGraph = new Set(graph.nodesByDepth.flat())
  const ownNodes = ({ inboundNodes }: Operation): SymbolicNode[] => inboundNodes.filter((node) => inGraph.has(node))
  const refer = (symbol: KerasTensor, offset = 0): Reference => {
    const { operation, tensorIndex } = symbol.history as NonNullable<KerasTensor['history']>
    return [operation.name, ownNodes(operation).indexOf(nodeOf(symbol)) + offset, tensorIndex]
  }
  const encode = (value: unknown): unknown => (isSymbolic(value) ? encodeSymbol(value, refer(value)) : encodeConstant(value))
  const end = (tree: Tree<KerasTensor>): Tree<Reference> =>
    mapTree(tree, (symbol) =>
      refer(symbol, hasFirstNode((symbol.history as NonNullable<KerasTensor['history']>).operation) ? 1 : 0),
    ) as Tree<Reference>
  const encodeCall = (node: SymbolicNode): CallConfig => {
    const { operation, args, options } = node
    const given = Object.entries(options).flatMap(([key, value]) =>
      value === undefined ? [] : [[toSnakeCase(key), mapTree(value as Tree<unknown>, encode)] as const],
    )
    const settled = operation instanceof Layer ? defaultsOf(operation, node) : callOptions(operation)
    return { args: args.map((arg) => mapTree(arg as Tree<unknown>, encode)), kwargs: { ...settled, ...Object.fromEntries(given) } }
  }
  const layers = graph.operations.map((operation) => {
    const calls = ownNodes(operation).filter((node) => !isInputNode(node))
    // The description itself is completed, not a copy: it may still be marked as shared.
    return Object.assign(describe(operation), { name: operation.name, inbound_nodes: calls.map(encodeCall) })
  })
  return { name, trainable, layers, input_layers: end(graph.inputTree), output_layers: end(graph.outputTree) }
}

function describe(operation: Operation): SerializedLayer {
  if (operation instanceof Layer) return operation.serialize()
  const { module, className } = operation
  const ofCall = new Set(OPTIONS_OF_CALLS[className])
  const config = Object.entries(operation.getConfig()).flatMap(([key, value]) => (ofCall.has(key) ? [] : [[key, encodeConstant(value)]]))
  return { module, class_name: className, config: Object.fromEntries(config), registered_name: className }
}

/** Options of ops that Keras takes as arguments of the call: files have them there, not in the config. */
const OPTIONS_OF_CALLS: Readonly<Record<string, readonly string[]>> = {
  Average: ['weights'],
  BatchNorm: ['offset', 'scale'],
  DotProductAttention: ['bias', 'mask', 'scale'],
  Full: ['fill_value'],
  FullLike: ['fill_value'],
  Isclose: ['rtol', 'atol'],
  LayerNorm: ['gamma', 'beta'],
  Pad: ['constant_values'],
  RMSNorm: ['scale'],
  Select: ['default'],
  Slice: ['start_indices'],
}

function callOptions(operation: Operation): Record<string, unknown> {
  const config = operation.getConfig()
  const named = OPTIONS_OF_CALLS[operation.className] ?? []
  return Object.fromEntries(named.flatMap((key) => (config[key] === undefined ? [] : [[key, encodeConstant(config[key])]])))
}

const encodeSymbol = ({ shape, dtype }: KerasTensor, history: Reference): object => ({
  class_name: '__keras_tensor__',
  config: { shape: [...shape], dtype, keras_history: [...history] },
})

const encodeConstant = (value: unknown): unknown => describeArray(value) ?? value

// ---- reading ----

/** What is made so far of a layer, and its calls in this model. */
interface Made {
  readonly config: OperationConfig
  readonly operation: Operation
  readonly nodes: SymbolicNode[]
  /** What calls are counted from. */
  readonly firstNode: number
}

/** The symbolic inputs and outputs of the graph that a config describes. */
export function readFunctional(
  { layers, input_layers, output_layers }: FunctionalConfig,
  customObjects: CustomObjects,
): { inputs: Tree<KerasTensor>; outputs: Tree<KerasTensor> } {
  const made = new Map<string, Made>()
  for (const config of layers) {
    const [call] = config.inbound_nodes
    const { args, kwargs } = decodeConstants(isModernCall(call) ? call : NO_ARGUMENTS)
    const operation = deserializeOperation(withConstants(config), customObjects, args, camelKeys(kwargs))
    const nodes = config.inbound_nodes.length === 0 ? operation.inboundNodes.filter(isInputNode).slice(0, 1) : []
    made.set(config.name, { config, operation, nodes, firstNode: firstLegacyNode(config.name, operation, layers) })
  }
  runCalls(made)
  const end = (tree: Tree<Reference>): Tree<KerasTensor> => {
    if (isReference(tree)) return endTensor(made, tree)
    if (Array.isArray(tree)) return tree.map(end)
    return Object.fromEntries(Object.entries(tree).map(([key, item]) => [key, end(item as Tree<Reference>)]))
  }
  return { inputs: end(input_layers), outputs: end(output_layers) }
}

/** Parameters of an op that are arrays. Layers read their configs themselves. */
function withConstants(description: OperationConfig): OperationConfig {
  const { module, config } = description
  if (typeof module !== 'string' || !module.startsWith('keras.src.ops.') || !isRecord(config)) return description
  return { ...description, config: Object.fromEntries(Object.entries(config).map(([key, value]) => [key, decodeConstant(value)])) }
}

const NO_ARGUMENTS: CallConfig = { args: [], kwargs: {} }
const isReference = (value: unknown): value is Reference =>
  Array.isArray(value) && value.length === 3 && typeof value[0] === 'string' && typeof value[1] === 'number'

/** Makes all calls, each as soon as what it is called on is there. */
function runCalls(made: ReadonlyMap<string, Made>): void {
  let waiting = [...made.values()].filter(({ config }) => config.inbound_nodes.length > 0)
  while (waiting.length > 0) {
    const before = waiting.length
    let hasMoved = false
    waiting = waiting.filter((entry) => {
      const { config, nodes, operation } = entry
      for (const call of config.inbound_nodes.slice(nodes.length)) {
        const decoded = decodeCall(call, made)
        if (decoded === undefined) return true
        nodes.push(makeCall(operation, decoded))
        hasMoved = true
      }
      return false
    })
    if (waiting.length === before && !hasMoved) {
      throw new SavingError({
        problem: 'the graph in the config has loops, or calls on tensors that nothing makes',
        received: waiting.map(({ config, nodes }) => `call ${nodes.length} of '${config.name}'`).join(', '),
      })
    }
  }
}

function makeCall(operation: Operation, { args, kwargs }: CallConfig): SymbolicNode {
  if (operation instanceof OpNode) operation.callSymbolically(args)
  else {
    const options = Object.keys(kwargs).length > 0 ? [operation instanceof Layer ? withoutDefaults(operation, kwargs) : kwargs] : []
    ;(operation as unknown as (...all: readonly unknown[]) => unknown)(...args, ...options)
  }
  return operation.inboundNodes.at(-1) as SymbolicNode
}

/** The arguments of a call, or `undefined` while a tensor among them is not made yet. */
function decodeCall(call: unknown, made: ReadonlyMap<string, Made>): CallConfig | undefined {
  let isReady = true
  const at = (reference: Reference): KerasTensor | undefined => {
    const found = tensorAt(made, reference)
    isReady &&= found !== undefined
    return found
  }
  const decode = (value: unknown): unknown => {
    if (isSymbolConfig(value)) return at(value.config.keras_history)
    if (Array.isArray(value)) return value.map(decode)
    if (isRecord(value) && !isSerializedObject(value))
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, decode(item)]))
    return decodeConstant(value)
  }
  const modern = isModernCall(call) ? call : legacyCall(call)
  const args = modern.args.map((arg) =>
    isReference(arg) && !isModernCall(call) ? at(arg) : isModernCall(call) ? decode(arg) : mapLegacy(arg, at),
  )
  const kwargs = camelKeys(decode(modern.kwargs) as Record<string, unknown>)
  return isReady ? { args, kwargs } : undefined
}

const camelKeys = (record: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [toCamelCase(key), value]))

const isModernCall = (call: unknown): call is CallConfig => isRecord(call) && 'args' in call

interface SymbolConfig {
  readonly config: { readonly keras_history: Reference }
}
const isSymbolConfig = (value: unknown): value is SymbolConfig => isSerializedObject(value) && value.class_name === '__keras_tensor__'

/** Slices and `...` are arguments as they are described: so nodes hold them, and write them again. */
const decodeConstant = (value: unknown): unknown => (isArrayConstant(value) ? reviveConstant(value) : value)

/** Arguments without their symbolic tensors, which stand for nothing yet. */
function decodeConstants({ args, kwargs }: CallConfig): CallConfig {
  const decode = (value: unknown): unknown => {
    if (isSymbolConfig(value)) return undefined
    if (Array.isArray(value)) return value.map(decode)
    return decodeConstant(value)
  }
  const given = Object.entries(kwargs).flatMap(([key, value]) => (isSymbolConfig(value) ? [] : [[key, decode(value)] as const]))
  return { args: args.map(decode), kwargs: Object.fromEntries(given) }
}

function tensorAt(made: ReadonlyMap<string, Made>, [name, node, index]: Reference, offset?: number): KerasTensor | undefined {
  const entry = made.get(name)
  if (entry === undefined)
    throw new SavingError({ problem: `the graph in the config has no layer '${name}'`, expected: [...made.keys()].join(', ') })
  return entry.nodes[node - (offset ?? entry.firstNode)]?.outputs[index]
}

function endTensor(made: ReadonlyMap<string, Made>, reference: Reference): KerasTensor {
  const entry = made.get(reference[0])
  const offset = entry !== undefined && hasFirstNode(entry.operation) && reference[1] > 0 ? 1 : entry?.firstNode
  const found = tensorAt(made, reference, offset)
  if (found !== undefined) return found
  throw new SavingError({ problem: 'an end of the graph in the config does not exist', received: JSON.stringify(reference) })
}

// ---- configs of Keras 2: a call is a list of [layer, call, output, kwargs] ----

function legacyCall(call: unknown): CallConfig {
  const items = (Array.isArray(call) && !isLegacyReference(call) ? call : [call]) as unknown[]
  const kwargs = items.flatMap((item) => (isLegacyReference(item) && isRecord(item[3]) ? [item[3]] : []))[0] ?? {}
  const references = items.map((item) => (isLegacyReference(item) ? (item.slice(0, 3) as unknown as Reference) : item))
  return { args: [references.length === 1 ? references[0] : references], kwargs }
}

const isLegacyReference = (value: unknown): value is readonly unknown[] => Array.isArray(value) && typeof value[0] === 'string'

const mapLegacy = (arg: unknown, at: (reference: Reference) => unknown): unknown => {
  if (isReference(arg)) return at(arg)
  return Array.isArray(arg) ? arg.map((item) => mapLegacy(item, at)) : arg
}

/** Keras 2 counts the calls of a model that was built by itself from 1; then no call 0 is named anywhere. */
function firstLegacyNode(name: string, operation: Operation, layers: readonly OperationConfig[]): number {
  if (!(operation instanceof Layer) || !['Functional', 'Sequential', 'Model'].includes(operation.className)) return 0
  const named: number[] = []
  const visit = (value: unknown): void => {
    if (!Array.isArray(value)) return
    if (value[0] === name && typeof value[1] === 'number') named.push(value[1])
    else value.forEach(visit)
  }
  for (const { inbound_nodes: calls } of layers) for (const call of calls) if (!isModernCall(call)) visit(call)
  return named.length > 0 ? Math.min(...named, 1) : 0
}
