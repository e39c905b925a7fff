import { describe, expect, it } from 'vitest'
import { broadcastShapes, formatShape, normalizeAxes, normalizeAxis, rowMajorStrides, sameShape, sizeOf } from './shape.js'

describe('shapes', () => {
  it('have sizes and strides', () => {
    expect(sizeOf([])).toBe(1)
    expect(sizeOf([2, 0, 3])).toBe(0)
    expect(rowMajorStrides([2, 3, 4])).toEqual([12, 4, 1])
    expect(rowMajorStrides([])).toEqual([])
  })

  it('print as in Keras', () => {
    expect([[], [3], [2, null, 3]].map(formatShape)).toEqual(['()', '(3,)', '(2, None, 3)'])
  })

  it('are compared by rank and sizes', () => {
    expect(sameShape([2, null], [2, null])).toBe(true)
    expect(sameShape([2], [2, 1])).toBe(false)
  })

  it.each([
    [
      [2, 1, 3],
      [4, 1],
      [2, 4, 3],
    ],
    [[], [5], [5]],
    [[0], [1], [0]],
    [
      [1, 7],
      [3, 1],
      [3, 7],
    ],
  ])('%j and %j broadcast to %j', (a, b, result) => {
    expect(broadcastShapes(a, b, 'add')).toEqual(result)
    expect(broadcastShapes(b, a, 'add')).toEqual(result)
  })

  it('that do not broadcast are both shown', () => {
    expect(() => broadcastShapes([2, 3], [4], 'add')).toThrow(
      'add: shapes (2, 3) and (4,) cannot be broadcast together.\n  Expected: sizes that are equal or 1, compared from the last axis\n  Received: 3 against 4 on axis -1',
    )
  })
})

describe('axes', () => {
  it('count from either end', () => {
    expect([0, 2, -1, -3].map((axis) => normalizeAxis(axis, 3, 'sum'))).toEqual([0, 2, 2, 0])
    expect(normalizeAxes([-1, 0], 3, 'sum')).toEqual([0, 2])
    expect(normalizeAxes(-2, 3, 'sum')).toEqual([1])
    expect(normalizeAxes(null, 2, 'sum')).toEqual([0, 1])
    expect(normalizeAxes([], 2, 'sum')).toEqual([])
  })

  it('that are not there, or there twice, are errors', () => {
    expect(() => normalizeAxis(3, 3, 'sum')).toThrow(
      'sum: axis 3 does not exist.\n  Expected: an integer from -3 to 2\n  Received: axis=3 for a tensor of rank 3',
    )
    expect(() => normalizeAxis(0, 0, 'sum')).toThrow('a tensor with at least one axis')
    expect(() => normalizeAxis(0.5, 2, 'sum')).toThrow('axis 0.5 does not exist')
    expect(() => normalizeAxes([0, -2], 2, 'sum')).toThrow('sum: an axis is named twice')
  })
})
