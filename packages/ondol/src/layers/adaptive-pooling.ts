/** Pooling to a given size. Follows `keras/src/layers/pooling/base_adaptive_pooling.py`. */
import type { Tensor } from '../engine/index.js'
import { type DataFormat, requireDataFormat } from '../ops/config.js'
import { perAxis } from '../ops/convolution.js'
import * as ops from '../ops/index.js'
import type { ConfigTable } from './config-table.js'
import { InputSpec } from './input-spec.js'
import { Layer, type LayerOptions } from './layer.js'

type Sizes = number | readonly number[]

export interface AdaptivePoolingOptions extends LayerOptions {
  /** Default `config.imageDataFormat()`. */
  readonly dataFormat?: DataFormat | null | undefined
}

abstract class BaseAdaptivePooling extends Layer {
  static override readonly positional: readonly string[] = ['outputSize']
  static override readonly configTable: ConfigTable = { outputSize: 'value', dataFormat: 'value' }
  readonly outputSize: readonly number[]
  readonly dataFormat: DataFormat

  constructor(rank: number, outputSize: Sizes, { dataFormat, ...options }: AdaptivePoolingOptions) {
    super(options)
    this.outputSize = perAxis(outputSize, rank, 'outputSize', this.name)
    this.dataFormat = requireDataFormat(dataFormat, this.name)
    this.inputSpec = new InputSpec({ ndim: rank + 2 })
  }
}

class AdaptiveAverage extends BaseAdaptivePooling {
  override call(x: Tensor): Tensor {
    const { outputSize, dataFormat } = this
    return ops.adaptiveAveragePool(x, { outputSize, dataFormat })
  }
}

class AdaptiveMax extends BaseAdaptivePooling {
  override call(x: Tensor): Tensor {
    const { outputSize, dataFormat } = this
    return ops.adaptiveMaxPool(x, { outputSize, dataFormat })
  }
}

/** (batch, steps, channels) → (batch, …outputSize, channels): the mean of each of `outputSize` parts. */
export class AdaptiveAveragePooling1D extends AdaptiveAverage {
  static override readonly className: string = 'AdaptiveAveragePooling1D'

  constructor(outputSize: Sizes, options: AdaptivePoolingOptions = {}) {
    super(1, outputSize, options)
  }
}

/** (batch, rows, columns, channels) → (batch, …outputSize, channels): the mean of each of `outputSize` parts. */
export class AdaptiveAveragePooling2D extends AdaptiveAverage {
  static override readonly className: string = 'AdaptiveAveragePooling2D'

  constructor(outputSize: Sizes, options: AdaptivePoolingOptions = {}) {
    super(2, outputSize, options)
  }
}

/** (batch, depth, rows, columns, channels) → (batch, …outputSize, channels): the mean of each of `outputSize` parts. */
export class AdaptiveAveragePooling3D extends AdaptiveAverage {
  static override readonly className: string = 'AdaptiveAveragePooling3D'

  constructor(outputSize: Sizes, options: AdaptivePoolingOptions = {}) {
    super(3, outputSize, options)
  }
}

/** (batch, steps, channels) → (batch, …outputSize, channels): the greatest of each of `outputSize` parts. */
export class AdaptiveMaxPooling1D extends AdaptiveMax {
  static override readonly className: string = 'AdaptiveMaxPooling1D'

  constructor(outputSize: Sizes, options: AdaptivePoolingOptions = {}) {
    super(1, outputSize, options)
  }
}

/** (batch, rows, columns, channels) → (batch, …outputSize, channels): the greatest of each of `outputSize` parts. */
export class AdaptiveMaxPooling2D extends AdaptiveMax {
  static override readonly className: string = 'AdaptiveMaxPooling2D'

  constructor(outputSize: Sizes, options: AdaptivePoolingOptions = {}) {
    super(2, outputSize, options)
  }
}

/** (batch, depth, rows, columns, channels) → (batch, …outputSize, channels): the greatest of each of `outputSize` parts. */
export class AdaptiveMaxPooling3D extends AdaptiveMax {
  static override readonly className: string = 'AdaptiveMaxPooling3D'

  constructor(outputSize: Sizes, options: AdaptivePoolingOptions = {}) {
    super(3, outputSize, options)
  }
}

export const adaptiveAveragePooling1d = (...args: ConstructorParameters<typeof AdaptiveAveragePooling1D>): AdaptiveAveragePooling1D =>
  new AdaptiveAveragePooling1D(...args)
export const adaptiveAveragePooling2d = (...args: ConstructorParameters<typeof AdaptiveAveragePooling2D>): AdaptiveAveragePooling2D =>
  new AdaptiveAveragePooling2D(...args)
export const adaptiveAveragePooling3d = (...args: ConstructorParameters<typeof AdaptiveAveragePooling3D>): AdaptiveAveragePooling3D =>
  new AdaptiveAveragePooling3D(...args)
export const adaptiveMaxPooling1d = (...args: ConstructorParameters<typeof AdaptiveMaxPooling1D>): AdaptiveMaxPooling1D =>
  new AdaptiveMaxPooling1D(...args)
export const adaptiveMaxPooling2d = (...args: ConstructorParameters<typeof AdaptiveMaxPooling2D>): AdaptiveMaxPooling2D =>
  new AdaptiveMaxPooling2D(...args)
export const adaptiveMaxPooling3d = (...args: ConstructorParameters<typeof AdaptiveMaxPooling3D>): AdaptiveMaxPooling3D =>
  new AdaptiveMaxPooling3D(...args)
