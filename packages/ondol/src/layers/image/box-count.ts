/** As many boxes for each image. Follows `keras/src/layers/preprocessing/image_preprocessing/max_num_bounding_box.py`. */
import { lax, type Tensor } from '../../engine/index.js'
import { part } from '../../ops/kinds.js'
import type { ConfigTable } from '../config-table.js'
import { requirePositive } from '../options.js'
import { type Arguments, readArguments } from './arguments.js'
import { ImageLayer, type ImageLayerOptions } from './base.js'
import type { BoundingBoxes } from './boxes.js'

export interface MaxNumBoundingBoxesOptions extends ImageLayerOptions {
  /** Numbers and labels of boxes that are added. Default -1. */
  readonly fillValue?: number | undefined
}

/** Leaves out boxes beyond `maxNumber`, and adds empty ones up to it: (batch, n, 4) → (batch, maxNumber, 4). */
export class MaxNumBoundingBoxes extends ImageLayer {
  static override readonly className: string = 'MaxNumBoundingBoxes'
  static override readonly alwaysApplies: boolean = true
  static override readonly keepsDtype: boolean = true
  static override readonly positional: readonly string[] = ['maxNumber', 'fillValue']
  static override readonly configTable: ConfigTable = { maxNumber: 'value' }
  readonly maxNumber: number
  readonly fillValue: number

  constructor(...args: Arguments<[maxNumber: number], [fillValue: number], MaxNumBoundingBoxesOptions>) {
    const given = readArguments<MaxNumBoundingBoxesOptions & { maxNumber: number }>(args, MaxNumBoundingBoxes.positional)
    const { maxNumber, fillValue = -1, ...options } = given
    super(options)
    this.maxNumber = requirePositive(maxNumber, 'maxNumber', this.name)
    this.fillValue = Math.trunc(fillValue)
  }

  override getConfig(): Record<string, unknown> {
    // Keras forgets the fill value; where it is not the default, it is kept.
    return { ...super.getConfig(), ...(this.fillValue !== -1 && { fill_value: this.fillValue }) }
  }

  protected override augment(images: Tensor): Tensor {
    return images
  }

  override transformBoundingBoxes(boundingBoxes: BoundingBoxes): BoundingBoxes {
    const fill = (x: Tensor): Tensor => {
      const kept = part(x, 1, 0, Math.min(x.shape[1] as number, this.maxNumber))
      const missing = x.shape.map((_, axis) => (axis === 1 ? this.maxNumber - (kept.shape[1] as number) : 0))
      return lax.pad(
        kept,
        lax.full([], x.dtype, this.fillValue),
        x.shape.map(() => 0),
        missing,
      )
    }
    return Object.fromEntries(Object.entries(boundingBoxes).map(([key, x]) => [key, fill(x as Tensor)])) as unknown as BoundingBoxes
  }
}
