/** Memory with a count of its holders: tensors that share it (a reshape shares) and the Variable that owns it. */
import { bytesOf, type DType, type TypedArray } from '../core/dtype.js'
import { sizeOf } from '../core/shape.js'
import { type Backend, currentBackend, type Memory } from './backend.js'
import type { Abstract } from './graph.js'

export class Buffer {
  #holders = 1
  /** How often the content was about to change in place. */
  version = 0

  constructor(
    readonly backend: Backend,
    readonly memory: Memory,
  ) {}

  static allocate({ shape, dtype }: Abstract): Buffer {
    const backend = currentBackend()
    return new Buffer(backend, backend.allocate(sizeOf(shape) * bytesOf(dtype)))
  }

  static from(storage: TypedArray): Buffer {
    const backend = currentBackend()
    const memory = backend.allocate(storage.byteLength)
    backend.write(memory, storage)
    return new Buffer(backend, memory)
  }

  get isShared(): boolean {
    return this.#holders > 1
  }

  /** One more holder. */
  retain(): this {
    this.#holders++
    return this
  }

  /** One holder less; the last one frees the memory. */
  release(): void {
    if (--this.#holders === 0) this.backend.free(this.memory)
  }

  read(dtype: DType, length: number): Promise<TypedArray> {
    return this.backend.read(this.memory, dtype, length)
  }

  readSync(dtype: DType, length: number): TypedArray {
    return this.backend.readSync(this.memory, dtype, length)
  }
}
