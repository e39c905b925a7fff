/** Augmentations of tones: fewer levels, inverted light parts, sharper or softer edges, blur. */
import { ValueError } from '../../core/errors.js'
import { lax, type Tensor } from '../../engine/index.js'
import { imageAxes } from '../../ops/image/layout.js'
import * as ops from '../../ops/index.js'
import * as random from '../../random/index.js'
import type { ConfigTable } from '../config-table.js'
import { type Arguments, readArguments } from './arguments.js'
import { RandomImageLayer, rescaled } from './base.js'
import { type ColorOptions, FactorLayer } from './color.js'
import { boundedFactor, type Factor, factorWithin, type Range, valueRangeOf } from './factors.js'

const { add, subtract, multiply } = ops
const BYTES: Range = [0, 255]

/** Keeps the upper bits of 8: their number is drawn from `factor` in [1, 8]. */
export class RandomPosterization extends FactorLayer<{ readonly shiftFactor: Tensor }> {
  static override readonly className: string = 'RandomPosterization'

  constructor(...args: Arguments<[factor: Factor], [valueRange: Range], ColorOptions>) {
    super(args, [1, 8])
  }

  protected override draw(images: Tensor, seed: random.Seed): { shiftFactor: Tensor } {
    const [low, high] = this.factor.map(Math.trunc) as [number, number]
    const shape = [this.sizes(images).batch]
    const bits = low === high ? lax.full(shape, 'int32', low) : random.randint(shape, low, high, { seed })
    return { shiftFactor: subtract(8, bits) }
  }

  protected override augment(images: Tensor, { shiftFactor }: { readonly shiftFactor: Tensor }): Tensor {
    const levels = ops.cast(ops.clip(rescaled(images, this.valueRange, BYTES), 0, 255), 'int32')
    const shift = ops.reshape(ops.cast(shiftFactor, 'int32'), [-1, 1, 1, 1])
    const kept = ops.leftShift(ops.rightShift(levels, shift), shift)
    return rescaled(ops.cast(kept, this.computeDtype), BYTES, this.valueRange)
  }
}

export interface SolarizationOptions extends ColorOptions {
  /** What is added first, as a share of the range, in [0, 1]. Default 0. */
  readonly additionFactor?: Factor | undefined
  /** Above which values are inverted, as a share of the range, in [0, 1]. Default 0. */
  readonly thresholdFactor?: Factor | undefined
}

interface Solarized {
  readonly additions: Tensor
  readonly thresholds: Tensor
}

/** Brightens images, and inverts what is above a threshold. */
export class Solarization extends RandomImageLayer<Solarized> {
  static override readonly className: string = 'Solarization'
  static override readonly positional: readonly string[] = ['additionFactor', 'thresholdFactor', 'valueRange']
  static override readonly configTable: ConfigTable = {
    valueRange: 'value',
    additionFactor: 'value',
    thresholdFactor: 'value',
    seed: 'value',
  }
  readonly additionFactor: Range
  readonly thresholdFactor: Range
  readonly valueRange: Range

  constructor(...args: Arguments<[], [additionFactor: Factor, thresholdFactor: Factor, valueRange: Range], SolarizationOptions>) {
    const given = readArguments<SolarizationOptions>(args, Solarization.positional)
    const { additionFactor = 0, thresholdFactor = 0, valueRange = BYTES, ...options } = given
    super(options)
    const interval = { min: 0, max: 1, from: 0 }
    this.additionFactor = factorWithin(additionFactor, interval, 'additionFactor', this.name)
    this.thresholdFactor = factorWithin(thresholdFactor, interval, 'thresholdFactor', this.name)
    this.valueRange = valueRangeOf(valueRange, this.name)
  }

  protected override draw(images: Tensor, seed: random.Seed): Solarized {
    const drawn = ([low, high]: Range): Tensor =>
      this.perImage(random.uniform([this.sizes(images).batch], { minval: low * 255, maxval: high * 255, seed }))
    return { additions: drawn(this.additionFactor), thresholds: drawn(this.thresholdFactor) }
  }

  protected override augment(images: Tensor, { additions, thresholds }: Solarized): Tensor {
    const lighter = ops.clip(add(rescaled(images, this.valueRange, BYTES), this.perImage(additions)), 0, 255)
    const result = ops.where(ops.less(lighter, this.perImage(thresholds)), lighter, subtract(255, lighter))
    return rescaled(result, BYTES, this.valueRange)
  }
}

/** Weights of a pixel and of its neighbours in a softened image. */
const SOFT = [1, 1, 1, 1, 5, 1, 1, 1, 1].map((weight) => weight / 13)

/** Mixes images with softened ones: `factor` is in [0, 1]; 0 softens, 0.5 leaves images as they are, 1 sharpens. */
export class RandomSharpness extends FactorLayer<{ readonly factor: Tensor }> {
  static override readonly className: string = 'RandomSharpness'

  constructor(...args: Arguments<[factor: Factor], [valueRange: Range], ColorOptions>) {
    super(args, [0, 1])
  }

  protected override draw(images: Tensor, seed: random.Seed): { factor: Tensor } {
    return { factor: this.drawFactor(images, seed) }
  }

  protected override augment(images: Tensor, { factor }: { readonly factor: Tensor }): Tensor {
    const channels = images.shape[imageAxes(images, this.dataFormat, this.name).channel] as number
    const values = SOFT.flatMap((weight) => new Array<number>(channels).fill(weight))
    const kernel = ops.cast(lax.constant(Float32Array.from(values), [3, 3, channels, 1], 'float32'), images.dtype)
    const soft = ops.depthwiseConv(images, kernel, { padding: 'same', dataFormat: this.dataFormat })
    const strength = subtract(1, multiply(this.perImage(factor), 2))
    return this.clip(add(images, multiply(strength, subtract(soft, images))))
  }
}

export interface RandomGaussianBlurOptions extends ColorOptions {
  /** Probability, or the range that it is drawn from, in [0, 1]. Default 1. */
  readonly factor?: Factor | undefined
  /** Odd. Default 3. */
  readonly kernelSize?: number | readonly [number, number] | undefined
  /** Range that the standard deviation is drawn from, in [0, 1]. Default 1: from 0 to 1. */
  readonly sigma?: Factor | undefined
}

interface Blur {
  readonly shouldApplyBlur: Tensor
  readonly blurFactor: Tensor
}

/** Smooths some images by a Gaussian. */
export class RandomGaussianBlur extends RandomImageLayer<Blur> {
  static override readonly className: string = 'RandomGaussianBlur'
  static override readonly positional: readonly string[] = ['factor', 'kernelSize', 'sigma', 'valueRange']
  static override readonly configTable: ConfigTable = {
    factor: 'value',
    kernelSize: 'value',
    sigma: 'value',
    valueRange: 'value',
    seed: 'value',
  }
  readonly factor: Range
  readonly kernelSize: readonly [number, number]
  readonly sigma: Range
  readonly valueRange: Range

  constructor(
    ...args: Arguments<
      [],
      [factor: Factor, kernelSize: number | readonly [number, number], sigma: Factor, valueRange: Range],
      RandomGaussianBlurOptions
    >
  ) {
    const given = readArguments<RandomGaussianBlurOptions>(args, RandomGaussianBlur.positional)
    const { factor = 1, kernelSize = 3, sigma = 1, valueRange = BYTES, ...options } = given
    super(options)
    this.factor = boundedFactor(factor, [0, 1], 'factor', this.name)
    this.kernelSize = oddSize(kernelSize, this.name)
    this.sigma = boundedFactor(sigma, [0, 1], 'sigma', this.name)
    this.valueRange = valueRangeOf(valueRange, this.name)
  }

  protected override draw(images: Tensor, seed: random.Seed): Blur {
    const shouldApplyBlur = this.drawChoice(images, this.factor, seed)
    const [minval, maxval] = this.sigma
    return { shouldApplyBlur, blurFactor: add(random.uniform([2], { minval, maxval, seed }), 1e-6) }
  }

  protected override augment(images: Tensor, { shouldApplyBlur, blurFactor }: Blur): Tensor {
    const { kernelSize, dataFormat } = this
    const blurred = ops.image.gaussianBlur(images, { kernelSize, sigma: blurFactor, dataFormat })
    return ops.clip(ops.where(this.perImage(shouldApplyBlur), blurred, images), this.valueRange[0], this.valueRange[1])
  }
}

function oddSize(size: unknown, where: string): readonly [number, number] {
  const pair = Array.isArray(size) ? size : [size, size]
  if (pair.length === 2 && pair.every((n) => Number.isInteger(n) && n > 0 && n % 2 === 1)) return [pair[0], pair[1]]
  throw new ValueError({
    where,
    problem: 'kernelSize does not fit',
    expected: 'an odd whole number, or two',
    received: JSON.stringify(size),
  })
}
