/**
 * A cell repeated over time. Follows `keras/src/layers/rnn/rnn.py`.
 *
 * The steps are one `scan` over the time-major sequence; what does not depend on the state (a projection of
 * the inputs) is done once before, for all steps.
 */
import { GraphError, SavingError, ShapeError, ValueError } from '../../core/errors.js'
import { formatShape, type PartialShape } from '../../core/shape.js'
import { flatten, type Tree, unflatten } from '../../core/tree.js'
import { lax, scan, type Tensor, Variable } from '../../engine/index.js'
import * as ops from '../../ops/index.js'
import { currentPath, insideLayer } from '../call-context.js'
import type { ConfigTable } from '../config-table.js'
import { InputSpec } from '../input-spec.js'
import { type CallOptions, Layer, type LayerOptions } from '../layer.js'
import type { Masks } from '../masks.js'
import {
  buildCell,
  type Cell,
  dtypeOf,
  initialStates,
  outputIsStateOf,
  outputSizeOf,
  recurrenceOf,
  requireCell,
  type State,
} from './cell.js'

export interface RNNOptions extends LayerOptions {
  /** Gives the outputs of all steps, not of the last alone. Default false. */
  readonly returnSequences?: boolean | undefined
  /** Gives the last states too: [output, …states]. Default false. */
  readonly returnState?: boolean | undefined
  /** From the last step to the first; the outputs are in that order. Default false. */
  readonly goBackwards?: boolean | undefined
  /** Begins each batch with the states in which the last one ended. Needs a fixed batch size. Default false. */
  readonly stateful?: boolean | undefined
  /** Writes the steps out instead of looping. Default false. */
  readonly unroll?: boolean | undefined
  /** Gives zeros for masked steps, instead of the output before. Default false. */
  readonly zeroOutputForMask?: boolean | undefined
}

/** What a call takes besides the sequence. */
export interface RNNCallOptions extends CallOptions {
  /** The states to begin with. It may also stand behind the sequence. Default: zeros, or where a stateful layer ended. */
  readonly initialState?: State | readonly State[] | null | undefined
}

/** What is carried from step to step; states flat. */
interface Progress {
  readonly output: Tensor | null
  readonly states: readonly Tensor[]
}
type Step = (before: Progress, element: Tensor, isValid: Tensor | null) => Progress & { readonly output: Tensor }

/**
 * (batch, steps, …) → (batch, units), or (batch, steps, units) with `returnSequences`.
 *
 * @example
 * const encoded = layers.rnn(layers.stackedRnnCells([layers.gruCell(32), layers.gruCell(16)]))(steps)
 */
export class RNN extends Layer {
  static override readonly className: string = 'RNN'
  static override readonly positional: readonly string[] = ['cell']
  static override readonly buildArguments: readonly string[] = ['sequences_shape', 'initial_state_shape']
  static override readonly configTable: ConfigTable = {
    returnSequences: 'value',
    returnState: 'value',
    goBackwards: 'value',
    stateful: 'value',
    unroll: 'value',
    zeroOutputForMask: 'value',
  }
  readonly cell: Cell
  readonly returnSequences: boolean
  readonly returnState: boolean
  readonly goBackwards: boolean
  readonly stateful: boolean
  readonly unroll: boolean
  /** `Bidirectional` sets it. */
  zeroOutputForMask: boolean
  /** Kept between batches when stateful. Not weights: they are not saved. */
  #states: Variable[] | undefined

  constructor(cell: Cell, options: RNNOptions = {}) {
    const {
      returnSequences = false,
      returnState = false,
      goBackwards = false,
      stateful = false,
      unroll = false,
      zeroOutputForMask = false,
      ...rest
    } = options
    super(rest)
    this.cell = requireCell(cell, this.name)
    this.returnSequences = returnSequences
    this.returnState = returnState
    this.goBackwards = goBackwards
    this.stateful = stateful
    this.unroll = unroll
    this.zeroOutputForMask = zeroOutputForMask
    this.supportsMasking = true
    this.inputSpec = new InputSpec({ minNdim: 3 })
  }

  override build(sequenceShape: PartialShape): void {
    const [batch, steps, ...features] = sequenceShape
    buildCell(this.cell, [batch ?? null, ...features])
    if (this.unroll && typeof steps !== 'number') {
      throw new ShapeError({
        problem: 'steps can be written out only where their number is known',
        received: formatShape(sequenceShape),
        hint: 'give it in Input({ shape: [steps, features] }), or leave unroll out',
      })
    }
    if (!this.stateful || this.#states !== undefined) return
    if (typeof batch !== 'number') {
      throw new ShapeError({
        problem: 'a stateful layer needs a fixed batch size',
        received: formatShape(sequenceShape),
        hint: 'give it in Input({ batchShape: [32, …] })',
      })
    }
    this.#states = flatten<Tensor>(this.getInitialState(batch)).map((value) => {
      const state = new Variable(lax.cast(value, this.variableDtype), { name: 'rnn_state', trainable: false })
      state.path = insideLayer(this, () => `${currentPath()}/rnn_state`)
      return state
    })
  }

  /** The states when stateful. */
  get states(): readonly Variable[] | null {
    return this.#states ?? null
  }

  /** Sets the states of a stateful layer to zero. */
  resetState(): void {
    for (const state of this.#states ?? []) state.assign(lax.zerosLike(state.uncastValue))
  }

  /** The older name of `resetState`. */
  resetStates(): void {
    this.resetState()
  }

  /** The states before the first step: the cell's, or zeros (batch, size) each. */
  getInitialState(batchSize: number): State[] {
    return initialStates(this.cell, batchSize, this.computeDtype)
  }

  override call(
    sequence: Tensor,
    ...rest: readonly [RNNCallOptions?] | readonly [State | readonly State[] | null, RNNCallOptions]
  ): Tree<Tensor> {
    const options = (rest.length === 2 ? rest[1] : rest[0]) as RNNCallOptions | undefined
    const { training = false, mask = null, initialState } = options ?? {}
    const [batch, steps, ...features] = sequence.shape as [number, number, ...number[]]
    const zeros = this.getInitialState(batch)
    const given = (rest.length === 2 ? (rest[0] as State | null) : null) ?? initialState ?? null
    const states = this.#startingStates(batch, zeros, given)
    const list = (flat: readonly Tensor[]): State[] => unflatten(zeros as Tree<unknown>, flat) as State[]
    const recurrence = recurrenceOf(this.cell, this.computeDtype, [batch, ...features], list(states), training)
    const step: Step = (before, element, isValid) => {
      const [output, next] = recurrence.step(element, list(before.states))
      const flat = flatten<Tensor>(next as Tree<Tensor>)
      return isValid === null ? { output, states: flat } : this.#hold(before, output, flat, isValid)
    }
    const valid = firstMask(mask)
    const { outputs, last } = this.#run(
      recurrence.prepare(ops.moveaxis(sequence, 1, 0)),
      valid === null ? null : ops.transpose(lax.cast(valid, 'bool')),
      this.#start(states, valid !== null, given !== null || this.#states !== undefined),
      step,
      steps,
    )
    const result = this.returnSequences ? ops.moveaxis(outputs as Tensor, 0, 1) : (last.output ?? (last.states[0] as Tensor))
    this.#states?.forEach((state, i) => {
      state.assign(lax.cast(last.states[i] as Tensor, state.dtype))
    })
    const toCompute = (x: Tensor): Tensor => lax.cast(x, this.computeDtype)
    return this.returnState ? [toCompute(result), ...list(last.states.map(toCompute))] : toCompute(result)
  }

  #startingStates(batch: number, zeros: readonly State[], given: State | readonly State[] | null): Tensor[] {
    const expected = this.#states?.[0]?.shape[0]
    if (expected !== undefined && expected !== batch) {
      throw new ShapeError({
        problem: 'a stateful layer must be given the same batch size each time',
        expected: `${expected}`,
        received: `${batch}`,
      })
    }
    const wanted = flatten<Tensor>(zeros as Tree<Tensor>)
    const list = given === null ? (this.#states?.map((state) => state.value) ?? wanted) : flatten<Tensor>(given as Tree<Tensor>)
    if (list.length !== wanted.length)
      throw new ValueError({ problem: 'wrong number of initial states', expected: `${wanted.length}`, received: `${list.length}` })
    list.forEach((state, i) => {
      const { shape } = wanted[i] as Tensor
      if (formatShape(state.shape) !== formatShape(shape))
        throw new ShapeError({
          problem: `initial state ${i} has the wrong shape`,
          expected: formatShape(shape),
          received: formatShape(state.shape),
        })
    })
    return list.map((state) => lax.cast(state, dtypeOf(this.cell, this.computeDtype)))
  }

  /**
   * Where it starts. The last output is often the last state; only where it is not, it is carried along: where the cell
   * gives something else, and where a masked first step is to give zeros although the state is another.
   */
  #start(states: readonly Tensor[], isMasked: boolean, mayBeginElsewhere: boolean): Progress {
    const isOutput = outputIsStateOf(this.cell)
    const repeats = isMasked && !this.zeroOutputForMask
    const isRead = !this.returnSequences || repeats
    const isState = isOutput && (!isMasked || (repeats && !mayBeginElsewhere))
    if (!isRead || isState) return { output: null, states }
    const [first] = states as readonly [Tensor, ...Tensor[]]
    const shape = isOutput ? first.shape : [first.shape[0] as number, outputSizeOf(this.cell) as number]
    return { output: lax.full(shape, first.dtype, 0), states }
  }

  /** A masked step leaves the states, and repeats the output before or gives zeros. */
  #hold(before: Progress, output: Tensor, next: readonly Tensor[], isValid: Tensor): Progress & { readonly output: Tensor } {
    const choose = (fresh: Tensor, held: Tensor): Tensor => lax.select(lax.broadcast(isValid, fresh.shape, [0]), fresh, held)
    const states = next.map((state, i) => choose(state, before.states[i] as Tensor))
    if (this.zeroOutputForMask) return { output: choose(output, lax.zerosLike(output)), states }
    return { output: before.output === null ? (states[0] as Tensor) : choose(output, before.output), states }
  }

  /** All steps: the outputs (steps, batch, …) if they are wanted, and where it ended. */
  #run(sequence: Tensor, valid: Tensor | null, start: Progress, step: Step, steps: number): { outputs: Tensor | null; last: Progress } {
    if (this.unroll) return this.#unroll(sequence, valid, start, step, steps)
    const carriesOutput = start.output !== null
    const pack = ({ output, states }: Progress): Tensor[] => (carriesOutput ? [output as Tensor, ...states] : [...states])
    const unpack = (carries: readonly Tensor[]): Progress =>
      carriesOutput ? { output: carries[0] as Tensor, states: carries.slice(1) } : { output: null, states: carries }
    const [carries, results] = scan(
      (before, [element, isValid = null]) => {
        const after = step(unpack(before), element as Tensor, isValid)
        return [pack(after), this.returnSequences ? [after.output] : []]
      },
      pack(start),
      valid === null ? [sequence] : [sequence, valid],
      { reverse: this.goBackwards },
    )
    const [stacked = null] = results
    // A reversed scan leaves outputs at the place of their step; Keras gives them in the order of computation.
    return { outputs: stacked !== null && this.goBackwards ? lax.flip(stacked, [0]) : stacked, last: unpack(carries) }
  }

  #unroll(sequence: Tensor, valid: Tensor | null, start: Progress, step: Step, steps: number): { outputs: Tensor | null; last: Progress } {
    if (steps === 0) throw new GraphError({ problem: 'a sequence without steps cannot be unrolled' })
    const order = Array.from({ length: steps }, (_, i) => (this.goBackwards ? steps - 1 - i : i))
    const outputs: Tensor[] = []
    let progress = start
    for (const at of order) {
      const next = step(progress, stepAt(sequence, at), valid === null ? null : stepAt(valid, at))
      outputs.push(next.output)
      progress = start.output === null ? { output: null, states: next.states } : next
    }
    return { outputs: this.returnSequences ? ops.stack(outputs, { axis: 0 }) : null, last: progress }
  }

  /** The mask goes on with whole sequences; states have none. */
  override computeMask(_inputs: unknown, previous: Masks | null): Masks | null {
    const ofOutput = this.returnSequences ? firstMask(previous) : null
    return this.returnState ? [ofOutput, ...flatten<Tensor>(this.getInitialState(1) as Tree<Tensor>).map(() => null)] : ofOutput
  }

  override getConfig(): Record<string, unknown> {
    const { cell } = this
    if (cell instanceof Layer) return { ...super.getConfig(), cell: cell.serialize() }
    throw new SavingError({ where: this.name, problem: 'its cell is no layer', hint: 'let its class extend layers.Layer' })
  }
}

/** The mask of a sequence, also where it comes in a list with those of the states. */
export const firstMask = (mask: Masks | null | undefined): Tensor | null =>
  mask === null || mask === undefined ? null : (flatten<Tensor | null>(mask)[0] ?? null)

/** Element `index` along axis 0. */
export const stepAt = (x: Tensor, index: number): Tensor =>
  lax.reshape(
    lax.slice(
      x,
      x.shape.map((_, axis) => (axis === 0 ? index : 0)),
      [1, ...x.shape.slice(1)],
    ),
    x.shape.slice(1),
  )

export const rnn = (...args: ConstructorParameters<typeof RNN>): RNN => new RNN(...args)
