/** What an RNN layer repeats over time: cells, and how one is run. */
import type { DType } from '../../core/dtype.js'
import { GraphError, ValueError } from '../../core/errors.js'
import type { Shape } from '../../core/shape.js'
import { lax, type Tensor } from '../../engine/index.js'
import { type CallOptions, Layer } from '../layer.js'

/** One tensor, or several that belong together: a cell among stacked ones has one of these. */
export type State = Tensor | readonly Tensor[]
/** Sizes of the states: of one, or a list for each. */
export type StateSize = number | readonly (number | readonly number[])[]

/**
 * Anything that makes a step: `call(inputs, states, { training })` gives `[output, nextStates]`. Inputs
 * (batch, features), states a list of (batch, size). A layer, so that its weights are found, or a plain object.
 */
export interface Cell {
  readonly stateSize: StateSize
  /** Size of the output. Default: the first state's. */
  readonly outputSize?: number | undefined
  call(inputs: Tensor, states: readonly State[], options?: CallOptions): unknown
  /** The states before the first step. Default: zeros. */
  getInitialState?(batchSize: number): State | readonly State[]
}

/** A cell at work on one sequence: what all steps share has been made. */
export interface Recurrence {
  /** What needs no state: done for all steps at once on (steps, batch, …), or on one step's (batch, …). */
  readonly prepare: (x: Tensor) => Tensor
  /** One step on what `prepare` gave for it. */
  readonly step: (prepared: Tensor, states: readonly State[]) => readonly [output: Tensor, states: readonly State[]]
}

/**
 * A cell as a layer. Define `call`, or `begin` where part of the work can be done for all steps together.
 *
 * @example
 * class Accumulate extends layers.RNNCell {
 *   readonly stateSize = [8]
 *   override call(x: Tensor, [total]: Tensor[]) { const next = ops.add(x, total); return [next, [next]] }
 * }
 */
export abstract class RNNCell extends Layer implements Cell {
  abstract readonly stateSize: StateSize
  get outputSize(): number | undefined {
    return firstSize(this.stateSize)
  }

  /** Whether the output of a step is its first new state: then the last output need not be kept apart. */
  readonly outputIsState: boolean = false

  /** Begins a sequence whose steps have this shape (with the batch). */
  begin(_stepShape: Shape, _states: readonly State[], _training: boolean): Recurrence {
    throw new GraphError({ problem: `the cell ${this.className} has no call method`, hint: 'define call(inputs, states, options) in it' })
  }

  override call(inputs: Tensor, states: readonly State[], { training = false }: CallOptions = {}): [Tensor, State[]] {
    const { prepare, step } = this.begin(inputs.shape, listed(states), training)
    const [output, next] = step(prepare(inputs), listed(states))
    return [output, [...next]]
  }

  getInitialState(batchSize: number): State[] {
    return zeroStates(this.stateSize, batchSize, this.computeDtype)
  }
}

const listed = (states: State | readonly State[]): readonly State[] => (Array.isArray(states) ? states : [states as Tensor])

const firstSize = (size: StateSize): number | undefined => (typeof size === 'number' ? size : [size].flat(2)[0])

export const outputSizeOf = (cell: Cell): number | undefined => cell.outputSize ?? firstSize(cell.stateSize)

function zeroStates(stateSize: StateSize, batch: number, dtype: DType): State[] {
  const zeros = (size: number): Tensor => lax.full([batch, size], dtype, 0)
  return (typeof stateSize === 'number' ? [stateSize] : stateSize).map((size) => (typeof size === 'number' ? zeros(size) : size.map(zeros)))
}

/** The dtype in which a cell computes; `otherwise` for plain objects. */
export const dtypeOf = (cell: Cell, otherwise: DType): DType => (cell instanceof Layer ? cell.computeDtype : otherwise)

export const initialStates = (cell: Cell, batch: number, otherwise: DType): State[] => [
  ...listed(cell.getInitialState?.(batch) ?? zeroStates(cell.stateSize, batch, dtypeOf(cell, otherwise))),
]

/** Whether a cell is run by its `begin`; a class with a `call` of its own is called. */
const begins = (cell: Cell): cell is RNNCell => cell instanceof RNNCell && cell.call === RNNCell.prototype.call

export const outputIsStateOf = (cell: Cell): boolean => begins(cell) && cell.outputIsState

/** A cell on a sequence of such steps, computing in `dtype` around it. */
export function recurrenceOf(cell: Cell, dtype: DType, stepShape: Shape, states: readonly State[], training: boolean): Recurrence {
  // A cell with another dtype is called too: calls see to it.
  if (begins(cell) && cell.computeDtype === dtype) return cell.begin(stepShape, states, training)
  return {
    prepare: (x) => x,
    step: (x, before) => {
      const result: unknown = cell instanceof Layer ? cell.callOn([x, before], { training }) : cell.call(x, before, { training })
      const [output, next] = result as [Tensor, State | readonly State[]]
      return [output, listed(next)]
    },
  }
}

/** Builds a cell for steps of this shape, if it can be built and is not. */
export function buildCell(cell: Cell, stepShape: readonly (number | null)[]): void {
  if (cell instanceof Layer && !cell.built) cell.build(stepShape)
}

/** @throws ValueError when it is no cell. */
export function requireCell<C extends Cell>(cell: C, where: string): C {
  const size = cell?.stateSize as unknown
  const isSize = typeof size === 'number' || (Array.isArray(size) && size.flat(2).every((item) => typeof item === 'number'))
  if (typeof cell?.call === 'function' && isSize) return cell
  throw new ValueError({
    where,
    problem: 'this is no cell',
    expected: 'a layer or object with call(inputs, states, options) and stateSize: a number, or a list of numbers',
    received: `cell=${String(cell)}, stateSize=${JSON.stringify(size)}`,
  })
}
