/** Images cut to a size: somewhere by chance, or in the middle. Follow Keras's `RandomCrop` and `CenterCrop`. */
import type { Shape } from '../../core/shape.js'
import type { Tensor } from '../../engine/index.js'
import type { TensorLike } from '../../ops/define.js'
import { imageAxes } from '../../ops/image/layout.js'
import { croppedTo } from '../../ops/image/resample.js'
import * as ops from '../../ops/index.js'
import { part } from '../../ops/kinds.js'
import { makeDefaultSeed } from '../../ops/random.js'
import { dynamicSlice } from '../../ops/slicing.js'
import * as random from '../../random/index.js'
import type { ConfigTable } from '../config-table.js'
import { requirePositive } from '../options.js'
import { type Arguments, readArguments } from './arguments.js'
import { ImageLayer, type ImageLayerOptions, RandomImageLayer, type SeededOptions } from './base.js'
import { type BoundingBoxes, clipToImageSize, convertFormat } from './boxes.js'

const { add, subtract, multiply } = ops

/** Part of an image, and where it goes. */
interface View {
  readonly start: readonly [y: TensorLike, x: TensorLike]
  readonly size: readonly [height: number, width: number]
  readonly target: readonly [height: number, width: number]
}

/** `xyxy` boxes in that part, scaled to the target. */
function boxesIn(boxes: Tensor, { start, size, target }: View): Tensor {
  const numbers = ops.split(boxes, 4, { axis: -1 }) as unknown as Tensor[]
  const moved = numbers.map((x, i) => {
    const axis = i % 2 === 0 ? 1 : 0
    const inside = ops.clip(subtract(x, ops.cast(start[axis], boxes.dtype)), 0, size[axis])
    return multiply(inside, target[axis] / size[axis])
  })
  return ops.concatenate(moved, { axis: -1 })
}

interface Crop {
  /** A number, or an int32 scalar. */
  readonly hStart: TensorLike
  readonly wStart: TensorLike
  readonly inputShape: Shape
}

type SizeArguments<O> = Arguments<[height: number, width: number], [], O>
type Sizes = { readonly height: number; readonly width: number }

/**
 * Cuts `height` times `width` pixels out of images, at a place that is drawn for each batch. Images that are smaller are
 * cut in the middle and resized; outside of training nothing happens.
 */
export class RandomCrop extends RandomImageLayer<Crop> {
  static override readonly className: string = 'RandomCrop'
  static override readonly positional: readonly string[] = ['height', 'width']
  static override readonly configTable: ConfigTable = { height: 'value', width: 'value', seed: 'value' }
  readonly height: number
  readonly width: number

  constructor(...args: SizeArguments<SeededOptions>) {
    const { height, width, seed, ...options } = readArguments<SeededOptions & Sizes>(args, RandomCrop.positional)
    super({ ...options, seed: seed ?? makeDefaultSeed() })
    this.height = requirePositive(height, 'height', this.name)
    this.width = requirePositive(width, 'width', this.name)
  }

  protected override draw(images: Tensor, seed: random.Seed): Crop {
    const { height, width } = this.sizes(images)
    const inputShape = images.shape
    if (height > this.height && width > this.width) {
      const drawn = (room: number): Tensor => random.randint([], 0, room + 1, { seed })
      return { hStart: drawn(height - this.height), wStart: drawn(width - this.width), inputShape }
    }
    const vertical = croppedTo(height, width, this.height, this.width)
    const horizontal = croppedTo(width, height, this.width, this.height)
    return { hStart: vertical.start, wStart: horizontal.start, inputShape }
  }

  #view({ hStart, wStart, inputShape }: Crop): View {
    const { height, width } = this.sizes({ shape: inputShape })
    const left = (start: TensorLike, from: number, to: number): number =>
      typeof start === 'number' ? Math.min(from - start, to) : Math.min(from, to)
    const target = [this.height, this.width] as const
    return { start: [hStart, wStart], size: [left(hStart, height, this.height), left(wStart, width, this.width)], target }
  }

  protected override augment(images: Tensor, transformation: Crop): Tensor {
    const { start, size, target } = this.#view({ ...transformation, inputShape: images.shape })
    const axes = imageAxes(images, this.dataFormat, this.name)
    const starts = images.shape.map((_, axis): TensorLike => (axis === axes.height ? start[0] : axis === axes.width ? start[1] : 0))
    const sizes = images.shape.map((n, axis) => (axis === axes.height ? size[0] : axis === axes.width ? size[1] : n))
    const isFixed = starts.every((at) => typeof at === 'number')
    const cut = isFixed
      ? ops.slice(images, starts as number[], sizes)
      : dynamicSlice(images, ops.stack(starts.map((at) => ops.cast(at, 'int32'))), sizes)
    if (size[0] === target[0] && size[1] === target[1]) return cut
    return ops.image.resize(cut, target, { dataFormat: this.dataFormat })
  }

  override transformSegmentationMasks(masks: TensorLike, transformation: Crop | null, training = true): Tensor {
    return this.transformImages(masks, transformation, training)
  }

  override transformBoundingBoxes(boundingBoxes: BoundingBoxes, transformation: Crop | null, training = true): BoundingBoxes {
    if (!training || transformation === null) return boundingBoxes
    const format = this.requireBoxFormat()
    const found = convertFormat(boundingBoxes, format, 'xyxy', this.sizes({ shape: transformation.inputShape }))
    const moved = { ...found, boxes: boxesIn(found.boxes, this.#view(transformation)) }
    return convertFormat(moved, 'xyxy', format, { height: this.height, width: this.width })
  }
}

interface Seen {
  readonly inputShape: Shape
}

/** Cuts the middle, `height` times `width` pixels, out of images; of smaller ones the largest part of these proportions, resized. */
export class CenterCrop extends ImageLayer<Seen> {
  static override readonly className: string = 'CenterCrop'
  static override readonly alwaysApplies: boolean = true
  static override readonly positional: readonly string[] = ['height', 'width']
  static override readonly configTable: ConfigTable = { height: 'value', width: 'value' }
  readonly height: number
  readonly width: number

  constructor(...args: SizeArguments<ImageLayerOptions>) {
    const { height, width, ...options } = readArguments<ImageLayerOptions & Sizes>(args, CenterCrop.positional)
    super(options)
    this.height = requirePositive(height, 'height', this.name)
    this.width = requirePositive(width, 'width', this.name)
  }

  protected override draw({ shape }: Tensor): Seen {
    return { inputShape: shape }
  }

  #view(inputShape: Shape): View {
    const { height, width } = this.sizes({ shape: inputShape })
    const target = [this.height, this.width] as const
    if (height >= this.height && width >= this.width) {
      const margin = (from: number, to: number): number => Math.floor((from - to) / 2)
      return { start: [margin(height, this.height), margin(width, this.width)], size: target, target }
    }
    const vertical = croppedTo(height, width, this.height, this.width)
    const horizontal = croppedTo(width, height, this.width, this.height)
    return { start: [vertical.start, horizontal.start], size: [vertical.size, horizontal.size], target }
  }

  protected override augment(images: Tensor): Tensor {
    const axes = imageAxes(images, this.dataFormat, this.name)
    const { start, size, target } = this.#view(images.shape)
    const [y, x] = start as readonly [number, number]
    const cut = part(part(images, axes.height, y, y + size[0]), axes.width, x, x + size[1])
    return size === target ? cut : ops.image.resize(cut, target, { dataFormat: this.dataFormat })
  }

  override transformSegmentationMasks(masks: TensorLike, transformation: Seen | null, training = true): Tensor {
    return this.transformImages(masks, transformation, training)
  }

  override transformBoundingBoxes(boundingBoxes: BoundingBoxes, transformation: Seen | null): BoundingBoxes {
    if (transformation === null) return boundingBoxes
    const format = this.requireBoxFormat()
    const found = convertFormat(boundingBoxes, format, 'xyxy', this.sizes({ shape: transformation.inputShape }))
    const size = { height: this.height, width: this.width }
    const clipped = clipToImageSize({ ...found, boxes: boxesIn(found.boxes, this.#view(transformation.inputShape)) }, size)
    return convertFormat(clipped, 'xyxy', format, size)
  }
}

export interface ResizingOptions extends ImageLayerOptions {
  /** Default `'bilinear'`. */
  readonly interpolation?: 'nearest' | 'bilinear' | 'bicubic' | 'lanczos3' | 'lanczos5' | undefined
  /** Cut the middle in the proportions of the size first. Default false. */
  readonly cropToAspectRatio?: boolean | undefined
  /** Pad to the proportions of the size first. Default false. */
  readonly padToAspectRatio?: boolean | undefined
  readonly fillMode?: 'constant' | undefined
  /** What to pad with. Default 0. */
  readonly fillValue?: number | undefined
  /** Whether shrinking averages over all pixels. Default false. */
  readonly antialias?: boolean | undefined
}

/** Images of `height` times `width` pixels, dtype as it was. The transformation is [height, width] of the input. */
export class Resizing extends ImageLayer<readonly [height: number, width: number]> {
  static override readonly className: string = 'Resizing'
  static override readonly alwaysApplies: boolean = true
  static override readonly keepsDtype: boolean = true
  static override readonly positional: readonly string[] = ['height', 'width']
  static override readonly configTable: ConfigTable = {
    height: 'value',
    width: 'value',
    interpolation: 'value',
    cropToAspectRatio: 'value',
    padToAspectRatio: 'value',
    fillMode: 'value',
    fillValue: 'value',
    antialias: 'value',
  }
  readonly height: number
  readonly width: number
  readonly interpolation: NonNullable<ResizingOptions['interpolation']>
  readonly cropToAspectRatio: boolean
  readonly padToAspectRatio: boolean
  readonly fillMode: 'constant'
  readonly fillValue: number
  readonly antialias: boolean

  constructor(...args: SizeArguments<ResizingOptions>) {
    const given = readArguments<ResizingOptions & Sizes>(args, Resizing.positional)
    const { height, width, interpolation = 'bilinear', cropToAspectRatio = false, padToAspectRatio = false, ...rest } = given
    const { fillMode = 'constant', fillValue = 0, antialias = false, ...options } = rest
    super(options)
    this.height = requirePositive(height, 'height', this.name)
    this.width = requirePositive(width, 'width', this.name)
    this.interpolation = interpolation
    this.cropToAspectRatio = cropToAspectRatio
    this.padToAspectRatio = padToAspectRatio
    this.fillMode = fillMode
    this.fillValue = fillValue
    this.antialias = antialias
  }

  protected override draw(images: Tensor): readonly [number, number] {
    const { height, width } = this.sizes(images)
    return [height, width]
  }

  #resize(images: Tensor, interpolation: Resizing['interpolation']): Tensor {
    const { height, width, cropToAspectRatio, padToAspectRatio, fillMode, fillValue, antialias, dataFormat } = this
    const options = { interpolation, antialias, cropToAspectRatio, padToAspectRatio, fillMode, fillValue, dataFormat }
    return ops.image.resize(images, [height, width], options)
  }

  protected override augment(images: Tensor): Tensor {
    return this.#resize(images, this.interpolation)
  }

  override transformSegmentationMasks(masks: TensorLike): Tensor {
    return this.#resize(ops.convertToTensor(masks), 'nearest')
  }

  override transformBoundingBoxes(boundingBoxes: BoundingBoxes, transformation: readonly [number, number] | null): BoundingBoxes {
    if (transformation === null) return boundingBoxes
    const format = this.requireBoxFormat()
    const [height, width] = transformation
    const target = { height: this.height, width: this.width }
    // Boxes of -1 or 0 only stand for no box.
    const given = boundingBoxes.boxes
    const isNone = ops.logicalOr(
      ...([-1, 0].map((value) => ops.all(ops.equal(given, value), { axis: -1, keepdims: true })) as [Tensor, Tensor]),
    )
    const found = convertFormat(boundingBoxes, format, 'xyxy', { height, width })
    const { scale, offset } = this.#frame(height, width)
    const resize = ops.convertToTensor([scale[1], scale[0], scale[1], scale[0]], found.boxes.dtype)
    const shift = ops.convertToTensor([offset[1], offset[0], offset[1], offset[0]], found.boxes.dtype)
    const clipped = clipToImageSize({ ...found, boxes: add(multiply(found.boxes, resize), shift) }, target)
    return convertFormat({ ...clipped, boxes: ops.where(isNone, 0, clipped.boxes) }, 'xyxy', format, target)
  }

  /** Where the input comes to lie: [vertical, horizontal] each. */
  #frame(height: number, width: number): { scale: readonly [number, number]; offset: readonly [number, number] } {
    const scale = [this.height / height, this.width / width] as const
    if (!this.padToAspectRatio && !this.cropToAspectRatio) return { scale, offset: [0, 0] }
    const both = this.padToAspectRatio ? Math.min(...scale) : Math.max(...scale)
    const margin = (target: number, size: number): number =>
      this.padToAspectRatio ? Math.floor((target - size * both) / 2) : -Math.floor((size * both - target) / 2)
    return { scale: [both, both], offset: [margin(this.height, height), margin(this.width, width)] }
  }
}
