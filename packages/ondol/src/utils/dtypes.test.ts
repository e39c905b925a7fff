import { describe, expect, it } from 'vitest'
import { readVectors } from '../testing/vectors.js'
import { clearSession, getUid, isFloatDtype, isIntDtype, resultType, standardizeDtype } from './index.js'

describe('dtypes', () => {
  it('have names', () => {
    expect([standardizeDtype(null), standardizeDtype('bool'), standardizeDtype('int64')]).toEqual(['float32', 'bool', 'int32'])
    expect(() => standardizeDtype('complex64')).toThrow(/unknown dtype/)
  })

  it('are of fractions, of whole numbers, or neither', () => {
    const kinds = ['float16', 'bfloat16', 'double', null, 'uint8', 'int64', 'bool'].map((name) => [isFloatDtype(name), isIntDtype(name)])
    const [fraction, whole, neither] = [
      [true, false],
      [false, true],
      [false, false],
    ]
    expect(kinds).toEqual([fraction, fraction, fraction, fraction, whole, whole, neither])
    expect(() => isIntDtype('integer')).toThrow(/unknown dtype[\s\S]*Received: integer/)
  })

  it('meet as in Keras', () => {
    const plain = (name: string): string => name.replace('python ', '') // plain numbers of Python
    const table = readVectors<Record<string, Record<string, string>>>('dtypes')
    for (const [a, row] of Object.entries(table)) {
      for (const [b, met] of Object.entries(row)) expect(resultType(plain(a), plain(b)), `${a} and ${b}`).toBe(met)
    }
    expect([
      resultType(),
      resultType('bfloat16', 'int'),
      resultType('int32', 'float'),
      resultType('int'),
      resultType(null, 'uint8'),
    ]).toEqual(['float32', 'bfloat16', 'float32', 'int32', 'float32'])
  })
})

it('counts names by prefix', () => {
  clearSession()
  expect([getUid('dense'), getUid('dense'), getUid('conv')]).toEqual([1, 2, 1])
  clearSession()
  expect(getUid('dense')).toBe(1)
})
