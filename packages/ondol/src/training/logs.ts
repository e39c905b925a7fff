/** Reading logs from the device: all numbers in one go, and only when somebody looks. */
import type { Logs } from '../callbacks/callback.js'
import { Tensor, tidy } from '../engine/index.js'
import { packed } from './step.js'

/** In Keras's order, which is the alphabet's. */
export const sorted = (logs: Logs): Logs => Object.fromEntries(Object.entries(logs).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))

/** The values of a record of scalars (of larger tensors, the mean). */
export async function readLogs(results: Readonly<Record<string, Tensor | number>>): Promise<Logs> {
  const names = Object.keys(results)
  const tensors = names.map((name) => results[name]).filter((value) => value instanceof Tensor)
  const vector = tidy(() => packed(tensors))
  try {
    const values = await vector.data()
    let next = 0
    return sorted(
      Object.fromEntries(
        names.map((name) => [name, results[name] instanceof Tensor ? (values[next++] as number) : (results[name] as number)]),
      ),
    )
  } finally {
    vector.dispose()
  }
}
