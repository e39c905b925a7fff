/**
 * Several callbacks as one, called in order. Follows `keras/src/callbacks/callback_list.py`, but nothing runs in
 * threads. Knows which hooks anybody wants, so that the others cost nothing.
 */
import { ValueError } from '../core/errors.js'
import { Tensor } from '../engine/index.js'
import {
  type BatchHook,
  type BatchLogs,
  Callback,
  type CallbackModel,
  type CallbackParams,
  type HookOutcome,
  type Logs,
  overrides,
  type Phase,
  type PredictLogs,
} from './callback.js'
import { History } from './history.js'
import { ProgbarLogger } from './progbar-logger.js'

/** Logs as steps of your own give them: scalar tensors are read before callbacks see them. */
export type LooseLogs = Readonly<Record<string, number | Tensor>>

/** Callbacks, also in lists of lists. */
export type NestedCallbacks = Callback | readonly NestedCallbacks[]

export interface CallbackListOptions extends Partial<CallbackParams> {
  /** Add a `History`, unless there is one. Default false. */
  readonly addHistory?: boolean
  /** Add a `ProgbarLogger`, unless there is one. Default false. */
  readonly addProgbar?: boolean
  /** Given to the callbacks as their `model`. */
  readonly model?: CallbackModel | null
}

/**
 * @example
 * const list = new callbacks.CallbackList([new callbacks.CSVLogger('log.csv')], { model, addHistory: true, epochs })
 * await list.onTrainBegin()
 * for (let epoch = 0; epoch < epochs && !model.stopTraining; epoch++) {
 *   await list.onEpochBegin(epoch)
 *   for (const [batch, [x, y]] of batches.entries()) {
 *     await list.onTrainBatchBegin(batch)
 *     const loss = trainStep(x, y)
 *     await list.onTrainBatchEnd(batch, { loss })
 *   }
 *   await list.onEpochEnd(epoch, { loss: meanLoss.result() })
 * }
 * await list.onTrainEnd()
 */
export class CallbackList extends Callback {
  readonly #callbacks: Callback[] = []
  /** Phases that have begun and not ended. */
  #open = 0
  /** Hooks that are being called. */
  #calls = 0

  constructor(callbacks: NestedCallbacks | null = [], options: CallbackListOptions = {}) {
    super()
    const { addHistory = false, addProgbar = false, model = null, ...params } = options
    const given = flat(callbacks ?? [])
    if (addHistory && !given.some((callback) => callback instanceof History)) given.push(new History())
    if (addProgbar && !given.some((callback) => callback instanceof ProgbarLogger)) given.push(new ProgbarLogger())
    if (Object.keys(params).length > 0) this.params = { ...this.params, ...params }
    if (model !== null) this.model = model
    for (const callback of given) this.append(callback)
  }

  /** Whether a hook is being called, so that who called it waits. */
  get isCalling(): boolean {
    return this.#calls > 0
  }

  /** In the order in which they are called. */
  get callbacks(): readonly Callback[] {
    return this.#callbacks
  }

  /** The `History` among them. */
  get history(): History | undefined {
    return this.#callbacks.find((callback) => callback instanceof History)
  }

  /** Adds one more, called after those that are there. */
  append(callback: Callback): void {
    const place = callback.attend === undefined ? this.#callbacks.findIndex(({ attend }) => attend !== undefined) : -1
    this.#callbacks.splice(place < 0 ? this.#callbacks.length : place, 0, callback)
    callback.setParams(this.params)
    if (this.model !== undefined) this.#introduce(callback, this.model)
    for (const one of this.#callbacks) one.attend?.(this.#callbacks.filter((other) => other !== one))
  }

  override setModel(model: CallbackModel): void {
    super.setModel(model)
    for (const callback of this.#callbacks) this.#introduce(callback, model)
  }

  #introduce(callback: Callback, model: CallbackModel): void {
    if (callback instanceof History) model.history = callback
    callback.setModel(model)
  }

  override setParams(params: CallbackParams): void {
    super.setParams(params)
    for (const callback of this.#callbacks) callback.setParams(params)
  }

  /** Tells everybody how many batches an epoch has, once that is known. */
  setSteps(steps: number): void {
    this.setParams({ ...this.params, steps })
  }

  /** Whether some callback overrides the hook. */
  wants(hook: BatchHook): boolean {
    return this.#callbacks.some((callback) => wants(callback, hook))
  }

  /** The strongest wish for logs of batches; undefined if no callback has a hook that is given them. */
  wishFor(phase: Phase): BatchLogs | undefined {
    const wishes = this.#callbacks.filter((callback) => wants(callback, `on${phase}BatchEnd`)).map(({ batchLogs }) => batchLogs)
    return (['every', 'sampled', 'never'] as const).find((wish) => wishes.includes(wish))
  }

  override get batchLogs(): BatchLogs {
    return this.wishFor('Train') ?? this.wishFor('Test') ?? 'never'
  }

  override onTrainBegin(logs: LooseLogs = {}): HookOutcome {
    this.#open++
    return this.#tell(logs, (callback, told) => callback.onTrainBegin(told))
  }

  override onTestBegin(logs: LooseLogs = {}): HookOutcome {
    this.#open++
    return this.#tell(logs, (callback, told) => callback.onTestBegin(told))
  }

  override onPredictBegin(logs: LooseLogs = {}): HookOutcome {
    this.#open++
    return this.#tell(logs, (callback, told) => callback.onPredictBegin(told))
  }

  override onTrainEnd(logs: LooseLogs = {}): HookOutcome {
    this.#close('onTrainEnd')
    return this.#tell(logs, (callback, told) => callback.onTrainEnd(told))
  }

  override onTestEnd(logs: LooseLogs = {}): HookOutcome {
    this.#close('onTestEnd')
    return this.#tell(logs, (callback, told) => callback.onTestEnd(told))
  }

  override onPredictEnd(logs: LooseLogs = {}): HookOutcome {
    this.#close('onPredictEnd')
    return this.#tell(logs, (callback, told) => callback.onPredictEnd(told))
  }

  override onEpochBegin(epoch: number, logs: LooseLogs = {}): HookOutcome {
    return this.#tell(logs, (callback, told) => callback.onEpochBegin(epoch, told))
  }

  override onEpochEnd(epoch: number, logs: LooseLogs = {}): HookOutcome {
    return this.#tell(logs, (callback, told) => callback.onEpochEnd(epoch, told))
  }

  override onBatchBegin(batch: number, logs: LooseLogs = {}): HookOutcome {
    return this.#tell(logs, (callback, told) => callback.onBatchBegin(batch, told))
  }

  override onBatchEnd(batch: number, logs: LooseLogs = {}): HookOutcome {
    return this.#tell(logs, (callback, told) => callback.onBatchEnd(batch, told))
  }

  override onTrainBatchBegin(batch: number, logs: LooseLogs = {}): HookOutcome {
    return this.#tell(logs, (callback, told) => callback.onTrainBatchBegin(batch, told))
  }

  /** With a wish, only callbacks that have this wish for logs of batches are told. */
  override onTrainBatchEnd(batch: number, logs: LooseLogs = {}, wish?: BatchLogs): HookOutcome {
    return this.#tell(logs, (callback, told) => callback.onTrainBatchEnd(batch, told), wish)
  }

  override onTestBatchBegin(batch: number, logs: LooseLogs = {}): HookOutcome {
    return this.#tell(logs, (callback, told) => callback.onTestBatchBegin(batch, told))
  }

  /** With a wish, only callbacks that have this wish for logs of batches are told. */
  override onTestBatchEnd(batch: number, logs: LooseLogs = {}, wish?: BatchLogs): HookOutcome {
    return this.#tell(logs, (callback, told) => callback.onTestBatchEnd(batch, told), wish)
  }

  override onPredictBatchBegin(batch: number, logs: LooseLogs = {}): HookOutcome {
    return this.#tell(logs, (callback, told) => callback.onPredictBatchBegin(batch, told))
  }

  override onPredictBatchEnd(batch: number, logs: PredictLogs): HookOutcome {
    return this.#call(this.#callbacks, (callback) => callback.onPredictBatchEnd(batch, logs))
  }

  /** One copy of the logs for all, sorted by name, so that what one adds the next ones see. */
  #tell(logs: LooseLogs, call: (callback: Callback, logs: Logs) => HookOutcome, wish?: BatchLogs): HookOutcome {
    const audience = wish === undefined ? this.#callbacks : this.#callbacks.filter(({ batchLogs }) => batchLogs === wish)
    const entries = Object.entries(logs).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    if (!entries.some(([, value]) => value instanceof Tensor)) {
      const told = Object.fromEntries(entries) as Logs
      return this.#call(audience, (callback) => call(callback, told))
    }
    return readAll(entries).then((told) => this.#call(audience, (callback) => call(callback, told)))
  }

  #call(audience: readonly Callback[], call: (callback: Callback) => HookOutcome): HookOutcome {
    const end = (): void => {
      this.#calls--
    }
    this.#calls++
    try {
      const outcome = inOrder(audience, call)
      if (outcome instanceof Promise) return outcome.finally(end)
    } catch (error) {
      end()
      throw error
    }
    end()
  }

  #close(hook: string): void {
    if (--this.#open >= 0) return
    this.#open = 0
    throw new ValueError({
      where: `CallbackList.${hook}`,
      problem: 'nothing has begun that could end',
      hint: `call ${hook.replace('End', 'Begin')} before`,
    })
  }
}

/** Lists in the list are asked what their members override. */
const wants = (callback: Callback, hook: BatchHook): boolean =>
  callback instanceof CallbackList ? callback.wants(hook) : overrides(callback, hook)

function flat(callbacks: NestedCallbacks): Callback[] {
  if (callbacks instanceof Callback) return [callbacks]
  if (Array.isArray(callbacks)) return callbacks.flatMap(flat)
  throw new ValueError({
    where: 'callbacks',
    problem: 'this is no callback',
    expected: 'an object of callbacks.Callback, or a list of them',
    received: String(callbacks),
    hint: 'functions become one with new callbacks.LambdaCallback({ onEpochEnd })',
  })
}

async function readAll(entries: readonly (readonly [string, number | Tensor])[]): Promise<Logs> {
  const values = await Promise.all(entries.map(([, value]) => (value instanceof Tensor ? value.item() : value)))
  return Object.fromEntries(entries.map(([name], i) => [name, values[i] as number]))
}

/** Calls one after the other; a promise only if one of them gives one. */
function inOrder(callbacks: readonly Callback[], call: (callback: Callback) => HookOutcome, first = 0): HookOutcome {
  for (let i = first; i < callbacks.length; i++) {
    const outcome = call(callbacks[i] as Callback)
    if (outcome instanceof Promise) return outcome.then(() => inOrder(callbacks, call, i + 1))
  }
}
