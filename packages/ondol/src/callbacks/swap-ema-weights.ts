/** Evaluates with averaged weights. Follows `keras/src/callbacks/swap_ema_weights.py`. */

import { ValueError } from '../core/errors.js'
import { refuseUnknownOptions } from '../core/known-options.js'
import type { Tensor, Variable } from '../engine/index.js'
import { MultiOptimizer } from '../optimizers/multi.js'
import { Callback, type CallbackModel, type CallbackState } from './callback.js'
import { optimizerOf } from './learning-rates.js'

/**
 * Puts the optimizer's moving averages in the place of the weights while the model is evaluated, or predicts, and
 * takes them back after. With `swapOnEpoch`, already at the end of an epoch and until the next one begins: callbacks
 * that come later, such as a `ModelCheckpoint`, then see the averages.
 *
 * @throws ValueError when the optimizer has no averages.
 * @example
 * model.compile({ optimizer: new optimizers.SGD({ useEma: true }), loss: 'mse' })
 * await model.fit(x, y, { validationSplit: 0.2, callbacks: [new callbacks.SwapEMAWeights()] })
 */
export class SwapEMAWeights extends Callback {
  readonly swapOnEpoch: boolean
  /** The averages while they are in the model. */
  #averages: readonly Tensor[] | null = null

  constructor({ swapOnEpoch = false, ...rest }: { readonly swapOnEpoch?: boolean } = {}) {
    super()
    refuseUnknownOptions('SwapEMAWeights', rest, [], ['swapOnEpoch'])
    this.swapOnEpoch = swapOnEpoch
  }

  get #pairs(): readonly (readonly [variable: Variable, average: Variable])[] {
    const optimizer = optimizerOf(this.model)
    const averaging = (optimizer instanceof MultiOptimizer ? optimizer.optimizers : [optimizer]).filter(({ useEma }) => useEma)
    if (averaging.length > 0) return averaging.flatMap(({ averagedVariables }) => averagedVariables)
    throw new ValueError({
      where: `SwapEMAWeights → ${optimizer.name}`,
      problem: 'the optimizer keeps no averages of the weights',
      expected: 'an optimizer with useEma: true',
      received: 'useEma=false',
    })
  }

  #swap(): void {
    for (const [variable, average] of this.#pairs) {
      const value = variable.uncastValue
      variable.assign(average.uncastValue)
      average.assign(value)
    }
  }

  #swapIn(): void {
    if (this.#averages !== null) return
    this.#averages = this.#pairs.map(([, average]) => average.uncastValue)
    this.#swap()
  }

  #swapOut(): void {
    if (this.#averages === null) return
    this.#swap()
    this.#averages = null
  }

  override setModel(model: CallbackModel): void {
    if (model !== this.model) this.#averages = null
    super.setModel(model)
  }

  /** Averages are still in the model if the last `fit` failed during its validation. */
  override onTrainBegin(): void {
    this.#swapOut()
  }

  override onEpochBegin(): void {
    this.#swapOut()
  }

  override onEpochEnd(): void {
    if (this.swapOnEpoch) this.#swapIn()
  }

  /** Training ends with the averages; the optimizer has just put in their place what was swapped for them. */
  override onTrainEnd(): void {
    if (this.#averages === null) return
    this.#pairs.forEach(([variable, average], i) => {
      variable.assign(this.#averages?.[i] as Tensor)
      average.assign(this.#averages?.[i] as Tensor)
    })
    this.#averages = null
  }

  override onTestBegin(): void {
    this.#swapIn()
  }

  override onTestEnd(): void {
    this.#swapOut()
  }

  override onPredictBegin(): void {
    this.#swapIn()
  }

  override onPredictEnd(): void {
    this.#swapOut()
  }

  override getState(): CallbackState {
    return this.#averages
  }

  override setState(state: CallbackState): void {
    this.#averages = state as readonly Tensor[] | null
  }
}
