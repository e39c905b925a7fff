/** Seeds, names and memory of everything that runs in this process. */
import { bytesOf } from '../core/dtype.js'
import { ValueError } from '../core/errors.js'
import { sizeOf } from '../core/shape.js'
import { currentBackend } from '../engine/index.js'
import { live } from '../engine/tensor.js'
import { variables } from '../engine/variable.js'
import { nextCount, resetNames } from '../ops/naming.js'
import { setGlobalSeed } from '../ops/random.js'

/** Makes weights, dropout and shuffling that follow repeatable: same seed, same backend, same numbers. */
export function setRandomSeed(seed: number): void {
  if (!Number.isInteger(seed) || seed < 0)
    throw new ValueError({ where: 'setRandomSeed', problem: 'the seed must be a whole number of at least 0', received: String(seed) })
  setGlobalSeed(seed)
}

/** Starts automatic names (`dense`, `dense_1`, …) and random seeds afresh. Models that exist stay as they are. */
export function clearSession(): void {
  resetNames()
  setGlobalSeed(undefined)
}

/** How often a name with this prefix has been asked for, this time included: 1, 2, … until `clearSession`. Automatic names count along. */
export const getUid = (prefix = ''): number => nextCount(prefix)

/** What is alive, and who holds it. */
export interface MemoryReport {
  /** Bytes that the backend has allocated, for tensors and Variables. */
  readonly bytes: number
  /** Tensors that hold memory, values of Variables included. */
  readonly tensors: number
  /** Every Variable whose value has been made, and its bytes, the largest first. */
  readonly variables: readonly { readonly path: string; readonly bytes: number }[]
}

/** What is alive on the present backend, and who holds it. */
export function memory(): MemoryReport {
  const held = [...variables].flatMap((ref) => {
    const variable = ref.deref()
    return variable?.isMade === true ? [{ path: variable.path, bytes: sizeOf(variable.shape) * bytesOf(variable.dtype) }] : []
  })
  return { bytes: currentBackend().allocatedBytes, tensors: live.count, variables: held.sort((a, b) => b.bytes - a.bytes) }
}
