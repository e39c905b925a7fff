/**
 * Kernels that look at windows place by place, channels-last, float32: for each place a list is made of the pixels
 * that its window really covers, then channels go by fours.
 */
import { type FunctionBuilder, f32x4, i32, type Local, type ModuleBuilder, v128 } from '../assembler/index.js'
import { RecordLayout } from '../runtime/record.js'
import { PLACE_BYTES, Sight, TAP_BYTES, tabulatePlaces, WINDOWS } from './gemm/windows.js'
import { byFours, type LaneCount } from './lanes.js'

/**
 * `y`: the side that has a pixel for each place; `side`: what else there is (positions, weights), with `bias` and
 * `relu` for results. Images of the windowed side take `imageBytes`. Parts have `partLength` of `places` places
 * and results of `partBytes` each. The record of the windows (WINDOWS) follows.
 */
export const PLACES = new RecordLayout('y', 'side', 'bias', 'relu', 'placesPerImage', 'imageBytes', 'places', 'partLength', 'partBytes')

/** Places that are tabulated at once. */
const TABLE_PLACES = 256
const LIST_AT = TABLE_PLACES * PLACE_BYTES
const ENTRY_BYTES = 8
/** Most taps of a window, so that its list fits the scratch memory. */
export const MOST_TAPS = 100_000

type Word = Local<'i32'>

/** One place, for `lanes` channels from `channel` on. `list` holds `count` pairs (pixel, tap). */
export interface PlaceContext {
  readonly f: FunctionBuilder
  readonly args: Word
  readonly channel: Word
  readonly channels: Word
  readonly lanes: LaneCount
  readonly list: Word
  readonly count: Word
  /** Number of the first of these elements in the placed side, and its address there. */
  readonly element: Word
  readonly y: Word
  readonly side: Word
}

export type AtPlace = (context: PlaceContext) => void

/** Runs over the list: address of these channels in each pixel, and the tap's number. */
export function eachPixel({ f, list, count, channel }: PlaceContext, run: (pixel: Word, tap: Word) => void): void {
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
function doPlaces(f: FunctionBuilder, args: Word, scratch: Word, first: Word, count: Word, side: Word, atPlace: AtPlace): void {
  const windows = f.let(i32.add(args, PLACES.bytes))
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
        const y = f.let(i32.add(PLACES.load(args, 'y'), i32.shl(element, 2)))
        atPlace({ f, args, channel, channels, lanes, list, count: covered, element, y, side })
      })
      f.advance(entry, PLACE_BYTES)
      f.advance(place, 1)
      f.advance(some, -1)
    })
  })
}

/** Tasks are places. */
export function definePerPlace(module: ModuleBuilder, name: string, atPlace: AtPlace): void {
  module.function(name, ['i32', 'i32', 'i32', 'i32'], null, (f, args, begin, end, scratch) => {
    doPlaces(f, args, scratch, begin, f.let(i32.sub(end, begin)), f.let(PLACES.load(args, 'side')), atPlace)
  })
}

/** Tasks are images, whose windowed side is cleared first. */
export function definePerImage(module: ModuleBuilder, name: string, atPlace: AtPlace): void {
  module.function(name, ['i32', 'i32', 'i32', 'i32'], null, (f, args, begin, end, scratch) => {
    const image = f.local('i32')
    const places = f.let(PLACES.load(args, 'placesPerImage'))
    const bytes = f.let(PLACES.load(args, 'imageBytes'))
    const side = f.let(PLACES.load(args, 'side'))
    const x = f.let(WINDOWS.load(f.let(i32.add(args, PLACES.bytes)), 'x'))
    f.for(image, begin, end, 1, () => {
      clear(f, i32.add(x, i32.mul(image, bytes)), bytes)
      doPlaces(f, args, scratch, f.let(i32.mul(image, places)), places, side, atPlace)
    })
  })
}

/** Tasks are parts of all places; each has its own `side`, cleared first. */
export function definePerPart(module: ModuleBuilder, name: string, atPlace: AtPlace): void {
  module.function(name, ['i32', 'i32', 'i32', 'i32'], null, (f, args, begin, end, scratch) => {
    const part = f.local('i32')
    const length = f.let(PLACES.load(args, 'partLength'))
    const bytes = f.let(PLACES.load(args, 'partBytes'))
    f.for(part, begin, end, 1, () => {
      const side = f.let(i32.add(PLACES.load(args, 'side'), i32.mul(part, bytes)))
      clear(f, side, bytes)
      const first = f.let(i32.mul(part, length))
      const count = f.let(i32.sub(PLACES.load(args, 'places'), first))
      f.if(i32.gtS(count, length), () => f.set(count, length))
      doPlaces(f, args, scratch, first, count, side, atPlace)
    })
  })
}

function clear(f: FunctionBuilder, from: ReturnType<typeof i32.add>, bytes: Word): void {
  const start = f.let(from)
  const left = f.let(i32.add(bytes, 0))
  for (const width of [16, 4]) {
    f.while(i32.geS(left, width), () => {
      f.emit(width === 16 ? v128.store(start, f32x4.splat(0)) : i32.store(start, 0))
      f.advance(start, width)
      f.advance(left, -width)
    })
  }
}
