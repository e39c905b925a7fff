/** Inputs times a number, plus a number. Follows `keras/src/layers/preprocessing/rescaling.py`. */
import { lax, type Tensor, tensor } from '../../engine/index.js'
import { imageDataFormat } from '../../ops/config.js'
import * as ops from '../../ops/index.js'
import type { ConfigTable } from '../config-table.js'
import { Layer, type LayerOptions } from '../layer.js'

/** A number, or one for each channel. */
export type PerChannel = number | readonly number[]

export interface RescalingOptions extends LayerOptions {
  /** Added afterwards. Default 0. */
  readonly offset?: PerChannel | undefined
}

/**
 * x → x · scale + offset, of any shape.
 *
 * @example
 * layers.rescaling(1 / 127.5, { offset: -1 })(images)   // 0 … 255 → -1 … 1
 */
export class Rescaling extends Layer {
  static override readonly className: string = 'Rescaling'
  static override readonly positional: readonly string[] = ['scale']
  static override readonly configTable: ConfigTable = { scale: 'value', offset: 'value' }
  static override readonly isStateless: boolean = true
  readonly scale: PerChannel
  readonly offset: PerChannel

  constructor(scale: PerChannel, { offset = 0, ...options }: RescalingOptions = {}) {
    super(options)
    this.scale = scale
    this.offset = offset
    this.supportsMasking = true
  }

  override call(inputs: Tensor): Tensor {
    const dtype = this.computeDtype
    const numbers = (value: PerChannel): Tensor => lax.cast(tensor(value, undefined, 'float32'), dtype)
    let scale = numbers(this.scale)
    // Only the scale: so Keras does it.
    if (scale.rank > 0 && imageDataFormat() === 'channels_first')
      scale = lax.reshape(scale, [...scale.shape, ...Array<number>(Math.max(0, 3 - scale.rank)).fill(1)])
    return ops.add(ops.multiply(lax.cast(inputs, dtype), scale), numbers(this.offset))
  }
}

export const rescaling = (...args: ConstructorParameters<typeof Rescaling>): Rescaling => new Rescaling(...args)
