/**
 * Augmentations chosen by chance among many: `RandAugment` (Cubuk et al. 2020) and `AugMix` (Hendrycks et al. 2020). Which
 * ones is a tensor, drawn anew for every batch also in compiled steps, and only those that were drawn are computed.
 */
import type { Tensor } from '../../engine/index.js'
import { asTensor, type TensorLike } from '../../ops/define.js'
import * as ops from '../../ops/index.js'
import * as random from '../../random/index.js'
import type { ConfigTable } from '../config-table.js'
import { requirePositive } from '../options.js'
import { RandomRotation, RandomShear, RandomTranslation } from './affine-layers.js'
import { type Arguments, readArguments } from './arguments.js'
import { type ImageLayer, RandomImageLayer, type SeededOptions } from './base.js'
import type { BoundingBoxes } from './boxes.js'
import { RandomBrightness, RandomColorDegeneration, RandomContrast } from './color.js'
import { boundedFactor, type Factor, type Range, valueRangeOf } from './factors.js'
import type { Interpolation } from './geometric.js'
import { AutoContrast, Equalization } from './histogram.js'
import { RandomPosterization, RandomSharpness, Solarization } from './tone.js'

const { add, subtract, multiply } = ops

/** Names of augmentations, in the order that they are drawn from. */
const GEOMETRIC = ['randomShear', 'randomTranslation', 'randomRotation'] as const
const COLOR = ['randomBrightness', 'randomColorDegeneration', 'randomContrast', 'randomSharpness'] as const
const TONE = ['randomPosterization', 'solarization', 'autoContrast', 'equalization'] as const
type Name = (typeof GEOMETRIC)[number] | (typeof COLOR)[number] | (typeof TONE)[number]

/** What each augmentation would do, by name. */
export type Transforms = Readonly<Record<string, unknown>>

export interface PolicyOptions extends SeededOptions {
  /** Least and greatest value of pixels. Default [0, 255]. */
  readonly valueRange?: Range | undefined
  /** Strength, in [0, 1]: a number means from 0 to it. */
  readonly factor?: Factor | undefined
  /** Default `'bilinear'`. */
  readonly interpolation?: Interpolation | undefined
}

abstract class PolicyLayer<T> extends RandomImageLayer<T> {
  readonly valueRange: Range
  readonly factor: Range
  readonly interpolation: Interpolation
  readonly randomShear: RandomShear
  readonly randomTranslation: RandomTranslation
  readonly randomRotation: RandomRotation
  readonly randomBrightness: RandomBrightness | null
  readonly randomColorDegeneration: RandomColorDegeneration | null
  readonly randomContrast: RandomContrast | null
  readonly randomSharpness: RandomSharpness | null
  readonly solarization: Solarization
  readonly randomPosterization: RandomPosterization
  readonly autoContrast: AutoContrast
  readonly equalization: Equalization
  readonly #names: readonly Name[]

  constructor(names: readonly Name[], { valueRange = [0, 255], factor, interpolation = 'bilinear', ...options }: PolicyOptions) {
    super(options)
    this.#names = names
    this.valueRange = valueRangeOf(valueRange, this.name)
    this.factor = boundedFactor(factor, [0, 1], 'factor', this.name)
    this.interpolation = interpolation
    const { seed, dataFormat, boundingBoxFormat, dtypePolicy: dtype } = this
    const plain = { dataFormat, boundingBoxFormat, dtype }
    const seeded = { ...plain, seed }
    const colored = { ...seeded, valueRange: this.valueRange }
    const strength = this.factor
    const hasColor = names.includes('randomBrightness')
    this.randomShear = new RandomShear(strength, strength, { ...seeded, interpolation })
    this.randomTranslation = new RandomTranslation(strength, strength, { ...seeded, interpolation })
    this.randomRotation = new RandomRotation(strength, { ...seeded, interpolation })
    this.randomBrightness = hasColor ? new RandomBrightness(strength, colored) : null
    this.randomColorDegeneration = hasColor ? new RandomColorDegeneration(strength, colored) : null
    this.randomContrast = hasColor ? new RandomContrast(strength, colored) : null
    this.randomSharpness = hasColor ? new RandomSharpness(strength, colored) : null
    this.solarization = new Solarization({ ...colored, additionFactor: strength, thresholdFactor: strength })
    this.randomPosterization = new RandomPosterization(Math.max(1, Math.trunc(8 * strength[1])), colored)
    this.autoContrast = new AutoContrast({ ...plain, valueRange: this.valueRange })
    this.equalization = new Equalization({ ...plain, valueRange: this.valueRange })
  }

  protected get choices(): number {
    return this.#names.length
  }

  protected drawTransforms(images: Tensor, seed: random.Seed): Transforms {
    return Object.fromEntries(this.#names.map((name) => [name, this.#layer(name).getRandomTransformation(images, true, seed)]))
  }

  #layer(name: Name): ImageLayer<unknown> {
    return this[name] as unknown as ImageLayer<unknown>
  }

  /** Applies the augmentation of that number; one beyond the last does nothing. */
  protected applyOne<X>(
    index: TensorLike,
    given: Transforms,
    x: X,
    run: (layer: ImageLayer<unknown>, transformation: unknown, x: X) => X,
  ): X {
    const branches = this.#names.map((name) => () => run(this.#layer(name), given[name] ?? null, x) as unknown as Tensor)
    return ops.switchCase(index, [...branches, () => x as unknown as Tensor]) as unknown as X
  }
}

interface Chosen {
  /** Which augmentations, one after the other: int32 (numOps,). */
  readonly layerIdxes: Tensor
  readonly transforms: Transforms
}

export interface RandAugmentOptions extends PolicyOptions {
  /** How many augmentations. Default 2. */
  readonly numOps?: number | undefined
}

/** Applies `numOps` of eleven augmentations, drawn for each batch. Default factor 0.5. */
export class RandAugment extends PolicyLayer<Chosen> {
  static override readonly className: string = 'RandAugment'
  static override readonly positional: readonly string[] = ['valueRange', 'numOps', 'factor']
  static override readonly configTable: ConfigTable = {
    valueRange: 'value',
    numOps: 'value',
    factor: 'value',
    interpolation: 'value',
    seed: 'value',
  }
  readonly numOps: number

  constructor(...args: Arguments<[], [valueRange: Range, numOps: number, factor: Factor], RandAugmentOptions>) {
    const { numOps = 2, factor = 0.5, ...options } = readArguments<RandAugmentOptions>(args, RandAugment.positional)
    super([...GEOMETRIC, ...COLOR, ...TONE], { ...options, factor })
    this.numOps = requirePositive(numOps, 'numOps', this.name)
  }

  protected override draw(images: Tensor, seed: random.Seed): Chosen {
    return { layerIdxes: random.randint([this.numOps], 0, this.choices, { seed }), transforms: this.drawTransforms(images, seed) }
  }

  #each<X>({ layerIdxes, transforms }: Chosen, x: X, run: (layer: ImageLayer<unknown>, transformation: unknown, x: X) => X): X {
    const indices = ops.unstack(layerIdxes, { axis: 0 })
    return indices.reduce((value, index) => this.applyOne(index, transforms, value, run), x)
  }

  protected override augment(images: Tensor, transformation: Chosen): Tensor {
    return this.#each(transformation, images, (layer, given, x) => layer.transformImages(x, given))
  }

  override transformSegmentationMasks(masks: TensorLike, transformation: Chosen | null, training = true): Tensor {
    if (!training || transformation === null) return asTensor(masks)
    return this.#each(transformation, asTensor(masks), (layer, given, x) => layer.transformSegmentationMasks(x, given))
  }

  override transformBoundingBoxes(boundingBoxes: BoundingBoxes, transformation: Chosen | null, training = true): BoundingBoxes {
    if (!training || transformation === null) return boundingBoxes
    this.requireBoxFormat()
    return this.#each(transformation, boundingBoxes, (layer, given, x) => layer.transformBoundingBoxes(x, given))
  }
}

interface Link {
  /** Which augmentation: a scalar; one beyond the last stands for none. */
  readonly layerIndex: TensorLike
  readonly transforms: Transforms
}

interface Chains {
  /** Shares of the chains: (numChains,). */
  readonly chainMixingWeights: Tensor
  /** Share of the original images: a scalar. */
  readonly weightSample: Tensor
  readonly chainTransforms: readonly (readonly Link[])[]
}

export interface AugMixOptions extends PolicyOptions {
  /** How many chains of augmentations are mixed. Default 3. */
  readonly numChains?: number | undefined
  /** How many augmentations a chain has at most. Default 3. */
  readonly chainDepth?: number | undefined
  /** Parameter of the distributions of shares. Default 1. */
  readonly alpha?: number | undefined
  /** Whether brightness, contrast, colour and sharpness are among them. Default true. */
  readonly allOps?: boolean | undefined
}

/** Mixes images with what chains of augmentations make of them. Default factor 0.3. */
export class AugMix extends PolicyLayer<Chains> {
  static override readonly className: string = 'AugMix'
  static override readonly positional: readonly string[] = ['valueRange', 'numChains', 'chainDepth', 'factor', 'alpha', 'allOps']
  static override readonly configTable: ConfigTable = {
    valueRange: 'value',
    numChains: 'value',
    chainDepth: 'value',
    factor: 'value',
    alpha: 'value',
    allOps: 'value',
    interpolation: 'value',
    seed: 'value',
  }
  readonly numChains: number
  readonly chainDepth: number
  readonly alpha: number
  readonly allOps: boolean

  constructor(
    ...args: Arguments<
      [],
      [valueRange: Range, numChains: number, chainDepth: number, factor: Factor, alpha: number, allOps: boolean],
      AugMixOptions
    >
  ) {
    const given = readArguments<AugMixOptions>(args, AugMix.positional)
    const { numChains = 3, chainDepth = 3, alpha = 1, allOps = true, factor = 0.3, ...options } = given
    super(allOps ? [...GEOMETRIC, ...TONE, ...COLOR] : [...GEOMETRIC, ...TONE], { ...options, factor })
    this.numChains = requirePositive(numChains, 'numChains', this.name)
    this.chainDepth = requirePositive(chainDepth, 'chainDepth', this.name)
    this.alpha = alpha
    this.allOps = allOps
  }

  protected override draw(images: Tensor, seed: random.Seed): Chains {
    const shares = random.gamma([this.numChains], this.alpha, { seed })
    const drawLink = (): Link => ({
      layerIndex: random.randint([], 0, this.choices + 1, { seed }),
      transforms: this.drawTransforms(images, seed),
    })
    const drawChain = (): Link[] => Array.from({ length: this.chainDepth }, drawLink)
    return {
      chainMixingWeights: ops.divide(shares, ops.sum(shares)),
      weightSample: random.beta([], this.alpha, this.alpha, { seed }),
      chainTransforms: Array.from({ length: this.numChains }, drawChain),
    }
  }

  #mix(
    x: Tensor,
    { chainMixingWeights, weightSample, chainTransforms }: Chains,
    run: (layer: ImageLayer<unknown>, given: unknown, x: Tensor) => Tensor,
  ): Tensor {
    const shares = ops.unstack(ops.cast(chainMixingWeights, x.dtype), { axis: 0 })
    const mixed = chainTransforms
      .map((links, i) => {
        const end = links.reduce((value, { layerIndex, transforms }) => this.applyOne(layerIndex, transforms, value, run), x)
        return multiply(end, shares[i] as Tensor)
      })
      .reduce((a, b) => add(a, b))
    const own = ops.cast(weightSample, x.dtype)
    return add(multiply(own, x), multiply(subtract(1, own), mixed))
  }

  protected override augment(images: Tensor, transformation: Chains): Tensor {
    const mixed = this.#mix(images, transformation, (layer, given, x) => layer.transformImages(x, given))
    return ops.clip(mixed, this.valueRange[0], this.valueRange[1])
  }

  override transformSegmentationMasks(masks: TensorLike, transformation: Chains | null, training = true): Tensor {
    if (!training || transformation === null) return asTensor(masks)
    const given = ops.cast(asTensor(masks), this.computeDtype)
    return this.#mix(given, transformation, (layer, change, x) => layer.transformSegmentationMasks(x, change))
  }
}
