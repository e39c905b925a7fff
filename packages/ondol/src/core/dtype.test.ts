import { describe, expect, it } from 'vitest'
import {
  allocate,
  type DType,
  fromBfloat16Bits,
  fromFloat16Bits,
  promote,
  readElement,
  roundHalfEven,
  toBfloat16Bits,
  toFloat16Bits,
  toInt32,
  type WeakDType,
  writeElement,
} from './dtype.js'

const float32 = new Float32Array(1)
const float32Bits = new Uint32Array(float32.buffer)
const float32FromBits = (bits: number): number => {
  float32Bits[0] = bits
  return float32[0] as number
}

describe('bfloat16', () => {
  it('is the upper half of float32, for all 65,536 patterns, and comes back', () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = fromBfloat16Bits(bits)
      if (Number.isNaN(value)) {
        expect((bits & 0x7f80) === 0x7f80 && (bits & 0x7f) !== 0).toBe(true)
        expect(Number.isNaN(fromBfloat16Bits(toBfloat16Bits(value)))).toBe(true)
      } else if (!Object.is(value, float32FromBits(bits * 65536)) || toBfloat16Bits(value) !== bits) {
        expect.fail(`pattern ${bits.toString(16)} gives ${value}, which gives ${toBfloat16Bits(value).toString(16)}`)
      }
    }
  })

  it('rounds to the nearest, ties to even, for every gap between finite neighbours', () => {
    for (let bits = 0; bits < 0x7f7f; bits++) {
      const even = bits % 2 === 0 ? bits : bits + 1
      const tie = bits * 65536 + 0x8000
      const rounded = [tie - 1, tie, tie + 1].map((pattern) => toBfloat16Bits(float32FromBits(pattern)))
      if (rounded[0] !== bits || rounded[1] !== even || rounded[2] !== bits + 1) expect.fail(`above ${bits.toString(16)}: ${rounded}`)
    }
  })

  it('overflows to infinity', () => {
    expect(toBfloat16Bits(3.4e38)).toBe(0x7f80)
    expect(toBfloat16Bits(-1e300)).toBe(0xff80)
  })
})

describe('float16', () => {
  it('comes back from all 65,536 patterns', () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = fromFloat16Bits(bits)
      if (Number.isNaN(value)) {
        expect((bits & 0x7c00) === 0x7c00 && (bits & 0x3ff) !== 0).toBe(true)
        expect(Number.isNaN(fromFloat16Bits(toFloat16Bits(value)))).toBe(true)
      } else if (toFloat16Bits(value) !== bits) {
        expect.fail(`pattern ${bits.toString(16)} gives ${value}, which gives ${toFloat16Bits(value).toString(16)}`)
      }
    }
  })

  it.each([
    [0x0001, 2 ** -24],
    [0x03ff, 1023 * 2 ** -24],
    [0x0400, 2 ** -14],
    [0x3555, 0.333251953125],
    [0x3c00, 1],
    [0x7bff, 65504],
    [0x7c00, Number.POSITIVE_INFINITY],
    [0xc000, -2],
  ])('reads %i as %f', (bits, value) => expect(fromFloat16Bits(bits)).toBe(value))

  it('rounds to the nearest, ties to even, for every gap between finite neighbours', () => {
    for (let bits = 0; bits < 0x7bff; bits++) {
      const [low, high] = [fromFloat16Bits(bits), fromFloat16Bits(bits + 1)]
      const tie = (low + high) / 2
      const nudge = (high - low) / 1024
      const rounded = [tie - nudge, tie, tie + nudge].map(toFloat16Bits)
      const even = bits % 2 === 0 ? bits : bits + 1
      if (rounded[0] !== bits || rounded[1] !== even || rounded[2] !== bits + 1) expect.fail(`above ${bits.toString(16)}: ${rounded}`)
    }
  })

  it('overflows half a step beyond the greatest', () => {
    expect([65504, 65519.99, 65520, -1e9].map(toFloat16Bits)).toEqual([0x7bff, 0x7bff, 0x7c00, 0xfc00])
  })
})

/** What Keras 3.15's `result_type` gives (TensorFlow backend, which keeps float64). 'int' and 'float' are plain numbers. */
const PROMOTION: Record<DType | WeakDType, readonly DType[]> = {
  bool: ['bool', 'uint8', 'int32', 'bfloat16', 'float16', 'float32', 'float64', 'int32', 'float32'],
  uint8: ['uint8', 'uint8', 'int32', 'bfloat16', 'float16', 'float32', 'float64', 'uint8', 'float32'],
  int32: ['int32', 'int32', 'int32', 'bfloat16', 'float16', 'float32', 'float64', 'int32', 'float32'],
  bfloat16: ['bfloat16', 'bfloat16', 'bfloat16', 'bfloat16', 'float32', 'float32', 'float64', 'bfloat16', 'bfloat16'],
  float16: ['float16', 'float16', 'float16', 'float32', 'float16', 'float32', 'float64', 'float16', 'float16'],
  float32: ['float32', 'float32', 'float32', 'float32', 'float32', 'float32', 'float64', 'float32', 'float32'],
  float64: ['float64', 'float64', 'float64', 'float64', 'float64', 'float64', 'float64', 'float64', 'float64'],
  int: ['int32', 'uint8', 'int32', 'bfloat16', 'float16', 'float32', 'float64', 'int32', 'float32'],
  float: ['float32', 'float32', 'float32', 'bfloat16', 'float16', 'float32', 'float64', 'float32', 'float32'],
}
const TYPES = Object.keys(PROMOTION) as (DType | WeakDType)[]

describe('promotion', () => {
  it.each(TYPES)('of %s with everything is that of Keras', (type) => {
    expect(TYPES.map((other) => promote([type, other]))).toEqual(PROMOTION[type])
  })

  it('is of any number of types, and lets floatx decide about plain numbers', () => {
    expect(promote(['uint8', 'int', 'float16'])).toBe('float16')
    expect(promote(['bfloat16', 'float16', 'bfloat16'])).toBe('float32')
    expect(promote(['int32', 'float'], 'bfloat16')).toBe('bfloat16')
    expect(promote(['bool'])).toBe('bool')
  })
})

describe('elements', () => {
  const stored = (dtype: DType, value: number): number => {
    const storage = allocate(dtype, 1)
    writeElement(dtype, storage, 0, value)
    return readElement(dtype, storage, 0)
  }

  it('truncate and saturate as int32', () => {
    expect([1.9, -1.9, 3e9, -3e9, Number.NaN, Number.POSITIVE_INFINITY].map((value) => stored('int32', value))).toEqual([
      1, -1, 2147483647, -2147483648, 0, 2147483647,
    ])
    expect(toInt32(2147483646.9)).toBe(2147483646)
  })

  it('wrap as uint8, after saturating as int32', () => {
    expect([255, 256, 300.7, -1, -1.5, 1e10].map((value) => stored('uint8', value))).toEqual([255, 0, 44, 255, 255, 255])
  })

  it('are true unless zero as bool', () => {
    expect([0, -0, 0.1, -3, Number.NaN].map((value) => stored('bool', value))).toEqual([0, 0, 1, 1, 1])
  })

  it('round as floats', () => {
    expect(stored('float64', 0.1)).toBe(0.1)
    expect(stored('float32', 0.1)).toBe(Math.fround(0.1))
    expect(stored('bfloat16', 0.1)).toBe(0.10009765625)
    expect(stored('float16', 0.1)).toBe(0.0999755859375)
  })
})

it('rounds halves to even', () => {
  expect([0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 2.4, 2.6, 2 ** 51 + 0.5].map(roundHalfEven)).toEqual([0, 2, 2, -0, -2, -2, 2, 3, 2 ** 51])
})
