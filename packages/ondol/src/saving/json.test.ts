import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SavingError } from '../core/errors.js'
import { formatJson, parseJson } from './json.js'

describe('JSON of files', () => {
  it('is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (text) => {
        if (/__proto__|constructor|prototype/.test(text)) return
        expect(parseJson(text, 'text')).toEqual(JSON.parse(text))
      }),
    )
  })

  it('is what JSON.parse refuses, with its place', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 2 }), fc.nat(60), fc.constantFrom('"', '{', ',', ']', '\\', '\u0001', '#'), (text, at, wrong) => {
        const broken = text.slice(0, at) + wrong + text.slice(at)
        let isValid = true
        try {
          JSON.parse(broken)
        } catch {
          isValid = false
        }
        if (isValid) return
        expect(() => parseJson(broken, 'text')).toThrow(SavingError)
      }),
    )
    expect(() => parseJson('{"a": [1,\n  2 3]}', 'config.json')).toThrow(
      /config\.json, line 2, column 5: this is not JSON[\s\S]*',' or ']'[\s\S]*"3\]}"/,
    )
  })

  it("has Python's numbers that are not numbers", () => {
    expect(parseJson('[NaN, Infinity, -Infinity]', 'text')).toEqual([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
    expect(() => parseJson('[00]', 'text')).toThrow(SavingError)
    expect(formatJson([Number.NaN, Number.NEGATIVE_INFINITY], 'text')).toBe('[NaN, -Infinity]')
    expect(formatJson({ a: 1, b: [null, undefined, 'ü"'], c: undefined }, 'text')).toBe('{"a": 1, "b": [null, null, "ü\\""]}')
  })

  it('cannot reach into objects, nor exhaust the stack', () => {
    for (const key of ['__proto__', 'constructor', 'prototype', '\\u005f_proto__'])
      expect(() => parseJson(`{"a": {"${key}": {"polluted": 1}}}`, 'text')).toThrow(/is not allowed/)
    expect(() => parseJson('['.repeat(100_000), 'text')).toThrow(/nested deeper than 400/)
    const long = 'a\\n"'.repeat(5e6)
    expect(parseJson(JSON.stringify(long), 'text')).toBe(long)
    const self: unknown[] = []
    self.push(self)
    expect(() => formatJson(self, 'text')).toThrow(/contains itself/)
    expect(() => formatJson({ f: () => 1 }, 'model')).toThrow(/a function cannot be written/)
  })
})
