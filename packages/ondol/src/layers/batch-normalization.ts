/** Batch normalization (Ioffe and Szegedy 2015). Follows `keras/src/layers/normalization/batch_normalization.py`. */
import { ShapeError, ValueError } from '../core/errors.js'
import { formatShape, normalizeAxis, type PartialShape } from '../core/shape.js'
import { lax, stopGradient, type Tensor, type Variable } from '../engine/index.js'
import * as initializers from '../initializers/index.js'
import { epsilon as fuzz } from '../ops/config.js'
import * as ops from '../ops/index.js'
import { AFFINE_CONFIG, AffineLayer, type AffineOptions } from './affine-layer.js'
import type { ConfigTable } from './config-table.js'
import { InputSpec } from './input-spec.js'
import type { CallOptions } from './layer.js'
import { requireSize } from './options.js'

export interface RenormClipping {
  readonly rmax?: number | null
  readonly rmin?: number | null
  readonly dmax?: number | null
}

export interface BatchNormalizationOptions extends AffineOptions {
  /** The axis of features; each is normalised over all others. Default -1. */
  readonly axis?: number | undefined
  /** How slowly the moving averages follow. Default 0.99. */
  readonly momentum?: number | undefined
  /** Added to the variance. Default 0.001. */
  readonly epsilon?: number | undefined
  readonly movingMeanInitializer?: initializers.InitializerLike | undefined
  readonly movingVarianceInitializer?: initializers.InitializerLike | undefined
  /** Batch renormalization (Ioffe 2017): corrects batch statistics towards the moving ones. Default false. */
  readonly renorm?: boolean | undefined
  /** Bounds of renorm's corrections. */
  readonly renormClipping?: RenormClipping | null | undefined
  readonly renormMomentum?: number | undefined
  /** Statistics over all devices: there is one, which changes nothing. Default false. */
  readonly synchronized?: boolean | undefined
}

/** Statistics of a batch, (features,) each. */
interface Moments {
  readonly mean: Tensor
  readonly variance: Tensor
}

/**
 * gamma · (x - mean) / √(variance + epsilon) + beta. In training with the batch's statistics, which also
 * update the moving averages; otherwise, or when frozen (`trainable = false`), with the moving averages.
 */
export class BatchNormalization extends AffineLayer {
  static override readonly className: string = 'BatchNormalization'
  static override readonly configTable: ConfigTable = {
    axis: 'value',
    momentum: 'value',
    epsilon: 'value',
    ...AFFINE_CONFIG,
    movingMeanInitializer: 'initializer',
    movingVarianceInitializer: 'initializer',
    synchronized: 'value',
    renorm: 'value',
    renormClipping: 'value',
    renormMomentum: 'value',
  }
  readonly axis: number
  readonly momentum: number
  readonly epsilon: number
  readonly movingMeanInitializer: initializers.Initializer
  readonly movingVarianceInitializer: initializers.Initializer
  readonly renorm: boolean
  readonly renormClipping: RenormClipping | null
  readonly renormMomentum: number
  readonly synchronized: boolean
  movingMean!: Variable
  movingVariance!: Variable
  /** Only with `renorm`. */
  movingStddev: Variable | null = null
  renormMean: Variable | null = null
  renormStddev: Variable | null = null

  constructor({
    axis = -1,
    momentum = 0.99,
    epsilon = 1e-3,
    movingMeanInitializer = 'zeros',
    movingVarianceInitializer = 'ones',
    renorm = false,
    renormClipping = null,
    renormMomentum = 0.99,
    synchronized = false,
    ...options
  }: BatchNormalizationOptions = {}) {
    super(options)
    if (!Number.isInteger(axis)) throw new ValueError({ where: this.name, problem: 'axis must be a whole number', received: String(axis) })
    this.axis = axis
    this.momentum = momentum
    this.epsilon = epsilon
    this.movingMeanInitializer = initializers.get(movingMeanInitializer)
    this.movingVarianceInitializer = initializers.get(movingVarianceInitializer)
    this.renorm = renorm
    this.renormClipping = renorm ? requireClipping(renormClipping ?? {}, this.name) : renormClipping
    this.renormMomentum = renormMomentum
    this.synchronized = synchronized
  }

  override build(inputShape: PartialShape): void {
    const axis = normalizeAxis(this.axis, inputShape.length, 'axis')
    const features = requireSize(inputShape, axis, 'features')
    this.addAffine([features])
    const add = (name: string, initializer: initializers.InitializerLike): Variable =>
      this.addWeight({ name, shape: [features], initializer, trainable: false, autocast: false })
    this.movingMean = add('moving_mean', this.movingMeanInitializer)
    this.movingVariance = add('moving_variance', this.movingVarianceInitializer)
    if (this.renorm) {
      const stddev: initializers.InitializerFunction = (shape, dtype) => ops.sqrt(this.movingVarianceInitializer(shape, dtype))
      this.movingStddev = add('moving_stddev', stddev)
      this.renormMean = add('renorm_mean', this.movingMeanInitializer)
      this.renormStddev = add('renorm_stddev', stddev)
    }
    this.inputSpec = new InputSpec({ ndim: inputShape.length, axes: { [this.axis]: features } })
  }

  override call(inputs: Tensor, { training, ...options }: CallOptions): Tensor {
    const mask = (options.mask as Tensor | null | undefined) ?? null
    if (mask !== null) requireMaskRank(mask, inputs)
    // Sums over a batch overflow and lose digits in half precision.
    const dtype = inputs.dtype === 'float64' ? 'float64' : 'float32'
    const x = lax.cast(inputs, dtype)
    const axis = normalizeAxis(this.axis, x.rank, 'axis')
    const read = (variable: Variable | null): Tensor | null => (variable === null ? null : lax.cast(variable.value, dtype))
    let [gamma, beta] = [read(this.gamma), read(this.beta)]
    let moments: Moments
    if (training && this.trainable) {
      moments = batchMoments(x, axis, mask)
      if (this.renorm) [gamma, beta] = this.#renormalize(moments, gamma, beta)
      else this.#follow(moments)
    } else {
      moments = { mean: read(this.movingMean) as Tensor, variance: read(this.movingVariance) as Tensor }
    }
    // One multiplication and one addition for each element: x · factor + offset.
    const inverse = ops.rsqrt(ops.add(moments.variance, this.epsilon))
    const factor = gamma === null ? inverse : lax.mul(inverse, gamma)
    const shift = lax.neg(lax.mul(moments.mean, factor))
    const offset = beta === null ? shift : lax.add(shift, beta)
    const wide = (perFeature: Tensor): Tensor => lax.broadcast(perFeature, x.shape, [axis])
    return lax.cast(lax.add(lax.mul(x, wide(factor)), wide(offset)), this.computeDtype)
  }

  /** Moves the averages towards the batch's statistics. */
  #follow({ mean, variance }: Moments): void {
    moveTowards(this.movingMean, mean, this.momentum)
    moveTowards(this.movingVariance, variance, this.momentum)
  }

  /** Gamma and beta corrected for the difference between batch and moving statistics, which follow after. */
  #renormalize({ mean, variance }: Moments, gamma: Tensor | null, beta: Tensor | null): [Tensor, Tensor] {
    const { renormMean, renormStddev, movingStddev } = this as { renormMean: Variable; renormStddev: Variable; movingStddev: Variable }
    const { rmin = null, rmax = null, dmax = null } = this.renormClipping ?? {}
    const stddev = ops.sqrt(ops.add(variance, this.epsilon))
    const reference = ops.maximum(renormStddev, Math.sqrt(this.epsilon))
    let r = ops.divide(stddev, reference)
    let d = ops.divide(ops.subtract(mean, renormMean), reference)
    if (rmin !== null) r = ops.maximum(r, rmin)
    if (rmax !== null) r = ops.minimum(r, rmax)
    if (dmax !== null) d = ops.clip(d, -dmax, dmax)
    ;[r, d] = [stopGradient(r), stopGradient(d)]
    const scale = gamma === null ? r : lax.mul(r, gamma)
    const shift = gamma === null ? d : lax.mul(d, gamma)
    moveTowards(renormMean, mean, this.renormMomentum)
    moveTowards(renormStddev, stddev, this.renormMomentum)
    moveTowards(this.movingMean, mean, this.momentum)
    moveTowards(movingStddev, stddev, this.momentum)
    this.movingVariance.assign(ops.relu(ops.subtract(ops.square(movingStddev), this.epsilon)))
    return [scale, beta === null ? shift : lax.add(shift, beta)]
  }
}

function moveTowards(average: Variable, value: Tensor, momentum: number): void {
  const next = ops.add(ops.multiply(average, momentum), ops.multiply(value, 1 - momentum))
  average.assign(lax.cast(stopGradient(next), average.dtype))
}

/** Mean and biased variance over all axes but one; only where the mask (without the feature axis) is true. */
function batchMoments(x: Tensor, axis: number, mask: Tensor | null): Moments {
  const axes = x.shape.map((_, i) => i).filter((i) => i !== axis)
  if (mask === null) {
    const [mean, variance] = lax.moments(x, axes)
    return { mean, variance }
  }
  const valid = ops.broadcastTo(ops.expandDims(lax.cast(mask, 'bool'), -1), x.shape)
  const count = ops.add(ops.sum(lax.cast(valid, x.dtype), { axis: axes }), fuzz())
  const meanOf = (values: Tensor): Tensor => ops.divide(ops.sum(ops.where(valid, values, lax.zerosLike(values)), { axis: axes }), count)
  const mean = meanOf(x)
  const variance = meanOf(ops.square(lax.sub(x, lax.broadcast(mean, x.shape, [axis]))))
  return { mean, variance }
}

function requireMaskRank(mask: Tensor, x: Tensor): void {
  if (mask.rank === x.rank - 1) return
  throw new ShapeError({
    problem: 'the mask must have one axis less than the input',
    received: `mask ${formatShape(mask.shape)}, input ${formatShape(x.shape)}`,
  })
}

function requireClipping(clipping: RenormClipping, where: string): RenormClipping {
  const unknown = Object.keys(clipping).find((key) => !['rmax', 'rmin', 'dmax'].includes(key))
  if (unknown !== undefined)
    throw new ValueError({ where, problem: `renormClipping has no entry '${unknown}'`, expected: 'rmax, rmin, dmax' })
  const { rmin, rmax, dmax } = clipping
  if (rmin != null && rmax != null && rmax < rmin)
    throw new ValueError({ where, problem: 'renormClipping: rmax is less than rmin', received: `rmax=${rmax}, rmin=${rmin}` })
  if (dmax != null && dmax < 0)
    throw new ValueError({ where, problem: 'renormClipping: dmax must be at least 0', received: `dmax=${dmax}` })
  return clipping
}

export const batchNormalization = (options?: BatchNormalizationOptions): BatchNormalization => new BatchNormalization(options)
