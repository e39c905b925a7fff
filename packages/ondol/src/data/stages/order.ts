/** Stages that change which elements come, and in what order: shuffle, repeat, take, skip, shard, concatenate, zip. */
import { AGAIN, after, type Cursor, END, type End, isPromise, type MaybePromise, pull } from '../cursor.js'
import { type Random, randomBelow } from '../random.js'

/** Each element is drawn from a buffer that holds the next `size`. */
export function shuffled<T>(source: Cursor<T>, size: number, random: Random): Cursor<T> {
  const buffer: T[] = []
  let isEnded = false
  const draw = (): T | End => {
    if (buffer.length === 0) return END
    const at = randomBelow(buffer.length, random)
    const drawn = buffer[at] as T
    const last = buffer.pop() as T
    if (at < buffer.length) buffer[at] = last
    return drawn
  }
  const use = (step: T | End): T | End | typeof AGAIN => {
    if (step === END) {
      isEnded = true
      return draw()
    }
    if (buffer.length < size) {
      buffer.push(step as T)
      return AGAIN
    }
    const at = randomBelow(size, random)
    const drawn = buffer[at] as T
    buffer[at] = step as T
    return drawn
  }
  return {
    next: () => (isEnded ? draw() : pull<T, T | End>(source, use)),
    close() {
      isEnded = true
      buffer.length = 0
      return source.close()
    },
  }
}

/** Passes one after the other, `count` of them; ends also when one is empty. */
export function repeated<T>(open: (round: number) => Cursor<T>, count: number): Cursor<T> {
  let round = 0
  let isEmpty = true
  let current = count > 0 ? open(0) : undefined
  const present: Cursor<T> = { next: () => (current === undefined ? END : current.next()), close: () => undefined }
  const use = (step: T | End): MaybePromise<T | End | typeof AGAIN> => {
    if (step !== END) {
      isEmpty = false
      return step
    }
    if (current === undefined) return END
    return after(current.close(), () => {
      current = ++round < count && !isEmpty ? open(round) : undefined
      isEmpty = true
      return current === undefined ? END : AGAIN
    })
  }
  return { next: () => pull<T, T | End>(present, use), close: () => current?.close() }
}

export function taken<T>(source: Cursor<T>, count: number): Cursor<T> {
  let left = count
  return { next: () => (left-- > 0 ? source.next() : END), close: () => source.close() }
}

/** Elements whose number `isWanted`. */
export function selected<T>(source: Cursor<T>, isWanted: (index: number) => boolean): Cursor<T> {
  let index = 0
  const use = (step: T | End): T | End | typeof AGAIN => (step === END || isWanted(index++) ? step : AGAIN)
  return { next: () => pull<T, T | End>(source, use), close: () => source.close() }
}

export function concatenated<T>(openers: readonly (() => Cursor<T>)[]): Cursor<T> {
  let place = 0
  let current: Cursor<T> | undefined
  const present: Cursor<T> = {
    next() {
      const opener = openers[place]
      if (opener === undefined) return END
      current ??= opener()
      return current.next()
    },
    close: () => undefined,
  }
  const use = (step: T | End): MaybePromise<T | End | typeof AGAIN> => {
    if (step !== END || place >= openers.length) return step
    return after((current as Cursor<T>).close(), () => {
      current = undefined
      place++
      return AGAIN
    })
  }
  return { next: () => pull<T, T | End>(present, use), close: () => current?.close() }
}

/** One element of each, until one of them ends. */
export function zipped(cursors: readonly Cursor<unknown>[]): Cursor<readonly unknown[]> {
  const use = (steps: readonly unknown[]): readonly unknown[] | End => (steps.includes(END) ? END : steps)
  return {
    next() {
      const steps = cursors.map((cursor) => cursor.next())
      return steps.some(isPromise) ? Promise.all(steps).then(use) : use(steps)
    },
    async close() {
      for (const cursor of cursors) await cursor.close()
    },
  }
}
