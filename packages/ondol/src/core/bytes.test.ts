import { expect, it } from 'vitest'
import { MemorySink, rangeOf, sourceOf } from './bytes.js'

const bytes = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7)

async function read(source: ReturnType<typeof sourceOf>, position: number, size: number): Promise<number[]> {
  const target = new Uint8Array(size)
  await source.read(position, target)
  return [...target]
}

it('reads ranges of bytes, and ranges of ranges', async () => {
  const source = sourceOf(bytes, 'eight')
  expect([source.name, source.byteLength]).toEqual(['eight', 8])
  expect(await read(source, 2, 3)).toEqual([2, 3, 4])
  const middle = rangeOf(source, 2, 5, 'middle')
  expect([middle.name, middle.byteLength]).toEqual(['middle', 5])
  expect(await read(rangeOf(middle, 1, 2), 1, 1)).toEqual([4])
})

it.each([
  [-1, 2],
  [0, 9],
  [8, 1],
  [2, -1],
])('has no range from %i of %i bytes', (start, size) => {
  expect(() => rangeOf(sourceOf(bytes, 'eight'), start, size)).toThrow(/eight: bytes .* are not all there/)
})

it.each([0, 3, 100])('collects what is written, with room for %i bytes at first', async (room) => {
  const sink = new MemorySink(room)
  const part = Uint8Array.of(1, 2)
  await sink.write(part)
  part.fill(9)
  await sink.write(bytes)
  await sink.write(new Uint8Array())
  expect([...sink.bytes]).toEqual([1, 2, ...bytes])
})
