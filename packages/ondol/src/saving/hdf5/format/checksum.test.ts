import { expect, it } from 'vitest'
import { checksum } from './checksum.js'

// From the end of lookup3.c, and hashes that h5py wrote are checked with every file of the latest format.
it.each([
  ['', 0xdeadbeef],
  ['Four score and seven years ago', 0x17770551],
])('of %j', (text, expected) => {
  expect(checksum(new TextEncoder().encode(text))).toBe(expected)
})
