/** The host backend: memory is ArrayBuffers, programs are interpreted, everything happens at once. */
import { bytesOf, DTYPES, type DType, type TypedArray, viewOf } from '../../core/dtype.js'
import { BackendError, OutOfMemoryError } from '../../core/errors.js'
import { sizeOf } from '../../core/shape.js'
import type { Backend, Memory, Program } from '../../engine/backend.js'
import type { Abstract, Graph } from '../../engine/graph.js'
import type { HostArray } from './array.js'
import { interpret } from './interpret.js'

class HostMemory implements Memory {
  /** `null` once freed. */
  buffer: ArrayBuffer | null

  constructor(readonly bytes: number) {
    this.buffer = new ArrayBuffer(bytes)
  }
}

/** `length` elements at the start of live host memory. */
function viewMemory(memory: Memory, dtype: DType, length: number): TypedArray {
  if (!(memory instanceof HostMemory)) throw new BackendError({ where: 'host', problem: 'this memory belongs to another backend' })
  if (memory.buffer === null) throw new BackendError({ where: 'host', problem: 'memory was used after it was freed' })
  if (length * bytesOf(dtype) > memory.bytes) {
    const expected = `at least ${length * bytesOf(dtype)} bytes for ${length} elements of ${dtype}`
    throw new BackendError({
      where: 'host',
      problem: 'memory is too small for what it should hold',
      expected,
      received: `${memory.bytes} bytes`,
    })
  }
  return viewOf(dtype, memory.buffer, 0, length)
}

function bind(values: readonly Abstract[], memories: readonly Memory[], role: string): HostArray[] {
  if (values.length !== memories.length) {
    throw new BackendError({
      where: 'host',
      problem: `wrong number of ${role}`,
      expected: `${values.length}`,
      received: `${memories.length}`,
    })
  }
  return values.map(({ shape, dtype }, i) => ({ shape, dtype, storage: viewMemory(memories[i] as Memory, dtype, sizeOf(shape)) }))
}

class HostProgram implements Program {
  readonly scratchBytes = 0
  readonly #graph: Graph

  constructor(graph: Graph) {
    this.#graph = graph
  }

  run(inputs: readonly Memory[], outputs: readonly Memory[]): void {
    const graph = this.#graph
    const results = interpret(graph, bind(graph.inputs, inputs, 'inputs'))
    // An output that is itself an input is copied first: another output may be about to overwrite it.
    const storages = graph.outputs.map(({ node }, i) => {
      const { storage } = results[i] as HostArray
      return node === null ? storage.slice() : storage
    })
    bind(graph.outputs, outputs, 'outputs').forEach((target, i) => target.storage.set(storages[i] as TypedArray))
  }

  dispose(): void {}
}

class HostBackend implements Backend {
  readonly name = 'host'
  readonly description = 'host (the interpreter, one thread of JavaScript)'
  readonly dtypes: ReadonlySet<DType> = new Set(Object.keys(DTYPES) as DType[])
  #allocatedBytes = 0

  get allocatedBytes(): number {
    return this.#allocatedBytes
  }

  allocate(bytes: number): Memory {
    try {
      const memory = new HostMemory(bytes)
      this.#allocatedBytes += bytes
      return memory
    } catch (cause) {
      throw new OutOfMemoryError({
        where: 'host',
        problem: `${bytes} bytes are not to be had`,
        received: `${this.#allocatedBytes} bytes are held by living tensors`,
        hint: 'use smaller batches, or dispose of tensors that are no longer needed',
        cause,
      })
    }
  }

  write(memory: Memory, storage: TypedArray): void {
    viewMemory(memory, 'uint8', storage.byteLength).set(new Uint8Array(storage.buffer, storage.byteOffset, storage.byteLength))
  }

  async read(memory: Memory, dtype: DType, length: number): Promise<TypedArray> {
    return this.readSync(memory, dtype, length)
  }

  readSync(memory: Memory, dtype: DType, length: number): TypedArray {
    return viewMemory(memory, dtype, length).slice()
  }

  free(memory: Memory): void {
    viewMemory(memory, 'uint8', 0)
    this.#allocatedBytes -= memory.bytes
    ;(memory as HostMemory).buffer = null
  }

  compile(graph: Graph): Program {
    return new HostProgram(graph)
  }

  async finish(): Promise<void> {}

  dispose(): void {}
}

/** The executable specification: every primitive in every dtype, in float64 inside, rounded once per primitive. */
export const createHostBackend = (): Backend => new HostBackend()
