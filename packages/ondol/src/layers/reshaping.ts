/** Layers that move elements around: flatten, reshape, permute, pad. Follows `keras/src/layers/reshaping`. */
import { ValueError } from '../core/errors.js'
import { sizeOf } from '../core/shape.js'
import type { Tensor } from '../engine/index.js'
import { type DataFormat, requireDataFormat } from '../ops/config.js'
import * as ops from '../ops/index.js'
import { resolveShape } from '../ops/shape.js'
import type { ConfigTable } from './config-table.js'
import { InputSpec } from './input-spec.js'
import { Layer, type LayerOptions } from './layer.js'

interface DataFormatOptions extends LayerOptions {
  /** Default `config.imageDataFormat()`. */
  readonly dataFormat?: DataFormat | null | undefined
}

/** (batch, …) → (batch, all of it). With channels first they come last before. */
export class Flatten extends Layer {
  static override readonly className: string = 'Flatten'
  static override readonly configTable: ConfigTable = { dataFormat: 'value' }
  readonly dataFormat: DataFormat

  constructor({ dataFormat, ...options }: DataFormatOptions = {}) {
    super(options)
    this.dataFormat = requireDataFormat(dataFormat, this.name)
    this.inputSpec = new InputSpec({ minNdim: 1 })
  }

  override call(inputs: Tensor): Tensor {
    const x = this.dataFormat === 'channels_first' && inputs.rank > 1 ? ops.moveaxis(inputs, 1, -1) : inputs
    return ops.reshape(x, [x.shape[0] as number, sizeOf(x.shape.slice(1))])
  }
}

/** (batch, …) → (batch, …targetShape), where one size may be -1: whatever is left. */
export class Reshape extends Layer {
  static override readonly className: string = 'Reshape'
  static override readonly positional: readonly string[] = ['targetShape']
  static override readonly configTable: ConfigTable = { targetShape: 'value' }
  readonly targetShape: readonly number[]

  constructor(targetShape: readonly number[], options: LayerOptions = {}) {
    super(options)
    if (!targetShape.every((size) => Number.isInteger(size) && size >= -1) || targetShape.filter((size) => size === -1).length > 1) {
      throw new ValueError({
        where: this.name,
        problem: 'the target shape is no shape',
        expected: 'whole numbers, at most one of them -1',
        received: JSON.stringify(targetShape),
      })
    }
    this.targetShape = [...targetShape]
  }

  override call(x: Tensor): Tensor {
    return ops.reshape(x, [x.shape[0] as number, ...resolveShape(this.targetShape, sizeOf(x.shape.slice(1)), 'target shape')])
  }
}

/** Axes in another order; `dims` counts from 1, the batch stays first. */
export class Permute extends Layer {
  static override readonly className: string = 'Permute'
  static override readonly positional: readonly string[] = ['dims']
  static override readonly configTable: ConfigTable = { dims: 'value' }
  readonly dims: readonly number[]

  constructor(dims: readonly number[], options: LayerOptions = {}) {
    super(options)
    const isPermutation = [...dims].sort((a, b) => a - b).every((axis, i) => axis === i + 1)
    if (!isPermutation)
      throw new ValueError({
        where: this.name,
        problem: 'dims must name each axis once',
        expected: `1 to ${dims.length} in some order`,
        received: JSON.stringify(dims),
      })
    this.dims = [...dims]
    this.inputSpec = new InputSpec({ ndim: dims.length + 1 })
  }

  override call(x: Tensor): Tensor {
    return ops.transpose(x, [0, ...this.dims])
  }
}

type Pair = readonly [before: number, after: number]

/** (batch, steps, features) → (batch, before + steps + after, features). */
export class ZeroPadding1D extends Layer {
  static override readonly className: string = 'ZeroPadding1D'
  static override readonly positional: readonly string[] = ['padding']
  static override readonly configTable: ConfigTable = { padding: 'value', dataFormat: 'value' }
  readonly padding: Pair
  readonly dataFormat: DataFormat

  constructor(padding: number | Pair = 1, { dataFormat, ...options }: DataFormatOptions = {}) {
    super(options)
    this.padding = pairOf(padding, this.name)
    this.dataFormat = requireDataFormat(dataFormat, this.name)
    this.inputSpec = new InputSpec({ ndim: 3 })
  }

  override call(x: Tensor): Tensor {
    return ops.pad(x, { padWidth: padWidth([this.padding], this.dataFormat) })
  }
}

/** (batch, rows, columns, channels): zeros around. One number, [rows, columns], or [[top, bottom], [left, right]]. */
export class ZeroPadding2D extends Layer {
  static override readonly className: string = 'ZeroPadding2D'
  static override readonly positional: readonly string[] = ['padding']
  static override readonly configTable: ConfigTable = { padding: 'value', dataFormat: 'value' }
  readonly padding: readonly [rows: Pair, columns: Pair]
  readonly dataFormat: DataFormat

  constructor(padding: number | readonly [number | Pair, number | Pair] = [1, 1], { dataFormat, ...options }: DataFormatOptions = {}) {
    super(options)
    const [rows, columns] = typeof padding === 'number' ? [padding, padding] : padding
    if (typeof padding !== 'number' && padding.length !== 2)
      throw new ValueError({ where: this.name, problem: 'padding needs two entries', received: JSON.stringify(padding) })
    this.padding = [pairOf(rows, this.name), pairOf(columns, this.name)]
    this.dataFormat = requireDataFormat(dataFormat, this.name)
    this.inputSpec = new InputSpec({ ndim: 4 })
  }

  override call(x: Tensor): Tensor {
    return ops.pad(x, { padWidth: padWidth(this.padding, this.dataFormat) })
  }
}

function pairOf(padding: number | Pair, where: string): Pair {
  const pair = typeof padding === 'number' ? [padding, padding] : [...padding]
  if (pair.length === 2 && pair.every((n) => Number.isInteger(n) && n >= 0)) return pair as unknown as Pair
  throw new ValueError({
    where,
    problem: 'padding must be whole numbers of at least 0',
    expected: 'a number, or a pair [before, after]',
    received: JSON.stringify(padding),
  })
}

const NONE: Pair = [0, 0]
const padWidth = (spatial: readonly Pair[], dataFormat: DataFormat): Pair[] =>
  dataFormat === 'channels_last' ? [NONE, ...spatial, NONE] : [NONE, NONE, ...spatial]

export const flatten = (...args: ConstructorParameters<typeof Flatten>): Flatten => new Flatten(...args)
export const reshape = (...args: ConstructorParameters<typeof Reshape>): Reshape => new Reshape(...args)
export const permute = (...args: ConstructorParameters<typeof Permute>): Permute => new Permute(...args)
export const zeroPadding1d = (...args: ConstructorParameters<typeof ZeroPadding1D>): ZeroPadding1D => new ZeroPadding1D(...args)
export const zeroPadding2d = (...args: ConstructorParameters<typeof ZeroPadding2D>): ZeroPadding2D => new ZeroPadding2D(...args)
