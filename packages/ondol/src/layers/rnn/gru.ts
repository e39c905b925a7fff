/** Gated recurrent units (Cho et al. 2014). Follows `keras/src/layers/rnn/gru.py`. */
import * as activations from '../../activations/index.js'
import type { PartialShape, Shape } from '../../core/shape.js'
import { lax, type Tensor } from '../../engine/index.js'
import * as ops from '../../ops/index.js'
import type { ConfigTable } from '../config-table.js'
import { requirePositive, requireSize } from '../options.js'
import type { Recurrence, State } from './cell.js'
import { CellLayer, type CuDnnOptions } from './cell-layer.js'
import { gate, KERNEL_CELL_CONFIG, KernelCell, type KernelCellOptions, maskCount, maskedProduct } from './kernel-cell.js'
import type { RNNOptions } from './rnn.js'

export interface GRUCellOptions extends KernelCellOptions {
  /** Of the gates. Default `sigmoid`. */
  readonly recurrentActivation?: activations.ActivationLike | undefined
  /** Resets what the recurrent kernel gives (as cuDNN does), not what it gets. Default true. */
  readonly resetAfter?: boolean | undefined
}

/**
 * One step: (batch, features) and a state of (batch, units). The columns of the weights are those of update gate,
 * reset gate and candidate; with `resetAfter` the bias has a row for the inputs and one for the state.
 */
export class GRUCell extends KernelCell {
  static override readonly className: string = 'GRUCell'
  static override readonly positional: readonly string[] = ['units']
  static override readonly configTable: ConfigTable = {
    units: 'value',
    recurrentActivation: 'activation',
    resetAfter: 'value',
    ...KERNEL_CELL_CONFIG,
  }
  readonly units: number
  readonly stateSize: number
  readonly recurrentActivation: activations.Activation
  readonly resetAfter: boolean

  constructor(units: number, { recurrentActivation = 'sigmoid', resetAfter = true, ...options }: GRUCellOptions = {}) {
    super(options)
    this.units = requirePositive(units, 'units', this.name)
    this.stateSize = units
    this.recurrentActivation = activations.get(recurrentActivation)
    this.resetAfter = resetAfter
  }

  override build(inputShape: PartialShape): void {
    const features = requireSize(inputShape, -1, 'features')
    const width = 3 * this.units
    this.addKernels([features, width], [this.units, width], this.resetAfter ? [2, width] : [width])
  }

  override begin(stepShape: Shape, [state]: readonly State[], training: boolean): Recurrence {
    const { units, activation, recurrentActivation, resetAfter } = this
    const masks = this.masks(stepShape, this.dropout, training, maskCount(this, 3))
    const recurrentMasks = this.masks((state as Tensor).shape, this.recurrentDropout, training, 3)
    const [kernel, recurrentKernel] = [this.kernel.value, this.recurrentKernel.value]
    const [ofInputs, ofState] = this.#biases()
    const columns = (from: number, count: number): Tensor => lax.slice(recurrentKernel, [0, from * units], [units, count * units])
    const candidateBias = ofState === null ? null : lax.slice(ofState, [2 * units], [units])
    const [gateKernel, candidateKernel] = resetAfter ? [recurrentKernel, null] : [columns(0, 2), columns(2, 1)]
    /** The state's share in the candidate, behind or before the reset gate. */
    const recall = (h: Tensor, product: Tensor, reset: Tensor): Tensor => {
      if (candidateKernel === null) {
        const own = gate(product, 2, units)
        return lax.mul(reset, candidateBias === null ? own : lax.add(own, lax.broadcast(candidateBias, own.shape, [1])))
      }
      const mask = recurrentMasks[2]
      return ops.matmul(lax.mul(reset, mask === undefined ? h : lax.mul(h, mask)), candidateKernel)
    }
    return {
      prepare: (x) => {
        const product = maskedProduct(x, kernel, masks)
        return ofInputs === null ? product : ops.add(product, ofInputs)
      },
      step: (projected, [before]) => {
        const h = before as Tensor
        const product = maskedProduct(h, gateKernel, resetAfter ? recurrentMasks : recurrentMasks.slice(0, 2))
        const gates = recurrentActivation(lax.add(gate(projected, 0, units, 2), gate(product, 0, units, 2)))
        const [update, reset] = [gate(gates, 0, units), gate(gates, 1, units)]
        const candidate = activation(lax.add(gate(projected, 2, units), recall(h, product, reset)))
        // update · h + (1 - update) · candidate
        const next = lax.add(candidate, lax.mul(update, lax.sub(h, candidate)))
        return [next, [next]]
      },
    }
  }

  /** What is added once for all steps, and the row of the state: of that only the candidate's part has to wait for the reset. */
  #biases(): [ofInputs: Tensor | null, ofState: Tensor | null] {
    if (this.bias === null) return [null, null]
    const bias = this.bias.value
    if (!this.resetAfter) return [bias, null]
    const { units } = this
    const row = (index: number): Tensor => lax.reshape(lax.slice(bias, [index, 0], [1, 3 * units]), [3 * units])
    const early = lax.concat([lax.slice(row(1), [0], [2 * units]), lax.full([units], bias.dtype, 0)], 0)
    return [lax.add(row(0), early), row(1)]
  }
}

/**
 * (batch, steps, features) → (batch, units); with `returnSequences` (batch, steps, units); with `returnState`
 * [output, h]. Call options: `mask` (batch, steps) and `initialState: [h]`.
 *
 * @example
 * const encoded = layers.gru(32)(layers.embedding(10000, 64, { maskZero: true })(words))
 */
export class GRU extends CellLayer<GRUCell> {
  static override readonly className: string = 'GRU'
  static override readonly positional: readonly string[] = ['units']

  constructor(units: number, options: GRUCellOptions & RNNOptions & CuDnnOptions = {}) {
    super((own) => new GRUCell(units, { ...own, name: 'gru_cell' }), options)
  }

  get units(): number {
    return this.cell.units
  }
}

export type GRUOptions = ConstructorParameters<typeof GRU>[1] & object

export const gru = (...args: ConstructorParameters<typeof GRU>): GRU => new GRU(...args)
export const gruCell = (...args: ConstructorParameters<typeof GRUCell>): GRUCell => new GRUCell(...args)
