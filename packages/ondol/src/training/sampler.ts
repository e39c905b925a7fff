/** Shows the logs a few times a second: steps go on being queued while the numbers of one are on their way. */

/** Milliseconds between two samples. */
const INTERVAL_MS = 100

export class Sampler {
  #pending: Promise<void> | undefined
  #failure: { readonly error: unknown } | undefined
  #next = 0

  /** Starts `show` if it is time and the last one is done. Throws what the last one failed with. */
  offer(show: () => Promise<void>): void {
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#pending !== undefined || performance.now() < this.#next) return
    this.#pending = show()
      .catch((error: unknown) => {
        this.#failure = { error }
      })
      .finally(() => {
        this.#pending = undefined
        this.#next = performance.now() + INTERVAL_MS
      })
  }

  /** Waits for the last one, and throws what it failed with. */
  async settle(): Promise<void> {
    await this.#pending
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
