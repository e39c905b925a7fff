/**
 * Pooling over channels-last images of float32: for each place a list is made of the pixels its window really
 * covers, then channels go by fours. Positions are the taps' numbers, as uint8 or int32.
 */
import { f32x4, type FunctionBuilder, i32, i32x4, type Local, type ModuleBuilder, v128 } from '../assembler/index.js'
import { loadFour, loadSplat, storeFour, storeOne } from '../codegen/access.js'
import { RecordLayout } from '../runtime/record.js'
import type { KernelFamily } from './family.js'
import { PLACE_BYTES, Sight, TAP_BYTES, tabulatePlaces, WINDOWS } from './gemm/windows.js'
import { byFours, type LaneCount, loadLanes, storeLanes } from './lanes.js'

/** `y`: the pooled side. The record of the windows over the other side follows. */
export const POOL = new RecordLayout('y', 'positions', 'placesPerImage', 'imageBytes')

/** Places that are tabulated at once. */
const TABLE_PLACES = 256
const LIST_AT = TABLE_PLACES * PLACE_BYTES
const ENTRY_BYTES = 8
/** Most taps of a window, so that its list fits the scratch memory. */
export const MOST_TAPS = 100_000

type Word = Local<'i32'>
type PositionType = 'uint8' | 'int32'

/** What a kernel does at one place, for `lanes` channels from `channel` on. `list` holds `count` pairs (pixel, tap). */
interface PlaceContext {
  readonly f: FunctionBuilder
  readonly channel: Word
  readonly lanes: LaneCount
  readonly list: Word
  readonly count: Word
  /** Address in the pooled side. */
  readonly y: Word
  readonly positions: Word
}

type AtPlace = (context: PlaceContext) => void

/** Runs over the list: address of these channels in each pixel, and the tap's number. */
function eachPixel({ f, list, count, channel }: PlaceContext, run: (pixel: Word, tap: Word) => void): void {
  const entry = f.let(i32.add(list, 0))
  const rest = f.let(i32.add(count, 0))
  const pixel = f.local('i32')
  const tap = f.local('i32')
  f.while(i32.gtS(rest, 0), () => {
    f.set(pixel, i32.add(i32.load(entry), i32.shl(channel, 2)))
    f.set(tap, i32.load(entry, 4))
    run(pixel, tap)
    f.advance(entry, ENTRY_BYTES)
    f.advance(rest, -1)
  })
}

const loadPositions = ({ f, positions, lanes }: PlaceContext, type: PositionType): Local<'v128'> =>
  f.let(lanes === 4 ? loadFour(f, type, positions, 0) : loadSplat(f, type, positions))

const maxPool =
  (type: PositionType | null): AtPlace =>
  (context) => {
    const { f, lanes, y, positions } = context
    const best = f.let(f32x4.splat(Number.NEGATIVE_INFINITY))
    const position = f.let(i32x4.splat(0))
    const isFirst = f.let(i32x4.splat(-1))
    const value = f.local('v128')
    const beats = f.local('v128')
    eachPixel(context, (pixel, tap) => {
      f.set(value, loadLanes(pixel, lanes))
      // Greater, or the first NaN; and whatever comes first.
      f.set(beats, v128.or(v128.andnot(f32x4.eq(best, best), f32x4.le(value, best)), isFirst))
      f.set(best, v128.bitselect(value, best, beats))
      f.set(position, v128.bitselect(i32x4.splat(tap), position, beats))
      f.set(isFirst, i32x4.splat(0))
    })
    storeLanes(f, y, best, lanes)
    if (type === null) return
    const stored = { value: position, type: 'i32' } as const
    if (lanes === 4) storeFour(f, type, positions, stored, 0)
    else storeOne(f, type, positions, stored)
  }

const maxPoolGrad =
  (type: PositionType): AtPlace =>
  (context) => {
    const { f, lanes, y } = context
    const gradient = f.let(loadLanes(y, lanes))
    const chosen = loadPositions(context, type)
    eachPixel(context, (pixel, tap) => {
      const share = v128.and(gradient, i32x4.eq(chosen, i32x4.splat(tap)))
      storeLanes(f, pixel, f32x4.add(loadLanes(pixel, lanes), share), lanes)
    })
  }

const maxPoolGather =
  (type: PositionType): AtPlace =>
  (context) => {
    const { f, lanes, y } = context
    const chosen = loadPositions(context, type)
    const found = f.let(f32x4.splat(0))
    eachPixel(context, (pixel, tap) => {
      f.set(found, v128.bitselect(loadLanes(pixel, lanes), found, i32x4.eq(chosen, i32x4.splat(tap))))
    })
    storeLanes(f, y, found, lanes)
  }

const avgPool: AtPlace = (context) => {
  const { f, lanes, y, count } = context
  const sum = f.let(f32x4.splat(0))
  eachPixel(context, (pixel) => f.set(sum, f32x4.add(sum, loadLanes(pixel, lanes))))
  storeLanes(f, y, f32x4.div(sum, f32x4.convertI32x4S(i32x4.splat(count))), lanes)
}

const avgPoolGrad: AtPlace = (context) => {
  const { f, lanes, y, count } = context
  const share = f.let(f32x4.div(loadLanes(y, lanes), f32x4.convertI32x4S(i32x4.splat(count))))
  eachPixel(context, (pixel) => storeLanes(f, pixel, f32x4.add(loadLanes(pixel, lanes), share), lanes))
}

/** Lists the pixels that a place's taps see; returns the length. */
function listPixels(f: FunctionBuilder, windows: Word, sight: Sight, entry: Word, list: Word): Word {
  const count = f.let(i32.const(0))
  const tap = f.let(WINDOWS.load(windows, 'taps'))
  const taps = f.let(WINDOWS.load(windows, 'tapCount'))
  const number = f.local('i32')
  const seen = f.local('i32')
  const to = f.let(i32.add(list, 0))
  f.for(number, 0, taps, 1, () => {
    f.set(seen, sight.look(entry, 0, tap))
    f.if(seen, () => {
      f.emit(i32.store(to, seen), i32.store(to, number, 4))
      f.advance(to, ENTRY_BYTES)
      f.advance(count, 1)
    })
    f.advance(tap, TAP_BYTES)
  })
  return count
}

/** Does places `first` to `first + count`. */
function doPlaces(f: FunctionBuilder, args: Word, scratch: Word, first: Word, count: Word, atPlace: AtPlace, type: PositionType | null): void {
  const windows = f.let(i32.add(args, POOL.bytes))
  const sight = new Sight(f, windows)
  const channels = f.let(WINDOWS.load(windows, 'channels'))
  const list = f.let(i32.add(scratch, LIST_AT))
  const left = f.let(i32.add(count, 0))
  const place = f.let(i32.add(first, 0))
  f.while(i32.gtS(left, 0), () => {
    const some = f.let(i32.add(left, 0))
    f.if(i32.gtS(some, TABLE_PLACES), () => f.set(some, TABLE_PLACES))
    tabulatePlaces(f, windows, place, some, scratch)
    f.set(left, i32.sub(left, some))
    const entry = f.let(i32.add(scratch, 0))
    f.while(i32.gtS(some, 0), () => {
      const covered = listPixels(f, windows, sight, entry, list)
      const at = f.let(i32.mul(place, channels))
      byFours(f, channels, (channel, lanes) => {
        const element = f.let(i32.add(at, channel))
        const y = f.let(i32.add(POOL.load(args, 'y'), i32.shl(element, 2)))
        const positions = f.let(i32.add(POOL.load(args, 'positions'), type === 'int32' ? i32.shl(element, 2) : element))
        atPlace({ f, channel, lanes, list, count: covered, y, positions })
      })
      f.advance(entry, PLACE_BYTES)
      f.advance(place, 1)
      f.advance(some, -1)
    })
  })
}

/** Tasks are places. */
function definePerPlace(module: ModuleBuilder, name: string, atPlace: AtPlace, type: PositionType | null = null): void {
  module.function(name, ['i32', 'i32', 'i32', 'i32'], null, (f, args, begin, end, scratch) => {
    doPlaces(f, args, scratch, begin, f.let(i32.sub(end, begin)), atPlace, type)
  })
}

/** Tasks are images, whose unpooled side is cleared first. */
function definePerImage(module: ModuleBuilder, name: string, atPlace: AtPlace, type: PositionType | null = null): void {
  module.function(name, ['i32', 'i32', 'i32', 'i32'], null, (f, args, begin, end, scratch) => {
    const image = f.local('i32')
    const places = f.let(POOL.load(args, 'placesPerImage'))
    const bytes = f.let(POOL.load(args, 'imageBytes'))
    f.for(image, begin, end, 1, () => {
      const start = f.let(i32.add(WINDOWS.load(f.let(i32.add(args, POOL.bytes)), 'x'), i32.mul(image, bytes)))
      const cleared = f.let(i32.add(start, bytes))
      f.while(i32.ltU(i32.add(start, 12), cleared), () => {
        f.emit(v128.store(start, f32x4.splat(0)))
        f.advance(start, 16)
      })
      f.while(i32.ltU(start, cleared), () => {
        f.emit(i32.store(start, 0))
        f.advance(start, 4)
      })
      doPlaces(f, args, scratch, f.let(i32.mul(image, places)), places, atPlace, type)
    })
  })
}

export const pooling: KernelFamily = {
  emit(module) {
    definePerPlace(module, 'maxPool', maxPool(null))
    definePerPlace(module, 'avgPool', avgPool)
    definePerImage(module, 'avgPoolGrad', avgPoolGrad)
    for (const type of ['uint8', 'int32'] as const) {
      definePerPlace(module, `maxPool-${type}`, maxPool(type), type)
      definePerPlace(module, `maxPoolGather-${type}`, maxPoolGather(type), type)
      definePerImage(module, `maxPoolGrad-${type}`, maxPoolGrad(type), type)
    }
  },
}

