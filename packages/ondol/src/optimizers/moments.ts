/** What the family of Adam shares: running means of gradients and of a measure of their size. */
import type { Tensor, Variable } from '../engine/index.js'
import * as ops from '../ops/index.js'
import { Optimizer, type OptimizerOptions, type StartValue } from './optimizer.js'

export interface MomentOptions extends OptimizerOptions {
  /** Decay of the mean of the gradients. Default 0.9. */
  readonly beta1?: number
  /** Decay of the measure of their size. Default 0.999. */
  readonly beta2?: number
  /** Added to what is divided by. Default 1e-7. */
  readonly epsilon?: number
}

/** `from` moved by `part` of the way towards `to`. */
export const towards = (from: Tensor, to: Tensor, part: number): Tensor => ops.add(from, ops.multiply(ops.subtract(to, from), part))

/** 1 - βᵗ: how much of a running mean that began with 0 is there after `step` steps. */
export const filled = (beta: number, step: Tensor): Tensor => ops.subtract(1, ops.power(beta, step))

export abstract class MomentOptimizer extends Optimizer {
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
  #momentums: readonly Variable[] = []
  #sizes: readonly Variable[] = []

  constructor({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7, ...options }: MomentOptions, learningRate = 0.001) {
    super(options, learningRate)
    this.beta1 = beta1
    this.beta2 = beta2
    this.epsilon = epsilon
  }

  /** What Keras calls the measure of size. */
  protected get sizeName(): string {
    return 'velocity'
  }

  protected get momentumStart(): StartValue {
    return 0
  }

  protected override buildState(variables: readonly Variable[]): void {
    const groups = this.addGroupsFor(variables, ['momentum', this.sizeName], [this.momentumStart])
    ;[this.#momentums, this.#sizes] = groups as [Variable[], Variable[]]
  }

  protected momentumOf(variable: Variable): Variable {
    return this.stateOf(this.#momentums, variable)
  }

  protected sizeOf(variable: Variable): Variable {
    return this.stateOf(this.#sizes, variable)
  }

  /** The number of this step, from 1, in the dtype of `like`. */
  protected step(like: Tensor): Tensor {
    return ops.cast(ops.add(this.iterations, 1), like.dtype)
  }

  /** m ← m + (g - m)(1 - β₁), as the new value. */
  protected nextMomentum(gradient: Tensor, variable: Variable): Tensor {
    const momentum = this.momentumOf(variable)
    const next = towards(momentum.value, gradient, 1 - this.beta1)
    this.assign(momentum, next)
    return next
  }

  /** s ← s + (g² - s)(1 - β₂), as the new value. */
  protected nextVelocity(gradient: Tensor, variable: Variable): Tensor {
    const velocity = this.sizeOf(variable)
    const next = towards(velocity.value, ops.square(gradient), 1 - this.beta2)
    this.assign(velocity, next)
    return next
  }

  override getConfig(): Record<string, unknown> {
    return { ...super.getConfig(), beta_1: this.beta1, beta_2: this.beta2, epsilon: this.epsilon }
  }
}
