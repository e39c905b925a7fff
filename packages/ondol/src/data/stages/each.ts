/** Stages that look at one element at a time: map (side by side), filter, flatMap, interleave. */
import { AGAIN, after, type Cursor, END, type End, isPromise, type MaybePromise, pull, toldWith } from '../cursor.js'

/** A stage's work on element number `index`; what it throws is told with that number. */
export type Work<T, U> = (element: T, index: number) => MaybePromise<U>

/** `work` with errors that say which element it was. */
const guarded =
  <T, U>(work: Work<T, U>, where: string): Work<T, U> =>
  (element, index) =>
    toldWith(where, index, () => work(element, index))

export function mapped<T, U>(source: Cursor<T>, work: Work<T, U>, where: string): Cursor<U> {
  const run = guarded(work, where)
  let index = 0
  const use = (step: T | End): MaybePromise<U | End> => (step === END ? END : run(step as T, index++))
  return { next: () => pull<T, U | End>(source, use), close: () => source.close() }
}

/**
 * As `mapped`, with up to `limit` elements under way at once; they come out in order. Nothing runs ahead of what is
 * computed at once anyway.
 */
export function mappedSideBySide<T, U>(source: Cursor<T>, work: Work<T, U>, where: string, limit: number): Cursor<U> {
  const run = guarded(work, where)
  const queue: MaybePromise<U | End>[] = []
  let index = 0
  let isEnded = false
  let pending: Promise<T | End> | undefined
  const start = (step: T | End): MaybePromise<U | End> => {
    if (step !== END) return run(step as T, index++)
    isEnded = true
    return END
  }
  /** The source's next step, after the one that is on its way. */
  const pullNext = (): MaybePromise<T | End> => {
    const step = pending === undefined ? source.next() : pending.then(() => (isEnded ? END : source.next()))
    if (!isPromise(step)) return step
    const mine = step.finally(() => {
      if (pending === mine) pending = undefined
    })
    pending = mine
    return mine
  }
  const fillUp = (room: number): void => {
    while (!isEnded && queue.length < room) {
      let item: MaybePromise<U | End>
      try {
        item = after(pullNext(), start)
      } catch (error) {
        isEnded = true
        item = Promise.reject(error)
      }
      queue.push(item)
      if (!isPromise(item)) return
      // Whoever comes to it sees the failure; nobody may.
      item.catch(() => {
        isEnded = true
      })
    }
  }
  return {
    next() {
      fillUp(limit)
      const first = queue.shift()
      if (!isPromise(first)) return first === undefined ? END : first
      // The first is still under way; its place is free when it is done.
      fillUp(limit - 1)
      first.then(
        () => fillUp(limit),
        () => undefined,
      )
      return first
    },
    close() {
      isEnded = true
      queue.length = 0
      return source.close()
    },
  }
}

export function filtered<T>(source: Cursor<T>, keeps: Work<T, unknown>, where: string): Cursor<T> {
  const run = guarded(keeps, where)
  let index = 0
  const use = (step: T | End): MaybePromise<T | End | typeof AGAIN> =>
    step === END ? END : after(run(step as T, index++), (isKept) => (isKept ? step : AGAIN))
  return { next: () => pull<T, T | End>(source, use), close: () => source.close() }
}

/** All elements of all the passes that `open` gives for elements, one pass after the other. */
export function flattened<T, U>(source: Cursor<T>, open: Work<T, Cursor<U>>, where: string): Cursor<U> {
  return interleaved(source, open, where, 1, Number.POSITIVE_INFINITY)
}

/**
 * `blockLength` elements of each of `cycleLength` passes in turn. A pass that ended leaves its place to the next
 * one when its turn comes again.
 */
export function interleaved<T, U>(
  source: Cursor<T>,
  open: Work<T, Cursor<U>>,
  where: string,
  cycleLength: number,
  blockLength: number,
): Cursor<U> {
  const run = guarded(open, where)
  const cycle = new Array<Cursor<U> | undefined>(cycleLength).fill(undefined)
  let place = 0
  let inBlock = 0
  let index = 0
  let opened = 0
  let isEnded = false
  const advance = (): void => {
    place = (place + 1) % cycleLength
    inBlock = 0
  }
  // A pass over either the inner or the outer elements: what comes is told apart by `inner`.
  let inner: Cursor<U> | undefined
  const both: Cursor<T | U> = {
    next() {
      inner = cycle[place]
      return inner === undefined ? (isEnded ? END : source.next()) : inner.next()
    },
    close: () => undefined,
  }
  const use = (step: T | U | End): MaybePromise<U | End | typeof AGAIN> => {
    if (inner !== undefined) {
      if (step === END) {
        cycle[place] = undefined
        opened--
        advance()
        return AGAIN
      }
      if (++inBlock >= blockLength) advance()
      return step as U
    }
    if (step === END) {
      isEnded = true
      if (opened === 0) return END
      advance()
      return AGAIN
    }
    return after(run(step as T, index++), (cursor) => {
      cycle[place] = cursor
      opened++
      return AGAIN
    })
  }
  return {
    next: () => pull<T | U, U | End>(both, use),
    async close() {
      for (const cursor of cycle) await cursor?.close()
      await source.close()
    },
  }
}
