/** JPEG and GIF files against Pillow, pixel by pixel, and damaged ones; PNG files of all kinds, made by hand. */
import { createHash } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { crc32 } from '../../saving/zip/crc32.js'
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

/** A PNG file by hand: rows of packed samples, of the whole picture or of the seven passes. */
function png(
  width: number,
  height: number,
  depth: number,
  colour: number,
  sample: (row: number, column: number, i: number) => number,
  isInterlaced: boolean,
): Uint8Array {
  const samples = { 0: 1, 2: 3, 4: 2, 6: 4 }[colour] as number
  const passes = isInterlaced ? [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]] : [[0, 0, 1, 1]] // biome-ignore format: one line
  const bytes: number[] = []
  for (const [x, y, dx, dy] of passes as [number, number, number, number][]) {
    if (x >= width) continue
    for (let row = y; row < height; row += dy) {
      let bits = ''
      for (let column = x; column < width; column += dx)
        for (let i = 0; i < samples; i++) bits += sample(row, column, i).toString(2).padStart(depth, '0')
      bytes.push(0, ...(bits.padEnd(Math.ceil(bits.length / 8) * 8, '0').match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)))
    }
  }
  const chunk = (type: string, body: Uint8Array): Buffer => {
    const named = Buffer.concat([Buffer.from(type), body])
    const ends = Buffer.alloc(8)
    ends.writeUInt32BE(body.length, 0)
    ends.writeUInt32BE(crc32(named), 4)
    return Buffer.concat([ends.subarray(0, 4), named, ends.subarray(4)])
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([depth, colour, 0, 0, isInterlaced ? 1 : 0], 8)
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Uint8Array.from(bytes))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

describe('png', () => {
  it.each([
    [1, 0],
    [2, 0],
    [8, 0],
    [16, 0],
    [8, 2],
    [16, 2],
    [8, 4],
    [8, 6],
    [16, 6],
  ])('of %i bits and colour type %i, line by line and interlaced', async (depth, colour) => {
    const most = 2 ** depth - 1
    const sample = (row: number, column: number, i: number): number => (row * 7919 + column * 104_729 + i * 13 + row * column) % (most + 1)
    const samples = { 0: 1, 2: 3, 4: 2, 6: 4 }[colour] as number
    for (const [width, height] of [
      [9, 11],
      [1, 1],
      [3, 20],
      [17, 2],
    ] as const) {
      const full = (row: number, column: number, i: number): number => {
        const value = sample(row, column, i)
        return depth === 16 ? value >> 8 : (value * 255) / most
      }
      const wanted: number[] = []
      for (let row = 0; row < height; row++)
        for (let column = 0; column < width; column++)
          for (let i = 0; i < 4; i++)
            wanted.push(i < 3 ? full(row, column, samples < 3 ? 0 : i) : samples % 2 === 1 ? 255 : full(row, column, samples - 1))
      for (const isInterlaced of [false, true]) {
        const { data } = await loadImg(png(width, height, depth, colour, sample, isInterlaced), { colorMode: 'rgba' })
        expect([...data], `${width} x ${height}, interlaced: ${isInterlaced}`).toEqual(wanted)
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
