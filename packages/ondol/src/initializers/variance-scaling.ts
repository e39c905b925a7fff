/** Initializers whose spread follows from the number of inputs and outputs of a unit. */

import type { DType } from '../core/dtype.js'
import { ValueError } from '../core/errors.js'
import { refuseUnknownOptions } from '../core/known-options.js'
import { normalizeAxis, type Shape, sizeOf } from '../core/shape.js'
import { type CamelCase, toSnakeCase } from '../core/spelling.js'
import type { Tensor } from '../engine/index.js'
import * as random from '../ops/random.js'
import { RandomInitializer, type SeedOptions } from './initializer.js'

const MODES = ['fan_in', 'fan_out', 'fan_avg'] as const
const DISTRIBUTIONS = ['uniform', 'truncated_normal', 'untruncated_normal'] as const

export interface FanOptions extends SeedOptions {
  /** Axes that count as inputs, and as outputs. Default: the last but one and the last. */
  readonly inputAxes?: readonly number[] | null
  readonly outputAxes?: readonly number[] | null
}

export interface VarianceScalingOptions extends FanOptions {
  readonly scale?: number
  /** In Keras's spelling, or `'fanOut'`. Default `'fan_in'`. */
  readonly mode?: Spelled<(typeof MODES)[number]>
  /** `normal` means `truncated_normal`, the default. */
  readonly distribution?: Spelled<(typeof DISTRIBUTIONS)[number] | 'normal'>
}

/** A name as Keras writes it, or in camelCase. */
type Spelled<Name extends string> = Name | CamelCase<Name>

/** `given` as one of `names`. */
function oneOf<Name extends string>(names: readonly Name[], given: string, what: string, where: string): Name {
  const found = names.find((name) => name === toSnakeCase(given))
  if (found !== undefined) return found
  throw new ValueError({ where, problem: `unknown ${what}`, expected: names.join(', '), received: given })
}

/** The standard deviation of a unit Gaussian cut at 2. */
const CUT_DEVIATION = 0.87962566103423978

const OPTIONS = ['scale', 'mode', 'distribution', 'seed', 'inputAxes', 'outputAxes']

/** Variance scale / fan: `fan` is the number of inputs, of outputs, or their mean. */
export class VarianceScaling extends RandomInitializer {
  readonly scale: number
  readonly mode: (typeof MODES)[number]
  readonly distribution: (typeof DISTRIBUTIONS)[number]
  readonly inputAxes: readonly number[] | null
  readonly outputAxes: readonly number[] | null

  constructor({
    scale = 1,
    mode = 'fan_in',
    distribution = 'truncated_normal',
    seed = null,
    inputAxes = null,
    outputAxes = null,
    ...rest
  }: VarianceScalingOptions = {}) {
    super(seed)
    refuseUnknownOptions(`initializers.${new.target.name}`, rest, [], OPTIONS)
    const where = 'initializers.VarianceScaling'
    if (!(scale > 0)) throw new ValueError({ where, problem: 'scale must be positive', received: String(scale) })
    this.scale = scale
    this.mode = oneOf(MODES, mode, 'mode', where)
    this.distribution = distribution === 'normal' ? 'truncated_normal' : oneOf(DISTRIBUTIONS, distribution, 'distribution', where)
    this.inputAxes = inputAxes
    this.outputAxes = outputAxes
  }

  override make(shape: Shape, dtype: DType): Tensor {
    const { fanIn, fanOut } = fansOf(shape, this.inputAxes, this.outputAxes)
    const fan = { fan_in: fanIn, fan_out: fanOut, fan_avg: (fanIn + fanOut) / 2 }[this.mode]
    const variance = this.scale / Math.max(1, fan)
    const common = { dtype, seed: this.seed }
    switch (this.distribution) {
      case 'truncated_normal':
        return random.truncatedNormal(shape, { stddev: Math.sqrt(variance) / CUT_DEVIATION, ...common })
      case 'untruncated_normal':
        return random.normal(shape, { stddev: Math.sqrt(variance), ...common })
      case 'uniform': {
        const limit = Math.sqrt(3 * variance)
        return random.uniform(shape, { minval: -limit, maxval: limit, ...common })
      }
      default:
        return this.distribution satisfies never
    }
  }

  override getConfig(): Record<string, unknown> {
    return {
      ...super.getConfig(),
      scale: this.scale,
      mode: this.mode,
      distribution: this.distribution,
      input_axes: this.inputAxes,
      output_axes: this.outputAxes,
    }
  }
}

/** Inputs and outputs of one unit: for a convolution kernel (…window, in, out) the window counts on both sides. */
export function fansOf(
  shape: Shape,
  inputAxes: readonly number[] | null = null,
  outputAxes: readonly number[] | null = null,
): { fanIn: number; fanOut: number } {
  if (inputAxes !== null || outputAxes !== null) {
    const normalized = (axes: readonly number[]): number[] => axes.map((axis) => normalizeAxis(axis, shape.length, 'initializers'))
    const ins = normalized(inputAxes ?? [-2])
    const outs = normalized(outputAxes ?? [-1])
    const window = sizeOf(shape.filter((_, axis) => !ins.includes(axis) && !outs.includes(axis)))
    const product = (axes: readonly number[]): number => sizeOf(axes.map((axis) => shape[axis] as number))
    return { fanIn: product(ins) * window, fanOut: product(outs) * window }
  }
  if (shape.length < 2) return { fanIn: shape[0] ?? 1, fanOut: shape[0] ?? 1 }
  const window = sizeOf(shape.slice(0, -2))
  return { fanIn: (shape.at(-2) as number) * window, fanOut: (shape.at(-1) as number) * window }
}

/** A named combination of scale, mode and distribution. */
abstract class Preset extends VarianceScaling {
  override getConfig(): Record<string, unknown> {
    const { seed, input_axes, output_axes } = super.getConfig()
    return { seed, input_axes, output_axes }
  }
}

/** Glorot and Bengio 2010, Gaussian. */
export class GlorotNormal extends Preset {
  constructor(options: FanOptions = {}) {
    super({ ...options, mode: 'fan_avg' })
  }
}

/** Glorot and Bengio 2010: uniform within √(6 / (in + out)). */
export class GlorotUniform extends Preset {
  constructor(options: FanOptions = {}) {
    super({ ...options, mode: 'fan_avg', distribution: 'uniform' })
  }
}

/** He et al. 2015, Gaussian. */
export class HeNormal extends Preset {
  constructor(options: FanOptions = {}) {
    super({ ...options, scale: 2 })
  }
}

/** He et al. 2015: uniform within √(6 / in). */
export class HeUniform extends Preset {
  constructor(options: FanOptions = {}) {
    super({ ...options, scale: 2, distribution: 'uniform' })
  }
}

/** LeCun et al. 1998, Gaussian. */
export class LecunNormal extends Preset {
  constructor(options: FanOptions = {}) {
    super(options)
  }
}

/** LeCun et al. 1998: uniform within √(3 / in). */
export class LecunUniform extends Preset {
  constructor(options: FanOptions = {}) {
    super({ ...options, distribution: 'uniform' })
  }
}
