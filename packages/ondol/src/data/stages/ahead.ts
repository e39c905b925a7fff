/** Stages that keep or prepare elements: cache and prefetch. */
import { type Cursor, END, type End, isPromise, type MaybePromise } from '../cursor.js'

/** What a dataset remembers of its first complete pass. */
export class Cache<T> {
  #elements: readonly T[] | undefined

  open(source: () => Cursor<T>): Cursor<T> {
    const { length } = this.#elements ?? []
    if (this.#elements !== undefined) {
      const elements = this.#elements
      let next = 0
      return { next: () => (next < length ? (elements[next++] as T) : END), close: () => undefined }
    }
    const cursor = source()
    const seen: T[] = []
    const keep = (step: T | End): T | End => {
      if (step === END) this.#elements ??= seen
      else seen.push(step as T)
      return step
    }
    return {
      next() {
        const step = cursor.next()
        return isPromise(step) ? step.then(keep) : keep(step)
      },
      close: () => cursor.close(),
    }
  }
}

/**
 * Keeps the next `depth` elements of an asynchronous source ready or on their way, never more. What is computed at
 * once is computed in turns of the event loop in which nobody waits for it.
 */
export function prefetched<T>(source: Cursor<T>, depth: number, turn: () => Promise<void>): Cursor<T> {
  const ready: (T | { readonly failure: unknown; readonly [FAILED]: true })[] = []
  let pending: Promise<void> | undefined
  let isWaitingForTurn = false
  let isEnded = false
  const keep = (step: T | End): void => {
    pending = undefined
    if (step === END) isEnded = true
    else ready.push(step as T)
  }
  const fail = (failure: unknown): void => {
    pending = undefined
    isEnded = true
    ready.push({ failure, [FAILED]: true })
  }
  const keepLater = (step: Promise<T | End>): Promise<void> => {
    pending = step.then(keep, fail).then(fillUp)
    return pending
  }
  const fillUp = (): void => {
    if (isEnded || pending !== undefined || isWaitingForTurn || ready.length >= depth) return
    try {
      const step = source.next()
      if (isPromise(step)) {
        keepLater(step)
        return
      }
      keep(step)
      fillUpLater()
    } catch (error) {
      fail(error)
    }
  }
  const fillUpLater = (): void => {
    if (isEnded || isWaitingForTurn || pending !== undefined || ready.length >= depth) return
    isWaitingForTurn = true
    void turn().then(() => {
      isWaitingForTurn = false
      fillUp()
    })
  }
  const next = (): MaybePromise<T | End> => {
    if (ready.length > 0) {
      const element = ready.shift()
      if (typeof element === 'object' && element !== null && FAILED in element) throw (element as { failure: unknown }).failure
      fillUpLater()
      return element as T
    }
    if (isEnded) return END
    if (pending !== undefined) return pending.then(next)
    const step = source.next()
    if (isPromise(step)) return keepLater(step).then(next)
    if (step === END) isEnded = true
    fillUpLater()
    return step
  }
  return {
    next,
    async close() {
      isEnded = true
      await pending
      ready.length = 0
      await source.close()
    },
  }
}

const FAILED = Symbol('failed')
