import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DataError } from '../core/errors.js'
import { parseIdx } from './idx.js'

const header = (code: number, ...sizes: number[]): number[] => [
  0,
  0,
  code,
  sizes.length,
  ...sizes.flatMap((size) => [size >>> 24, (size >>> 16) & 255, (size >>> 8) & 255, size & 255]),
]

describe('parseIdx', () => {
  it('reads bytes as a view of the file', () => {
    const file = Uint8Array.from([...header(8, 2, 3), 1, 2, 3, 4, 5, 6])
    const { shape, data } = parseIdx(file)
    expect(shape).toEqual([2, 3])
    expect(Array.from(data)).toEqual([1, 2, 3, 4, 5, 6])
    expect(data.buffer).toBe(file.buffer)
  })

  it('reads big-endian numbers of every width, also from the middle of a larger buffer', () => {
    const cases: [number, number[], number[]][] = [
      [9, [255, 1], [-1, 1]],
      [11, [255, 254, 0, 3], [-2, 3]],
      [12, [255, 255, 255, 255, 0, 0, 1, 0], [-1, 256]],
      [13, [0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0], [1, -2]],
      [14, [0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0], [1, -2]],
    ]
    for (const [code, bytes, values] of cases) {
      const padded = Uint8Array.from([9, 9, 9, ...header(code, 2), ...bytes])
      expect(Array.from(parseIdx(padded.subarray(3)).data)).toEqual(values)
    }
  })

  it('reads a scalar and empty arrays', () => {
    expect(parseIdx(Uint8Array.from([...header(8), 7]))).toEqual({ shape: [], data: Uint8Array.of(7) })
    expect(parseIdx(Uint8Array.from(header(8, 0, 28, 28))).shape).toEqual([0, 28, 28])
  })

  it('says when a file is no IDX file', () => {
    expect(() => parseIdx(Uint8Array.of(0x1f, 0x8b, 8, 0), 'labels.gz')).toThrow(
      'labels.gz: this is not an IDX file.\n  Expected: bytes 00 00, then an element type of 08, 09 or 0b to 0e, then the rank\n' +
        '  Received: 4 bytes that start with 1f 8b 08 00\n  Hint: was it decompressed?',
    )
    expect(() => parseIdx(new Uint8Array(0))).toThrow('Received: 0 bytes\n')
  })

  it('checks the header against the bytes that are there before allocating', () => {
    const huge = Uint8Array.from(header(14, 0xffffffff, 0xffffffff))
    expect(() => parseIdx(huge, 'x')).toThrow(/x: the IDX header does not fit the file.*float64 \(4294967295, 4294967295\)/s)
    expect(() => parseIdx(Uint8Array.from([...header(8, 2, 2), 1, 2, 3]))).toThrow(
      'Expected: 16 bytes for uint8 (2, 2)\n  Received: 15 bytes',
    )
    expect(() => parseIdx(Uint8Array.from([0, 0, 8, 3, 0, 0]))).toThrow('the IDX header is cut off')
  })

  it('answers any bytes with an array or a DataError', () => {
    const start = fc
      .tuple(fc.constantFrom(0, 1), fc.constant(0), fc.integer({ min: 7, max: 15 }), fc.nat(4))
      .map((bytes) => Uint8Array.from(bytes))
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 40 }), (first, rest) => {
        try {
          parseIdx(Uint8Array.from([...first, ...rest]))
        } catch (error) {
          expect(error).toBeInstanceOf(DataError)
        }
      }),
    )
  })
})
