/** JPEG and GIF files against Pillow, pixel by pixel, and damaged ones. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { elements, readVectors, type VectorTensor } from '../../testing/vectors.js'
import { decodeImage, loadImg } from './index.js'

interface Case {
  readonly title: string
  readonly file: string
  readonly modes: Readonly<Record<string, VectorTensor | { readonly shape: readonly number[]; readonly sha256: string }>>
}

const vectors = readVectors<{ readonly jpeg: readonly Case[]; readonly gif: readonly Case[] }>('images')
const bytesOf = ({ file }: Case): Uint8Array => new Uint8Array(Buffer.from(file, 'base64'))
const named = (list: readonly Case[], title: string): Uint8Array => bytesOf(list.find((one) => one.title === title) as Case)

describe.each(['jpeg', 'gif'] as const)('%s', (kind) => {
  it.each(vectors[kind])('$title', async (one) => {
    for (const [colorMode, wanted] of Object.entries(one.modes)) {
      const { data, width, height, channels } = await loadImg(bytesOf(one), { colorMode })
      expect([height, width, channels].slice(0, wanted.shape.length)).toEqual(wanted.shape)
      if ('sha256' in wanted) expect(createHash('sha256').update(data).digest('hex')).toBe(wanted.sha256)
      else expect([...data], colorMode).toEqual([...elements(wanted)])
    }
  })

  it('is refused with its place where it is cut off', async () => {
    for (const one of vectors[kind]) {
      const whole = bytesOf(one)
      // After the last picture there is only the end.
      const most = kind === 'jpeg' ? whole.length - 2 : Math.floor(whole.length / 3)
      for (let length = 4; length < most; length += 1 + (length >> 4))
        await expect(decodeImage(whole.subarray(0, length), 'it'), `${one.title}, ${length} bytes`).rejects.toThrow(
          /^it, byte \d+: (JPEG|GIF): /,
        )
    }
  })

  it('gives a picture or an error for whatever damage', async () => {
    for (const one of vectors[kind]) {
      const whole = bytesOf(one)
      for (let at = 4; at < whole.length; at += 1 + (whole.length >> 6)) {
        for (const flip of [0x01, 0x80, 0xff]) {
          const damaged = Uint8Array.from(whole)
          damaged[at] = (damaged[at] as number) ^ flip
          await decodeImage(damaged, 'it').catch((error) => expect(String(error)).toMatch(/it, byte \d+: (JPEG|GIF): /))
        }
      }
    }
  })
})

describe('sizes', () => {
  it('are not believed where the file is too short for them', async () => {
    const jpeg = named(vectors.jpeg, 'sequential 4:2:0')
    const sof = jpeg.findIndex((byte, i) => byte === 0xff && jpeg[i + 1] === 0xc0)
    const set = (height: number, width: number): Uint8Array => {
      const changed = Uint8Array.from(jpeg)
      new DataView(changed.buffer).setUint16(sof + 5, height)
      new DataView(changed.buffer).setUint16(sof + 7, width)
      return changed
    }
    await expect(decodeImage(set(65535, 65535), 'it')).rejects.toThrow(/65535 x 65535 pixels cannot be/)
    await expect(decodeImage(set(10_000, 10_000), 'it')).rejects.toThrow(/there is less data than 10000 x 10000 pixels can have/)
    await expect(decodeImage(set(0, 10), 'it')).rejects.toThrow(/10 x 0 pixels cannot be/)
    const gif = named(vectors.gif, 'a frame inside of the screen')
    gif.fill(0xff, 6, 10)
    await expect(decodeImage(gif, 'it')).rejects.toThrow(/65535 x 65535 pixels cannot be/)
  })

  it('and kinds that are not read are told', async () => {
    const jpeg = named(vectors.jpeg, 'sequential 4:2:0')
    const sof = jpeg.findIndex((byte, i) => byte === 0xff && jpeg[i + 1] === 0xc0)
    const arithmetic = Uint8Array.from(jpeg)
    arithmetic[sof + 1] = 0xc9
    await expect(decodeImage(arithmetic, 'it')).rejects.toThrow(/kind SOF9 \(lossless, hierarchical or arithmetic\) are not read/)
    const deep = Uint8Array.from(jpeg)
    deep[sof + 4] = 12
    await expect(decodeImage(deep, 'it')).rejects.toThrow(/samples of 12 bits are not read/)
  })
})
