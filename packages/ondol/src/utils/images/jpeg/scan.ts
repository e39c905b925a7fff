/** Coefficients from the data of a scan: sequential, and the four kinds of progressive ones. */
import { BitReader, type HuffmanTable } from './huffman.js'
import { type Component, type Fail, type Frame, type Scan, ZIGZAG } from './segments.js'

/** What scans have in common while they run. */
interface State {
  readonly bits: BitReader
  /** The rest of a run of blocks without more coefficients. */
  run: number
}

/** Decodes the block whose coefficients begin at `start`; `last` has the latest first coefficient of each component. */
type Decode = (state: State, blocks: Int16Array, start: number, dc: HuffmanTable, ac: HuffmanTable, last: Int32Array, index: number) => void

/** Fills in what a scan brings. Tells where its data end. */
export function decodeScan(bytes: Uint8Array, frame: Frame, scan: Scan, at: number, fail: Fail): number {
  const { components, first, high, restartInterval } = scan
  const needsDc = !frame.isProgressive || (first === 0 && high === 0)
  const needsAc = !frame.isProgressive || first > 0
  for (const { dc, ac } of components)
    if ((needsDc && dc === undefined) || (needsAc && ac === undefined)) throw fail(at, 'a table of codes is missing')
  const decode = decoderOf(frame, scan, () => fail(at, 'a block has more coefficients than 64'))
  const state: State = { bits: new BitReader(bytes, at, fail), run: 0 }
  const last = new Int32Array(components.length)
  const none = {} as HuffmanTable
  const block = (index: number, { columns, blocks }: Component, row: number, column: number): void => {
    const { dc = none, ac = none } = components[index] as Scan['components'][0]
    decode(state, blocks, 64 * (row * columns + column), dc, ac, last, index)
  }
  const [{ component: only }] = components as [Scan['components'][0]]
  // One colour alone comes without the blocks that fill up units.
  const [across, down] =
    components.length === 1 ? [Math.ceil(only.width / 8), Math.ceil(only.height / 8)] : [only.columns / only.h, only.rows / only.v]
  for (let unit = 0, row = 0; row < down; row++) {
    for (let column = 0; column < across; column++, unit++) {
      if (restartInterval > 0 && unit > 0 && unit % restartInterval === 0) {
        state.bits.restart(unit / restartInterval - 1)
        last.fill(0)
        state.run = 0
      }
      if (components.length === 1) {
        block(0, only, row, column)
        continue
      }
      for (let index = 0; index < components.length; index++) {
        const { component } = components[index] as Scan['components'][0]
        for (let y = 0; y < component.v; y++)
          for (let x = 0; x < component.h; x++) block(index, component, row * component.v + y, column * component.h + x)
      }
    }
  }
  return state.bits.end()
}

function decoderOf({ isProgressive }: Frame, { first, last: end, high, low }: Scan, tooMany: () => Error): Decode {
  if (!isProgressive)
    return ({ bits }, blocks, start, dc, ac, last, index) => {
      blocks[start] = last[index] = (last[index] as number) + bits.signed(bits.value(dc) & 15)
      for (let k = 1; k < 64; k++) {
        const code = bits.value(ac)
        const size = code & 15
        if (size === 0) {
          if (code !== 0xf0) return
          k += 15
          continue
        }
        k += code >> 4
        if (k > 63) throw tooMany()
        blocks[start + (ZIGZAG[k] as number)] = bits.signed(size)
      }
    }
  if (first === 0 && high === 0)
    return ({ bits }, blocks, start, dc, _, last, index) => {
      last[index] = (last[index] as number) + bits.signed(bits.value(dc) & 15)
      blocks[start] = (last[index] as number) << low
    }
  if (first === 0)
    return ({ bits }, blocks, start) => {
      if (bits.bit() === 1) blocks[start] = (blocks[start] as number) | (1 << low)
    }
  if (high === 0)
    return (state, blocks, start, _, ac) => {
      if (state.run > 0) {
        state.run--
        return
      }
      const { bits } = state
      for (let k = first; k <= end; k++) {
        const code = bits.value(ac)
        const [run, size] = [code >> 4, code & 15]
        if (size === 0) {
          if (run < 15) {
            state.run = (1 << run) + bits.bits(run) - 1
            return
          }
          k += 15
          continue
        }
        k += run
        if (k > 63) throw tooMany()
        blocks[start + (ZIGZAG[k] as number)] = bits.signed(size) << low
      }
    }
  return refine(first, end, low, tooMany)
}

/** One more bit for coefficients that are there, and new ones among them. */
function refine(first: number, end: number, low: number, tooMany: () => Error): Decode {
  const one = 1 << low
  return (state, blocks, start, _, ac) => {
    const { bits } = state
    /** Goes on from `k`, refining what is there, past `zeros` places that are empty. */
    const advance = (from: number, zeros: number): number => {
      let left = zeros
      let k = from
      for (; k <= end; k++) {
        const place = start + (ZIGZAG[k] as number)
        const value = blocks[place] as number
        if (value === 0) {
          if (--left < 0) break
        } else if (bits.bit() === 1 && (value & one) === 0) blocks[place] = value + (value > 0 ? one : -one)
      }
      return k
    }
    let k = first
    if (state.run === 0) {
      for (; k <= end; k++) {
        const code = bits.value(ac)
        const [run, size] = [code >> 4, code & 15]
        if (size === 0 && run < 15) {
          state.run = (1 << run) + bits.bits(run)
          break
        }
        const fresh = size === 0 ? 0 : bits.bit() === 1 ? one : -one
        k = advance(k, run)
        if (fresh === 0) continue
        if (k > 63) throw tooMany()
        blocks[start + (ZIGZAG[k] as number)] = fresh
      }
    }
    if (state.run > 0) {
      advance(k, 64)
      state.run--
    }
  }
}
