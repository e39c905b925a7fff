import { deflateSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { SavingError } from '../../../core/errors.js'
import { inflateZlib } from './inflate.js'

const text = new TextEncoder().encode('a warm floor, a warm room. '.repeat(40))

it.each([0, 1, text.byteLength])('unpacks %i bytes', async (size) => {
  const bytes = text.subarray(0, size)
  for (const level of [0, 9]) expect(await inflateZlib(deflateSync(bytes, { level }), size, 0)).toEqual(bytes)
})

it('stops at the limit, without room for more', async () => {
  const packed = deflateSync(new Uint8Array(1 << 24))
  await expect(inflateZlib(packed, 1000, 5)).rejects.toThrow(/byte 5: more than 1000 bytes come out of packed data/)
})

it('notices a wrong byte anywhere, and a missing end', async () => {
  const packed = new Uint8Array(deflateSync(text))
  for (let i = 0; i < packed.length; i++) {
    const damaged = packed.slice()
    damaged[i]! ^= 0x40
    // The bits that fill up the last byte before the checksum mean nothing.
    if (i !== packed.length - 5) await expect(inflateZlib(damaged, text.byteLength, 0), `byte ${i}`).rejects.toThrow(SavingError)
    await expect(inflateZlib(packed.subarray(0, i), text.byteLength, 0), `cut at ${i}`).rejects.toThrow(SavingError)
  }
})
