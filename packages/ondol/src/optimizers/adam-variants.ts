/** Adam's relatives: other measures of size, Nesterov's momentum, a step in proportion to the weights. */
import { byName } from '../core/positional.js'
import type { Tensor, Variable } from '../engine/index.js'
import * as ops from '../ops/index.js'
import { filled, MomentOptimizer, type MomentOptions } from './moments.js'
import { type LearningRate, RATE_FIRST, type StartValue } from './optimizer.js'

/** Adam by the largest gradient instead of the mean square: u ← max(β₂·u, |g|), v ← v - lr·m / ((1 - β₁ᵗ)(u + ε)). */
export class Adamax extends MomentOptimizer {
  #filled: Tensor | undefined

  constructor(learningRate: LearningRate, options?: Omit<MomentOptions, 'learningRate'>)
  constructor(options?: MomentOptions)
  constructor(...args: readonly unknown[]) {
    const options = byName<MomentOptions>(RATE_FIRST, args)
    super(options)
  }

  override get className(): string {
    return 'Adamax'
  }

  protected override get sizeName(): string {
    return 'norm'
  }

  protected override beginStep(learningRate: Tensor): void {
    this.#filled = filled(this.beta1, this.step(learningRate))
  }

  protected override updateStep(gradient: Tensor, variable: Variable, learningRate: Tensor): void {
    const m = this.nextMomentum(gradient, variable)
    const norm = this.sizeOf(variable)
    const u = ops.maximum(ops.multiply(norm.value, this.beta2), ops.abs(gradient))
    this.assign(norm, u)
    const part = ops.cast(this.#filled as Tensor, variable.dtype)
    const step = ops.divide(ops.multiply(learningRate, m), ops.multiply(part, ops.add(u, this.epsilon)))
    this.assign(variable, ops.subtract(variable.value, step))
  }
}

/** Nesterov's momentum grows over the first steps: μₜ = β₁·(1 - 0.5·0.96ᵗ). */
const DECAY = 0.96

interface NadamFactors {
  readonly next: Tensor
  readonly present: Tensor
  readonly filled: Tensor
}

/** Adam with Nesterov's momentum (https://cs229.stanford.edu/proj2015/054_report.pdf). */
export class Nadam extends MomentOptimizer {
  /** μ₁ · … · μₜ. */
  #product: Variable | undefined
  #factors: NadamFactors | undefined

  constructor(learningRate: LearningRate, options?: Omit<MomentOptions, 'learningRate'>)
  constructor(options?: MomentOptions)
  constructor(...args: readonly unknown[]) {
    const options = byName<MomentOptions>(RATE_FIRST, args)
    super(options)
  }

  override get className(): string {
    return 'Nadam'
  }

  protected override buildState(variables: readonly Variable[]): void {
    super.buildState(variables)
    this.#product = this.addVariable([], 'variable', { value: 1 })
  }

  protected override beginStep(learningRate: Tensor): void {
    const step = this.step(learningRate)
    const momentum = (at: Tensor): Tensor => ops.multiply(this.beta1, ops.subtract(1, ops.multiply(0.5, ops.power(DECAY, at))))
    const [present, next] = [momentum(step), momentum(ops.add(step, 1))]
    const state = this.#product as Variable
    const product = ops.multiply(state.value, present)
    this.assign(state, product)
    this.#factors = {
      next: ops.divide(next, ops.subtract(1, ops.multiply(product, next))),
      present: ops.divide(ops.subtract(1, present), ops.subtract(1, product)),
      filled: filled(this.beta2, step),
    }
  }

  protected override updateStep(gradient: Tensor, variable: Variable, learningRate: Tensor): void {
    const { next, present, filled: part } = this.#factors as NadamFactors
    const inDtype = (x: Tensor): Tensor => ops.cast(x, variable.dtype)
    const m = this.nextMomentum(gradient, variable)
    const s = this.nextVelocity(gradient, variable)
    const ahead = ops.add(ops.multiply(inDtype(next), m), ops.multiply(inDtype(present), gradient))
    const size = ops.add(ops.sqrt(ops.divide(s, inDtype(part))), this.epsilon)
    this.assign(variable, ops.subtract(variable.value, ops.divide(ops.multiply(ahead, learningRate), size)))
  }
}

/** Adam whose step is in proportion to the norm of the weights (https://arxiv.org/abs/1904.00962). */
export class Lamb extends MomentOptimizer {
  #filled: readonly [Tensor, Tensor] | undefined

  constructor(learningRate: LearningRate, options?: Omit<MomentOptions, 'learningRate'>)
  constructor(options?: MomentOptions)
  constructor(...args: readonly unknown[]) {
    const options = byName<MomentOptions>(RATE_FIRST, args)
    super(options)
  }

  override get className(): string {
    return 'Lamb'
  }

  protected override beginStep(learningRate: Tensor): void {
    const step = this.step(learningRate)
    this.#filled = [filled(this.beta1, step), filled(this.beta2, step)]
  }

  protected override updateStep(gradient: Tensor, variable: Variable, learningRate: Tensor): void {
    const [first, second] = (this.#filled as readonly [Tensor, Tensor]).map((x) => ops.cast(x, variable.dtype)) as [Tensor, Tensor]
    const m = ops.divide(this.nextMomentum(gradient, variable), first)
    const size = ops.add(ops.sqrt(ops.divide(this.nextVelocity(gradient, variable), second)), this.epsilon)
    const update = ops.divide(m, size)
    const norm = (x: Tensor): Tensor => ops.sqrt(ops.sum(ops.square(x)))
    const [weights, updates] = [norm(variable.value), norm(update)]
    const areBoth = ops.logicalAnd(ops.greater(weights, 0), ops.greater(updates, 0))
    const ratio = ops.where(areBoth, ops.divide(weights, ops.where(areBoth, updates, 1)), 1)
    this.assign(variable, ops.subtract(variable.value, ops.multiply(ops.multiply(ratio, learningRate), update)))
  }
}

export interface ScheduleFreeAdamWOptions extends MomentOptions {
  /** Steps over which the learning rate grows to its value. Default 0. */
  readonly warmupSteps?: number
}

/** AdamW that averages its way instead of following a schedule (https://arxiv.org/abs/2405.15682). Default learning rate 0.0025. */
export class ScheduleFreeAdamW extends MomentOptimizer {
  readonly warmupSteps: number
  #filled: Tensor | undefined
  #step: Tensor | undefined

  constructor(learningRate: LearningRate, options?: Omit<ScheduleFreeAdamWOptions, 'learningRate'>)
  constructor(options?: ScheduleFreeAdamWOptions)
  constructor(...args: readonly unknown[]) {
    const { warmupSteps = 0, ...options } = byName<ScheduleFreeAdamWOptions>(RATE_FIRST, args)
    super({ epsilon: 1e-8, ...options }, 0.0025)
    this.warmupSteps = warmupSteps
  }

  override get className(): string {
    return 'ScheduleFreeAdamW'
  }

  /** The momentum is a second set of weights, which starts where the first one is. */
  protected override get momentumStart(): StartValue {
    return (variable) => ops.multiply(variable.value, 1)
  }

  protected override beginStep(learningRate: Tensor): void {
    this.#step = this.step(learningRate)
    this.#filled = filled(this.beta2, this.#step)
  }

  protected override updateStep(gradient: Tensor, variable: Variable, learningRate: Tensor): void {
    const step = ops.cast(this.#step as Tensor, variable.dtype)
    const warmth = this.warmupSteps > 0 ? ops.minimum(ops.divide(step, this.warmupSteps), 1) : 1
    const base = this.momentumOf(variable)
    const before = base.value
    const s = this.nextVelocity(gradient, variable)
    const size = ops.add(ops.sqrt(ops.divide(s, ops.cast(this.#filled as Tensor, variable.dtype))), this.epsilon)
    const after = ops.subtract(before, ops.divide(ops.multiply(ops.multiply(learningRate, warmth), gradient), size))
    this.assign(base, after)
    // The variable is a mixture of the base and of the average of all bases, which is found back from it.
    const average = ops.divide(ops.subtract(variable.value, ops.multiply(before, 1 - this.beta1)), this.beta1)
    const weight = ops.divide(1, step)
    const nextAverage = ops.add(ops.multiply(ops.subtract(1, weight), average), ops.multiply(weight, after))
    this.assign(variable, ops.add(ops.multiply(after, 1 - this.beta1), ops.multiply(nextAverage, this.beta1)))
  }

  override getConfig(): Record<string, unknown> {
    return { ...super.getConfig(), warmup_steps: this.warmupSteps }
  }
}
