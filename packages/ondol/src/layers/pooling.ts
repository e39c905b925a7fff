/** Pooling over windows of one to three spatial axes. Follows `keras/src/layers/pooling/base_pooling.py`. */
import type { Tensor } from '../engine/index.js'
import { type DataFormat, requireDataFormat } from '../ops/config.js'
import { perAxis } from '../ops/convolution.js'
import * as ops from '../ops/index.js'
import type { ConfigTable } from './config-table.js'
import { requirePadding } from './convolution.js'
import { InputSpec } from './input-spec.js'
import { Layer, type LayerOptions } from './layer.js'

type Sizes = number | readonly number[]

export interface PoolingOptions extends LayerOptions {
  /** Default: the pool size, so that windows do not overlap. */
  readonly strides?: Sizes | null | undefined
  /** Default `'valid'`. */
  readonly padding?: 'valid' | 'same' | undefined
  /** Default `config.imageDataFormat()`. */
  readonly dataFormat?: DataFormat | null | undefined
}

abstract class BasePooling extends Layer {
  static override readonly isStateless: boolean = true
  static override readonly positional: readonly string[] = ['poolSize']
  static override readonly configTable: ConfigTable = { poolSize: 'value', padding: 'value', strides: 'value', dataFormat: 'value' }
  readonly poolSize: readonly number[]
  readonly strides: readonly number[]
  readonly padding: 'valid' | 'same'
  readonly dataFormat: DataFormat

  constructor(rank: number, poolSize: Sizes, { strides = null, padding = 'valid', dataFormat, ...options }: PoolingOptions) {
    super(options)
    this.poolSize = perAxis(poolSize, rank, 'poolSize', this.name)
    this.strides = strides === null ? this.poolSize : perAxis(strides, rank, 'strides', this.name)
    this.padding = requirePadding(padding, ['valid', 'same'], this.name)
    this.dataFormat = requireDataFormat(dataFormat, this.name)
    this.inputSpec = new InputSpec({ ndim: rank + 2 })
  }
}

class MaxPooling extends BasePooling {
  override call(x: Tensor): Tensor {
    const { poolSize, strides, padding, dataFormat } = this
    return ops.maxPool(x, { poolSize, strides, padding, dataFormat })
  }
}

/** Means do not count the padding. */
class AveragePooling extends BasePooling {
  override call(x: Tensor): Tensor {
    const { poolSize, strides, padding, dataFormat } = this
    return ops.averagePool(x, { poolSize, strides, padding, dataFormat })
  }
}

/** (batch, steps, channels) → (batch, newSteps, channels): the greatest of each window. */
export class MaxPooling1D extends MaxPooling {
  static override readonly className: string = 'MaxPooling1D'

  constructor(poolSize: Sizes = 2, options: PoolingOptions = {}) {
    super(1, poolSize, options)
  }
}

/** (batch, rows, columns, channels) → (batch, newRows, newColumns, channels): the greatest of each window. */
export class MaxPooling2D extends MaxPooling {
  static override readonly className: string = 'MaxPooling2D'

  constructor(poolSize: Sizes = [2, 2], options: PoolingOptions = {}) {
    super(2, poolSize, options)
  }
}

/** (batch, steps, channels) → (batch, newSteps, channels): the mean of each window. */
export class AveragePooling1D extends AveragePooling {
  static override readonly className: string = 'AveragePooling1D'

  constructor(poolSize: Sizes, options: PoolingOptions = {}) {
    super(1, poolSize, options)
  }
}

/** (batch, rows, columns, channels) → (batch, newRows, newColumns, channels): the mean of each window. */
export class AveragePooling2D extends AveragePooling {
  static override readonly className: string = 'AveragePooling2D'

  constructor(poolSize: Sizes, options: PoolingOptions = {}) {
    super(2, poolSize, options)
  }
}

/** (batch, depth, rows, columns, channels) → (batch, newDepth, newRows, newColumns, channels): the greatest of each window. */
export class MaxPooling3D extends MaxPooling {
  static override readonly className: string = 'MaxPooling3D'

  constructor(poolSize: Sizes = [2, 2, 2], options: PoolingOptions = {}) {
    super(3, poolSize, options)
  }
}

/** (batch, depth, rows, columns, channels) → (batch, newDepth, newRows, newColumns, channels): the mean of each window. */
export class AveragePooling3D extends AveragePooling {
  static override readonly className: string = 'AveragePooling3D'

  constructor(poolSize: Sizes, options: PoolingOptions = {}) {
    super(3, poolSize, options)
  }
}

export const maxPooling1d = (...args: ConstructorParameters<typeof MaxPooling1D>): MaxPooling1D => new MaxPooling1D(...args)
export const maxPooling2d = (...args: ConstructorParameters<typeof MaxPooling2D>): MaxPooling2D => new MaxPooling2D(...args)
export const averagePooling1d = (...args: ConstructorParameters<typeof AveragePooling1D>): AveragePooling1D => new AveragePooling1D(...args)
export const averagePooling2d = (...args: ConstructorParameters<typeof AveragePooling2D>): AveragePooling2D => new AveragePooling2D(...args)
export const maxPooling3d = (...args: ConstructorParameters<typeof MaxPooling3D>): MaxPooling3D => new MaxPooling3D(...args)
export const averagePooling3d = (...args: ConstructorParameters<typeof AveragePooling3D>): AveragePooling3D => new AveragePooling3D(...args)

/** Keras's other names. */
export {
  AveragePooling1D as AvgPool1D,
  AveragePooling2D as AvgPool2D,
  AveragePooling3D as AvgPool3D,
  averagePooling1d as avgPool1d,
  averagePooling2d as avgPool2d,
  averagePooling3d as avgPool3d,
  MaxPooling1D as MaxPool1D,
  MaxPooling2D as MaxPool2D,
  MaxPooling3D as MaxPool3D,
  maxPooling1d as maxPool1d,
  maxPooling2d as maxPool2d,
  maxPooling3d as maxPool3d,
}
