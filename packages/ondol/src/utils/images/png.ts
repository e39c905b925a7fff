/** PNG files, read (every colour type and depth, interlaced too) and written. Follows the PNG specification, third edition. */
import { DataError } from '../../core/errors.js'
import { inflate } from '../../core/inflate.js'
import { crc32 } from '../../saving/zip/crc32.js'
import { concatenate } from '../gzip.js'
import { type ImageMode, Img, isTooLarge } from './image.js'

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

export const isPng = (bytes: Uint8Array): boolean => SIGNATURE.every((byte, i) => bytes[i] === byte)

/** Samples of a pixel, by colour type: grey, colours, palette, grey with opacity, colours with opacity. */
const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }
const DEPTHS: Readonly<Record<number, readonly number[]>> = { 0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16] }

/** Passes of an interlaced file: first column and row, and the steps between. */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const

interface Header {
  readonly width: number
  readonly height: number
  readonly depth: number
  readonly colour: number
  readonly isInterlaced: boolean
}

/** @throws DataError when the file is damaged. */
export async function decodePng(bytes: Uint8Array, where: string): Promise<Img> {
  const fail = (problem: string, cause?: unknown): DataError =>
    new DataError({ where, problem: `PNG: ${problem}`, ...(cause !== undefined && { cause }) })
  const { header, palette, opacity, packed } = readChunks(bytes, fail)
  const samples = SAMPLES[header.colour] as number
  const passes = (header.isInterlaced ? ADAM7 : [[0, 0, 1, 1] as const])
    .map(([x, y, dx, dy]) => ({ x, y, dx, dy, width: Math.ceil((header.width - x) / dx), height: Math.ceil((header.height - y) / dy) }))
    .filter(({ width, height }) => width > 0 && height > 0)
  const bitsOf = (width: number): number => Math.ceil((width * samples * header.depth) / 8)
  const total = passes.reduce((sum, { width, height }) => sum + height * (bitsOf(width) + 1), 0)
  const raw = await inflate(packed, { format: 'deflate', limit: total, fail })
  if (raw.length < total) throw fail('there is less data than pixels')
  const isGrey = header.colour === 0 || header.colour === 4
  const mode: ImageMode = header.colour >= 4 || opacity !== undefined ? 'RGBA' : isGrey ? 'L' : 'RGB'
  const channels = mode === 'L' ? 1 : mode.length
  const pixels = new Uint8Array(header.width * header.height * channels)
  const write = lineWriter(header, palette, opacity, pixels, channels, fail)
  let at = 0
  for (const pass of passes) {
    const stride = bitsOf(pass.width)
    const step = Math.max(1, (samples * header.depth) >> 3)
    let above = new Uint8Array(stride)
    for (let row = 0; row < pass.height; row++) {
      const line = raw.subarray(at + 1, at + 1 + stride)
      unfilter(raw[at] as number, line, above, step, fail)
      above = line as Uint8Array<ArrayBuffer>
      at += stride + 1
      write(line, pass.width, ((pass.y + row * pass.dy) * header.width + pass.x) * channels, pass.dx * channels)
    }
  }
  return new Img(header.width, header.height, mode, pixels)
}

function readChunks(
  bytes: Uint8Array,
  fail: (problem: string) => DataError,
): { header: Header; palette: Uint8Array | undefined; opacity: Uint8Array | undefined; packed: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let header: Header | undefined
  let palette: Uint8Array | undefined
  let opacity: Uint8Array | undefined
  const parts: Uint8Array[] = []
  for (let at = SIGNATURE.length; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at)
    const end = at + 8 + length
    if (end + 4 > bytes.length) throw fail('the file ends in the middle of a chunk')
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
    const body = bytes.subarray(at + 8, end)
    if (crc32(bytes.subarray(at + 4, end)) !== view.getUint32(end)) throw fail(`the checksum of chunk ${type} differs`)
    if (type === 'IHDR') header = readHeader(body, fail)
    else if (type === 'PLTE') palette = body
    else if (type === 'tRNS') opacity = body
    else if (type === 'IDAT') parts.push(body)
    else if (type === 'IEND') break
    at = end + 4
  }
  if (header === undefined) throw fail('the header is missing')
  if (header.colour === 3 && palette === undefined) throw fail('the palette is missing')
  return {
    header,
    palette,
    opacity: header.colour >= 4 ? undefined : opacity,
    packed: concatenate(
      parts,
      parts.reduce((sum, part) => sum + part.length, 0),
    ),
  }
}

function readHeader(body: Uint8Array, fail: (problem: string) => DataError): Header {
  if (body.length !== 13) throw fail('the header is damaged')
  const view = new DataView(body.buffer, body.byteOffset, 13)
  const [width, height, depth, colour] = [view.getUint32(0), view.getUint32(4), view.getUint8(8), view.getUint8(9)]
  if (width === 0 || height === 0 || isTooLarge(width, height)) throw fail(`a picture of ${width} x ${height} pixels`)
  if (DEPTHS[colour]?.includes(depth) !== true) throw fail(`colour type ${colour} with ${depth} bits`)
  return { width, height, depth, colour, isInterlaced: view.getUint8(12) === 1 }
}

/** Undoes the prediction of a line from its neighbours, in place. */
function unfilter(filter: number, line: Uint8Array, above: Uint8Array, step: number, fail: (problem: string) => DataError): void {
  if (filter > 4) throw fail(`unknown filter ${filter}`)
  if (filter === 0) return
  for (let i = 0; i < line.length; i++) {
    const left = i < step ? 0 : (line[i - step] as number)
    const up = above[i] as number
    if (filter === 1) line[i] = (line[i] as number) + left
    else if (filter === 2) line[i] = (line[i] as number) + up
    else if (filter === 3) line[i] = (line[i] as number) + ((left + up) >> 1)
    else line[i] = (line[i] as number) + paeth(left, up, i < step ? 0 : (above[i - step] as number))
  }
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner
  const a = Math.abs(guess - left)
  const b = Math.abs(guess - up)
  const c = Math.abs(guess - corner)
  return a <= b && a <= c ? left : b <= c ? up : corner
}

/** Puts the pixels of a line into the picture, from `at` on, `step` apart. */
type WriteLine = (line: Uint8Array, count: number, at: number, step: number) => void

function lineWriter(
  { depth, colour }: Header,
  palette: Uint8Array | undefined,
  opacity: Uint8Array | undefined,
  pixels: Uint8Array,
  channels: number,
  fail: (problem: string) => DataError,
): WriteLine {
  const samples = SAMPLES[colour] as number
  /** Sample number `i` of a line, as it is in the file; of 16 bits the upper 8 count. */
  const sample = (line: Uint8Array, i: number): number => {
    if (depth === 8) return line[i] as number
    if (depth === 16) return line[2 * i] as number
    const bit = i * depth
    return ((line[bit >> 3] as number) >> (8 - depth - (bit & 7))) & ((1 << depth) - 1)
  }
  if (colour === 3)
    return (line, count, start, step) => {
      for (let column = 0, at = start; column < count; column++, at += step) {
        const index = sample(line, column)
        if (palette === undefined || index * 3 + 2 >= palette.length) throw fail('a colour is not in the palette')
        for (let i = 0; i < 3; i++) pixels[at + i] = palette[index * 3 + i] as number
        if (channels === 4) pixels[at + 3] = opacity?.[index] ?? 255
      }
    }
  const most = depth < 8 ? (1 << depth) - 1 : 255
  const clear = opacity && Array.from({ length: samples }, (_, i) => opacity[2 * i + (depth === 16 ? 0 : 1)])
  const isGrey = samples < 3
  const colours = Math.min(channels, 3)
  return (line, count, start, step) => {
    if (depth === 8 && samples === channels && step === channels) {
      pixels.set(line, start)
      return
    }
    for (let column = 0, at = start, from = 0; column < count; column++, at += step, from += samples) {
      for (let i = 0; i < colours; i++) pixels[at + i] = (sample(line, isGrey ? from : from + i) * 255) / most
      if (channels < 4) continue
      if (clear === undefined) pixels[at + 3] = (sample(line, from + samples - 1) * 255) / most
      else pixels[at + 3] = clear.every((value, i) => value === sample(line, from + i)) ? 0 : 255
    }
  }
}

/** A PNG file of the picture. */
export async function encodePng({ width, height, mode, channels, data }: Img): Promise<Uint8Array> {
  const raw = new Uint8Array(height * (width * channels + 1))
  for (let row = 0; row < height; row++)
    raw.set(data.subarray(row * width * channels, (row + 1) * width * channels), row * (width * channels + 1) + 1)
  const stream = new Blob([raw]).stream().pipeThrough(new CompressionStream('deflate'))
  const packed = new Uint8Array(await new Response(stream).arrayBuffer())
  const header = new Uint8Array(13)
  const view = new DataView(header.buffer)
  view.setUint32(0, width)
  view.setUint32(4, height)
  header.set([8, { L: 0, RGB: 2, RGBA: 6 }[mode]], 8)
  const parts = [Uint8Array.from(SIGNATURE), chunk('IHDR', header), chunk('IDAT', packed), chunk('IEND', new Uint8Array(0))]
  return concatenate(
    parts,
    parts.reduce((sum, part) => sum + part.length, 0),
  )
}

function chunk(type: string, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(body.length + 12)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, body.length)
  bytes.set(
    Uint8Array.from(type, (letter) => letter.charCodeAt(0)),
    4,
  )
  bytes.set(body, 8)
  view.setUint32(body.length + 8, crc32(bytes.subarray(4, body.length + 8)))
  return bytes
}
