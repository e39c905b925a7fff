/** Zeros around the spatial axes, or their edges cut off. Follows `keras/src/layers/reshaping/{zero_padding,cropping}*.py`. */
import { ShapeError, ValueError } from '../core/errors.js'
import { formatShape } from '../core/shape.js'
import type { Tensor } from '../engine/index.js'
import { type DataFormat, requireDataFormat } from '../ops/config.js'
import * as ops from '../ops/index.js'
import type { ConfigTable } from './config-table.js'
import { InputSpec } from './input-spec.js'
import { Layer, type LayerOptions } from './layer.js'

export interface EdgeOptions extends LayerOptions {
  /** Default `config.imageDataFormat()`. */
  readonly dataFormat?: DataFormat | null | undefined
}

type Pair = readonly [before: number, after: number]
/** One number for all edges, or for each spatial axis a number or a pair. */
export type Edges = number | readonly (number | Pair)[]

function pairOf(amount: number | readonly number[], name: string, where: string): Pair {
  const pair = typeof amount === 'number' ? [amount, amount] : [...amount]
  if (pair.length === 2 && pair.every((n) => Number.isInteger(n) && n >= 0)) return pair as unknown as Pair
  throw new ValueError({
    where,
    problem: `${name} must be whole numbers of at least 0`,
    expected: 'a number, or a pair [before, after]',
    received: JSON.stringify(amount),
  })
}

/** A pair for each of `rank` axes; of a single axis, the pair itself may be given. */
function pairsOf(amounts: Edges, rank: number, name: string, where: string): Pair[] {
  const list = typeof amounts === 'number' || rank === 1 ? new Array<Edges>(rank).fill(amounts) : [...amounts]
  if (list.length === rank) return list.map((amount) => pairOf(amount as number | Pair, name, where))
  throw new ValueError({ where, problem: `${name} needs ${rank} entries`, received: JSON.stringify(amounts) })
}

/** What all of these layers share: an amount before and after each spatial axis. */
abstract class EdgeLayer extends Layer {
  readonly dataFormat: DataFormat
  protected readonly pairs: readonly Pair[]

  constructor(rank: number, name: string, amounts: Edges, { dataFormat, ...options }: EdgeOptions) {
    super(options)
    this.pairs = pairsOf(amounts, rank, name, this.name)
    this.dataFormat = requireDataFormat(dataFormat, this.name)
    this.inputSpec = new InputSpec({ ndim: rank + 2 })
  }

  /** As Keras's configs have them. */
  protected get amounts(): Pair | readonly Pair[] {
    return this.pairs.length === 1 ? (this.pairs[0] as Pair) : this.pairs
  }

  /** A pair for each axis of the input. */
  protected get perAxis(): Pair[] {
    const none: Pair = [0, 0]
    return this.dataFormat === 'channels_last' ? [none, ...this.pairs, none] : [none, none, ...this.pairs]
  }
}

abstract class ZeroPadding extends EdgeLayer {
  static override readonly positional: readonly string[] = ['padding']
  static override readonly configTable: ConfigTable = { padding: 'value', dataFormat: 'value' }

  constructor(rank: number, padding: Edges, options: EdgeOptions) {
    super(rank, 'padding', padding, options)
  }

  get padding(): Pair | readonly Pair[] {
    return this.amounts
  }

  override call(x: Tensor): Tensor {
    return ops.pad(x, { padWidth: this.perAxis })
  }
}

abstract class Cropping extends EdgeLayer {
  static override readonly positional: readonly string[] = ['cropping']
  static override readonly configTable: ConfigTable = { cropping: 'value', dataFormat: 'value' }

  constructor(rank: number, cropping: Edges, options: EdgeOptions) {
    super(rank, 'cropping', cropping, options)
  }

  get cropping(): Pair | readonly Pair[] {
    return this.amounts
  }

  override call(x: Tensor): Tensor {
    const { perAxis } = this
    const shape = x.shape.map((size, axis) => size - (perAxis[axis] as Pair)[0] - (perAxis[axis] as Pair)[1])
    if (shape.some((size, axis) => size <= 0 && x.shape[axis] !== 0)) {
      throw new ShapeError({
        problem: 'nothing is left of the input',
        expected: 'less cropping than there is on each axis',
        received: `input ${formatShape(x.shape)}, cropping=${JSON.stringify(this.cropping)}`,
      })
    }
    return ops.slice(x, { startIndices: perAxis.map(([before]) => before), shape })
  }
}

/** (batch, steps, features) → (batch, before + steps + after, features). */
export class ZeroPadding1D extends ZeroPadding {
  static override readonly className: string = 'ZeroPadding1D'

  constructor(padding: number | Pair = 1, options: EdgeOptions = {}) {
    super(1, padding, options)
  }
}

/** (batch, rows, columns, channels): zeros around. One number, [rows, columns], or [[top, bottom], [left, right]]. */
export class ZeroPadding2D extends ZeroPadding {
  static override readonly className: string = 'ZeroPadding2D'

  constructor(padding: Edges = [1, 1], options: EdgeOptions = {}) {
    super(2, padding, options)
  }
}

/** (batch, depth, rows, columns, channels): zeros around. One number, or for each spatial axis a number or a pair. */
export class ZeroPadding3D extends ZeroPadding {
  static override readonly className: string = 'ZeroPadding3D'

  constructor(padding: Edges = [1, 1, 1], options: EdgeOptions = {}) {
    super(3, padding, options)
  }
}

/** (batch, steps, features) → (batch, steps - before - after, features), whatever `config.imageDataFormat()` says. */
export class Cropping1D extends Cropping {
  static override readonly className: string = 'Cropping1D'
  static override readonly configTable: ConfigTable = { cropping: 'value' }

  constructor(cropping: number | Pair = [1, 1], options: LayerOptions = {}) {
    super(1, cropping, { ...options, dataFormat: 'channels_last' })
  }
}

/** (batch, rows, columns, channels) without its edges. One number, [rows, columns], or [[top, bottom], [left, right]]. */
export class Cropping2D extends Cropping {
  static override readonly className: string = 'Cropping2D'

  constructor(cropping: Edges = [0, 0], options: EdgeOptions = {}) {
    super(2, cropping, options)
  }
}

/** (batch, depth, rows, columns, channels) without its edges. One number, or for each spatial axis a number or a pair. */
export class Cropping3D extends Cropping {
  static override readonly className: string = 'Cropping3D'

  constructor(cropping: Edges = [1, 1, 1], options: EdgeOptions = {}) {
    super(3, cropping, options)
  }
}

export const zeroPadding1d = (...args: ConstructorParameters<typeof ZeroPadding1D>): ZeroPadding1D => new ZeroPadding1D(...args)
export const zeroPadding2d = (...args: ConstructorParameters<typeof ZeroPadding2D>): ZeroPadding2D => new ZeroPadding2D(...args)
export const zeroPadding3d = (...args: ConstructorParameters<typeof ZeroPadding3D>): ZeroPadding3D => new ZeroPadding3D(...args)
export const cropping1d = (...args: ConstructorParameters<typeof Cropping1D>): Cropping1D => new Cropping1D(...args)
export const cropping2d = (...args: ConstructorParameters<typeof Cropping2D>): Cropping2D => new Cropping2D(...args)
export const cropping3d = (...args: ConstructorParameters<typeof Cropping3D>): Cropping3D => new Cropping3D(...args)
