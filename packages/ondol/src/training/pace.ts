/**
 * How far the queue of steps may run ahead. A few steps are queued before the first is awaited, so the backend
 * never waits; not more, so memory, interruption and logs stay close to what is computed. Steps much shorter
 * than a promise's round trip are awaited in groups. The event loop gets a turn several times a second even
 * where a backend computes on this very thread.
 */
import { currentBackend } from '../engine/index.js'

/** Groups in flight. */
const DEPTH = 2
/** Milliseconds that a group should take, at least and at most. */
const GROUP_MS = [3, 25] as const
/** Milliseconds between turns of the event loop. */
const TURN_MS = 50

export class Pace {
  readonly #inFlight: Promise<void>[] = []
  #groupSize = 1
  #inGroup = 0
  #groupStart = performance.now()
  #lastTurn = performance.now()

  /** To call after each queued step: what to wait for, if anything. */
  step(): Promise<void> | undefined {
    if (++this.#inGroup < this.#groupSize) return undefined
    const finished = currentBackend().finish()
    // Whoever awaits it later sees a failure; nobody may be left to.
    finished.catch(() => undefined)
    this.#inFlight.push(finished)
    this.#inGroup = 0
    this.#adjust()
    if (this.#inFlight.length > DEPTH) return this.#next()
    return performance.now() - this.#lastTurn > TURN_MS ? this.#turn() : undefined
  }

  /** Waits for everything that is queued. */
  async drain(): Promise<void> {
    this.#inGroup = 0
    await Promise.all(this.#inFlight.splice(0))
    await currentBackend().finish()
  }

  async #next(): Promise<void> {
    await this.#inFlight.shift()
    if (performance.now() - this.#lastTurn > TURN_MS) await this.#turn()
  }

  async #turn(): Promise<void> {
    await nextTurn()
    this.#lastTurn = performance.now()
  }

  #adjust(): void {
    const now = performance.now()
    const elapsed = now - this.#groupStart
    this.#groupStart = now
    if (elapsed < GROUP_MS[0] && this.#groupSize < 1024) this.#groupSize *= 2
    else if (elapsed > GROUP_MS[1] && this.#groupSize > 1) this.#groupSize /= 2
  }
}

/** Resolves when the event loop has come round. */
export function nextTurn(): Promise<void> {
  const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown }
  if (setImmediate !== undefined) return new Promise((resolve) => setImmediate(resolve))
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })
}
