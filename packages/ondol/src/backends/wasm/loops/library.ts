/** Keeps the compiled functions of fused loops, by shape; one new module for all that a plan adds. */
import { ModuleBuilder } from '../assembler/index.js'
import { scalarFunctionOf } from '../codegen/elementwise.js'
import { addScalarFunctions, type ScalarName } from '../codegen/scalar-functions.js'
import type { Heap } from '../runtime/heap.js'
import type { Kernel, Linker } from '../runtime/linker.js'
import { emitLoop } from './emit.js'
import type { LoopShape } from './shape.js'

export class LoopLibrary {
  readonly #heap: Heap
  readonly #linker: Linker
  readonly #kernels = new Map<string, Kernel>()

  constructor(heap: Heap, linker: Linker) {
    this.#heap = heap
    this.#linker = linker
  }

  /** The kernels of `shapes`, in order. */
  get(shapes: readonly LoopShape[]): Kernel[] {
    const keys = shapes.map((shape) => JSON.stringify(shape, printOddNumber))
    const missing = new Map<string, LoopShape>()
    keys.forEach((key, at) => {
      if (!this.#kernels.has(key)) missing.set(key, shapes[at] as LoopShape)
    })
    if (missing.size > 0) this.#compile(missing)
    return keys.map((key) => this.#kernels.get(key) as Kernel)
  }

  #compile(missing: ReadonlyMap<string, LoopShape>): void {
    const module = new ModuleBuilder(this.#heap.import)
    const functions = addScalarFunctions(module, scalarNames([...missing.values()]))
    const keys = [...missing.keys()]
    keys.forEach((key, at) => {
      emitLoop(module, `loop${at}`, missing.get(key) as LoopShape, functions)
    })
    const kernels = this.#linker.link(module)
    keys.forEach((key, at) => {
      this.#kernels.set(key, kernels.get(`loop${at}`) as Kernel)
    })
  }
}

/** JSON has no words for infinities, NaN and -0. */
function printOddNumber(_key: string, value: unknown): unknown {
  if (typeof value !== 'number') return value
  if (Object.is(value, -0)) return '-0'
  return Number.isFinite(value) ? value : String(value)
}

function scalarNames(shapes: readonly LoopShape[]): Set<ScalarName> {
  const names = new Set<ScalarName>()
  for (const { body, epilogue } of shapes) {
    for (const { op, type } of [...body, ...epilogue]) {
      const name = scalarFunctionOf(op, type)
      if (name !== undefined) names.add(name)
    }
  }
  return names
}
