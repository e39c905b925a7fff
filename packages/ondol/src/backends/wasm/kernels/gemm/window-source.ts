/** Packs A = the windows of a convolution: a row for each place, a column for each tap and channel. */
import { i32, type Local, select } from '../../assembler/index.js'
import { interleaveRows } from './pack.js'
import type { ASource } from './source.js'
import { PLACE, PLACE_BYTES, Sight, TAP, TAP_BYTES, tabulatePlaces, WINDOWS } from './windows.js'

export const windowSource: ASource = {
  bytes: WINDOWS.bytes,
  packBlock(f, rows, args, block) {
    const { table } = block
    tabulatePlaces(f, args, block.firstRow, block.rows, table)
    const sight = new Sight(f, args)
    const channels = f.let(WINDOWS.load(args, 'channels'))
    const firstTap = f.let(i32.divS(block.firstColumn, channels))
    const firstChannel = f.let(i32.sub(block.firstColumn, i32.mul(firstTap, channels)))
    f.set(firstTap, i32.add(WINDOWS.load(args, 'taps'), i32.mul(firstTap, TAP_BYTES)))
    const to = f.let(i32.add(block.to, 0))
    const done = f.local('i32')
    f.for(done, 0, block.rows, rows, () => {
      const last = f.let(i32.sub(i32.sub(block.rows, done), 1))
      const entries = Array.from({ length: rows }, (_, at) =>
        f.let(i32.add(table, i32.mul(i32.add(done, select(i32.const(at), last, i32.ltS(i32.const(at), last))), PLACE_BYTES))),
      )
      const isInside = f.let(
        entries.map((entry) => i32.load(entry, PLACE.offsetOf('inside'))).reduce((all, inside) => i32.and(all, inside)),
      )
      const bases = entries.map((entry) => f.let(i32.load(entry, PLACE.offsetOf('address'))))
      const tap = f.let(i32.add(firstTap, 0))
      const channel = f.let(i32.add(firstChannel, 0))
      const rest = f.let(i32.add(block.columns, 0))
      const pointers = entries.map(() => f.local('i32'))
      f.while(i32.gtS(rest, 0), () => {
        f.if(
          isInside,
          () => {
            const bytes = f.let(i32.add(i32.load(tap, TAP.offsetOf('bytes')), i32.shl(channel, 2)))
            for (const [at, pointer] of pointers.entries()) f.set(pointer, i32.add(bases[at] as Local<'i32'>, bytes))
          },
          () => {
            for (const [at, pointer] of pointers.entries())
              f.set(pointer, i32.add(sight.look(entries[at] as Local<'i32'>, 0, tap), i32.shl(channel, 2)))
          },
        )
        const left = f.let(i32.sub(channels, channel))
        const count = f.let(select(left, rest, i32.ltS(left, rest)))
        interleaveRows(f, pointers, count, to)
        f.set(rest, i32.sub(rest, count))
        f.set(channel, 0)
        f.advance(tap, TAP_BYTES)
      })
    })
  },
}
