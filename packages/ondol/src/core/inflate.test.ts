import { deflateSync, gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { inflate } from './inflate.js'

const text = new TextEncoder().encode('a warm floor, a warm room. '.repeat(40))
const fail = (problem: string, cause?: unknown): Error => new RangeError(problem, { cause })
const unzlib = (packed: Uint8Array, limit: number): Promise<Uint8Array> => inflate(packed, { format: 'deflate', limit, fail })

it.each([0, 1, text.byteLength])('unpacks %i bytes', async (size) => {
  const bytes = text.subarray(0, size)
  for (const level of [0, 9]) {
    expect(await unzlib(deflateSync(bytes, { level }), size)).toEqual(bytes)
    expect(await inflate(gzipSync(bytes, { level }), { format: 'gzip', limit: 1 << 20, fail })).toEqual(bytes)
  }
})

it('unpacks a stream', async () => {
  const packed = gzipSync(text)
  const stream = new ReadableStream<BufferSource>({
    start(controller) {
      for (let at = 0; at < packed.length; at += 7) controller.enqueue(Uint8Array.from(packed.subarray(at, at + 7)))
      controller.close()
    },
  })
  expect(await inflate(stream, { format: 'gzip', limit: text.length, fail })).toEqual(text)
})

it('stops at the limit, without room for more', async () => {
  const packed = deflateSync(new Uint8Array(1 << 24))
  await expect(unzlib(packed, 1000)).rejects.toThrow(RangeError)
  await expect(unzlib(packed, 1000)).rejects.toThrow('more than 1000 bytes come out of the packed data')
})

it('notices a wrong byte anywhere, and a missing end', async () => {
  const packed = new Uint8Array(deflateSync(text))
  for (let i = 0; i < packed.length; i++) {
    const damaged = packed.slice()
    damaged[i]! ^= 0x40
    // The bits that fill up the last byte before the checksum mean nothing.
    if (i !== packed.length - 5) await expect(unzlib(damaged, text.byteLength), `byte ${i}`).rejects.toThrow(RangeError)
    await expect(unzlib(packed.subarray(0, i), text.byteLength), `cut at ${i}`).rejects.toThrow(RangeError)
  }
})
