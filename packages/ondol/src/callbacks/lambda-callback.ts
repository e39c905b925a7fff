/** A callback made of functions. Follows `keras/src/callbacks/lambda_callback.py`. */
import { ValueError } from '../core/errors.js'
import { nearest } from '../core/registry.js'
import { Callback } from './callback.js'

const HOOKS = [
  'onTrainBegin',
  'onTrainEnd',
  'onEpochBegin',
  'onEpochEnd',
  'onBatchBegin',
  'onBatchEnd',
  'onTrainBatchBegin',
  'onTrainBatchEnd',
  'onTestBegin',
  'onTestEnd',
  'onTestBatchBegin',
  'onTestBatchEnd',
  'onPredictBegin',
  'onPredictEnd',
  'onPredictBatchBegin',
  'onPredictBatchEnd',
] as const satisfies readonly (keyof Callback)[]

/** Some of a callback's hooks. */
export type Hooks = { readonly [K in (typeof HOOKS)[number]]?: Callback[K] | undefined }

/**
 * @throws ValueError for a name that is no hook.
 * @example
 * new callbacks.LambdaCallback({ onEpochEnd: (epoch, logs) => plot(epoch, logs.loss) })
 */
export class LambdaCallback extends Callback {
  constructor(hooks: Hooks) {
    super()
    for (const [name, hook] of Object.entries(hooks)) {
      if (!HOOKS.some((known) => known === name)) {
        const [near] = nearest(name, HOOKS)
        throw new ValueError({
          where: 'LambdaCallback',
          problem: `there is no hook '${name}'`,
          expected: HOOKS.join(', '),
          ...(near !== undefined && { hint: `did you mean '${near}'?` }),
        })
      }
      if (hook !== undefined) Object.assign(this, { [name]: hook })
    }
  }
}
