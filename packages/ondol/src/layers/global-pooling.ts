/** Pooling over all of the spatial axes. Follows `keras/src/layers/pooling/base_global_pooling.py`. */
import { lax, type Tensor } from '../engine/index.js'
import { type DataFormat, requireDataFormat } from '../ops/config.js'
import * as ops from '../ops/index.js'
import type { ConfigTable } from './config-table.js'
import { InputSpec } from './input-spec.js'
import { type CallOptions, Layer, type LayerOptions } from './layer.js'

export interface GlobalPoolingOptions extends LayerOptions {
  /** Default `config.imageDataFormat()`. */
  readonly dataFormat?: DataFormat | null | undefined
  /** Keeps the spatial axes, with size 1. Default false. */
  readonly keepdims?: boolean | undefined
}

abstract class BaseGlobalPooling extends Layer {
  static override readonly isStateless: boolean = true
  static override readonly configTable: ConfigTable = { dataFormat: 'value', keepdims: 'value' }
  readonly dataFormat: DataFormat
  readonly keepdims: boolean
  protected readonly spatial: readonly number[]

  constructor(rank: number, { dataFormat, keepdims = false, ...options }: GlobalPoolingOptions) {
    super(options)
    this.dataFormat = requireDataFormat(dataFormat, this.name)
    this.keepdims = keepdims
    this.inputSpec = new InputSpec({ ndim: rank + 2 })
    const first = this.dataFormat === 'channels_last' ? 1 : 2
    this.spatial = Array.from({ length: rank }, (_, i) => first + i)
  }
}

class GlobalAverage extends BaseGlobalPooling {
  override call(x: Tensor, _options: CallOptions): Tensor {
    return ops.mean(x, { axis: this.spatial, keepdims: this.keepdims })
  }
}

class GlobalMax extends BaseGlobalPooling {
  override call(x: Tensor): Tensor {
    return ops.max(x, { axis: this.spatial, keepdims: this.keepdims })
  }
}

/** (batch, steps, features) → (batch, features): the mean over the steps that a mask does not leave out. */
export class GlobalAveragePooling1D extends GlobalAverage {
  static override readonly className: string = 'GlobalAveragePooling1D'

  constructor(options: GlobalPoolingOptions = {}) {
    super(1, options)
    this.supportsMasking = true
  }

  override call(x: Tensor, options: CallOptions): Tensor {
    const mask = options.mask as Tensor | null | undefined
    if (mask === null || mask === undefined) return super.call(x, options)
    const reduction = { axis: this.spatial, keepdims: this.keepdims }
    const weights = ops.expandDims(lax.cast(mask, x.dtype), this.dataFormat === 'channels_last' ? 2 : 1)
    return ops.divide(ops.sum(ops.multiply(x, weights), reduction), ops.sum(weights, reduction))
  }

  override computeMask(): null {
    return null
  }
}

/** (batch, rows, columns, channels) → (batch, channels). */
export class GlobalAveragePooling2D extends GlobalAverage {
  static override readonly className: string = 'GlobalAveragePooling2D'

  constructor(options: GlobalPoolingOptions = {}) {
    super(2, options)
  }
}

/** (batch, steps, features) → (batch, features). */
export class GlobalMaxPooling1D extends GlobalMax {
  static override readonly className: string = 'GlobalMaxPooling1D'

  constructor(options: GlobalPoolingOptions = {}) {
    super(1, options)
  }
}

/** (batch, rows, columns, channels) → (batch, channels). */
export class GlobalMaxPooling2D extends GlobalMax {
  static override readonly className: string = 'GlobalMaxPooling2D'

  constructor(options: GlobalPoolingOptions = {}) {
    super(2, options)
  }
}

/** (batch, depth, rows, columns, channels) → (batch, channels). */
export class GlobalAveragePooling3D extends GlobalAverage {
  static override readonly className: string = 'GlobalAveragePooling3D'

  constructor(options: GlobalPoolingOptions = {}) {
    super(3, options)
  }
}

/** (batch, depth, rows, columns, channels) → (batch, channels). */
export class GlobalMaxPooling3D extends GlobalMax {
  static override readonly className: string = 'GlobalMaxPooling3D'

  constructor(options: GlobalPoolingOptions = {}) {
    super(3, options)
  }
}

export const globalAveragePooling1d = (options?: GlobalPoolingOptions): GlobalAveragePooling1D => new GlobalAveragePooling1D(options)
export const globalAveragePooling2d = (options?: GlobalPoolingOptions): GlobalAveragePooling2D => new GlobalAveragePooling2D(options)
export const globalMaxPooling1d = (options?: GlobalPoolingOptions): GlobalMaxPooling1D => new GlobalMaxPooling1D(options)
export const globalMaxPooling2d = (options?: GlobalPoolingOptions): GlobalMaxPooling2D => new GlobalMaxPooling2D(options)
export const globalAveragePooling3d = (options?: GlobalPoolingOptions): GlobalAveragePooling3D => new GlobalAveragePooling3D(options)
export const globalMaxPooling3d = (options?: GlobalPoolingOptions): GlobalMaxPooling3D => new GlobalMaxPooling3D(options)

/** Keras's other names. */
export {
  GlobalAveragePooling1D as GlobalAvgPool1D,
  GlobalAveragePooling2D as GlobalAvgPool2D,
  GlobalAveragePooling3D as GlobalAvgPool3D,
  GlobalMaxPooling1D as GlobalMaxPool1D,
  GlobalMaxPooling2D as GlobalMaxPool2D,
  GlobalMaxPooling3D as GlobalMaxPool3D,
  globalAveragePooling1d as globalAvgPool1d,
  globalAveragePooling2d as globalAvgPool2d,
  globalAveragePooling3d as globalAvgPool3d,
  globalMaxPooling1d as globalMaxPool1d,
  globalMaxPooling2d as globalMaxPool2d,
  globalMaxPooling3d as globalMaxPool3d,
}
