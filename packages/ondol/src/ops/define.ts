/**
 * `defineOp`: an op defined once works on concrete tensors, while tracing, and on symbolic tensors
 * (where it becomes a node of the model's graph that can be written to a config and read back).
 */
import type { DType } from '../core/dtype.js'
import { GraphError, ValueError } from '../core/errors.js'
import type { Tree } from '../core/tree.js'
import { Tensor, type TensorData, tensor, Variable, withScope } from '../engine/index.js'
import { autoName } from './naming.js'
import { isSymbolic, type KerasTensor, type Operation, recordCall, type SymbolicNode, symbolicOutput } from './operation.js'

/** What ops take for a tensor: numbers and arrays are converted, Variables read. */
export type TensorLike = Tensor | Variable | TensorData
/** A tensor, or the symbol of one. */
export type AnyTensor = Tensor | KerasTensor
/** Symbolic in, symbolic out. */
export type Result<X> = X extends readonly (infer E)[] ? Result<E> : Extract<X, KerasTensor> extends never ? Tensor : KerasTensor

export interface OpDefinition<T extends readonly unknown[], P extends object, R extends Tree<Tensor>> {
  /** Keras's class name of the op: `Add`, `Softmax`. */
  readonly name: string
  /** Keras's module of the class: `numpy` for `keras.src.ops.numpy`. */
  readonly module: 'numpy' | 'nn' | 'core' | 'math' | 'linalg' | 'image' | 'einops'
  /** How many leading arguments are tensors (a list of tensors counts as one). */
  readonly tensors: number
  /** Names of the other arguments, in Keras's positional order: part of the config. */
  readonly parameters: readonly (keyof P & string)[]
  readonly call: (tensors: T, parameters: P) => R
}

/**
 * An op: leading tensors, then its parameters by position, or by name in one trailing record:
 * `ops.sum(x, 1)`, `ops.sum(x, { axis: 1 })`, `ops.sum(x, 1, { keepdims: true })`.
 */
export interface Op<T extends readonly unknown[], P extends object, R extends Tree<Tensor>> {
  (...args: OpArguments<{ [K in keyof T]: Concrete<T[K]> }, P>): R
  (...args: OpArguments<{ [K in keyof T]: Symbolic<T[K]> }, P>): SymbolicResult<R>
  readonly definition: OpDefinition<T, P, R>
}

type OpArguments<T extends readonly unknown[], P> = [...tensors: T, ...parameters: (P[keyof P] | Partial<P> | undefined)[]]
type Concrete<X> = X extends readonly Tensor[] ? readonly TensorLike[] : TensorLike
type Symbolic<X> = X extends readonly Tensor[] ? readonly (AnyTensor | TensorLike)[] : AnyTensor | TensorLike
type SymbolicResult<R> = R extends Tensor
  ? KerasTensor
  : R extends readonly Tree<Tensor>[]
    ? { [K in keyof R]: SymbolicResult<R[K]> }
    : Tree<KerasTensor>

export function defineOp<T extends readonly unknown[], P extends object, R extends Tree<Tensor>>(
  definition: OpDefinition<T, P, R>,
): Op<T, P, R> {
  const run = (...args: unknown[]): unknown => {
    const { inputs, parameters } = splitArguments(definition, args)
    const symbolic = Object.entries(parameters).filter(([, value]) => isSymbolic(value))
    if (symbolic.length > 0 || inputs.flat().some(isSymbolic)) {
      const settled = Object.fromEntries(Object.entries(parameters).filter(([, value]) => !isSymbolic(value)))
      return new OpNode(definition as unknown as AnyDefinition, settled).callSymbolically(inputs, Object.fromEntries(symbolic))
    }
    return withScope(definition.name, () => definition.call(inputs.map(readVariables) as unknown as T, parameters as P))
  }
  return Object.assign(run, { definition }) as unknown as Op<T, P, R>
}

/** A definition whose types are not known. */
export type AnyDefinition = OpDefinition<readonly unknown[], Record<string, unknown>, Tree<Tensor>>

function splitArguments(
  definition: { readonly name: string; readonly tensors: number; readonly parameters: readonly string[] },
  args: readonly unknown[],
): { inputs: unknown[]; parameters: Record<string, unknown> } {
  const { name, tensors, parameters: names } = definition
  if (args.length < tensors)
    throw new ValueError({ where: `ops.${name}`, problem: `${tensors} tensor argument(s) needed`, received: `${args.length}` })
  const inputs = args.slice(0, tensors)
  const rest = args.slice(tensors)
  const last = rest.at(-1)
  const named = isOptions(last) ? (rest.pop() as Record<string, unknown>) : {}
  if (rest.length > names.length) {
    throw new ValueError({
      where: `ops.${name}`,
      problem: 'too many arguments',
      expected: `at most (${names.join(', ')})`,
      received: `${rest.length} after the tensors`,
    })
  }
  const parameters: Record<string, unknown> = {}
  rest.forEach((value, index) => {
    if (value !== undefined) parameters[names[index] as string] = value
  })
  for (const [key, value] of Object.entries(named)) {
    if (!names.includes(key))
      throw new ValueError({
        where: `ops.${name}`,
        problem: `unknown option '${key}'`,
        expected: names.length === 0 ? 'no options' : names.join(', '),
      })
    if (value !== undefined) parameters[key] = value
  }
  return { inputs, parameters }
}

/** Variables as their values: in the dtype of the autocast scope, which promotion goes by. */
function readVariables(input: unknown): unknown {
  if (input instanceof Variable) return input.value
  return Array.isArray(input) && input.some((item) => item instanceof Variable) ? input.map(readVariables) : input
}

function isOptions(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

/** An op applied to symbolic tensors: a node of a model, like a layer without weights. */
export class OpNode implements Operation {
  readonly inboundNodes: SymbolicNode[] = []
  readonly name: string
  readonly #definition: AnyDefinition
  readonly #parameters: Record<string, unknown>

  constructor(definition: AnyDefinition, parameters: Record<string, unknown>, name = autoName(definition.name)) {
    this.#definition = definition
    this.#parameters = parameters
    this.name = name
  }

  get className(): string {
    return this.#definition.name
  }

  get module(): string {
    return `keras.src.ops.${this.#definition.module}`
  }

  /** `tensors` are parameters that are symbolic: they belong to the call, not to the op. */
  callSymbolically(inputs: readonly unknown[], tensors: Readonly<Record<string, unknown>> = {}): Tree<KerasTensor> {
    const output = symbolicOutput(this.name, inputs, tensors, (args, options) => this.callOn(args, options))
    if (inputs.flat().some((input) => isSymbolic(input) && input.mask !== undefined)) warnOfMask(this)
    recordCall(this, inputs, tensors, output)
    return output
  }

  /** The same op, for another model. */
  again(): OpNode {
    return new OpNode(this.#definition, this.#parameters, this.name)
  }

  callOn(args: readonly unknown[], options: Readonly<Record<string, unknown>> = {}): Tree<Tensor> {
    return withScope(this.name, () => this.#definition.call(args.map(readVariables), { ...this.#parameters, ...options }))
  }

  /** Parameters in Keras's spelling, with the name. */
  getConfig(): Record<string, unknown> {
    const snake = (key: string): string => key.replace(/(?<=.)[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    return { name: this.name, ...Object.fromEntries(Object.entries(this.#parameters).map(([key, value]) => [snake(key), value])) }
  }

  /** The node that `getConfig` described. */
  static fromConfig(definition: AnyDefinition, { name, ...config }: Record<string, unknown>): OpNode {
    const camel = (key: string): string => key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
    const parameters = Object.fromEntries(Object.entries(config).map(([key, value]) => [camel(key), value]))
    return new OpNode(definition, parameters, name as string | undefined)
  }
}

/** As Keras, whose ops know of no masks either; but not in silence. */
function warnOfMask({ name, className }: OpNode): void {
  console.warn(
    `ondol: op '${name}' (${className}) got a tensor with a mask, and leaves it out: layers after it will not see the mask. Layers such as Add, Multiply and Activation pass masks on.`,
  )
}

/** Any tensor-like as a tensor; `dtype` applies to numbers and arrays only. */
export function asTensor(value: TensorLike, dtype?: DType): Tensor {
  if (value instanceof Tensor) return value
  if (value instanceof Variable) return value.value
  if (isSymbolic(value)) throw new GraphError({ problem: 'a symbolic tensor came where a value is needed', received: value.toString() })
  return tensor(value, undefined, dtype)
}
