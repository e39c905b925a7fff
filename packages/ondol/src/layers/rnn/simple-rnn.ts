/** The fully connected RNN (Elman 1990). Follows `keras/src/layers/rnn/simple_rnn.py`. */
import type { PartialShape, Shape } from '../../core/shape.js'
import { lax, type Tensor } from '../../engine/index.js'
import * as ops from '../../ops/index.js'
import type { ConfigTable } from '../config-table.js'
import { requirePositive, requireSize } from '../options.js'
import type { Recurrence, State } from './cell.js'
import { CellLayer } from './cell-layer.js'
import { KERNEL_CELL_CONFIG, KernelCell, type KernelCellOptions, maskedProduct } from './kernel-cell.js'
import type { RNNOptions } from './rnn.js'

/** One step: activation(x · kernel + h · recurrentKernel + bias), (batch, features) and a state (batch, units). */
export class SimpleRNNCell extends KernelCell {
  static override readonly className: string = 'SimpleRNNCell'
  static override readonly positional: readonly string[] = ['units']
  static override readonly configTable: ConfigTable = { units: 'value', ...KERNEL_CELL_CONFIG }
  readonly units: number
  readonly stateSize: number

  constructor(units: number, options: KernelCellOptions = {}) {
    super(options)
    this.units = requirePositive(units, 'units', this.name)
    this.stateSize = units
  }

  override build(inputShape: PartialShape): void {
    const { units } = this
    this.addKernels([requireSize(inputShape, -1, 'features'), units], [units, units], [units])
  }

  override begin(stepShape: Shape, [state]: readonly State[], training: boolean): Recurrence {
    const masks = this.masks(stepShape, this.dropout, training, 1)
    const recurrentMasks = this.masks((state as Tensor).shape, this.recurrentDropout, training, 1)
    const [kernel, recurrentKernel] = [this.kernel.value, this.recurrentKernel.value]
    return {
      prepare: (x) => {
        const product = maskedProduct(x, kernel, masks)
        return this.bias === null ? product : ops.add(product, this.bias)
      },
      step: (projected, [before]) => {
        const output = this.activation(lax.add(projected, maskedProduct(before as Tensor, recurrentKernel, recurrentMasks)))
        return [output, [output]]
      },
    }
  }
}

/**
 * (batch, steps, features) → (batch, units); with `returnSequences` (batch, steps, units); with `returnState`
 * [output, h]. Call options: `mask` (batch, steps) and `initialState: [h]`.
 *
 * @example
 * const encoded = layers.simpleRnn(32)(steps)
 */
export class SimpleRNN extends CellLayer<SimpleRNNCell> {
  static override readonly className: string = 'SimpleRNN'
  static override readonly positional: readonly string[] = ['units']

  constructor(units: number, options: KernelCellOptions & RNNOptions = {}) {
    super((own) => new SimpleRNNCell(units, { ...own, name: 'simple_rnn_cell' }), options)
  }

  get units(): number {
    return this.cell.units
  }

  /** Keras's writes no seed, so only one that was given is. */
  override getConfig(): Record<string, unknown> {
    const { seed, ...config } = super.getConfig()
    return seed === null ? config : { ...config, seed }
  }
}

export type SimpleRNNOptions = ConstructorParameters<typeof SimpleRNN>[1] & object

export const simpleRnn = (...args: ConstructorParameters<typeof SimpleRNN>): SimpleRNN => new SimpleRNN(...args)
export const simpleRnnCell = (...args: ConstructorParameters<typeof SimpleRNNCell>): SimpleRNNCell => new SimpleRNNCell(...args)
