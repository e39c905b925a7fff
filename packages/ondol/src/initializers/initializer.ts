/** The base of initializers: a callable that makes the first value of a weight. Follows `keras/src/initializers`. */
import { Callable, INVOKE } from '../core/callable.js'
import type { DType } from '../core/dtype.js'
import { ValueError } from '../core/errors.js'
import type { Shape } from '../core/shape.js'
import type { Tensor } from '../engine/index.js'
import { floatx } from '../ops/config.js'
import { makeDefaultSeed, SeedGenerator } from '../ops/random.js'

export interface Initializer {
  /** A tensor of `shape`; `dtype` defaults to `floatx()`. */
  // biome-ignore lint/style/useShorthandFunctionType: merges with the class
  (shape: Shape, dtype?: DType): Tensor
}

/**
 * @example
 * class Halves extends initializers.Initializer {
 *   override make(shape: Shape, dtype: DType) { return ops.full(shape, 0.5, dtype) }
 * }
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: instances are callable
export abstract class Initializer extends Callable {
  /** What a call gives. */
  abstract make(shape: Shape, dtype: DType): Tensor

  /** Refuses shapes that it cannot fill, before a weight is made. */
  check(_shape: Shape): void {}

  /** Whether it gives the same for every shape whenever it is called: weights are then made when they are first needed. */
  get canWait(): boolean {
    return false
  }

  getConfig(): Record<string, unknown> {
    return {}
  }

  override [INVOKE](...args: unknown[]): Tensor {
    const [shape, dtype = floatx()] = args as [Shape, DType?]
    return this.make(shape, dtype)
  }
}

export interface SeedOptions {
  /** A number gives the same values each time, a generator new ones. Default: a number by chance. */
  readonly seed?: number | SeedGenerator | null
}

/** An initializer that draws random numbers. */
export abstract class RandomInitializer extends Initializer {
  readonly seed: number | SeedGenerator
  readonly #given: number | SeedGenerator | null

  constructor(seed: SeedOptions['seed'] = null) {
    super()
    if (seed !== null && !Number.isInteger(seed) && !(seed instanceof SeedGenerator)) {
      throw new ValueError({
        where: 'initializers',
        problem: 'the seed is neither a whole number nor a SeedGenerator',
        received: String(seed),
      })
    }
    this.#given = seed
    this.seed = seed ?? makeDefaultSeed()
  }

  override get canWait(): boolean {
    return typeof this.seed === 'number'
  }

  override getConfig(): Record<string, unknown> {
    return { seed: this.#given instanceof SeedGenerator ? this.#given.seed : this.#given }
  }
}
