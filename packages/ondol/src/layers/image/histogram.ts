/** Images whose tones are spread over the whole range: `AutoContrast`, `Equalization`. */
import { lax, type Tensor } from '../../engine/index.js'
import { imageAxes } from '../../ops/image/layout.js'
import * as ops from '../../ops/index.js'
import type { ConfigTable } from '../config-table.js'
import { requirePositive } from '../options.js'
import { type Arguments, readArguments } from './arguments.js'
import { ImageLayer, type ImageLayerOptions, rescaled } from './base.js'
import { type Range, valueRangeOf } from './factors.js'

const { add, subtract, multiply, divide } = ops
const BYTES: Range = [0, 255]

export interface RangeOptions extends ImageLayerOptions {
  /** Least and greatest value of pixels. Default [0, 255]. */
  readonly valueRange?: Range | undefined
}

/** Makes the darkest pixel of each channel black and the lightest white. */
export class AutoContrast extends ImageLayer {
  static override readonly className: string = 'AutoContrast'
  static override readonly alwaysApplies: boolean = true
  static override readonly positional: readonly string[] = ['valueRange']
  static override readonly configTable: ConfigTable = { valueRange: 'value' }
  readonly valueRange: Range

  constructor(...args: Arguments<[], [valueRange: Range], RangeOptions>) {
    const { valueRange = BYTES, ...options } = readArguments<RangeOptions>(args, AutoContrast.positional)
    super(options)
    this.valueRange = valueRangeOf(valueRange, this.name)
  }

  protected override augment(given: Tensor): Tensor {
    const images = rescaled(given, this.valueRange, BYTES)
    const { height, width } = imageAxes(images, this.dataFormat, this.name)
    const over = { axis: [height, width], keepdims: true }
    const [low, high] = [ops.min(images, over), ops.max(images, over)]
    const isFlat = ops.equal(low, high)
    const scale = divide(255, ops.where(isFlat, 1, subtract(high, low)))
    const spread = ops.clip(subtract(multiply(images, scale), multiply(low, scale)), 0, 255)
    return ops.where(isFlat, given, rescaled(spread, BYTES, this.valueRange))
  }
}

/** How often each of the indices 0 … size - 1 occurs: int32 (size,). */
export function countsOf(indices: Tensor, size: number): Tensor {
  const flat = lax.reshape(indices, [indices.size])
  return lax.scatterAdd(lax.full([size], 'int32', 0), flat, lax.fullLike(flat, 1), 0)
}

export interface EqualizationOptions extends RangeOptions {
  /** Number of levels. Default 256. */
  readonly bins?: number | undefined
}

/** Makes all tones of a channel about equally frequent, over the whole batch. */
export class Equalization extends ImageLayer {
  static override readonly className: string = 'Equalization'
  static override readonly positional: readonly string[] = ['valueRange', 'bins']
  static override readonly configTable: ConfigTable = { bins: 'value', valueRange: 'value' }
  readonly valueRange: Range
  readonly bins: number

  constructor(...args: Arguments<[], [valueRange: Range, bins: number], EqualizationOptions>) {
    const { valueRange = BYTES, bins = 256, ...options } = readArguments<EqualizationOptions>(args, Equalization.positional)
    super(options)
    this.valueRange = valueRangeOf(valueRange, this.name)
    this.bins = requirePositive(bins, 'bins', this.name)
  }

  protected override augment(images: Tensor): Tensor {
    const { channel } = imageAxes(images, this.dataFormat, this.name)
    return ops.moveaxis(this.#equalize(ops.moveaxis(images, channel, 0)), 0, channel)
  }

  /** Planes (channels, …), each for itself. */
  #equalize(given: Tensor): Tensor {
    const { bins } = this
    const last = bins - 1
    const planes = rescaled(given, this.valueRange, BYTES)
    const [channels] = planes.shape as [number, ...number[]]
    const size = channels === 0 ? 0 : planes.size / channels
    const start = lax.withNumber(lax.iota(planes.shape, 'int32', 0), lax.mul, bins)
    const whole = (x: Tensor): Tensor => ops.cast(ops.clip(x, 0, last), 'int32')
    const levels = whole(divide(multiply(planes, last), 255))
    const counts = ops.reshape(countsOf(add(levels, start), channels * bins), [channels, bins])
    const below = ops.cumsum(counts, { axis: 1 })
    const least = ops.min(ops.where(ops.greater(below, 0), below, size), { axis: 1, keepdims: true })
    const total = subtract(size, least)
    const share = divide(multiply(subtract(below, least), 255), ops.where(ops.equal(total, 0), 1, total))
    const table = ops.cast(ops.clip(ops.round(share), 0, 255), given.dtype)
    // Rounds otherwise than above, as in Keras.
    const places = whole(multiply(divide(planes, 255), last))
    const levelsUsed = ops.sum(ops.cast(ops.greater(counts, 0), 'int32'), { axis: 1 })
    const isFlat = ops.reshape(ops.lessEqual(levelsUsed, 1), [channels, ...planes.shape.slice(1).map(() => 1)])
    const equalized = ops.take(ops.reshape(table, [channels * bins]), add(places, start))
    return rescaled(ops.where(isFlat, planes, equalized), BYTES, this.valueRange)
  }
}

export interface ClaheOptions extends RangeOptions {
  /** How many times the mean a tone may be as frequent; what is above is spread. Default 4; 0 for no limit. */
  readonly clipLimit?: number | undefined
  /** Tiles down and across. Default [8, 8]. */
  readonly tileGridSize?: readonly [number, number] | undefined
}

/** Equalization within tiles, with limited contrast, and smooth between the tiles (Zuiderveld 1994). */
export class ContrastLimitedAdaptiveHistogramEqualization extends ImageLayer {
  static override readonly className: string = 'ContrastLimitedAdaptiveHistogramEqualization'
  static override readonly alwaysApplies: boolean = true
  static override readonly keepsDtype: boolean = true
  static override readonly positional: readonly string[] = ['valueRange', 'clipLimit', 'tileGridSize']
  static override readonly configTable: ConfigTable = { valueRange: 'value', clipLimit: 'value', tileGridSize: 'value' }
  readonly valueRange: Range
  readonly clipLimit: number
  readonly tileGridSize: readonly [number, number]

  constructor(...args: Arguments<[], [valueRange: Range, clipLimit: number, tileGridSize: readonly [number, number]], ClaheOptions>) {
    const given = readArguments<ClaheOptions>(args, ContrastLimitedAdaptiveHistogramEqualization.positional)
    const { valueRange = BYTES, clipLimit = 4, tileGridSize = [8, 8], ...options } = given
    super(options)
    this.valueRange = valueRange
    this.clipLimit = clipLimit
    this.tileGridSize = [
      requirePositive(tileGridSize[0], 'tileGridSize', this.name),
      requirePositive(tileGridSize[1], 'tileGridSize', this.name),
    ]
  }

  protected override augment(images: Tensor): Tensor {
    const isFirst = this.dataFormat === 'channels_first'
    const last = isFirst ? ops.transpose(images, { axes: [0, 2, 3, 1] }) : images
    const tones = rescaled(ops.cast(last, 'float32'), this.valueRange, BYTES)
    const result = ops.cast(rescaled(this.#equalize(tones), BYTES, this.valueRange), images.dtype)
    return isFirst ? ops.transpose(result, { axes: [0, 3, 1, 2] }) : result
  }

  #equalize(images: Tensor): Tensor {
    const [batch, height, width, channels] = images.shape as [number, number, number, number]
    const [rows, columns] = this.tileGridSize
    const [tileHeight, tileWidth] = [Math.ceil(height / rows), Math.ceil(width / columns)]
    const [wholeHeight, wholeWidth] = [tileHeight * rows, tileWidth * columns]
    const margins = [
      [0, 0],
      [0, wholeHeight - height],
      [0, wholeWidth - width],
      [0, 0],
    ] as [number, number][]
    const padded = margins.flat().every((n) => n === 0) ? images : ops.pad(images, margins, { mode: 'symmetric' })
    const levels = ops.cast(ops.clip(padded, 0, 255), 'int32')
    const shape = [batch, rows, tileHeight, columns, tileWidth, channels]
    const index = (axis: number, stride: number): Tensor => lax.withNumber(lax.iota(shape, 'int32', axis), lax.mul, stride)
    // One table of 256 levels for each image, tile and channel.
    const owner = [index(0, rows * columns * channels), index(1, columns * channels), index(3, channels), index(5, 1)].reduce(lax.add)
    const counts = countsOf(add(multiply(owner, 256), ops.reshape(levels, shape)), batch * rows * columns * channels * 256)
    const tables = this.#tables(ops.reshape(ops.cast(counts, 'float32'), [batch, rows, columns, channels, 256]), tileHeight * tileWidth)
    const flat = ops.reshape(tables, [-1])
    const [vertical, horizontal] = [between(wholeHeight, tileHeight, rows), between(wholeWidth, tileWidth, columns)]
    const whole = [batch, wholeHeight, wholeWidth, channels]
    const place = (axis: number, stride: number): Tensor => lax.withNumber(lax.iota(whole, 'int32', axis), lax.mul, stride)
    const base = add(add(place(0, rows * columns * channels * 256), place(3, 256)), levels)
    const spread = (list: Tensor, axis: number): Tensor => lax.broadcast(list, whole, [axis])
    const look = (y: Tensor, x: Tensor): Tensor => {
      const tile = add(spread(multiply(y, columns), 1), spread(x, 2))
      return ops.take(flat, add(base, multiply(tile, channels * 256)), { axis: 0 })
    }
    const mix = (a: Tensor, b: Tensor, weight: Tensor): Tensor => add(multiply(a, subtract(1, weight)), multiply(b, weight))
    const across = spread(horizontal.weight, 2)
    const top = mix(look(vertical.before, horizontal.before), look(vertical.before, horizontal.after), across)
    const bottom = mix(look(vertical.after, horizontal.before), look(vertical.after, horizontal.after), across)
    return ops.slice(mix(top, bottom, spread(vertical.weight, 1)), [0, 0, 0, 0], [batch, height, width, channels])
  }

  /** New tones (…, 256) of tiles of so many pixels, of how often each occurs. */
  #tables(counts: Tensor, pixels: number): Tensor {
    let frequencies = counts
    if (this.clipLimit > 0) {
      const limited = ops.clip(counts, 0, (this.clipLimit * pixels) / 256)
      const excess = ops.sum(subtract(counts, limited), { axis: -1, keepdims: true })
      frequencies = add(limited, divide(excess, 256))
    }
    const below = ops.cumsum(frequencies, { axis: -1 })
    const least = ops.min(below, { axis: -1, keepdims: true })
    const total = subtract(pixels, least)
    const share = divide(multiply(subtract(below, least), 255), ops.where(ops.equal(total, 0), 1, total))
    return ops.clip(share, 0, 255)
  }
}

/** The tiles whose middles each place lies between, and how near it is to the second. */
function between(size: number, tile: number, count: number): { before: Tensor; after: Tensor; weight: Tensor } {
  const at = Array.from({ length: size }, (_, i) => (i - tile / 2) / tile)
  const clamp = (n: number): number => Math.max(0, Math.min(count - 1, n))
  const list = (values: readonly number[]): Tensor => lax.constant(Int32Array.from(values), [size], 'int32')
  return {
    before: list(at.map((x) => clamp(Math.floor(x)))),
    after: list(at.map((x) => clamp(Math.floor(x) + 1))),
    weight: lax.constant(Float32Array.from(at.map((x) => x - Math.floor(x))), [size], 'float32'),
  }
}
