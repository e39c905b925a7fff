/** Transposed convolutions: convolutions run backwards, which enlarge. Follow `keras/src/layers/convolutional/base_conv_transpose.py`. */
import { ValueError } from '../core/errors.js'
import type { PartialShape } from '../core/shape.js'
import type { Tensor } from '../engine/index.js'
import * as ops from '../ops/index.js'
import type { ConfigTable } from './config-table.js'
import { type ConvOptions, requirePadding, WindowLayer } from './convolution.js'
import { KERNEL_CONFIG } from './kernel-layer.js'

type Sizes = number | readonly number[]

export interface ConvTransposeOptions extends Omit<ConvOptions, 'groups' | 'padding'> {
  /** Default `'valid'`. */
  readonly padding?: 'valid' | 'same' | undefined
  /** How much longer each axis becomes than it has to, less than its stride. Default: by `padding`. */
  readonly outputPadding?: Sizes | null | undefined
}

abstract class BaseConvTranspose extends WindowLayer {
  static override readonly configTable: ConfigTable = {
    filters: 'value',
    kernelSize: 'value',
    strides: 'value',
    padding: 'value',
    outputPadding: 'value',
    dataFormat: 'value',
    dilationRate: 'value',
    ...KERNEL_CONFIG,
    activityRegularizer: 'regularizer',
  }
  readonly outputPadding: readonly number[] | null

  constructor(rank: number, filters: number, kernelSize: Sizes, { outputPadding = null, ...options }: ConvTransposeOptions) {
    super(rank, filters, kernelSize, options)
    requirePadding(this.padding, ['valid', 'same'], this.name)
    this.outputPadding = outputPadding === null ? null : this.#requireOutputPadding(outputPadding)
  }

  #requireOutputPadding(given: Sizes): number[] {
    const list = typeof given === 'number' ? this.strides.map(() => given) : [...given]
    const fits =
      list.length === this.strides.length && list.every((n, i) => Number.isInteger(n) && n >= 0 && n < (this.strides[i] as number))
    if (fits) return list
    throw new ValueError({
      where: this.name,
      problem: 'outputPadding does not fit',
      expected: `${this.strides.length} whole numbers from 0, each less than its stride`,
      received: `outputPadding=${JSON.stringify(given)}, strides=[${this.strides}]`,
    })
  }

  override build(inputShape: PartialShape): void {
    this.addKernel([...this.kernelSize, this.filters, this.requireChannels(inputShape)], [this.filters])
  }

  override call(inputs: Tensor): Tensor {
    const { strides, dataFormat, dilationRate, outputPadding } = this
    const padding = this.padding === 'same' ? 'same' : 'valid'
    return this.finishChannels(ops.convTranspose(inputs, this.adapted(), { strides, padding, outputPadding, dataFormat, dilationRate }))
  }
}

/** (batch, steps, channels) → (batch, newSteps, filters). */
export class Conv1DTranspose extends BaseConvTranspose {
  static override readonly className: string = 'Conv1DTranspose'

  constructor(filters: number, kernelSize: Sizes, options: ConvTransposeOptions = {}) {
    super(1, filters, kernelSize, options)
  }
}

/**
 * (batch, rows, columns, channels) → (batch, newRows, newColumns, filters).
 *
 * @example
 * const twiceAsLarge = layers.conv2dTranspose(16, 3, { strides: 2, padding: 'same' })(image)
 */
export class Conv2DTranspose extends BaseConvTranspose {
  static override readonly className: string = 'Conv2DTranspose'

  constructor(filters: number, kernelSize: Sizes, options: ConvTransposeOptions = {}) {
    super(2, filters, kernelSize, options)
  }
}

/** (batch, depth, rows, columns, channels) → (batch, newDepth, newRows, newColumns, filters). */
export class Conv3DTranspose extends BaseConvTranspose {
  static override readonly className: string = 'Conv3DTranspose'

  constructor(filters: number, kernelSize: Sizes, options: ConvTransposeOptions = {}) {
    super(3, filters, kernelSize, options)
  }
}

export const conv1dTranspose = (...args: ConstructorParameters<typeof Conv1DTranspose>): Conv1DTranspose => new Conv1DTranspose(...args)
export const conv2dTranspose = (...args: ConstructorParameters<typeof Conv2DTranspose>): Conv2DTranspose => new Conv2DTranspose(...args)
export const conv3dTranspose = (...args: ConstructorParameters<typeof Conv3DTranspose>): Conv3DTranspose => new Conv3DTranspose(...args)

/** Keras's other names. */
export {
  Conv1DTranspose as Convolution1DTranspose,
  Conv2DTranspose as Convolution2DTranspose,
  Conv3DTranspose as Convolution3DTranspose,
  conv1dTranspose as convolution1dTranspose,
  conv2dTranspose as convolution2dTranspose,
  conv3dTranspose as convolution3dTranspose,
}
