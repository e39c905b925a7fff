/**
 * How much memory something took at most, on Linux: the system keeps the highest resident size of a process, and sets it back when
 * asked. Arrays that were asked for and never touched are counted beside it, as the largest of them. 0 elsewhere.
 */
import { readFileSync, writeFileSync } from 'node:fs'

/** `VmHWM` or `VmRSS`, in bytes. */
const status = (field: string): number =>
  1024 * Number(new RegExp(`^${field}:\\s*(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'latin1'))?.[1])

let largest = 0

/** From now on, arrays that JavaScript asks for are seen. Slow, so for programs that do nothing else. */
export function watchArrays(): void {
  for (const name of ARRAYS) {
    const Original = globalThis[name] as unknown as { new (...args: unknown[]): object; readonly BYTES_PER_ELEMENT?: number }
    const seen: typeof Original = new Proxy(Original, {
      construct(target, args, newTarget) {
        const [length] = args
        if (typeof length === 'number') largest = Math.max(largest, length * (target.BYTES_PER_ELEMENT ?? 1))
        return Reflect.construct(target, args, newTarget === seen ? target : newTarget) as object
      },
    })
    Object.assign(globalThis, { [name]: seen })
  }
}

const ARRAYS = ['ArrayBuffer', 'Uint8Array', 'Int32Array', 'Uint16Array', 'Float32Array', 'Float64Array', 'BigInt64Array'] as const

export class MemoryWatch {
  readonly #before: number

  constructor() {
    largest = 0
    this.#before = process.platform === 'linux' ? MemoryWatch.#reset() : Number.NaN
  }

  static #reset(): number {
    try {
      writeFileSync('/proc/self/clear_refs', '5')
      return status('VmRSS')
    } catch {
      return Number.NaN
    }
  }

  /** Bytes since the beginning. */
  stop(): number {
    const grown = Number.isNaN(this.#before) ? 0 : Math.max(0, status('VmHWM') - this.#before)
    return Math.max(grown, largest)
  }
}
