import { expect, it } from 'vitest'
import { threefry2x32 } from './random.js'

const hex = (words: readonly number[]): string[] => words.map((word) => (word >>> 0).toString(16).padStart(8, '0'))

// The known-answer vectors of Random123 (kat_vectors, threefry2x32 20); JAX tests against the same.
it.each([
  [
    [0, 0],
    [0, 0],
    ['6b200159', '99ba4efe'],
  ],
  [
    [-1, -1],
    [-1, -1],
    ['1cb996fc', 'bb002be7'],
  ],
  [
    [0x13198a2e, 0x03707344],
    [0x243f6a88, 0x85a308d3],
    ['c4923a9c', '483df7a0'],
  ],
] as const)('threefry with key %j and counter %j', ([key0, key1], [counter0, counter1], expected) => {
  expect(hex(threefry2x32(key0, key1, counter0, counter1))).toEqual(expected)
})
