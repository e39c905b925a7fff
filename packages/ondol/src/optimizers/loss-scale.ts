/**
 * Dynamic loss scaling: float16 gradients are kept in range by multiplying the loss. A step whose gradients
 * overflow changes nothing but halves the scale; enough good steps in a row double it.
 * Follows `keras/src/optimizers/loss_scale_optimizer.py`.
 */
import type { Tensor, Variable } from '../engine/index.js'
import * as ops from '../ops/index.js'
import { type LearningRate, Optimizer } from './optimizer.js'

export interface LossScaleOptions {
  /** First scale. Default 2¹⁵. */
  readonly initialScale?: number
  /** Good steps after which the scale doubles. Default 2000. */
  readonly dynamicGrowthSteps?: number
  /** Default: `loss_scale_optimizer`. */
  readonly name?: string
}

export class LossScaleOptimizer extends Optimizer {
  readonly innerOptimizer: Optimizer
  readonly initialScale: number
  readonly dynamicGrowthSteps: number
  #scale: Variable | undefined
  #goodSteps: Variable | undefined

  constructor(innerOptimizer: Optimizer, { initialScale = 2 ** 15, dynamicGrowthSteps = 2000, ...options }: LossScaleOptions = {}) {
    super(options, 0)
    this.innerOptimizer = innerOptimizer
    this.initialScale = initialScale
    this.dynamicGrowthSteps = dynamicGrowthSteps
  }

  override get className(): string {
    return 'LossScaleOptimizer'
  }

  override get variables(): readonly Variable[] {
    return [...super.variables, ...this.innerOptimizer.variables]
  }

  override get learningRate(): Tensor {
    return this.innerOptimizer.learningRate
  }

  override set learningRate(rate: LearningRate) {
    this.innerOptimizer.learningRate = rate
  }

  override get iterations(): Tensor {
    return this.innerOptimizer.iterations
  }

  /** The present scale, a float32 scalar. */
  get scale(): Tensor {
    return this.#scale?.value ?? ops.full([], this.initialScale, 'float32')
  }

  protected override buildState(variables: readonly Variable[]): void {
    this.#makeScale()
    this.innerOptimizer.build(variables)
  }

  #makeScale(): void {
    this.#goodSteps ??= this.addVariable([], 'step_counter', { dtype: 'int32' })
    this.#scale ??= this.addVariable([], 'dynamic_scale', { dtype: 'float32', value: this.initialScale })
  }

  override apply(gradients: readonly (Tensor | null)[], variables?: readonly Variable[]): void {
    const present = gradients.filter((gradient) => gradient !== null)
    // Without gradients there is nothing to scale: the inner optimizer says so.
    if (present.length === 0) {
      this.innerOptimizer.apply(gradients, variables)
      return
    }
    this.build(variables ?? this.requireTrainable())
    const [scale, goodSteps] = [this.#scale as Variable, this.#goodSteps as Variable]
    const isFinite = present.map((gradient) => ops.all(ops.isfinite(gradient))).reduce((all, next) => ops.logicalAnd(all, next))
    const unscaled = gradients.map((gradient) => (gradient === null ? null : ops.divide(ops.cast(gradient, 'float32'), scale.value)))
    this.innerOptimizer.applyIf(isFinite, unscaled, variables)
    const grows = ops.equal(goodSteps.value, this.dynamicGrowthSteps - 1)
    const restarts = ops.logicalOr(ops.logicalNot(isFinite), grows)
    const factor = ops.where(isFinite, ops.where(grows, 2, 1), 0.5)
    scale.assign(ops.multiply(scale.value, ops.cast(factor, 'float32')))
    goodSteps.assign(ops.where(restarts, 0, ops.add(goodSteps.value, 1)))
  }

  protected override updateStep(): void {}

  override scaleLoss(loss: Tensor): Tensor {
    // Before the first step is traced: it must read the Variable, not the number that it begins with.
    this.#makeScale()
    return ops.multiply(loss, ops.cast(this.scale, loss.dtype))
  }

  override finalizeVariableValues(variables: readonly Variable[]): void {
    this.innerOptimizer.finalizeVariableValues(variables)
  }

  override getConfig(): Record<string, unknown> {
    const { innerOptimizer } = this
    return {
      name: this.name,
      inner_optimizer: {
        module: 'keras.optimizers',
        class_name: innerOptimizer.className,
        config: innerOptimizer.getConfig(),
        registered_name: null,
      },
      initial_scale: this.initialScale,
      dynamic_growth_steps: this.dynamicGrowthSteps,
    }
  }
}
