/** One pass over data that trains or tests: batches into steps, steps into logs, logs to callbacks. */
import type { Logs } from '../callbacks/callback.js'
import type { CallbackList } from '../callbacks/callback-list.js'
import { requireFinite } from './finite.js'
import { type ModelSteps, type Report, type RunnableModel, release, type StepSettings } from './model-steps.js'
import { Pace } from './pace.js'
import { Sampler } from './sampler.js'
import type { Feed, Source } from './source.js'

export interface Epoch {
  readonly phase: 'Train' | 'Test'
  readonly source: Source
  /** The number of the first batch. */
  readonly from: number
  /** The number after the last batch; null if that is not known. */
  readonly to: number | null
  readonly stepsPerExecution: number
  readonly callbacks: CallbackList
  readonly settings: StepSettings
  readonly signal: AbortSignal | undefined
  readonly checkData: boolean
  /** Told after each step how many batches are done. */
  readonly onProgress?: (batches: number) => void
}

export interface EpochOutcome {
  readonly logs: Logs
  /** Batches that are done, those before `from` included. */
  readonly batches: number
  /** The data ended before `to`. */
  readonly isExhausted: boolean
}

export async function runEpoch(model: RunnableModel, steps: ModelSteps, epoch: Epoch): Promise<EpochOutcome> {
  const { phase, source, from, to, stepsPerExecution, callbacks, settings, signal, checkData, onProgress } = epoch
  const step = phase === 'Train' ? steps.train : steps.test
  const pace = new Pace()
  const sampler = new Sampler()
  const wantsBegin = callbacks.wants(`on${phase}BatchBegin`)
  const wish = callbacks.wishFor(phase)
  let batches = from
  let isExhausted = false
  let report: Report = null
  const isStopped = (): boolean => (phase === 'Train' ? model.stopTraining : model.stopEvaluating)
  while (to === null || batches < to) {
    signal?.throwIfAborted()
    const feeding = gather(source, Math.min(stepsPerExecution, to === null ? Number.POSITIVE_INFINITY : to - batches))
    const feeds = feeding instanceof Promise ? await unlessAborted(feeding, signal) : feeding
    if (feeds.length === 0) {
      isExhausted = true
      break
    }
    if (checkData) await requireFinite(feeds, batches, (arrays) => model.numberings(arrays))
    if (wantsBegin) await callbacks[`on${phase}BatchBegin`](batches)
    const previous = report
    report = step.run(feeds, settings as Parameters<typeof step.run>[1]) ?? null
    release(previous)
    batches += feeds.length
    onProgress?.(batches)
    if (wish === 'every') await callbacks[`on${phase}BatchEnd`](batches - 1, await steps.read(report))
    else if (wish !== undefined) {
      const outcome = callbacks[`on${phase}BatchEnd`](batches - 1, {}, 'never')
      if (outcome !== undefined) await outcome
      if (wish === 'sampled') {
        const [batch, seen] = [batches - 1, report]
        sampler.offer(async () => callbacks[`on${phase}BatchEnd`](batch, await steps.read(seen), 'sampled'))
      }
    }
    const pause = pace.step()
    if (pause !== undefined) await pause
    if (isStopped()) break
  }
  await pace.drain()
  await sampler.settle()
  const logs = await steps.read(report)
  release(report)
  return { logs, batches, isExhausted }
}

/** As many batches as one execution takes, fewer at the end. */
export function gather(source: Source, count: number): readonly Feed[] | Promise<readonly Feed[]> {
  const feeds: Feed[] = []
  while (feeds.length < count) {
    const feed = source.next()
    if (feed instanceof Promise) return gatherSlowly(source, count, feeds, feed)
    if (feed === undefined) break
    feeds.push(feed)
  }
  return feeds
}

async function gatherSlowly(source: Source, count: number, feeds: Feed[], first: Promise<Feed | undefined>): Promise<readonly Feed[]> {
  for (let feed = await first; feed !== undefined; feed = await source.next()) {
    feeds.push(feed)
    if (feeds.length >= count) break
  }
  return feeds
}

/** What is promised, unless the signal comes first: nobody waits for data that is not wanted any more. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
