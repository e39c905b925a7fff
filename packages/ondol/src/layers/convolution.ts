/** Convolutions over one and two spatial axes. Follows `keras/src/layers/convolutional/base_conv.py`. */
import { ValueError } from '../core/errors.js'
import type { PartialShape } from '../core/shape.js'
import type { Tensor } from '../engine/index.js'
import { type DataFormat, requireDataFormat } from '../ops/config.js'
import { perAxis } from '../ops/convolution.js'
import * as ops from '../ops/index.js'
import type { ConfigTable } from './config-table.js'
import { InputSpec } from './input-spec.js'
import { KERNEL_CONFIG, KernelLayer, type KernelOptions } from './kernel-layer.js'
import { requirePositive, requireSize } from './options.js'

type Sizes = number | readonly number[]

export interface ConvOptions extends KernelOptions {
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

abstract class BaseConv extends KernelLayer {
  static override readonly positional: readonly string[] = ['filters', 'kernelSize']
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
  readonly filters: number
  readonly kernelSize: readonly number[]
  readonly strides: readonly number[]
  readonly padding: 'valid' | 'same' | 'causal'
  readonly dataFormat: DataFormat
  readonly dilationRate: readonly number[]
  readonly groups: number
  readonly #rank: number

  constructor(rank: number, filters: number, kernelSize: Sizes, options: ConvOptions) {
    const { strides = 1, padding = 'valid', dataFormat, dilationRate = 1, groups = 1, ...rest } = options
    super(rest)
    const where = this.name
    this.#rank = rank
    this.filters = requirePositive(filters, 'filters', where)
    this.groups = requirePositive(groups, 'groups', where)
    this.kernelSize = perAxis(kernelSize, rank, 'kernelSize', where)
    this.strides = perAxis(strides, rank, 'strides', where)
    this.dilationRate = perAxis(dilationRate, rank, 'dilationRate', where)
    this.padding = requirePadding(padding, rank === 1 ? ['valid', 'same', 'causal'] : ['valid', 'same'], where)
    this.dataFormat = requireDataFormat(dataFormat, where)
    if (filters % groups !== 0)
      throw new ValueError({ where, problem: 'filters must be a multiple of groups', received: `filters=${filters}, groups=${groups}` })
    if (this.strides.some((n) => n > 1) && this.dilationRate.some((n) => n > 1)) {
      throw new ValueError({
        where,
        problem: 'strides and dilation cannot both be greater than 1',
        received: `strides=[${this.strides}], dilationRate=[${this.dilationRate}]`,
      })
    }
    if (padding === 'causal' && this.dataFormat === 'channels_first') {
      throw new ValueError({ where, problem: "padding 'causal' needs channels last", received: "dataFormat='channels_first'" })
    }
    this.inputSpec = new InputSpec({ ndim: rank + 2 })
  }

  override build(inputShape: PartialShape): void {
    const axis = this.dataFormat === 'channels_last' ? -1 : 1
    const channels = requireSize(inputShape, axis, 'channels')
    if (channels % this.groups !== 0)
      throw new ValueError({
        problem: 'the number of channels must be a multiple of groups',
        received: `${channels} channels, groups=${this.groups}`,
      })
    this.addKernel([...this.kernelSize, channels / this.groups, this.filters], this.filters)
    this.inputSpec = new InputSpec({ ndim: this.#rank + 2, axes: { [axis]: channels } })
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
    const y = ops.conv(x, this.kernel, { strides, padding, dataFormat, dilationRate })
    return this.finish(y, dataFormat === 'channels_last' ? -1 : -1 - this.#rank)
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

export const conv1d = (...args: ConstructorParameters<typeof Conv1D>): Conv1D => new Conv1D(...args)
export const conv2d = (...args: ConstructorParameters<typeof Conv2D>): Conv2D => new Conv2D(...args)
