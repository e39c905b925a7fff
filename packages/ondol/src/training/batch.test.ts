import { describe, expect, it } from 'vitest'
import { packXYSampleWeight, unpackXYSampleWeight } from './batch.js'

describe('batches', () => {
  it('are taken apart and put together', () => {
    expect(unpackXYSampleWeight('x')).toEqual(['x', null, null])
    expect(unpackXYSampleWeight(['x'])).toEqual(['x', null, null])
    expect(unpackXYSampleWeight(['x', 'y'])).toEqual(['x', 'y', null])
    expect(unpackXYSampleWeight(['x', null, 'w'])).toEqual(['x', null, 'w'])
    expect(() => unpackXYSampleWeight([1, 2, 3, 4])).toThrow(/no batch[\s\S]*a list of 4/)
    expect(() => unpackXYSampleWeight([])).toThrow(/no batch/)
    expect(packXYSampleWeight('x')).toBe('x')
    expect(packXYSampleWeight<unknown>(['a', 'b'])).toEqual([['a', 'b']])
    expect(packXYSampleWeight('x', 'y')).toEqual(['x', 'y'])
    expect(packXYSampleWeight('x', 'y', 'w')).toEqual(['x', 'y', 'w'])
  })
})
