/** A family of fixed kernels: one module, compiled when the first of them is wanted. */
import type { ModuleBuilder } from '../assembler/index.js'
import type { Features } from '../runtime/features.js'

export interface KernelFamily {
  readonly emit: (module: ModuleBuilder, features: Features) => void
}
