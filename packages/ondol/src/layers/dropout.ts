/** Dropout. Follows `keras/src/layers/regularization/dropout.py`. */
import type { Tensor } from '../engine/index.js'
import * as random from '../ops/random.js'
import type { ConfigTable } from './config-table.js'
import { type CallOptions, Layer, type LayerOptions } from './layer.js'
import { requireRate } from './options.js'

export interface DropoutOptions extends LayerOptions {
  /** Shape of the random mask, broadcast to the input: size 1 drops the whole axis together; `null` takes the input's size. */
  readonly noiseShape?: readonly (number | null)[] | null | undefined
  /** Makes the stream of masks repeatable. */
  readonly seed?: number | null | undefined
}

/** In training zeroes elements with probability `rate` and scales the others by 1 / (1 - rate); else does nothing. */
export class Dropout extends Layer {
  static override readonly className: string = 'Dropout'
  static override readonly isStateless: boolean = true
  static override readonly positional: readonly string[] = ['rate']
  static override readonly configTable: ConfigTable = { rate: 'value', seed: 'value', noiseShape: 'value' }
  readonly rate: number
  readonly noiseShape: readonly (number | null)[] | null
  readonly seed: number | null
  readonly seedGenerator: random.SeedGenerator | null

  constructor(rate: number, { noiseShape = null, seed = null, ...options }: DropoutOptions = {}) {
    super(options)
    this.rate = requireRate(rate, 'rate', this.name)
    this.noiseShape = noiseShape
    this.seed = seed
    this.seedGenerator = rate > 0 ? new random.SeedGenerator(seed) : null
    this.supportsMasking = true
  }

  override call(x: Tensor, { training }: CallOptions): Tensor {
    if (!training || this.seedGenerator === null) return x
    return random.dropout(x, this.rate, { noiseShape: this.noiseShape, seed: this.seedGenerator })
  }
}

export const dropout = (...args: ConstructorParameters<typeof Dropout>): Dropout => new Dropout(...args)
