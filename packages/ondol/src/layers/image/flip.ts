/** Images flipped by chance. Follows `keras/src/layers/preprocessing/image_preprocessing/random_flip.py`. */
import type { Tensor } from '../../engine/index.js'
import type { TensorLike } from '../../ops/define.js'
import { imageAxes } from '../../ops/image/layout.js'
import * as ops from '../../ops/index.js'
import * as random from '../../random/index.js'
import type { ConfigTable } from '../config-table.js'
import { type Arguments, readArguments } from './arguments.js'
import { RandomImageLayer, type SeededOptions } from './base.js'
import { type BoundingBoxes, clipToImageSize, convertFormat } from './boxes.js'
import { requireOneOf, type Sized } from './geometric.js'

const MODES = { horizontal: ['width'], vertical: ['height'], horizontal_and_vertical: ['width', 'height'] } as const
export type FlipMode = keyof typeof MODES

export interface RandomFlipOptions extends SeededOptions {
  /** Default `'horizontal_and_vertical'`. */
  readonly mode?: FlipMode | undefined
}

interface Flip extends Sized {
  /** Which images are flipped: bool (batch, 1, 1, 1). */
  readonly flips: Tensor
}

/** Flips half of the images. */
export class RandomFlip extends RandomImageLayer<Flip> {
  static override readonly className: string = 'RandomFlip'
  static override readonly positional: readonly string[] = ['mode']
  static override readonly configTable: ConfigTable = { seed: 'value', mode: 'value' }
  readonly mode: FlipMode

  constructor(...args: Arguments<[], [mode: FlipMode], RandomFlipOptions>) {
    const { mode = 'horizontal_and_vertical', ...options } = readArguments<RandomFlipOptions>(args, RandomFlip.positional)
    super(options)
    this.mode = requireOneOf(mode, Object.keys(MODES), 'mode', this.name)
  }

  protected override draw(images: Tensor, seed: random.Seed): Flip {
    const flips = ops.lessEqual(random.uniform([this.sizes(images).batch, 1, 1, 1], { seed }), 0.5)
    return { flips, inputShape: images.shape }
  }

  protected override augment(images: Tensor, { flips }: Flip): Tensor {
    const axes = imageAxes(images, this.dataFormat, this.name)
    return ops.where(this.perImage(flips), ops.flip(images, { axis: MODES[this.mode].map((axis) => axes[axis]) }), images)
  }

  override transformSegmentationMasks(masks: TensorLike, transformation: Flip | null, training = true): Tensor {
    return this.transformImages(masks, transformation, training)
  }

  override transformBoundingBoxes(boundingBoxes: BoundingBoxes, transformation: Flip | null, training = true): BoundingBoxes {
    if (!training || transformation === null) return boundingBoxes
    const format = this.requireBoxFormat()
    const { height, width } = this.sizes({ shape: transformation.inputShape })
    const found = convertFormat(boundingBoxes, format, 'rel_xyxy', { height, width })
    const [x1, y1, x2, y2] = ops.split(found.boxes, 4, { axis: -1 }) as unknown as [Tensor, Tensor, Tensor, Tensor]
    const other = (x: Tensor): Tensor => ops.subtract(1, x)
    const axes: readonly string[] = MODES[this.mode]
    const [left, right] = axes.includes('width') ? [other(x2), other(x1)] : [x1, x2]
    const [top, bottom] = axes.includes('height') ? [other(y2), other(y1)] : [y1, y2]
    const flipped = ops.concatenate([left, top, right, bottom], { axis: -1 })
    const boxes = ops.where(ops.reshape(transformation.flips, [-1, 1, 1]), flipped, found.boxes)
    const clipped = clipToImageSize({ ...found, boxes }, { boundingBoxFormat: 'rel_xyxy' })
    return convertFormat(clipped, 'rel_xyxy', format, { height, width })
  }
}
