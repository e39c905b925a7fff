// What tests of linear algebra compare by: numbers, random matrices, gradients against differences.
import { expect } from 'vitest'
import { GradientTape, type Tensor } from '../../../engine/index.js'
import * as random from '../../../random/index.js'
import * as ops from '../../index.js'

export const numbers = (x: Tensor): number[] => Array.from(x.dataSync(), Number)
const largest = (x: Tensor): number => Math.max(0, ...numbers(ops.abs(x)))
export const expectEqual = (a: Tensor, b: Tensor, tolerance = 1e-4): void =>
  expect(largest(ops.subtract(a, b))).toBeLessThan(tolerance * Math.max(1, largest(b)))
export const matrix = (...shape: number[]): Tensor => random.normal(shape, { seed: shape.reduce((a, b) => a * 7 + b, 3) })

/** The gradient of `f` at x against central differences in some directions. */
export function expectGradient(f: (x: Tensor) => Tensor, x: Tensor, tolerance = 2e-2): void {
  using tape = new GradientTape()
  tape.watch(x)
  const gradient = tape.gradient(f(x), x) as Tensor
  for (const seed of [1, 2, 3]) {
    const direction = random.normal(x.shape, { seed })
    const step = 1e-2
    const at = (factor: number): number => numbers(f(ops.add(x, ops.multiply(direction, factor))))[0] as number
    const slope = (at(step) - at(-step)) / (2 * step)
    const found = numbers(ops.sum(ops.multiply(gradient, direction)))[0] as number
    expect(Math.abs(found - slope)).toBeLessThan(tolerance * Math.max(1, Math.abs(slope)))
  }
}
