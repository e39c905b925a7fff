/** Gradient descent, with momentum. Follows `keras/src/optimizers/sgd.py`. */

import { ValueError } from '../core/errors.js'
import { byName } from '../core/positional.js'
import type { Tensor, Variable } from '../engine/index.js'
import * as ops from '../ops/index.js'
import { type LearningRate, Optimizer, type OptimizerOptions, RATE_FIRST } from './optimizer.js'

export interface SGDOptions extends OptimizerOptions {
  /** From 0 (none) to 1. Default 0. */
  readonly momentum?: number
  /** Nesterov's momentum. Default false. */
  readonly nesterov?: boolean
}

/** v ← v - lr·g; with momentum m ← μ·m - lr·g, v ← v + m (Nesterov: v + μ·m - lr·g). Default learning rate 0.01. */
export class SGD extends Optimizer {
  readonly momentum: number
  readonly nesterov: boolean
  #momentums: readonly Variable[] = []

  constructor(learningRate: LearningRate, options?: Omit<SGDOptions, 'learningRate'>)
  constructor(options?: SGDOptions)
  constructor(...args: readonly unknown[]) {
    const { momentum = 0, nesterov = false, ...options } = byName<SGDOptions>(RATE_FIRST, args)
    super(options, 0.01)
    if (!(momentum >= 0 && momentum <= 1))
      throw new ValueError({
        where: this.name,
        problem: 'momentum is out of range',
        expected: 'a number from 0 to 1',
        received: `${momentum}`,
      })
    this.momentum = momentum
    this.nesterov = nesterov
  }

  override get className(): string {
    return 'SGD'
  }

  protected override buildState(variables: readonly Variable[]): void {
    if (this.momentum !== 0) this.#momentums = this.addVariablesFor(variables, 'momentum')
  }

  protected override updateStep(gradient: Tensor, variable: Variable, learningRate: Tensor): void {
    const descent = ops.multiply(gradient, learningRate)
    if (this.momentum === 0) {
      this.assign(variable, ops.subtract(variable.value, descent))
      return
    }
    const momentum = this.stateOf(this.#momentums, variable)
    const carried = ops.subtract(ops.multiply(momentum.value, this.momentum), descent)
    this.assign(momentum, carried)
    const step = this.nesterov ? ops.subtract(ops.multiply(carried, this.momentum), descent) : carried
    this.assign(variable, ops.add(variable.value, step))
  }

  override getConfig(): Record<string, unknown> {
    return { ...super.getConfig(), momentum: this.momentum, nesterov: this.nesterov }
  }
}
