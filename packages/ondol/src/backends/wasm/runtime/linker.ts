/** Compiles module bytes over the heap and hands out their kernels. */
import type { ModuleBuilder } from '../assembler/index.js'
import type { Heap } from './heap.js'

/** Does tasks `begin` to `end` of what the record at `args` describes; `scratch` belongs to the calling thread. */
export type KernelFunction = (args: number, begin: number, end: number, scratch: number) => void

export interface LinkedModule {
  readonly id: number
  /** The module's bytes in the heap, for threads to compile; 0 where there are none. */
  readonly address: number
  readonly bytes: number
}

export interface Kernel {
  readonly run: KernelFunction
  readonly module: LinkedModule
  /** Place among the module's exports. */
  readonly index: number
}

export class Linker {
  readonly #heap: Heap
  #modules = 0

  constructor(heap: Heap) {
    this.#heap = heap
  }

  /** The module's exported kernels by name. */
  link(module: ModuleBuilder): Map<string, Kernel> {
    const bytes = module.encode()
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
      env: { memory: this.#heap.memory },
      math: Math as unknown as WebAssembly.ModuleImports,
    })
    const linked = { id: this.#modules++, address: this.#publish(bytes), bytes: bytes.length }
    const exports = Object.entries(instance.exports)
    return new Map(exports.map(([name, run], index) => [name, { run: run as KernelFunction, module: linked, index }]))
  }

  #publish(bytes: Uint8Array): number {
    if (!this.#heap.import.shared) return 0
    const address = this.#heap.allocate(bytes.length)
    this.#heap.bytes.set(bytes, address)
    return address
  }
}
