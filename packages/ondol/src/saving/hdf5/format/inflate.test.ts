import { deflateSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { SavingError } from '../../../core/errors.js'
import { inflateZlib } from './inflate.js'

const noise = Uint8Array.from({ length: 70_000 }, (_, i) => (Math.imul(i, 2654435761) >>> 13) & 255)
const text = new TextEncoder().encode('a warm floor, a warm room. '.repeat(4000))

const CASES: readonly (readonly [string, Uint8Array])[] = [
  ['nothing', new Uint8Array()],
  ['one byte', Uint8Array.of(42)],
  ['a run', new Uint8Array(100_000).fill(7)],
  ['text', text],
  ['noise', noise],
  ['both', Uint8Array.from([...noise.subarray(0, 5000), ...text, ...noise])],
]

it.each(CASES)('unpacks %s at every level', (_, bytes) => {
  for (const level of [0, 1, 6, 9]) expect(Buffer.compare(inflateZlib(deflateSync(bytes, { level }), bytes.byteLength, 0), bytes)).toBe(0)
})

it('unpacks codes that are fixed', () => {
  const packed = deflateSync(text, { strategy: 4 })
  expect(inflateZlib(packed, text.byteLength, 0)).toEqual(text)
})

it('stops at the limit, without room for more', () => {
  const packed = deflateSync(new Uint8Array(1 << 24))
  expect(() => inflateZlib(packed, 1000, 5)).toThrow(/byte 5: packed data cannot be unpacked: more than 1000 bytes come out/)
})

it('notices a wrong byte anywhere, and a missing end', () => {
  const bytes = text.subarray(0, 300)
  const packed = new Uint8Array(deflateSync(bytes))
  for (let i = 0; i < packed.length; i++) {
    const damaged = packed.slice()
    damaged[i]! ^= 0x40
    // The bits that fill up the last byte before the checksum mean nothing.
    if (i !== packed.length - 5) expect(() => inflateZlib(damaged, bytes.byteLength, 0), `byte ${i}`).toThrow(SavingError)
    expect(() => inflateZlib(packed.subarray(0, i), bytes.byteLength, 0), `cut at ${i}`).toThrow(SavingError)
  }
})
