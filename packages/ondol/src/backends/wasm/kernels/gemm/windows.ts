/**
 * Windows of a convolution: a grid of places, and taps (the kernel's elements) that look at the source from each.
 * Everything is channels-last with three spatial axes; a tap outside the source sees zeros.
 */
import { type FunctionBuilder, i32, type Local, select, type Value } from '../../assembler/index.js'
import { RecordLayout } from '../../runtime/record.js'

/**
 * `x`: the source, of `depth`, `height`, `width` pixels, `pixel` bytes apart, of which `channels` count.
 * Places: `planes` × `lines` × `points` an image; place i looks at coordinate i · step of its axis.
 * `taps`: for each tap dz, dy, dx and their distance in bytes. `low` and `high` bound, for each axis (z, y, x),
 * the coordinates from which all taps are inside. `zeros`: at least `channels` of them.
 */
export const WINDOWS = new RecordLayout(
  'x',
  'zeros',
  'taps',
  'tapCount',
  'channels',
  'pixel',
  'depth',
  'height',
  'width',
  'planes',
  'lines',
  'points',
  'stepZ',
  'stepY',
  'stepX',
  'lowZ',
  'highZ',
  'lowY',
  'highY',
  'lowX',
  'highX',
)

/** A place in the table: address of its coordinate's pixel, z, y, x, whether all taps are inside. */
export const PLACE = new RecordLayout('address', 'z', 'y', 'x', 'inside')
export const PLACE_BYTES = 32
/** A tap: dz, dy, dx, bytes. */
export const TAP = new RecordLayout('z', 'y', 'x', 'bytes')
export const TAP_BYTES = 16

type Word = Local<'i32'>

/** Writes places `first` to `first + count` into the table. */
export function tabulatePlaces(f: FunctionBuilder, args: Word, first: Word, count: Word, table: Word): void {
  const word = (name: (typeof WINDOWS.names)[number]): Word => f.let(WINDOWS.load(args, name))
  const [planes, lines, points, stepZ, stepY, stepX] = (['planes', 'lines', 'points', 'stepZ', 'stepY', 'stepX'] as const).map(word) as [
    Word,
    Word,
    Word,
    Word,
    Word,
    Word,
  ]
  const [depth, height, width, pixel] = (['depth', 'height', 'width', 'pixel'] as const).map(word) as [Word, Word, Word, Word]
  const [lowZ, highZ, lowY, highY, lowX, highX] = (['lowZ', 'highZ', 'lowY', 'highY', 'lowX', 'highX'] as const).map(word) as [
    Word,
    Word,
    Word,
    Word,
    Word,
    Word,
  ]
  const quotient = f.let(i32.divS(first, points))
  const point = f.let(i32.sub(first, i32.mul(quotient, points)))
  const line = f.let(i32.remS(quotient, lines))
  f.set(quotient, i32.divS(quotient, lines))
  const plane = f.let(i32.remS(quotient, planes))
  const image = f.let(i32.divS(quotient, planes))
  const rest = f.let(i32.add(count, 0))
  const entry = f.let(i32.add(table, 0))
  const x = f.let(i32.mul(point, stepX))
  const y = f.local('i32')
  const z = f.local('i32')
  const address = f.local('i32')
  const lineInside = f.local('i32')
  const within = (value: Word, low: Word, high: Word): Value<'i32'> => i32.and(i32.geS(value, low), i32.leS(value, high))
  // Coordinates and address of a line are found once; along it only x moves.
  f.while(i32.gtS(rest, 0), () => {
    f.set(y, i32.mul(line, stepY))
    f.set(z, i32.mul(plane, stepZ))
    f.set(address, i32.add(i32.mul(i32.add(i32.mul(image, depth), z), height), y))
    f.set(address, i32.add(WINDOWS.load(args, 'x'), i32.mul(i32.add(i32.mul(address, width), x), pixel)))
    f.set(lineInside, i32.and(within(y, lowY, highY), within(z, lowZ, highZ)))
    f.while(i32.and(i32.ltS(point, points), i32.gtS(rest, 0)), () => {
      const inside = i32.and(lineInside, within(x, lowX, highX))
      for (const [name, value] of [
        ['address', address],
        ['z', z],
        ['y', y],
        ['x', x],
        ['inside', inside],
      ] as const)
        f.emit(i32.store(entry, value, PLACE.offsetOf(name)))
      f.advance(entry, PLACE_BYTES)
      f.advance(point, 1)
      f.advance(x, stepX)
      f.advance(address, i32.mul(stepX, pixel))
      f.advance(rest, -1)
    })
    f.set(point, 0)
    f.set(x, 0)
    f.advance(line, 1)
    f.if(i32.eq(line, lines), () => {
      f.set(line, 0)
      f.advance(plane, 1)
      f.if(i32.eq(plane, planes), () => {
        f.set(plane, 0)
        f.advance(image, 1)
      })
    })
  })
}

/** Emits code that finds what taps see from places; keeps what is the same for all of them in locals. */
export class Sight {
  readonly #f: FunctionBuilder
  readonly #sizes: readonly [Word, Word, Word]
  readonly #zeros: Word

  constructor(f: FunctionBuilder, args: Word) {
    this.#f = f
    this.#sizes = [f.let(WINDOWS.load(args, 'depth')), f.let(WINDOWS.load(args, 'height')), f.let(WINDOWS.load(args, 'width'))]
    this.#zeros = f.let(WINDOWS.load(args, 'zeros'))
  }

  /** Address of the pixel that `tap` sees from the place at `entry`, or of zeros. Both are addresses of records. */
  look(entry: Value<'i32'>, entryOffset: number, tap: Word): Value<'i32'> {
    const coordinate = (axis: 'z' | 'y' | 'x'): Value<'i32'> =>
      i32.add(i32.load(entry, entryOffset + PLACE.offsetOf(axis)), i32.load(tap, TAP.offsetOf(axis)))
    const [depth, height, width] = this.#sizes
    const isInside = i32.and(i32.and(i32.ltU(coordinate('z'), depth), i32.ltU(coordinate('y'), height)), i32.ltU(coordinate('x'), width))
    const address = i32.add(i32.load(entry, entryOffset + PLACE.offsetOf('address')), i32.load(tap, TAP.offsetOf('bytes')))
    return select(this.#f.let(address), this.#zeros, isInside)
  }
}
