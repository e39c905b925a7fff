/**
 * Blocks of coefficients as samples: the inverse cosine transform in integers after Loeffler, Ligtenberg and Moschytz (1989), with the
 * constants and roundings of libjpeg's `jidctint.c`, so that pixels are the same as nearly everywhere.
 */
import type { Component } from './segments.js'

/** Constants have 13 bits behind the point, what lies between the two passes 2. */
const CONSTANT_BITS = 13
const PASS_BITS = 2
const fix = (value: number): number => Math.round(value * 2 ** CONSTANT_BITS)

const [A, B, C, D, E, F] = [
  fix(0.298631336),
  fix(0.390180644),
  fix(0.5411961),
  fix(0.765366865),
  fix(0.899976223),
  fix(1.175875602),
] as const
const [G, H, I, J, K, L] = [
  fix(1.50132111),
  fix(1.847759065),
  fix(1.96157056),
  fix(2.053119869),
  fix(2.562915447),
  fix(3.072711026),
] as const

/** Eight numbers from `at` on, `step` apart, transformed in place and divided by 2^shift. */
function pass(work: Int32Array, at: number, step: number, shift: number): void {
  const v0 = work[at] as number
  const v1 = work[at + step] as number
  const v2 = work[at + 2 * step] as number
  const v3 = work[at + 3 * step] as number
  const v4 = work[at + 4 * step] as number
  const v5 = work[at + 5 * step] as number
  const v6 = work[at + 6 * step] as number
  const v7 = work[at + 7 * step] as number
  const half = 1 << (shift - 1)
  if ((v1 | v2 | v3 | v4 | v5 | v6 | v7) === 0) {
    const flat = ((v0 << CONSTANT_BITS) + half) >> shift
    for (let i = 0; i < 8; i++) work[at + i * step] = flat
    return
  }
  const even = Math.imul(v2 + v6, C)
  const low = even - Math.imul(v6, H)
  const high = even + Math.imul(v2, D)
  const sum = ((v0 + v4) << CONSTANT_BITS) + half
  const difference = ((v0 - v4) << CONSTANT_BITS) + half
  const e0 = (sum + high) | 0
  const e3 = (sum - high) | 0
  const e1 = (difference + low) | 0
  const e2 = (difference - low) | 0
  const z5 = Math.imul(v7 + v3 + v5 + v1, F)
  const z1 = Math.imul(v7 + v1, -E)
  const z2 = Math.imul(v5 + v3, -K)
  const z3 = (Math.imul(v7 + v3, -I) + z5) | 0
  const z4 = (Math.imul(v5 + v1, -B) + z5) | 0
  const o0 = (Math.imul(v7, A) + z1 + z3) | 0
  const o1 = (Math.imul(v5, J) + z2 + z4) | 0
  const o2 = (Math.imul(v3, L) + z2 + z3) | 0
  const o3 = (Math.imul(v1, G) + z1 + z4) | 0
  work[at] = (e0 + o3) >> shift
  work[at + 7 * step] = (e0 - o3) >> shift
  work[at + step] = (e1 + o2) >> shift
  work[at + 6 * step] = (e1 - o2) >> shift
  work[at + 2 * step] = (e2 + o1) >> shift
  work[at + 5 * step] = (e2 - o1) >> shift
  work[at + 3 * step] = (e3 + o0) >> shift
  work[at + 4 * step] = (e3 - o0) >> shift
}

/** Samples of a colour, lines of `stride`. */
export interface Plane {
  readonly samples: Uint8ClampedArray
  readonly stride: number
}

export function samplesOf({ blocks, columns, rows }: Component, factors: Uint16Array): Plane {
  const stride = 8 * columns
  const samples = new Uint8ClampedArray(stride * 8 * rows)
  const work = new Int32Array(64)
  for (let block = 0, row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, block++) {
      const start = 64 * block
      const to = row * 8 * stride + column * 8
      let isFlat = true
      for (let i = 1; i < 64 && isFlat; i++) isFlat = blocks[start + i] === 0
      if (isFlat) {
        const shade = (((((blocks[start] as number) * (factors[0] as number)) << PASS_BITS) + 16) >> 5) + 128
        for (let y = 0; y < 8; y++) samples.fill(shade, to + y * stride, to + y * stride + 8)
        continue
      }
      for (let i = 0; i < 64; i++) work[i] = (blocks[start + i] as number) * (factors[i] as number)
      for (let i = 0; i < 8; i++) pass(work, i, 8, CONSTANT_BITS - PASS_BITS)
      for (let i = 0; i < 64; i += 8) pass(work, i, 1, CONSTANT_BITS + PASS_BITS + 3)
      for (let y = 0; y < 8; y++) for (let x = 0; x < 8; x++) samples[to + y * stride + x] = (work[8 * y + x] as number) + 128
    }
  }
  return { samples, stride }
}
