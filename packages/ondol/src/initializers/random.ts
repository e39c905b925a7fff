/** Random initializers with given spread. */

import type { DType } from '../core/dtype.js'
import { refuseUnknownOptions } from '../core/known-options.js'
import type { Shape } from '../core/shape.js'
import type { Tensor } from '../engine/index.js'
import * as random from '../ops/random.js'
import { RandomInitializer, type SeedOptions } from './initializer.js'

interface NormalOptions extends SeedOptions {
  readonly mean?: number
  readonly stddev?: number
}

/** Gaussian, standard deviation 0.05. */
export class RandomNormal extends RandomInitializer {
  readonly mean: number
  readonly stddev: number

  constructor({ mean = 0, stddev = 0.05, seed = null, ...rest }: NormalOptions = {}) {
    super(seed)
    refuseUnknownOptions(`initializers.${new.target.name}`, rest, [], ['mean', 'stddev', 'seed'])
    this.mean = mean
    this.stddev = stddev
  }

  override make(shape: Shape, dtype: DType): Tensor {
    return random.normal(shape, { mean: this.mean, stddev: this.stddev, dtype, seed: this.seed })
  }

  override getConfig(): Record<string, unknown> {
    return { ...super.getConfig(), mean: this.mean, stddev: this.stddev }
  }
}

/** Gaussian cut at two standard deviations. */
export class TruncatedNormal extends RandomNormal {
  override make(shape: Shape, dtype: DType): Tensor {
    return random.truncatedNormal(shape, { mean: this.mean, stddev: this.stddev, dtype, seed: this.seed })
  }
}

/** Uniform in [-0.05, 0.05). */
export class RandomUniform extends RandomInitializer {
  readonly minval: number
  readonly maxval: number

  constructor({
    minval = -0.05,
    maxval = 0.05,
    seed = null,
    ...rest
  }: SeedOptions & { readonly minval?: number; readonly maxval?: number } = {}) {
    super(seed)
    refuseUnknownOptions('initializers.RandomUniform', rest, [], ['minval', 'maxval', 'seed'])
    this.minval = minval
    this.maxval = maxval
  }

  override make(shape: Shape, dtype: DType): Tensor {
    return random.uniform(shape, { minval: this.minval, maxval: this.maxval, dtype, seed: this.seed })
  }

  override getConfig(): Record<string, unknown> {
    return { ...super.getConfig(), minval: this.minval, maxval: this.maxval }
  }
}
