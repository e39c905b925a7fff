/** What floats can tell apart. */
import type { Tensor } from '../../engine/index.js'

const EPSILON: Readonly<Record<string, number>> = { float32: 2 ** -23, float64: 2 ** -52 }
const SMALLEST: Readonly<Record<string, number>> = { float32: 2 ** -126, float64: 2 ** -1022 }

/** The distance from 1 to the next number; more for half floats, whose sums round often. */
export const epsilonOf = ({ dtype }: Tensor): number => EPSILON[dtype] ?? 1e-3

/** The smallest number by which one about 1 can be divided, with room for sums. LAPACK's `smlnum`. */
export const tinyOf = (x: Tensor): number => (SMALLEST[x.dtype] as number) / epsilonOf(x)
