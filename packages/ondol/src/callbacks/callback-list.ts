/** All callbacks of one run, called in order. Knows which hooks anybody wants, so that the others cost nothing. */
import { type BatchHook, Callback, type CallbackModel, type CallbackParams, type Logs } from './callback.js'

type Phase = 'Train' | 'Test' | 'Predict'
type Outcome = void | Promise<void>

export class CallbackList {
  readonly callbacks: readonly Callback[]

  constructor(callbacks: readonly Callback[], model: CallbackModel, params: CallbackParams) {
    this.callbacks = callbacks
    for (const callback of callbacks) {
      callback.setModel(model)
      callback.setParams(params)
    }
  }

  /** Whether some callback overrides the hook. */
  wants(hook: BatchHook): boolean {
    return this.callbacks.some((callback) => overrides(callback, hook))
  }

  /** Whether some callback wants logs of every batch, or only samples, or none. */
  batchLogs(phase: Phase): 'every' | 'sampled' | 'never' {
    const wishes = this.callbacks.filter((callback) => overrides(callback, `on${phase}BatchEnd`)).map(({ batchLogs }) => batchLogs)
    if (wishes.includes('every')) return 'every'
    return wishes.includes('sampled') ? 'sampled' : 'never'
  }

  /** Tells everybody how many batches an epoch has, once that is known. */
  setSteps(steps: number): void {
    for (const callback of this.callbacks) callback.setParams({ ...callback.params, steps })
  }

  batchBegin(phase: Phase, batch: number): Outcome {
    return this.#each(`on${phase}BatchBegin`, (callback) => callback[`on${phase}BatchBegin`](batch, {}))
  }

  batchEnd(phase: Phase, batch: number, logs: Logs): Outcome {
    return this.#each(`on${phase}BatchEnd`, (callback) => callback[`on${phase}BatchEnd`](batch, logs))
  }

  begin(phase: Phase): Outcome {
    return inOrder(this.callbacks, (callback) => callback[`on${phase}Begin`]({}))
  }

  end(phase: Phase, logs: Logs): Outcome {
    return inOrder(this.callbacks, (callback) => callback[`on${phase}End`](logs))
  }

  epochBegin(epoch: number): Outcome {
    return inOrder(this.callbacks, (callback) => callback.onEpochBegin(epoch, {}))
  }

  epochEnd(epoch: number, logs: Logs): Outcome {
    return inOrder(this.callbacks, (callback) => callback.onEpochEnd(epoch, logs))
  }

  #each(hook: BatchHook, call: (callback: Callback) => Outcome): Outcome {
    return inOrder(
      this.callbacks.filter((callback) => overrides(callback, hook)),
      call,
    )
  }
}

const overrides = (callback: Callback, hook: BatchHook): boolean => callback[hook] !== Callback.prototype[hook]

/** Calls one after the other; a promise only if one of them gives one. */
function inOrder(callbacks: readonly Callback[], call: (callback: Callback) => Outcome): Outcome {
  for (let i = 0; i < callbacks.length; i++) {
    const outcome = call(callbacks[i] as Callback)
    if (outcome instanceof Promise) return outcome.then(() => inOrder(callbacks.slice(i + 1), call))
  }
}
