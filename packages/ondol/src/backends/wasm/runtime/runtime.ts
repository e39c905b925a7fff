/** What all programs of the backend share: memory, threads, compiled code, and the memory that programs work in. */

import { KernelLibrary } from '../kernels/library.js'
import { LoopLibrary } from '../loops/library.js'
import { type Features, probeFeatures } from './features.js'
import { Heap } from './heap.js'
import { Linker } from './linker.js'
import { Pool } from './pool.js'

export interface WasmOptions {
  /** Threads, the main one counted; by default ONDOL_THREADS or what the machine has. */
  readonly threads?: number
  /** `false`: no relaxed SIMD, so that results are the same to the bit on every machine. */
  readonly relaxed?: boolean
  /** Most memory, in MiB; at most 4096. */
  readonly maximumMemory?: number
}

export class Runtime {
  readonly features: Features
  readonly heap: Heap
  readonly pool: Pool
  readonly loops: LoopLibrary
  readonly kernels: KernelLibrary
  /** Memory that programs work in by turns. */
  #workspace = { address: 0, bytes: 0 }

  constructor(options: WasmOptions) {
    const probed = probeFeatures()
    const shared = probed.shared && options.threads !== 1
    this.features = { shared, relaxed: probed.relaxed && options.relaxed !== false }
    this.heap = new Heap(shared, Math.min(65536, (options.maximumMemory ?? 4096) * 16))
    this.pool = new Pool(this.heap, options.threads)
    const linker = new Linker(this.heap)
    this.loops = new LoopLibrary(this.heap, linker)
    this.kernels = new KernelLibrary(this.features, this.heap, linker)
  }

  /** Start of at least `bytes` that hold nothing from one run to the next. */
  workspace(bytes: number): number {
    if (bytes > this.#workspace.bytes) {
      if (this.#workspace.bytes > 0) this.heap.free(this.#workspace.address, this.#workspace.bytes)
      this.#workspace = { address: 0, bytes: 0 }
      this.#workspace = { address: this.heap.allocate(bytes), bytes }
    }
    return this.#workspace.address
  }

  dispose(): void {
    this.pool.dispose()
  }
}
