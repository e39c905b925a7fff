/** Images mixed with others of their batch, or with noise: `CutMix`, `MixUp` and `RandomErasing`. */
import { ValueError } from '../../core/errors.js'
import type { Tensor } from '../../engine/index.js'
import { asTensor, type TensorLike } from '../../ops/define.js'
import { imageAxes } from '../../ops/image/layout.js'
import * as ops from '../../ops/index.js'
import * as random from '../../random/index.js'
import type { ConfigTable } from '../config-table.js'
import { type Arguments, readArguments } from './arguments.js'
import { RandomImageLayer, type SeededOptions } from './base.js'
import type { BoundingBoxes } from './boxes.js'
import { boundedFactor, type Factor, type Range, valueRangeOf } from './factors.js'

const { add, subtract, multiply, divide } = ops

/** Where something begins and ends along an axis, (batch,) each. */
type Span = readonly [start: Tensor, end: Tensor]

/** One that works on a rectangle of each image. */
abstract class RectangleLayer<T> extends RandomImageLayer<T> {
  /** A span of a share of the axis, anywhere. */
  protected drawSpan(length: number, share: Tensor, seed: random.Seed): Span {
    const size = multiply(share, length)
    const start = multiply(random.uniform(share.shape, { seed }), subtract(length, size))
    return [start, add(start, size)]
  }

  /** Pixels whose place is in both spans: bool (batch, height, width) and 1 for the channels. */
  protected rectangle(images: Tensor, [x0, x1]: Span, [y0, y1]: Span): Tensor {
    const axes = imageAxes(images, this.dataFormat, this.name)
    const places = (axis: number, [start, end]: Span): Tensor => {
      const fromEnd = axis - images.rank
      const shape = [1, 1, 1, 1].map((_, i) => (i === 4 + fromEnd ? (images.shape[axis] as number) : 1))
      const at = ops.cast(ops.reshape(ops.arange(images.shape[axis] as number), shape), 'float32')
      return ops.logicalAnd(ops.greaterEqual(at, this.perImage(start)), ops.less(at, this.perImage(end)))
    }
    return ops.logicalAnd(places(axes.width, [x0, x1]), places(axes.height, [y0, y1]))
  }
}

interface Cut {
  /** Which image of the batch each is mixed with: int32 (batch,). */
  readonly permutationOrder: Tensor
  /** Pixels that come from there: bool. */
  readonly batchMasks: Tensor
  /** Share of the image's own pixels. */
  readonly mixWeight: Tensor
}

/** Labels mixed as the images are: one-hot, or at least floats. */
function mixed(labels: TensorLike, order: Tensor, weight: Tensor): Tensor {
  const own = asTensor(labels)
  const share = ops.reshape(weight, own.rank < 2 ? [-1] : [-1, ...own.shape.slice(1).map(() => 1)])
  return add(multiply(share, own), multiply(subtract(1, share), ops.take(own, order, { axis: 0 })))
}

export interface CutMixOptions extends SeededOptions {
  /** Range of the parameter of the beta distribution of areas, in [0, 1]. Default 1. */
  readonly factor?: Factor | undefined
}

/** Puts a rectangle of another image of the batch into each, and mixes labels by area (Yun et al. 2019). */
export class CutMix extends RectangleLayer<Cut> {
  static override readonly className: string = 'CutMix'
  static override readonly positional: readonly string[] = ['factor']
  static override readonly configTable: ConfigTable = { factor: 'value', seed: 'value' }
  readonly factor: Range

  constructor(...args: Arguments<[], [factor: Factor], CutMixOptions>) {
    const { factor = 1, ...options } = readArguments<CutMixOptions>(args, CutMix.positional)
    super(options)
    this.factor = boundedFactor(factor, [0, 1], 'factor', this.name)
  }

  protected override draw(images: Tensor, seed: random.Seed): Cut | null {
    // A single image has nothing to be mixed with.
    if (images.rank === 3) return null
    const { batch, height, width } = this.sizes(images)
    const [minval, maxval] = this.factor
    const alpha = add(random.uniform([], { minval, maxval, seed }), 1e-6)
    const share = ops.sqrt(subtract(1, random.beta([batch], alpha, alpha, { seed })))
    const [x, y] = [this.drawSpan(width, share, seed), this.drawSpan(height, share, seed)]
    const area = multiply(subtract(x[1], x[0]), subtract(y[1], y[0]))
    return {
      permutationOrder: random.shuffle(ops.arange(batch, { dtype: 'int32' }), { seed }),
      batchMasks: this.rectangle(images, x, y),
      mixWeight: subtract(1, divide(area, width * height)),
    }
  }

  protected override augment(images: Tensor, transformation: Cut | null): Tensor {
    if (transformation === null) return images
    const { permutationOrder, batchMasks } = transformation
    return ops.where(batchMasks, ops.take(images, permutationOrder, { axis: 0 }), images)
  }

  override transformLabels(labels: TensorLike, transformation: Cut | null, training = true): Tensor {
    if (!training || transformation === null) return asTensor(labels)
    return mixed(labels, transformation.permutationOrder, transformation.mixWeight)
  }

  override transformBoundingBoxes(): BoundingBoxes {
    throw new ValueError({ where: this.name, problem: 'boxes cannot be cut and mixed', hint: 'use MixUp, or leave the boxes out' })
  }

  override transformSegmentationMasks(masks: TensorLike, transformation: Cut | null, training = true): Tensor {
    return this.transformImages(masks, transformation, training)
  }
}

interface Mix {
  readonly permutationOrder: Tensor
  readonly mixWeight: Tensor
}

export interface MixUpOptions extends SeededOptions {
  /** Parameter of the beta distribution of shares: the smaller, the less is mixed. Default 0.2. */
  readonly alpha?: number | undefined
}

/** Mixes each image, and its labels, with another of the batch (Zhang et al. 2017). */
export class MixUp extends RandomImageLayer<Mix> {
  static override readonly className: string = 'MixUp'
  static override readonly positional: readonly string[] = ['alpha']
  static override readonly configTable: ConfigTable = { alpha: 'value', seed: 'value' }
  readonly alpha: number

  constructor(...args: Arguments<[], [alpha: number], MixUpOptions>) {
    const { alpha = 0.2, ...options } = readArguments<MixUpOptions>(args, MixUp.positional)
    super(options)
    this.alpha = alpha
  }

  protected override draw(images: Tensor, seed: random.Seed): Mix {
    const { batch } = this.sizes(images)
    return {
      permutationOrder: random.shuffle(ops.arange(batch, { dtype: 'int32' }), { seed }),
      mixWeight: random.beta([batch], this.alpha, this.alpha, { seed }),
    }
  }

  protected override augment(images: Tensor, { permutationOrder, mixWeight }: Mix): Tensor {
    return mixed(images, permutationOrder, ops.cast(mixWeight, images.dtype))
  }

  override transformLabels(labels: TensorLike, transformation: Mix | null, training = true): Tensor {
    if (!training || transformation === null) return asTensor(labels)
    return mixed(labels, transformation.permutationOrder, transformation.mixWeight)
  }

  override transformSegmentationMasks(masks: TensorLike, transformation: Mix | null, training = true): Tensor {
    return this.transformLabels(masks, transformation, training)
  }

  /** The boxes of both. */
  override transformBoundingBoxes(boundingBoxes: BoundingBoxes, transformation: Mix | null, training = true): BoundingBoxes {
    if (!training || transformation === null) return boundingBoxes
    const both = (x: Tensor): Tensor => ops.concatenate([x, ops.take(x, transformation.permutationOrder, { axis: 0 })], { axis: 1 })
    return Object.fromEntries(Object.entries(boundingBoxes).map(([key, x]) => [key, both(x as Tensor)])) as unknown as BoundingBoxes
  }
}

interface Erasure {
  readonly applyErasing: Tensor
  readonly batchMasks: Tensor
  readonly fillValue: Tensor
}

export interface RandomErasingOptions extends SeededOptions {
  /** Probability, or the range that it is drawn from, in [0, 1]. Default 1. */
  readonly factor?: Factor | undefined
  /** Range of the area that is erased, as a share. Default [0.02, 0.33]. */
  readonly scale?: Factor | undefined
  /** A number, or one for each channel. Default: noise. */
  readonly fillValue?: number | readonly number[] | null | undefined
  readonly valueRange?: Range | undefined
}

/** Erases a rectangle of images (Zhong et al. 2017). */
export class RandomErasing extends RectangleLayer<Erasure> {
  static override readonly className: string = 'RandomErasing'
  static override readonly positional: readonly string[] = ['factor', 'scale', 'fillValue', 'valueRange']
  static override readonly configTable: ConfigTable = {
    factor: 'value',
    scale: 'value',
    fillValue: 'value',
    valueRange: 'value',
    seed: 'value',
  }
  readonly factor: Range
  readonly scale: Range
  readonly fillValue: number | readonly number[] | null
  readonly valueRange: Range

  constructor(
    ...args: Arguments<
      [],
      [factor: Factor, scale: Factor, fillValue: number | readonly number[] | null, valueRange: Range],
      RandomErasingOptions
    >
  ) {
    const given = readArguments<RandomErasingOptions>(args, RandomErasing.positional)
    const { factor = 1, scale = [0.02, 0.33], fillValue = null, valueRange = [0, 255], ...options } = given
    super(options)
    this.factor = boundedFactor(factor, [0, 1], 'factor', this.name)
    this.scale = boundedFactor(scale, [0, 1], 'scale', this.name)
    this.fillValue = fillValue
    this.valueRange = valueRangeOf(valueRange, this.name)
  }

  protected override draw(images: Tensor, seed: random.Seed): Erasure {
    const { batch, height, width } = this.sizes(images)
    const [minval, maxval] = this.scale
    const share = (): Tensor => ops.sqrt(random.uniform([batch], { minval, maxval, seed }))
    const [x, y] = [this.drawSpan(width, share(), seed), this.drawSpan(height, share(), seed)]
    const [low, high] = this.valueRange
    return {
      applyErasing: this.drawChoice(images, this.factor, seed),
      batchMasks: this.rectangle(images, x, y),
      fillValue: ops.clip(this.#fill(images, seed), low, high),
    }
  }

  #fill(images: Tensor, seed: random.Seed): Tensor {
    const { fillValue } = this
    if (fillValue === null) return multiply(random.normal(images.shape, { seed }), this.valueRange[1])
    if (typeof fillValue === 'number') return asTensor(fillValue, 'float32')
    const { channels } = this.sizes(images)
    if (fillValue.length !== channels)
      throw new ValueError({
        where: this.name,
        problem: 'fillValue does not fit',
        expected: `a number, or ${channels}`,
        received: JSON.stringify(fillValue),
      })
    return ops.reshape(asTensor([...fillValue], 'float32'), this.dataFormat === 'channels_last' ? [1, 1, channels] : [channels, 1, 1])
  }

  protected override augment(images: Tensor, { applyErasing, batchMasks, fillValue }: Erasure): Tensor {
    const isErased = ops.logicalAnd(this.perImage(applyErasing), batchMasks)
    return ops.where(isErased, ops.cast(fillValue, images.dtype), images)
  }
}
