/** Adagrad, Adadelta and FTRL: steps by all gradients so far. Follow `keras/src/optimizers/{adagrad,adadelta,ftrl}.py`. */

import { ValueError } from '../core/errors.js'
import { byName } from '../core/positional.js'
import type { Tensor, Variable } from '../engine/index.js'
import * as ops from '../ops/index.js'
import { type LearningRate, Optimizer, type OptimizerOptions, RATE_FIRST } from './optimizer.js'

export interface AdagradOptions extends OptimizerOptions {
  /** What the sums of squares begin with. Default 0.1. */
  readonly initialAccumulatorValue?: number
  /** Default 1e-7. */
  readonly epsilon?: number
}

/** a ← a + g², v ← v - lr·g / √(a + ε). Default learning rate 0.001. */
export class Adagrad extends Optimizer {
  readonly initialAccumulatorValue: number
  readonly epsilon: number
  #accumulators: readonly Variable[] = []

  constructor(learningRate: LearningRate, options?: Omit<AdagradOptions, 'learningRate'>)
  constructor(options?: AdagradOptions)
  constructor(...args: readonly unknown[]) {
    const { initialAccumulatorValue = 0.1, epsilon = 1e-7, ...options } = byName<AdagradOptions>(RATE_FIRST, args)
    super(options, 0.001)
    this.initialAccumulatorValue = initialAccumulatorValue
    this.epsilon = epsilon
  }

  override get className(): string {
    return 'Adagrad'
  }

  protected override buildState(variables: readonly Variable[]): void {
    this.#accumulators = this.addVariablesFor(variables, 'accumulator', this.initialAccumulatorValue)
  }

  protected override updateStep(gradient: Tensor, variable: Variable, learningRate: Tensor): void {
    const accumulator = this.stateOf(this.#accumulators, variable)
    const sum = ops.add(accumulator.value, ops.square(gradient))
    this.assign(accumulator, sum)
    const step = ops.divide(ops.multiply(learningRate, gradient), ops.sqrt(ops.add(sum, this.epsilon)))
    this.assign(variable, ops.subtract(variable.value, step))
  }

  override getConfig(): Record<string, unknown> {
    return { ...super.getConfig(), initial_accumulator_value: this.initialAccumulatorValue, epsilon: this.epsilon }
  }
}

export interface AdadeltaOptions extends OptimizerOptions {
  /** Decay of the means of squares. Default 0.95. */
  readonly rho?: number
  /** Default 1e-7. */
  readonly epsilon?: number
}

/** Steps in the size of earlier steps (https://arxiv.org/abs/1212.5701): v ← v - lr·g·rms(steps) / rms(gradients). */
export class Adadelta extends Optimizer {
  readonly rho: number
  readonly epsilon: number
  #gradients: readonly Variable[] = []
  #steps: readonly Variable[] = []

  constructor(learningRate: LearningRate, options?: Omit<AdadeltaOptions, 'learningRate'>)
  constructor(options?: AdadeltaOptions)
  constructor(...args: readonly unknown[]) {
    const { rho = 0.95, epsilon = 1e-7, ...options } = byName<AdadeltaOptions>(RATE_FIRST, args)
    super(options, 0.001)
    this.rho = rho
    this.epsilon = epsilon
  }

  override get className(): string {
    return 'Adadelta'
  }

  protected override buildState(variables: readonly Variable[]): void {
    const groups = this.addGroupsFor(variables, ['accumulated_grad', 'accumulated_delta_var'])
    ;[this.#gradients, this.#steps] = groups as [Variable[], Variable[]]
  }

  /** state ← ρ·state + (1 - ρ)·x². */
  #average(state: Variable, x: Tensor): Tensor {
    const next = ops.add(ops.multiply(this.rho, state.value), ops.multiply(1 - this.rho, ops.square(x)))
    this.assign(state, next)
    return next
  }

  protected override updateStep(gradient: Tensor, variable: Variable, learningRate: Tensor): void {
    const steps = this.stateOf(this.#steps, variable)
    const rms = (square: Tensor): Tensor => ops.sqrt(ops.add(square, this.epsilon))
    const usual = rms(steps.value)
    const step = ops.divide(ops.multiply(usual, gradient), rms(this.#average(this.stateOf(this.#gradients, variable), gradient)))
    this.#average(steps, step)
    this.assign(variable, ops.subtract(variable.value, ops.multiply(learningRate, step)))
  }

  override getConfig(): Record<string, unknown> {
    return { ...super.getConfig(), rho: this.rho, epsilon: this.epsilon }
  }
}

export interface FtrlOptions extends OptimizerOptions {
  /** At most 0; 0 keeps the learning rate fixed. Default -0.5. */
  readonly learningRatePower?: number
  /** Default 0.1. */
  readonly initialAccumulatorValue?: number
  /** Default 0. */
  readonly l1RegularizationStrength?: number
  /** Default 0. */
  readonly l2RegularizationStrength?: number
  /** As l2, but only on the gradient. Default 0. */
  readonly l2ShrinkageRegularizationStrength?: number
  /** Default 0. */
  readonly beta?: number
}

/** Follow the regularized leader (https://research.google.com/pubs/archive/41159.pdf). Default learning rate 0.001. */
export class Ftrl extends Optimizer {
  readonly learningRatePower: number
  readonly initialAccumulatorValue: number
  readonly l1RegularizationStrength: number
  readonly l2RegularizationStrength: number
  readonly l2ShrinkageRegularizationStrength: number
  readonly beta: number
  #accumulators: readonly Variable[] = []
  #linears: readonly Variable[] = []

  constructor(learningRate: LearningRate, options?: Omit<FtrlOptions, 'learningRate'>)
  constructor(options?: FtrlOptions)
  constructor(...args: readonly unknown[]) {
    const {
      learningRatePower = -0.5,
      initialAccumulatorValue = 0.1,
      l1RegularizationStrength = 0,
      l2RegularizationStrength = 0,
      l2ShrinkageRegularizationStrength = 0,
      beta = 0,
      ...options
    } = byName<FtrlOptions>(RATE_FIRST, args)
    super(options, 0.001)
    const strengths = { initialAccumulatorValue, l1RegularizationStrength, l2RegularizationStrength, l2ShrinkageRegularizationStrength }
    for (const [option, value] of Object.entries(strengths)) this.#require(option, value >= 0, 'a number of at least 0', value)
    this.#require('learningRatePower', learningRatePower <= 0, 'a number of at most 0', learningRatePower)
    this.learningRatePower = learningRatePower
    this.initialAccumulatorValue = initialAccumulatorValue
    this.l1RegularizationStrength = l1RegularizationStrength
    this.l2RegularizationStrength = l2RegularizationStrength
    this.l2ShrinkageRegularizationStrength = l2ShrinkageRegularizationStrength
    this.beta = beta
  }

  #require(option: string, isRight: boolean, expected: string, received: number): void {
    if (!isRight) throw new ValueError({ where: this.name, problem: `${option} is out of range`, expected, received: `${received}` })
  }

  override get className(): string {
    return 'Ftrl'
  }

  protected override buildState(variables: readonly Variable[]): void {
    const groups = this.addGroupsFor(variables, ['accumulator', 'linear'], [this.initialAccumulatorValue, 0])
    ;[this.#accumulators, this.#linears] = groups as [Variable[], Variable[]]
  }

  protected override updateStep(gradient: Tensor, variable: Variable, learningRate: Tensor): void {
    const accumulator = this.stateOf(this.#accumulators, variable)
    const linear = this.stateOf(this.#linears, variable)
    const powered = (x: Tensor): Tensor => ops.power(x, -this.learningRatePower)
    const shrunk = ops.add(gradient, ops.multiply(2 * this.l2ShrinkageRegularizationStrength, variable.value))
    const sum = ops.add(accumulator.value, ops.square(gradient))
    const growth = ops.divide(ops.subtract(powered(sum), powered(accumulator.value)), learningRate)
    const z = ops.add(linear.value, ops.subtract(shrunk, ops.multiply(growth, variable.value)))
    const l2 = ops.add(this.l2RegularizationStrength, ops.divide(this.beta, ops.multiply(2, learningRate)))
    const quadratic = ops.add(ops.divide(powered(sum), learningRate), ops.multiply(2, l2))
    const l1 = this.l1RegularizationStrength
    this.assign(linear, z)
    this.assign(variable, ops.divide(ops.subtract(ops.clip(z, -l1, l1), z), quadratic))
    this.assign(accumulator, sum)
  }

  override getConfig(): Record<string, unknown> {
    return {
      ...super.getConfig(),
      learning_rate_power: this.learningRatePower,
      initial_accumulator_value: this.initialAccumulatorValue,
      l1_regularization_strength: this.l1RegularizationStrength,
      l2_regularization_strength: this.l2RegularizationStrength,
      l2_shrinkage_regularization_strength: this.l2ShrinkageRegularizationStrength,
      beta: this.beta,
    }
  }
}
