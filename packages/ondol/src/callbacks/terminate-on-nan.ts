/** Stops training when the loss is no longer a number. Follows `keras/src/callbacks/terminate_on_nan.py`. */
import { platform } from '#platform'
import { ValueError } from '../core/errors.js'
import { Callback, type Logs } from './callback.js'

/** Looks at the loss of every batch, which makes training wait for each. */
export class TerminateOnNaN extends Callback {
  readonly raiseError: boolean

  /** With `raiseError`, `fit` rejects instead of ending early. */
  constructor({ raiseError = false }: { readonly raiseError?: boolean } = {}) {
    super()
    this.raiseError = raiseError
  }

  override onTrainBatchEnd(batch: number, logs: Logs): void {
    const { loss } = logs
    if (loss === undefined || Number.isFinite(loss)) return
    if (this.raiseError)
      throw new ValueError({
        where: 'TerminateOnNaN',
        problem: `the loss of batch ${batch} is ${loss}`,
        hint: 'a smaller learning rate, clipnorm, or a look at the data',
      })
    platform.print(`Batch ${batch}: Invalid loss, terminating training\n`)
    this.model.stopTraining = true
  }
}
