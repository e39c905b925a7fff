/** A callback made of functions. */
import { Callback } from './callback.js'

type HookName = {
  [K in keyof Callback]: K extends `on${string}` ? K : never
}[keyof Callback]

/** Some of a callback's hooks. */
export type Hooks = Partial<Pick<Callback, HookName>>

/**
 * @example
 * new callbacks.LambdaCallback({ onEpochEnd: (epoch, logs) => plot(epoch, logs.loss) })
 */
export class LambdaCallback extends Callback {
  constructor(hooks: Hooks) {
    super()
    Object.assign(this, hooks)
  }
}
