/**
 * Convolutions of each channel by itself (depthwise), alone or followed by a 1x1 mix of the channels (separable).
 * Follow `keras/src/layers/convolutional/base_{depthwise,separable}_conv.py`.
 */
import * as activations from '../activations/index.js'
import * as constraints from '../constraints/index.js'
import type { PartialShape } from '../core/shape.js'
import type { Tensor, Variable } from '../engine/index.js'
import * as initializers from '../initializers/index.js'
import { type DataFormat, requireDataFormat } from '../ops/config.js'
import { perAxis } from '../ops/convolution.js'
import * as ops from '../ops/index.js'
import * as regularizers from '../regularizers/index.js'
import type { ConfigTable } from './config-table.js'
import { requirePadding } from './convolution.js'
import { InputSpec } from './input-spec.js'
import { Layer, type LayerOptions } from './layer.js'
import { requirePositive, requireSize } from './options.js'

type Sizes = number | readonly number[]

export interface DepthwiseConvOptions extends LayerOptions {
  /** Default 1. */
  readonly strides?: Sizes | undefined
  /** Default `'valid'`. */
  readonly padding?: 'valid' | 'same' | undefined
  /** Kernels for each channel. Default 1. */
  readonly depthMultiplier?: number | undefined
  /** Default `config.imageDataFormat()`. */
  readonly dataFormat?: DataFormat | null | undefined
  /** Default 1. */
  readonly dilationRate?: Sizes | undefined
  /** Default: none (`linear`). */
  readonly activation?: activations.ActivationLike | undefined
  /** Default true. */
  readonly useBias?: boolean | undefined
  /** Default `glorotUniform`. */
  readonly depthwiseInitializer?: initializers.InitializerLike | undefined
  /** Default `zeros`. */
  readonly biasInitializer?: initializers.InitializerLike | undefined
  readonly depthwiseRegularizer?: regularizers.RegularizerLike | undefined
  readonly biasRegularizer?: regularizers.RegularizerLike | undefined
  readonly depthwiseConstraint?: constraints.ConstraintLike | undefined
  readonly biasConstraint?: constraints.ConstraintLike | undefined
}

export interface SeparableConvOptions extends DepthwiseConvOptions {
  /** Default `glorotUniform`. */
  readonly pointwiseInitializer?: initializers.InitializerLike | undefined
  readonly pointwiseRegularizer?: regularizers.RegularizerLike | undefined
  readonly pointwiseConstraint?: constraints.ConstraintLike | undefined
}

const DEPTHWISE_CONFIG = {
  kernelSize: 'value',
  strides: 'value',
  padding: 'value',
  depthMultiplier: 'value',
  dataFormat: 'value',
  dilationRate: 'value',
  activation: 'activation',
  useBias: 'value',
  depthwiseInitializer: 'initializer',
  biasInitializer: 'initializer',
  depthwiseRegularizer: 'regularizer',
  biasRegularizer: 'regularizer',
  activityRegularizer: 'regularizer',
  depthwiseConstraint: 'constraint',
  biasConstraint: 'constraint',
} as const satisfies ConfigTable

/** What both kinds share: each channel has `depthMultiplier` kernels. */
abstract class ChannelwiseConv extends Layer {
  readonly kernelSize: readonly number[]
  readonly strides: readonly number[]
  readonly padding: 'valid' | 'same'
  readonly depthMultiplier: number
  readonly dataFormat: DataFormat
  readonly dilationRate: readonly number[]
  readonly activation: activations.Activation
  readonly useBias: boolean
  readonly depthwiseInitializer: initializers.Initializer
  readonly biasInitializer: initializers.Initializer
  readonly depthwiseRegularizer: regularizers.Regularizer | null
  readonly biasRegularizer: regularizers.Regularizer | null
  readonly depthwiseConstraint: constraints.Constraint | null
  readonly biasConstraint: constraints.Constraint | null
  bias: Variable | null = null
  protected readonly rank: number

  constructor(rank: number, kernelSize: Sizes, options: DepthwiseConvOptions) {
    const {
      strides = 1,
      padding = 'valid',
      depthMultiplier = 1,
      dataFormat,
      dilationRate = 1,
      activation = null,
      useBias = true,
      depthwiseInitializer = 'glorot_uniform',
      biasInitializer = 'zeros',
      depthwiseRegularizer = null,
      biasRegularizer = null,
      depthwiseConstraint = null,
      biasConstraint = null,
      ...rest
    } = options
    super(rest)
    const where = this.name
    this.rank = rank
    this.kernelSize = perAxis(kernelSize, rank, 'kernelSize', where)
    this.strides = perAxis(strides, rank, 'strides', where)
    this.padding = requirePadding(padding, ['valid', 'same'], where)
    this.depthMultiplier = requirePositive(depthMultiplier, 'depthMultiplier', where)
    this.dataFormat = requireDataFormat(dataFormat, where)
    this.dilationRate = perAxis(dilationRate, rank, 'dilationRate', where)
    this.activation = activations.get(activation)
    this.useBias = useBias
    this.depthwiseInitializer = initializers.get(depthwiseInitializer)
    this.biasInitializer = initializers.get(biasInitializer)
    this.depthwiseRegularizer = regularizers.get(depthwiseRegularizer)
    this.biasRegularizer = regularizers.get(biasRegularizer)
    this.depthwiseConstraint = constraints.get(depthwiseConstraint)
    this.biasConstraint = constraints.get(biasConstraint)
    this.inputSpec = new InputSpec({ minNdim: rank + 2 })
  }

  /** The kernel of each channel: (…kernelSize, channels, depthMultiplier). */
  protected addDepthwiseKernel(name: string, inputShape: PartialShape): Variable {
    const axis = this.dataFormat === 'channels_last' ? -1 : 1
    const channels = requireSize(inputShape, axis, 'channels')
    this.inputSpec = new InputSpec({ minNdim: this.rank + 2, axes: { [axis]: channels } })
    return this.addWeight({
      name,
      shape: [...this.kernelSize, channels, this.depthMultiplier],
      initializer: this.depthwiseInitializer,
      regularizer: this.depthwiseRegularizer,
      constraint: this.depthwiseConstraint,
    })
  }

  protected addBias(filters: number): void {
    if (!this.useBias) return
    this.bias = this.addWeight({
      name: 'bias',
      shape: [filters],
      initializer: this.biasInitializer,
      regularizer: this.biasRegularizer,
      constraint: this.biasConstraint,
    })
  }

  protected convolveChannels(inputs: Tensor, kernel: Variable): Tensor {
    const { strides, padding, dataFormat, dilationRate } = this
    return ops.depthwiseConv(inputs, kernel, { strides, padding, dataFormat, dilationRate })
  }

  protected finish(x: Tensor): Tensor {
    const { bias, dataFormat, rank } = this
    if (bias === null) return this.activation(x)
    const along =
      dataFormat === 'channels_last' ? bias.value : ops.reshape(bias, [bias.shape[0] as number, ...new Array<number>(rank).fill(1)])
    return this.activation(ops.add(x, along))
  }
}

abstract class DepthwiseConv extends ChannelwiseConv {
  static override readonly positional: readonly string[] = ['kernelSize']
  static override readonly configTable: ConfigTable = DEPTHWISE_CONFIG
  kernel!: Variable

  override build(inputShape: PartialShape): void {
    this.kernel = this.addDepthwiseKernel('kernel', inputShape)
    const [channels, multiplier] = this.kernel.shape.slice(-2) as [number, number]
    this.addBias(channels * multiplier)
  }

  override call(inputs: Tensor): Tensor {
    return this.finish(this.convolveChannels(inputs, this.kernel))
  }
}

abstract class SeparableConv extends ChannelwiseConv {
  static override readonly positional: readonly string[] = ['filters', 'kernelSize']
  static override readonly configTable: ConfigTable = {
    filters: 'value',
    ...DEPTHWISE_CONFIG,
    pointwiseInitializer: 'initializer',
    pointwiseRegularizer: 'regularizer',
    pointwiseConstraint: 'constraint',
  }
  readonly filters: number
  readonly pointwiseInitializer: initializers.Initializer
  readonly pointwiseRegularizer: regularizers.Regularizer | null
  readonly pointwiseConstraint: constraints.Constraint | null
  depthwiseKernel!: Variable
  pointwiseKernel!: Variable

  constructor(rank: number, filters: number, kernelSize: Sizes, options: SeparableConvOptions) {
    const { pointwiseInitializer = 'glorot_uniform', pointwiseRegularizer = null, pointwiseConstraint = null, ...rest } = options
    super(rank, kernelSize, rest)
    this.filters = requirePositive(filters, 'filters', this.name)
    this.pointwiseInitializer = initializers.get(pointwiseInitializer)
    this.pointwiseRegularizer = regularizers.get(pointwiseRegularizer)
    this.pointwiseConstraint = constraints.get(pointwiseConstraint)
  }

  override build(inputShape: PartialShape): void {
    this.depthwiseKernel = this.addDepthwiseKernel('depthwise_kernel', inputShape)
    const [channels, multiplier] = this.depthwiseKernel.shape.slice(-2) as [number, number]
    this.pointwiseKernel = this.addWeight({
      name: 'pointwise_kernel',
      shape: [...new Array<number>(this.rank).fill(1), channels * multiplier, this.filters],
      initializer: this.pointwiseInitializer,
      regularizer: this.pointwiseRegularizer,
      constraint: this.pointwiseConstraint,
    })
    this.addBias(this.filters)
  }

  override call(inputs: Tensor): Tensor {
    const spread = this.convolveChannels(inputs, this.depthwiseKernel)
    return this.finish(ops.conv(spread, this.pointwiseKernel, { dataFormat: this.dataFormat }))
  }
}

/** (batch, steps, channels) → (batch, newSteps, channels · depthMultiplier): each channel by itself. */
export class DepthwiseConv1D extends DepthwiseConv {
  static override readonly className: string = 'DepthwiseConv1D'

  constructor(kernelSize: Sizes, options: DepthwiseConvOptions = {}) {
    super(1, kernelSize, options)
  }
}

/** (batch, rows, columns, channels) → (batch, newRows, newColumns, channels · depthMultiplier): each channel by itself. */
export class DepthwiseConv2D extends DepthwiseConv {
  static override readonly className: string = 'DepthwiseConv2D'

  constructor(kernelSize: Sizes, options: DepthwiseConvOptions = {}) {
    super(2, kernelSize, options)
  }
}

/** (batch, steps, channels) → (batch, newSteps, filters): each channel by itself, then all mixed. */
export class SeparableConv1D extends SeparableConv {
  static override readonly className: string = 'SeparableConv1D'

  constructor(filters: number, kernelSize: Sizes, options: SeparableConvOptions = {}) {
    super(1, filters, kernelSize, options)
  }
}

/**
 * (batch, rows, columns, channels) → (batch, newRows, newColumns, filters): each channel by itself, then all mixed.
 *
 * @example
 * const features = layers.separableConv2d(64, 3, { activation: 'relu' })(image)
 */
export class SeparableConv2D extends SeparableConv {
  static override readonly className: string = 'SeparableConv2D'

  constructor(filters: number, kernelSize: Sizes, options: SeparableConvOptions = {}) {
    super(2, filters, kernelSize, options)
  }
}

export const depthwiseConv1d = (...args: ConstructorParameters<typeof DepthwiseConv1D>): DepthwiseConv1D => new DepthwiseConv1D(...args)
export const depthwiseConv2d = (...args: ConstructorParameters<typeof DepthwiseConv2D>): DepthwiseConv2D => new DepthwiseConv2D(...args)
export const separableConv1d = (...args: ConstructorParameters<typeof SeparableConv1D>): SeparableConv1D => new SeparableConv1D(...args)
export const separableConv2d = (...args: ConstructorParameters<typeof SeparableConv2D>): SeparableConv2D => new SeparableConv2D(...args)

/** Keras's other names. */
export {
  SeparableConv1D as SeparableConvolution1D,
  SeparableConv2D as SeparableConvolution2D,
  separableConv1d as separableConvolution1d,
  separableConv2d as separableConvolution2d,
}
