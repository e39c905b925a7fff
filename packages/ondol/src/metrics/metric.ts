/** The base of all metrics: named state that batches update. Follows `keras/src/metrics/metric.py`. */
import { Callable, INVOKE } from '../core/callable.js'
import type { DType } from '../core/dtype.js'
import { refuseUnknownOptions } from '../core/known-options.js'
import type { Shape } from '../core/shape.js'
import { runStateless, type Tensor, Variable } from '../engine/index.js'
import { floatx } from '../ops/config.js'
import type { TensorLike } from '../ops/define.js'
import * as ops from '../ops/index.js'
import { autoName } from '../ops/naming.js'

export interface MetricOptions {
  /** Key in logs and history. Default: the class's name in snake case. */
  readonly name?: string
  /** Of state and result. Default `config.floatx()`. */
  readonly dtype?: DType
}

export interface Metric {
  /** Updates the state and gives the result so far. */
  // biome-ignore lint/style/useShorthandFunctionType: merges with the class
  (yTrue: TensorLike, yPred?: TensorLike | null, sampleWeight?: TensorLike | null, mask?: Tensor | null): Tensor
}

/**
 * A metric: `updateState` takes batches, `result` gives the value so far, `resetState` starts again.
 * All three work eagerly and inside `jit`.
 *
 * @example
 * const accuracy = new metrics.SparseCategoricalAccuracy()
 * accuracy.updateState(labels, probabilities)
 * await accuracy.result().item()
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: instances are callable
export abstract class Metric extends Callable {
  name: string
  readonly dtype: DType
  readonly #variables: Variable[] = []

  /** @throws ValueError for an option that no metric has: a subclass takes its own out first. */
  constructor({ name, dtype = floatx(), ...rest }: MetricOptions = {}) {
    super()
    this.name = name ?? autoName(this.className)
    refuseUnknownOptions(this.name, rest, [], [...this.optionNames, 'name', 'dtype'])
    this.dtype = dtype
  }

  /** Options beside those of every metric, to be offered to who misspells one. */
  protected get optionNames(): readonly string[] {
    return []
  }

  /** Keras's class name, as written to files. */
  get className(): string {
    return this.constructor.name
  }

  /** Whether higher or lower is better; undefined where that is not known. */
  get direction(): 'up' | 'down' | undefined {
    return undefined
  }

  /** Its state, in order of creation. */
  get variables(): readonly Variable[] {
    return this.#variables
  }

  /** A new state variable, 0 everywhere. */
  protected addVariable(
    name: string,
    { shape = [], dtype = this.dtype }: { readonly shape?: Shape; readonly dtype?: DType } = {},
  ): Variable {
    const variable = new Variable(() => ops.zeros(shape, dtype), { name, trainable: false, autocast: false })
    variable.path = `${this.name.replaceAll('/', '>')}/${name}`
    this.#variables.push(variable)
    return variable
  }

  /** Takes one batch in. `mask` is true where a value counts. */
  abstract updateState(yTrue: TensorLike, yPred?: TensorLike | null, sampleWeight?: TensorLike | null, mask?: Tensor | null): void

  /** The value over all batches since the last reset: a scalar unless the metric says otherwise, or several by name. */
  abstract result(): Tensor | Readonly<Record<string, Tensor>>

  resetState(): void {
    for (const variable of this.#variables) variable.assignOwned(ops.zeros(variable.shape, variable.dtype))
  }

  /** The state after a batch, given the state before; its own stays. Arguments are those of `updateState`. */
  statelessUpdateState(metricVariables: readonly Tensor[], ...args: unknown[]): Tensor[] {
    return this.#statelessly('statelessUpdateState', metricVariables, () => this.updateState(...(args as [TensorLike])))[1]
  }

  /** The value for a given state. */
  statelessResult(metricVariables: readonly Tensor[]): ReturnType<this['result']> {
    return this.#statelessly('statelessResult', metricVariables, () => this.result())[0] as ReturnType<this['result']>
  }

  /** The state at the start. */
  statelessResetState(): Tensor[] {
    return this.#statelessly(
      'statelessResetState',
      this.variables.map(({ value }) => value),
      () => this.resetState(),
    )[1]
  }

  #statelessly<R>(method: string, values: readonly Tensor[], body: () => R): [R, Tensor[]] {
    const given = { what: 'metricVariables', variables: this.variables, values }
    const [result, [after = []]] = runStateless(`${this.name}.${method}`, [given], body)
    return [result, after]
  }

  override [INVOKE](...args: unknown[]): Tensor {
    this.updateState(...(args as [TensorLike]))
    return this.result() as Tensor
  }

  /** Keras's config, in its spelling. */
  getConfig(): Record<string, unknown> {
    return { name: this.name, dtype: this.dtype }
  }
}
