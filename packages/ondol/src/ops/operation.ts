/**
 * Operations and symbolic tensors: how a model is described before any data is there.
 *
 * An `Operation` (an op or a layer) called on `KerasTensor`s records a node; models are cut out of the
 * graph that those nodes form. Follows `keras/src/ops/{operation,node,symbolic_arguments}.py`.
 */
import type { DType } from '../core/dtype.js'
import { GraphError, OndolError, TracingError } from '../core/errors.js'
import { formatShape, type PartialShape, type Shape } from '../core/shape.js'
import { flatten, mapTree, type Tree, unflatten } from '../core/tree.js'
import { Tensor, Trace, withTrace } from '../engine/index.js'
import { uniqueName } from './naming.js'

/** Where a symbolic tensor comes from. */
export interface History {
  readonly operation: Operation
  /** Which call of the operation. */
  readonly nodeIndex: number
  /** Which of the call's outputs. */
  readonly tensorIndex: number
}

export interface KerasTensorOptions {
  readonly dtype?: DType
  readonly name?: string
}

/** A placeholder: a shape, in which `null` is known only when data arrives, and a dtype. */
export class KerasTensor {
  readonly shape: PartialShape
  readonly dtype: DType
  readonly name: string
  /** Set when an operation makes it. */
  history: History | undefined
  /** The mask that travels with it, as a symbolic tensor. */
  mask: KerasTensor | undefined

  constructor(shape: PartialShape, { dtype = 'float32', name = uniqueName('keras_tensor') }: KerasTensorOptions = {}) {
    this.shape = shape
    this.dtype = dtype
    this.name = name
  }

  get rank(): number {
    return this.shape.length
  }

  toString(): string {
    return `KerasTensor(shape=${formatShape(this.shape)}, dtype=${this.dtype}, name=${this.name})`
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }

  [Symbol.toPrimitive](hint: string): string {
    if (hint === 'string') return this.toString()
    throw noValue(this)
  }
}

const noValue = (symbol: KerasTensor): TracingError =>
  new TracingError({
    problem: 'a symbolic tensor has no value: it stands for data that comes later',
    received: symbol.toString(),
    hint: 'use ops on it; to compute with numbers call the model on real tensors',
  })

// The compiler knows that these are not there; who writes plain JavaScript is told why.
for (const name of ['data', 'array', 'item', 'dataSync', 'arraySync']) {
  Object.defineProperty(KerasTensor.prototype, name, {
    value(this: KerasTensor): never {
      throw noValue(this)
    },
  })
}

/** One call of an operation on symbolic tensors. */
export interface SymbolicNode {
  readonly operation: Operation
  /** Positional arguments as called; KerasTensors stand in them at any depth. */
  readonly args: readonly unknown[]
  /** Named arguments as called. */
  readonly options: Readonly<Record<string, unknown>>
  /** The KerasTensors among the arguments, in order. */
  readonly inputs: readonly KerasTensor[]
  /** What it returned. */
  readonly output: Tree<KerasTensor>
  readonly outputs: readonly KerasTensor[]
}

/** What layers and ops have in common: a name, calls that can be symbolic, and a config. */
export interface Operation {
  readonly name: string
  /** Its calls on symbolic tensors, in order. */
  readonly inboundNodes: SymbolicNode[]
  /** Runs it on values in place of the symbolic arguments it was called on. */
  callOn(args: readonly unknown[], options: Readonly<Record<string, unknown>>): Tree<Tensor>
  /** Keras's class name, as written to files. */
  readonly className: string
  /** Python module that the class lives in, as written to files. */
  readonly module: string
  getConfig(): Record<string, unknown>
}

export const isSymbolic = (value: unknown): value is KerasTensor => value instanceof KerasTensor

/** The symbolic tensors anywhere in call arguments, in order. */
export function symbolicInputs(args: readonly unknown[], options: Readonly<Record<string, unknown>>): KerasTensor[] {
  return [...flatten(args as Tree<unknown>), ...flatten(options as Tree<unknown>)].filter(isSymbolic)
}

/** Records a call: gives each output its history and the operation its node. */
export function recordCall(
  operation: Operation,
  args: readonly unknown[],
  options: Readonly<Record<string, unknown>>,
  output: Tree<KerasTensor>,
): SymbolicNode {
  const outputs = flatten(output)
  const node: SymbolicNode = { operation, args, options, inputs: symbolicInputs(args, options), output, outputs }
  const nodeIndex = operation.inboundNodes.push(node) - 1
  outputs.forEach((tensor, tensorIndex) => {
    tensor.history = { operation, nodeIndex, tensorIndex }
  })
  return node
}

/** Two sizes put in the place of `null`: divisible by most small numbers, larger than most windows. */
const STAND_INS = [10080, 20160] as const

/**
 * The symbolic output of `body`, found by running it on abstract tensors twice, with two different
 * sizes in the place of `null`: where the results differ, the size is unknown.
 */
export function symbolicOutput(
  where: string,
  args: readonly unknown[],
  options: Readonly<Record<string, unknown>>,
  body: (args: readonly unknown[], options: Readonly<Record<string, unknown>>) => Tree<Tensor>,
): Tree<KerasTensor> {
  const isDynamic = symbolicInputs(args, options).some(({ shape }) => shape.includes(null))
  const runs = (isDynamic ? STAND_INS : STAND_INS.slice(0, 1)).map((size) => abstractRun(size, args, options, body))
  const [first, second = first] = runs as [Tree<Tensor>, Tree<Tensor>?]
  const others = flatten(second)
  const outputs = flatten(first).map((tensor, index) => {
    if (!(tensor instanceof Tensor)) {
      throw new GraphError({ where, problem: 'a call on symbolic tensors must return tensors', received: String(tensor) })
    }
    const other = others[index] as Tensor
    if (tensor.shape.length !== other.shape.length)
      throw new GraphError({ where, problem: 'the rank of the output depends on sizes that are not known yet' })
    return new KerasTensor(
      tensor.shape.map((size, axis) => (size === other.shape[axis] ? size : null)),
      { dtype: tensor.dtype },
    )
  })
  return unflatten(first as Tree<unknown>, outputs)
}

function abstractRun(
  size: number,
  args: readonly unknown[],
  options: Readonly<Record<string, unknown>>,
  body: (args: readonly unknown[], options: Readonly<Record<string, unknown>>) => Tree<Tensor>,
): Tree<Tensor> {
  const trace = new Trace(undefined, true)
  const known = new Map<KerasTensor, Tensor>()
  const substitute = (leaf: unknown): unknown => {
    if (!isSymbolic(leaf)) return leaf
    let input = known.get(leaf)
    if (input === undefined)
      known.set(leaf, (input = trace.input({ shape: leaf.shape.map((known) => known ?? size) as Shape, dtype: leaf.dtype })))
    return input
  }
  try {
    return withTrace(trace, () =>
      body(
        mapTree(args as Tree<unknown>, substitute) as unknown[],
        mapTree(options as Tree<unknown>, substitute) as Record<string, unknown>,
      ),
    )
  } catch (error) {
    // Nobody has given the size that stands in.
    throw error instanceof OndolError ? error.reworded((text) => text.replaceAll(new RegExp(`\\b${size}\\b`, 'g'), 'None')) : error
  } finally {
    trace.isOpen = false
  }
}
