/** Four rows of four numbers, turned. */
import { type FunctionBuilder, i32x4, type Local, type Value } from '../../assembler/index.js'

type Vector = Value<'v128'>

export function transpose4(f: FunctionBuilder, rows: readonly Vector[]): Local<'v128'>[] {
  const [a, b, c, d] = rows.map((row) => f.let(row)) as unknown as readonly [Vector, Vector, Vector, Vector]
  const ab = f.let(i32x4.shuffle(a, b, [0, 4, 1, 5]))
  const cd = f.let(i32x4.shuffle(c, d, [0, 4, 1, 5]))
  const abHigh = f.let(i32x4.shuffle(a, b, [2, 6, 3, 7]))
  const cdHigh = f.let(i32x4.shuffle(c, d, [2, 6, 3, 7]))
  return [
    f.let(i32x4.shuffle(ab, cd, [0, 1, 4, 5])),
    f.let(i32x4.shuffle(ab, cd, [2, 3, 6, 7])),
    f.let(i32x4.shuffle(abHigh, cdHigh, [0, 1, 4, 5])),
    f.let(i32x4.shuffle(abHigh, cdHigh, [2, 3, 6, 7])),
  ]
}
