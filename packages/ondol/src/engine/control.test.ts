import { describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { grad, jit, lax, scan, type Tensor, tensor, useBackend } from './index.js'

useBackend(createHostBackend())

const PRODUCT = { batchA: [], batchB: [], contractA: [1], contractB: [0] }
const at = (x: Tensor, step: number): Tensor => lax.reshape(lax.slice(x, [step, 0, 0], [1, ...x.shape.slice(1)]), x.shape.slice(1))

/** One step of a small recurrent network: h' = tanh(x + h · w + b). */
const step = (h: Tensor, x: Tensor, w: Tensor, b: Tensor): Tensor =>
  lax.tanh(lax.add(lax.add(x, lax.dot(h, w, PRODUCT)), lax.broadcast(b, x.shape, [1])))

const x = tensor(Array.from({ length: 24 }, (_, i) => Math.sin(i)), [4, 2, 3]) // biome-ignore format: short
const w = tensor(Array.from({ length: 9 }, (_, i) => Math.cos(i) / 2), [3, 3]) // biome-ignore format: short
const b = tensor([0.1, -0.2, 0.3])
const zeros = lax.full([2, 3], 'float32', 0)

const looped = (reverse: boolean) => (parameters: Tensor[]) => {
  const [weight, bias, sequence] = parameters as [Tensor, Tensor, Tensor]
  const [[last], [all]] = scan(([h], [element]) => {
    const next = step(h as Tensor, element as Tensor, weight, bias)
    return [[next], [next]]
  }, [zeros], [sequence], { reverse }) as [[Tensor], [Tensor]] // biome-ignore format: one call
  return lax.reduceSum(lax.add(lax.reduceSum(lax.mul(all, all), [0]), last), [0, 1])
}

const writtenOut = (reverse: boolean) => (parameters: Tensor[]) => {
  const [weight, bias, sequence] = parameters as [Tensor, Tensor, Tensor]
  let h = zeros
  let total: Tensor | undefined
  for (const i of reverse ? [3, 2, 1, 0] : [0, 1, 2, 3]) {
    h = step(h, at(sequence, i), weight, bias)
    const square = lax.mul(h, h)
    total = total === undefined ? square : lax.add(total, square)
  }
  return lax.reduceSum(lax.add(total as Tensor, h), [0, 1])
}

function expectEqual(actual: readonly (Tensor | null)[], wanted: readonly (Tensor | null)[]): void {
  actual.forEach((gradient, i) => {
    gradient?.dataSync().forEach((value, at) => expect(value).toBeCloseTo(wanted[i]?.dataSync()[at] as number, 4))
  })
}

describe('the gradient of a scan', () => {
  it.each([false, true])('is that of the loop written out (reverse: %s)', (reverse) => {
    const wanted = grad(writtenOut(reverse))([w, b, x])
    expectEqual(grad(looped(reverse))([w, b, x]), wanted)
    expectEqual(jit((p: Tensor[]) => grad(looped(reverse))(p))([w, b, x]), wanted)
  })

  it('has a gradient', () => {
    const penalty = (f: (p: Tensor[]) => Tensor) => (p: Tensor[]) => {
      const [dw] = grad(f)(p) as [Tensor]
      return lax.reduceSum(lax.mul(dw, dw), [0, 1])
    }
    expectEqual(grad(penalty(looped(false)))([w, b, x]), grad(penalty(writtenOut(false)))([w, b, x]))
  })

  it('sums products over steps after the loop, and saves only what the way back reads', () => {
    const text = jit((p: Tensor[]) => grad(looped(false))(p)).inspect([w, b, x])
    const [, , backwardLoop = ''] = text.split(' = scan ')
    // dw and db are one product and one sum over steps and batch; inside the loop only h · w remains.
    expect(backwardLoop).toMatch(/= dot .*contractA=\[0,1\] contractB=\[0,1\]/)
    expect(backwardLoop).toMatch(/= reduceSum .*axes=\[0,1\]/)
    expect(backwardLoop.split('return')[0]?.match(/= dot /g)?.length).toBe(1)
  })
})
