/** An RNN in both directions (Schuster and Paliwal 1997). Follows `keras/src/layers/rnn/bidirectional.py`. */
import { GraphError, ValueError } from '../../core/errors.js'
import type { PartialShape } from '../../core/shape.js'
import { flatten, type Tree } from '../../core/tree.js'
import { lax, type Tensor, type Variable } from '../../engine/index.js'
import type { TensorLike } from '../../ops/define.js'
import * as ops from '../../ops/index.js'
import type { ConfigTable } from '../config-table.js'
import { isRecord } from '../convert.js'
import { Layer, type LayerOptions } from '../layer.js'
import type { Masks } from '../masks.js'
import type { State } from './cell.js'
import { cloneLayer } from './clone.js'
import { firstMask, type RNNCallOptions } from './rnn.js'

/** A layer that runs over time: `RNN` and its like, or one of your own with these options in its config. */
export interface RecurrentLayer extends Layer {
  readonly returnSequences: boolean
  readonly returnState: boolean
  readonly goBackwards: boolean
  readonly stateful?: boolean
  zeroOutputForMask?: boolean
  readonly states?: readonly Variable[] | null
  resetState?(): void
}

type Merge = (forward: Tensor, backward: Tensor) => Tensor
const MERGES = {
  concat: (a, b) => ops.concatenate([a, b], { axis: -1 }),
  sum: (a, b) => ops.add(a, b),
  mul: (a, b) => ops.multiply(a, b),
  ave: (a, b) => ops.divide(ops.add(a, b), 2),
} as const satisfies Record<string, Merge>

export interface BidirectionalOptions extends LayerOptions {
  /** How the outputs of both directions become one; `null` gives both. Default `'concat'`. */
  readonly mergeMode?: keyof typeof MERGES | null | undefined
  /** Weights to begin with: those of the forward layer, then those of the backward layer. */
  readonly weights?: readonly TensorLike[] | null | undefined
  /** Runs from the end. Default: one like the given layer, with `goBackwards` turned. */
  readonly backwardLayer?: RecurrentLayer | null | undefined
}

const SAME = ['stateful', 'returnSequences', 'returnState'] as const

/**
 * Runs a copy of `layer` over the sequence from both ends: (batch, steps, features) → (batch, 2 · units) when
 * concatenating; with `returnState` [output, …forward states, …backward states].
 *
 * @example
 * const context = layers.bidirectional(layers.lstm(32, { returnSequences: true }))(steps)
 */
export class Bidirectional extends Layer {
  static override readonly className: string = 'Bidirectional'
  static override readonly positional: readonly string[] = ['layer']
  static override readonly configTable: ConfigTable = { mergeMode: 'value' }
  readonly forwardLayer: RecurrentLayer
  readonly backwardLayer: RecurrentLayer
  readonly mergeMode: keyof typeof MERGES | null
  readonly stateful: boolean
  readonly returnSequences: boolean
  readonly returnState: boolean
  readonly #initialWeights: readonly TensorLike[] | null

  constructor(layer: RecurrentLayer, { mergeMode = 'concat', weights = null, backwardLayer, ...options }: BidirectionalOptions = {}) {
    super(options)
    const where = this.name
    if (!(layer instanceof Layer) || (backwardLayer != null && !(backwardLayer instanceof Layer)))
      throw new ValueError({ where, problem: 'what runs in both directions must be a layer', received: String(backwardLayer ?? layer) })
    if (mergeMode !== null && !Object.hasOwn(MERGES, mergeMode)) {
      throw new ValueError({
        where,
        problem: 'unknown way to merge',
        expected: `${Object.keys(MERGES).join(', ')}, null`,
        received: `mergeMode=${String(mergeMode)}`,
      })
    }
    const renamed = (direction: string): { name: string } => ({
      name: `${direction}_${layer.name.replace(new RegExp(`^${direction}_`), '')}`,
    })
    this.forwardLayer = cloneLayer(layer, renamed('forward'))
    this.backwardLayer = backwardLayer ?? cloneLayer(layer, { ...renamed('backward'), go_backwards: true })
    this.#requirePair()
    for (const each of [this.forwardLayer, this.backwardLayer])
      if (each.zeroOutputForMask !== undefined) each.zeroOutputForMask = each.returnSequences
    this.mergeMode = mergeMode
    this.stateful = layer.stateful ?? false
    this.returnSequences = layer.returnSequences
    this.returnState = layer.returnState
    this.supportsMasking = true
    this.inputSpec = layer.inputSpec
    this.#initialWeights = weights
  }

  #requirePair(): void {
    const { forwardLayer: forward, backwardLayer: backward, name: where } = this
    if (forward.goBackwards === backward.goBackwards) {
      throw new ValueError({
        where,
        problem: 'both layers run in the same direction',
        expected: 'goBackwards true in one of them',
        received: `goBackwards=${forward.goBackwards} in both`,
      })
    }
    for (const name of SAME) {
      if (forward[name] !== backward[name])
        throw new ValueError({
          where,
          problem: `both layers must have the same ${name}`,
          received: `${forward[name]} forward, ${backward[name]} backward`,
        })
    }
  }

  override build(sequenceShape: PartialShape): void {
    for (const layer of [this.forwardLayer, this.backwardLayer]) if (!layer.built) layer.build(sequenceShape)
    if (this.#initialWeights === null) return
    const half = Math.floor(this.#initialWeights.length / 2)
    this.forwardLayer.setWeights(this.#initialWeights.slice(0, half))
    this.backwardLayer.setWeights(this.#initialWeights.slice(half))
  }

  override call(sequence: Tensor, ...rest: readonly unknown[]): Tree<Tensor> {
    const options = (isRecord(rest.at(-1)) ? rest.at(-1) : {}) as RNNCallOptions
    const initial = (rest.length === 2 ? (rest[0] as readonly State[] | null) : null) ?? options.initialState ?? null
    const list = initial === null ? null : (initial as readonly State[])
    const half = list === null ? 0 : list.length / 2
    if (list !== null && (!Array.isArray(list) || !Number.isInteger(half)))
      throw new ValueError({
        problem: 'initial states are needed for both directions',
        received: `${flatten(list as Tree<Tensor>).length}`,
      })
    const run = (layer: RecurrentLayer, states: readonly State[] | null): Tensor[] =>
      [layer.callOn([sequence], { training: options.training, mask: firstMask(options.mask), initialState: states })].flat(1) as Tensor[]
    const [forward, ...forwardStates] = run(this.forwardLayer, list?.slice(0, half) ?? null) as [Tensor, ...Tensor[]]
    const [last, ...backwardStates] = run(this.backwardLayer, list?.slice(half) ?? null) as [Tensor, ...Tensor[]]
    const cast = (x: Tensor): Tensor => lax.cast(x, this.computeDtype)
    const backward = this.returnSequences ? lax.flip(cast(last), [1]) : cast(last)
    const outputs = this.mergeMode === null ? [cast(forward), backward] : [MERGES[this.mergeMode](cast(forward), backward)]
    if (this.returnState) return [...outputs, ...forwardStates, ...backwardStates]
    return this.mergeMode === null ? outputs : (outputs[0] as Tensor)
  }

  /** The states of both layers when stateful. */
  get states(): readonly Variable[] | null {
    const [forward, backward] = [this.forwardLayer.states, this.backwardLayer.states]
    return forward && backward ? [...forward, ...backward] : null
  }

  /**
   * Sets the states of both layers to zero.
   *
   * @throws GraphError when it is not stateful.
   */
  resetState(): void {
    if (!this.stateful)
      throw new GraphError({ where: this.name, problem: 'it keeps no states', hint: 'make the layer in it with stateful: true' })
    this.forwardLayer.resetState?.()
    this.backwardLayer.resetState?.()
  }

  /** The older name of `resetState`. */
  resetStates(): void {
    this.resetState()
  }

  /** The mask goes on with whole sequences. */
  override computeMask(_inputs: unknown, previous: Masks | null): Masks | null {
    const mask = this.returnSequences ? firstMask(previous) : null
    if (this.mergeMode === null) return [mask, mask]
    return this.returnState ? [mask] : mask
  }

  override getConfig(): Record<string, unknown> {
    return { ...super.getConfig(), layer: this.forwardLayer.serialize(), backward_layer: this.backwardLayer.serialize() }
  }
}

export const bidirectional = (...args: ConstructorParameters<typeof Bidirectional>): Bidirectional => new Bidirectional(...args)
