/** Dropout of whole channels. Follows `keras/src/layers/regularization/spatial_dropout.py`. */
import type { Tensor } from '../engine/index.js'
import { type DataFormat, requireDataFormat } from '../ops/config.js'
import * as random from '../ops/random.js'
import type { ConfigTable } from './config-table.js'
import { Dropout } from './dropout.js'
import { InputSpec } from './input-spec.js'
import type { CallOptions, LayerOptions } from './layer.js'

export interface SpatialDropout1DOptions extends LayerOptions {
  /** Makes the stream of masks repeatable. */
  readonly seed?: number | null | undefined
}

export interface SpatialDropoutOptions extends SpatialDropout1DOptions {
  /** Default `config.imageDataFormat()`. */
  readonly dataFormat?: DataFormat | null | undefined
}

/** In training zeroes whole channels of a sample with probability `rate` and scales the others by 1 / (1 - rate). */
abstract class SpatialDropout extends Dropout {
  static override readonly configTable: ConfigTable = { rate: 'value', seed: 'value', dataFormat: 'value' }
  readonly dataFormat: DataFormat

  constructor(rank: number, rate: number, { dataFormat, ...options }: SpatialDropoutOptions) {
    super(rate, options)
    this.dataFormat = requireDataFormat(dataFormat, this.name)
    this.inputSpec = new InputSpec({ ndim: rank + 2 })
  }

  override call(x: Tensor, { training }: CallOptions): Tensor {
    if (!training || this.seedGenerator === null) return x
    const channel = this.dataFormat === 'channels_last' ? x.rank - 1 : 1
    const noiseShape = x.shape.map((size, axis) => (axis === 0 || axis === channel ? size : 1))
    return random.dropout(x, this.rate, { noiseShape, seed: this.seedGenerator })
  }

  /** Keras writes neither `trainable` nor a policy that is one dtype. */
  override getConfig(): Record<string, unknown> {
    const { trainable: _, dtype, ...config } = super.getConfig()
    return { ...config, dtype: this.dtypePolicy.name === this.dtype ? this.dtype : dtype }
  }
}

/** (batch, steps, channels), whatever `config.imageDataFormat()` says. */
export class SpatialDropout1D extends SpatialDropout {
  static override readonly className: string = 'SpatialDropout1D'
  static override readonly configTable: ConfigTable = { rate: 'value', seed: 'value' }

  constructor(rate: number, options: SpatialDropout1DOptions = {}) {
    super(1, rate, { ...options, dataFormat: 'channels_last' })
  }
}

/** (batch, rows, columns, channels). */
export class SpatialDropout2D extends SpatialDropout {
  static override readonly className: string = 'SpatialDropout2D'

  constructor(rate: number, options: SpatialDropoutOptions = {}) {
    super(2, rate, options)
  }
}

/** (batch, depth, rows, columns, channels). */
export class SpatialDropout3D extends SpatialDropout {
  static override readonly className: string = 'SpatialDropout3D'

  constructor(rate: number, options: SpatialDropoutOptions = {}) {
    super(3, rate, options)
  }
}

export const spatialDropout1d = (...args: ConstructorParameters<typeof SpatialDropout1D>): SpatialDropout1D => new SpatialDropout1D(...args)
export const spatialDropout2d = (...args: ConstructorParameters<typeof SpatialDropout2D>): SpatialDropout2D => new SpatialDropout2D(...args)
export const spatialDropout3d = (...args: ConstructorParameters<typeof SpatialDropout3D>): SpatialDropout3D => new SpatialDropout3D(...args)
