import { describe, expect, it } from 'vitest'
import { DisposedError, DTypeError, OutOfMemoryError } from '../../core/errors.js'
import { GraphBuilder } from '../testing/builder.js'
import { createWasmBackend } from './index.js'

describe('createWasmBackend', () => {
  it('says what it is', () => {
    expect(createWasmBackend({ threads: 1 }).description).toMatch(/^wasm \((relaxed )?SIMD, 1 thread\)$/)
    expect(createWasmBackend({ threads: 1, relaxed: false }).description).toBe('wasm (SIMD, 1 thread)')
  })

  it('refuses float64 and says what to use', () => {
    const backend = createWasmBackend({ threads: 1 })
    expect(backend.dtypes.has('float64')).toBe(false)
    const builder = new GraphBuilder()
    const x = builder.input({ dtype: 'float64', shape: [2], storage: Float64Array.of(1, 2) })
    const graph = builder.graph([builder.apply('neg', {}, x)])
    expect(() => backend.compile(graph)).toThrow(DTypeError)
    expect(() => backend.compile(graph)).toThrow(/does not compute in float64[\s\S]*use float32, or setBackend\('native'\)/)
  })

  it('counts what is allocated to the byte and reports what is too much', () => {
    const backend = createWasmBackend({ threads: 1, maximumMemory: 8 })
    const memory = backend.allocate(1_000_001)
    expect(backend.allocatedBytes).toBe(1_000_001)
    expect(() => backend.allocate(9 * 2 ** 20)).toThrow(OutOfMemoryError)
    expect(() => backend.allocate(9 * 2 ** 20)).toThrow(/no room for 9 MiB[\s\S]*8 MiB in all/)
    backend.free(memory)
    expect(backend.allocatedBytes).toBe(0)
    expect(() => backend.readSync(memory, 'uint8', 1)).toThrow(DisposedError)
  })

  it('runs for long without growing', () => {
    const backend = createWasmBackend({ threads: 1 })
    const builder = new GraphBuilder()
    const x = builder.input({ dtype: 'float32', shape: [1000], storage: new Float32Array(1000) })
    const program = backend.compile(builder.graph([builder.apply('exp', {}, x)]))
    const input = backend.allocate(4000)
    backend.write(input, new Float32Array(1000))
    for (let turn = 0; turn < 10_000; turn++) {
      const output = backend.allocate(4000)
      program.run([input], [output])
      backend.free(output)
    }
    expect(backend.allocatedBytes).toBe(4000)
    expect(backend.memoryBytes).toBeLessThan(64 * 2 ** 20)
  })
})
