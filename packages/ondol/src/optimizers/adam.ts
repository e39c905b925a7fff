/** Adam (https://arxiv.org/abs/1412.6980) and AdamW (https://arxiv.org/abs/1711.05101). Follows `keras/src/optimizers/adam.py`. */
import { byName } from '../core/positional.js'
import type { Tensor, Variable } from '../engine/index.js'
import * as ops from '../ops/index.js'
import { filled, MomentOptimizer, type MomentOptions } from './moments.js'
import { type LearningRate, RATE_FIRST } from './optimizer.js'

export interface AdamOptions extends MomentOptions {
  /** Divide by the largest mean square so far. Default false. */
  readonly amsgrad?: boolean
}

/**
 * m ← m + (g - m)(1 - β₁), s ← s + (g² - s)(1 - β₂), v ← v - α·m / (√s + ε)
 * with α = lr·√(1 - β₂ᵗ) / (1 - β₁ᵗ). Default learning rate 0.001.
 */
export class Adam extends MomentOptimizer {
  readonly amsgrad: boolean
  #largest: readonly Variable[] = []
  #alpha: Tensor | undefined

  constructor(learningRate: LearningRate, options?: Omit<AdamOptions, 'learningRate'>)
  constructor(options?: AdamOptions)
  constructor(...args: readonly unknown[]) {
    const { amsgrad = false, ...options } = byName<AdamOptions>(RATE_FIRST, args)
    super(options)
    this.amsgrad = amsgrad
  }

  override get className(): string {
    return 'Adam'
  }

  protected override buildState(variables: readonly Variable[]): void {
    super.buildState(variables)
    if (this.amsgrad) this.#largest = this.addVariablesFor(variables, 'velocity_hat')
  }

  protected override beginStep(learningRate: Tensor): void {
    const step = this.step(learningRate)
    this.#alpha = ops.divide(ops.multiply(learningRate, ops.sqrt(filled(this.beta2, step))), filled(this.beta1, step))
  }

  protected override updateStep(gradient: Tensor, variable: Variable): void {
    const m = this.nextMomentum(gradient, variable)
    let s = this.nextVelocity(gradient, variable)
    if (this.amsgrad) {
      const largest = this.stateOf(this.#largest, variable)
      s = ops.maximum(largest.value, s)
      this.assign(largest, s)
    }
    const alpha = ops.cast(this.#alpha as Tensor, variable.dtype)
    this.assign(variable, ops.subtract(variable.value, ops.divide(ops.multiply(m, alpha), ops.add(ops.sqrt(s), this.epsilon))))
  }

  override getConfig(): Record<string, unknown> {
    return { ...super.getConfig(), amsgrad: this.amsgrad }
  }
}

/** Adam with weight decay 0.004 unless told otherwise. */
export class AdamW extends Adam {
  constructor(learningRate: LearningRate, options?: Omit<AdamOptions, 'learningRate'>)
  constructor(options?: AdamOptions)
  constructor(...args: readonly unknown[]) {
    const options = byName<AdamOptions>(RATE_FIRST, args)
    super({ weightDecay: 0.004, ...options })
  }

  override get className(): string {
    return 'AdamW'
  }
}
