/** Normalisation of each sample by itself. Follows `keras/src/layers/normalization/{layer,rms,unit}_normalization.py`. */
import { ValueError } from '../core/errors.js'
import { normalizeAxis, type PartialShape } from '../core/shape.js'
import { lax, type Tensor, type Variable } from '../engine/index.js'
import * as ops from '../ops/index.js'
import { AFFINE_CONFIG, AffineLayer, type AffineOptions } from './affine-layer.js'
import type { ConfigTable } from './config-table.js'
import { Layer, type LayerOptions } from './layer.js'
import { requireSize } from './options.js'

type Axes = number | readonly number[]

function requireAxes(axis: Axes, where: string): Axes {
  const list = typeof axis === 'number' ? [axis] : axis
  if (Array.isArray(list) && list.length > 0 && list.every((at) => Number.isInteger(at))) return typeof axis === 'number' ? axis : [...axis]
  throw new ValueError({ where, problem: 'axis must be a whole number, or a list of them', received: `axis=${JSON.stringify(axis)}` })
}

/** As Keras keeps them once it knows the input: a list in the order of the axes. */
const listed = (axis: Axes, rank: number): number[] =>
  [axis].flat().sort((a, b) => normalizeAxis(a, rank, 'axis') - normalizeAxis(b, rank, 'axis'))

function sizesOf(axes: readonly number[], inputShape: PartialShape): number[] {
  return axes.map((axis) => requireSize(inputShape, normalizeAxis(axis, inputShape.length, 'axis'), 'features'))
}

export interface LayerNormalizationOptions extends AffineOptions {
  /** The axes that are normalised together, each with its own gamma and beta. Default -1. */
  readonly axis?: Axes | undefined
  /** Added to the variance. Default 0.001. */
  readonly epsilon?: number | undefined
  /** Old models only: gamma · x / √(variance + epsilon), without mean and beta. For the real thing see `RMSNormalization`. */
  readonly rmsScaling?: boolean | undefined
}

/**
 * gamma · (x - mean) / √(variance + epsilon) + beta, mean and variance being those of the sample over `axis`
 * (https://arxiv.org/abs/1607.06450).
 *
 * @example
 * const y = layers.layerNormalization({ epsilon: 1e-6 })(x)
 */
export class LayerNormalization extends AffineLayer {
  static override readonly className: string = 'LayerNormalization'
  static override readonly configTable: ConfigTable = { axis: 'value', epsilon: 'value', ...AFFINE_CONFIG, rmsScaling: 'value' }
  axis: Axes
  readonly epsilon: number
  readonly rmsScaling: boolean

  constructor({ axis = -1, epsilon = 1e-3, rmsScaling = false, ...options }: LayerNormalizationOptions = {}) {
    // What comes in wider than the layer computes in is narrowed after, not before.
    super({ ...options, autocast: false })
    this.axis = requireAxes(axis, this.name)
    this.epsilon = epsilon
    this.rmsScaling = rmsScaling
  }

  override build(inputShape: PartialShape): void {
    this.axis = listed(this.axis, inputShape.length)
    this.addAffine(sizesOf(this.axis, inputShape), this.rmsScaling ? { scale: true, center: false } : this)
  }

  override call(inputs: Tensor): Tensor {
    const { axis, epsilon, gamma, beta } = this
    if (this.rmsScaling) {
      const x = inputs.dtype === 'float64' ? inputs : lax.cast(inputs, 'float32')
      const inverse = ops.rsqrt(ops.add(ops.variance(x, { axis, keepdims: true }), epsilon))
      const at = [axis].flat().map((one) => normalizeAxis(one, x.rank, 'axis'))
      const factor = ops.reshape(
        gamma as Variable,
        x.shape.map((size, i) => (at.includes(i) ? size : 1)),
      )
      return lax.cast(ops.multiply(ops.multiply(x, inverse), factor), this.computeDtype)
    }
    return lax.cast(ops.layerNormalization(inputs, { gamma, beta, axis, epsilon }), this.computeDtype)
  }
}

export interface RMSNormalizationOptions extends LayerOptions {
  /** Default -1. */
  readonly axis?: Axes | undefined
  /** Added to the mean square. Default 1e-6. */
  readonly epsilon?: number | undefined
}

/** scale · x / √(mean(x²) + epsilon) over `axis` (https://arxiv.org/abs/1910.07467). */
export class RMSNormalization extends Layer {
  static override readonly className: string = 'RMSNormalization'
  static override readonly configTable: ConfigTable = { axis: 'value', epsilon: 'value' }
  axis: Axes
  readonly epsilon: number
  scale!: Variable

  constructor({ axis = -1, epsilon = 1e-6, ...options }: RMSNormalizationOptions = {}) {
    super(options)
    this.axis = requireAxes(axis, this.name)
    this.epsilon = epsilon
  }

  override build(inputShape: PartialShape): void {
    this.axis = listed(this.axis, inputShape.length)
    this.scale = this.addWeight({ name: 'scale', shape: sizesOf(this.axis, inputShape), initializer: 'ones' })
  }

  override call(x: Tensor): Tensor {
    const { scale, axis, epsilon } = this
    return ops.rmsNormalization(x, { scale, axis, epsilon })
  }
}

export interface UnitNormalizationOptions extends LayerOptions {
  /** Default -1. */
  readonly axis?: Axes | undefined
}

/** x divided by its Euclidean norm over `axis`; zeros stay. */
export class UnitNormalization extends Layer {
  static override readonly className: string = 'UnitNormalization'
  static override readonly isStateless: boolean = true
  static override readonly configTable: ConfigTable = { axis: 'value' }
  readonly axis: Axes

  constructor({ axis = -1, ...options }: UnitNormalizationOptions = {}) {
    super(options)
    this.axis = requireAxes(axis, this.name)
    this.supportsMasking = true
  }

  override call(inputs: Tensor): Tensor {
    // Squares of half floats run over.
    const x = inputs.dtype === 'float16' || inputs.dtype === 'bfloat16' ? lax.cast(inputs, 'float32') : inputs
    const square = ops.sum(ops.square(x), { axis: this.axis, keepdims: true })
    return lax.cast(ops.multiply(x, ops.rsqrt(ops.maximum(square, 1e-24))), inputs.dtype)
  }
}

export const layerNormalization = (options?: LayerNormalizationOptions): LayerNormalization => new LayerNormalization(options)
export const rmsNormalization = (options?: RMSNormalizationOptions): RMSNormalization => new RMSNormalization(options)
export const unitNormalization = (options?: UnitNormalizationOptions): UnitNormalization => new UnitNormalization(options)
