import { describe, expect, it } from 'vitest'
import { OutOfMemoryError } from '../../../core/errors.js'
import { Heap } from './heap.js'

describe('Heap', () => {
  it('gives aligned blocks, merges what is freed, and counts', () => {
    const heap = new Heap(false)
    const blocks = [100, 5000, 64, 1].map((bytes) => ({ bytes, address: heap.allocate(bytes) }))
    expect(blocks.every(({ address }) => address > 0 && address % 64 === 0)).toBe(true)
    expect(heap.used).toBe(128 + 5056 + 64 + 64)
    const [first, second, third] = blocks as [(typeof blocks)[0], (typeof blocks)[0], (typeof blocks)[0]]
    heap.free(first.address, first.bytes)
    heap.free(third.address, third.bytes)
    heap.free(second.address, second.bytes)
    expect(heap.allocate(128 + 5056 + 64)).toBe(first.address)
    expect(heap.used).toBe(128 + 5056 + 64 + 64)
  })

  it('grows, and survives random use without growing for ever', () => {
    const heap = new Heap(true)
    const live: { address: number; bytes: number }[] = []
    let state = 1
    const random = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0
      return Math.floor((state / 2 ** 32) * below)
    }
    for (let turn = 0; turn < 20000; turn++) {
      if (live.length < 50 || random(2) === 0) {
        const bytes = 1 + random(random(10) === 0 ? 1_000_000 : 1000)
        const address = heap.allocate(bytes)
        heap.bytes.fill(turn & 255, address, address + bytes)
        live.push({ address, bytes })
      } else {
        const [block] = live.splice(random(live.length), 1) as [(typeof live)[0]]
        heap.free(block.address, block.bytes)
      }
      if (live.length > 100) for (const block of live.splice(0, 50)) heap.free(block.address, block.bytes)
    }
    const sorted = [...live].sort((a, b) => a.address - b.address)
    sorted.forEach((block, at) => {
      const next = sorted[at + 1]
      if (next !== undefined) expect(block.address + block.bytes).toBeLessThanOrEqual(next.address)
    })
    for (const block of live) heap.free(block.address, block.bytes)
    expect(heap.used).toBe(0)
    expect(heap.bytes.length).toBeLessThan(64 * 2 ** 20)
  })

  it('says what was asked and what is in use when there is no more', () => {
    const heap = new Heap(false, 32)
    heap.allocate(2 ** 20)
    expect(() => heap.allocate(3 * 2 ** 20)).toThrow(OutOfMemoryError)
    expect(() => heap.allocate(3 * 2 ** 20)).toThrow(
      /no room for 3 MiB[\s\S]*2 MiB in all[\s\S]*on top of 1 MiB in use[\s\S]*smaller batch/,
    )
  })
})
