/**
 * The portable backend: WebAssembly emitted at run time, with fixed and relaxed SIMD, on threads where
 * memory can be shared. A program runs to its end inside `run`. No float64.
 */
import { type DType, type TypedArray, viewOf } from '../../core/dtype.js'
import { DisposedError } from '../../core/errors.js'
import type { Backend, Memory, Program } from '../../engine/backend.js'
import type { Graph } from '../../engine/graph.js'
import { lowerToPlan } from '../../engine/passes/lower.js'
import type { Plan } from '../../engine/plan.js'
import { compilePlan } from './program/compile.js'
import { ARENA_SLOT, SCRATCH_SLOT, type Sequence } from './program/sequence.js'
import { Pressure } from './runtime/pressure.js'
import { Runtime, type WasmOptions } from './runtime/runtime.js'

export type { WasmOptions } from './runtime/runtime.js'

/** Starts the backend; throws BackendError where WebAssembly SIMD is missing. */
export function createWasmBackend(options: WasmOptions = {}): WasmBackend {
  return new WasmBackend(new Runtime(options))
}

class WasmMemory implements Memory {
  isFree = false
  /** See runtime/pressure.ts. */
  token: ArrayBuffer | undefined
  constructor(
    readonly bytes: number,
    readonly address: number,
    token: ArrayBuffer | undefined,
  ) {
    this.token = token
  }
}

export class WasmBackend implements Backend {
  readonly name = 'wasm'
  readonly dtypes: ReadonlySet<DType> = new Set<DType>(['float32', 'float16', 'bfloat16', 'int32', 'uint8', 'bool'])
  readonly #runtime: Runtime
  readonly #pressure = new Pressure()
  #allocated = 0

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  get description(): string {
    const { features, pool } = this.#runtime
    return `wasm (${features.relaxed ? 'relaxed SIMD' : 'SIMD'}, ${pool.threads} ${pool.threads === 1 ? 'thread' : 'threads'})`
  }

  get allocatedBytes(): number {
    return this.#allocated
  }

  /** Size of the WebAssembly memory, free parts included. */
  get memoryBytes(): number {
    return this.#runtime.heap.bytes.length
  }

  allocate(bytes: number): Memory {
    const address = this.#runtime.heap.allocate(bytes)
    this.#allocated += bytes
    return new WasmMemory(bytes, address, this.#pressure.tokenFor(bytes))
  }

  write(memory: Memory, storage: TypedArray): void {
    const { address } = alive(memory)
    this.#runtime.heap.bytes.set(new Uint8Array(storage.buffer, storage.byteOffset, storage.byteLength), address)
  }

  async read(memory: Memory, dtype: DType, length: number): Promise<TypedArray> {
    return this.readSync(memory, dtype, length)
  }

  readSync(memory: Memory, dtype: DType, length: number): TypedArray {
    return viewOf(dtype, this.#runtime.heap.memory.buffer, alive(memory).address, length).slice()
  }

  free(memory: Memory): void {
    const block = alive(memory)
    block.isFree = true
    block.token = undefined
    this.#runtime.heap.free(block.address, block.bytes)
    this.#allocated -= block.bytes
  }

  compile(graph: Graph): Program {
    return this.compilePlan(lowerToPlan(graph, { epilogues: true, fusion: true }))
  }

  /** The second half of `compile`. */
  compilePlan(plan: Plan): Program {
    return new WasmProgram(this.#runtime, plan)
  }

  async finish(): Promise<void> {}

  dispose(): void {
    this.#runtime.dispose()
  }
}

function alive(memory: Memory): WasmMemory {
  const block = memory as WasmMemory
  if (block.isFree) throw new DisposedError({ where: 'wasm', problem: 'memory is used after it was freed' })
  return block
}

class WasmProgram implements Program {
  readonly scratchBytes: number
  readonly #runtime: Runtime
  readonly #sequence: Sequence
  readonly #arenaBytes: number

  constructor(runtime: Runtime, plan: Plan) {
    this.#runtime = runtime
    this.#sequence = compilePlan(runtime, plan)
    this.#arenaBytes = Math.ceil(plan.arenaBytes / 64) * 64
    this.scratchBytes = this.#arenaBytes + this.#sequence.scratchBytes
  }

  run(inputs: readonly Memory[], outputs: readonly Memory[]): void {
    const sequence = this.#sequence
    const workspace = this.#runtime.workspace(this.scratchBytes)
    sequence.bind(ARENA_SLOT, workspace)
    sequence.bind(SCRATCH_SLOT, workspace + this.#arenaBytes)
    for (let at = 0; at < inputs.length; at++) sequence.bindInput(at, alive(inputs[at] as Memory).address)
    for (let at = 0; at < outputs.length; at++) sequence.bindOutput(at, alive(outputs[at] as Memory).address)
    sequence.run()
  }

  dispose(): void {
    this.#sequence.dispose()
  }
}
