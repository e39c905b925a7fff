/**
 * The native backend: Plans run by a C++ virtual machine over oneDNN, on a thread of its own.
 * This file keeps handles and turns failures into errors; the work is in packages/native.
 */
import { allocate, type DType, type TypedArray } from '../../core/dtype.js'
import { BackendError, DisposedError, OutOfMemoryError } from '../../core/errors.js'
import type { Backend, Memory, Program } from '../../engine/backend.js'
import { isDebugging } from '../../engine/debug.js'
import type { Graph } from '../../engine/graph.js'
import { lowerToPlan } from '../../engine/passes/lower.js'
import type { Plan } from '../../engine/plan.js'
import { type Addon, loadAddon } from './addon.js'
import { createEncoder, type EncodedPlan, NATIVE_DTYPES } from './encode.js'
import { innerSteps, profile, type StepTime } from './profile.js'

/**
 * Opens the native backend.
 *
 * @throws BackendError if the add-on or oneDNN is missing; it says how to get it.
 */
export function createNativeBackend(): NativeBackend {
  return new NativeBackend(loadAddon())
}

class NativeMemory implements Memory {
  /** Number of the add-on's block; -1 once freed. */
  id: number
  constructor(
    id: number,
    readonly bytes: number,
  ) {
    this.id = id
  }
}

export class NativeBackend implements Backend {
  readonly name = 'native'
  readonly description: string
  readonly dtypes: ReadonlySet<DType> = NATIVE_DTYPES
  readonly #addon: Addon
  readonly #encode: (plan: Plan) => EncodedPlan

  constructor(addon: Addon) {
    const { oneDNN, simd, threads, ops, kernels } = addon.info()
    this.description = `native (oneDNN ${oneDNN}, ${simd}, ${threads} thread${threads === 1 ? '' : 's'})`
    this.#addon = addon
    this.#encode = createEncoder({ ops, kernels, threads })
  }

  allocate(bytes: number): Memory {
    return new NativeMemory(
      guarded(() => this.#addon.allocate(bytes)),
      bytes,
    )
  }

  write(memory: Memory, storage: TypedArray): void {
    guarded(() => this.#addon.write(idOf(memory), storage))
  }

  async read(memory: Memory, dtype: DType, length: number): Promise<TypedArray> {
    try {
      return await this.#addon.read(idOf(memory), allocate(dtype, length))
    } catch (failure) {
      throw translate(failure)
    }
  }

  readSync(memory: Memory, dtype: DType, length: number): TypedArray {
    return guarded(() => this.#addon.readNow(idOf(memory), allocate(dtype, length)))
  }

  free(memory: Memory): void {
    this.#addon.free(idOf(memory))
    ;(memory as NativeMemory).id = -1
  }

  compile(graph: Graph): Program {
    return this.compilePlan(lowerToPlan(graph, { epilogues: true, fusion: true }))
  }

  /** The second half of `compile`. */
  compilePlan(plan: Plan): NativeProgram {
    const { code, constants } = this.#encode(plan)
    const program = guarded(() => this.#addon.load(code, constants))
    return new NativeProgram(this.#addon, program, plan)
  }

  async finish(): Promise<void> {
    try {
      await this.#addon.finish()
    } catch (failure) {
      throw translate(failure)
    }
  }

  get allocatedBytes(): number {
    return this.#addon.allocatedBytes()
  }

  /** Memory and threads go with the process: the add-on is one for each JavaScript environment. */
  dispose(): void {}
}

/** Programs that nobody can run any more are unloaded, with the kernels that they keep. */
const unloading = new FinalizationRegistry<() => void>((unload) => unload())

export class NativeProgram implements Program {
  readonly plan: Plan
  runs = 0
  readonly #addon: Addon
  readonly #program: number
  readonly #slots: Uint32Array

  constructor(addon: Addon, program: number, plan: Plan) {
    this.plan = plan
    this.#addon = addon
    this.#program = program
    this.#slots = new Uint32Array(plan.inputs.length + plan.outputs.length)
    unloading.register(this, () => addon.unload(program), this)
    if (isDebugging('profile')) profile(this)
  }

  /** What each step, and each step inside it, took since the last call (the first call only starts the clocks, and the program's first run does not count). Wait for `finish()` before. */
  takeTimes(): StepTime[] {
    const times = this.#addon.stepTimes(this.#program)
    return innerSteps(this.plan).map(({ step, depth }, index) => ({ step, depth, milliseconds: (times[index] as number) / 1e6 }))
  }

  get scratchBytes(): number {
    return this.#addon.scratchBytes(this.#program)
  }

  run(inputs: readonly Memory[], outputs: readonly Memory[], renewed = true): void {
    const slots = this.#slots
    this.runs++
    let at = 0
    for (const memory of inputs) slots[at++] = idOf(memory)
    for (const memory of outputs) slots[at++] = idOf(memory)
    try {
      this.#addon.run(this.#program, slots, renewed)
    } catch (failure) {
      throw translate(failure)
    }
  }

  dispose(): void {
    unloading.unregister(this)
    this.#addon.unload(this.#program)
  }
}

function idOf(memory: Memory): number {
  const { id } = memory as NativeMemory
  if (id < 0) throw new DisposedError({ where: 'native', problem: 'memory is used after it was freed' })
  return id
}

function guarded<T>(action: () => T): T {
  try {
    return action()
  } catch (failure) {
    throw translate(failure)
  }
}

/** The add-on's failures as errors of the family. */
function translate(failure: unknown): unknown {
  if (!(failure instanceof Error) || !('code' in failure)) return failure
  if (failure.code === 'ONDOL_OUT_OF_MEMORY') {
    const hint = 'use a smaller batch, a smaller model or mixed_bfloat16; ondol.memory() says who holds how much'
    return new OutOfMemoryError({ where: 'native', problem: `out of memory: ${failure.message}`, hint, cause: failure })
  }
  if (failure.code === 'ONDOL_FAILED') return new BackendError({ where: 'native', problem: failure.message, cause: failure })
  return failure
}
