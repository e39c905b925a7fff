/**
 * How elements are pulled through a pipeline: one call a stage, a promise only where something is really
 * asynchronous, nothing allocated for an element that passes.
 */
import { DataError, OndolError } from '../core/errors.js'

export type MaybePromise<T> = T | Promise<T>

export const isPromise = <T>(value: T | Promise<T>): value is Promise<T> =>
  typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'

/** `next` on the value, at once if it is there. */
export const after = <T, U>(value: MaybePromise<T>, next: (value: T) => MaybePromise<U>): MaybePromise<U> =>
  isPromise(value) ? value.then(next) : next(value)

/** Comes in place of an element when there are no more, and goes on coming. */
export const END: unique symbol = Symbol('end')
export type End = typeof END

/** One pass over a dataset. */
export interface Cursor<T> {
  /** The next element; not to be called again before a promise of it is settled. */
  next(): MaybePromise<T | End>
  /** Lets go of what the pass holds: iterators, workers. */
  close(): MaybePromise<void>
}

/** What everything random in a pass follows from. */
export interface Pass {
  readonly epoch: number
  readonly seed: number
  /** Batches at its beginning to leave out, where that is cheap: by loaders, not by datasets. Default 0. */
  readonly skip?: number
}

/** Given instead of a result: pull once more. */
export const AGAIN: unique symbol = Symbol('again')
type Again = typeof AGAIN

/** Pulls until `use` makes something of what came. */
export function pull<T, U>(source: Cursor<T>, use: (step: T | End) => MaybePromise<U | Again>): MaybePromise<U> {
  for (;;) {
    const step = source.next()
    const result = isPromise(step) ? step.then(use) : use(step)
    if (isPromise(result)) return pullOn(source, use, result)
    if (result !== AGAIN) return result as U
  }
}

async function pullOn<T, U>(source: Cursor<T>, use: (step: T | End) => MaybePromise<U | Again>, first: Promise<U | Again>): Promise<U> {
  let result = await first
  while (result === AGAIN) result = await use(await source.next())
  return result
}

/** Hands every element to `use`, and closes the cursor however that ends. `use` may answer `false` to stop. */
export async function drain<T>(cursor: Cursor<T>, use: (element: T) => unknown): Promise<void> {
  try {
    for (;;) {
      const step = cursor.next()
      const element = isPromise(step) ? await step : step
      if (element === END) return
      const answer = use(element as T)
      if ((isPromise(answer) ? await answer : answer) === false) return
    }
  } finally {
    await cursor.close()
  }
}

/** A pass as JavaScript iterates. */
export function iteratorOf<T>(cursor: Cursor<T>): AsyncIterableIterator<T> {
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    async next() {
      const element = await cursor.next()
      if (element === END) return { done: true, value: undefined }
      return { done: false, value: element as T }
    },
    async return() {
      await cursor.close()
      return { done: true, value: undefined }
    },
  }
}

/** A pass over what JavaScript iterates; `where` names it in errors. */
export function cursorOf<T>(iterable: Iterable<T> | AsyncIterable<T>, where: string): Cursor<T> {
  const iterator = Symbol.asyncIterator in iterable ? iterable[Symbol.asyncIterator]() : iterable[Symbol.iterator]()
  let index = 0
  let isDone = false
  const take = (result: IteratorResult<T>): T | End => {
    if (result.done === true) {
      isDone = true
      return END
    }
    index++
    return result.value
  }
  const fail = (error: unknown): never => {
    isDone = true
    throw elementError(error, where, index)
  }
  return {
    next() {
      if (isDone) return END
      try {
        const result = iterator.next() as MaybePromise<IteratorResult<T>>
        if (isPromise(result)) return result.then(take).catch(fail)
        const element = take(result)
        return isPromise(element) ? element.catch(fail) : element
      } catch (error) {
        return fail(error)
      }
    },
    close() {
      if (isDone) return undefined
      isDone = true
      return after(iterator.return?.() as MaybePromise<unknown>, () => undefined)
    },
  }
}

/** Runs somebody's function for element `index`; what it throws is told with that number. */
export function toldWith<U>(where: string, index: number, run: () => MaybePromise<U>): MaybePromise<U> {
  const fail = (error: unknown): never => {
    throw elementError(error, where, index)
  }
  try {
    const result = run()
    return isPromise(result) ? result.then(undefined, fail) : result
  } catch (error) {
    return fail(error)
  }
}

/** An error of somebody's function, with the number of the element it came with; the stack stays that of the cause. */
export function elementError(error: unknown, where: string, index: number): OndolError {
  if (error instanceof OndolError) return error.where?.includes('element ') === true ? error : error.within(`${where}, element ${index}`)
  const message = error instanceof Error ? error.message : String(error)
  const told = new DataError({ where: `${where}, element ${index}`, problem: message, cause: error })
  if (error instanceof Error && error.stack !== undefined) told.stack = `${told.name}: ${told.message}\n${framesOf(error)}`
  return told
}

const framesOf = ({ stack = '' }: Error): string => stack.slice(Math.max(0, stack.search(/^\s+at /m)))
