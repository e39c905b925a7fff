/** Images seen from elsewhere, and images that ripple. Follow Keras's `RandomPerspective` and `RandomElasticTransform`. */
import type { Tensor } from '../../engine/index.js'
import { displace, homography } from '../../ops/image/warp.js'
import * as ops from '../../ops/index.js'
import * as random from '../../random/index.js'
import type { ConfigTable } from '../config-table.js'
import { requireRate } from '../options.js'
import { type Arguments, readArguments } from './arguments.js'
import type { SeededOptions } from './base.js'
import type { BoundingBoxes } from './boxes.js'
import { boundedFactor, type Factor, type Range, valueRangeOf } from './factors.js'
import { GeometricLayer, type GeometricOptions, type Interpolation, type Sized } from './geometric.js'

const { add, multiply, divide } = ops

interface Perspective extends Sized {
  /** bool (batch,). */
  readonly applyPerspective: Tensor
  /** The corners, and where they go: (batch, 4, 2). */
  readonly startPoints: Tensor
  readonly endPoints: Tensor
}

export interface RandomPerspectiveOptions extends SeededOptions {
  /** Probability, or the range that it is drawn from, in [0, 1]. Default 1. */
  readonly factor?: Factor | undefined
  /** How far corners may move, in [0, 1]. Default 1. */
  readonly scale?: number | undefined
  readonly interpolation?: Interpolation | undefined
  readonly fillValue?: number | undefined
}

/** Moves the corners of images by chance, and what is between them as a camera would see it. */
export class RandomPerspective extends GeometricLayer<Perspective> {
  static override readonly className: string = 'RandomPerspective'
  static override readonly positional: readonly string[] = ['factor', 'scale']
  static override readonly configTable: ConfigTable = {
    factor: 'value',
    scale: 'value',
    interpolation: 'value',
    fillValue: 'value',
    seed: 'value',
  }
  readonly factor: Range
  readonly scale: number

  constructor(...args: Arguments<[], [factor: Factor, scale: number], RandomPerspectiveOptions>) {
    const { factor = 1, scale = 1, ...options } = readArguments<RandomPerspectiveOptions>(args, RandomPerspective.positional)
    super({ ...options, fillMode: 'constant' })
    this.factor = boundedFactor(factor, [0, 1], 'factor', this.name)
    this.scale = requireRate(scale, 'scale', this.name)
  }

  protected override draw(images: Tensor, seed: random.Seed): Perspective {
    const { batch, height, width } = this.sizes(images)
    const applyPerspective = this.drawChoice(images, this.factor, seed)
    const moves = random.uniform([batch, 4, 2], { minval: -0.5 * this.scale, maxval: 0.5 * this.scale, seed })
    const [x, y] = [width - 1, height - 1]
    const corners = ops.convertToTensor(
      [
        [
          [0, 0],
          [x, 0],
          [0, y],
          [x, y],
        ],
      ],
      'float32',
    )
    const startPoints = ops.broadcastTo(corners, [batch, 4, 2])
    return { applyPerspective, startPoints, endPoints: add(startPoints, multiply(startPoints, moves)), inputShape: images.shape }
  }

  protected override move(images: Tensor, transformation: Perspective, interpolation: Interpolation): Tensor {
    const { fillValue, dataFormat } = this
    const { startPoints, endPoints, applyPerspective } = transformation
    const seen = ops.image.perspectiveTransform(images, startPoints, endPoints, { interpolation, fillValue, dataFormat })
    return ops.where(this.perImage(applyPerspective), seen, images)
  }

  protected override moveBoxes(boxes: Tensor, { startPoints, endPoints, applyPerspective }: Perspective): Tensor {
    // Pixels go from start to end: the other way round than they are looked up.
    const transform = ops.expandDims(homography(ops.cast(endPoints, 'float32'), ops.cast(startPoints, 'float32')), 1)
    const [a0, a1, a2, b0, b1, b2, c0, c1] = ops.split(transform, 8, { axis: -1 }) as unknown as Tensor[] as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ]
    const [x1, y1, x2, y2] = ops.split(boxes, 4, { axis: -1 }) as unknown as [Tensor, Tensor, Tensor, Tensor]
    const plane = (p: Tensor, q: Tensor, x: Tensor, y: Tensor): Tensor => add(multiply(p, x), multiply(q, y))
    const corners = (
      [
        [x1, y1],
        [x2, y2],
        [x1, y2],
        [x2, y1],
      ] as const
    ).map(([x, y]) => {
      const k = add(plane(c0, c1, x, y), 1)
      return [divide(add(plane(a0, a1, x, y), a2), k), divide(add(plane(b0, b1, x, y), b2), k)] as const
    })
    const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)]
    const least = (all: readonly Tensor[]): Tensor => all.reduce((p, q) => ops.minimum(p, q))
    const greatest = (all: readonly Tensor[]): Tensor => all.reduce((p, q) => ops.maximum(p, q))
    const moved = ops.concatenate([least(xs), least(ys), greatest(xs), greatest(ys)], { axis: -1 })
    return ops.where(ops.reshape(applyPerspective, [-1, 1, 1]), moved, boxes)
  }
}

interface Elastic extends Sized {
  /** bool (batch,). */
  readonly applyTransform: Tensor
  /** Strength of the waves: a scalar. */
  readonly distortionFactor: Tensor
  /** What makes the waves, the same for images and masks: (batch, height, width, 2). */
  readonly noise: Tensor
}

export interface RandomElasticTransformOptions extends GeometricOptions {
  /** Probability, or the range that it is drawn from, in [0, 1]. Default 1. */
  readonly factor?: Factor | undefined
  /** Range of the strength, in [0, 1]. Default 1: from 0 to 1. */
  readonly scale?: Factor | undefined
  readonly valueRange?: Range | undefined
}

/** Moves pixels by smooth random waves. Boxes stay where they are. */
export class RandomElasticTransform extends GeometricLayer<Elastic> {
  static override readonly className: string = 'RandomElasticTransform'
  static override readonly positional: readonly string[] = ['factor', 'scale']
  static override readonly configTable: ConfigTable = {
    factor: 'value',
    scale: 'value',
    interpolation: 'value',
    fillMode: 'value',
    fillValue: 'value',
    valueRange: 'value',
    seed: 'value',
  }
  readonly factor: Range
  readonly scale: Range
  readonly valueRange: Range

  constructor(...args: Arguments<[], [factor: Factor, scale: Factor], RandomElasticTransformOptions>) {
    const given = readArguments<RandomElasticTransformOptions>(args, RandomElasticTransform.positional)
    const { factor = 1, scale = 1, valueRange = [0, 255], ...options } = given
    super(options, ['constant', 'nearest', 'wrap', 'mirror', 'reflect'])
    this.factor = boundedFactor(factor, [0, 1], 'factor', this.name)
    this.scale = boundedFactor(scale, [0, 1], 'scale', this.name)
    this.valueRange = valueRangeOf(valueRange, this.name)
  }

  protected override draw(images: Tensor, seed: random.Seed): Elastic | null {
    const [minval, maxval] = this.scale
    if (maxval === 0 || this.factor[1] === 0) return null
    const applyTransform = this.drawChoice(images, this.factor, seed)
    const distortionFactor = random.uniform([], { minval, maxval, seed })
    const { batch, height, width } = this.sizes(images)
    return { applyTransform, distortionFactor, noise: random.normal([batch, height, width, 2], { seed }), inputShape: images.shape }
  }

  protected override move(images: Tensor, transformation: Elastic, interpolation: Interpolation): Tensor {
    const { height, width } = this.sizes(images)
    const { distortionFactor, applyTransform, noise } = transformation
    const [long, short] = [Math.max(height, width), Math.min(height, width)]
    const waves = {
      alpha: multiply(distortionFactor, 0.1 * long),
      sigma: multiply(distortionFactor, 0.05 * short),
      greatestSigma: 0.05 * short * this.scale[1],
      noise: ops.cast(noise, 'float32'),
    }
    const { fillMode, fillValue, dataFormat } = this
    const rippled = displace(images, waves, { interpolation, fillMode, fillValue, dataFormat })
    const result = ops.where(this.perImage(applyTransform), rippled, images)
    return ops.cast(ops.clip(result, this.valueRange[0], this.valueRange[1]), images.dtype)
  }

  override transformBoundingBoxes(boundingBoxes: BoundingBoxes): BoundingBoxes {
    return boundingBoxes
  }

  protected override moveBoxes(boxes: Tensor): Tensor {
    return boxes
  }
}
