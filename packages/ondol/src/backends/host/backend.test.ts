import { describe, expect, it } from 'vitest'
import { makeInput, makeNode, resultOf } from '../../engine/graph.js'
import { createHostBackend } from './index.js'

const vector = { shape: [2], dtype: 'float32' } as const

describe('the host backend', () => {
  it('runs a graph and swaps donated inputs without tearing them', () => {
    const backend = createHostBackend()
    const [a, b] = [makeInput(vector, 0), makeInput(vector, 1)]
    const sum = makeNode('add', {}, [a, b], [vector])
    const swap = {
      inputs: [a, b],
      nodes: [sum],
      outputs: [b, a, resultOf(sum)],
      donations: [
        [0, 0],
        [1, 1],
      ] as const,
    }
    const program = backend.compile(swap)
    const [left, right, total] = [backend.allocate(8), backend.allocate(8), backend.allocate(8)]
    backend.write(left, Float32Array.of(1, 2))
    backend.write(right, Float32Array.of(10, 20))
    program.run([left, right], [left, right, total])
    expect([left, right, total].map((memory) => [...backend.readSync(memory, 'float32', 2)])).toEqual([
      [10, 20],
      [1, 2],
      [11, 22],
    ])
  })

  it('accounts for memory and notices its use after it was freed', async () => {
    const backend = createHostBackend()
    const memory = backend.allocate(8)
    backend.write(memory, Float32Array.of(1, 2))
    expect(backend.allocatedBytes).toBe(8)
    expect([...(await backend.read(memory, 'float32', 2))]).toEqual([1, 2])
    backend.free(memory)
    expect(backend.allocatedBytes).toBe(0)
    expect(() => backend.readSync(memory, 'float32', 2)).toThrow('memory was used after it was freed')
    expect(() => backend.free(memory)).toThrow('memory was used after it was freed')
  })

  it('refuses to look past the end of memory, and says how much is held when there is no more', () => {
    const backend = createHostBackend()
    const memory = backend.allocate(8)
    expect(() => backend.readSync(memory, 'float32', 3)).toThrow(/at least 12 bytes for 3 elements of float32\n {2}Received: 8 bytes/)
    expect(() => backend.allocate(2 ** 60)).toThrow(/8 bytes are held by living tensors/)
  })
})
