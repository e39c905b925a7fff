/**
 * Layers whose main weight can be fine-tuned by a low-rank difference: LoRA (https://arxiv.org/abs/2106.09685).
 * Follows `enable_lora` of `keras/src/layers/core/dense.py`.
 */
import type * as constraints from '../constraints/index.js'
import { GraphError, ValueError } from '../core/errors.js'
import { lax, type Tensor, type Variable } from '../engine/index.js'
import * as initializers from '../initializers/index.js'
import * as ops from '../ops/index.js'
import type * as regularizers from '../regularizers/index.js'
import { Layer, type LayerOptions } from './layer.js'
import { requirePositive } from './options.js'

export interface LoraOptions {
  /** Freezes the main weight, and trains the product of two matrices of this rank that is added to it. Default: not. */
  readonly loraRank?: number | null | undefined
  /** The product is scaled by loraAlpha / loraRank. Default: the rank. */
  readonly loraAlpha?: number | null | undefined
}

/** The weight that LoRA is about, and what belongs to it. */
export interface MainWeight {
  readonly variable: Variable
  readonly name: string
  readonly regularizer: regularizers.Regularizer | null
  readonly constraint: constraints.Constraint | null
}

export abstract class AdaptableLayer extends Layer {
  loraRank: number | null
  loraAlpha: number | null
  /** (…all axes of the weight but the last, rank) and (rank, last), once LoRA is enabled. */
  protected loraFactors: { readonly a: Variable; readonly b: Variable } | null = null

  constructor({ loraRank = null, loraAlpha = null, ...options }: LayerOptions & LoraOptions) {
    super(options)
    this.loraRank = loraRank === null ? null : requirePositive(loraRank, 'loraRank', this.name)
    this.loraAlpha = loraAlpha ?? loraRank
  }

  protected abstract mainWeight(): MainWeight

  get loraEnabled(): boolean {
    return this.loraFactors !== null
  }

  /** The main weight as `call` takes it: with what LoRA adds. */
  protected adapted(): Tensor {
    const { value } = this.mainWeight().variable
    return this.loraFactors === null ? value : lax.cast(ops.add(value, this.#difference(this.loraFactors)), this.computeDtype)
  }

  #difference({ a, b }: { readonly a: Variable; readonly b: Variable }): Tensor {
    return lax.withNumber(ops.matmul(a, b), lax.mul, (this.loraAlpha as number) / (this.loraRank as number))
  }

  /**
   * Freezes the main weight and trains a difference of low rank instead. When saved, the difference is part of the weight.
   *
   * @throws GraphError when the layer is not built or LoRA enabled before, ValueError when the weight has a constraint.
   * @example
   * layer.enableLora(4)
   */
  enableLora(
    rank: number,
    options: {
      readonly loraAlpha?: number | null
      readonly aInitializer?: initializers.InitializerLike
      readonly bInitializer?: initializers.InitializerLike
    } = {},
  ): void {
    const where = this.name
    if (!this.built) throw new GraphError({ where, problem: 'LoRA needs the weights', hint: 'build the layer first' })
    if (this.loraEnabled) throw new GraphError({ where, problem: 'LoRA is already enabled, which can be done once' })
    this.#addFactors(rank, options)
  }

  /** Ends `build`: enables LoRA if the options say so. */
  protected addLora(): void {
    if (this.loraRank !== null) this.#addFactors(this.loraRank, { loraAlpha: this.loraAlpha })
  }

  #addFactors(
    rank: number,
    { loraAlpha = null, aInitializer = 'he_uniform', bInitializer = 'zeros' }: NonNullable<Parameters<AdaptableLayer['enableLora']>[1]>,
  ): void {
    const where = this.name
    const { variable, name, regularizer, constraint } = this.mainWeight()
    if (constraint !== null)
      throw new ValueError({ where, problem: 'LoRA does not go with a constraint', hint: `leave ${name}Constraint out` })
    this.loraRank = requirePositive(rank, 'rank', where)
    this.loraAlpha = loraAlpha ?? rank
    const last = variable.shape.length - 1
    this.building(() => {
      // float32 whatever the layer computes in: the steps of fine-tuning are small.
      const common = { dtype: 'float32', regularizer } as const
      const a = this.addWeight({
        name: `lora_${name}_a`,
        shape: [...variable.shape.slice(0, last), rank],
        initializer: initializers.get(aInitializer),
        ...common,
      })
      const b = this.addWeight({
        name: `lora_${name}_b`,
        shape: [rank, variable.shape[last] as number],
        initializer: initializers.get(bInitializer),
        ...common,
      })
      this.loraFactors = { a, b }
    })
    variable.trainable = false
    this.#saveMerged()
  }

  /** From now on files hold one weight that has the difference in it, as those of a layer without LoRA. */
  #saveMerged(): void {
    const { a, b } = this.loraFactors as { a: Variable; b: Variable }
    const main = this.mainWeight().variable
    const kept = (): Variable[] => this.ownWeights.filter((variable) => variable !== a && variable !== b)
    const saveOwnVariables = (): Record<string, Variable | Tensor> =>
      Object.fromEntries(
        kept().map((variable, i) => [
          String(i),
          variable === main ? lax.cast(ops.add(main.uncastValue, this.#difference({ a, b })), main.dtype) : variable,
        ]),
      )
    const loadOwnVariables = (stored: ReadonlyMap<string, Tensor>): void => {
      kept().forEach((variable, i) => {
        variable.assign(lax.cast(stored.get(String(i)) as Tensor, variable.dtype))
      })
      for (const factor of [a, b]) factor.assign(lax.zerosLike(factor.uncastValue))
    }
    for (const [name, value] of Object.entries({ saveOwnVariables, loadOwnVariables }))
      Object.defineProperty(this, name, { value, enumerable: false, configurable: true })
  }

  override getConfig(): Record<string, unknown> {
    return { ...super.getConfig(), ...(this.loraRank !== null && { lora_rank: this.loraRank, lora_alpha: this.loraAlpha }) }
  }
}
