/** Several optimizers in one, each for some of the weights. Follows `keras/src/optimizers/multi_optimizer.py`. */
import { ValueError } from '../core/errors.js'
import type { SerializedObject } from '../core/spelling.js'
import type { Tensor, Variable } from '../engine/index.js'
import * as ops from '../ops/index.js'
import { LossScaleOptimizer } from './loss-scale.js'
import { type LearningRate, Optimizer } from './optimizer.js'

/**
 * Which optimizer a weight gets, by its path: a key is a path or a regular expression for all of it.
 *
 * @example
 * const map = new OptimizerMap(new Adam(), { 'encoder/.*': new SGD({ learningRate: 0.01 }) })
 */
export class OptimizerMap implements Iterable<string> {
  readonly #optimizers = new Map<string, Optimizer>()

  constructor(
    readonly defaultOptimizer: Optimizer,
    optimizerMap: Readonly<Record<string, Optimizer>> = {},
  ) {
    requireSimple(defaultOptimizer)
    for (const [key, optimizer] of Object.entries(optimizerMap)) this.set(key, optimizer)
  }

  /** @throws ValueError when two patterns match. */
  get(path: string): Optimizer {
    const exact = this.#optimizers.get(path)
    if (exact !== undefined) return exact
    const matching = [...this.#optimizers.keys()].filter((pattern) => new RegExp(`^(?:${pattern})$`).test(path))
    if (matching.length > 1)
      throw new ValueError({ where: 'OptimizerMap', problem: `'${path}' belongs to several optimizers`, received: matching.join(', ') })
    return this.#optimizers.get(matching[0] ?? '') ?? this.defaultOptimizer
  }

  /** @throws ValueError for a key that is there already. */
  set(key: string, optimizer: Optimizer): this {
    if (this.#optimizers.has(key))
      throw new ValueError({ where: 'OptimizerMap', problem: `'${key}' has an optimizer already`, hint: 'delete it before' })
    this.#optimizers.set(key, requireSimple(optimizer))
    return this
  }

  delete(key: string): boolean {
    return this.#optimizers.delete(key)
  }

  get size(): number {
    return this.#optimizers.size
  }

  [Symbol.iterator](): Iterator<string> {
    return this.#optimizers.keys()
  }

  /** All optimizers, each once, the default one last. */
  get optimizers(): Optimizer[] {
    return [...new Set([...this.#optimizers.values(), this.defaultOptimizer])]
  }

  getConfig(): Record<string, unknown> {
    return {
      default_optimizer: described(this.defaultOptimizer),
      optimizer_map: Object.fromEntries([...this.#optimizers].map(([key, optimizer]) => [key, described(optimizer)])),
    }
  }

  /** The map that `getConfig` described; `deserialize` makes the optimizers in it. */
  static fromConfig(config: Readonly<Record<string, unknown>>, deserialize: (config: SerializedObject) => Optimizer): OptimizerMap {
    const map = Object.entries((config.optimizer_map ?? {}) as Record<string, SerializedObject>)
    return new OptimizerMap(
      deserialize(config.default_optimizer as SerializedObject),
      Object.fromEntries(map.map(([key, description]) => [key, deserialize(description)])),
    )
  }
}

const described = (thing: { readonly getConfig: () => Record<string, unknown> }, className?: string): SerializedObject => ({
  module: 'keras.optimizers',
  class_name: className ?? (thing as Optimizer).className,
  config: thing.getConfig(),
  registered_name: null,
})

function requireSimple(optimizer: Optimizer): Optimizer {
  if (optimizer instanceof Optimizer && !(optimizer instanceof LossScaleOptimizer) && !(optimizer instanceof MultiOptimizer))
    return optimizer
  throw new ValueError({
    where: 'OptimizerMap',
    problem: 'this cannot be one of several optimizers',
    expected: 'an optimizer that updates weights by itself',
    received: optimizer instanceof Optimizer ? optimizer.className : String(optimizer),
  })
}

export interface MultiOptimizerOptions {
  /** The loss is multiplied by it, and the gradients divided. */
  readonly lossScaleFactor?: number | null
  /** Default: the class's name in snake case. */
  readonly name?: string
}

/** Steps of several optimizers as one step; each keeps its own learning rate. */
export class MultiOptimizer extends Optimizer {
  readonly optimizerMap: OptimizerMap
  readonly #of = new Map<Variable, Optimizer>()

  constructor(optimizerMap: OptimizerMap, options: MultiOptimizerOptions = {}) {
    super(options, 0)
    this.optimizerMap = optimizerMap
  }

  override get className(): string {
    return 'MultiOptimizer'
  }

  /** All optimizers in it. */
  get optimizers(): readonly Optimizer[] {
    return this.optimizerMap.optimizers
  }

  override get variables(): readonly Variable[] {
    return [...super.variables, ...this.optimizers.flatMap(({ variables }) => variables)]
  }

  /** @throws ValueError: there are several. */
  override get learningRate(): Tensor {
    throw this.#severalRates()
  }

  override set learningRate(_rate: LearningRate) {
    throw this.#severalRates()
  }

  #severalRates(): ValueError {
    return new ValueError({
      where: `${this.name}.learningRate`,
      problem: 'there is a learning rate for each of its optimizers',
      hint: 'use those of optimizer.optimizers',
    })
  }

  protected override buildState(variables: readonly Variable[]): void {
    for (const variable of variables) this.#of.set(variable, this.optimizerMap.get(variable.path))
    for (const optimizer of this.optimizers) {
      const own = variables.filter((variable) => this.#of.get(variable) === optimizer)
      if (own.length > 0) optimizer.build(own)
    }
  }

  /** Each optimizer takes its own pairs; their Variables and their counts are its business. */
  protected override updateAll(gradients: readonly (Tensor | null)[], variables: readonly Variable[]): void {
    const { lossScaleFactor } = this.settings
    const unscaled = gradients.map((gradient) => (gradient && lossScaleFactor ? ops.divide(gradient, lossScaleFactor) : gradient))
    for (const optimizer of this.optimizers) {
      const own = variables.flatMap((variable, i) => (this.#of.get(variable) === optimizer ? [i] : []))
      if (own.length === 0) continue
      optimizer.apply(
        own.map((i) => unscaled[i] ?? null),
        own.map((i) => variables[i] as Variable),
      )
    }
  }

  protected override updateStep(): void {}

  override finalizeVariableValues(variables: readonly Variable[]): void {
    for (const optimizer of this.optimizers)
      optimizer.finalizeVariableValues(variables.filter((variable) => this.#of.get(variable) === optimizer))
  }

  override getConfig(): Record<string, unknown> {
    return {
      optimizer_map: described(this.optimizerMap, 'OptimizerMap'),
      loss_scale_factor: this.settings.lossScaleFactor,
      name: this.name,
    }
  }
}
