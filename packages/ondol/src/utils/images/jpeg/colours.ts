/** Planes of samples as pixels: colours that were sampled more coarsely are spread, and turned into red, green and blue. As libjpeg does it. */
import { Img } from '../image.js'
import type { Plane } from './idct.js'
import type { Component, Jpeg } from './segments.js'

/** The picture of decoded planes. */
export function pictureOf(jpeg: Jpeg, planes: readonly Plane[]): Img {
  const { frame } = jpeg
  const { width, height, components, hMost, vMost } = frame
  const size = width * height
  const lines = components.map((component, i) => spread(planes[i] as Plane, component, hMost / component.h, vMost / component.v, width))
  if (lines.length === 1) {
    const pixels = new Uint8Array(size)
    for (let row = 0; row < height; row++) pixels.set((lines[0] as Line)(row).subarray(0, width), row * width)
    return new Img(width, height, 'L', pixels)
  }
  const pixels = new Uint8ClampedArray(3 * size)
  const put = lines.length === 4 ? putCmyk : putRgb
  const isLuminance = lines.length === 4 ? jpeg.adobe !== undefined && jpeg.adobe !== 0 : isYCbCr(jpeg)
  for (let row = 0, at = 0; row < height; row++, at += 3 * width) {
    const parts = lines.map((line) => line(row))
    put(parts, pixels.subarray(at, at + 3 * width), isLuminance)
  }
  return new Img(width, height, 'RGB', new Uint8Array(pixels.buffer))
}

/** Without Adobe's word, colours are what their names say: R, G and B, or brightness and two differences. */
function isYCbCr({ hasJfif, adobe, frame: { components } }: Jpeg): boolean {
  if (hasJfif) return true
  if (adobe !== undefined) return adobe !== 0
  return String.fromCharCode(...components.map(({ id }) => id)) !== 'RGB'
}

/** Differences of colour from -128 on, in 16 bits behind the point. */
const table = (factor: number, half: number): Int32Array =>
  Int32Array.from({ length: 256 }, (_, i) => Math.floor(factor * 65536 + 0.5) * (i - 128) + half)
const [RED, BLUE, GREEN_RED, GREEN_BLUE] = [table(1.402, 32768), table(1.772, 32768), table(0.71414, 0), table(0.34414, -32768)] as const

function putRgb([first, second, third]: readonly Samples[], to: Uint8ClampedArray, isLuminance: boolean): void {
  const a = first as Samples
  const b = second as Samples
  const c = third as Samples
  for (let i = 0, at = 0; at < to.length; i++, at += 3) {
    const y = a[i] as number
    const cb = b[i] as number
    const cr = c[i] as number
    if (isLuminance) {
      to[at] = y + ((RED[cr] as number) >> 16)
      to[at + 1] = y + ((-(GREEN_BLUE[cb] as number) - (GREEN_RED[cr] as number)) >> 16)
      to[at + 2] = y + ((BLUE[cb] as number) >> 16)
    } else {
      to[at] = y
      to[at + 1] = cb
      to[at + 2] = cr
    }
  }
}

/** Inks; Adobe writes how much is missing of each, and everybody reads them so. */
function putCmyk([first, second, third, black]: readonly Samples[], to: Uint8ClampedArray, isLuminance: boolean): void {
  putRgb([first as Samples, second as Samples, third as Samples], to, isLuminance)
  const light = black as Samples
  for (let at = 0; at < to.length; at++) {
    const missing = isLuminance ? (to[at] as number) : 255 - (to[at] as number)
    const k = light[Math.floor(at / 3)] as number
    const product = missing * k + 128
    to[at] = k - (((product >> 8) + product) >> 8)
  }
}

type Samples = Uint8ClampedArray
/** Gives a line of the picture. */
type Line = (row: number) => Samples

/** Samples of a colour for every pixel: between two samples, the nearer one counts three times. */
function spread({ samples, stride }: Plane, { width: have, height }: Component, across: number, down: number, width: number): Line {
  const lineAt = (row: number): Samples => {
    const start = Math.min(Math.max(row, 0), height - 1) * stride
    return samples.subarray(start, start + stride)
  }
  if (across === 1 && down === 1) return lineAt
  const to = new Uint8ClampedArray(have * across + 1)
  if (across === 1 && down === 2)
    return (row) => {
      const [near, far] = [lineAt(row >> 1), lineAt((row >> 1) + (row % 2 === 0 ? -1 : 1))]
      for (let i = 0; i < have; i++) to[i] = (3 * (near[i] as number) + (far[i] as number) + (row % 2 === 0 ? 1 : 2)) >> 2
      return to
    }
  if (across === 2 && down <= 2 && have > 2) {
    const sums = new Int32Array(have)
    return (row) => {
      const near = lineAt(down === 1 ? row : row >> 1)
      const far = down === 1 ? near : lineAt((row >> 1) + (row % 2 === 0 ? -1 : 1))
      for (let i = 0; i < have; i++) sums[i] = down === 1 ? (near[i] as number) : 3 * (near[i] as number) + (far[i] as number)
      const [shift, left, right] = down === 1 ? [2, 1, 2] : [4, 8, 7]
      const at = (i: number): number => sums[i] as number
      for (let i = 0; i < have; i++) {
        to[2 * i] = (3 * at(i) + at(Math.max(i - 1, 0)) + left) >> shift
        to[2 * i + 1] = (3 * at(i) + at(Math.min(i + 1, have - 1)) + right) >> shift
      }
      return to
    }
  }
  return (row) => {
    const line = lineAt(Math.floor(row / down))
    for (let i = 0; i < width; i++) to[i] = line[Math.floor(i / across)] as number
    return to
  }
}
