/** What is alive, and who holds it. */
import { bytesOf } from '../core/dtype.js'
import { sizeOf } from '../core/shape.js'
import { currentBackend } from './backend.js'
import { live } from './tensor.js'
import { variables } from './variable.js'

export interface MemoryReport {
  readonly backend: string
  /** Tensors alive, values of Variables included. */
  readonly tensors: number
  /** Bytes that the backend has given out and not got back. */
  readonly bytes: number
  /** Variables whose values have been made, the largest first. */
  readonly variables: readonly { readonly path: string; readonly bytes: number }[]
}

/**
 * Memory in use on the current backend.
 *
 * @example
 * const { bytes, variables } = memory()
 */
export function memory(): MemoryReport {
  const { name, allocatedBytes } = currentBackend()
  const held = [...variables].flatMap((ref) => {
    const variable = ref.deref()
    return variable?.isMade === true ? [{ path: variable.path, bytes: sizeOf(variable.shape) * bytesOf(variable.dtype) }] : []
  })
  return { backend: name, tensors: live.count, bytes: allocatedBytes, variables: held.sort((a, b) => b.bytes - a.bytes) }
}
