/** Packs the transpose of a convolution's windows, for kernel gradients: a row for each tap and channel, a column for each place. */
import { type FunctionBuilder, i32, type Local } from '../../assembler/index.js'
import { copyColumn } from './pack.js'
import type { ASource } from './source.js'
import { PLACE, PLACE_BYTES, Sight, TAP, TAP_BYTES, tabulatePlaces, WINDOWS } from './windows.js'

type Word = Local<'i32'>

export const turnedWindowSource: ASource = {
  bytes: WINDOWS.bytes,
  packBlock(f, rows, args, block) {
    const { table } = block
    tabulatePlaces(f, args, block.firstColumn, block.columns, table)
    const sight = new Sight(f, args)
    const channels = f.let(WINDOWS.load(args, 'channels'))
    const taps = f.let(WINDOWS.load(args, 'taps'))
    const to = f.let(i32.add(block.to, 0))
    const done = f.local('i32')
    f.for(done, 0, block.rows, rows, () => {
      const row = f.let(i32.add(block.firstRow, done))
      const tap = f.let(i32.divS(row, channels))
      const channel = f.let(i32.sub(row, i32.mul(tap, channels)))
      f.set(tap, i32.add(taps, i32.mul(tap, TAP_BYTES)))
      f.if(
        i32.leS(i32.add(channel, rows), channels),
        () => {
          const target = f.let(i32.add(to, 0))
          eachPlace(f, sight, table, block.columns, tap, channel, (pixel) => {
            copyColumn(f, rows, pixel, target)
            f.advance(target, 4 * rows)
          })
        },
        () => {
          // Rows of several taps: one at a time. Those past the last repeat it.
          const at = f.local('i32')
          f.for(at, 0, rows, 1, () => {
            const target = f.let(i32.add(to, i32.shl(at, 2)))
            eachPlace(f, sight, table, block.columns, tap, channel, (pixel) => {
              f.emit(i32.store(target, i32.load(pixel)))
              f.advance(target, 4 * rows)
            })
            f.if(i32.ltS(i32.add(i32.add(done, at), 1), block.rows), () => {
              f.advance(channel, 1)
              f.if(i32.eq(channel, channels), () => {
                f.set(channel, 0)
                f.advance(tap, TAP_BYTES)
              })
            })
          })
        },
      )
      f.advance(to, i32.mul(block.columns, 4 * rows))
    })
  },
}

/** Runs `use` with the address of what the tap sees from each place of the table. */
function eachPlace(f: FunctionBuilder, sight: Sight, table: Word, count: Word, tap: Word, channel: Word, use: (pixel: Word) => void): void {
  const entry = f.let(i32.add(table, 0))
  const rest = f.let(i32.add(count, 0))
  const channelBytes = f.let(i32.shl(channel, 2))
  const bytes = f.let(i32.add(i32.load(tap, TAP.offsetOf('bytes')), channelBytes))
  const pixel = f.local('i32')
  f.while(i32.gtS(rest, 0), () => {
    f.if(
      i32.load(entry, PLACE.offsetOf('inside')),
      () => f.set(pixel, i32.add(i32.load(entry, PLACE.offsetOf('address')), bytes)),
      () => f.set(pixel, i32.add(sight.look(entry, 0, tap), channelBytes)),
    )
    use(pixel)
    f.advance(entry, PLACE_BYTES)
    f.advance(rest, -1)
  })
}
