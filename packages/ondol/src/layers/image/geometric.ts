/** The base of augmentations that move pixels: masks move with the images, by nearest pixels, and so do boxes. */
import { ValueError } from '../../core/errors.js'
import type { Shape } from '../../core/shape.js'
import type { Tensor } from '../../engine/index.js'
import { asTensor, type TensorLike } from '../../ops/define.js'
import * as ops from '../../ops/index.js'
import type { ConfigTable } from '../config-table.js'
import { inBatch, RandomImageLayer, type SeededOptions } from './base.js'
import { type BoundingBoxes, clipToImageSize, convertFormat } from './boxes.js'

export type Interpolation = 'nearest' | 'bilinear'
export type FillMode = 'constant' | 'nearest' | 'wrap' | 'mirror' | 'reflect'

export interface GeometricOptions extends SeededOptions {
  /** Default `'bilinear'`. */
  readonly interpolation?: Interpolation | undefined
  /** What is outside of the images. Default `'reflect'`. */
  readonly fillMode?: FillMode | undefined
  /** Default 0. */
  readonly fillValue?: number | undefined
}

const WARP_MODES: readonly string[] = ['reflect', 'wrap', 'constant', 'nearest']

export function requireOneOf<V extends string>(value: V, allowed: readonly string[], name: string, where: string): V {
  if (allowed.includes(value)) return value
  throw new ValueError({ where, problem: `unknown ${name}`, expected: allowed.join(', '), received: String(value) })
}

/** What transformations of pixels know besides. */
export interface Sized {
  /** Of the images that it was drawn for. */
  readonly inputShape: Shape
}

export abstract class GeometricLayer<T extends Sized> extends RandomImageLayer<T> {
  static override readonly configTable: ConfigTable = { fillMode: 'value', interpolation: 'value', fillValue: 'value', seed: 'value' }
  readonly interpolation: Interpolation
  readonly fillMode: FillMode
  readonly fillValue: number

  constructor(options: GeometricOptions, fillModes: readonly string[] = WARP_MODES) {
    const { interpolation = 'bilinear', fillMode = 'reflect', fillValue = 0, ...rest } = options
    super(rest)
    this.interpolation = requireOneOf(interpolation, ['nearest', 'bilinear'], 'interpolation', this.name)
    this.fillMode = requireOneOf(fillMode, fillModes, 'fillMode', this.name)
    this.fillValue = fillValue
  }

  /** Images (batch, …) with their pixels moved. */
  protected abstract move(images: Tensor, transformation: T, interpolation: Interpolation): Tensor

  /** `xyxy` boxes (batch, n, 4) in pixels, moved likewise. */
  protected abstract moveBoxes(boxes: Tensor, transformation: T): Tensor

  protected override augment(images: Tensor, transformation: T | null): Tensor {
    return transformation === null ? images : this.move(images, transformation, this.interpolation)
  }

  override transformSegmentationMasks(masks: TensorLike, transformation: T | null, training = true): Tensor {
    const given = asTensor(masks)
    if (!training || transformation === null) return given
    return inBatch(given, 3, (batch) => this.move(batch, transformation, 'nearest'))
  }

  override transformBoundingBoxes(boundingBoxes: BoundingBoxes, transformation: T | null, training = true): BoundingBoxes {
    if (!training || transformation === null) return boundingBoxes
    const format = this.requireBoxFormat()
    const { height, width } = this.sizes({ shape: transformation.inputShape })
    const found = convertFormat(boundingBoxes, format, 'xyxy', { height, width })
    const moved = clipToImageSize({ ...found, boxes: this.moveBoxes(found.boxes, transformation) }, { height, width })
    return convertFormat(moved, 'xyxy', format, { height, width })
  }

  /** Images by transforms (batch, 8) as `ops.image.affineTransform` takes them. */
  protected affine(images: Tensor, transform: Tensor, interpolation: Interpolation): Tensor {
    const { fillMode, fillValue, dataFormat } = this
    return ops.image.affineTransform(images, transform, { interpolation, fillMode, fillValue, dataFormat })
  }
}

/** Transforms (batch, 8) of their first six columns, each (batch, 1) or a number. */
export function transforms(batch: number, columns: readonly (Tensor | number)[]): Tensor {
  const column = (value: Tensor | number): Tensor =>
    typeof value === 'number' ? ops.full([batch, 1], value, 'float32') : ops.cast(ops.reshape(value, [batch, 1]), 'float32')
  return ops.concatenate([...columns, 0, 0].map(column), { axis: 1 })
}
