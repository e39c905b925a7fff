/** Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011), four counters at once. */
import { type FunctionBuilder, i32x4, type Value, v128 } from '../assembler/index.js'

type Vector = Value<'v128'>

const ROTATIONS = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const
const PARITY = 0x1bd11bda

/** x0 ^ x1 for key (key0, key1) and counter (0, index), lane by lane. */
export function randomBits(f: FunctionBuilder, key0: Vector, key1: Vector, index: Vector): Vector {
  const first = f.let(key0)
  const second = f.let(key1)
  const keys = [first, second, f.let(v128.xor(v128.xor(first, second), i32x4.splat(PARITY)))] as const
  const x0 = f.let(first)
  const x1 = f.let(i32x4.add(index, second))
  for (let block = 0; block < 5; block++) {
    for (const rotation of ROTATIONS[block % 2] as readonly number[]) {
      f.set(x0, i32x4.add(x0, x1))
      f.set(x1, v128.xor(v128.or(i32x4.shl(x1, rotation), i32x4.shrU(x1, 32 - rotation)), x0))
    }
    f.set(x0, i32x4.add(x0, keys[(block + 1) % 3] as Vector))
    f.set(x1, i32x4.add(i32x4.add(x1, keys[(block + 2) % 3] as Vector), i32x4.splat(block + 1)))
  }
  return v128.xor(x0, x1)
}
