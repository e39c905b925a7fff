/** Noise in training, nothing otherwise. Follows `keras/src/layers/regularization/{alpha_dropout,gaussian_dropout,gaussian_noise}.py`. */
import { ValueError } from '../core/errors.js'
import { lax, type Tensor } from '../engine/index.js'
import * as ops from '../ops/index.js'
import * as random from '../ops/random.js'
import type { ConfigTable } from './config-table.js'
import { type CallOptions, Layer, type LayerOptions } from './layer.js'
import { requireRate } from './options.js'

export interface NoiseOptions extends LayerOptions {
  /** Makes the noise repeatable. */
  readonly seed?: number | null | undefined
}

abstract class Noise extends Layer {
  static override readonly isStateless: boolean = true
  readonly seed: number | null
  /** None where the noise is none. */
  readonly seedGenerator: random.SeedGenerator | null

  constructor(strength: number, { seed = null, ...options }: NoiseOptions) {
    super(options)
    this.seed = seed
    this.seedGenerator = strength > 0 ? new random.SeedGenerator(seed) : null
    this.supportsMasking = true
  }

  protected abstract disturb(x: Tensor, seed: random.SeedGenerator): Tensor

  override call(x: Tensor, { training }: CallOptions): Tensor {
    return training && this.seedGenerator !== null ? this.disturb(x, this.seedGenerator) : x
  }

  protected normal(x: Tensor, mean: number, stddev: number, seed: random.SeedGenerator): Tensor {
    return random.normal(x.shape, { mean, stddev, dtype: this.computeDtype, seed })
  }
}

/** Adds Gaussian noise of mean 0. */
export class GaussianNoise extends Noise {
  static override readonly className: string = 'GaussianNoise'
  static override readonly positional: readonly string[] = ['stddev']
  static override readonly configTable: ConfigTable = { stddev: 'value', seed: 'value' }
  readonly stddev: number

  constructor(stddev: number, options: NoiseOptions = {}) {
    super(stddev, options)
    this.stddev = requireRate(stddev, 'stddev', this.name)
  }

  protected override disturb(x: Tensor, seed: random.SeedGenerator): Tensor {
    return ops.add(x, this.normal(x, 0, this.stddev, seed))
  }
}

/** Multiplies with Gaussian noise of mean 1 and variance rate / (1 - rate), as much as `Dropout` of that rate has. */
export class GaussianDropout extends Noise {
  static override readonly className: string = 'GaussianDropout'
  static override readonly positional: readonly string[] = ['rate']
  static override readonly configTable: ConfigTable = { rate: 'value', seed: 'value' }
  readonly rate: number

  constructor(rate: number, options: NoiseOptions = {}) {
    super(rate, options)
    this.rate = requireRate(rate, 'rate', this.name)
    if (rate === 1)
      throw new ValueError({
        where: this.name,
        problem: 'the noise of rate 1 is infinite',
        expected: 'a rate less than 1',
        received: 'rate=1',
      })
  }

  protected override disturb(x: Tensor, seed: random.SeedGenerator): Tensor {
    return ops.multiply(x, this.normal(x, 1, Math.sqrt(this.rate / (1 - this.rate)), seed))
  }
}

export interface AlphaDropoutOptions extends NoiseOptions {
  /** Shape of the random mask, broadcast to the input: size 1 drops the whole axis together; `null` takes the input's size. */
  readonly noiseShape?: readonly (number | null)[] | null | undefined
}

/** What SELU goes to for very negative inputs. */
const SATURATED = -1.6732632423543772 * 1.0507009873554805

/**
 * Sets elements to SELU's lowest value with probability `rate`, then restores mean and variance
 * (https://arxiv.org/abs/1706.02515).
 */
export class AlphaDropout extends Noise {
  static override readonly className: string = 'AlphaDropout'
  static override readonly positional: readonly string[] = ['rate']
  static override readonly configTable: ConfigTable = { rate: 'value', seed: 'value', noiseShape: 'value' }
  readonly rate: number
  readonly noiseShape: readonly (number | null)[] | null

  constructor(rate: number, { noiseShape = null, ...options }: AlphaDropoutOptions = {}) {
    super(rate, options)
    this.rate = requireRate(rate, 'rate', this.name)
    this.noiseShape = noiseShape
    if (rate === 1)
      throw new ValueError({
        where: this.name,
        problem: 'nothing is left to restore the variance of',
        expected: 'a rate less than 1',
        received: 'rate=1',
      })
  }

  protected override disturb(x: Tensor, seed: random.SeedGenerator): Tensor {
    const { rate } = this
    const shape = this.noiseShape?.map((size, axis) => size ?? (x.shape[axis] as number)) ?? x.shape
    const keeps = ops.broadcastTo(random.bernoulli(shape, 1 - rate, seed), x.shape)
    const a = ((1 - rate) * (1 + rate * SATURATED ** 2)) ** -0.5
    const b = -a * SATURATED * rate
    const kept = lax.withNumber(lax.withNumber(x, lax.mul, a), lax.add, b)
    return lax.select(keeps, kept, lax.fullLike(x, a * SATURATED + b))
  }
}

export const gaussianNoise = (...args: ConstructorParameters<typeof GaussianNoise>): GaussianNoise => new GaussianNoise(...args)
export const gaussianDropout = (...args: ConstructorParameters<typeof GaussianDropout>): GaussianDropout => new GaussianDropout(...args)
export const alphaDropout = (...args: ConstructorParameters<typeof AlphaDropout>): AlphaDropout => new AlphaDropout(...args)
