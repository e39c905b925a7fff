/** A model's inference as a graph, traced twice with different sizes in the place of those that are not known. */
import { OndolError, SavingError } from '../core/errors.js'
import type { PartialShape } from '../core/shape.js'
import { flatten, type Tree, unflatten } from '../core/tree.js'
import type { Graph, Value } from '../engine/graph.js'
import { Tensor, Trace, type Variable, withoutTapes, withTrace } from '../engine/index.js'
import type { Layer } from '../layers/index.js'
import type { KerasTensor } from '../ops/operation.js'
import { emitterOf } from './layers.js'
import type { Region } from './regions.js'

export interface TracedModel {
  readonly graph: Graph
  readonly twin: Graph
  readonly regions: readonly Region[]
  /** The model's inputs, in order. */
  readonly inputs: readonly Value[]
  readonly variables: ReadonlyMap<Value, Variable>
  /** Tensors from outside that the model computes with. */
  readonly constants: ReadonlyMap<Value, Tensor>
}

/** Sizes for the axes that are `null`: for each symbol and axis its size in this trace. */
type Sizes = (input: number, axis: number) => number

/** The batch is one size for all inputs. */
const BATCH = [10080, 20160] as const

/**
 * Pairs of sizes, tried in turn. The first have no divisors in common, so that whatever depends on remainders differs
 * between the traces; with the second whatever divides by small numbers works; the last are alike for all inputs.
 */
const TRIALS: readonly (readonly [Sizes, Sizes])[] = [
  [(input, axis) => 10920 + 840 * (8 * input + axis), (input, axis) => 21002 + 1681 * (8 * input + axis)],
  [(input, axis) => 10920 + 840 * (8 * input + axis), (input, axis) => 22680 + 2520 * (8 * input + axis)],
  [(_, axis) => 10920 + 840 * axis, (_, axis) => 22680 + 2520 * axis],
]

export function traceModel(model: Layer, inputTree: Tree<KerasTensor>): TracedModel {
  let failure: unknown
  for (const [first, second] of TRIALS) {
    try {
      const traced = traceOnce(model, inputTree, BATCH[0], first)
      const { graph: twin } = traceOnce(model, inputTree, BATCH[1], second)
      if (traced.graph.nodes.every((node, i) => node.primitive === twin.nodes[i]?.primitive)) return { ...traced, twin }
      failure = new SavingError({
        where: model.name,
        problem: 'what the model computes depends on the sizes of its inputs',
        hint: 'give Input(...) fixed sizes',
      })
    } catch (error) {
      if (!(error instanceof OndolError)) throw error
      failure ??= error
    }
  }
  throw failure
}

function traceOnce(model: Layer, inputTree: Tree<KerasTensor>, batch: number, sizes: Sizes): Omit<TracedModel, 'twin'> {
  const trace = new Trace(undefined, true)
  const shapeOf = (shape: PartialShape, input: number): number[] =>
    shape.map((size, axis) => size ?? (axis === 0 ? batch : sizes(input, axis)))
  const inputs = flatten(inputTree).map(({ shape, dtype }, i) => trace.input({ shape: shapeOf(shape, i), dtype }))
  const regions: Region[] = []
  const unhook = [...layersIn(model)].map((layer) => watch(layer, regions))
  try {
    const outputs = withTrace(trace, () =>
      withoutTapes(() => model.callOn([unflatten(inputTree as Tree<unknown>, inputs)], { training: false })),
    )
    const variables = new Map<Value, Variable>()
    for (const [variable, { initial, current }] of trace.state) {
      if (initial !== current) {
        throw new SavingError({
          where: variable.name,
          problem: 'the model changes a Variable when it is called, which ONNX cannot express',
          hint: 'stateful recurrent layers and layers that draw random numbers cannot be exported',
        })
      }
      variables.set(valueOf(initial), variable as Variable)
    }
    const constants = new Map(trace.captured.map(({ tensor, value }) => [value, tensor]))
    const graph = trace.finish(flatten(outputs))
    return { graph, regions, inputs: inputs.map(valueOf), variables, constants }
  } finally {
    trace.isOpen = false
    for (const restore of unhook) restore()
  }
}

const valueOf = (tensor: Tensor): Value => (tensor.traced() as { value: Value }).value

/** A layer and all that are in it. */
export function layersIn(layer: Layer, found = new Set<Layer>()): Set<Layer> {
  if (found.has(layer)) return found
  found.add(layer)
  for (const inner of layer.sublayers) layersIn(inner, found)
  return found
}

/** Notes what goes into a layer and comes out while it is called; gives what ends it. */
function watch(layer: Layer, regions: Region[]): () => void {
  const own = Object.getOwnPropertyDescriptor(layer, 'call')
  const call = layer.call as (...args: unknown[]) => Tree<Tensor>
  const watched = (...args: unknown[]): Tree<Tensor> => {
    const result = Reflect.apply(call, layer, args)
    const tensors = flatten(args as Tree<unknown>).filter((leaf): leaf is Tensor => leaf instanceof Tensor)
    const [input] = args
    const outputs = flatten(result)
    if (input instanceof Tensor && outputs.every((output) => output instanceof Tensor && isOfThisTrace(output)) && isOfThisTrace(input)) {
      const values = outputs.map(valueOf)
      const emit = emitterOf({ layer, input: valueOf(input), outputs: values, hasMore: tensors.length > 1 })
      if (emit !== undefined) regions.push({ inputs: [valueOf(input)], outputs: values, emit })
    }
    return result
  }
  Object.defineProperty(layer, 'call', { value: watched, configurable: true, writable: true, enumerable: false })
  return () => {
    if (own === undefined) Reflect.deleteProperty(layer, 'call')
    else Object.defineProperty(layer, 'call', own)
  }
}

/** A tensor of an inner trace, such as the body of a loop, is left to the primitives. */
function isOfThisTrace(tensor: Tensor): boolean {
  const traced = tensor.traced()
  return traced !== undefined && (traced.trace as Trace).takesState
}
