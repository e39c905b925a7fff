/** RMSprop (Hinton, 2012). Follows `keras/src/optimizers/rmsprop.py`. */
import { byName } from '../core/positional.js'
import type { Tensor, Variable } from '../engine/index.js'
import * as ops from '../ops/index.js'
import { type LearningRate, Optimizer, type OptimizerOptions, RATE_FIRST } from './optimizer.js'

export interface RMSpropOptions extends OptimizerOptions {
  /** Decay of the mean of the squares. Default 0.9. */
  readonly rho?: number
  /** Default 0. */
  readonly momentum?: number
  /** Inside the root. Default 1e-7. */
  readonly epsilon?: number
  /** Divide by the variance instead of the mean square. Default false. */
  readonly centered?: boolean
}

/** s ← ρ·s + (1 - ρ)·g², v ← v - lr·g / √(s + ε). Default learning rate 0.001. */
export class RMSprop extends Optimizer {
  readonly rho: number
  readonly momentum: number
  readonly epsilon: number
  readonly centered: boolean
  #velocities: readonly Variable[] = []
  #momentums: readonly Variable[] = []
  #means: readonly Variable[] = []

  constructor(learningRate: LearningRate, options?: Omit<RMSpropOptions, 'learningRate'>)
  constructor(options?: RMSpropOptions)
  constructor(...args: readonly unknown[]) {
    const { rho = 0.9, momentum = 0, epsilon = 1e-7, centered = false, ...options } = byName<RMSpropOptions>(RATE_FIRST, args)
    super(options, 0.001)
    this.rho = rho
    this.momentum = momentum
    this.epsilon = epsilon
    this.centered = centered
  }

  override get className(): string {
    return 'RMSprop'
  }

  protected override buildState(variables: readonly Variable[]): void {
    this.#velocities = this.addVariablesFor(variables, 'velocity')
    if (this.momentum > 0) this.#momentums = this.addVariablesFor(variables, 'momentum')
    if (this.centered) this.#means = this.addVariablesFor(variables, 'average_gradient')
  }

  /** state ← ρ·state + (1 - ρ)·value. */
  #decaying(state: Variable, value: Tensor): Tensor {
    const next = ops.add(ops.multiply(this.rho, state.value), ops.multiply(1 - this.rho, value))
    this.assign(state, next)
    return next
  }

  protected override updateStep(gradient: Tensor, variable: Variable, learningRate: Tensor): void {
    let spread = this.#decaying(this.stateOf(this.#velocities, variable), ops.square(gradient))
    if (this.centered) spread = ops.subtract(spread, ops.square(this.#decaying(this.stateOf(this.#means, variable), gradient)))
    let step = ops.divide(ops.multiply(learningRate, gradient), ops.sqrt(ops.add(spread, this.epsilon)))
    if (this.momentum > 0) {
      const momentum = this.stateOf(this.#momentums, variable)
      step = ops.add(ops.multiply(this.momentum, momentum.value), step)
      this.assign(momentum, step)
    }
    this.assign(variable, ops.subtract(variable.value, step))
  }

  override getConfig(): Record<string, unknown> {
    return { ...super.getConfig(), rho: this.rho, momentum: this.momentum, epsilon: this.epsilon, centered: this.centered }
  }
}
