/** Layers that repeat or interpolate along spatial axes. Follow `keras/src/layers/reshaping/up_sampling*.py`. */
import { ValueError } from '../core/errors.js'
import type { Tensor } from '../engine/index.js'
import { type DataFormat, requireDataFormat } from '../ops/config.js'
import { perAxis } from '../ops/convolution.js'
import * as ops from '../ops/index.js'
import type { ConfigTable } from './config-table.js'
import { InputSpec } from './input-spec.js'
import { Layer, type LayerOptions } from './layer.js'
import { requirePositive } from './options.js'

type Sizes = number | readonly number[]
const INTERPOLATIONS = ['nearest', 'bilinear', 'bicubic', 'lanczos3', 'lanczos5'] as const
type Interpolation = (typeof INTERPOLATIONS)[number]

function requireInterpolation(interpolation: Interpolation, where: string): Interpolation {
  const name = String(interpolation).toLowerCase()
  const known = INTERPOLATIONS.find((one) => one === name)
  if (known !== undefined) return known
  throw new ValueError({
    where,
    problem: 'unknown interpolation',
    expected: INTERPOLATIONS.map((one) => `'${one}'`).join(', '),
    received: `interpolation='${String(interpolation)}'`,
  })
}

export interface UpSampling3DOptions extends LayerOptions {
  /** Default `config.imageDataFormat()`. */
  readonly dataFormat?: DataFormat | null | undefined
}

export interface UpSampling2DOptions extends UpSampling3DOptions {
  /** `'nearest'` (default), `'bilinear'`, `'bicubic'`, `'lanczos3'` or `'lanczos5'`. */
  readonly interpolation?: Interpolation | undefined
}

/** Each place along these axes several times. */
const repeated = (x: Tensor, sizes: readonly number[], first: number): Tensor =>
  sizes.reduce((y, size, i) => (size === 1 ? y : ops.repeat(y, size, { axis: first + i })), x)

const firstSpatial = (dataFormat: DataFormat): number => (dataFormat === 'channels_last' ? 1 : 2)

/** (batch, steps, features) → (batch, size · steps, features): each step `size` times. */
export class UpSampling1D extends Layer {
  static override readonly className: string = 'UpSampling1D'
  static override readonly positional: readonly string[] = ['size']
  static override readonly configTable: ConfigTable = { size: 'value' }
  readonly size: number

  constructor(size = 2, options: LayerOptions = {}) {
    super(options)
    this.size = requirePositive(size, 'size', this.name)
    this.inputSpec = new InputSpec({ ndim: 3 })
  }

  override call(x: Tensor): Tensor {
    return repeated(x, [this.size], 1)
  }
}

/**
 * (batch, rows, columns, channels) → (batch, size · rows, size · columns, channels).
 *
 * @example
 * const larger = layers.upSampling2d(2, { interpolation: 'bilinear' })(image)
 */
export class UpSampling2D extends Layer {
  static override readonly className: string = 'UpSampling2D'
  static override readonly positional: readonly string[] = ['size']
  static override readonly configTable: ConfigTable = { size: 'value', dataFormat: 'value', interpolation: 'value' }
  readonly size: readonly number[]
  readonly dataFormat: DataFormat
  readonly interpolation: Interpolation

  constructor(size: Sizes = [2, 2], { dataFormat, interpolation = 'nearest', ...options }: UpSampling2DOptions = {}) {
    super(options)
    this.size = perAxis(size, 2, 'size', this.name)
    this.dataFormat = requireDataFormat(dataFormat, this.name)
    this.interpolation = requireInterpolation(interpolation, this.name)
    this.inputSpec = new InputSpec({ ndim: 4 })
  }

  override call(x: Tensor): Tensor {
    const first = firstSpatial(this.dataFormat)
    if (this.interpolation === 'nearest') return repeated(x, this.size, first)
    const size: [number, number] = [
      (x.shape[first] as number) * (this.size[0] as number),
      (x.shape[first + 1] as number) * (this.size[1] as number),
    ]
    return ops.image.resize(x, { size, interpolation: this.interpolation, dataFormat: this.dataFormat })
  }
}

/** (batch, depth, rows, columns, channels): each place `size` times along each spatial axis. */
export class UpSampling3D extends Layer {
  static override readonly className: string = 'UpSampling3D'
  static override readonly positional: readonly string[] = ['size']
  static override readonly configTable: ConfigTable = { size: 'value', dataFormat: 'value' }
  readonly size: readonly number[]
  readonly dataFormat: DataFormat

  constructor(size: Sizes = [2, 2, 2], { dataFormat, ...options }: UpSampling3DOptions = {}) {
    super(options)
    this.size = perAxis(size, 3, 'size', this.name)
    this.dataFormat = requireDataFormat(dataFormat, this.name)
    this.inputSpec = new InputSpec({ ndim: 5 })
  }

  override call(x: Tensor): Tensor {
    return repeated(x, this.size, firstSpatial(this.dataFormat))
  }
}

export const upSampling1d = (...args: ConstructorParameters<typeof UpSampling1D>): UpSampling1D => new UpSampling1D(...args)
export const upSampling2d = (...args: ConstructorParameters<typeof UpSampling2D>): UpSampling2D => new UpSampling2D(...args)
export const upSampling3d = (...args: ConstructorParameters<typeof UpSampling3D>): UpSampling3D => new UpSampling3D(...args)
