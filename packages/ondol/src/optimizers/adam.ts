/** Adam (https://arxiv.org/abs/1412.6980) and AdamW (https://arxiv.org/abs/1711.05101). Follows `keras/src/optimizers/adam.py`. */
import type { Tensor, Variable } from '../engine/index.js'
import * as ops from '../ops/index.js'
import { Optimizer, type OptimizerOptions } from './optimizer.js'

export interface AdamOptions extends OptimizerOptions {
  /** Decay of the mean of the gradients. Default 0.9. */
  readonly beta1?: number
  /** Decay of the mean of their squares. Default 0.999. */
  readonly beta2?: number
  /** Default 1e-7. */
  readonly epsilon?: number
  /** Divide by the largest mean square so far. Default false. */
  readonly amsgrad?: boolean
}

/**
 * m ← m + (g - m)(1 - β₁), s ← s + (g² - s)(1 - β₂), v ← v - α·m / (√s + ε)
 * with α = lr·√(1 - β₂ᵗ) / (1 - β₁ᵗ). Default learning rate 0.001.
 */
export class Adam extends Optimizer {
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
  readonly amsgrad: boolean
  #momentums: readonly Variable[] = []
  #velocities: readonly Variable[] = []
  #largest: readonly Variable[] = []
  #alpha: Tensor | undefined

  constructor({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7, amsgrad = false, ...options }: AdamOptions = {}) {
    super(options, 0.001)
    this.beta1 = beta1
    this.beta2 = beta2
    this.epsilon = epsilon
    this.amsgrad = amsgrad
  }

  override get className(): string {
    return 'Adam'
  }

  /** Momentum and velocity of each Variable stand together, as in Keras's files. */
  protected override buildState(variables: readonly Variable[]): void {
    const pairs = variables.map(
      (variable) =>
        [...this.addVariablesFor([variable], 'momentum'), ...this.addVariablesFor([variable], 'velocity')] as [Variable, Variable],
    )
    this.#momentums = pairs.map(([momentum]) => momentum)
    this.#velocities = pairs.map(([, velocity]) => velocity)
    if (this.amsgrad) this.#largest = this.addVariablesFor(variables, 'velocity_hat')
  }

  protected override beginStep(learningRate: Tensor): void {
    const step = ops.cast(ops.add(this.iterations, 1), learningRate.dtype)
    const remaining = (beta: number): Tensor => ops.subtract(1, ops.power(beta, step))
    this.#alpha = ops.divide(ops.multiply(learningRate, ops.sqrt(remaining(this.beta2))), remaining(this.beta1))
  }

  protected override updateStep(gradient: Tensor, variable: Variable): void {
    const momentum = this.stateOf(this.#momentums, variable)
    const velocity = this.stateOf(this.#velocities, variable)
    const towards = (from: Tensor, to: Tensor, part: number): Tensor => ops.add(from, ops.multiply(ops.subtract(to, from), part))
    const m = towards(momentum.value, gradient, 1 - this.beta1)
    let s = towards(velocity.value, ops.square(gradient), 1 - this.beta2)
    this.assign(momentum, m)
    this.assign(velocity, s)
    if (this.amsgrad) {
      const largest = this.stateOf(this.#largest, variable)
      s = ops.maximum(largest.value, s)
      this.assign(largest, s)
    }
    const alpha = ops.cast(this.#alpha as Tensor, variable.dtype)
    this.assign(variable, ops.subtract(variable.value, ops.divide(ops.multiply(m, alpha), ops.add(ops.sqrt(s), this.epsilon))))
  }

  override getConfig(): Record<string, unknown> {
    return { ...super.getConfig(), beta_1: this.beta1, beta_2: this.beta2, epsilon: this.epsilon, amsgrad: this.amsgrad }
  }
}

/** Adam with weight decay 0.004 unless told otherwise. */
export class AdamW extends Adam {
  constructor(options: AdamOptions = {}) {
    super({ weightDecay: 0.004, ...options })
  }

  override get className(): string {
    return 'AdamW'
  }
}
