/**
 * What the engine asks of a backend: memory, programs, and one queue that runs them in order.
 * Nothing here blocks but `readSync`. Backends live in `backends/` and are chosen by `backends/load.ts`.
 */
import type { DType, TypedArray } from '../core/dtype.js'
import { BackendError } from '../core/errors.js'
import type { Graph } from './graph.js'

export type BackendName = 'host' | 'wasm' | 'native' | 'webgpu'

/** Memory of a tensor on a backend; what it is, only the backend knows. */
export interface Memory {
  readonly bytes: number
}

/** A compiled graph. */
export interface Program {
  /**
   * Queues one execution. `inputs` and `outputs` are bound in the graph's order; for a donated pair
   * the caller passes one Memory on both sides. Memory may be freed right after the call: the backend
   * keeps it until the queue has passed. `renewed`: some of the graph's lasting inputs may have another content than in the
   * run before.
   */
  run(inputs: readonly Memory[], outputs: readonly Memory[], renewed?: boolean): void
  /** Bytes of scratch memory that an execution needs. */
  readonly scratchBytes: number
  dispose(): void
}

export interface Backend {
  readonly name: BackendName
  /** One line for people: `native (oneDNN 2.6.3, AVX-512, 2 threads)`. */
  readonly description: string
  readonly dtypes: ReadonlySet<DType>
  /** New memory with undefined content; throws OutOfMemoryError. */
  allocate(bytes: number): Memory
  /** Copies storage into memory, after everything queued before. The storage may be reused after the call. */
  write(memory: Memory, storage: TypedArray): void
  /** Copies out once everything queued before is done; rejects with the queue's first failure. */
  read(memory: Memory, dtype: DType, length: number): Promise<TypedArray>
  /** As `read`, but blocks; throws BackendError where the backend cannot. */
  readSync(memory: Memory, dtype: DType, length: number): TypedArray
  free(memory: Memory): void
  compile(graph: Graph): Program
  /** Resolves when everything queued so far is done; rejects with the queue's first failure, which it clears. */
  finish(): Promise<void>
  /** Bytes allocated and not freed, scratch apart. */
  readonly allocatedBytes: number
  dispose(): void
}

let current: Backend | undefined

export function currentBackend(): Backend {
  if (current === undefined) {
    throw new BackendError({ problem: 'no backend is loaded', hint: "import 'ondol' (which loads one) or await setBackend('wasm')" })
  }
  return current
}

export const hasBackend = (): boolean => current !== undefined

/** Makes `backend` the one that runs everything from now on. Tensors made before stay on theirs. */
export function useBackend(backend: Backend): void {
  current = backend
}
