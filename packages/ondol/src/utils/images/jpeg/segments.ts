/** The segments of a JPEG file (ITU-T T.81): tables, the frame, scans, and what Adobe and JFIF add. */
import { isTooLarge } from '../image.js'
import { type HuffmanTable, huffmanTable } from './huffman.js'

export interface Component {
  readonly id: number
  /** Samples across and down in a unit of the picture (MCU). */
  readonly h: number
  readonly v: number
  readonly quantization: number
  /** Blocks across and down, filled up to whole units. */
  readonly columns: number
  readonly rows: number
  /** Samples across and down that are part of the picture. */
  readonly width: number
  readonly height: number
  /** Coefficients, 64 a block, in the order of rows. */
  readonly blocks: Int16Array
}

export interface Frame {
  readonly width: number
  readonly height: number
  readonly isProgressive: boolean
  readonly hMost: number
  readonly vMost: number
  readonly components: readonly Component[]
}

/** One pass over some components; of progressive files it brings a part of the coefficients, or of their bits. */
export interface Scan {
  readonly components: readonly {
    readonly component: Component
    readonly dc: HuffmanTable | undefined
    readonly ac: HuffmanTable | undefined
  }[]
  readonly first: number
  readonly last: number
  /** Bits below are yet to come; `high` is what the scan before left, 0 for the first one. */
  readonly high: number
  readonly low: number
  readonly restartInterval: number
}

export interface Jpeg {
  readonly frame: Frame
  /** Factors of the coefficients of each component, in the order of rows. */
  readonly factors: readonly Uint16Array[]
  readonly hasJfif: boolean
  /** What Adobe says of colours: 0 as they are, 1 YCbCr, 2 YCCK. */
  readonly adobe: number | undefined
}

export type Fail = (at: number, problem: string) => Error

/** Coefficients in files run along the diagonals. */
export const ZIGZAG = Uint8Array.of(
  ...[0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28],
  ...[35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63],
)

const [SOI, EOI, SOS, DQT, DHT, DRI, JFIF, ADOBE] = [0xd8, 0xd9, 0xda, 0xdb, 0xc4, 0xdd, 0xe0, 0xee] as const
const [BASELINE, EXTENDED, PROGRESSIVE] = [0xc0, 0xc1, 0xc2] as const
/** Frames of other kinds: lossless, hierarchical, arithmetic. */
const OTHER_FRAMES = [0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf]

/**
 * Reads segment by segment. `decode` fills the frame's coefficients from a scan whose data begin at a place, and tells
 * where they end.
 */
export function readJpeg(bytes: Uint8Array, decode: (frame: Frame, scan: Scan, at: number) => number, fail: Fail): Jpeg {
  const quantizations: (Uint16Array | undefined)[] = []
  const tables: { readonly dc: (HuffmanTable | undefined)[]; readonly ac: (HuffmanTable | undefined)[] } = { dc: [], ac: [] }
  let frame: Frame | undefined
  /** The factors as they are when a component's first scan begins: a table may be replaced later. */
  const factors = new Map<Component, Uint16Array>()
  let restartInterval = 0
  let hasJfif = false
  let adobe: number | undefined
  let at = 2
  for (;;) {
    while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at++
    if (at + 1 >= bytes.length) throw fail(at, 'the file is cut off')
    const marker = bytes[at + 1] as number
    if (bytes[at] !== 0xff) throw fail(at, 'a segment does not begin where it should')
    at += 2
    if (marker === EOI) break
    if (marker === SOI || (marker >= 0xd0 && marker <= 0xd7) || marker === 1) continue
    const length = at + 2 > bytes.length ? Number.NaN : 256 * (bytes[at] as number) + (bytes[at + 1] as number)
    const end = at + length
    if (!(length >= 2 && end <= bytes.length)) throw fail(at, 'a segment is cut off')
    const body = bytes.subarray(at + 2, end)
    if (marker === DQT) readQuantizations(body, quantizations, () => fail(at, 'a table of factors is damaged'))
    else if (marker === DHT) readHuffman(body, tables, () => fail(at, 'a table of codes is damaged'))
    else if (marker === DRI) restartInterval = 256 * (body[0] ?? 0) + (body[1] ?? 0)
    else if (marker === JFIF) hasJfif ||= textAt(body, 'JFIF\0')
    else if (marker === ADOBE && textAt(body, 'Adobe') && body.length >= 12) adobe = body[11] as number
    else if (marker === BASELINE || marker === EXTENDED || marker === PROGRESSIVE) {
      if (frame !== undefined) throw fail(at, 'there are two frames')
      frame = readFrame(body, marker === PROGRESSIVE, bytes.length, (problem) => fail(at, problem))
    } else if (OTHER_FRAMES.includes(marker))
      throw fail(at, `pictures of kind SOF${marker - 0xc0} (lossless, hierarchical or arithmetic) are not read`)
    else if (marker === SOS) {
      if (frame === undefined) throw fail(at, 'a scan comes before the frame')
      const scan = readScan(body, frame, tables, restartInterval, (problem) => fail(at, problem))
      for (const { component } of scan.components) {
        const table = quantizations[component.quantization]
        if (table === undefined) throw fail(at, 'a table of factors is missing')
        if (!factors.has(component)) factors.set(component, table)
      }
      at = decode(frame, scan, end)
      continue
    }
    at = end
  }
  if (frame === undefined) throw fail(at, 'there is no picture')
  const found = frame.components.map((component) => factors.get(component))
  if (found.some((table) => table === undefined)) throw fail(at, 'a colour is missing')
  return { frame, factors: found as Uint16Array[], hasJfif, adobe }
}

const textAt = (body: Uint8Array, text: string): boolean => [...text].every((letter, i) => body[i] === letter.charCodeAt(0))

function readQuantizations(body: Uint8Array, tables: (Uint16Array | undefined)[], fail: () => Error): void {
  for (let at = 0; at < body.length; ) {
    const info = body[at++] as number
    const width = info >> 4 === 0 ? 1 : 2
    if (info >> 4 > 1 || (info & 15) > 3 || at + 64 * width > body.length) throw fail()
    const table = new Uint16Array(64)
    for (let i = 0; i < 64; i++, at += width)
      table[ZIGZAG[i] as number] = width === 1 ? (body[at] as number) : 256 * (body[at] as number) + (body[at + 1] as number)
    tables[info & 15] = table
  }
}

function readHuffman(body: Uint8Array, tables: Record<'dc' | 'ac', (HuffmanTable | undefined)[]>, fail: () => Error): void {
  for (let at = 0; at < body.length; ) {
    const info = body[at] as number
    const counts = body.subarray(at + 1, at + 17)
    const total = counts.reduce((sum, count) => sum + count, 0)
    const values = body.subarray(at + 17, at + 17 + total)
    const table = info >> 4 <= 1 && (info & 15) <= 3 && values.length === total ? huffmanTable(counts, values) : undefined
    if (table === undefined) throw fail()
    tables[info >> 4 === 0 ? 'dc' : 'ac'][info & 15] = table
    at += 17 + total
  }
}

function readFrame(body: Uint8Array, isProgressive: boolean, fileLength: number, fail: (problem: string) => Error): Frame {
  if (body.length < 6 || body.length < 6 + 3 * (body[5] as number)) throw fail('the frame is cut off')
  const [precision, count] = [body[0], body[5] as number]
  const [height, width] = [256 * (body[1] as number) + (body[2] as number), 256 * (body[3] as number) + (body[4] as number)]
  if (precision !== 8) throw fail(`samples of ${precision} bits are not read`)
  if (width === 0 || height === 0 || isTooLarge(width, height)) throw fail(`${width} x ${height} pixels cannot be`)
  if (![1, 3, 4].includes(count)) throw fail(`a picture of ${count} colours is not read`)
  const infos = Array.from({ length: count }, (_, i) => body.subarray(6 + 3 * i, 9 + 3 * i))
  const sizes = infos.map((info) => [(info[1] as number) >> 4, (info[1] as number) & 15] as const)
  if (sizes.some(([h, v]) => h < 1 || h > 4 || v < 1 || v > 4)) throw fail('the sampling of a colour makes no sense')
  const [hMost, vMost] = [Math.max(...sizes.map(([h]) => h)), Math.max(...sizes.map(([, v]) => v))]
  if (sizes.some(([h, v]) => hMost % h !== 0 || vMost % v !== 0)) throw fail('colours are sampled in fractions of each other')
  const [across, down] = [Math.ceil(width / (8 * hMost)), Math.ceil(height / (8 * vMost))]
  // A block takes at least a bit.
  const blocks = sizes.reduce((sum, [h, v]) => sum + across * h * down * v, 0)
  if (blocks > 8 * fileLength) throw fail(`there is less data than ${width} x ${height} pixels can have`)
  const components = infos.map((info, i): Component => {
    const [h, v] = sizes[i] as readonly [number, number]
    const [columns, rows] = [across * h, down * v]
    const [ownWidth, ownHeight] = [Math.ceil((width * h) / hMost), Math.ceil((height * v) / vMost)]
    const blocks = new Int16Array(64 * columns * rows)
    return { id: info[0] as number, h, v, quantization: info[2] as number, columns, rows, width: ownWidth, height: ownHeight, blocks }
  })
  return { width, height, isProgressive, hMost, vMost, components }
}

function readScan(
  body: Uint8Array,
  { components, isProgressive }: Frame,
  tables: Record<'dc' | 'ac', readonly (HuffmanTable | undefined)[]>,
  restartInterval: number,
  fail: (problem: string) => Error,
): Scan {
  const count = body[0] ?? 0
  if (count < 1 || count > 4 || body.length < 4 + 2 * count) throw fail('the scan is cut off')
  const [first, last, bits] = [body[1 + 2 * count] as number, body[2 + 2 * count] as number, body[3 + 2 * count] as number]
  const chosen = Array.from({ length: count }, (_, i) => {
    const component = components.find(({ id }) => id === body[1 + 2 * i])
    if (component === undefined) throw fail('a scan is of no colour of the frame')
    const info = body[2 + 2 * i] as number
    return { component, dc: tables.dc[info >> 4], ac: tables.ac[info & 15] }
  })
  if (new Set(chosen.map(({ component }) => component)).size < count) throw fail('a scan has a colour twice')
  if (!isProgressive) return { components: chosen, first: 0, last: 63, high: 0, low: 0, restartInterval }
  const [high, low] = [bits >> 4, bits & 15]
  const isDc = first === 0
  if (first > last || last > 63 || (isDc ? last !== 0 : count !== 1) || low > 13 || (high !== 0 && high !== low + 1))
    throw fail('a scan has coefficients that it cannot have')
  return { components: chosen, first, last, high, low, restartInterval }
}
