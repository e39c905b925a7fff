/** Group normalization (Wu and He 2018). Follows `keras/src/layers/normalization/group_normalization.py`. */
import { ValueError } from '../core/errors.js'
import { normalizeAxis, type PartialShape } from '../core/shape.js'
import { lax, type Tensor, type Variable } from '../engine/index.js'
import * as ops from '../ops/index.js'
import { AFFINE_CONFIG, AffineLayer, type AffineOptions } from './affine-layer.js'
import type { ConfigTable } from './config-table.js'
import { InputSpec } from './input-spec.js'
import { requireSize } from './options.js'

export interface GroupNormalizationOptions extends AffineOptions {
  /** Groups of channels that are normalised together; 1 takes all, -1 each channel by itself (instance normalization). Default 32. */
  readonly groups?: number | undefined
  /** The axis of the channels. Default -1. */
  readonly axis?: number | undefined
  /** Added to the variance. Default 0.001. */
  readonly epsilon?: number | undefined
}

/**
 * gamma · (x - mean) / √(variance + epsilon) + beta, mean and variance being those of a group of channels of one sample;
 * gamma and beta belong to the channel.
 *
 * @example
 * const y = layers.groupNormalization({ groups: 8 })(image)
 */
export class GroupNormalization extends AffineLayer {
  static override readonly className: string = 'GroupNormalization'
  static override readonly configTable: ConfigTable = { groups: 'value', axis: 'value', epsilon: 'value', ...AFFINE_CONFIG }
  /** With -1 the number of channels, once that is known. */
  groups: number
  readonly axis: number
  readonly epsilon: number

  constructor({ groups = 32, axis = -1, epsilon = 1e-3, ...options }: GroupNormalizationOptions = {}) {
    super({ ...options, autocast: false })
    if (!Number.isInteger(groups) || (groups < 1 && groups !== -1))
      throw new ValueError({
        where: this.name,
        problem: 'groups must be a positive whole number, or -1 for a group of each channel',
        received: `groups=${String(groups)}`,
      })
    if (!Number.isInteger(axis)) throw new ValueError({ where: this.name, problem: 'axis must be a whole number', received: String(axis) })
    this.groups = groups
    this.axis = axis
    this.epsilon = epsilon
  }

  override build(inputShape: PartialShape): void {
    const channels = requireSize(inputShape, normalizeAxis(this.axis, inputShape.length, 'axis'), 'channels')
    if (this.groups === -1) this.groups = channels
    if (channels % this.groups !== 0)
      throw new ValueError({
        problem: 'the channels cannot be divided into so many groups of one size',
        expected: 'groups that divide the number of channels',
        received: `groups=${this.groups}, ${channels} channels`,
        ...(this.groups > channels && { hint: `there are only ${channels} channels; the default is 32 groups` }),
      })
    this.inputSpec = new InputSpec({ ndim: inputShape.length, axes: { [this.axis]: channels } })
    this.addAffine([channels])
  }

  override call(inputs: Tensor): Tensor {
    const dtype = inputs.dtype === 'float64' ? 'float64' : 'float32'
    const { shape, rank } = inputs
    const axis = normalizeAxis(this.axis, rank, 'axis')
    const inGroup = (shape[axis] as number) / this.groups
    const split = [...shape.slice(0, axis), this.groups, inGroup, ...shape.slice(axis + 1)]
    const x = lax.reshape(lax.cast(inputs, dtype), split)
    const reduced = split.map((_, at) => at).filter((at) => at !== 0 && at !== axis)
    const [mean, variance] = lax.moments(x, reduced)
    // One multiplication and one addition for each element: x · factor + offset.
    const ofGroup = (perGroup: Tensor): Tensor => lax.broadcast(perGroup, split, [0, axis])
    const ofChannel = (variable: Variable): Tensor =>
      lax.broadcast(lax.reshape(lax.cast(variable.value, dtype), [this.groups, inGroup]), split, [axis, axis + 1])
    const inverse = ofGroup(ops.rsqrt(ops.add(variance, this.epsilon)))
    const factor = this.gamma === null ? inverse : lax.mul(inverse, ofChannel(this.gamma))
    const shift = lax.neg(lax.mul(ofGroup(mean), factor))
    const offset = this.beta === null ? shift : lax.add(shift, ofChannel(this.beta))
    return lax.cast(lax.reshape(lax.add(lax.mul(x, factor), offset), shape), this.computeDtype)
  }
}

export const groupNormalization = (options?: GroupNormalizationOptions): GroupNormalization => new GroupNormalization(options)
