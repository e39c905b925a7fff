/** Augmentations of colour that are drawn for each image: brightness, contrast, saturation, hue, grey. */
import type { Tensor } from '../../engine/index.js'
import { epsilon } from '../../ops/config.js'
import { imageAxes } from '../../ops/image/layout.js'
import * as ops from '../../ops/index.js'
import * as random from '../../random/index.js'
import type { ConfigTable } from '../config-table.js'
import { requireRate } from '../options.js'
import { type Arguments, readArguments } from './arguments.js'
import { type ImageData, RandomImageLayer, rescaled, type SeededOptions } from './base.js'
import { boundedFactor, type Factor, type Range, valueRangeOf } from './factors.js'

const { add, subtract, multiply, divide } = ops

export interface ColorOptions extends SeededOptions {
  /** Least and greatest value of pixels. Default [0, 255]. */
  readonly valueRange?: Range | undefined
}
type Given = ColorOptions & { readonly factor: Factor }

/** One that draws a factor, within a range of values. */
export abstract class FactorLayer<T> extends RandomImageLayer<T> {
  static override readonly positional: readonly string[] = ['factor', 'valueRange']
  static override readonly configTable: ConfigTable = { factor: 'value', valueRange: 'value', seed: 'value' }
  readonly factor: Range
  readonly valueRange: Range

  constructor(args: readonly unknown[], bounds: Range, fallback?: Factor) {
    const { factor = fallback, valueRange = [0, 255], ...options } = readArguments<Given>(args, FactorLayer.positional)
    super(options)
    this.factor = boundedFactor(factor, bounds, 'factor', this.name)
    this.valueRange = valueRangeOf(valueRange, this.name)
  }

  /** Within the factor, one for each image: (batch,). */
  protected drawFactor(images: Tensor, seed: random.Seed, [minval, maxval]: Range = this.factor): Tensor {
    return random.uniform([this.sizes(images).batch], { minval, maxval, seed })
  }

  protected clip(x: Tensor): Tensor {
    return ops.clip(x, this.valueRange[0], this.valueRange[1])
  }
}

type FactorArguments = Arguments<[factor: Factor], [valueRange: Range], ColorOptions>

/** Adds a share of the range of values, drawn from `factor` in [-1, 1], to all pixels of an image. */
export class RandomBrightness extends FactorLayer<{ readonly rgbDelta: Tensor }> {
  static override readonly className: string = 'RandomBrightness'

  constructor(...args: FactorArguments) {
    super(args, [-1, 1])
  }

  protected override draw(images: Tensor, seed: random.Seed): { rgbDelta: Tensor } {
    const [low, high] = this.valueRange
    return { rgbDelta: multiply(this.perImage(this.drawFactor(images, seed)), high - low) }
  }

  protected override augment(images: Tensor, { rgbDelta }: { readonly rgbDelta: Tensor }): Tensor {
    return this.clip(add(images, this.perImage(rgbDelta)))
  }
}

/** Moves pixels away from the mean of their channel, or towards it: `factor` is in [0, 1]. */
export class RandomContrast extends FactorLayer<{ readonly contrastFactor: Tensor }> {
  static override readonly className: string = 'RandomContrast'

  constructor(...args: FactorArguments) {
    super(args, [0, 1])
  }

  protected override draw(images: Tensor, seed: random.Seed): { contrastFactor: Tensor } {
    return { contrastFactor: this.perImage(this.drawFactor(images, seed, [1 - this.factor[0], 1 + this.factor[1]])) }
  }

  protected override augment(images: Tensor, { contrastFactor }: { readonly contrastFactor: Tensor }): Tensor {
    const { height, width } = imageAxes(images, this.dataFormat, this.name)
    const mean = ops.mean(images, { axis: [height, width], keepdims: true })
    return this.clip(add(multiply(subtract(images, mean), this.perImage(contrastFactor)), mean))
  }
}

/** Mixes images with their grey selves: 0 leaves them, 1 takes all colour away. */
export class RandomColorDegeneration extends FactorLayer<{ readonly factor: Tensor }> {
  static override readonly className: string = 'RandomColorDegeneration'

  constructor(...args: FactorArguments) {
    super(args, [-1, 1])
  }

  protected override draw(images: Tensor, seed: random.Seed): { factor: Tensor } {
    return { factor: this.perImage(this.drawFactor(images, seed)) }
  }

  protected override augment(images: Tensor, { factor }: { readonly factor: Tensor }): Tensor {
    const grey = ops.image.rgbToGrayscale(images, { dataFormat: this.dataFormat })
    return this.clip(add(images, multiply(this.perImage(factor), subtract(grey, images))))
  }
}

/** Turns the hue of images (batch, …) in a hue-saturation-value picture, or multiplies the saturation. */
function onChannel(images: Tensor, axis: number, which: 0 | 1, change: (plane: Tensor) => Tensor): Tensor {
  const planes = ops.split(images, 3, { axis }) as unknown as Tensor[]
  return ops.concatenate(
    planes.map((plane, i) => (i === which ? change(plane) : plane)),
    { axis },
  )
}

/** Turns the colours around the wheel by up to half of `factor`, in [0, 1]. */
export class RandomHue extends FactorLayer<{ readonly factor: Tensor }> {
  static override readonly className: string = 'RandomHue'

  constructor(...args: FactorArguments) {
    super(args, [0, 1])
  }

  protected override draw(images: Tensor, seed: random.Seed): { factor: Tensor } {
    const coin = random.uniform([this.sizes(images).batch], { seed })
    const direction = ops.where(ops.greater(coin, 0.5), -0.5, 0.5)
    return { factor: multiply(direction, this.drawFactor(images, seed)) }
  }

  protected override augment(images: Tensor, { factor }: { readonly factor: Tensor }): Tensor {
    const { dataFormat } = this
    const hsv = ops.image.rgbToHsv(rescaled(images, this.valueRange, [0, 1]), { dataFormat })
    const turned = onChannel(hsv, imageAxes(images, dataFormat, this.name).channel, 0, (plane) => {
      const hue = add(plane, this.perImage(factor))
      const below = ops.where(ops.greater(hue, 1), subtract(hue, 1), hue)
      return ops.where(ops.less(below, 0), add(below, 1), below)
    })
    return rescaled(ops.clip(ops.image.hsvToRgb(turned, { dataFormat }), 0, 1), [0, 1], this.valueRange)
  }
}

/** Multiplies the saturation: `factor` f in [0, 1] means f / (1 - f), so that 0.5 leaves images as they are. */
export class RandomSaturation extends FactorLayer<{ readonly factor: Tensor }> {
  static override readonly className: string = 'RandomSaturation'

  constructor(...args: FactorArguments) {
    super(args, [-1, 1])
  }

  protected override draw(images: Tensor, seed: random.Seed): { factor: Tensor } {
    const factor = this.drawFactor(images, seed)
    return { factor: divide(factor, add(subtract(1, factor), epsilon())) }
  }

  protected override augment(images: Tensor, { factor }: { readonly factor: Tensor }): Tensor {
    const { dataFormat } = this
    const { channel } = imageAxes(images, dataFormat, this.name)
    const hsv = ops.image.rgbToHsv(images, { dataFormat })
    return ops.image.hsvToRgb(
      onChannel(hsv, channel, 1, (plane) => this.clip(multiply(plane, this.perImage(factor)))),
      { dataFormat },
    )
  }
}

/** Inverts images with a probability that is drawn from `factor` in [0, 1]. Default 1. */
export class RandomInvert extends FactorLayer<{ readonly applyInversion: Tensor }> {
  static override readonly className: string = 'RandomInvert'

  constructor(...args: Arguments<[], [factor: Factor, valueRange: Range], ColorOptions & { readonly factor?: Factor | undefined }>) {
    super(args, [0, 1], 1)
  }

  protected override draw(images: Tensor, seed: random.Seed): { applyInversion: Tensor } {
    return { applyInversion: this.drawChoice(images, this.factor, seed) }
  }

  protected override augment(images: Tensor, { applyInversion }: { readonly applyInversion: Tensor }): Tensor {
    return ops.where(this.perImage(applyInversion), subtract(this.valueRange[1], images), images)
  }
}

export interface RandomGrayscaleOptions extends SeededOptions {
  /** Probability, in [0, 1]. Default 0.5. */
  readonly factor?: number | undefined
}

/** Takes all colour away, with a probability of `factor`. The transformation is a bool tensor (batch, 1, 1, 1). */
export class RandomGrayscale extends RandomImageLayer<Tensor> {
  static override readonly className: string = 'RandomGrayscale'
  static override readonly keepsDtype: boolean = true
  static override readonly positional: readonly string[] = ['factor']
  static override readonly configTable: ConfigTable = { factor: 'value' }
  readonly factor: number

  constructor(...args: Arguments<[], [factor: number], RandomGrayscaleOptions>) {
    const { factor = 0.5, ...options } = readArguments<RandomGrayscaleOptions>(args, RandomGrayscale.positional)
    super(options)
    this.factor = requireRate(factor, 'factor', this.name)
  }

  override getConfig(): Record<string, unknown> {
    // Keras writes no seed; where there is one, it is kept.
    return { ...super.getConfig(), ...(this.seed !== null && { seed: this.seed }) }
  }

  protected override draw(images: Tensor, seed: random.Seed): Tensor {
    return this.perImage(ops.less(random.uniform([this.sizes(images).batch], { seed }), this.factor))
  }

  protected override augment(images: Tensor, shouldApply: Tensor): Tensor {
    const grey = ops.image.rgbToGrayscale(images, { dataFormat: this.dataFormat })
    return ops.where(this.perImage(shouldApply), grey, images)
  }
}

export interface RandomColorJitterOptions extends SeededOptions {
  readonly valueRange?: Range | undefined
  /** Of `RandomBrightness`; none leaves it out. So the others. */
  readonly brightnessFactor?: Factor | null | undefined
  readonly contrastFactor?: Factor | null | undefined
  readonly saturationFactor?: Factor | null | undefined
  readonly hueFactor?: Factor | null | undefined
}

type Jitter = readonly (readonly [RandomImageLayer<unknown>, unknown])[]

/** Brightness, contrast, saturation and hue, one after the other. */
export class RandomColorJitter extends RandomImageLayer<Jitter> {
  static override readonly className: string = 'RandomColorJitter'
  static override readonly positional: readonly string[] = [
    'valueRange',
    'brightnessFactor',
    'contrastFactor',
    'saturationFactor',
    'hueFactor',
  ]
  static override readonly configTable: ConfigTable = {
    valueRange: 'value',
    brightnessFactor: 'value',
    contrastFactor: 'value',
    saturationFactor: 'value',
    hueFactor: 'value',
    seed: 'value',
  }
  readonly valueRange: Range
  readonly brightnessFactor: Factor | null
  readonly contrastFactor: Factor | null
  readonly saturationFactor: Factor | null
  readonly hueFactor: Factor | null
  readonly randomBrightness: RandomBrightness | null
  readonly randomContrast: RandomContrast | null
  readonly randomSaturation: RandomSaturation | null
  readonly randomHue: RandomHue | null

  constructor(
    ...args: Arguments<
      [],
      [
        valueRange: Range,
        brightnessFactor: Factor | null,
        contrastFactor: Factor | null,
        saturationFactor: Factor | null,
        hueFactor: Factor | null,
      ],
      RandomColorJitterOptions
    >
  ) {
    const given = readArguments<RandomColorJitterOptions>(args, RandomColorJitter.positional)
    const {
      valueRange = [0, 255],
      brightnessFactor = null,
      contrastFactor = null,
      saturationFactor = null,
      hueFactor = null,
      ...options
    } = given
    super(options)
    this.valueRange = valueRangeOf(valueRange, this.name)
    const { dataFormat, seed, dtypePolicy: dtype } = this
    const inner = { valueRange: this.valueRange, seed, dataFormat, dtype }
    const make = <L>(factor: Factor | null, build: (given: Factor) => L): L | null => (factor === null ? null : build(factor))
    this.brightnessFactor = brightnessFactor
    this.contrastFactor = contrastFactor
    this.saturationFactor = saturationFactor
    this.hueFactor = hueFactor
    this.randomBrightness = make(brightnessFactor, (factor) => new RandomBrightness(factor, inner))
    this.randomContrast = make(contrastFactor, (factor) => new RandomContrast(factor, inner))
    this.randomSaturation = make(saturationFactor, (factor) => new RandomSaturation(factor, inner))
    this.randomHue = make(hueFactor, (factor) => new RandomHue(factor, inner))
  }

  protected override draw(images: Tensor, seed: random.Seed): Jitter {
    const { randomBrightness, randomContrast, randomSaturation, randomHue } = this
    return [randomBrightness, randomContrast, randomSaturation, randomHue].flatMap((layer) =>
      layer === null ? [] : [[layer as RandomImageLayer<unknown>, layer.getRandomTransformation(images as ImageData, true, seed)] as const],
    )
  }

  protected override augment(images: Tensor, jitter: Jitter): Tensor {
    return jitter.reduce((x, [layer, transformation]) => layer.transformImages(x, transformation), images)
  }
}
