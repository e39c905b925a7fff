/** The fixed kernels, compiled family by family and kept for the backend's life. */
import { ModuleBuilder } from '../assembler/index.js'
import type { Features } from '../runtime/features.js'
import type { Heap } from '../runtime/heap.js'
import type { Kernel, Linker } from '../runtime/linker.js'
import type { KernelFamily } from './family.js'

export class KernelLibrary {
  readonly features: Features
  readonly #heap: Heap
  readonly #linker: Linker
  readonly #linked = new Map<KernelFamily, Map<string, Kernel>>()

  constructor(features: Features, heap: Heap, linker: Linker) {
    this.features = features
    this.#heap = heap
    this.#linker = linker
  }

  get(family: KernelFamily, name: string): Kernel {
    let kernels = this.#linked.get(family)
    if (kernels === undefined) {
      const module = new ModuleBuilder(this.#heap.import)
      family.emit(module, this.features)
      kernels = this.#linker.link(module)
      this.#linked.set(family, kernels)
    }
    const kernel = kernels.get(name)
    if (kernel === undefined) throw new Error(`internal: no kernel ${name}`)
    return kernel
  }
}
