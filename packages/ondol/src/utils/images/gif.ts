/** The first picture of a GIF file (87a and 89a), as Pillow shows it: on the whole screen, what is around it see-through or colour 0. */
import { DataError } from '../../core/errors.js'
import { Img, isTooLarge } from './image.js'

export const isGif = (bytes: Uint8Array): boolean => bytes[0] === 0x47 && bytes[1] === 0x49 && bytes[2] === 0x46 && bytes[3] === 0x38

/** First lines and distances of the passes of an interlaced picture. */
const PASSES = [
  [0, 8],
  [4, 8],
  [2, 4],
  [1, 2],
] as const

const [EXTENSION, PICTURE, TRAILER] = [0x21, 0x2c, 0x3b] as const
const GRAPHIC_CONTROL = 0xf9
const MOST_CODES = 4096

/** @throws DataError when the file is damaged or cut off. */
export function decodeGif(bytes: Uint8Array, where: string): Img {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 6
  const fail = (problem: string): DataError => new DataError({ where: `${where}, byte ${at}`, problem: `GIF: ${problem}` })
  const take = (length: number): number => {
    const start = at
    if (start + length > bytes.length) throw fail('the file is cut off')
    at += length
    return start
  }
  const palette = (flags: number): Uint8Array | undefined => {
    if ((flags & 0x80) === 0) return undefined
    const length = 3 << ((flags & 7) + 1)
    const start = take(length)
    return bytes.subarray(start, start + length)
  }
  /** Data come in blocks of at most 255 bytes, and end with an empty one. */
  const blocks = (): Uint8Array[] => {
    const found: Uint8Array[] = []
    for (;;) {
      const length = bytes[take(1)] as number
      if (length === 0) return found
      const start = take(length)
      found.push(bytes.subarray(start, start + length))
    }
  }
  const screen = take(7)
  const globalPalette = palette(bytes[screen + 4] as number)
  let transparent = -1
  for (;;) {
    const kind = bytes[take(1)] as number
    if (kind === EXTENSION) {
      const isControl = bytes[take(1)] === GRAPHIC_CONTROL
      const [control] = blocks()
      if (isControl && control !== undefined && control.length >= 4)
        transparent = ((control[0] as number) & 1) === 1 ? (control[3] as number) : -1
    } else if (kind === PICTURE) break
    else if (kind === TRAILER) throw fail('there is no picture')
    else throw fail('something is neither picture nor extension')
  }
  const frame = take(9)
  const [left, top, frameWidth, frameHeight] = [0, 2, 4, 6].map((field) => view.getUint16(frame + field, true)) as [
    number,
    number,
    number,
    number,
  ]
  const flags = bytes[frame + 8] as number
  const colours = palette(flags) ?? globalPalette ?? new Uint8Array(0)
  const width = Math.max(view.getUint16(screen, true), left + frameWidth)
  const height = Math.max(view.getUint16(screen + 2, true), top + frameHeight)
  if (width === 0 || height === 0 || isTooLarge(width, height)) throw fail(`${width} x ${height} pixels cannot be`)
  const codeSize = bytes[take(1)] as number
  if (codeSize < 1 || codeSize > 8) throw fail(`pixels of ${codeSize} bits cannot be`)
  const codes = blocks()
  const indices = new Uint8Array(frameWidth * frameHeight)
  if (unpackCodes(codes, codeSize, indices) < indices.length) throw fail('there is less data than pixels, or it is damaged')
  const channels = transparent >= 0 ? 4 : 3
  const pixels = new Uint8Array(width * height * channels)
  const put = (to: number, index: number): void => {
    // Colours that are missing are greys.
    for (let i = 0; i < 3; i++) pixels[to + i] = colours[3 * index + i] ?? index
    if (channels === 4) pixels[to + 3] = index === transparent ? 0 : 255
  }
  if (frameWidth < width || frameHeight < height) for (let to = 0; to < pixels.length; to += channels) put(to, Math.max(0, transparent))
  const lines = (flags & 0x40) === 0 ? [[0, 1] as const] : PASSES
  let from = 0
  for (const [first, step] of lines)
    for (let row = first; row < frameHeight; row += step)
      for (let column = 0; column < frameWidth; column++) put(((top + row) * width + left + column) * channels, indices[from++] as number)
  return new Img(width, height, channels === 4 ? 'RGBA' : 'RGB', pixels)
}

/** Lempel, Ziv and Welch's codes, which grow up to 12 bits. Tells how many pixels came out before the end, or a code that cannot be. */
function unpackCodes(blocks: readonly Uint8Array[], codeSize: number, pixels: Uint8Array): number {
  const clear = 1 << codeSize
  // A code stands for another one, `prefixes`, and one pixel more, `suffixes`.
  const prefixes = new Uint16Array(MOST_CODES)
  const suffixes = Uint8Array.from({ length: MOST_CODES }, (_, i) => (i < clear ? i : 0))
  const lengths = new Uint16Array(MOST_CODES).fill(1)
  let [next, width, last, first] = [clear + 2, codeSize + 1, -1, 0]
  let [bits, held, done] = [0, 0, 0]
  for (const block of blocks) {
    for (const byte of block) {
      bits |= byte << held
      held += 8
      while (held >= width) {
        const code = bits & ((1 << width) - 1)
        bits >>>= width
        held -= width
        if (code === clear) {
          next = clear + 2
          width = codeSize + 1
          last = -1
          continue
        }
        if (code === clear + 1 || code > next || (last < 0 && code > clear)) return done
        // The code that is being made begins and ends with the first pixel of the last one.
        const isNew = code === next
        const known = isNew ? last : code
        const length = (lengths[known] as number) + (isNew ? 1 : 0)
        let at = done + (lengths[known] as number) - 1
        for (let link = known; ; link = prefixes[link] as number, at--) {
          if (at < pixels.length) pixels[at] = suffixes[link] as number
          if (at === done) {
            first = suffixes[link] as number
            break
          }
        }
        if (isNew && done + length <= pixels.length) pixels[done + length - 1] = first
        done += length
        if (last >= 0 && next < MOST_CODES) {
          prefixes[next] = last
          suffixes[next] = first
          lengths[next] = (lengths[last] as number) + 1
          next++
          if (next === 1 << width && width < 12) width++
        }
        last = code
        if (done >= pixels.length) return done
      }
    }
  }
  return done
}
