/** Stops training when the loss is no longer a number. Follows `keras/src/callbacks/terminate_on_nan.py`. */

import { platform } from '#platform'
import { ValueError } from '../core/errors.js'
import { refuseUnknownOptions } from '../core/known-options.js'
import { Callback, type Logs } from './callback.js'
import { pythonFloat } from './python-format.js'

/** Looks at the loss of every batch, which makes training wait for each. */
export class TerminateOnNaN extends Callback {
  readonly raiseError: boolean

  /** With `raiseError`, `fit` rejects at once, and no callback sees the end of training. */
  constructor({ raiseError = false, ...rest }: { readonly raiseError?: boolean } = {}) {
    super()
    refuseUnknownOptions('TerminateOnNaN', rest, [], ['raiseError'])
    this.raiseError = raiseError
  }

  override onBatchEnd(batch: number, { loss }: Logs): void {
    if (loss === undefined || Number.isFinite(loss)) return
    if (this.raiseError)
      throw new ValueError({
        where: 'TerminateOnNaN',
        problem: `NaN or Inf loss encountered at batch ${batch}`,
        received: `loss ${pythonFloat(loss)}`,
        hint: 'a smaller learning rate, clipnorm, or a look at the data',
      })
    platform.print(`Batch ${batch}: Invalid loss, terminating training\n`)
    this.model.stopTraining = true
  }
}
