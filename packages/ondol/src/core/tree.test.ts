import { describe, expect, it } from 'vitest'
import { flatten, mapTree, structureKey, type Tree, unflatten } from './tree.js'

class Leaf {
  constructor(readonly name: string) {}
}

describe('trees', () => {
  const tree: Tree<number> = { b: [1, { c: 2 }], a: 3, empty: [] }

  it('flatten in order and come back', () => {
    expect(flatten(tree)).toEqual([1, 2, 3])
    expect(unflatten(tree, ['x', 'y', 'z'])).toEqual({ b: ['x', { c: 'y' }], a: 'z', empty: [] })
    expect(flatten(5)).toEqual([5])
  })

  it('map with the path of each leaf', () => {
    expect(mapTree(tree, (leaf, path) => `${path}=${leaf}`)).toEqual({ b: ['b.0=1', { c: 'b.1.c=2' }], a: 'a=3', empty: [] })
  })

  it('take anything but arrays and plain records as a leaf', () => {
    const leaves = [new Leaf('x'), Float32Array.of(1, 2), new Map(), null, Object.create(null) as Record<string, never>]
    expect(flatten(leaves as Tree<unknown>)).toEqual(leaves.slice(0, 4))
  })

  it('have equal keys when and only when they have one structure', () => {
    expect(structureKey({ a: [1, 2] })).toBe(structureKey({ a: ['x', new Leaf('y')] }))
    const structures = [1, [], [1], [[1]], [1, 1], {}, { a: 1 }, { b: 1 }, { a: [1] }, { 'a:*': 1 }]
    expect(new Set(structures.map(structureKey)).size).toBe(structures.length)
  })
})
