/** Marks time steps that do not count. Follows `keras/src/layers/core/masking.py`. */
import { lax, type Tensor } from '../engine/index.js'
import * as ops from '../ops/index.js'
import type { ConfigTable } from './config-table.js'
import { Layer, type LayerOptions } from './layer.js'

export interface MaskingOptions extends LayerOptions {
  /** Steps whose features all have this value are masked out. Default 0. */
  readonly maskValue?: number | undefined
}

/**
 * (batch, steps, features): steps that are `maskValue` throughout become 0, and are skipped by the layers that follow.
 *
 * @example
 * const summary = layers.lstm(32)(layers.masking({ maskValue: -1 })(steps))
 */
export class Masking extends Layer {
  static override readonly className: string = 'Masking'
  static override readonly isStateless: boolean = true
  static override readonly configTable: ConfigTable = { maskValue: 'value' }
  readonly maskValue: number

  constructor({ maskValue = 0, ...options }: MaskingOptions = {}) {
    super(options)
    this.maskValue = maskValue
    this.supportsMasking = true
  }

  override call(inputs: Tensor): Tensor {
    const counts = ops.broadcastTo(ops.expandDims(this.computeMask(inputs), -1), inputs.shape)
    return lax.select(counts, inputs, lax.zerosLike(inputs))
  }

  override computeMask(inputs: Tensor): Tensor {
    return ops.any(ops.notEqual(inputs, this.maskValue), { axis: -1 })
  }
}

export const masking = (options?: MaskingOptions): Masking => new Masking(options)
