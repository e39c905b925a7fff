/**
 * A cell repeated over time. Follows `keras/src/layers/rnn/rnn.py`.
 *
 * The steps are one `scan` over the time-major sequence; what does not depend on the state (a projection of
 * the inputs) is done once before, for all steps.
 */
import { GraphError, ShapeError, ValueError } from '../../core/errors.js'
import { formatShape, type PartialShape } from '../../core/shape.js'
import { lax, scan, type Tensor, Variable } from '../../engine/index.js'
import * as ops from '../../ops/index.js'
import { currentPath, insideLayer } from '../call-context.js'
import type { ConfigTable } from '../config-table.js'
import { InputSpec } from '../input-spec.js'
import { type CallOptions, Layer, type LayerOptions } from '../layer.js'
import type { RNNCell } from './cell.js'

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

/** What is carried from step to step. */
interface Progress {
  readonly output: Tensor | null
  readonly states: readonly Tensor[]
}

/** (batch, steps, features) → (batch, units), or (batch, steps, units) with `returnSequences`. */
export class RNN extends Layer {
  static override readonly className: string = 'RNN'
  static override readonly positional: readonly string[] = ['cell']
  static override readonly configTable: ConfigTable = {
    returnSequences: 'value',
    returnState: 'value',
    goBackwards: 'value',
    stateful: 'value',
    unroll: 'value',
    zeroOutputForMask: 'value',
  }
  readonly cell: RNNCell
  readonly returnSequences: boolean
  readonly returnState: boolean
  readonly goBackwards: boolean
  readonly stateful: boolean
  readonly unroll: boolean
  readonly zeroOutputForMask: boolean
  /** Kept between batches when stateful. Not weights: they are not saved. */
  #states: Variable[] | undefined

  constructor(cell: RNNCell, options: RNNOptions = {}) {
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
    this.cell = cell
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
    const [batch, , ...features] = sequenceShape
    if (!this.cell.built) this.cell.build([batch ?? null, ...features])
    if (!this.stateful || this.#states !== undefined) return
    if (typeof batch !== 'number') {
      throw new ShapeError({
        problem: 'a stateful layer needs a fixed batch size',
        received: formatShape(sequenceShape),
        hint: 'give it in Input({ batchShape: [32, …] })',
      })
    }
    this.#states = this.initialState(batch).map((value) => {
      const state = new Variable(value, { name: 'rnn_state', trainable: false })
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

  resetStates(): void {
    this.resetState()
  }

  /** Zeros, (batch, size) for each state. */
  initialState(batch: number): Tensor[] {
    return this.cell.stateSize.map((size) => ops.zeros([batch, size], this.cell.computeDtype))
  }

  override call(
    sequence: Tensor,
    { training = false, mask: given, initialState }: CallOptions & { readonly initialState?: Tensor | readonly Tensor[] | null },
  ): Tensor | Tensor[] {
    const [batch, steps] = sequence.shape as [number, number]
    const states = this.#startingStates(batch, initialState)
    const mask = (Array.isArray(given) ? given[0] : given) as Tensor | null | undefined
    const prepared = this.cell.prepare(ops.moveaxis(sequence, 1, 0), training)
    const constants = this.cell.prepareStep(states, training)
    const valid = mask === null || mask === undefined ? null : ops.transpose(lax.cast(mask, 'bool'))
    const { outputs, last } = this.#run(prepared, valid, states, training, constants, steps)
    const result = this.returnSequences ? ops.moveaxis(outputs as Tensor, 0, 1) : (last.output ?? (last.states[0] as Tensor))
    this.#states?.forEach((state, i) => {
      state.assign(lax.cast(last.states[i] as Tensor, state.dtype))
    })
    const toCompute = (x: Tensor): Tensor => lax.cast(x, this.computeDtype)
    return this.returnState ? [toCompute(result), ...last.states.map(toCompute)] : toCompute(result)
  }

  #startingStates(batch: number, given: Tensor | readonly Tensor[] | null | undefined): Tensor[] {
    const expected = this.#states?.[0]?.shape[0]
    if (expected !== undefined && expected !== batch) {
      throw new ShapeError({
        problem: 'a stateful layer must be given the same batch size each time',
        expected: `${expected}`,
        received: `${batch}`,
      })
    }
    const states = given ?? this.#states?.map((state) => state.value) ?? this.initialState(batch)
    const list = Array.isArray(states) ? (states as readonly Tensor[]) : [states as Tensor]
    const sizes = this.cell.stateSize
    if (list.length !== sizes.length)
      throw new ValueError({ problem: 'wrong number of initial states', expected: `${sizes.length}`, received: `${list.length}` })
    list.forEach((state, i) => {
      if (state.rank !== 2 || state.shape[0] !== batch || state.shape[1] !== sizes[i]) {
        throw new ShapeError({
          problem: `initial state ${i} has the wrong shape`,
          expected: formatShape([batch, sizes[i] as number]),
          received: formatShape(state.shape),
        })
      }
    })
    return list.map((state) => lax.cast(state, this.cell.computeDtype))
  }

  /** All steps: the outputs (steps, batch, units) if they are wanted, and where it ended. */
  #run(
    sequence: Tensor,
    valid: Tensor | null,
    states: readonly Tensor[],
    training: boolean,
    constants: readonly (Tensor | null)[],
    steps: number,
  ): { outputs: Tensor | null; last: Progress } {
    // The last output is often the last state; only where it is not, it is carried along.
    const carriesOutput = !this.returnSequences && (!this.cell.outputIsState || (valid !== null && this.zeroOutputForMask))
    const start: Progress = { output: carriesOutput ? this.#zeroOutput(states) : null, states }
    const body = (before: Progress, element: Tensor, isValid: Tensor | null): Progress & { readonly output: Tensor } => {
      const [output, next] = this.cell.step(element, before.states, training, constants)
      return isValid === null ? { output, states: next } : this.#hold(before, output, next, isValid)
    }
    if (this.unroll) return this.#unroll(start, body, sequence, valid, steps)

    const pack = ({ output, states: list }: Progress): Tensor[] => (carriesOutput ? [output as Tensor, ...list] : [...list])
    const unpack = (carries: readonly Tensor[]): Progress =>
      carriesOutput ? { output: carries[0] as Tensor, states: carries.slice(1) } : { output: null, states: carries }
    const [carries, results] = scan(
      (before, [element, isValid = null]) => {
        const after = body(unpack(before), element as Tensor, isValid)
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

  #zeroOutput(states: readonly Tensor[]): Tensor {
    const [first] = states as [Tensor]
    return ops.zeros([first.shape[0] as number, this.cell.outputSize], first.dtype)
  }

  /** A masked step leaves the states, and repeats the output before (as the first state has it) or gives zeros. */
  #hold(before: Progress, output: Tensor, next: readonly Tensor[], isValid: Tensor): Progress & { readonly output: Tensor } {
    const choose = (fresh: Tensor, held: Tensor): Tensor => lax.select(lax.broadcast(isValid, fresh.shape, [0]), fresh, held)
    const states = next.map((state, i) => choose(state, before.states[i] as Tensor))
    if (this.zeroOutputForMask) return { output: choose(output, lax.zerosLike(output)), states }
    if (this.cell.outputIsState) return { output: states[0] as Tensor, states }
    return { output: choose(output, before.states[0] as Tensor), states }
  }

  #unroll(
    start: Progress,
    body: (before: Progress, element: Tensor, isValid: Tensor | null) => Progress & { readonly output: Tensor },
    sequence: Tensor,
    valid: Tensor | null,
    steps: number,
  ): { outputs: Tensor | null; last: Progress } {
    if (steps === 0) throw new GraphError({ problem: 'a sequence without steps cannot be unrolled' })
    const at = (x: Tensor, step: number): Tensor =>
      lax.reshape(
        lax.slice(
          x,
          x.shape.map((_, axis) => (axis === 0 ? step : 0)),
          [1, ...x.shape.slice(1)],
        ),
        x.shape.slice(1),
      )
    const order = Array.from({ length: steps }, (_, i) => (this.goBackwards ? steps - 1 - i : i))
    const outputs: Tensor[] = []
    let progress = start
    for (const step of order) {
      const next = body(progress, at(sequence, step), valid === null ? null : at(valid, step))
      outputs.push(next.output)
      progress = next
    }
    return { outputs: this.returnSequences ? ops.stack(outputs, { axis: 0 }) : null, last: progress }
  }

  /** The mask goes on with whole sequences; states have none. */
  override computeMask(_inputs: unknown, previous: unknown): Tensor | null | (Tensor | null)[] {
    const mask = ((Array.isArray(previous) ? previous[0] : previous) ?? null) as Tensor | null
    const ofOutput = this.returnSequences ? mask : null
    return this.returnState ? [ofOutput, ...this.cell.stateSize.map(() => null)] : ofOutput
  }

  override getConfig(): Record<string, unknown> {
    return { ...super.getConfig(), cell: this.cell.serialize() }
  }
}

export const rnn = (...args: ConstructorParameters<typeof RNN>): RNN => new RNN(...args)
