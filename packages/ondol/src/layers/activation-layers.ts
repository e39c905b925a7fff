/** Activations as layers. Follows `keras/src/layers/activations`. */
import * as activations from '../activations/index.js'
import * as constraints from '../constraints/index.js'
import { ShapeError, ValueError } from '../core/errors.js'
import { formatShape, normalizeAxis, type PartialShape } from '../core/shape.js'
import { lax, type Tensor, type Variable } from '../engine/index.js'
import * as initializers from '../initializers/index.js'
import * as ops from '../ops/index.js'
import * as regularizers from '../regularizers/index.js'
import type { ConfigTable } from './config-table.js'
import { InputSpec } from './input-spec.js'
import { type CallOptions, Layer, type LayerOptions } from './layer.js'
import { requireSize } from './options.js'

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

export interface ELUOptions extends LayerOptions {
  /** What very negative inputs go to, negated. Default 1. */
  readonly alpha?: number | undefined
}

/** x where positive, else alpha · (eˣ - 1). */
export class ELU extends Layer {
  static override readonly className: string = 'ELU'
  static override readonly isStateless: boolean = true
  static override readonly configTable: ConfigTable = { alpha: 'value' }
  readonly alpha: number

  constructor({ alpha = 1, ...options }: ELUOptions = {}) {
    super(options)
    this.alpha = alpha
    this.supportsMasking = true
  }

  override call(x: Tensor): Tensor {
    return ops.elu(x, { alpha: this.alpha })
  }
}

export interface PReLUOptions extends LayerOptions {
  /** Default `zeros`. */
  readonly alphaInitializer?: initializers.InitializerLike | undefined
  readonly alphaRegularizer?: regularizers.RegularizerLike | undefined
  readonly alphaConstraint?: constraints.ConstraintLike | undefined
  /** Axes along which one alpha serves all, counted from 1: `[1, 2]` for one per channel of an image. Default: none. */
  readonly sharedAxes?: number | readonly number[] | null | undefined
}

/** x where positive, else alpha · x with a learned alpha for each place (https://arxiv.org/abs/1502.01852). */
export class PReLU extends Layer {
  static override readonly className: string = 'PReLU'
  static override readonly configTable: ConfigTable = {
    alphaInitializer: 'initializer',
    alphaRegularizer: 'regularizer',
    alphaConstraint: 'constraint',
    sharedAxes: 'value',
  }
  readonly alphaInitializer: initializers.Initializer
  readonly alphaRegularizer: regularizers.Regularizer | null
  readonly alphaConstraint: constraints.Constraint | null
  readonly sharedAxes: readonly number[] | null
  alpha!: Variable

  constructor({
    alphaInitializer = 'zeros',
    alphaRegularizer = null,
    alphaConstraint = null,
    sharedAxes = null,
    ...options
  }: PReLUOptions = {}) {
    super(options)
    this.alphaInitializer = initializers.get(alphaInitializer)
    this.alphaRegularizer = regularizers.get(alphaRegularizer)
    this.alphaConstraint = constraints.get(alphaConstraint)
    this.sharedAxes = sharedAxes === null ? null : [sharedAxes].flat()
    this.supportsMasking = true
  }

  override build(inputShape: PartialShape): void {
    const shared = (this.sharedAxes ?? []).map((axis) => normalizeAxis(axis, inputShape.length, 'sharedAxes'))
    if (shared.includes(0))
      throw new ValueError({ problem: 'sharedAxes count from 1: axis 0 is the batch', received: `[${this.sharedAxes}]` })
    const own = inputShape.map((_, axis) => axis).filter((axis) => axis > 0 && !shared.includes(axis))
    const sizes = new Map(own.map((axis) => [axis, requireSize(inputShape, axis, `places on axis ${axis}`)]))
    this.alpha = this.addWeight({
      name: 'alpha',
      shape: inputShape.slice(1).map((_, i) => sizes.get(i + 1) ?? 1),
      initializer: this.alphaInitializer,
      regularizer: this.alphaRegularizer,
      constraint: this.alphaConstraint,
    })
    this.inputSpec = new InputSpec({ ndim: inputShape.length, axes: shared.length > 0 ? Object.fromEntries(sizes) : {} })
  }

  override call(x: Tensor): Tensor {
    return ops.subtract(ops.relu(x), ops.multiply(this.alpha, ops.relu(ops.negative(x))))
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
    requireFit(given, x)
    const mask = given.dtype === 'bool' ? given : ops.greater(given, 0.5)
    // Not -inf: a row that is masked altogether would give NaN.
    const masked = ops.where(mask, x, x.dtype === 'float16' ? -3e4 : -1e9)
    return ops.where(mask, ops.softmax(masked, { axis: this.axis }), lax.full([], x.dtype, 0))
  }
}

function requireFit(mask: Tensor, x: Tensor): void {
  const from = x.rank - mask.rank
  if (from >= 0 && mask.shape.every((size, i) => size === 1 || size === x.shape[from + i])) return
  throw new ShapeError({
    problem: 'the mask does not broadcast to the input',
    received: `mask ${formatShape(mask.shape)}, input ${formatShape(x.shape)}`,
  })
}

export const activation = (...args: ConstructorParameters<typeof Activation>): Activation => new Activation(...args)
export const relu = (options?: ReLUOptions): ReLU => new ReLU(options)
export const leakyRelu = (options?: LeakyReLUOptions): LeakyReLU => new LeakyReLU(options)
export const elu = (options?: ELUOptions): ELU => new ELU(options)
export const prelu = (options?: PReLUOptions): PReLU => new PReLU(options)
export const softmax = (options?: SoftmaxOptions): Softmax => new Softmax(options)
