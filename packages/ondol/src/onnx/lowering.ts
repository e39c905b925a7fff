/**
 * Where the values of a traced graph are in the ONNX graph.
 *
 * A value is a *view*: each of its axes is an axis of some ONNX tensor, or none along which it does not change. So
 * transposes, broadcasts and axes of size 1 cost nothing until somebody needs the value in a certain order of axes; an
 * element-wise node takes its operands in the order they have. Channels-last convolutions give views of
 * channels-first tensors, and whole chains of layers stay in that order.
 */
import type { DType } from '../core/dtype.js'
import { SavingError } from '../core/errors.js'
import type { Abstract, Graph, Node, Value } from '../engine/graph.js'
import type { Variable } from '../engine/index.js'
import type { GraphBuilder, Named } from './builder.js'
import { dataType } from './model-proto.js'
import { isKnown, isOne, type Size, sameSize, type Twins } from './sizes.js'

export interface View {
  readonly tensor: Named
  /** For each axis of the value the axis of the tensor, or null; the tensor's other axes have size 1. */
  readonly axes: readonly (number | null)[]
}

/** What the model's weights became. */
export type Weights = (variable: Variable) => Named

export const plainView = (tensor: Named): View => ({ tensor, axes: tensor.shape.map((_, axis) => axis) })

export class Lowering {
  readonly #views = new Map<Value, View>()
  readonly #uses: ReadonlyMap<Value, number>

  constructor(
    readonly builder: GraphBuilder,
    readonly twins: Twins,
    readonly weight: Weights,
    uses: ReadonlyMap<Value, number>,
    readonly lowerGraph: (lowering: Lowering, graph: Graph, twin: Graph) => void,
  ) {
    this.#uses = uses
  }

  /** For a graph inside this one. */
  within(builder: GraphBuilder, uses: ReadonlyMap<Value, number>): Lowering {
    return new Lowering(builder, this.twins, this.weight, uses, this.lowerGraph)
  }

  /** Lowers the nodes of a graph whose inputs are set. */
  run(graph: Graph, twin: Graph): void {
    this.lowerGraph(this, graph, twin)
  }

  shapeOf(value: Value): Size[] {
    return this.twins.shapeOf(value)
  }

  /** Whether one node alone reads it. */
  isReadOnce(value: Value): boolean {
    return this.#uses.get(value) === 1
  }

  set(value: Value, view: View): void {
    this.#views.set(value, view)
  }

  /** A value that is a tensor as it stands. */
  setPlain(value: Value, tensor: Named): void {
    this.set(value, plainView(tensor))
  }

  /** A value whose axes are in this order in the tensor. */
  setOrdered(value: Value, tensor: Named, order: readonly number[]): void {
    this.set(value, { tensor, axes: value.shape.map((_, axis) => order.indexOf(axis)) })
  }

  view(value: Value): View {
    const view = this.#views.get(value)
    if (view === undefined) throw new Error(`internal: a value of ${value.node?.primitive ?? 'an input'} was not lowered`)
    return view
  }

  /** The order of a value's axes in its tensor; undefined where it is not all there. */
  orderOf(value: Value): number[] | undefined {
    const { tensor, axes } = this.view(value)
    const shape = this.shapeOf(value)
    if (tensor.shape.length !== axes.length) return undefined
    if (axes.some((at, axis) => at === null || !sameSize(tensor.shape[at] as Size, shape[axis] as Size))) return undefined
    return tensor.shape.map((_, at) => axes.indexOf(at))
  }

  /** The axes along which a value changes, in the order of its tensor. */
  axesOf(value: Value): number[] {
    const { tensor, axes } = this.view(value)
    return tensor.shape.flatMap((size, at) => (axes.includes(at) && !isOne(size) ? [axes.indexOf(at)] : []))
  }

  /** The tensor with the value's axes in `order`; along axes that it does not have it has size 1, or none at the front. */
  arranged(value: Value, order: readonly number[], keepsFront = false): Named {
    const { tensor, axes } = this.view(value)
    const present = order.filter((axis) => axes[axis] !== null && axes[axis] !== undefined)
    const places = present.map((axis) => axes[axis] as number)
    const rest = tensor.shape.map((_, at) => at).filter((at) => !places.includes(at))
    const squeezed = this.builder.squeeze(tensor, rest)
    const ranks = [...places].sort((a, b) => a - b)
    const moved = this.builder.transpose(
      squeezed,
      places.map((at) => ranks.indexOf(at)),
    )
    const first = keepsFront ? 0 : order.findIndex((axis) => present.includes(axis))
    if (first < 0) return moved
    const missing = order.slice(first).flatMap((axis, i) => (present.includes(axis) ? [] : [i]))
    return this.builder.unsqueeze(moved, missing)
  }

  /** The whole value as a tensor with its axes in `order`. */
  whole(value: Value, order: readonly number[] = value.shape.map((_, axis) => axis)): Named {
    const shape = this.shapeOf(value)
    const tensor = this.builder.expand(
      this.arranged(value, order, true),
      order.map((axis) => shape[axis] as Size),
    )
    const present = this.orderOf(value)
    const { tensor: now } = this.view(value)
    // From here on others find it ready; weights stay as they were.
    if (present === undefined && tensor !== now) this.setOrdered(value, tensor, order)
    return tensor
  }

  /**
   * An operation on elements: operands come together in the order of axes that most of them have.
   */
  elementwise(output: Value, inputs: readonly Value[], make: (operands: readonly Named[], shape: readonly Size[]) => Named): void {
    const shape = this.shapeOf(output)
    const changing = inputs.map((input) => this.axesOf(input))
    const all = new Set(changing.flat())
    const isData = inputs.map((input) => this.builder.dataOf(this.view(input).tensor) !== undefined)
    const leaders = inputs.map((_, i) => i).filter((i) => (changing[i] as number[]).length === all.size)
    const leader = leaders.find((i) => !isData[i]) ?? leaders[0]
    const natural = shape.map((_, axis) => axis)
    const full = leader === undefined ? undefined : this.orderOf(inputs[leader] as Value)
    const order = full ?? (leader === undefined ? natural.filter((axis) => all.has(axis)) : (changing[leader] as number[]))
    const operands = inputs.map((input) => this.arranged(input, order))
    const size = (axis: number): Size => (full !== undefined || all.has(axis) ? (shape[axis] as Size) : [1, 1])
    const widest = Math.max(...operands.map((operand) => operand.shape.length))
    // What has no axes at the front gives none either.
    const covered = order.slice(order.length - widest)
    const result = make(operands, covered.map(size))
    const axes = natural.map((axis) => (covered.includes(axis) ? covered.indexOf(axis) : null))
    this.set(output, { tensor: result, axes })
  }

  cast(tensor: Named, dtype: DType): Named {
    return this.builder.cast(tensor, dtype, dataType(dtype))
  }

  /** A number that may follow from sizes, without axes. */
  number([first, second]: Size, dtype: DType): Named {
    const { builder } = this
    if (Object.is(first, second)) return builder.scalar(first, dtype)
    const size = Number.isInteger(first) && Number.isInteger(second) ? builder.findSize([first, second]) : undefined
    const asNumber = (counted: Named): Named => this.cast(builder.squeeze(counted, [0]), dtype)
    if (size !== undefined) return asNumber(size)
    const inverse: Size = [Math.round(1 / first), Math.round(1 / second)]
    const isInverse = Math.abs(inverse[0] * first - 1) < 1e-6 && Math.abs(inverse[1] * second - 1) < 1e-6
    const counted = isInverse && !isKnown(inverse) ? builder.findSize(inverse) : undefined
    if (counted !== undefined) return builder.node('Reciprocal', [asNumber(counted)], [])
    throw new SavingError({
      where: builder.scope,
      problem: 'a number follows from the sizes of the inputs in a way that cannot be found out',
      received: `${first} and ${second} in two trials`,
      hint: 'give Input(...) fixed sizes',
    })
  }

  /** Says that ONNX has no way to express it. */
  refuse(what: string, hint?: string): never {
    throw new SavingError({
      where: this.builder.scope,
      problem: `ONNX cannot express ${what}`,
      ...(hint !== undefined && { hint }),
    })
  }
}

/** A node with its counterpart in the second trace. */
export interface Pair<N extends Node = Node> {
  readonly node: N
  readonly twin: N
}

export const resultOf = ({ outputs }: { readonly outputs: readonly Value[] }, index = 0): Value & Abstract => outputs[index] as Value
