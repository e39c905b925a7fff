/** Long short-term memory (Hochreiter and Schmidhuber 1997). Follows `keras/src/layers/rnn/lstm.py`. */
import * as activations from '../../activations/index.js'
import type { PartialShape, Shape } from '../../core/shape.js'
import { lax, type Tensor } from '../../engine/index.js'
import * as ops from '../../ops/index.js'
import type { ConfigTable } from '../config-table.js'
import { requirePositive, requireSize } from '../options.js'
import type { Recurrence, State } from './cell.js'
import { CellLayer, type CuDnnOptions } from './cell-layer.js'
import { forgetBias, gate, KERNEL_CELL_CONFIG, KernelCell, type KernelCellOptions, maskCount, maskedProduct } from './kernel-cell.js'
import type { RNNOptions } from './rnn.js'

export interface LSTMCellOptions extends KernelCellOptions {
  /** Of the gates. Default `sigmoid`. */
  readonly recurrentActivation?: activations.ActivationLike | undefined
  /** Begins with a bias of 1 on the forget gate. Default true. */
  readonly unitForgetBias?: boolean | undefined
}

/** What follows from the gates before their activations, given the memory: [output, memory]. */
export function remember(
  [input, forget, candidate, output]: readonly [Tensor, Tensor, Tensor, Tensor],
  memory: Tensor,
  activation: activations.Activation,
  recurrentActivation: activations.Activation,
): [output: Tensor, memory: Tensor] {
  const next = lax.add(lax.mul(recurrentActivation(forget), memory), lax.mul(recurrentActivation(input), activation(candidate)))
  return [lax.mul(recurrentActivation(output), activation(next)), next]
}

/**
 * One step: (batch, features) and states [h, c] of (batch, units) each. The columns of the weights are those of
 * input gate, forget gate, candidate and output gate, in this order.
 */
export class LSTMCell extends KernelCell {
  static override readonly className: string = 'LSTMCell'
  static override readonly positional: readonly string[] = ['units']
  static override readonly configTable: ConfigTable = {
    units: 'value',
    recurrentActivation: 'activation',
    unitForgetBias: 'value',
    ...KERNEL_CELL_CONFIG,
  }
  readonly units: number
  readonly stateSize: readonly [number, number]
  readonly recurrentActivation: activations.Activation
  readonly unitForgetBias: boolean

  constructor(units: number, { recurrentActivation = 'sigmoid', unitForgetBias = true, ...options }: LSTMCellOptions = {}) {
    super(options)
    this.units = requirePositive(units, 'units', this.name)
    this.stateSize = [units, units]
    this.recurrentActivation = activations.get(recurrentActivation)
    this.unitForgetBias = unitForgetBias
  }

  override build(inputShape: PartialShape): void {
    const features = requireSize(inputShape, -1, 'features')
    const { units, biasInitializer, unitForgetBias } = this
    const bias = unitForgetBias ? forgetBias(biasInitializer, units) : biasInitializer
    this.addKernels([features, 4 * units], [units, 4 * units], [4 * units], bias)
  }

  override begin(stepShape: Shape, [h]: readonly State[], training: boolean): Recurrence {
    const { units, activation, recurrentActivation, bias } = this
    const masks = this.masks(stepShape, this.dropout, training, maskCount(this, 4))
    const recurrentMasks = this.masks((h as Tensor).shape, this.recurrentDropout, training, 4)
    const [kernel, recurrentKernel] = [this.kernel.value, this.recurrentKernel.value]
    return {
      prepare: (x) => {
        const product = maskedProduct(x, kernel, masks)
        return bias === null ? product : ops.add(product, bias)
      },
      step: (projected, states) => {
        const [before, memory] = states as readonly [Tensor, Tensor]
        const z = lax.add(projected, maskedProduct(before, recurrentKernel, recurrentMasks))
        const at = (index: number): Tensor => gate(z, index, units)
        const [output, next] = remember([at(0), at(1), at(2), at(3)], memory, activation, recurrentActivation)
        return [output, [output, next]]
      },
    }
  }
}

/**
 * (batch, steps, features) → (batch, units); with `returnSequences` (batch, steps, units); with `returnState`
 * [output, h, c]. Call options: `mask` (batch, steps) and `initialState: [h, c]`.
 *
 * @example
 * const encoded = layers.lstm(32)(layers.embedding(10000, 64, { maskZero: true })(words))
 */
export class LSTM extends CellLayer<LSTMCell> {
  static override readonly className: string = 'LSTM'
  static override readonly positional: readonly string[] = ['units']

  constructor(units: number, options: LSTMCellOptions & RNNOptions & CuDnnOptions = {}) {
    super((own) => new LSTMCell(units, { ...own, name: 'lstm_cell' }), options)
  }

  get units(): number {
    return this.cell.units
  }
}

export type LSTMOptions = ConstructorParameters<typeof LSTM>[1] & object

export const lstm = (...args: ConstructorParameters<typeof LSTM>): LSTM => new LSTM(...args)
export const lstmCell = (...args: ConstructorParameters<typeof LSTMCell>): LSTMCell => new LSTMCell(...args)
