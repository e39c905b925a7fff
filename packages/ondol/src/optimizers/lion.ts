/** Lion (https://arxiv.org/abs/2302.06675). Follows `keras/src/optimizers/lion.py`. */

import { ValueError } from '../core/errors.js'
import { byName } from '../core/positional.js'
import type { Tensor, Variable } from '../engine/index.js'
import * as ops from '../ops/index.js'
import { type LearningRate, Optimizer, type OptimizerOptions, RATE_FIRST } from './optimizer.js'

export interface LionOptions extends OptimizerOptions {
  /** What the momentum counts in the direction. Default 0.9. */
  readonly beta1?: number
  /** Decay of the momentum. Default 0.99. */
  readonly beta2?: number
}

/** Steps of one size in the direction of the sign: v ← v - lr·sign(β₁·m + (1 - β₁)·g), m ← β₂·m + (1 - β₂)·g. */
export class Lion extends Optimizer {
  readonly beta1: number
  readonly beta2: number
  #momentums: readonly Variable[] = []

  constructor(learningRate: LearningRate, options?: Omit<LionOptions, 'learningRate'>)
  constructor(options?: LionOptions)
  constructor(...args: readonly unknown[]) {
    const { beta1 = 0.9, beta2 = 0.99, ...options } = byName<LionOptions>(RATE_FIRST, args)
    super(options, 0.001)
    if (!(beta1 > 0 && beta1 <= 1))
      throw new ValueError({ where: this.name, problem: 'beta1 is out of range', expected: 'above 0, up to 1', received: `${beta1}` })
    this.beta1 = beta1
    this.beta2 = beta2
  }

  override get className(): string {
    return 'Lion'
  }

  protected override buildState(variables: readonly Variable[]): void {
    this.#momentums = this.addVariablesFor(variables, 'momentum')
  }

  protected override updateStep(gradient: Tensor, variable: Variable, learningRate: Tensor): void {
    const momentum = this.stateOf(this.#momentums, variable)
    const mixed = (beta: number): Tensor => ops.add(ops.multiply(momentum.value, beta), ops.multiply(gradient, 1 - beta))
    const direction = ops.sign(mixed(this.beta1))
    const next = mixed(this.beta2)
    this.assign(variable, ops.subtract(variable.value, ops.multiply(learningRate, direction)))
    this.assign(momentum, next)
  }

  override getConfig(): Record<string, unknown> {
    return { ...super.getConfig(), beta_1: this.beta1, beta_2: this.beta2 }
  }
}
