/** Activations as layers. Follows `keras/src/layers/activations`. */
import * as activations from '../activations/index.js'
import { ValueError } from '../core/errors.js'
import { lax, type Tensor } from '../engine/index.js'
import * as ops from '../ops/index.js'
import type { ConfigTable } from './config-table.js'
import { type CallOptions, Layer, type LayerOptions } from './layer.js'

/** Any activation, by name or as a function. */
export class Activation extends Layer {
  static override readonly className: string = 'Activation'
  static override readonly isStateless: boolean = true
  static override readonly positional: readonly string[] = ['activation']
  static override readonly configTable: ConfigTable = { activation: 'activation' }
  readonly activation: activations.Activation

  constructor(activation: activations.ActivationLike, options: LayerOptions = {}) {
    super(options)
    this.activation = activations.get(activation)
    this.supportsMasking = true
  }

  override call(x: Tensor): Tensor {
    return this.activation(x)
  }
}

export interface ReLUOptions extends LayerOptions {
  /** Largest output. Default: none. */
  readonly maxValue?: number | null | undefined
  /** Slope below the threshold. Default 0. */
  readonly negativeSlope?: number | undefined
  /** Inputs below are damped. Default 0. */
  readonly threshold?: number | undefined
}

/** max(x, 0), with options as `activations.relu`. */
export class ReLU extends Layer {
  static override readonly className: string = 'ReLU'
  static override readonly isStateless: boolean = true
  static override readonly configTable: ConfigTable = { maxValue: 'value', negativeSlope: 'value', threshold: 'value' }
  readonly maxValue: number | null
  readonly negativeSlope: number
  readonly threshold: number

  constructor({ maxValue = null, negativeSlope = 0, threshold = 0, ...options }: ReLUOptions = {}) {
    super(options)
    this.maxValue = maxValue
    this.negativeSlope = negativeSlope
    this.threshold = threshold
    for (const name of ['maxValue', 'negativeSlope', 'threshold'] as const) {
      const value = this[name]
      if (value !== null && !(value >= 0))
        throw new ValueError({ where: this.name, problem: `${name} must be at least 0`, received: `${name}=${String(value)}` })
    }
    this.supportsMasking = true
  }

  override call(x: Tensor): Tensor {
    const { negativeSlope, maxValue, threshold } = this
    return activations.relu(x, { negativeSlope, maxValue, threshold })
  }
}

export interface LeakyReLUOptions extends LayerOptions {
  /** Default 0.3. */
  readonly negativeSlope?: number | undefined
}

/** x where positive, else negativeSlope · x. */
export class LeakyReLU extends Layer {
  static override readonly className: string = 'LeakyReLU'
  static override readonly isStateless: boolean = true
  static override readonly configTable: ConfigTable = { negativeSlope: 'value' }
  readonly negativeSlope: number

  constructor({ negativeSlope = 0.3, ...options }: LeakyReLUOptions = {}) {
    super(options)
    if (!(negativeSlope >= 0))
      throw new ValueError({
        where: this.name,
        problem: 'negativeSlope must be at least 0',
        received: `negativeSlope=${String(negativeSlope)}`,
      })
    this.negativeSlope = negativeSlope
    this.supportsMasking = true
  }

  override call(x: Tensor): Tensor {
    return ops.leakyRelu(x, { negativeSlope: this.negativeSlope })
  }
}

export interface SoftmaxOptions extends LayerOptions {
  /** Axes that sum to 1. Default -1. */
  readonly axis?: number | readonly number[] | undefined
}

/** eˣ / Σ eˣ along `axis`; where the mask is false, 0. */
export class Softmax extends Layer {
  static override readonly className: string = 'Softmax'
  static override readonly isStateless: boolean = true
  static override readonly configTable: ConfigTable = { axis: 'value' }
  readonly axis: number | readonly number[]

  constructor({ axis = -1, ...options }: SoftmaxOptions = {}) {
    super(options)
    this.axis = axis
    this.supportsMasking = true
  }

  override call(x: Tensor, options: CallOptions): Tensor {
    const given = options.mask as Tensor | null | undefined
    if (given === null || given === undefined) return ops.softmax(x, { axis: this.axis })
    const mask = given.dtype === 'bool' ? given : ops.greater(given, 0.5)
    // Not -inf: a row that is masked altogether would give NaN.
    const masked = ops.where(mask, x, x.dtype === 'float16' ? -3e4 : -1e9)
    return ops.where(mask, ops.softmax(masked, { axis: this.axis }), lax.full([], x.dtype, 0))
  }
}

export const activation = (...args: ConstructorParameters<typeof Activation>): Activation => new Activation(...args)
export const relu = (options?: ReLUOptions): ReLU => new ReLU(options)
export const leakyRelu = (options?: LeakyReLUOptions): LeakyReLU => new LeakyReLU(options)
export const softmax = (options?: SoftmaxOptions): Softmax => new Softmax(options)
