/** What an RNN layer asks of the cell that it repeats over time. */
import { lax, type Tensor } from '../../engine/index.js'
import * as random from '../../ops/random.js'
import { type CallOptions, Layer, type LayerOptions } from '../layer.js'
import { requireRate } from '../options.js'

/**
 * One step: `call(inputs, states, { training })` gives `[output, nextStates]`. Input (batch, features),
 * states a list of tensors (batch, size).
 *
 * @example
 * class Accumulate extends layers.RNNCell {
 *   readonly stateSize = [8]
 *   override call(x: Tensor, [total]: Tensor[]) { const next = ops.add(x, total); return [next, [next]] }
 * }
 */
export abstract class RNNCell extends Layer {
  /** Sizes of the states. */
  abstract readonly stateSize: readonly number[]
  /** Size of the output. Default: the first state's. */
  get outputSize(): number {
    return this.stateSize[0] as number
  }

  /** Whether the output of a step is its first new state: then the last output need not be kept apart. */
  readonly outputIsState: boolean = false

  abstract override call(inputs: Tensor, states: readonly Tensor[], options?: CallOptions): [output: Tensor, states: Tensor[]]

  /**
   * What a layer that repeats the cell does once for all steps, on the time-major sequence (steps, batch, features).
   * Default: nothing.
   */
  prepare(sequence: Tensor, _training: boolean): Tensor {
    return sequence
  }

  /** One step on an element of a prepared sequence. `constants` is what `prepareStep` gave. */
  step(
    prepared: Tensor,
    states: readonly Tensor[],
    training: boolean,
    _constants: readonly (Tensor | null)[],
  ): [output: Tensor, states: Tensor[]] {
    return this.call(prepared, states, { training })
  }

  /** Tensors that all steps share, made before the first: weights as read, dropout masks. Default: none. */
  prepareStep(_states: readonly Tensor[], _training: boolean): readonly (Tensor | null)[] {
    return []
  }
}

export interface DropoutCellOptions extends LayerOptions {
  /** Share of inputs to drop, the same ones at every step. Default 0. */
  readonly dropout?: number | undefined
  /** Share of the recurrent state to drop, the same at every step. Default 0. */
  readonly recurrentDropout?: number | undefined
  readonly seed?: number | null | undefined
}

/** A cell with dropout on inputs and recurrent state. */
export abstract class DropoutRNNCell extends RNNCell {
  readonly dropout: number
  readonly recurrentDropout: number
  readonly seed: number | null
  readonly seedGenerator: random.SeedGenerator | null

  constructor({ dropout = 0, recurrentDropout = 0, seed = null, ...options }: DropoutCellOptions) {
    super(options)
    this.dropout = requireRate(dropout, 'dropout', this.name)
    this.recurrentDropout = requireRate(recurrentDropout, 'recurrentDropout', this.name)
    this.seed = seed
    this.seedGenerator = dropout > 0 || recurrentDropout > 0 ? new random.SeedGenerator(seed) : null
  }

  /** 0 or 1 / (1 - rate) for each element of a tensor like `x`; `null` when nothing is dropped. */
  protected mask(x: Tensor, rate: number, training: boolean): Tensor | null {
    if (!training || rate === 0 || this.seedGenerator === null) return null
    return random.dropout(lax.fullLike(x, 1), rate, { seed: this.seedGenerator })
  }
}
