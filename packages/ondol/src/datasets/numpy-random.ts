/**
 * `numpy.random.RandomState(seed).shuffle(arange(n))`, number by number: MT19937 (Matsumoto and Nishimura 1998) with
 * NumPy's legacy seeding and its way to draw below a limit. Keras's data sets are split by these orders.
 */
import { ValueError } from '../core/errors.js'

const LENGTH = 624
const MIDDLE = 397

class MersenneTwister {
  readonly #state = new Uint32Array(LENGTH)
  #next = LENGTH

  constructor(seed: number) {
    let value = seed >>> 0
    for (let i = 0; i < LENGTH; i++) {
      this.#state[i] = value
      value = (Math.imul(1812433253, value ^ (value >>> 30)) + i + 1) >>> 0
    }
  }

  #refill(): void {
    const state = this.#state
    for (let i = 0; i < LENGTH; i++) {
      const bits = ((state[i] as number) & 0x80000000) | ((state[(i + 1) % LENGTH] as number) & 0x7fffffff)
      state[i] = (state[(i + MIDDLE) % LENGTH] as number) ^ (bits >>> 1) ^ ((bits & 1) === 0 ? 0 : 0x9908b0df)
    }
    this.#next = 0
  }

  /** The next 32 bits. */
  next(): number {
    if (this.#next === LENGTH) this.#refill()
    let bits = this.#state[this.#next++] as number
    bits ^= bits >>> 11
    bits ^= (bits << 7) & 0x9d2c5680
    bits ^= (bits << 15) & 0xefc60000
    return (bits ^ (bits >>> 18)) >>> 0
  }

  /** 0 to `most`: as many bits as that has, drawn again while they are more. */
  upTo(most: number): number {
    if (most === 0) return 0
    const mask = 2 ** (32 - Math.clz32(most)) - 1
    for (;;) {
      const value = (this.next() & mask) >>> 0
      if (value <= most) return value
    }
  }
}

/** `numpy.random.RandomState`, as much of it as shuffles. */
export class RandomState {
  readonly #twister: MersenneTwister

  /** @throws ValueError when `seed` is no whole number of 32 bits. */
  constructor(seed: number, where: string) {
    if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff)
      throw new ValueError({ where, problem: 'this is no seed', expected: 'a whole number from 0 to 4294967295', received: String(seed) })
    this.#twister = new MersenneTwister(seed)
  }

  /** 0 to n - 1 in the order to which `shuffle` brings them. */
  permutation(n: number): Uint32Array {
    const order = Uint32Array.from({ length: n }, (_, i) => i)
    for (let i = n - 1; i > 0; i--) {
      const j = this.#twister.upTo(i)
      const kept = order[i] as number
      order[i] = order[j] as number
      order[j] = kept
    }
    return order
  }
}
