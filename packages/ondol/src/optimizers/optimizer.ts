/**
 * The base of all optimizers. Follows `keras/src/optimizers/base_optimizer.py`; the order within a step is
 * unscale, accumulate, clip, decay weights, update, average, constrain, count.
 *
 * What depends on the step alone is computed once for all Variables (`beginStep`), and one Variable's update
 * is a handful of element-wise operations, which a backend runs as one loop in place. A step that must not
 * happen (gradients still gathering, or not finite) is no branch: every assignment keeps the old value.
 */

import type { DType } from '../core/dtype.js'
import { ShapeError, ValueError } from '../core/errors.js'
import { refuseUnknownOptions } from '../core/known-options.js'
import { type Shape, sameShape } from '../core/shape.js'
import { isSerializedObject, type SerializedObject } from '../core/spelling.js'
import { runStateless, Tensor, Variable } from '../engine/index.js'
import { floatx } from '../ops/config.js'
import * as ops from '../ops/index.js'
import { autoName } from '../ops/naming.js'
import { clipGradients } from './clipping.js'
import { deserialize, LearningRateSchedule, serialize } from './schedules.js'

/** A number, a schedule, a Variable of your own, or a function of no arguments. */
export type LearningRate = number | LearningRateSchedule | Variable | (() => number | Tensor)

export interface OptimizerOptions {
  /** A number, a schedule, or a function that gives the present rate. */
  readonly learningRate?: LearningRate | SerializedObject
  /** Part of each weight that is taken away at each step, times the learning rate; independent of the gradient. */
  readonly weightDecay?: number | null
  /** Largest norm of each gradient. */
  readonly clipnorm?: number | null
  /** Largest norm of all gradients taken together. */
  readonly globalClipnorm?: number | null
  /** Largest size of each element of a gradient. */
  readonly clipvalue?: number | null
  /** Keep a moving average of the weights, and end with it. Default false. */
  readonly useEma?: boolean
  /** Default 0.99. */
  readonly emaMomentum?: number
  /** Put the average in the place of the weights after every so many steps. */
  readonly emaOverwriteFrequency?: number | null
  /** What the loss is multiplied by, and the gradients divided by. */
  readonly lossScaleFactor?: number | null
  /** Update once in so many steps, with the mean of their gradients. */
  readonly gradientAccumulationSteps?: number | null
  /** Default: the class's name in snake case. */
  readonly name?: string
}

/** Where the learning rate stands by position: `new SGD(0.1, { momentum: 0.9 })`. */
export const RATE_FIRST = ['learningRate'] as const

type Settled = Required<Omit<OptimizerOptions, 'learningRate' | 'name'>>

const DEFAULTS: Settled = {
  weightDecay: null,
  clipnorm: null,
  globalClipnorm: null,
  clipvalue: null,
  useEma: false,
  emaMomentum: 0.99,
  emaOverwriteFrequency: null,
  lossScaleFactor: null,
  gradientAccumulationSteps: null,
}

/** Pairs for `applyGradients`; a Variable whose gradient is null stays as it is. */
export type GradientPairs = Iterable<readonly [gradient: Tensor | null, variable: Variable]>

/** What state starts with: one number everywhere, or something made of the Variable that it belongs to. */
export type StartValue = number | ((variable: Variable) => Tensor)

export abstract class Optimizer {
  readonly name: string
  protected readonly settings: Settled
  readonly #variables: Variable[] = []
  /** Updates asked for; with gradient accumulation, counts the steps in between too. */
  readonly #steps: Variable
  #rate: LearningRateSchedule | Variable | (() => number | Tensor)
  #trainable: readonly Variable[] | undefined
  readonly #indices = new Map<Variable, number>()
  #averages: readonly Variable[] = []
  #accumulators: readonly Variable[] = []
  #excluded: { readonly variables: ReadonlySet<Variable>; readonly names: readonly string[] } = { variables: new Set(), names: [] }
  /** Where false, assignments of this step keep the old value. */
  #condition: Tensor | undefined

  constructor(options: OptimizerOptions, learningRate: number) {
    const { name, learningRate: given = learningRate, ...rest } = options
    this.name = name ?? autoName(this.className)
    refuseUnknownOptions(this.name, rest, Object.keys(DEFAULTS), ['learningRate', 'name', ...Object.keys(DEFAULTS)])
    this.settings = { ...DEFAULTS, ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)) }
    this.#requireSettings()
    this.#steps = this.addVariable([], 'iteration', { dtype: 'int32' })
    const rate = isSerializedObject(given) ? deserialize(given) : given
    this.#rate = typeof rate === 'number' ? this.addVariable([], 'learning_rate', { value: rate }) : rate
  }

  #requireSettings(): void {
    const { clipnorm, globalClipnorm, clipvalue, useEma, emaMomentum, gradientAccumulationSteps } = this.settings
    const where = this.name
    const given = Object.entries({ clipnorm, globalClipnorm, clipvalue }).filter(([, value]) => value !== null)
    if (given.length > 1) {
      throw new ValueError({
        where,
        problem: 'gradients can be clipped in one way only',
        expected: 'one of clipnorm, globalClipnorm and clipvalue',
        received: given.map(([key]) => key).join(' and '),
      })
    }
    if (useEma && (emaMomentum < 0 || emaMomentum > 1)) {
      throw new ValueError({ where, problem: 'emaMomentum is out of range', expected: 'a number from 0 to 1', received: `${emaMomentum}` })
    }
    if (gradientAccumulationSteps !== null && !(Number.isInteger(gradientAccumulationSteps) && gradientAccumulationSteps >= 2)) {
      throw new ValueError({
        where,
        problem: 'gradientAccumulationSteps is no count of steps',
        expected: 'a whole number of at least 2',
        received: `${gradientAccumulationSteps}`,
      })
    }
  }

  /** Keras's class name, as written to files. */
  get className(): string {
    return this.constructor.name
  }

  /** Whether the state for the model's Variables is there. */
  get built(): boolean {
    return this.#trainable !== undefined
  }

  /** Iterations, learning rate, then state in order of creation. */
  get variables(): readonly Variable[] {
    return this.#variables
  }

  /** Updates done, an int32 scalar. */
  get iterations(): Tensor {
    const { gradientAccumulationSteps } = this.settings
    return gradientAccumulationSteps === null ? this.#steps.value : ops.floorDivide(this.#steps.value, gradientAccumulationSteps)
  }

  /** The present learning rate, a float scalar. */
  get learningRate(): Tensor {
    const rate = this.#rate
    if (rate instanceof Variable) return rate.value
    if (rate instanceof LearningRateSchedule) return rate(this.#steps.value)
    const value = rate()
    return value instanceof Tensor ? value : ops.full([], value, floatx())
  }

  /** @throws ValueError when a schedule decides on the rate. */
  set learningRate(rate: LearningRate) {
    if (typeof rate !== 'number') {
      this.#rate = rate
      return
    }
    if (this.#rate instanceof LearningRateSchedule) {
      throw new ValueError({
        where: `${this.name}.learningRate`,
        problem: 'a schedule decides on the learning rate',
        received: `${rate}`,
        hint: 'make the optimizer with a number, or set another schedule',
      })
    }
    if (this.#rate instanceof Variable) this.#rate.assignOwned(ops.full([], rate, this.#rate.dtype))
    else this.#rate = this.addVariable([], 'learning_rate', { value: rate })
  }

  /** Makes the state for the Variables that will be trained. */
  build(variables: readonly Variable[]): void {
    if (this.built) return
    this.#trainable = [...variables]
    variables.forEach((variable, index) => this.#indices.set(variable, index))
    if (this.settings.useEma) this.#averages = this.addVariablesFor(variables, 'average')
    if (this.settings.gradientAccumulationSteps !== null) this.#accumulators = this.addVariablesFor(variables, 'gradient_accumulator')
    this.buildState(variables)
  }

  /** Makes the optimizer's own state. */
  protected buildState(_variables: readonly Variable[]): void {}

  /** What one step's updates share: computed once, before the first `updateStep`. */
  protected beginStep(_learningRate: Tensor): void {}

  /** Updates one Variable; state is read and written with `stateOf` and `assign`. */
  protected abstract updateStep(gradient: Tensor, variable: Variable, learningRate: Tensor): void

  /** Leaves Variables out of the weight decay: themselves, or those whose name has one of the words in it. */
  excludeFromWeightDecay({
    variables = [],
    names = [],
  }: {
    readonly variables?: Iterable<Variable>
    readonly names?: readonly string[]
  }): void {
    if (this.built)
      throw new ValueError({
        where: `${this.name}.excludeFromWeightDecay`,
        problem: 'the optimizer is built already',
        hint: 'call it before the first step',
      })
    this.#excluded = { variables: new Set(variables), names }
  }

  /**
   * One step: updates each Variable by its gradient.
   *
   * @example
   * optimizer.applyGradients(gradients.map((gradient, i) => [gradient, variables[i]]))
   */
  applyGradients(pairs: GradientPairs): void {
    const list = [...pairs]
    this.apply(
      list.map(([gradient]) => gradient),
      list.map(([, variable]) => variable),
    )
  }

  /** As `applyGradients`; without Variables, for those that the optimizer was built with. */
  apply(gradients: readonly (Tensor | null)[], variables?: readonly Variable[]): void {
    if (gradients.length === 0) return
    const all = variables ?? this.requireTrainable()
    if (all.length !== gradients.length) {
      throw new ValueError({
        where: `${this.name}.apply`,
        problem: 'gradients and Variables do not pair up',
        expected: `${all.length} gradients`,
        received: `${gradients.length} gradients`,
      })
    }
    this.build(all)
    this.updateAll(gradients, all)
    this.assign(this.#steps, ops.add(this.#steps.value, 1))
  }

  /** Updates each Variable by its gradient, and keeps to its constraint. */
  protected updateAll(gradients: readonly (Tensor | null)[], variables: readonly Variable[]): void {
    const pairs = this.#knownPairs(gradients, variables)
    this.#applyPairs(pairs)
    for (const { variable } of pairs) {
      if (variable.constraint !== undefined) this.assign(variable, variable.constraint(variable.value))
    }
  }

  /**
   * As `apply`, on values: new values of the trainable Variables and of the optimizer's, in order. Nothing changes.
   *
   * @throws ValueError when the optimizer is not built, or the values do not fit.
   * @example
   * const [weights, state] = optimizer.statelessApply(state0, gradients, weights0)
   */
  statelessApply(
    optimizerVariables: readonly Tensor[],
    gradients: readonly (Tensor | null)[],
    trainableVariables: readonly Tensor[],
  ): [trainableVariables: Tensor[], optimizerVariables: Tensor[]] {
    const where = `${this.name}.statelessApply`
    const trainable = this.requireTrainable()
    const [, [weights = [], state = []]] = runStateless(
      where,
      [
        { what: 'trainableVariables', variables: trainable, values: trainableVariables },
        { what: 'optimizerVariables', variables: this.variables, values: optimizerVariables },
      ],
      () => this.apply(gradients, trainable),
    )
    return [weights, state]
  }

  /** As `apply`, but where `condition` is false nothing changes. */
  applyIf(condition: Tensor, gradients: readonly (Tensor | null)[], variables?: readonly Variable[]): void {
    this.#when(condition, () => this.apply(gradients, variables))
  }

  /** The Variables that it was built with. */
  protected requireTrainable(): readonly Variable[] {
    if (this.#trainable !== undefined) return this.#trainable
    throw new ValueError({
      where: this.name,
      problem: 'the optimizer does not know the Variables yet',
      expected: 'Variables as second argument of apply, or build(variables) before',
    })
  }

  #knownPairs(gradients: readonly (Tensor | null)[], variables: readonly Variable[]): { gradient: Tensor; variable: Variable }[] {
    const missing: string[] = []
    const pairs: { gradient: Tensor; variable: Variable }[] = []
    variables.forEach((variable, index) => {
      if (!this.#indices.has(variable)) {
        throw new ValueError({
          where: this.name,
          problem: `the optimizer was not built for ${variable.path}`,
          hint: 'an optimizer keeps to the Variables of its first step: make a new one, or compile the model again after changing what is trainable',
        })
      }
      const gradient = gradients[index]
      if (gradient == null) missing.push(variable.path)
      else pairs.push({ gradient: ops.cast(gradient, variable.dtype), variable })
    })
    if (pairs.length === 0) {
      throw new ValueError({
        where: this.name,
        problem: 'no Variable has a gradient',
        expected: 'a loss that depends on the trainable Variables',
        received: `no gradient for ${missing.join(', ')}`,
      })
    }
    if (missing.length > 0)
      console.warn(
        `ondol: the loss does not depend on ${missing.join(', ')}, so ${missing.length === 1 ? 'it is' : 'they are'} not trained.`,
      )
    return pairs
  }

  #applyPairs(pairs: readonly { gradient: Tensor; variable: Variable }[]): void {
    const { lossScaleFactor, gradientAccumulationSteps: period } = this.settings
    const gradients = pairs.map(({ gradient }) => (lossScaleFactor === null ? gradient : ops.divide(gradient, lossScaleFactor)))
    if (period === null) {
      this.#update(gradients, pairs)
    } else {
      const isLast = ops.equal(ops.mod(ops.add(this.#steps.value, 1), period), 0)
      const sums = gradients.map((gradient, i) =>
        ops.add(gradient, this.#accumulatorOf((pairs[i] as { variable: Variable }).variable).value),
      )
      this.#when(isLast, () =>
        this.#update(
          sums.map((sum) => ops.divide(sum, period)),
          pairs,
        ),
      )
      sums.forEach((sum, i) => {
        this.assign(this.#accumulatorOf((pairs[i] as { variable: Variable }).variable), ops.where(isLast, ops.zerosLike(sum), sum))
      })
    }
    if (this.settings.useEma) this.#average()
  }

  #accumulatorOf(variable: Variable): Variable {
    return this.#accumulators[this.#indexOf(variable)] as Variable
  }

  #update(gradients: readonly Tensor[], pairs: readonly { variable: Variable }[]): void {
    const learningRate = this.learningRate
    const clipped = clipGradients(gradients, this.settings)
    this.beginStep(learningRate)
    pairs.forEach(({ variable }, i) => {
      const rate = ops.cast(learningRate, variable.dtype)
      this.#decay(variable, rate)
      this.updateStep(clipped[i] as Tensor, variable, rate)
    })
  }

  /** The weight decay of one Variable. */
  protected decayOf(_variable: Variable): number | null {
    return this.settings.weightDecay
  }

  #decay(variable: Variable, learningRate: Tensor): void {
    const weightDecay = this.decayOf(variable)
    if (!weightDecay || this.#excluded.variables.has(variable) || this.#excluded.names.some((word) => variable.name.includes(word))) return
    this.assign(variable, ops.subtract(variable.value, ops.multiply(ops.multiply(variable.value, weightDecay), learningRate)))
  }

  /** average ← momentum · average + (1 - momentum) · value; the first step takes the value. */
  #average(): void {
    const { emaMomentum, emaOverwriteFrequency } = this.settings
    const iterations = this.iterations
    const variables = this.#trainable as readonly Variable[]
    const momentum = ops.multiply(ops.cast(ops.notEqual(iterations, 0), 'float32'), emaMomentum)
    variables.forEach((variable, i) => {
      const average = this.#averages[i] as Variable
      const own = ops.cast(momentum, variable.dtype)
      this.assign(average, ops.add(ops.multiply(own, average.value), ops.multiply(ops.subtract(1, own), variable.value)))
    })
    if (emaOverwriteFrequency === null) return
    this.#when(ops.equal(ops.mod(ops.add(iterations, 1), emaOverwriteFrequency), 0), () => this.finalizeVariableValues(variables))
  }

  /** Whether it keeps moving averages of the weights. */
  get useEma(): boolean {
    return this.settings.useEma
  }

  /** Each trained Variable with its moving average; none without `useEma`, and before the first step. */
  get averagedVariables(): readonly (readonly [variable: Variable, average: Variable])[] {
    return this.#averages.map((average, i) => [(this.#trainable as readonly Variable[])[i] as Variable, average])
  }

  /** Puts the moving averages in the place of the weights (at the end of `fit`). Does nothing without `useEma`. */
  finalizeVariableValues(variables: readonly Variable[]): void {
    if (!this.settings.useEma || !this.built) return
    for (const variable of variables) {
      const index = this.#indices.get(variable)
      if (index !== undefined) this.assign(variable, (this.#averages[index] as Variable).value)
    }
  }

  /** The loss as it is differentiated: multiplied by `lossScaleFactor`. */
  scaleLoss(loss: Tensor): Tensor {
    const { lossScaleFactor } = this.settings
    return lossScaleFactor === null ? loss : ops.multiply(loss, lossScaleFactor)
  }

  /** Replaces the values of all `variables`. */
  setWeights(weights: readonly Tensor[]): void {
    if (weights.length !== this.#variables.length) {
      throw new ValueError({
        where: `${this.name}.setWeights`,
        problem: 'wrong number of weights',
        expected: `${this.#variables.length}`,
        received: `${weights.length}`,
      })
    }
    this.#variables.forEach((variable, i) => {
      const weight = weights[i] as Tensor
      if (!sameShape(weight.shape, variable.shape))
        throw new ShapeError({
          where: variable.path,
          problem: 'a weight has the wrong shape',
          expected: `${variable.shape}`,
          received: `${weight.shape}`,
        })
      variable.assign(ops.cast(weight, variable.dtype))
    })
  }

  /** New state. */
  protected addVariable(
    shape: Shape,
    name: string,
    { dtype = floatx(), value = 0 }: { readonly dtype?: DType; readonly value?: number | (() => Tensor) } = {},
  ): Variable {
    const variable = new Variable(() => (typeof value === 'number' ? ops.full(shape, value, dtype) : value()), {
      name,
      trainable: false,
      autocast: false,
    })
    variable.path = `${this.name}/${name}`
    this.#variables.push(variable)
    return variable
  }

  /** New state for each of `variables`, of its shape and dtype, that starts with `value`. */
  protected addVariablesFor(variables: readonly Variable[], name: string, value: StartValue = 0): Variable[] {
    return variables.map((variable) => {
      const start = typeof value === 'number' ? value : () => value(variable)
      return this.addVariable(variable.shape, `${variable.path.replaceAll('/', '_')}_${name}`, { dtype: variable.dtype, value: start })
    })
  }

  /** New state of several kinds, the kinds of one Variable side by side, as in Keras's files. */
  protected addGroupsFor(variables: readonly Variable[], kinds: readonly string[], values: readonly StartValue[] = []): Variable[][] {
    const groups: Variable[][] = kinds.map(() => [])
    for (const variable of variables)
      kinds.forEach((kind, i) => (groups[i] as Variable[]).push(...this.addVariablesFor([variable], kind, values[i])))
    return groups
  }

  /** The member of `state` that belongs to `variable`. */
  protected stateOf(state: readonly Variable[], variable: Variable): Variable {
    return state[this.#indexOf(variable)] as Variable
  }

  #indexOf(variable: Variable): number {
    return this.#indices.get(variable) as number
  }

  /** Gives `variable` a new value, if this step happens. */
  protected assign(variable: Variable, value: Tensor): void {
    variable.assign(this.#condition === undefined ? value : ops.where(this.#condition, value, variable.value))
  }

  #when(condition: Tensor, body: () => void): void {
    const outer = this.#condition
    this.#condition = outer === undefined ? condition : ops.logicalAnd(outer, condition)
    try {
      body()
    } finally {
      this.#condition = outer
    }
  }

  /** Keras's config, in its spelling. */
  getConfig(): Record<string, unknown> {
    const { settings } = this
    return {
      name: this.name,
      learning_rate: this.#serializedRate(),
      weight_decay: settings.weightDecay,
      clipnorm: settings.clipnorm,
      global_clipnorm: settings.globalClipnorm,
      clipvalue: settings.clipvalue,
      use_ema: settings.useEma,
      ema_momentum: settings.emaMomentum,
      ema_overwrite_frequency: settings.emaOverwriteFrequency,
      loss_scale_factor: settings.lossScaleFactor,
      gradient_accumulation_steps: settings.gradientAccumulationSteps,
    }
  }

  #serializedRate(): unknown {
    if (this.#rate instanceof LearningRateSchedule) return serialize(this.#rate)
    // A Variable may have got another value since, from a file or a checkpoint.
    return (this.#rate instanceof Variable ? this.#rate : this.learningRate).dataSync()[0]
  }
}
