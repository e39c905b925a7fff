/**
 * Random numbers for data, on this side of the backend: orders, splits, augmentation. Everything is a pure
 * function of seeds (mulberry32 over hashed seeds), so a pass can be repeated and resumed.
 */

/** The next number of a stream, uniform in [0, 1). */
export type Random = () => number

/** One seed from several: each order of arguments gives another (murmur3's finaliser). */
export function mixSeeds(...seeds: readonly number[]): number {
  let hash = 0x9e3779b9
  for (const seed of seeds) {
    hash = Math.imul(hash ^ (seed | 0), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13) ^ Math.floor(seed / 2 ** 32), 0xc2b2ae35)
    hash ^= hash >>> 16
  }
  return hash >>> 0
}

/**
 * A stream of numbers that follows from `seed` alone.
 *
 * @example
 * const random = makeRandom(42)
 * random() // 0.6011037519201636, today and for ever
 */
export function makeRandom(seed: number): Random {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A whole number in [0, limit). */
export const randomBelow = (limit: number, random: Random): number => Math.floor(random() * limit)

/** Puts `items` in a random order, in place (Fisher and Yates). */
export function shuffleInPlace<A extends { [index: number]: unknown; readonly length: number }>(items: A, random: Random): A {
  for (let i = items.length - 1; i > 0; i--) {
    const j = randomBelow(i + 1, random)
    const kept = items[i]
    items[i] = items[j]
    items[j] = kept
  }
  return items
}

/** 0 to n - 1 in an order that follows from `seed` alone. */
export const permutation = (n: number, seed: number): Int32Array =>
  shuffleInPlace(
    Int32Array.from({ length: n }, (_, i) => i),
    makeRandom(seed),
  )

/** What a function learns about the element that it is given. */
export interface ElementContext {
  /** The element's number in this pass, from 0. */
  readonly index: number
  /** Random numbers that follow from the seed, the epoch and the index: the same however many run side by side. */
  readonly random: Random
}

/** The context of element `index`; its random stream is made when asked for. */
export class Place implements ElementContext {
  #random: Random | undefined

  constructor(
    readonly index: number,
    readonly seed: number,
  ) {}

  get random(): Random {
    this.#random ??= makeRandom(mixSeeds(this.seed, this.index))
    return this.#random
  }
}
