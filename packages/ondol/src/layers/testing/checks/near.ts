/** Outputs against outputs. */
import { expect } from 'vitest'
import type { Tensor } from '../../../engine/index.js'

/** Within `tolerance` of the largest number; strings and whole numbers are the same. */
export function expectNear(actual: readonly Tensor[], expected: readonly Tensor[], tolerance: number): void {
  expect(actual.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape))
  actual.forEach((output, i) => {
    const [found, wanted] = [output.dataSync(), (expected[i] as Tensor).dataSync()]
    if (typeof wanted[0] === 'string') {
      expect(found).toEqual(wanted)
      return
    }
    const scale = Array.from(wanted).reduce((largest, value) => Math.max(largest, Math.abs(value)), 1)
    wanted.forEach((value, at) => {
      const difference = Math.abs((found[at] as number) - value)
      if (!(difference <= tolerance * scale)) expect.fail(`output ${i}[${at}]: ${found[at]} instead of ${value}`)
    })
  })
}
