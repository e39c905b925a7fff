/** LSTM whose products are convolutions (Shi et al. 2015). Follows `keras/src/layers/rnn/conv_lstm.py`. */
import * as activations from '../../activations/index.js'
import { ShapeError, ValueError } from '../../core/errors.js'
import { formatShape, type PartialShape, type Shape } from '../../core/shape.js'
import { lax, type Tensor } from '../../engine/index.js'
import { type DataFormat, requireDataFormat } from '../../ops/config.js'
import { type Padding, paddingFor, perAxis } from '../../ops/convolution.js'
import * as ops from '../../ops/index.js'
import type { ConfigTable } from '../config-table.js'
import { requirePadding } from '../convolution.js'
import { InputSpec } from '../input-spec.js'
import { requirePositive, requireSize } from '../options.js'
import type { Recurrence, State } from './cell.js'
import { CellLayer } from './cell-layer.js'
import { forgetBias, KERNEL_CELL_CONFIG, KernelCell, type KernelCellOptions, masked } from './kernel-cell.js'
import { remember } from './lstm.js'
import type { RNNOptions } from './rnn.js'

type Sizes = number | readonly number[]

export interface ConvLSTMCellOptions extends KernelCellOptions {
  /** Of the convolution of the inputs. Default 1. */
  readonly strides?: Sizes | undefined
  /** Of the convolution of the inputs; that of the state is `'same'`. Default `'valid'`. */
  readonly padding?: Padding | undefined
  /** Default `config.imageDataFormat()`. */
  readonly dataFormat?: DataFormat | null | undefined
  /** Of the convolution of the inputs. Default 1. */
  readonly dilationRate?: Sizes | undefined
  /** Of the gates. Default `sigmoid`. */
  readonly recurrentActivation?: activations.ActivationLike | undefined
  /** Begins with a bias of 1 on the forget gate. Default true. */
  readonly unitForgetBias?: boolean | undefined
}

/** One step: (batch, …spatial, channels) and states [h, c] of (batch, …new spatial, filters) each. */
export class ConvLSTMCell extends KernelCell {
  static override readonly className: string = 'ConvLSTMCell'
  static override readonly positional: readonly string[] = ['rank', 'filters', 'kernelSize']
  static override readonly configTable: ConfigTable = {
    filters: 'value',
    kernelSize: 'value',
    strides: 'value',
    padding: 'value',
    dataFormat: 'value',
    dilationRate: 'value',
    recurrentActivation: 'activation',
    unitForgetBias: 'value',
    ...KERNEL_CELL_CONFIG,
  }
  /** Number of spatial axes. */
  readonly rank: number
  readonly filters: number
  readonly kernelSize: readonly number[]
  readonly strides: readonly number[]
  readonly padding: Padding
  readonly dataFormat: DataFormat
  readonly dilationRate: readonly number[]
  readonly recurrentActivation: activations.Activation
  readonly unitForgetBias: boolean
  readonly stateSize: readonly [number, number]
  /** Spatial sizes of the state, known once built. */
  #places: readonly number[] | undefined

  constructor(rank: number, filters: number, kernelSize: Sizes, options: ConvLSTMCellOptions = {}) {
    const {
      strides = 1,
      padding = 'valid',
      dataFormat,
      dilationRate = 1,
      recurrentActivation = 'sigmoid',
      unitForgetBias = true,
      ...rest
    } = options
    super(rest)
    const where = this.name
    this.rank = rank
    this.filters = requirePositive(filters, 'filters', where)
    this.kernelSize = perAxis(kernelSize, rank, 'kernelSize', where)
    this.strides = perAxis(strides, rank, 'strides', where)
    this.dilationRate = perAxis(dilationRate, rank, 'dilationRate', where)
    this.padding = requirePadding(padding, ['valid', 'same'], where)
    this.dataFormat = requireDataFormat(dataFormat, where)
    this.recurrentActivation = activations.get(recurrentActivation)
    this.unitForgetBias = unitForgetBias
    this.stateSize = [filters, filters]
    if (this.strides.some((n) => n > 1) && this.dilationRate.some((n) => n > 1)) {
      throw new ValueError({
        where,
        problem: 'strides and dilation cannot both be greater than 1',
        received: `strides=[${this.strides}], dilationRate=[${this.dilationRate}]`,
      })
    }
  }

  get #isChannelsLast(): boolean {
    return this.dataFormat === 'channels_last'
  }

  override build(inputShape: PartialShape): void {
    const { filters, kernelSize, biasInitializer, unitForgetBias } = this
    const sizes = this.#isChannelsLast ? inputShape.slice(1, -1) : inputShape.slice(2)
    if (sizes.length !== this.rank || sizes.some((size) => size === null)) {
      throw new ShapeError({
        problem: 'the spatial sizes must be known to make the states',
        expected: `(batch, ${this.rank} spatial sizes and the channels)`,
        received: formatShape(inputShape),
        hint: 'give them in Input',
      })
    }
    this.#places = sizes.map((size, axis) => this.#placesAlong(axis, size as number))
    const channels = requireSize(inputShape, this.#isChannelsLast ? -1 : 1, 'channels')
    const bias = unitForgetBias ? forgetBias(biasInitializer, filters) : biasInitializer
    this.addKernels([...kernelSize, channels, 4 * filters], [...kernelSize, filters, 4 * filters], [4 * filters], bias)
  }

  #placesAlong(axis: number, size: number): number {
    const window = ((this.kernelSize[axis] as number) - 1) * (this.dilationRate[axis] as number) + 1
    const stride = this.strides[axis] as number
    const [low, high] = paddingFor(this.padding, size, window, stride, this.name)
    return Math.floor((size + low + high - window) / stride) + 1
  }

  override getInitialState(batchSize: number): State[] {
    const places = this.#places ?? []
    const shape = this.#isChannelsLast ? [batchSize, ...places, this.filters] : [batchSize, this.filters, ...places]
    return [lax.full(shape, this.computeDtype, 0), lax.full(shape, this.computeDtype, 0)]
  }

  override begin(stepShape: Shape, [h]: readonly State[], training: boolean): Recurrence {
    const { strides, padding, dataFormat, dilationRate, activation, recurrentActivation } = this
    const masks = this.masks(stepShape, this.dropout, training, 4)
    const recurrentMasks = this.masks((h as Tensor).shape, this.recurrentDropout, training, 4)
    const [kernel, recurrentKernel] = [this.kernel.value, this.recurrentKernel.value]
    const axis = this.#isChannelsLast ? -1 : -1 - this.rank
    const convolve = (x: Tensor, filters: Tensor): Tensor => {
      // Steps, where there are several, are further samples.
      const batch = x.shape.slice(0, x.rank - this.rank - 1)
      const y = ops.conv(lax.reshape(x, [batch.reduce((a, b) => a * b), ...x.shape.slice(batch.length)]), filters, {
        strides,
        padding,
        dataFormat,
        dilationRate,
      })
      return lax.reshape(y, [...batch, ...y.shape.slice(1)])
    }
    const recur = (x: Tensor, filters: Tensor): Tensor => ops.conv(x, filters, { padding: 'same', dataFormat })
    return {
      prepare: (x) => {
        const y = masked(x, kernel, masks, axis, convolve)
        if (this.bias === null) return y
        return ops.add(y, ops.reshape(this.bias, [4 * this.filters, ...(this.#isChannelsLast ? [] : this.strides.map(() => 1))]))
      },
      step: (projected, states) => {
        const [before, memory] = states as readonly [Tensor, Tensor]
        const z = lax.add(projected, masked(before, recurrentKernel, recurrentMasks, axis, recur))
        const gates = ops.split(z, 4, { axis }) as unknown as [Tensor, Tensor, Tensor, Tensor]
        const [output, next] = remember(gates, memory, activation, recurrentActivation)
        return [output, [output, next]]
      },
    }
  }
}

export type ConvLSTMOptions = ConvLSTMCellOptions & RNNOptions

abstract class ConvLSTM extends CellLayer<ConvLSTMCell> {
  static override readonly positional: readonly string[] = ['filters', 'kernelSize']

  constructor(rank: number, filters: number, kernelSize: Sizes, options: ConvLSTMOptions) {
    super((own) => new ConvLSTMCell(rank, filters, kernelSize, { ...own, name: 'conv_lstm_cell' }), options)
    this.inputSpec = new InputSpec({ ndim: rank + 3 })
  }

  get filters(): number {
    return this.cell.filters
  }
}

/** (batch, steps, rows, channels) → (batch, newRows, filters), or of each step with `returnSequences`. */
export class ConvLSTM1D extends ConvLSTM {
  static override readonly className: string = 'ConvLSTM1D'

  constructor(filters: number, kernelSize: Sizes, options: ConvLSTMOptions = {}) {
    super(1, filters, kernelSize, options)
  }
}

/**
 * (batch, steps, rows, columns, channels) → (batch, newRows, newColumns, filters), or of each step with
 * `returnSequences`.
 *
 * @example
 * const motion = layers.convLstm2d(16, 3, { padding: 'same' })(frames)
 */
export class ConvLSTM2D extends ConvLSTM {
  static override readonly className: string = 'ConvLSTM2D'

  constructor(filters: number, kernelSize: Sizes, options: ConvLSTMOptions = {}) {
    super(2, filters, kernelSize, options)
  }
}

/** (batch, steps, depth, rows, columns, channels) → (batch, …new sizes, filters), or of each step with `returnSequences`. */
export class ConvLSTM3D extends ConvLSTM {
  static override readonly className: string = 'ConvLSTM3D'

  constructor(filters: number, kernelSize: Sizes, options: ConvLSTMOptions = {}) {
    super(3, filters, kernelSize, options)
  }
}

export const convLstm1d = (...args: ConstructorParameters<typeof ConvLSTM1D>): ConvLSTM1D => new ConvLSTM1D(...args)
export const convLstm2d = (...args: ConstructorParameters<typeof ConvLSTM2D>): ConvLSTM2D => new ConvLSTM2D(...args)
export const convLstm3d = (...args: ConstructorParameters<typeof ConvLSTM3D>): ConvLSTM3D => new ConvLSTM3D(...args)
