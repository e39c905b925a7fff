/** Stages between elements and groups of them: batch, window, unbatch. */
import { AGAIN, type Cursor, END, type End, pull } from '../cursor.js'

export interface Grouping {
  readonly size: number
  /** From the first element of a group to the first of the next. */
  readonly shift: number
  /** From one element of a group to the next. */
  readonly stride: number
  readonly dropRemainder: boolean
}

/** Groups of elements, made into one thing each by `finish`, which learns the number of the first element. */
export function grouped<T, U>(source: Cursor<T>, grouping: Grouping, finish: (group: readonly T[], first: number) => U): Cursor<U> {
  const { size, shift, stride, dropRemainder } = grouping
  const span = (size - 1) * stride + 1
  let buffer: T[] = []
  let first = 0
  /** Elements to pass over before the next group. */
  let gap = 0
  let isEnded = false
  const emit = (): U => {
    const group =
      stride === 1 ? (buffer.length > size ? buffer.slice(0, size) : buffer) : buffer.filter((_, i) => i % stride === 0 && i < span)
    const made = finish(group, first)
    gap = Math.max(0, shift - buffer.length)
    buffer = shift >= buffer.length ? [] : buffer.slice(shift)
    first += shift
    return made
  }
  const rest = (): U | End => (buffer.length === 0 || dropRemainder ? END : emit())
  const use = (step: T | End): U | End | typeof AGAIN => {
    if (step === END) {
      isEnded = true
      return rest()
    }
    if (gap > 0) {
      gap--
      return AGAIN
    }
    buffer.push(step as T)
    return buffer.length < span ? AGAIN : emit()
  }
  return { next: () => (isEnded ? rest() : pull<T, U | End>(source, use)), close: () => source.close() }
}

/** The elements of each group again. */
export function ungrouped<T, U>(
  source: Cursor<T>,
  split: (group: T) => { readonly count: number; readonly row: (index: number) => U },
): Cursor<U> {
  let rows: { readonly count: number; readonly row: (index: number) => U } | undefined
  let next = 0
  const use = (step: T | End): U | End | typeof AGAIN => {
    if (step === END) return END
    rows = split(step as T)
    next = 0
    return next < rows.count ? rows.row(next++) : AGAIN
  }
  return {
    next: () => (rows !== undefined && next < rows.count ? rows.row(next++) : pull<T, U | End>(source, use)),
    close: () => source.close(),
  }
}
