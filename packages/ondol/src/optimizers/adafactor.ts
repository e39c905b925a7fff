/** Adafactor (https://arxiv.org/abs/1804.04235): mean squares of matrices by rows and columns. Follows `keras/src/optimizers/adafactor.py`. */
import { byName } from '../core/positional.js'
import type { Tensor, Variable } from '../engine/index.js'
import * as ops from '../ops/index.js'
import { type LearningRate, Optimizer, type OptimizerOptions, RATE_FIRST } from './optimizer.js'

export interface AdafactorOptions extends OptimizerOptions {
  /** The decay of the mean squares is 1 - t^this. Default -0.8. */
  readonly beta2Decay?: number
  /** Added to the squares of gradients. Default 1e-30. */
  readonly epsilon1?: number
  /** The least size of weights that steps are in proportion to. Default 0.001. */
  readonly epsilon2?: number
  /** The largest root mean square of an update. Default 1. */
  readonly clipThreshold?: number
  /** The learning rate is at most 1 / √t. Default true. */
  readonly relativeStep?: boolean
}

/** Steps in proportion to the size of the weights, with memory for rows and columns only. Default learning rate 0.001. */
export class Adafactor extends Optimizer {
  readonly beta2Decay: number
  readonly epsilon1: number
  readonly epsilon2: number
  readonly clipThreshold: number
  readonly relativeStep: boolean
  #rows: readonly (Variable | undefined)[] = []
  #columns: readonly (Variable | undefined)[] = []
  #velocities: readonly Variable[] = []
  #order: readonly Variable[] = []

  constructor(learningRate: LearningRate, options?: Omit<AdafactorOptions, 'learningRate'>)
  constructor(options?: AdafactorOptions)
  constructor(...args: readonly unknown[]) {
    const options = byName<AdafactorOptions>(RATE_FIRST, args)
    const { beta2Decay = -0.8, epsilon1 = 1e-30, epsilon2 = 0.001, clipThreshold = 1, relativeStep = true, ...common } = options
    super(common, 0.001)
    this.beta2Decay = beta2Decay
    this.epsilon1 = epsilon1
    this.epsilon2 = epsilon2
    this.clipThreshold = clipThreshold
    this.relativeStep = relativeStep
  }

  override get className(): string {
    return 'Adafactor'
  }

  protected override buildState(variables: readonly Variable[]): void {
    const rows: (Variable | undefined)[] = []
    const columns: (Variable | undefined)[] = []
    const velocities: Variable[] = []
    for (const variable of variables) {
      const { shape, dtype, name } = variable
      const isMatrix = shape.length >= 2
      // Keras keeps two scalars in the place of rows and columns of what is no matrix.
      const row = isMatrix ? this.addVariable(shape.slice(0, -1), name, { dtype }) : this.addVariable([], name, { dtype: 'int32' })
      const column = isMatrix
        ? this.addVariable([...shape.slice(0, -2), shape.at(-1) as number], name, { dtype })
        : this.addVariable([], name, { dtype: 'int32' })
      rows.push(isMatrix ? row : undefined)
      columns.push(isMatrix ? column : undefined)
      velocities.push(...this.addVariablesFor([variable], 'velocity'))
    }
    this.#order = [...variables]
    this.#rows = rows
    this.#columns = columns
    this.#velocities = velocities
  }

  protected override updateStep(gradient: Tensor, variable: Variable, learningRate: Tensor): void {
    const place = this.#order.indexOf(variable)
    const step = ops.cast(ops.add(this.iterations, 1), variable.dtype)
    const limit = ops.rsqrt(step)
    const scale = ops.maximum(rootMeanSquare(variable.value), this.epsilon2)
    const alpha = ops.multiply(scale, ops.minimum(learningRate, limit))
    const decay = ops.subtract(1, ops.power(step, this.beta2Decay))
    const square = ops.add(ops.square(gradient), this.epsilon1)
    const averaged = (state: Variable, value: Tensor): Tensor => {
      const next = ops.add(ops.multiply(decay, state.value), ops.multiply(ops.subtract(1, decay), value))
      this.assign(state, next)
      return next
    }
    const velocity = this.#velocities[place] as Variable
    const [row, column] = [this.#rows[place], this.#columns[place]]
    let spread: Tensor
    if (row === undefined || column === undefined) {
      spread = averaged(velocity, square)
    } else {
      const r = averaged(row, ops.mean(square, { axis: -1 }))
      const c = averaged(column, ops.mean(square, { axis: -2 }))
      spread = ops.multiply(ops.expandDims(ops.divide(r, ops.mean(r, { axis: -1, keepdims: true })), -1), ops.expandDims(c, -2))
      this.assign(velocity, spread)
    }
    const update = ops.divide(gradient, ops.sqrt(spread))
    const clipped = ops.divide(update, ops.maximum(1, ops.divide(rootMeanSquare(update), this.clipThreshold)))
    this.assign(variable, ops.subtract(variable.value, ops.multiply(alpha, clipped)))
  }

  override getConfig(): Record<string, unknown> {
    return {
      ...super.getConfig(),
      beta_2_decay: this.beta2Decay,
      epsilon_1: this.epsilon1,
      epsilon_2: this.epsilon2,
      clip_threshold: this.clipThreshold,
      relative_step: this.relativeStep,
    }
  }
}

const rootMeanSquare = (x: Tensor): Tensor => ops.sqrt(ops.mean(ops.square(x)))
