/**
 * The base of image augmentations: draws a transformation, and applies it to images, labels, boxes and segmentation masks
 * alike. Follows `keras/src/layers/preprocessing/image_preprocessing/base_image_preprocessing_layer.py`.
 */
import { ValueError } from '../../core/errors.js'
import type { Shape } from '../../core/shape.js'
import type { Tree } from '../../core/tree.js'
import { Tensor } from '../../engine/index.js'
import { type DataFormat, requireDataFormat } from '../../ops/config.js'
import { asTensor, type TensorLike } from '../../ops/define.js'
import { imageAxes } from '../../ops/image/layout.js'
import * as ops from '../../ops/index.js'
import { type Seed, SeedGenerator, uniform } from '../../ops/random.js'
import type { ConfigTable } from '../config-table.js'
import { type CallOptions, Layer, type LayerOptions } from '../layer.js'
import type { BoundingBoxes } from './boxes.js'
import type { Range } from './factors.js'

export interface ImageLayerOptions extends LayerOptions {
  /** Needed where boxes are among the data: `'xyxy'`, … */
  readonly boundingBoxFormat?: string | null | undefined
  /** Default `config.imageDataFormat()`. */
  readonly dataFormat?: DataFormat | null | undefined
}

export interface SeededOptions extends ImageLayerOptions {
  /** Makes what is drawn repeatable. */
  readonly seed?: number | null | undefined
}

/** Images, and what belongs to them. */
export interface ImageRecord {
  readonly images: Tensor
  readonly labels?: Tensor
  readonly boundingBoxes?: BoundingBoxes
  readonly segmentationMasks?: Tensor
}
export type ImageData = Tensor | ImageRecord

export interface ImageSizes {
  /** 1 for a single image. */
  readonly batch: number
  readonly height: number
  readonly width: number
  readonly channels: number
}

/** Runs `f` on a batch: of one, where there is one image. */
export function inBatch(x: Tensor, rank: number, f: (batch: Tensor) => Tensor): Tensor {
  return x.rank === rank ? ops.squeeze(f(ops.expandDims(x, 0)), 0) : f(x)
}

export abstract class ImageLayer<T = null> extends Layer {
  static override readonly isStateless: boolean = true
  static override readonly trainsByDefault: boolean = true
  /** Does what it does outside of training, too. */
  static readonly alwaysApplies: boolean = false
  /** Gives integers back as integers. */
  static readonly keepsDtype: boolean = false
  readonly boundingBoxFormat: string | null
  readonly dataFormat: DataFormat

  constructor({ boundingBoxFormat = null, dataFormat, ...options }: ImageLayerOptions = {}) {
    super(options)
    this.boundingBoxFormat = boundingBoxFormat
    this.dataFormat = requireDataFormat(dataFormat, this.name)
  }

  /** Images (batch, …) transformed. */
  protected abstract augment(images: Tensor, transformation: T): Tensor

  /** Draws a transformation. */
  protected draw(_images: Tensor, _seed: Seed): T | null {
    return null
  }

  /** Where its random numbers come from. */
  protected get source(): Seed {
    return null
  }

  /** What is to be done with `data`; null for nothing. A seed replaces the layer's own. */
  getRandomTransformation(data: ImageData, training = true, seed?: Seed): T | null {
    const images = data instanceof Tensor ? data : data.images
    if (!training && !(this.constructor as typeof ImageLayer).alwaysApplies) return null
    imageAxes(images, this.dataFormat, this.name)
    return this.draw(images, seed ?? this.source)
  }

  transformImages(input: TensorLike, transformation: T | null, training = true): Tensor {
    const { keepsDtype } = this.constructor as typeof ImageLayer
    const given = asTensor(input)
    const images = keepsDtype ? given : ops.cast(given, this.computeDtype)
    if (!this.applies(training)) return images
    return inBatch(images, 3, (batch) => this.augment(batch, transformation as T))
  }

  transformLabels(labels: TensorLike, _transformation: T | null, _training = true): Tensor {
    return asTensor(labels)
  }

  transformBoundingBoxes(boundingBoxes: BoundingBoxes, _transformation: T | null, _training = true): BoundingBoxes {
    return boundingBoxes
  }

  transformSegmentationMasks(masks: TensorLike, _transformation: T | null, _training = true): Tensor {
    return asTensor(masks)
  }

  protected applies(training: boolean): boolean {
    return training || (this.constructor as typeof ImageLayer).alwaysApplies
  }

  override call(data: ImageData, { training = true }: CallOptions): Tree<Tensor> {
    const transformation = this.getRandomTransformation(data, training)
    if (data instanceof Tensor) return this.transformImages(data, transformation, training)
    const { images, labels, boundingBoxes, segmentationMasks } = data
    const isBatch = imageAxes(images, this.dataFormat, this.name).isBatch
    const grown = (x: Tensor): Tensor => (isBatch ? x : ops.expandDims(x, 0))
    const shrunk = (x: Tensor): Tensor => (isBatch ? x : ops.squeeze(x, 0))
    const eachBox = (boxes: BoundingBoxes, change: (x: Tensor) => Tensor): BoundingBoxes =>
      Object.fromEntries(Object.entries(boxes).map(([key, x]) => [key, change(x as Tensor)])) as unknown as BoundingBoxes
    const result: Record<string, Tree<Tensor>> = { ...(data as unknown as Record<string, Tree<Tensor>>) }
    result.images = this.transformImages(images, transformation, training)
    if (boundingBoxes !== undefined) {
      this.requireBoxFormat()
      result.boundingBoxes = eachBox(
        this.transformBoundingBoxes(eachBox(boundingBoxes, grown), transformation, training),
        shrunk,
      ) as unknown as Tree<Tensor>
    }
    if (labels !== undefined) result.labels = shrunk(this.transformLabels(grown(labels), transformation, training))
    if (segmentationMasks !== undefined)
      result.segmentationMasks = shrunk(this.transformSegmentationMasks(grown(segmentationMasks), transformation, training))
    return result
  }

  protected requireBoxFormat(): string {
    if (this.boundingBoxFormat !== null) return this.boundingBoxFormat
    throw new ValueError({
      where: this.name,
      problem: 'there are boundingBoxes among the data, but their format is not known',
      expected: 'the option boundingBoxFormat',
      hint: `new layers.${this.className}({ boundingBoxFormat: 'xyxy', … })`,
    })
  }

  /** Sizes of images, or of a shape that was drawn for. */
  protected sizes({ shape }: { readonly shape: Shape }): ImageSizes {
    const axes = imageAxes({ shape }, this.dataFormat, this.name)
    const [height, width, channels] = [axes.height, axes.width, axes.channel].map((axis) => shape[axis]) as [number, number, number]
    return { batch: axes.isBatch ? (shape[0] as number) : 1, height, width, channels }
  }

  /** One number for each image, spread over its pixels: (batch,) → (batch, 1, 1, 1). */
  protected perImage(x: TensorLike): Tensor {
    const found = asTensor(x)
    return ops.reshape(found.dtype === 'bool' ? found : ops.cast(found, this.computeDtype), [-1, 1, 1, 1])
  }

  override getConfig(): Record<string, unknown> {
    const { boundingBoxFormat } = this
    return {
      ...super.getConfig(),
      data_format: this.dataFormat,
      ...(boundingBoxFormat !== null && { bounding_box_format: boundingBoxFormat }),
    }
  }
}

/** One that draws random numbers. */
export abstract class RandomImageLayer<T> extends ImageLayer<T> {
  static override readonly configTable: ConfigTable = { seed: 'value' }
  readonly seed: number | null
  readonly generator: SeedGenerator

  constructor({ seed = null, ...options }: SeededOptions = {}) {
    super(options)
    this.seed = seed
    this.generator = new SeedGenerator(seed)
  }

  protected override get source(): Seed {
    return this.generator
  }

  /** Which images are changed, with probabilities drawn from `factor`: bool (batch,). */
  protected drawChoice(images: Tensor, [minval, maxval]: Range, seed: Seed): Tensor {
    const shape = [this.sizes(images).batch]
    const probability = uniform(shape, { minval, maxval, seed })
    return ops.less(uniform(shape, { seed }), probability)
  }
}

/** Values of pixels in another range. */
export function rescaled(x: Tensor, [low, high]: Range, [targetLow, targetHigh]: Range): Tensor {
  if (low === targetLow && high === targetHigh) return x
  return ops.add(ops.multiply(ops.divide(ops.subtract(x, low), high - low), targetHigh - targetLow), targetLow)
}
