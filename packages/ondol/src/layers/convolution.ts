/** Convolutions over one to three spatial axes. Follows `keras/src/layers/convolutional/base_conv.py`. */
import { ValueError } from '../core/errors.js'
import type { PartialShape } from '../core/shape.js'
import type { Tensor } from '../engine/index.js'
import { type DataFormat, requireDataFormat } from '../ops/config.js'
import { perAxis } from '../ops/convolution.js'
import * as ops from '../ops/index.js'
import type { LoraOptions } from './adaptable-layer.js'
import type { ConfigTable } from './config-table.js'
import { InputSpec } from './input-spec.js'
import { KERNEL_CONFIG, KernelLayer, type KernelOptions } from './kernel-layer.js'
import { requirePositive, requireSize } from './options.js'

type Sizes = number | readonly number[]

export interface ConvOptions extends KernelOptions, LoraOptions {
  /** Default 1. */
  readonly strides?: Sizes | undefined
  /** `'causal'` (1D only) pads in front, so that no output sees later inputs. Default `'valid'`. */
  readonly padding?: 'valid' | 'same' | 'causal' | undefined
  /** Default `config.imageDataFormat()`. */
  readonly dataFormat?: DataFormat | null | undefined
  /** Default 1. */
  readonly dilationRate?: Sizes | undefined
  /** Splits channels into groups, each with filters of its own. Default 1. */
  readonly groups?: number | undefined
}

/** What convolutions and their transposes share. */
export abstract class WindowLayer extends KernelLayer {
  static override readonly positional: readonly string[] = ['filters', 'kernelSize']
  readonly filters: number
  readonly kernelSize: readonly number[]
  readonly strides: readonly number[]
  readonly padding: 'valid' | 'same' | 'causal'
  readonly dataFormat: DataFormat
  readonly dilationRate: readonly number[]
  /** Number of spatial axes. */
  protected readonly rank: number

  constructor(rank: number, filters: number, kernelSize: Sizes, options: Omit<ConvOptions, 'groups'>) {
    const { strides = 1, padding = 'valid', dataFormat, dilationRate = 1, ...rest } = options
    super(rest)
    const where = this.name
    this.rank = rank
    this.filters = requirePositive(filters, 'filters', where)
    this.kernelSize = perAxis(kernelSize, rank, 'kernelSize', where)
    this.strides = perAxis(strides, rank, 'strides', where)
    this.dilationRate = perAxis(dilationRate, rank, 'dilationRate', where)
    this.padding = requirePadding(padding, rank === 1 ? ['valid', 'same', 'causal'] : ['valid', 'same'], where)
    this.dataFormat = requireDataFormat(dataFormat, where)
    if (this.strides.some((n) => n > 1) && this.dilationRate.some((n) => n > 1)) {
      throw new ValueError({
        where,
        problem: 'strides and dilation cannot both be greater than 1',
        received: `strides=[${this.strides}], dilationRate=[${this.dilationRate}]`,
      })
    }
    this.inputSpec = new InputSpec({ ndim: rank + 2 })
  }

  /** The number of input channels, which inputs must have from now on. */
  protected requireChannels(inputShape: PartialShape): number {
    const axis = this.dataFormat === 'channels_last' ? -1 : 1
    const channels = requireSize(inputShape, axis, 'channels')
    this.inputSpec = new InputSpec({ ndim: this.rank + 2, axes: { [axis]: channels } })
    return channels
  }

  /** Adds the bias to each channel, then activates. */
  protected finishChannels(x: Tensor): Tensor {
    return this.finish(x, this.dataFormat === 'channels_last' ? -1 : -1 - this.rank)
  }
}

abstract class BaseConv extends WindowLayer {
  static override readonly configTable: ConfigTable = {
    filters: 'value',
    kernelSize: 'value',
    strides: 'value',
    padding: 'value',
    dataFormat: 'value',
    dilationRate: 'value',
    groups: 'value',
    ...KERNEL_CONFIG,
    activityRegularizer: 'regularizer',
  }
  readonly groups: number

  constructor(rank: number, filters: number, kernelSize: Sizes, { groups = 1, ...options }: ConvOptions) {
    super(rank, filters, kernelSize, options)
    const where = this.name
    this.groups = requirePositive(groups, 'groups', where)
    if (filters % groups !== 0)
      throw new ValueError({ where, problem: 'filters must be a multiple of groups', received: `filters=${filters}, groups=${groups}` })
    if (this.padding === 'causal' && this.dataFormat === 'channels_first') {
      throw new ValueError({ where, problem: "padding 'causal' needs channels last", received: "dataFormat='channels_first'" })
    }
  }

  override build(inputShape: PartialShape): void {
    const channels = this.requireChannels(inputShape)
    if (channels % this.groups !== 0)
      throw new ValueError({
        problem: 'the number of channels must be a multiple of groups',
        received: `${channels} channels, groups=${this.groups}`,
      })
    this.addKernel([...this.kernelSize, channels / this.groups, this.filters], [this.filters])
  }

  override call(inputs: Tensor): Tensor {
    const { strides, dataFormat, dilationRate } = this
    const isCausal = this.padding === 'causal'
    const x = isCausal
      ? ops.pad(inputs, {
          padWidth: [
            [0, 0],
            [(dilationRate[0] as number) * ((this.kernelSize[0] as number) - 1), 0],
            [0, 0],
          ],
        })
      : inputs
    const padding = this.padding === 'same' ? 'same' : 'valid'
    return this.finishChannels(ops.conv(x, this.adapted(), { strides, padding, dataFormat, dilationRate }))
  }
}

/** One of the paddings that a layer knows, in lower case. */
export function requirePadding<P extends string>(padding: P, known: readonly P[], where: string): P {
  const name = String(padding).toLowerCase() as P
  if (known.includes(name)) return name
  throw new ValueError({
    where,
    problem: 'unknown padding',
    expected: known.map((mode) => `'${mode}'`).join(', '),
    received: `padding='${String(padding)}'`,
  })
}

/** (batch, steps, channels) → (batch, newSteps, filters). */
export class Conv1D extends BaseConv {
  static override readonly className: string = 'Conv1D'

  constructor(filters: number, kernelSize: Sizes, options: ConvOptions = {}) {
    super(1, filters, kernelSize, options)
  }
}

/**
 * (batch, rows, columns, channels) → (batch, newRows, newColumns, filters).
 *
 * @example
 * const features = layers.conv2d(32, 3, { padding: 'same', activation: 'relu' })(image)
 */
export class Conv2D extends BaseConv {
  static override readonly className: string = 'Conv2D'

  constructor(filters: number, kernelSize: Sizes, options: ConvOptions = {}) {
    super(2, filters, kernelSize, options)
  }
}

/** (batch, depth, rows, columns, channels) → (batch, newDepth, newRows, newColumns, filters). */
export class Conv3D extends BaseConv {
  static override readonly className: string = 'Conv3D'

  constructor(filters: number, kernelSize: Sizes, options: ConvOptions = {}) {
    super(3, filters, kernelSize, options)
  }
}

/** Keras's other names. */
export { Conv1D as Convolution1D, Conv2D as Convolution2D, Conv3D as Convolution3D }

export const conv1d = (...args: ConstructorParameters<typeof Conv1D>): Conv1D => new Conv1D(...args)
export const conv2d = (...args: ConstructorParameters<typeof Conv2D>): Conv2D => new Conv2D(...args)
export const conv3d = (...args: ConstructorParameters<typeof Conv3D>): Conv3D => new Conv3D(...args)
export { conv1d as convolution1d, conv2d as convolution2d, conv3d as convolution3d }
