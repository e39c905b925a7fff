import { describe, expect, it } from 'vitest'
import * as tree from './index.js'

describe('tree', () => {
  const nested = { b: [1, { y: 2, x: 3 }], a: 4 }

  it('takes structures apart and puts them together', () => {
    expect(tree.isNested([])).toBe(true)
    expect(tree.isNested(new Date())).toBe(false)
    expect(tree.flatten(nested)).toEqual([4, 1, 3, 2])
    expect(tree.flatten(5)).toEqual([5])
    expect(tree.flattenWithPath({ foo: 42, bar: [1, 2] })).toEqual([
      [['bar', 0], 1],
      [['bar', 1], 2],
      [['foo'], 42],
    ])
    const packed = tree.packSequenceAs(nested, [40, 10, 30, 20])
    expect(packed).toEqual({ b: [10, { y: 20, x: 30 }], a: 40 })
    expect(Object.keys(packed as object)).toEqual(['b', 'a'])
    expect(() => tree.packSequenceAs([1, 2], [1])).toThrow(/not as many leaves/)
  })

  it('maps several structures together', () => {
    const add = (a: number, b: number): number => a + b
    expect(tree.mapStructure(add, [1, { x: 2 }], [10, { x: 20 }])).toEqual([11, { x: 22 }])
    expect(() => tree.mapStructure(add, [1, 2], [1])).toThrow(/structures differ/)
    expect(tree.mapStructure((x: number | null) => x === null, [1, null])).toEqual([false, true])
    expect(tree.mapStructure((x: number) => x + 1, [1, null], { noneIsLeaf: false })).toEqual([2, null])
    expect(tree.mapStructureUpTo([null, null], (x: number[], y: number) => x.length + y, [[1, 2], [3]], [10, 20])).toEqual([12, 21])
    expect(() => tree.mapStructureUpTo([null, null], (x: number) => x, [1])).toThrow(/differ/)
    expect(tree.mapShapeStructure((shape) => shape.length, { a: [null, 3], b: [[2], [1, 2, 3]] })).toEqual({ a: 2, b: [1, 3] })
    expect(() => tree.mapShapeStructure((shape) => shape, 'x')).toThrow(/no shape/)
  })

  it('compares structures', () => {
    expect(() => tree.assertSameStructure([1, { a: 2 }], [3, { a: 4 }])).not.toThrow()
    expect(() => tree.assertSameStructure([1, 2], { 0: 1, 1: 2 })).toThrow(/differ/)
    expect(() => tree.assertSameStructure({ a: 1 }, { b: 1 })).toThrow(/{a: ·}/)
    expect(() => tree.assertSamePaths([1, 2], { 0: 1, 1: 2 })).not.toThrow()
    expect(() => tree.assertSamePaths([1, [2]], [1, 2])).toThrow(/differ/)
  })

  it('traverses from the top and from the leaves', () => {
    const seen: unknown[] = []
    tree.traverse((part) => void seen.push(part), [1, [2]])
    expect(seen).toEqual([[1, [2]], 1, [2], 2])
    seen.length = 0
    tree.traverse((part) => void seen.push(part), [1, [2]], { topDown: false })
    expect(seen).toEqual([1, 2, [2], [1, [2]]])
    const stop = (part: unknown): unknown =>
      Array.isArray(part) && part.length === 1 ? tree.MAP_TO_NONE : typeof part === 'number' ? part * 2 : null
    expect(tree.traverse(stop, [1, [2]])).toEqual([2, null])
    expect(Object.isFrozen(tree.listsToTuples([1, [2]]))).toBe(true)
  })
})
