/** Runs over neighbours four at a time, then one at a time, with the same code. */
import { type FunctionBuilder, i32, type Local, type Value, v128 } from '../assembler/index.js'

export type LaneCount = 1 | 4

/** Counts `index` from 0 to `count` by fours, then by ones. */
export function byFours(f: FunctionBuilder, count: Local<'i32'>, run: (index: Local<'i32'>, lanes: LaneCount) => void): void {
  const index = f.let(i32.const(0))
  for (const lanes of [4, 1] as const) {
    f.while(i32.leS(i32.add(index, lanes), count), () => {
      run(index, lanes)
      f.advance(index, lanes)
    })
  }
}

export const loadLanes = (address: Value<'i32'>, lanes: LaneCount, offset = 0): Value<'v128'> =>
  lanes === 4 ? v128.load(address, offset) : v128.load32Zero(address, offset)

export function storeLanes(f: FunctionBuilder, address: Value<'i32'>, value: Value<'v128'>, lanes: LaneCount): void {
  f.emit(lanes === 4 ? v128.store(address, value) : v128.store32Lane(address, value, 0))
}
