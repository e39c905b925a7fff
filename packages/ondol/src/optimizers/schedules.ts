/** Learning rates that depend on the step. Follows `keras/src/optimizers/schedules/learning_rate_schedule.py`. */

import { Callable, INVOKE } from '../core/callable.js'
import { type CustomObjects, customObjectScope } from '../core/custom-objects.js'
import { ValueError } from '../core/errors.js'
import { byName } from '../core/positional.js'
import { Registry } from '../core/registry.js'
import { customFor, describeObject, isClassOf, makeFromConfig } from '../core/serialized.js'
import { type SerializedObject, toKerasConfig } from '../core/spelling.js'
import type { Tensor } from '../engine/index.js'
import type { TensorLike } from '../ops/define.js'
import * as ops from '../ops/index.js'

export interface LearningRateSchedule {
  /** The learning rate at a step, a float32 scalar. */
  // biome-ignore lint/style/useShorthandFunctionType: merges with the class
  (step: TensorLike): Tensor
}

/** A learning rate as a function of the number of steps done. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: instances are callable
export abstract class LearningRateSchedule extends Callable {
  /** Keras's class name, as written to files. */
  get className(): string {
    return this.constructor.name
  }

  /** The rate at `step`, a float32 scalar. */
  abstract call(step: Tensor): Tensor
  abstract getConfig(): Record<string, unknown>

  override [INVOKE](...args: unknown[]): Tensor {
    return this.call(ops.cast(args[0] as TensorLike, 'float32'))
  }
}

export interface DecayOptions {
  /** The rate at step 0. */
  readonly initialLearningRate: number
  /** Steps after which it has decayed once by `decayRate`. */
  readonly decaySteps: number
  /** How much it decays in `decaySteps`. */
  readonly decayRate: number
  /** Change only at whole multiples of `decaySteps`. Default false. */
  readonly staircase?: boolean
  /** Written to configs. */
  readonly name?: string
}

/** What has no default, and can be given by position. */
const RATE_STEPS_FACTOR = ['initialLearningRate', 'decaySteps', 'decayRate'] as const
const RATE_STEPS = ['initialLearningRate', 'decaySteps'] as const
const RATE_FIRST_STEPS = ['initialLearningRate', 'firstDecaySteps'] as const
const PIECES = ['boundaries', 'values'] as const

/** What the schedules in this file share: their options are their config. */
abstract class ScheduleOf<O extends object> extends LearningRateSchedule {
  constructor(
    readonly kerasName: string,
    readonly options: Readonly<O>,
    required: readonly (keyof O & string)[],
  ) {
    super()
    const missing = required.find((name) => options[name] === undefined || options[name] === null)
    if (missing !== undefined)
      throw new ValueError({ where: kerasName, problem: `${missing} is missing`, expected: required.join(', '), received: 'undefined' })
  }

  override get className(): string {
    return this.kerasName
  }

  override getConfig(): Record<string, unknown> {
    return toKerasConfig(this.options as Record<string, unknown>)
  }
}

/** Steps done in units of `decaySteps`. */
const elapsed = (step: Tensor, { decaySteps, staircase }: { readonly decaySteps: number; readonly staircase?: boolean }): Tensor => {
  const periods = ops.divide(step, decaySteps)
  return staircase === true ? ops.floor(periods) : periods
}

/** initial · rate^(step / decaySteps). */
export class ExponentialDecay extends ScheduleOf<DecayOptions> {
  constructor(
    initialLearningRate: number,
    decaySteps: number,
    decayRate: number,
    options?: Omit<DecayOptions, 'initialLearningRate' | 'decaySteps' | 'decayRate'>,
  )
  constructor(options: DecayOptions)
  constructor(...args: readonly unknown[]) {
    const options = byName<DecayOptions>(RATE_STEPS_FACTOR, args)
    super('ExponentialDecay', { staircase: false, name: 'ExponentialDecay', ...options }, RATE_STEPS_FACTOR)
  }

  override call(step: Tensor): Tensor {
    return ops.multiply(this.options.initialLearningRate, ops.power(this.options.decayRate, elapsed(step, this.options)))
  }
}

/** initial / (1 + rate · step / decaySteps). */
export class InverseTimeDecay extends ScheduleOf<DecayOptions> {
  constructor(
    initialLearningRate: number,
    decaySteps: number,
    decayRate: number,
    options?: Omit<DecayOptions, 'initialLearningRate' | 'decaySteps' | 'decayRate'>,
  )
  constructor(options: DecayOptions)
  constructor(...args: readonly unknown[]) {
    const options = byName<DecayOptions>(RATE_STEPS_FACTOR, args)
    super('InverseTimeDecay', { staircase: false, name: 'InverseTimeDecay', ...options }, RATE_STEPS_FACTOR)
  }

  override call(step: Tensor): Tensor {
    return ops.divide(this.options.initialLearningRate, ops.add(1, ops.multiply(this.options.decayRate, elapsed(step, this.options))))
  }
}

export interface PiecewiseOptions {
  /** Last step of each piece but the last. */
  readonly boundaries: readonly number[]
  /** One value more than boundaries. */
  readonly values: readonly number[]
  /** Written to configs. */
  readonly name?: string
}

/** One value up to and including each boundary, the last one after. */
export class PiecewiseConstantDecay extends ScheduleOf<PiecewiseOptions> {
  constructor(boundaries: readonly number[], values: readonly number[], options?: Pick<PiecewiseOptions, 'name'>)
  constructor(options: PiecewiseOptions)
  constructor(...args: readonly unknown[]) {
    const options = byName<PiecewiseOptions>(PIECES, args)
    super('PiecewiseConstantDecay', { name: 'PiecewiseConstant', ...options }, PIECES)
    const { boundaries, values } = options
    if (boundaries.length !== values.length - 1) {
      throw new ValueError({
        where: 'PiecewiseConstantDecay',
        problem: 'there must be one value more than boundaries',
        expected: `${boundaries.length + 1} values`,
        received: `${values.length}`,
      })
    }
  }

  override call(step: Tensor): Tensor {
    const { boundaries, values } = this.options
    return boundaries.reduceRight<Tensor>(
      (later, boundary, piece) => ops.where(ops.lessEqual(step, boundary), values[piece] as number, later),
      ops.full([], values.at(-1) as number, 'float32'),
    )
  }
}

export interface PolynomialOptions {
  /** The rate at step 0. */
  readonly initialLearningRate: number
  /** Steps after which the last rate is reached. */
  readonly decaySteps: number
  /** Default 0.0001. */
  readonly endLearningRate?: number
  /** Default 1: a straight line. */
  readonly power?: number
  /** Start again, for longer, after `decaySteps`. Default false. */
  readonly cycle?: boolean
  /** Written to configs. */
  readonly name?: string
}

/** From initial to end along (1 - step / decaySteps)^power. */
export class PolynomialDecay extends ScheduleOf<Required<PolynomialOptions>> {
  constructor(initialLearningRate: number, decaySteps: number, options?: Omit<PolynomialOptions, 'initialLearningRate' | 'decaySteps'>)
  constructor(options: PolynomialOptions)
  constructor(...args: readonly unknown[]) {
    const options = byName<PolynomialOptions>(RATE_STEPS, args)
    super('PolynomialDecay', { endLearningRate: 0.0001, power: 1, cycle: false, name: 'PolynomialDecay', ...options }, RATE_STEPS)
  }

  override call(step: Tensor): Tensor {
    const { initialLearningRate, decaySteps, endLearningRate, power, cycle } = this.options
    const periods = ops.where(ops.equal(step, 0), 1, ops.ceil(ops.divide(step, decaySteps)))
    const length = cycle ? ops.multiply(decaySteps, periods) : ops.full([], decaySteps, 'float32')
    const done = ops.divide(cycle ? step : ops.minimum(step, decaySteps), length)
    return ops.add(ops.multiply(initialLearningRate - endLearningRate, ops.power(ops.subtract(1, done), power)), endLearningRate)
  }
}

export interface CosineOptions {
  /** The rate at step 0. */
  readonly initialLearningRate: number
  /** Steps of the decay, which begins after the warm-up. */
  readonly decaySteps: number
  /** The smallest rate, as a part of the largest. Default 0. */
  readonly alpha?: number
  /** Rate that a linear warm-up reaches; null for no warm-up. */
  readonly warmupTarget?: number | null
  /** Steps of the warm-up. Default 0. */
  readonly warmupSteps?: number
  /** Written to configs. */
  readonly name?: string
}

/** Half a cosine from initial (or the warm-up's target) to `alpha` times that. */
export class CosineDecay extends ScheduleOf<Required<CosineOptions>> {
  constructor(initialLearningRate: number, decaySteps: number, options?: Omit<CosineOptions, 'initialLearningRate' | 'decaySteps'>)
  constructor(options: CosineOptions)
  constructor(...args: readonly unknown[]) {
    const options = byName<CosineOptions>(RATE_STEPS, args)
    super('CosineDecay', { alpha: 0, warmupTarget: null, warmupSteps: 0, name: 'CosineDecay', ...options }, RATE_STEPS)
  }

  override call(step: Tensor): Tensor {
    const { initialLearningRate, decaySteps, warmupTarget, warmupSteps } = this.options
    if (warmupTarget === null) return this.#decayed(ops.minimum(step, decaySteps), initialLearningRate)
    const bounded = ops.minimum(step, decaySteps + warmupSteps)
    const warming = ops.add(ops.multiply(ops.divide(bounded, warmupSteps), warmupTarget - initialLearningRate), initialLearningRate)
    return ops.where(ops.less(bounded, warmupSteps), warming, this.#decayed(ops.subtract(bounded, warmupSteps), warmupTarget))
  }

  #decayed(step: Tensor, from: number): Tensor {
    const { decaySteps, alpha } = this.options
    const cosine = ops.multiply(0.5, ops.add(1, ops.cos(ops.multiply(Math.PI, ops.divide(step, decaySteps)))))
    return ops.multiply(from, ops.add(ops.multiply(1 - alpha, cosine), alpha))
  }
}

export interface RestartOptions {
  /** The rate at step 0. */
  readonly initialLearningRate: number
  /** Steps of the first decay. */
  readonly firstDecaySteps: number
  /** Each period's length over the last one's. Default 2. */
  readonly tMul?: number
  /** Each period's first rate over the last one's. Default 1. */
  readonly mMul?: number
  /** The smallest rate, as a part of the initial. Default 0. */
  readonly alpha?: number
  /** Written to configs. */
  readonly name?: string
}

/** Half cosines that start again (SGDR, https://arxiv.org/abs/1608.03983). */
export class CosineDecayRestarts extends ScheduleOf<Required<RestartOptions>> {
  constructor(
    initialLearningRate: number,
    firstDecaySteps: number,
    options?: Omit<RestartOptions, 'initialLearningRate' | 'firstDecaySteps'>,
  )
  constructor(options: RestartOptions)
  constructor(...args: readonly unknown[]) {
    const options = byName<RestartOptions>(RATE_FIRST_STEPS, args)
    super('CosineDecayRestarts', { tMul: 2, mMul: 1, alpha: 0, name: 'SGDRDecay', ...options }, RATE_FIRST_STEPS)
  }

  override call(step: Tensor): Tensor {
    const { initialLearningRate, firstDecaySteps, tMul, mMul, alpha } = this.options
    const total = ops.divide(step, firstDecaySteps)
    const restarts =
      tMul === 1 ? ops.floor(total) : ops.floor(ops.divide(ops.log(ops.subtract(1, ops.multiply(total, 1 - tMul))), Math.log(tMul)))
    const grown = ops.power(tMul, restarts)
    const done =
      tMul === 1 ? ops.subtract(total, restarts) : ops.divide(ops.subtract(total, ops.divide(ops.subtract(1, grown), 1 - tMul)), grown)
    const cosine = ops.multiply(ops.multiply(0.5, ops.power(mMul, restarts)), ops.add(1, ops.cos(ops.multiply(Math.PI, done))))
    return ops.multiply(initialLearningRate, ops.add(ops.multiply(1 - alpha, cosine), alpha))
  }
}

type ScheduleConstructor = new (options: never) => LearningRateSchedule
const registry = new Registry<ScheduleConstructor>('learning rate schedule', {
  ExponentialDecay,
  InverseTimeDecay,
  PiecewiseConstantDecay,
  PolynomialDecay,
  CosineDecay,
  CosineDecayRestarts,
})

/** As Keras writes it to files. */
export function serialize(schedule: LearningRateSchedule): SerializedObject {
  const { className } = schedule
  const isKeras = registry.has(className) && registry.get(className) === schedule.constructor
  return describeObject(schedule, isKeras ? { module: 'keras.optimizers.schedules', className } : undefined)
}

/** The schedule that `serialize` described. */
export function deserialize(description: SerializedObject, customObjects?: CustomObjects): LearningRateSchedule {
  if (customObjects !== undefined) return customObjectScope(customObjects, () => deserialize(description))
  const custom = customFor(description)
  const Class = isClassOf(custom, LearningRateSchedule) ? custom : registry.get(description.class_name)
  return makeFromConfig(Class as ScheduleConstructor, description.config)
}
