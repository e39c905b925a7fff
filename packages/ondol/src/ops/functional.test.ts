import { describe, expect, it } from 'vitest'
import { setBackend } from '../backends/load.js'
import * as ops from './index.js'
import { associativeScan, jvp, rearrange, switchCase } from './index.js'
import { KerasTensor } from './operation.js'

await setBackend('host')
const numbers = (x: { dataSync(): ArrayLike<number | boolean> }): number[] => Array.from(x.dataSync(), Number)

describe('rearrange', () => {
  const x = ops.reshape(ops.arange(24), [2, 3, 4])

  it('keeps the axes that ... stands for', () => {
    expect(rearrange(x, '... c -> c ...').shape).toEqual([4, 2, 3])
    expect(rearrange(x, 'b ... -> (...) b').shape).toEqual([12, 2])
    expect(rearrange(x, 'b h w -> b 1 h w').shape).toEqual([2, 1, 3, 4])
  })

  it('works on symbols of known shape', () => {
    expect(rearrange(new KerasTensor([5, 8]), 'b (h p) -> b h p', { p: 2 }).shape).toEqual([5, 4, 2])
  })

  it('says what does not fit', () => {
    expect(() => rearrange(x, 'b h -> h b')).toThrow(/another number of axes/)
    expect(() => rearrange(x, 'b h w -> b h')).toThrow(/'w' is on one side only/)
    expect(() => rearrange(x, 'b (h p) w -> b h p w', { p: 2 })).toThrow(/axis 1 [\s\S]*size that 2 divides/)
    expect(() => rearrange(x, 'b (h p) w -> b h p w')).toThrow(/sizes for all but one of h, p/)
    expect(() => rearrange(x, 'b (h w -> b h w')).toThrow(/cannot be read/)
    expect(() => rearrange(x, 'b h w')).toThrow(/cannot be read/)
  })
})

describe('isTensor and dtype', () => {
  it('tell tensors from other things', () => {
    expect([ops.asTensor(1), new KerasTensor([null]), 1, [1], null].map(ops.isTensor)).toEqual([true, true, false, false, false])
    expect(ops.dtype(new KerasTensor([2], { dtype: 'int32' }))).toBe('int32')
  })
})

describe('functions of functions', () => {
  it('take one branch of several', () => {
    const branches = [0, 1, 2].map((n) => (y: ReturnType<typeof ops.asTensor>) => ops.add(y, 10 * n))
    expect([-5, 0, 1, 2, 9].map((index) => numbers(switchCase(index, branches, ops.asTensor(1)))[0])).toEqual([1, 1, 11, 21, 21])
  })

  it('map slices', () => {
    const rows = ops.reshape(ops.arange(6), [3, 2])
    expect(numbers(ops.map((row) => ops.sum(row), rows))).toEqual([1, 5, 9])
    const [low, high] = ops.vectorizedMap((row: ReturnType<typeof ops.asTensor>) => [ops.min(row), ops.max(row)] as const, rows)
    expect([numbers(low), numbers(high)]).toEqual([
      [0, 2, 4],
      [1, 3, 5],
    ])
  })

  it('combine running parts', () => {
    const y = associativeScan((a, b) => ops.add(a, b), ops.asTensor([1, 2, 3, 4, 5]))
    expect(numbers(y)).toEqual([1, 3, 6, 10, 15])
    const back = associativeScan((a, b) => ops.maximum(a, b), ops.asTensor([[1, 5, 2]]), { axis: 1, reverse: true })
    expect(numbers(back)).toEqual([5, 5, 2])
    // Composition of affine maps: associative, but the order counts.
    const [a, b] = associativeScan<[ReturnType<typeof ops.asTensor>, ReturnType<typeof ops.asTensor>]>(
      ([a1, b1], [a2, b2]) => [ops.multiply(a2, a1), ops.add(ops.multiply(a2, b1), b2)],
      [ops.asTensor([2, 3, 4, 0.5]), ops.asTensor([1, 1, 1, 1])],
    )
    expect(numbers(a)).toEqual([2, 6, 24, 12])
    expect(numbers(b)).toEqual([1, 4, 17, 9.5])
  })

  it('give derivatives in a direction', () => {
    const [y, slope] = jvp(
      (u, v) => [ops.multiply(u, v), ops.sin(u)],
      [ops.asTensor([1, 2]), ops.asTensor([3, 4])],
      [
        [1, 0],
        [0, 1],
      ],
    )
    expect((y as ReturnType<typeof ops.asTensor>[]).map(numbers)[0]).toEqual([3, 8])
    const [first, second] = (slope as ReturnType<typeof ops.asTensor>[]).map(numbers) as [number[], number[]]
    expect(first).toEqual([3, 2])
    expect(second[0]).toBeCloseTo(Math.cos(1), 6)
    expect(second[1]).toBeCloseTo(0, 9)
    const [, , aux] = jvp((u) => [ops.square(u), ops.negative(u)], [ops.asTensor(3)], [1], { hasAux: true })
    expect(numbers(aux as ReturnType<typeof ops.asTensor>)).toEqual([-3])
  })
})
